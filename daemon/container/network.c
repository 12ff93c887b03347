/* The networks that containers are on. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "daemon/container/object.h"

enum { SHORT_ID = 12 };

static bool is_none(const struct network_spec *spec)
{
	return spec->mode && strcmp(spec->mode, "none") == 0;
}

static int in_spec(struct error *err)
{
	char field[ERROR_SUBJECT_SIZE];

	if (err->code == ERROR_INVALID_VALUE && strncmp(err->subject, "spec.", 5) != 0) {
		(void)snprintf(field, sizeof(field), "spec.networks");
		(void)memcpy(err->subject, field, sizeof(field));
	}
	return -1;
}

/* The default network of somebody who is to have no other. */
static int use_own_network(struct containers *set, const struct container_create_params *params,
			   struct network_attachments *attachments, struct error *err)
{
	struct network_attachment *found = network_attachments_find(attachments, NETWORK_DEFAULT);
	struct network *network;

	if (!params->ids || !found)
		return 0;
	if (networks_find_own(set->params.networks, params->owner, &network, err) < 0)
		return -1;
	free(found->network);
	found->network = alloc_strdup(network_name(network));
	return 0;
}

int container_check_networks(struct containers *set, struct container_create_params *params,
			     struct error *err)
{
	struct network_spec *spec = &params->spec.network;
	const char *fallback = set->params.default_network;
	struct network_attachment attachment = { 0 };
	struct network *network;

	if (!spec->mode && !spec->networks.n && fallback) {
		attachment.network = alloc_strdup(fallback);
		network_attachments_add(&spec->networks, &attachment);
	}
	if (!spec->networks.n && (spec->ports || spec->publish_all))
		return error_set_subject(
			err, ERROR_INVALID_VALUE, "spec.ports",
			"ports are published from a network; name one (--network)");
	if (use_own_network(set, params, &spec->networks, err) < 0)
		return -1;
	for (size_t i = 0; i < spec->networks.n; i++)
		if (networks_find(set->params.networks, spec->networks.items[i].network, &network,
				  err) < 0)
			return -1;
	return 0;
}

/* --- Endpoints ------------------------------------------------------------------------------- */

static char **names_of(const struct container *container, const char *network)
{
	const struct network_attachment *attachment =
		network_attachments_find(&container->spec.network.networks, network);
	char short_id[SHORT_ID + 1], **names = NULL;

	strv_append(&names, container->name);
	if (container->spec.hostname)
		strv_append(&names, container->spec.hostname);
	(void)snprintf(short_id, sizeof(short_id), "%.*s", SHORT_ID, container->id);
	strv_append(&names, short_id);
	for (char **alias = attachment ? attachment->aliases : NULL; alias && *alias; alias++)
		strv_append(&names, *alias);
	return names;
}

/* The lowest that no interface has. */
static unsigned int free_number(const struct container *container)
{
	unsigned int number = 0;

	for (size_t i = 0; i < container->n_endpoints; i++)
		if (endpoint_number(container->endpoints[i]) == number) {
			number++;
			i = (size_t)-1;
		}
	return number;
}

static int add_endpoint(struct container *container, const struct network_attachment *attachment,
			struct error *err)
{
	_cleanup_(strv_freep) char **names = names_of(container, attachment->network);
	const struct endpoint_params params = {
		.attachment = attachment,
		.number = free_number(container),
		.names = names,
		.owner = container->id,
		.dns = container->spec.network.dns,
		.rate_bits = container->spec.network.rate_bits,
	};
	struct network *network;

	if (networks_find(container->set->params.networks, attachment->network, &network, err) <
		    0 ||
	    endpoint_new(network, &params, &container->endpoints[container->n_endpoints], err) < 0)
		return -1;
	container->n_endpoints++;
	return 0;
}

/* Ports lead to the first network that has a way out; so does the default route. */
static struct endpoint *way_out(const struct container *container)
{
	for (size_t i = 0; i < container->n_endpoints; i++)
		if (!network_is_internal(endpoint_network(container->endpoints[i])))
			return container->endpoints[i];
	return container->n_endpoints ? container->endpoints[0] : NULL;
}

