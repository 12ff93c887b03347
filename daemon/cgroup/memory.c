/* Memory: Documentation/admin-guide/cgroup-v1/memory.rst, and "Memory" in cgroup-v2.rst.
 *
 * v1 limits memory, and memory and swap together; v2 limits memory, and swap alone. docker's figure
 * is v1's. The soft limit of v1 and memory.low are what runc and crun take for docker's
 * reservation.
 */
#include <errno.h>

#include "daemon/cgroup/changes.h"

static const char *wanted(const struct cgroup_limits *limits)
{
	if (limits->memory_bytes != CGROUP_UNSET)
		return "memory_bytes";
	if (limits->memory_swap_bytes != CGROUP_UNSET)
		return "memory_swap_bytes";
	return limits->memory_reservation_bytes != CGROUP_UNSET ? "memory_reservation_bytes" : NULL;
}

/* Memory and swap together as it is to be, or CGROUP_UNSET. */
static int64_t with_swap(const struct cgroup_limits *limits)
{
	if (limits->memory_swap_bytes != CGROUP_UNSET || limits->memory_bytes == CGROUP_UNSET)
		return limits->memory_swap_bytes;
	if (limits->memory_bytes == CGROUP_UNLIMITED || limits->memory_bytes > INT64_MAX / 2)
		return CGROUP_UNLIMITED;
	return 2 * limits->memory_bytes;
}

static int check_swap(int64_t limit, int64_t both, struct error *err)
{
	if (both == CGROUP_UNSET || both == CGROUP_UNLIMITED ||
	    (limit != CGROUP_UNLIMITED && limit <= both))
		return 0;
	return error_set_subject(err, ERROR_INVALID_VALUE, "memory_swap_bytes",
				 "memory and swap together (%lld bytes) are less than the limit of "
				 "memory alone",
				 (long long)both);
}

/* Swap was not asked for: then it matters only where it can be limited. */
static bool can_omit_swap(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
			  const struct cgroup_limits *limits, const char *file)
{
	return limits->memory_swap_bytes == CGROUP_UNSET && !group_has(cgroup, hierarchy, file);
}

/* On v1 this counts what was killed in that very group, on v2 also in groups inside it. */
int64_t memory_oom_kills(const struct cgroup *cgroup, const struct hierarchy *hierarchy)
{
	const char *file = hierarchy->version == 1 ? "memory.oom_control" : "memory.events";
	char text[512];

	if (group_read(cgroup, hierarchy, file, text, sizeof(text)) < 0)
		return -1;
	return text_number_of(text, "oom_kill");
}

/* --- v1 -------------------------------------------------------------------------------------- */

#define V1_LIMIT "memory.limit_in_bytes"
#define V1_WITH_SWAP "memory.memsw.limit_in_bytes"

/* The limit of both together must never be the lower one, so which goes first depends on which way
 * it goes.
 */
static int plan_v1(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		   const struct cgroup_limits *limits, struct changes *changes, struct error *err)
{
	int64_t both = with_swap(limits), limit = limits->memory_bytes;
	int64_t both_now = group_read_number(cgroup, hierarchy, V1_WITH_SWAP);
	bool swap = both != CGROUP_UNSET && !can_omit_swap(cgroup, hierarchy, limits, V1_WITH_SWAP);
	bool raises = both == CGROUP_UNLIMITED || (both_now != CGROUP_UNLIMITED && both > both_now);

	if (limit == CGROUP_UNSET)
		limit = group_read_number(cgroup, hierarchy, V1_LIMIT);
	if (check_swap(limit, both, err) < 0)
		return -1;
	if (swap && raises)
		changes_add_number(changes, hierarchy, "memory_swap_bytes", V1_WITH_SWAP, both,
				   "-1");
	if (limits->memory_bytes != CGROUP_UNSET)
		changes_add_number(changes, hierarchy, "memory_bytes", V1_LIMIT,
				   limits->memory_bytes, "-1");
	if (swap && !raises)
		changes_add_number(changes, hierarchy, "memory_swap_bytes", V1_WITH_SWAP, both,
				   "-1");
	if (limits->memory_reservation_bytes != CGROUP_UNSET)
		changes_add_number(changes, hierarchy, "memory_reservation_bytes",
				   "memory.soft_limit_in_bytes", limits->memory_reservation_bytes,
				   "-1");
	return 0;
}

