#include "daemon/network/firewall_watch.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <event2/event_struct.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/network/netlink.h"

enum { TELL_AFTER_MS = 20, MESSAGES_SIZE = 16 * 1024 };

/* What a transaction has done. */
struct doings {
	bool ours_made, ours_gone, others;
};

struct firewall_watch {
	struct firewall_watch_params params;
	int fd;
	struct event events, timer;
	uint32_t self; /* this process, as the kernel names it; 0: not known yet */
	struct doings current, told;
	bool learning;
};

/* --- One message ----------------------------------------------------------------------------- */

/* Attribute 1 is the name of the table in the messages about tables, chains, rules and sets. */
static bool is_ours(const struct firewall_watch *watch, const struct nlmsghdr *message)
{
	const struct nlattr *name = netlink_find(message, sizeof(struct nfgenmsg), NFTA_TABLE_NAME);

	return name && mnl_attr_validate(name, MNL_TYPE_NUL_STRING) >= 0 &&
	       strcmp(mnl_attr_get_str(name), watch->params.table) == 0;
}

static void end_transaction(struct firewall_watch *watch, const struct nlmsghdr *message)
{
	const struct nlattr *id = netlink_find(message, sizeof(struct nfgenmsg), NFTA_GEN_PROC_PID);
	const uint32_t process =
		id && mnl_attr_validate(id, MNL_TYPE_U32) >= 0 ? ntohl(mnl_attr_get_u32(id)) : 0;

	if (watch->learning && watch->current.ours_made) {
		watch->self = process;
		watch->learning = false;
	}
	if (!process || process != watch->self) {
		watch->told.ours_gone |= watch->current.ours_gone;
		watch->told.others |= watch->current.others;
	}
	watch->current = (struct doings){ .others = false };
}

static int on_message(const struct nlmsghdr *message, void *userdata)
{
	struct firewall_watch *watch = userdata;

	if (message->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return MNL_CB_OK;
	switch (message->nlmsg_type & 0xff) {
	case NFT_MSG_NEWGEN:
		end_transaction(watch, message);
		break;
	case NFT_MSG_NEWTABLE:
		watch->current.ours_made |= is_ours(watch, message);
		break;
	case NFT_MSG_DELTABLE:
	case NFT_MSG_DELSET:
	case NFT_MSG_DELSETELEM:
		watch->current.ours_gone |= is_ours(watch, message);
		break;
	case NFT_MSG_DELCHAIN:
	case NFT_MSG_DELRULE:
		if (is_ours(watch, message))
			watch->current.ours_gone = true;
		else
			watch->current.others = true;
		break;
	case NFT_MSG_NEWCHAIN:
	case NFT_MSG_NEWRULE:
		watch->current.others |= !is_ours(watch, message);
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

/* --- The socket ------------------------------------------------------------------------------ */

static void read_messages(struct firewall_watch *watch)
{
	_Alignas(8) unsigned char messages[MESSAGES_SIZE];
	ssize_t n;

	while ((n = recv(watch->fd, messages, sizeof(messages), MSG_DONTWAIT)) > 0 ||
	       (n < 0 && errno == ENOBUFS)) {
		if (n > 0)
			(void)mnl_cb_run(messages, (size_t)n, 0, 0, on_message, watch);
		else /* something was missed: it may have been anything */
			watch->told.ours_gone = watch->told.others = true;
	}
}

static void on_events(evutil_socket_t fd, short what, void *userdata)
{
	static const struct timeval later = { .tv_usec = TELL_AFTER_MS * 1000 };
	struct firewall_watch *watch = userdata;

	(void)fd;
	(void)what;
	read_messages(watch);
	if ((watch->told.ours_gone || watch->told.others) &&
	    !event_pending(&watch->timer, EV_TIMEOUT, NULL))
		(void)event_add(&watch->timer, &later);
}

static void on_timer(evutil_socket_t fd, short what, void *userdata)
{
	struct firewall_watch *watch = userdata;
	const struct doings told = watch->told;

	(void)fd;
	(void)what;
	watch->told = (struct doings){ .others = false };
	watch->params.changed(watch->params.userdata, told.ours_gone, told.others);
}

int firewall_watch_new(const struct firewall_watch_params *params, struct firewall_watch **ret,
		       struct error *err)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	const int group = NFNLGRP_NFTABLES;
	_cleanup_(freep) struct firewall_watch *watch = ALLOC(struct firewall_watch);
	_cleanup_(fd_closep) int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		return error_set_errno(err, errno, "watch the firewall");
	watch->params = *params;
	(void)evtimer_assign(&watch->timer, params->base, on_timer, watch);
	(void)event_assign(&watch->events, params->base, fd, EV_READ | EV_PERSIST, on_events,
			   watch);
	if (event_add(&watch->events, NULL) < 0)
		return error_set(err, ERROR_FAILED, "watch the firewall: out of memory");
	watch->learning = true;
	watch->fd = TAKE_FD(fd);
	*ret = TAKE_PTR(watch);
	return 0;
}

void firewall_watch_learn(struct firewall_watch *watch)
{
	read_messages(watch);
	watch->learning = false;
}

struct firewall_watch *firewall_watch_free(struct firewall_watch *watch)
{
	if (!watch)
		return NULL;
	(void)event_del(&watch->events);
	(void)event_del(&watch->timer);
	(void)fd_close(watch->fd);
	free(watch);
	return NULL;
}
