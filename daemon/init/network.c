#include "daemon/init/network.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "daemon/init/report.h"

static int make_namespace(struct error *err)
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

int network_enter(const struct setup *setup, struct error *err)
{
	const uint32_t flags = setup->plan.flags;

	if (flags & PLAN_NETWORK_HOST)
		return 0;
	if (flags & PLAN_NETWORK_JOIN) {
		if (setns(setup->fds[plan_stream_fds(flags) - 1], CLONE_NEWNET) < 0)
			return error_set_errno(
				err, errno, "enter the network namespace of the other container");
		return 0;
	}
	if (make_namespace(err) < 0)
		return -1;
	if (flags & PLAN_NETWORK)
		report_network();
	return 0;
}

int network_wait(const struct setup *setup, struct error *err)
{
	struct order order;
	ssize_t n;

	if (!(setup->plan.flags & PLAN_NETWORK))
		return 0;
	do
		n = recv(PLAN_CONTROL_FD, &order, sizeof(order), 0);
	while ((n < 0 && errno == EINTR) || (n == (ssize_t)sizeof(order) && order.signal));
	if (n != (ssize_t)sizeof(order))
		return error_set(err, ERROR_FAILED, "the daemon is gone");
	return 0;
}
