#include "common/rights.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/capability.h"
#include "common/cleanup.h"
#include "common/device.h"
#include "common/json.h"
#include "common/seccomp_profile.h"
#include "common/sysctl.h"
#include "common/text.h"
#include "common/ulimit.h"

enum {
	OOM_SCORE_ADJ_MIN = -1000, /* linux/oom.h */
	OOM_SCORE_ADJ_MAX = 1000,
	GROUP_NAME_MAX = 64,
};

static const char unconfined[] = "unconfined";
static const int64_t shm_bytes_max = INT64_C(1) << 50;

static const struct json_field fields[] = {
	JSON_FIELD(struct rights, cap_add, JSON_STRINGS),
	JSON_FIELD(struct rights, cap_drop, JSON_STRINGS),
	JSON_FIELD(struct rights, privileged, JSON_BOOL),
	JSON_FIELD(struct rights, no_new_privileges, JSON_BOOL),
	JSON_FIELD(struct rights, unmasked_paths, JSON_BOOL),
	JSON_FIELD(struct rights, seccomp, JSON_STRING),
	JSON_FIELD(struct rights, ulimits, JSON_STRINGS),
	JSON_FIELD(struct rights, sysctls, JSON_MAP),
	JSON_FIELD(struct rights, devices, JSON_STRINGS),
	JSON_FIELD(struct rights, device_rules, JSON_STRINGS),
	JSON_FIELD(struct rights, groups, JSON_STRINGS),
	JSON_FIELD(struct rights, oom_score_adj, JSON_INT),
	JSON_FIELD(struct rights, shm_bytes, JSON_INT),
};

int rights_from_json(struct json_object *object, struct rights *rights, struct error *err)
{
	return json_read_fields(object, fields, ARRAY_SIZE(fields), rights, err);
}

void rights_to_json(const struct rights *rights, struct json_object *object)
{
	json_write_fields(object, fields, ARRAY_SIZE(fields), rights);
}

void rights_done(struct rights *rights)
{
	json_free_fields(fields, ARRAY_SIZE(fields), rights);
	*rights = RIGHTS_NULL;
}

/* --- Validation ------------------------------------------------------------------------------ */

/* The message is there already. */
static int blame(const char *field, struct error *err)
{
	(void)snprintf(err->subject, sizeof(err->subject), "spec.%s", field);
	err->code = ERROR_INVALID_VALUE;
	return -1;
}

static int check_capabilities(const struct rights *rights, struct error *err)
{
	uint64_t set;
	bool all;

	if (capabilities_parse(rights->cap_drop, &set, &all, err) < 0)
		return blame("cap_drop", err);
	if (capabilities_resolve(rights->cap_add, rights->cap_drop, &set, err) < 0)
		return blame("cap_add", err);
	if (rights->privileged && strv_length(rights->cap_drop)) {
		(void)error_set(err, ERROR_INVALID_VALUE,
				"a privileged container has all capabilities: none can be dropped");
		return blame("cap_drop", err);
	}
	return 0;
}

static int check_seccomp(const struct rights *rights, struct error *err)
{
	struct seccomp_profile *profile;

	if (!rights->seccomp || strcmp(rights->seccomp, unconfined) == 0)
		return 0;
	if (rights->privileged) {
		(void)error_set(err, ERROR_INVALID_VALUE,
				"a privileged container has no seccomp profile");
		return blame("seccomp", err);
	}
	if (seccomp_profile_parse(rights->seccomp, &profile, err) < 0)
		return blame("seccomp", err);
	seccomp_profile_free(profile);
	return 0;
}

static int check_ulimits(const struct rights *rights, struct error *err)
{
	struct ulimit limits[ULIMITS_MAX];
	size_t n;

	return ulimits_parse(rights->ulimits, limits, &n, err) < 0 ? blame("ulimits", err) : 0;
}

static int too_many(const char *field, size_t max, struct error *err)
{
	(void)error_set(err, ERROR_INVALID_VALUE, "more than %zu %s", max, field);
	return blame(field, err);
}

