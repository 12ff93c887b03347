#include "daemon/init/network.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/cleanup.h"

int network_enter(struct error *err)
{
	_cleanup_(fd_closep) int socket_fd = -1;
	struct ifreq loopback = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };

	if (unshare(CLONE_NEWNET) < 0)
		return error_set_errno(err, errno, "make a network namespace");
	socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (socket_fd < 0 || ioctl(socket_fd, SIOCSIFFLAGS, &loopback) < 0)
		return error_set_errno(err, errno, "set the loopback interface up");
	return 0;
}