static void subtract_cache(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
			   const char *key, struct cgroup_figures *figures)
{
	char text[CGROUP_READ_MAX];
	int64_t cache;

	if (figures->memory_bytes < 0 ||
	    group_read(cgroup, hierarchy, "memory.stat", text, sizeof(text)) < 0)
		return;
	cache = text_number_of(text, key);
	figures->memory_used_bytes = cache > 0 && cache < figures->memory_bytes ?
					     figures->memory_bytes - cache :
				     cache >= figures->memory_bytes ? 0 :
								      figures->memory_bytes;
}

static void sample_v1(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		      struct cgroup_figures *figures)
{
	figures->memory_bytes = group_read_number(cgroup, hierarchy, "memory.usage_in_bytes");
	figures->memory_limit_bytes = group_read_number(cgroup, hierarchy, V1_LIMIT);
	figures->oom_kills = memory_oom_kills(cgroup, hierarchy);
	subtract_cache(cgroup, hierarchy, "total_inactive_file", figures);
}

/* --- v2 -------------------------------------------------------------------------------------- */

/* Less than is in use after everything was reclaimed is refused on v1. */
static int check_in_use(const struct cgroup *cgroup, const struct change *change)
{
	if (group_read_number(cgroup, change->hierarchy, "memory.current") <= change->expected)
		return 0;
	errno = EBUSY;
	return -1;
}

/* v2 takes any memory.max and kills until it fits. To lower memory.high first makes it reclaim
 * what it can before the write returns, and kills nobody; then one can see.
 */
void memory_v2_limit(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		     const char *subject, int64_t bytes, struct changes *changes)
{
	bool lowers = bytes != CGROUP_UNLIMITED &&
		      group_read_number(cgroup, hierarchy, "memory.current") > bytes;
	int64_t high = group_read_number(cgroup, hierarchy, "memory.high");
	struct change *probe;

	if (lowers) {
		probe = changes_add(changes, hierarchy, subject, "memory.high", "%lld",
				    (long long)bytes);
		probe->check = check_in_use;
		probe->expected = bytes;
		probe->stands_for = "memory.max";
	}
	changes_add_number(changes, hierarchy, subject, "memory.max", bytes, "max");
	if (lowers)
		changes_add_number(changes, hierarchy, subject, "memory.high", high, "max");
}

static int plan_v2(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		   const struct cgroup_limits *limits, struct changes *changes, struct error *err)
{
	int64_t both = with_swap(limits), limit = limits->memory_bytes;

	if (limit != CGROUP_UNSET)
		memory_v2_limit(cgroup, hierarchy, "memory_bytes", limit, changes);
	else if (both != CGROUP_UNSET)
		limit = group_read_number(cgroup, hierarchy, "memory.max");
	if (check_swap(limit, both, err) < 0)
		return -1;
	if (both != CGROUP_UNSET && !can_omit_swap(cgroup, hierarchy, limits, "memory.swap.max"))
		changes_add_number(changes, hierarchy, "memory_swap_bytes", "memory.swap.max",
				   both == CGROUP_UNLIMITED ? both : both - limit, "max");
	if (limits->memory_reservation_bytes != CGROUP_UNSET)
		changes_add_number(changes, hierarchy, "memory_reservation_bytes", "memory.low",
				   limits->memory_reservation_bytes == CGROUP_UNLIMITED ?
					   0 :
					   limits->memory_reservation_bytes,
				   "max");
	return 0;
}

static void sample_v2(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		      struct cgroup_figures *figures)
{
	figures->memory_bytes = group_read_number(cgroup, hierarchy, "memory.current");
	figures->memory_limit_bytes = group_read_number(cgroup, hierarchy, "memory.max");
	figures->oom_kills = memory_oom_kills(cgroup, hierarchy);
	subtract_cache(cgroup, hierarchy, "inactive_file", figures);
}

const struct controller memory_controller = {
	.name = "memory",
	.wanted = wanted,
	.ops = {
		[1] = { .plan = plan_v1, .sample = sample_v1 },
		[2] = { .plan = plan_v2, .sample = sample_v2 },
	},
};
