#include "daemon/network/firewall.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/event_struct.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/network/firewall_text.h"

enum { RESTORE_AFTER_MS = 20, EVENT_SIZE = 16 * 1024 };

struct firewall {
	struct networks *networks;
	struct nft_ctx *nft;
	int events_fd;
	struct event events, restore_timer;
	bool restore_waits;
};

/* --- Commands -------------------------------------------------------------------------------- */

/* Of the library's message, the first line; it quotes the command after that. */
static int explain(struct firewall *firewall, struct error *err)
{
	const char *said = nft_ctx_get_error_buffer(firewall->nft);
	const char *error = said ? strstr(said, "Error: ") : NULL;

	error = error ? error + strlen("Error: ") : "it says nothing";
	return error_set(err, ERROR_FAILED, "nftables: %.*s", (int)strcspn(error, "\n"), error);
}

/* What the events tell from here on was not done by us. */
static void forget_events(const struct firewall *firewall)
{
	char buffer[EVENT_SIZE];

	while (recv(firewall->events_fd, buffer, sizeof(buffer), MSG_DONTWAIT) >= 0 ||
	       errno == ENOBUFS)
		;
}

static int run(struct firewall *firewall, const char *commands, struct error *err)
{
	int r = nft_run_cmd_from_buffer(firewall->nft, commands);

	if (firewall->events_fd >= 0)
		forget_events(firewall);
	return r ? explain(firewall, err) : 0;
}

static int run_text(struct firewall *firewall, struct text *text, struct error *err)
{
	_cleanup_(freep) char *commands = text_take(text);

	return commands[0] ? run(firewall, commands, err) : 0;
}

/* --- When somebody else has wiped them ------------------------------------------------------- */

static void on_restore(evutil_socket_t fd, short what, void *userdata)
{
	struct firewall *firewall = userdata;
	struct networks *networks = firewall->networks;
	struct error err;

	(void)fd;
	(void)what;
	firewall->restore_waits = false;
	if (firewall_restore(firewall, &err) == 0) {
		networks->params.tell("somebody has removed firewall rules of the networks: "
				      "they are there again");
		return;
	}
	(void)error_prefix(&err, "make the firewall's rules again");
	networks->params.complain("", &err);
}

/* Attribute 1 is the name of the table in all of these messages. */
static bool takes_ours_away(const struct firewall *firewall, const struct nlmsghdr *message)
{
	const unsigned int type = message->nlmsg_type & 0xff;
	const size_t fixed = NLMSG_LENGTH(sizeof(struct nfgenmsg));
	const struct nlattr *name =
		(const struct nlattr *)(const void *)((const char *)message + fixed);

	if (message->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES ||
	    (type != NFT_MSG_DELTABLE && type != NFT_MSG_DELCHAIN && type != NFT_MSG_DELRULE &&
	     type != NFT_MSG_DELSET && type != NFT_MSG_DELSETELEM))
		return false;
	return message->nlmsg_len > fixed + sizeof(*name) && name->nla_type == NFTA_TABLE_NAME &&
	       name->nla_len == sizeof(*name) + strlen(firewall->networks->instance) + 1 &&
	       memcmp(name + 1, firewall->networks->instance,
		      strlen(firewall->networks->instance) + 1) == 0;
}

static void on_events(evutil_socket_t fd, short what, void *userdata)
{
	static const struct timeval later = { .tv_usec = RESTORE_AFTER_MS * 1000 };
	struct firewall *firewall = userdata;
	_Alignas(8) unsigned char buffer[EVENT_SIZE];
	bool wiped = false;
	ssize_t n;

	(void)what;
	while ((n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT)) > 0 ||
	       (n < 0 && errno == ENOBUFS)) {
		size_t left = n > 0 ? (size_t)n : 0;
		struct nlmsghdr *message = (struct nlmsghdr *)(void *)buffer;

		wiped |= n < 0; /* something was missed: it may have been that */
		for (; NLMSG_OK(message, left); message = NLMSG_NEXT(message, left))
			wiped |= takes_ours_away(firewall, message);
	}
	if (!wiped || firewall->restore_waits)
		return;
	firewall->restore_waits = true;
	(void)event_add(&firewall->restore_timer, &later);
}

