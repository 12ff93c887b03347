#include "daemon/network/link.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "daemon/network/netlink.h"

enum {
	ADDR_GEN_NONE = 1, /* IN6_ADDR_GEN_MODE_NONE */
	LOOPBACK_METRIC = 2000,
};

/* --- Messages -------------------------------------------------------------------------------- */

static void begin_kind(struct nlmsghdr *message, const char *kind, struct nlattr *nests[2])
{
	nests[0] = mnl_attr_nest_start(message, IFLA_LINKINFO);
	mnl_attr_put_strz(message, IFLA_INFO_KIND, kind);
	nests[1] = mnl_attr_nest_start(message, IFLA_INFO_DATA);
}

static void end_nests(struct nlmsghdr *message, struct nlattr *const nests[2])
{
	mnl_attr_nest_end(message, nests[1]);
	mnl_attr_nest_end(message, nests[0]);
}

/* By name, or by index. */
static struct nlmsghdr *add_change(struct netlink_batch *batch, const char *what, const char *name,
				   unsigned int index, unsigned int flags)
{
	const struct ifinfomsg info = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = (int)index,
		.ifi_flags = flags,
		.ifi_change = flags,
	};
	struct nlmsghdr *message = netlink_add(batch, what, RTM_NEWLINK, 0, &info, sizeof(info));

	if (name)
		mnl_attr_put_strz(message, IFLA_IFNAME, name);
	return message;
}

static void add_quiet(struct netlink_batch *batch, const char *name, unsigned int index)
{
	struct nlmsghdr *message =
		add_change(batch, "turn IPv6 autoconfiguration off", name, index, 0);
	struct nlattr *nests[2];

	nests[0] = mnl_attr_nest_start(message, IFLA_AF_SPEC);
	nests[1] = mnl_attr_nest_start(message, AF_INET6);
	mnl_attr_put_u8(message, IFLA_INET6_ADDR_GEN_MODE, ADDR_GEN_NONE);
	end_nests(message, nests);
}

/* With bridge-nf-call-iptables, a container that uses a port that it publishes itself is answered
 * through the port that it asked by.
 */
static void add_hairpin(struct netlink_batch *batch, const char *name)
{
	struct nlmsghdr *message = add_change(batch, "set the bridge's port up", name, 0, 0);
	struct nlattr *nests[2];

	nests[0] = mnl_attr_nest_start(message, IFLA_LINKINFO);
	mnl_attr_put_strz(message, IFLA_INFO_SLAVE_KIND, "bridge");
	nests[1] = mnl_attr_nest_start(message, IFLA_INFO_SLAVE_DATA);
	mnl_attr_put_u8(message, IFLA_BRPORT_MODE, 1);
	end_nests(message, nests);
}

static void add_up(struct netlink_batch *batch, const char *name, unsigned int index)
{
	(void)add_change(batch, "set the interface up", name, index, IFF_UP);
}

/* There is nobody else to have the address: no duplicate is looked for. */
static void add_address(struct netlink_batch *batch, unsigned int index,
			const struct subnet *address)
{
	const struct ifaddrmsg body = {
		.ifa_family = (uint8_t)address->address.family,
		.ifa_prefixlen = (uint8_t)address->prefix,
		.ifa_flags = address->address.family == AF_INET6 ? IFA_F_NODAD : 0,
		.ifa_index = index,
	};
	struct nlmsghdr *message = netlink_add(batch, "give the interface an address", RTM_NEWADDR,
					       NLM_F_CREATE | NLM_F_EXCL, &body, sizeof(body));

	netlink_put_address(message, IFA_LOCAL, &address->address);
	netlink_put_address(message, IFA_ADDRESS, &address->address);
}

/* Replaces one that another of the container's networks gave. */
static void add_default_route(struct netlink_batch *batch, unsigned int index,
			      const struct address *gateway)
{
	const struct rtmsg body = {
		.rtm_family = (uint8_t)gateway->family,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_BOOT,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
	};
	struct nlmsghdr *message = netlink_add(batch, "set the default route", RTM_NEWROUTE,
					       NLM_F_CREATE | NLM_F_REPLACE, &body, sizeof(body));

	netlink_put_address(message, RTA_GATEWAY, gateway);
	mnl_attr_put_u32(message, RTA_OIF, index);
}

