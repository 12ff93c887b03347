/* What a container has sent and received. Private to daemon/container. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* Since its network namespace was made, by all its interfaces but the loopback; -1: not known. */
struct traffic {
	int64_t rx_bytes, tx_bytes;
	int64_t rx_packets, tx_packets;
};

/* pid is a process in the namespace, which is not reaped yet. */
void traffic_read(pid_t pid, struct traffic *ret);