static int check_sysctls(const struct rights *rights, struct error *err)
{
	if (strv_length(rights->sysctls) > SYSCTLS_MAX)
		return too_many("sysctls", SYSCTLS_MAX, err);
	for (char **text = rights->sysctls; text && *text; text++)
		if (sysctl_check(*text, err) < 0)
			return blame("sysctls", err);
	return 0;
}

static int check_devices(const struct rights *rights, struct error *err)
{
	struct device_option device;

	if (strv_length(rights->devices) > DEVICES_MAX)
		return too_many("devices", DEVICES_MAX, err);
	for (char **text = rights->devices; text && *text; text++)
		if (device_parse(*text, &device, err) < 0)
			return blame("devices", err);
	return 0;
}

static int check_device_rules(const struct rights *rights, struct error *err)
{
	struct device_rule rule;

	if (strv_length(rights->device_rules) > DEVICE_RULES_MAX)
		return too_many("device_rules", DEVICE_RULES_MAX, err);
	for (char **text = rights->device_rules; text && *text; text++)
		if (device_rule_parse(*text, &rule, err) < 0)
			return blame("device_rules", err);
	return 0;
}

static int check_groups(const struct rights *rights, struct error *err)
{
	if (strv_length(rights->groups) > RIGHTS_GROUPS_MAX)
		return too_many("groups", RIGHTS_GROUPS_MAX, err);
	for (char **text = rights->groups; text && *text; text++) {
		size_t n = strlen(*text);
		bool plain = n > 0 && n <= GROUP_NAME_MAX && !strchr(*text, ':');

		for (size_t i = 0; i < n && plain; i++)
			plain = !iscntrl((unsigned char)(*text)[i]);
		if (plain)
			continue;
		(void)error_set(err, ERROR_INVALID_VALUE, "a group is a name or a number");
		return blame("groups", err);
	}
	return 0;
}

static int check_numbers(const struct rights *rights, struct error *err)
{
	if (rights->oom_score_adj < OOM_SCORE_ADJ_MIN ||
	    rights->oom_score_adj > OOM_SCORE_ADJ_MAX) {
		(void)error_set(err, ERROR_INVALID_VALUE,
				"an adjustment of the OOM score is between %d and %d",
				OOM_SCORE_ADJ_MIN, OOM_SCORE_ADJ_MAX);
		return blame("oom_score_adj", err);
	}
	if (rights->shm_bytes < 1 || rights->shm_bytes > shm_bytes_max) {
		(void)error_set(err, ERROR_INVALID_VALUE,
				"the size of /dev/shm is at least a byte, and at most a PiB");
		return blame("shm_bytes", err);
	}
	return 0;
}

int rights_validate(const struct rights *rights, struct error *err)
{
	if (check_capabilities(rights, err) < 0 || check_seccomp(rights, err) < 0 ||
	    check_ulimits(rights, err) < 0 || check_sysctls(rights, err) < 0 ||
	    check_devices(rights, err) < 0 || check_device_rules(rights, err) < 0 ||
	    check_groups(rights, err) < 0)
		return -1;
	return check_numbers(rights, err);
}

/* --- What follows from them ------------------------------------------------------------------ */

uint64_t rights_capabilities(const struct rights *rights)
{
	struct error ignored;
	uint64_t set = 0;

	if (rights->privileged)
		return CAPABILITIES_ALL;
	(void)capabilities_resolve(rights->cap_add, rights->cap_drop, &set, &ignored);
	return set;
}

uint64_t rights_ambient(const struct rights *rights)
{
	struct error ignored;
	uint64_t set = 0;
	bool all = false;

	(void)capabilities_parse(rights->cap_add, &set, &all, &ignored);
	return (all ? CAPABILITIES_ALL : set) & rights_capabilities(rights);
}

bool rights_unconfined(const struct rights *rights)
{
	return rights->privileged || (rights->seccomp && strcmp(rights->seccomp, unconfined) == 0);
}
