#include "daemon/container/traffic.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/fdio.h"

enum { TEXT_MAX = 1 << 20 };

/* "  eth0: BYTES PACKETS errs drop fifo frame compressed multicast BYTES PACKETS ..." (proc(5)). */
static void add_line(const char *line, struct traffic *sum)
{
	unsigned long long rx_bytes, rx_packets, tx_bytes, tx_packets;
	char name[32];

	if (sscanf(line, " %31[^:]: %llu %llu %*u %*u %*u %*u %*u %*u %llu %llu", name, &rx_bytes,
		   &rx_packets, &tx_bytes, &tx_packets) != 5 ||
	    strcmp(name, "lo") == 0)
		return;
	sum->rx_bytes += (int64_t)rx_bytes;
	sum->rx_packets += (int64_t)rx_packets;
	sum->tx_bytes += (int64_t)tx_bytes;
	sum->tx_packets += (int64_t)tx_packets;
}

void traffic_read(pid_t pid, struct traffic *ret)
{
	_cleanup_(freep) char *text = NULL;
	char path[32], *rest, *line;
	struct error ignored;
	size_t size;

	*ret = (struct traffic){ -1, -1, -1, -1 };
	/* A descriptor that stays open would keep the namespace from going with the container. */
	(void)snprintf(path, sizeof(path), "/proc/%d/net/dev", pid);
	if (fd_read_file_at(AT_FDCWD, path, TEXT_MAX, &text, &size, &ignored) < 0)
		return;
	*ret = (struct traffic){ 0 };
	rest = text;
	while ((line = strsep(&rest, "\n")))
		add_line(line, ret);
}