/* Answers to the host's ::1 come back by the bridge, and the kernel routes that address strictly: to the
 * interface that the route is of. It is the second choice for all else.
 */
static void add_loopback6(struct netlink_batch *batch, unsigned int index)
{
	const struct address loopback = { .family = AF_INET6, .bytes = { [15] = 1 } };
	const struct rtmsg body = {
		.rtm_family = AF_INET6,
		.rtm_dst_len = 128,
		.rtm_table = RT_TABLE_LOCAL,
		.rtm_protocol = RTPROT_BOOT,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_LOCAL,
	};
	struct nlmsghdr *message = netlink_add(batch, "have the bridge take answers to ::1",
					       RTM_NEWROUTE, NLM_F_CREATE, &body, sizeof(body));

	netlink_put_address(message, RTA_DST, &loopback);
	mnl_attr_put_u32(message, RTA_OIF, index);
	mnl_attr_put_u32(message, RTA_PRIORITY, LOOPBACK_METRIC);
}

/* --- Bridges --------------------------------------------------------------------------------- */

int link_make_bridge(int netlink, const struct link_bridge *bridge, unsigned int *ret_index,
		     struct error *err)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	/* What a router asks its neighbours from, for packets of others; fe80::1. */
	const struct subnet link_local = {
		.address = { .family = AF_INET6, .bytes = { 0xfe, 0x80, [15] = 1 } },
		.prefix = 64,
	};
	/* A MAC of its own: it would else change with the ports that come and go. */
	uint8_t mac[MAC_SIZE] = { 0x02, 0xdc };
	struct netlink_batch batch = { .n = 0 };
	unsigned int index;
	struct nlmsghdr *message;
	struct nlattr *nests[2];

	(void)memcpy(mac + 2, bridge->ipv4->address.bytes, 4);
	message = netlink_add(&batch, "make the bridge", RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
			      &info, sizeof(info));
	mnl_attr_put_strz(message, IFLA_IFNAME, bridge->name);
	mnl_attr_put(message, IFLA_ADDRESS, sizeof(mac), mac);
	if (bridge->mtu)
		mnl_attr_put_u32(message, IFLA_MTU, bridge->mtu);
	/* Without a router that asks who listens, it would keep neighbours' questions from ports. */
	begin_kind(message, "bridge", nests);
	mnl_attr_put_u8(message, IFLA_BR_MCAST_SNOOPING, 0);
	end_nests(message, nests);
	if (netlink_run(netlink, &batch, err) < 0)
		return -1;
	index = if_nametoindex(bridge->name);
	batch = (struct netlink_batch){ .n = 0 };
	message = add_change(&batch, "name the bridge", NULL, index, 0);
	mnl_attr_put_strz(message, IFLA_IFALIAS, bridge->alias);
	if (bridge->ipv6)
		add_quiet(&batch, NULL, index);
	add_address(&batch, index, bridge->ipv4);
	if (bridge->ipv6) {
		add_address(&batch, index, bridge->ipv6);
		add_address(&batch, index, &link_local);
	}
	add_up(&batch, NULL, index);
	if (bridge->ipv6)
		add_loopback6(&batch, index);
	if (netlink_run(netlink, &batch, err) < 0) {
		struct error ignored;

		(void)link_remove(netlink, bridge->name, &ignored);
		return -1;
	}
	*ret_index = index;
	return 0;
}

/* --- Pairs ----------------------------------------------------------------------------------- */

