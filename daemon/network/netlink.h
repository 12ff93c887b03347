/* Route netlink (rtnetlink(7)) in batches: several messages in one system call, one acknowledgement
 * each. Messages are put together and read with libmnl. Private to daemon/network.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#include "common/address.h"
#include "common/error.h"

enum { NETLINK_BATCH_SIZE = 4096, NETLINK_MESSAGE_MAX = 512, NETLINK_MESSAGES_MAX = 16 };

struct netlink_batch {
	_Alignas(8) unsigned char data[NETLINK_BATCH_SIZE];
	struct nlmsghdr *last;
	unsigned int n;
	const char *what[NETLINK_MESSAGES_MAX]; /* for errors; borrowed */
};

/* A socket in the network namespace of this thread. */
int netlink_open(int *ret_fd, struct error *err);

/* Another message with its fixed part; flags besides NLM_F_REQUEST and NLM_F_ACK. It takes attributes
 * (mnl_attr_put and the like), up to NETLINK_MESSAGE_MAX bytes in all, until the next is added.
 */
struct nlmsghdr *netlink_add(struct netlink_batch *batch, const char *what, uint16_t type,
			     unsigned int flags, const void *body, size_t size);

void netlink_put_address(struct nlmsghdr *message, uint16_t type, const struct address *address);

/* Sends the batch. What follows a message that fails is carried out all the same; the first error is
 * returned, with what it was about.
 */
int netlink_run(int fd, const struct netlink_batch *batch, struct error *err);

/* Sends a batch of one request, of a dump or of one object, and calls back with each message of the
 * answer: MNL_CB_OK to go on.
 */
int netlink_query(int fd, const struct netlink_batch *batch, mnl_cb_t callback, void *userdata,
		  struct error *err);

/* The attribute of a message, behind its fixed part; NULL: it has none. */
const struct nlattr *netlink_find(const struct nlmsghdr *message, size_t fixed, unsigned int type);