static int connect_endpoint(struct container *container, struct endpoint *endpoint,
			    struct error *err)
{
	const struct launch *launch = container->process.launch;

	return endpoint_connect(endpoint, launch_pid(launch), launch_pidfd(launch),
				endpoint == way_out(container), err);
}

/* --- A start --------------------------------------------------------------------------------- */

/* The pidfd tells whether it was still that process's. */
static int open_namespace(const struct container *other, int *ret_fd, struct error *err)
{
	const struct launch *launch = other->process.launch;
	_cleanup_(freep) char *path = NULL;
	_cleanup_(fd_closep) int fd = -1;
	struct pollfd died = { .events = POLLIN };

	if (other->state < CONTAINER_RUNNING || other->state > CONTAINER_STOPPING || !launch)
		return error_set_subject(err, ERROR_WRONG_STATE, container_state_name(other->state),
					 "container \"%s\", whose network it shares, is %s, not "
					 "running",
					 other->name, container_state_name(other->state));
	path = alloc_printf("/proc/%d/ns/net", launch_pid(launch));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	died.fd = launch_pidfd(launch);
	if (fd < 0 || poll(&died, 1, 0) != 0)
		return error_set_errno(err, fd < 0 ? errno : ESRCH,
				       "the network of container \"%s\"", other->name);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int prepare_mode(struct container *container, struct launch_params *params, int *ret_fd,
			struct error *err)
{
	const char *mode = container->spec.network.mode;
	struct container *other;

	if (!mode || strcmp(mode, "none") == 0)
		return 0;
	if (strcmp(mode, "host") == 0) {
		params->network = LAUNCH_NETWORK_HOST;
		return 0;
	}
	if (containers_find(container->set, mode + strlen("container:"), &other, err) < 0 ||
	    open_namespace(other, ret_fd, err) < 0)
		return -1;
	params->network = LAUNCH_NETWORK_JOIN;
	params->network_fd = *ret_fd;
	return 0;
}

int container_prepare_network(struct container *container, struct launch_params *params,
			      int *ret_fd, struct error *err)
{
	const struct network_spec *spec = &container->spec.network;

	/* Of the run before, which may be on its way out still. */
	container_release_network(container);
	if (!spec->networks.n)
		return prepare_mode(container, params, ret_fd, err);
	params->network = LAUNCH_NETWORK_OWN;
	for (size_t i = 0; i < spec->networks.n; i++)
		if (add_endpoint(container, &spec->networks.items[i], err) < 0)
			return in_spec(err);
	if (publication_new(container->set->params.networks, spec, &container->publication, err) <
	    0)
		return in_spec(err);
	return 0;
}

int container_wire(struct container *container, struct error *err)
{
	for (size_t i = 0; i < container->n_endpoints; i++)
		if (connect_endpoint(container, container->endpoints[i], err) < 0)
			return -1;
	if (container->publication)
		return publication_lead(container->publication, way_out(container), err);
	return 0;
}

void container_release_network(struct container *container)
{
	container_drop_files(container);
	container->publication = publication_free(container->publication);
	while (container->n_endpoints)
		(void)endpoint_free(container->endpoints[--container->n_endpoints]);
}

/* --- Changes --------------------------------------------------------------------------------- */

static bool runs(const struct container *container)
{
	return container->state == CONTAINER_RUNNING || container->state == CONTAINER_PAUSED;
}

static int check_change(const struct container *container, struct error *err)
{
	if (container_check_readable(container, err) < 0)
		return -1;
	if (container->state == CONTAINER_STARTING || container->state == CONTAINER_STOPPING)
		return error_set_subject(err, ERROR_WRONG_STATE,
					 container_state_name(container->state),
					 "container \"%s\" is %s", container->name,
					 container_state_name(container->state));
	if (container->spec.network.mode && !is_none(&container->spec.network))
		return error_set_subject(err, ERROR_INVALID_VALUE, "network",
					 "container \"%s\" has no network of its own (%s)",
					 container->name, container->spec.network.mode);
	return 0;
}

static int connect_running(struct container *container, const struct network_attachment *attachment,
			   struct error *err)
{
	struct endpoint *endpoint;

	if (add_endpoint(container, attachment, err) < 0)
		return -1;
	endpoint = container->endpoints[container->n_endpoints - 1];
	if (connect_endpoint(container, endpoint, err) == 0)
		return 0;
	container->endpoints[--container->n_endpoints] = endpoint_free(endpoint);
	return -1;
}

static int changed(struct container *container, const char *event, const char *network,
		   struct container_waiter *waiter)
{
	int waits = runs(container) ? container_renew_files(container, waiter) : 0;

	container_changed(container);
	container_save(container);
	if (runs(container))
		container_save_run(container);
	container_event(container, event, "network", network, NULL);
	return waits;
}

int container_connect(struct container *container, struct network_attachment *attachment,
		      struct container_waiter *waiter, struct error *err)
{
	struct network_spec *spec = &container->spec.network;
	_cleanup_(freep) char *name = alloc_strdup(attachment->network);
	struct network *network;

	if (network_attachment_validate(attachment, err) < 0 ||
	    networks_find(container->set->params.networks, name, &network, err) < 0 ||
	    check_change(container, err) < 0)
		return -1;
	if (network_attachments_find(&spec->networks, name))
		return error_set_subject(err, ERROR_INVALID_VALUE, "network",
					 "container \"%s\" is on network \"%s\" already",
					 container->name, name);
	if (spec->networks.n == NETWORKS_MAX)
		return error_set(err, ERROR_LIMIT_REACHED, "it is on %d networks", NETWORKS_MAX);
	if (runs(container) && connect_running(container, attachment, err) < 0)
		return -1;
	free(TAKE_PTR(spec->mode));
	network_attachments_add(&spec->networks, attachment);
	/* Its aliases are known only now. */
	container_rename_endpoints(container);
	return changed(container, "connect", name, waiter);
}

static void drop_endpoint(struct container *container, size_t i)
{
	(void)endpoint_free(container->endpoints[i]);
	container->n_endpoints--;
	(void)memmove(&container->endpoints[i], &container->endpoints[i + 1],
		      (container->n_endpoints - i) * sizeof(container->endpoints[0]));
}

/* The default route may have gone with an interface. */
static void lead_out(struct container *container)
{
	const struct launch *launch = container->process.launch;
	struct endpoint *endpoint = way_out(container);
	struct error err;

	if (endpoint && endpoint_lead_out(endpoint, launch_pidfd(launch), &err) < 0)
		container->set->params.complain(container->id, &err);
}

static int disconnect_running(struct container *container, const char *network, struct error *err)
{
	for (size_t i = 0; i < container->n_endpoints; i++) {
		struct endpoint *endpoint = container->endpoints[i];

		if (strcmp(network_name(endpoint_network(endpoint)), network) != 0)
			continue;
		if (container->publication && container->publication->endpoint == endpoint)
			return error_set_subject(err, ERROR_INVALID_VALUE, "network",
						 "the ports of container \"%s\" are published from "
						 "network \"%s\"",
						 container->name, network);
		if (endpoint_disconnect(endpoint, err) < 0)
			return -1;
		drop_endpoint(container, i);
		lead_out(container);
		return 0;
	}
	return 0;
}

int container_disconnect(struct container *container, const char *network,
			 struct container_waiter *waiter, struct error *err)
{
	struct network_spec *spec = &container->spec.network;
	_cleanup_(freep) char *name = alloc_strdup(network);

	if (!network_attachments_find(&spec->networks, name))
		return error_set_subject(err, ERROR_INVALID_VALUE, "network",
					 "container \"%s\" is not on network \"%.64s\"",
					 container->name, name);
	if (check_change(container, err) < 0 ||
	    (runs(container) && disconnect_running(container, name, err) < 0))
		return -1;
	network_attachments_remove(&spec->networks, name);
	if (!spec->networks.n)
		spec->mode = alloc_strdup("none");
	return changed(container, "disconnect", name, waiter);
}

bool container_has_network(const struct container *container, const char *network)
{
	return network_attachments_find(&container->spec.network.networks, network) != NULL;
}

void container_rename_endpoints(struct container *container)
{
	for (size_t i = 0; i < container->n_endpoints; i++) {
		struct endpoint *endpoint = container->endpoints[i];
		_cleanup_(strv_freep) char **names =
			names_of(container, network_name(endpoint_network(endpoint)));

		endpoint_rename(endpoint, names);
	}
}

/* --- Records and looking --------------------------------------------------------------------- */

void container_networks_to_record(const struct container *container, struct json_object *object)
{
	struct json_object *array = container->n_endpoints ? json_object_new_array() : NULL;

	for (size_t i = 0; i < container->n_endpoints; i++)
		json_object_array_add(array, endpoint_to_record(container->endpoints[i]));
	if (array)
		json_object_object_add(object, "endpoints", array);
	if (container->publication)
		json_object_object_add(object, "ports",
				       publication_to_json(container->publication));
	if (container->has_files)
		json_object_object_add(object, "has_files", json_object_new_boolean(true));
}

static int adopt_endpoint(struct container *container, struct json_object *object,
			  struct error *err)
{
	const char *network = json_object_get_string(json_object_object_get(object, "network"));
	_cleanup_(strv_freep) char **names = names_of(container, network ? network : "");
	struct endpoint_params params = {
		.names = names,
		.owner = container->id,
		.dns = container->spec.network.dns,
		.rate_bits = container->spec.network.rate_bits,
	};

	if (container->n_endpoints == NETWORKS_MAX)
		return error_set(err, ERROR_PROTOCOL, "its record has too many networks");
	if (endpoint_adopt(container->set->params.networks, object, &params,
			   &container->endpoints[container->n_endpoints], err) < 0)
		return -1;
	container->n_endpoints++;
	return 0;
}

void container_adopt_networks(struct container *container, struct json_object *record)
{
	struct json_object *array = json_object_object_get(record, "endpoints");
	struct containers *set = container->set;
	const size_t n =
		json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
	struct error err;

	for (size_t i = 0; i < n; i++)
		if (adopt_endpoint(container, json_object_array_get_idx(array, i), &err) < 0)
			set->params.complain(container->id, &err);
	container->has_files = json_object_get_boolean(json_object_object_get(record, "has_files"));
	container->publication =
		publication_adopt(set->params.networks, json_object_object_get(record, "ports"));
	if (container->publication && way_out(container) &&
	    publication_lead(container->publication, way_out(container), &err) < 0)
		set->params.complain(container->id, &err);
}

static void add_counter(struct json_object *object, const char *key, uint64_t value)
{
	json_object_object_add(object, key, json_object_new_int64((int64_t)value));
}

static struct json_object *endpoint_detail(const struct endpoint *endpoint)
{
	struct json_object *object = endpoint_to_json(endpoint);
	struct network_counters counters;
	struct error ignored;

	if (endpoint_counters(endpoint, &counters, &ignored) == 0) {
		add_counter(object, "rx_bytes", counters.rx_bytes);
		add_counter(object, "rx_packets", counters.rx_packets);
		add_counter(object, "rx_dropped", counters.rx_dropped);
		add_counter(object, "rx_errors", counters.rx_errors);
		add_counter(object, "tx_bytes", counters.tx_bytes);
		add_counter(object, "tx_packets", counters.tx_packets);
		add_counter(object, "tx_dropped", counters.tx_dropped);
		add_counter(object, "tx_errors", counters.tx_errors);
	}
	return object;
}

void container_add_network_detail(const struct container *container, struct json_object *object)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < container->n_endpoints; i++)
		json_object_array_add(array, endpoint_detail(container->endpoints[i]));
	json_object_object_add(object, "networks", array);
	json_object_object_add(object, "ports", container_ports(container));
}

struct json_object *container_ports(const struct container *container)
{
	return publication_to_json(container->publication);
}