int link_make_pair(int netlink, const struct link_pair *pair, struct error *err)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct netlink_batch batch = { .n = 0 };
	struct nlmsghdr *message = netlink_add(&batch, "make the network interface", RTM_NEWLINK,
					       NLM_F_CREATE | NLM_F_EXCL, &info, sizeof(info));
	struct nlattr *nests[2], *peer;

	mnl_attr_put_strz(message, IFLA_IFNAME, pair->host);
	mnl_attr_put_u32(message, IFLA_MASTER, pair->bridge);
	if (pair->mtu)
		mnl_attr_put_u32(message, IFLA_MTU, pair->mtu);
	begin_kind(message, "veth", nests);
	peer = mnl_attr_nest_start(message, VETH_INFO_PEER);
	(void)memcpy(mnl_nlmsg_put_extra_header(message, sizeof(info)), &info, sizeof(info));
	mnl_attr_put_strz(message, IFLA_IFNAME, pair->inside);
	mnl_attr_put(message, IFLA_ADDRESS, MAC_SIZE, pair->mac);
	if (pair->mtu)
		mnl_attr_put_u32(message, IFLA_MTU, pair->mtu);
	mnl_attr_put_u32(message, IFLA_NET_NS_PID, pair->pid);
	mnl_attr_nest_end(message, peer);
	end_nests(message, nests);
	if (access("/proc/sys/net/ipv6", F_OK) == 0)
		add_quiet(&batch, pair->host, 0);
	add_hairpin(&batch, pair->host);
	add_up(&batch, pair->host, 0);
	return netlink_run(netlink, &batch, err);
}

int link_set_up_inside(int netlink, const struct link_inside *inside, struct error *err)
{
	struct netlink_batch batch = { .n = 0 };
	struct ifreq request = { .ifr_flags = 0 };
	unsigned int index;

	/* Any socket tells, of the namespace that it is of. */
	(void)snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", inside->name);
	if (ioctl(netlink, SIOCGIFINDEX, &request) < 0)
		return error_set_errno(err, errno, "find interface %s", inside->name);
	index = (unsigned int)request.ifr_ifindex;

	if (inside->ipv4 && access("/proc/sys/net/ipv6", F_OK) == 0)
		add_quiet(&batch, NULL, index);
	if (inside->ipv4)
		add_address(&batch, index, inside->ipv4);
	if (inside->ipv6)
		add_address(&batch, index, inside->ipv6);
	if (inside->ipv4)
		add_up(&batch, NULL, index);
	if (inside->gateway4)
		add_default_route(&batch, index, inside->gateway4);
	if (inside->gateway6)
		add_default_route(&batch, index, inside->gateway6);
	return netlink_run(netlink, &batch, err);
}

int link_open_inside(int home, int pidfd, int *ret_netlink, struct error *err)
{
	int r;

	if (setns(pidfd, CLONE_NEWNET) < 0)
		return error_set_errno(err, errno, "enter the container's network");
	r = netlink_open(ret_netlink, err);
	/* Nothing of the daemon could go on elsewhere. */
	if (setns(home, CLONE_NEWNET) < 0)
		abort();
	return r;
}

int link_remove(int netlink, const char *name, struct error *err)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct netlink_batch batch = { .n = 0 };
	struct nlmsghdr *message;

	message = netlink_add(&batch, "remove the interface", RTM_DELLINK, 0, &info, sizeof(info));
	mnl_attr_put_strz(message, IFLA_IFNAME, name);
	if (netlink_run(netlink, &batch, err) < 0 && err->sys_errno != ENODEV)
		return -1;
	return 0;
}

/* --- Looking --------------------------------------------------------------------------------- */

static const char *link_text(const struct nlmsghdr *message, unsigned int type)
{
	const struct nlattr *found = netlink_find(message, sizeof(struct ifinfomsg), type);

	return found && mnl_attr_validate(found, MNL_TYPE_NUL_STRING) >= 0 ?
		       mnl_attr_get_str(found) :
		       "";
}

struct counting {
	struct network_counters *counters;
	bool found;
};

static int take_counters(const struct nlmsghdr *message, void *userdata)
{
	const struct nlattr *found = netlink_find(message, sizeof(struct ifinfomsg), IFLA_STATS64);
	struct rtnl_link_stats64 stats = { 0 };
	struct counting *counting = userdata;
	size_t size;

	if (message->nlmsg_type != RTM_NEWLINK || !found)
		return MNL_CB_OK;
	/* Newer kernels have more of them. */
	size = mnl_attr_get_payload_len(found);
	(void)memcpy(&stats, mnl_attr_get_payload(found),
		     size < sizeof(stats) ? size : sizeof(stats));
	*counting->counters = (struct network_counters){
		.rx_bytes = stats.tx_bytes,
		.rx_packets = stats.tx_packets,
		.rx_dropped = stats.tx_dropped,
		.rx_errors = stats.tx_errors,
		.tx_bytes = stats.rx_bytes,
		.tx_packets = stats.rx_packets,
		.tx_dropped = stats.rx_dropped,
		.tx_errors = stats.rx_errors,
	};
	counting->found = true;
	return MNL_CB_OK;
}

