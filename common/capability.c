#include "common/capability.h"

#include <linux/capability.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/parse.h"

#define NAME(name) [CAP_##name] = "CAP_" #name

static const char *const names[CAPABILITIES + 1] = {
	NAME(CHOWN),
	NAME(DAC_OVERRIDE),
	NAME(DAC_READ_SEARCH),
	NAME(FOWNER),
	NAME(FSETID),
	NAME(KILL),
	NAME(SETGID),
	NAME(SETUID),
	NAME(SETPCAP),
	NAME(LINUX_IMMUTABLE),
	NAME(NET_BIND_SERVICE),
	NAME(NET_BROADCAST),
	NAME(NET_ADMIN),
	NAME(NET_RAW),
	NAME(IPC_LOCK),
	NAME(IPC_OWNER),
	NAME(SYS_MODULE),
	NAME(SYS_RAWIO),
	NAME(SYS_CHROOT),
	NAME(SYS_PTRACE),
	NAME(SYS_PACCT),
	NAME(SYS_ADMIN),
	NAME(SYS_BOOT),
	NAME(SYS_NICE),
	NAME(SYS_RESOURCE),
	NAME(SYS_TIME),
	NAME(SYS_TTY_CONFIG),
	NAME(MKNOD),
	NAME(LEASE),
	NAME(AUDIT_WRITE),
	NAME(AUDIT_CONTROL),
	NAME(SETFCAP),
	NAME(MAC_OVERRIDE),
	NAME(MAC_ADMIN),
	NAME(SYSLOG),
	NAME(WAKE_ALARM),
	NAME(BLOCK_SUSPEND),
	NAME(AUDIT_READ),
	NAME(PERFMON),
	NAME(BPF),
	NAME(CHECKPOINT_RESTORE),
};

_Static_assert((int)CAP_LAST_CAP + 1 == (int)CAPABILITIES, "the kernel headers know another last");

const uint64_t capabilities_default =
	CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_DAC_OVERRIDE) | CAPABILITY(CAP_FOWNER) |
	CAPABILITY(CAP_FSETID) | CAPABILITY(CAP_KILL) | CAPABILITY(CAP_SETGID) |
	CAPABILITY(CAP_SETUID) | CAPABILITY(CAP_SETPCAP) | CAPABILITY(CAP_NET_BIND_SERVICE) |
	CAPABILITY(CAP_NET_RAW) | CAPABILITY(CAP_SYS_CHROOT) | CAPABILITY(CAP_MKNOD) |
	CAPABILITY(CAP_AUDIT_WRITE) | CAPABILITY(CAP_SETFCAP);

const char *capability_name(unsigned int number)
{
	return number < CAPABILITIES ? names[number] : NULL;
}

static int unknown(const char *text, struct error *err)
{
	char upper[64] = "CAP_";
	size_t n = strncasecmp(text, "CAP_", 4) == 0 ? 0 : 4;
	const char *nearest;

	for (; *text && n < sizeof(upper) - 1; text++)
		upper[n++] = (char)(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text);
	upper[n] = '\0';
	nearest = parse_nearest(upper, names);
	if (nearest)
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.32s\" is no capability; did you mean %s?", upper, nearest);
	return error_set(err, ERROR_INVALID_VALUE, "\"%.32s\" is no capability", upper);
}

int capability_parse(const char *text, uint64_t *ret, struct error *err)
{
	const char *name = strncasecmp(text, "CAP_", 4) == 0 ? text + 4 : text;

	if (strcasecmp(text, "ALL") == 0) {
		*ret = CAPABILITIES_ALL;
		return 0;
	}
	for (unsigned int i = 0; i < CAPABILITIES; i++) {
		if (strcasecmp(names[i] + 4, name) == 0) {
			*ret = CAPABILITY(i);
			return 0;
		}
	}
	return unknown(text, err);
}

int capabilities_parse(char *const *texts, uint64_t *ret, bool *ret_all, struct error *err)
{
	uint64_t set = 0, one;
	bool all = false;

	for (; texts && *texts; texts++) {
		if (capability_parse(*texts, &one, err) < 0)
			return -1;
		if (one == CAPABILITIES_ALL)
			all = true;
		else
			set |= one;
	}
	*ret = set;
	*ret_all = all;
	return 0;
}

int capabilities_resolve(char *const *add, char *const *drop, uint64_t *ret, struct error *err)
{
	bool add_all, drop_all;
	uint64_t added, dropped;

	if (capabilities_parse(add, &added, &add_all, err) < 0 ||
	    capabilities_parse(drop, &dropped, &drop_all, err) < 0)
		return -1;
	if (add_all && drop_all)
		return error_set(err, ERROR_INVALID_VALUE, "ALL is both added and dropped");
	for (unsigned int i = 0; i < CAPABILITIES; i++)
		if (added & dropped & CAPABILITY(i))
			return error_set(err, ERROR_INVALID_VALUE, "%s is both added and dropped",
					 names[i]);
	if (add_all)
		*ret = CAPABILITIES_ALL & ~dropped;
	else if (drop_all)
		*ret = added;
	else
		*ret = (capabilities_default | added) & ~dropped;
	return 0;
}
