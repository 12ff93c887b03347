#include "daemon/init/plan.h"

#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "common/cleanup.h"

enum { PLAN_MAGIC = 0x314e4c50 };
static const uint32_t PLAN_NO_STRING = UINT32_MAX;

static const size_t string_offsets[] = {
	offsetof(struct plan, hostname),
	offsetof(struct plan, workdir),
	offsetof(struct plan, user),
};

/* Documentation/admin-guide/devices.txt */
const struct plan_default_device plan_default_devices[] = {
	{ "null", 1, 3 },   { "zero", 1, 5 },	 { "full", 1, 7 },
	{ "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 },
};

const size_t plan_default_devices_n = ARRAY_SIZE(plan_default_devices);

enum {
	ATTRIBUTES = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
};

size_t plan_stream_fds(uint32_t flags)
{
	const size_t network = flags & PLAN_NETWORK_JOIN ? 1 : 0;

	if (flags & PLAN_REMOUNT)
		return 1;
	if (flags & PLAN_EXEC)
		return flags & PLAN_TERMINAL ? 1 : flags & PLAN_STDIN ? 4 : 3;
	if (flags & PLAN_TERMINAL)
		return 2 + network;
	return (flags & PLAN_STDIN ? 3 : 2) + network;
}

size_t plan_fds(uint32_t flags)
{
	size_t of_container = flags & PLAN_OVERLAY ? 3 : 2;

	return plan_stream_fds(flags) + (flags & (PLAN_EXEC | PLAN_REMOUNT) ? 0 : of_container);
}

bool plan_mount_has_fd(const struct plan_mount *mount)
{
	return !(mount->flags & (PLAN_MOUNT_TMPFS | PLAN_MOUNT_DETACH));
}

size_t report_size(enum report_type type)
{
	return type == REPORT_FAILED || type == REPORT_WARNING ? sizeof(struct report) :
								 offsetof(struct report, error);
}

/* --- Limits ---------------------------------------------------------------------------------- */

void plan_raise_limits(const struct plan_rights *rights)
{
	struct rlimit limit;

	for (size_t i = 0; i < rights->n_limits; i++) {
		const struct plan_limit *wanted = &rights->limits[i];

		if (getrlimit((__rlimit_resource_t)wanted->resource, &limit) < 0 ||
		    wanted->hard <= limit.rlim_max)
			continue;
		limit.rlim_max = wanted->hard;
		(void)setrlimit((__rlimit_resource_t)wanted->resource, &limit);
	}
}

/* --- Writing --------------------------------------------------------------------------------- */

struct writer {
	unsigned char *at;
	size_t room;
	bool full;
};

static void put(struct writer *writer, const void *data, size_t n)
{
	if (n > writer->room) {
		writer->full = true;
		return;
	}
	if (n == 0)
		return;
	(void)memcpy(writer->at, data, n);
	writer->at += n;
	writer->room -= n;
}

static void put_number(struct writer *writer, size_t number)
{
	uint32_t n = (uint32_t)number;

	put(writer, &n, sizeof(n));
}

static void put_string(struct writer *writer, const char *string)
{
	size_t n = string ? strlen(string) : 0;

	if (!string) {
		put_number(writer, PLAN_NO_STRING);
		return;
	}
	if (n >= PLAN_SIZE_MAX) {
		writer->full = true;
		return;
	}
	put_number(writer, n);
	put(writer, string, n + 1);
}

static size_t put_vector(struct writer *writer, const char *const *vector)
{
	size_t n = 0;

	while (vector && vector[n])
		n++;
	put_number(writer, n);
	for (size_t i = 0; i < n; i++)
		put_string(writer, vector[i]);
	return n;
}

static void put_mounts(struct writer *writer, const struct plan *plan)
{
	put_number(writer, plan->n_mounts);
	for (size_t i = 0; i < plan->n_mounts; i++) {
		const struct plan_mount *mount = &plan->mounts[i];

		put_number(writer, mount->flags);
		put_number(writer, mount->attributes);
		put_string(writer, mount->target);
		put_string(writer, mount->size);
		put_string(writer, mount->mode);
	}
}

/* Returns the number of pointers that its vectors need. */
static size_t put_rights(struct writer *writer, const struct plan *plan)
{
	size_t n;

	put(writer, &plan->rights, sizeof(plan->rights));
	n = put_vector(writer, plan->groups);
	n += put_vector(writer, plan->sysctls);
	n += put_vector(writer, plan->devices);
	put_number(writer, plan->n_filter);
	put(writer, plan->filter, plan->n_filter * PLAN_INSTRUCTION_SIZE);
	return n;
}

int plan_encode(const struct plan *plan, unsigned char *buffer, size_t size, size_t *ret_size,
		struct error *err)
{
	struct writer writer = { .at = buffer, .room = size };
	size_t pointers = 6; /* the ends, and room for one variable more */

	put_number(&writer, PLAN_MAGIC);
	put_number(&writer, plan->flags);
	for (size_t i = 0; i < ARRAY_SIZE(string_offsets); i++) {
		const char *string;

		(void)memcpy(&string, (const char *)plan + string_offsets[i], sizeof(string));
		put_string(&writer, string);
	}
	pointers += put_vector(&writer, plan->argv);
	pointers += put_vector(&writer, plan->environment);
	put_mounts(&writer, plan);
	pointers += put_rights(&writer, plan);
	if (writer.full || pointers > PLAN_VECTOR_MAX)
		return error_set_subject(err, ERROR_INVALID_VALUE, "spec.command",
					 "the command, its environment and mounts are too large");
	*ret_size = (size_t)(writer.at - buffer);
	return 0;
}

/* --- Reading --------------------------------------------------------------------------------- */

struct reader {
	const unsigned char *at;
	size_t left;
	bool bad;
};

static uint32_t get_number(struct reader *reader)
{
	uint32_t number;

	if (reader->left < sizeof(number)) {
		reader->bad = true;
		return 0;
	}
	(void)memcpy(&number, reader->at, sizeof(number));
	reader->at += sizeof(number);
	reader->left -= sizeof(number);
	return number;
}

static const char *get_string(struct reader *reader)
{
	uint32_t n = get_number(reader);
	const char *string = (const char *)reader->at;

	if (reader->bad || n == PLAN_NO_STRING)
		return NULL;
	if (n >= reader->left || memchr(string, '\0', (size_t)n + 1) != string + n) {
		reader->bad = true;
		return NULL;
	}
	reader->at += (size_t)n + 1;
	reader->left -= (size_t)n + 1;
	return string;
}

/* Takes the strings to *vector, of *room pointers, and moves both past the terminating NULL. */
static const char **get_vector(struct reader *reader, const char ***vector, size_t *room,
			       size_t *ret_n)
{
	const char **first = *vector;
	uint32_t n = get_number(reader);

	if (n >= *room) {
		reader->bad = true;
		return NULL;
	}
	for (uint32_t i = 0; i < n; i++) {
		first[i] = get_string(reader);
		if (!first[i])
			reader->bad = true;
		if (reader->bad)
			return NULL;
	}
	first[n] = NULL;
	*vector += n + 1;
	*room -= n + 1;
	*ret_n = n;
	return first;
}

/* What stands there as it is in memory. */
static const void *get_bytes(struct reader *reader, size_t n)
{
	const void *at = reader->at;

	if (n > reader->left) {
		reader->bad = true;
		return NULL;
	}
	reader->at += n;
	reader->left -= n;
	return at;
}

static bool device_is_sound(const char *name)
{
	/* Parts that are empty, "." and ".." are refused with all that begins with a dot. */
	for (;;) {
		if (*name == '\0' || *name == '/' || *name == '.')
			return false;
		name += strcspn(name, "/");
		if (!*name)
			return true;
		name++;
	}
}

static void get_devices(struct reader *reader, const char ***vector, size_t *room,
			struct plan *plan)
{
	size_t n = 0;

	plan->devices = reader->bad ? NULL : get_vector(reader, vector, room, &n);
	if (n > PLAN_DEVICES_MAX)
		reader->bad = true;
	for (size_t i = 0; !reader->bad && i < n; i++)
		if (!device_is_sound(plan->devices[i]))
			reader->bad = true;
}

static void get_rights(struct reader *reader, const char ***vector, size_t *room, struct plan *plan)
{
	const void *numbers = get_bytes(reader, sizeof(plan->rights));
	size_t ignored;

	if (!numbers)
		return;
	(void)memcpy(&plan->rights, numbers, sizeof(plan->rights));
	plan->groups = get_vector(reader, vector, room, &ignored);
	plan->sysctls = reader->bad ? NULL : get_vector(reader, vector, room, &ignored);
	get_devices(reader, vector, room, plan);
	plan->n_filter = reader->bad ? 0 : get_number(reader);
	if (plan->n_filter > PLAN_FILTER_MAX)
		reader->bad = true;
	else
		plan->filter = get_bytes(reader, plan->n_filter * PLAN_INSTRUCTION_SIZE);
}

static bool is_absolute(const char *path)
{
	return path && path[0] == '/';
}

static bool mount_is_sound(const struct plan_mount *mount, uint32_t plan_flags)
{
	const uint32_t kind = mount->flags &
			      (PLAN_MOUNT_TMPFS | PLAN_MOUNT_FILL | PLAN_MOUNT_DETACH);

	if (mount->flags & ~(uint32_t)PLAN_MOUNT_FLAGS_ALL ||
	    mount->attributes & ~(uint32_t)ATTRIBUTES || !is_absolute(mount->target))
		return false;
	/* One kind at most; the rest belongs to one of them. */
	if (kind & (kind - 1) || (mount->flags & PLAN_MOUNT_PEERS && kind) ||
	    (mount->flags & PLAN_MOUNT_LAZY && kind != PLAN_MOUNT_DETACH) ||
	    (kind == PLAN_MOUNT_DETACH && !(plan_flags & PLAN_REMOUNT)))
		return false;
	return kind == PLAN_MOUNT_TMPFS || (!mount->size && !mount->mode);
}

static size_t get_mounts(struct reader *reader, uint32_t plan_flags, struct plan_mount *mounts)
{
	uint32_t n = get_number(reader);

	if (n > PLAN_MOUNTS_MAX)
		reader->bad = true;
	for (uint32_t i = 0; i < n && !reader->bad; i++) {
		struct plan_mount *mount = &mounts[i];

		mount->flags = get_number(reader);
		mount->attributes = get_number(reader);
		mount->fd = -1;
		mount->target = get_string(reader);
		mount->size = get_string(reader);
		mount->mode = get_string(reader);
		if (!mount_is_sound(mount, plan_flags))
			reader->bad = true;
	}
	return n;
}

/* Nothing is executed that could have any. */
static bool has_no_rights(const struct plan *plan)
{
	return !plan->groups[0] && !plan->sysctls[0] && !plan->devices[0] &&
	       !plan->rights.n_limits && !plan->n_filter;
}

static bool plan_is_sound(const struct plan *plan, size_t n_arguments)
{
	const uint32_t network = plan->flags &
				 (PLAN_NETWORK | PLAN_NETWORK_HOST | PLAN_NETWORK_JOIN);
	const uint32_t of_a_container = PLAN_INIT | PLAN_VOLATILE | PLAN_READ_ONLY | PLAN_UNMASKED |
					PLAN_PRIVILEGED | PLAN_OVERLAY | network;

	if (plan->flags & ~(uint32_t)(PLAN_FLAGS_ALL | PLAN_RIGHTS_FLAGS_ALL))
		return false;
	if (network & (network - 1))
		return false;
	if (plan->flags & PLAN_REMOUNT)
		return (plan->flags & ~(uint32_t)PLAN_USERNS) == PLAN_REMOUNT && !plan->hostname &&
		       n_arguments == 0 && plan->n_environment == 0 && !plan->workdir &&
		       !plan->user && has_no_rights(plan);
	if (n_arguments == 0 || !is_absolute(plan->workdir))
		return false;
	if (plan->rights.n_limits > PLAN_LIMITS_MAX ||
	    plan->rights.ambient & ~plan->rights.capabilities)
		return false;
	if (!(plan->flags & PLAN_EXEC))
		return plan->hostname;
	return !(plan->flags & of_a_container) && !plan->hostname && plan->n_mounts == 0 &&
	       !plan->sysctls[0] && !plan->devices[0];
}

int plan_decode(const unsigned char *data, size_t size, const char **vector,
		struct plan_mount *mounts, struct plan *ret, struct error *err)
{
	struct reader reader = { .at = data, .left = size };
	size_t room = PLAN_VECTOR_MAX - 1; /* plan_add_variable's */
	size_t n_arguments = 0;
	struct plan plan = { 0 };

	if (get_number(&reader) != PLAN_MAGIC)
		return error_set(err, ERROR_PROTOCOL, "this is no launch plan");
	plan.flags = get_number(&reader);
	for (size_t i = 0; i < ARRAY_SIZE(string_offsets); i++) {
		const char *string = get_string(&reader);

		(void)memcpy((char *)&plan + string_offsets[i], &string, sizeof(string));
	}
	plan.argv = get_vector(&reader, &vector, &room, &n_arguments);
	plan.environment = get_vector(&reader, &vector, &room, &plan.n_environment);
	plan.mounts = mounts;
	plan.n_mounts = get_mounts(&reader, plan.flags, mounts);
	/* The variable that may be added needs its room behind the environment. */
	if (!reader.bad)
		vector++;
	get_rights(&reader, &vector, &room, &plan);
	if (reader.bad || reader.left || !plan_is_sound(&plan, n_arguments))
		return error_set(err, ERROR_PROTOCOL, "the launch plan is damaged");
	*ret = plan;
	return 0;
}

void plan_add_variable(struct plan *plan, const char *variable)
{
	plan->environment[plan->n_environment++] = variable;
	plan->environment[plan->n_environment] = NULL;
}