int link_counters(int netlink, const char *host, struct network_counters *ret, struct error *err)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct counting counting = { .counters = ret };
	struct netlink_batch batch = { .n = 0 };
	struct nlmsghdr *message =
		netlink_add(&batch, "ask for counters", RTM_GETLINK, 0, &info, sizeof(info));

	mnl_attr_put_strz(message, IFLA_IFNAME, host);
	if (netlink_query(netlink, &batch, take_counters, &counting, err) < 0)
		return -1;
	return counting.found ? 0 : error_set_errno(err, ENODEV, "%s", host);
}

struct listing {
	void (*link)(void *userdata, const char *name, const char *alias, unsigned int index);
	void (*route)(void *userdata, const struct subnet *subnet, unsigned int index);
	void *userdata;
};

static int tell_link(const struct nlmsghdr *message, void *userdata)
{
	const struct listing *listing = userdata;
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type == RTM_NEWLINK)
		listing->link(listing->userdata, link_text(message, IFLA_IFNAME),
			      link_text(message, IFLA_IFALIAS), (unsigned int)info->ifi_index);
	return MNL_CB_OK;
}

int link_list(int netlink,
	      void (*callback)(void *userdata, const char *name, const char *alias,
			       unsigned int index),
	      void *userdata, struct error *err)
{
	const struct ifinfomsg info = { .ifi_family = AF_UNSPEC };
	struct listing listing = { .link = callback, .userdata = userdata };
	struct netlink_batch batch = { .n = 0 };

	(void)netlink_add(&batch, "list the interfaces", RTM_GETLINK, NLM_F_DUMP, &info,
			  sizeof(info));
	return netlink_query(netlink, &batch, tell_link, &listing, err);
}

static bool leads_elsewhere(const struct nlmsghdr *message, const struct rtmsg *route)
{
	return message->nlmsg_type == RTM_NEWROUTE && route->rtm_dst_len &&
	       (route->rtm_family == AF_INET || route->rtm_family == AF_INET6) &&
	       route->rtm_type != RTN_LOCAL && route->rtm_type != RTN_BROADCAST &&
	       route->rtm_type != RTN_MULTICAST && route->rtm_type != RTN_ANYCAST;
}

static int tell_route(const struct nlmsghdr *message, void *userdata)
{
	const struct listing *listing = userdata;
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	const struct nlattr *destination = netlink_find(message, sizeof(*route), RTA_DST);
	const struct nlattr *oif = netlink_find(message, sizeof(*route), RTA_OIF);
	struct subnet subnet = { .prefix = route->rtm_dst_len };

	if (!leads_elsewhere(message, route) || !destination ||
	    mnl_attr_get_payload_len(destination) != address_size(route->rtm_family))
		return MNL_CB_OK;
	subnet.address.family = route->rtm_family;
	(void)memcpy(subnet.address.bytes, mnl_attr_get_payload(destination),
		     address_size(route->rtm_family));
	listing->route(listing->userdata, &subnet, oif ? mnl_attr_get_u32(oif) : 0);
	return MNL_CB_OK;
}

int link_list_routes(int netlink,
		     void (*callback)(void *userdata, const struct subnet *subnet,
				      unsigned int index),
		     void *userdata, struct error *err)
{
	const struct rtmsg route = { .rtm_family = AF_UNSPEC };
	struct listing listing = { .route = callback, .userdata = userdata };
	struct netlink_batch batch = { .n = 0 };

	(void)netlink_add(&batch, "list the routes", RTM_GETROUTE, NLM_F_DUMP, &route,
			  sizeof(route));
	return netlink_query(netlink, &batch, tell_route, &listing, err);
}
