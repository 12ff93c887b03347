#include "daemon/network/netlink.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"

enum { ANSWER_SIZE = 32 * 1024 };

int netlink_open(int *ret_fd, struct error *err)
{
	_cleanup_(fd_closep) int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	const int on = 1;

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set_errno(err, errno, "open a netlink socket");
	/* Errors do not quote the request. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* --- Making ---------------------------------------------------------------------------------- */

/* All names and numbers in them are bounded. */
static size_t size_of(const struct netlink_batch *batch)
{
	if (!batch->last)
		return 0;
	assert(batch->last->nlmsg_len <= NETLINK_MESSAGE_MAX);
	return (size_t)((const unsigned char *)batch->last - batch->data) +
	       NLMSG_ALIGN(batch->last->nlmsg_len);
}

struct nlmsghdr *netlink_add(struct netlink_batch *batch, const char *what, uint16_t type,
			     unsigned int flags, const void *body, size_t size)
{
	const size_t used = size_of(batch);
	struct nlmsghdr *message;

	assert(batch->n < NETLINK_MESSAGES_MAX &&
	       used + NETLINK_MESSAGE_MAX <= sizeof(batch->data));
	message = mnl_nlmsg_put_header(batch->data + used);
	message->nlmsg_type = type;
	message->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
	message->nlmsg_seq = batch->n + 1;
	(void)memcpy(mnl_nlmsg_put_extra_header(message, size), body, size);
	batch->what[batch->n++] = what;
	batch->last = message;
	return message;
}

void netlink_put_address(struct nlmsghdr *message, uint16_t type, const struct address *address)
{
	mnl_attr_put(message, type, address_size(address->family), address->bytes);
}

/* --- Sending --------------------------------------------------------------------------------- */

static ssize_t receive(int fd, void *buffer, size_t size)
{
	ssize_t n;

	do
		n = recv(fd, buffer, size, 0);
	while (n < 0 && errno == EINTR);
	return n;
}

static int send_batch(int fd, const struct netlink_batch *batch, struct error *err)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	if (sendto(fd, batch->data, size_of(batch), 0, (const struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0)
		return error_set_errno(err, errno, "ask the kernel");
	return 0;
}

int netlink_run(int fd, const struct netlink_batch *batch, struct error *err)
{
	_Alignas(8) unsigned char answer[4096];
	const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)answer;
	unsigned int answered = 0;
	int r = 0;

	if (send_batch(fd, batch, err) < 0)
		return -1;
	while (answered < batch->n) {
		ssize_t n = receive(fd, answer, sizeof(answer));
		const struct nlmsgerr *verdict = mnl_nlmsg_get_payload(message);

		if (n < 0)
			return error_set_errno(err, errno, "hear from the kernel");
		if (!mnl_nlmsg_ok(message, (int)n) || message->nlmsg_type != NLMSG_ERROR ||
		    mnl_nlmsg_get_payload_len(message) < sizeof(*verdict))
			continue;
		answered++;
		if (verdict->error && r == 0 && message->nlmsg_seq >= 1 &&
		    message->nlmsg_seq <= batch->n)
			r = error_set_errno(err, -verdict->error, "%s",
					    batch->what[message->nlmsg_seq - 1]);
	}
	return r;
}

int netlink_query(int fd, const struct netlink_batch *batch, mnl_cb_t callback, void *userdata,
		  struct error *err)
{
	_Alignas(8) unsigned char answer[ANSWER_SIZE];
	int r;

	if (send_batch(fd, batch, err) < 0)
		return -1;
	do {
		ssize_t n = receive(fd, answer, sizeof(answer));

		r = n < 0 ? -1 : mnl_cb_run(answer, (size_t)n, 1, 0, callback, userdata);
	} while (r > 0);
	return r < 0 ? error_set_errno(err, errno, "%s", batch->what[0]) : 0;
}

/* --- Reading --------------------------------------------------------------------------------- */

struct wanted {
	unsigned int type;
	const struct nlattr *found;
};

static int compare_attribute(const struct nlattr *attribute, void *userdata)
{
	struct wanted *wanted = userdata;

	if (mnl_attr_get_type(attribute) != wanted->type)
		return MNL_CB_OK;
	wanted->found = attribute;
	return MNL_CB_STOP;
}

const struct nlattr *netlink_find(const struct nlmsghdr *message, size_t fixed, unsigned int type)
{
	struct wanted wanted = { .type = type };

	(void)mnl_attr_parse(message, (unsigned int)fixed, compare_attribute, &wanted);
	return wanted.found;
}