static int watch(struct firewall *firewall, struct error *err)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	const int group = NFNLGRP_NFTABLES;
	struct event_base *base = firewall->networks->params.base;

	firewall->events_fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	if (firewall->events_fd < 0 ||
	    bind(firewall->events_fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    setsockopt(firewall->events_fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
		       sizeof(group)) < 0)
		return error_set_errno(err, errno, "watch the firewall");
	(void)evtimer_assign(&firewall->restore_timer, base, on_restore, firewall);
	(void)event_assign(&firewall->events, base, firewall->events_fd, EV_READ | EV_PERSIST,
			   on_events, firewall);
	if (event_add(&firewall->events, NULL) < 0)
		return error_set(err, ERROR_FAILED, "watch the firewall: out of memory");
	return 0;
}

/* --- The tables ------------------------------------------------------------------------------ */

int firewall_restore(struct firewall *firewall, struct error *err)
{
	struct networks *networks = firewall->networks;
	struct text text = { 0 };
	struct network *network;
	struct endpoint *endpoint;

	firewall_text_tables(&text, networks);
	TAILQ_FOREACH (network, &networks->list, entry) {
		(void)memset(network->known, 0, sizeof(network->known));
		if (!network->bridge_index)
			continue;
		firewall_text_network(&text, network, "add");
		TAILQ_FOREACH (endpoint, &network->endpoints, entry)
			firewall_text_endpoint(&text, endpoint, "add");
	}
	for (const struct publication *p = networks->publications; p; p = p->next)
		if (p->endpoint)
			firewall_text_ports(&text, p, "add");
	return run_text(firewall, &text, err);
}

int firewall_new(struct networks *networks, struct firewall **ret, struct error *err)
{
	struct firewall *firewall = ALLOC(struct firewall);

	firewall->networks = networks;
	firewall->events_fd = -1;
	firewall->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!firewall->nft) {
		free(firewall);
		return error_set(err, ERROR_FAILED, "nftables: no context");
	}
	(void)nft_ctx_buffer_output(firewall->nft);
	(void)nft_ctx_buffer_error(firewall->nft);
	if (firewall_restore(firewall, err) < 0 || watch(firewall, err) < 0) {
		(void)firewall_free(firewall, false);
		return -1;
	}
	*ret = firewall;
	return 0;
}

struct firewall *firewall_free(struct firewall *firewall, bool leave)
{
	const char *name = firewall->networks->instance;
	_cleanup_(freep) char *commands =
		alloc_printf("add table inet %s\nadd table bridge %s\n"
			     "delete table inet %s\ndelete table bridge %s\n",
			     name, name, name, name);
	struct error ignored;

	if (!leave)
		(void)run(firewall, commands, &ignored);
	if (firewall->events_fd >= 0) {
		(void)event_del(&firewall->events);
		(void)event_del(&firewall->restore_timer);
	}
	(void)fd_close(firewall->events_fd);
	nft_ctx_free(firewall->nft);
	free(firewall);
	return NULL;
}

/* --- Elements -------------------------------------------------------------------------------- */

int firewall_add_network(struct firewall *firewall, const struct network *network,
			 struct error *err)
{
	struct text text = { 0 };

	firewall_text_network(&text, network, "add");
	return run_text(firewall, &text, err);
}

void firewall_remove_network(struct firewall *firewall, const struct network *network)
{
	struct text text = { 0 };
	struct error ignored; /* somebody has wiped them */

	firewall_text_network(&text, network, "delete");
	firewall_text_known(&text, network, "delete");
	(void)run_text(firewall, &text, &ignored);
}

int firewall_add_endpoint(struct firewall *firewall, struct endpoint *endpoint, struct error *err)
{
	struct text text = { 0 };

	const uint32_t block = endpoint->index / LEASE_BLOCK;
	const uint64_t before = endpoint->network->known[block / 64];

	firewall_text_endpoint(&text, endpoint, "add");
	if (run_text(firewall, &text, err) == 0)
		return 0;
	endpoint->network->known[block / 64] = before;
	return -1;
}

void firewall_remove_endpoint(struct firewall *firewall, const struct endpoint *endpoint)
{
	struct text text = { 0 };
	struct error ignored;

	if (!endpoint->custom)
		return;
	firewall_text_custom(&text, endpoint, "delete");
	(void)run_text(firewall, &text, &ignored);
}

int firewall_add_ports(struct firewall *firewall, const struct publication *publication,
		       struct error *err)
{
	struct text text = { 0 };

	firewall_text_ports(&text, publication, "add");
	return run_text(firewall, &text, err);
}

void firewall_remove_ports(struct firewall *firewall, const struct publication *publication)
{
	struct text text = { 0 };
	struct error ignored;

	firewall_text_ports(&text, publication, "delete");
	(void)run_text(firewall, &text, &ignored);
}
