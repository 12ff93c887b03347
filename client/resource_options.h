/* The options that limit what a container may use: for run and create, and for update. */
#pragma once

#include "client/options.h"
#include "common/resources.h"

/* For OPTION_PARSED, each into the member of that type. */
int option_size(const char *text, void *value, struct error *err);
int option_cpus(const char *text, void *value, struct error *err);
int option_count(const char *text, void *value, struct error *err);
int option_read_bps(const char *text, void *value, struct error *err);
int option_write_bps(const char *text, void *value, struct error *err);
int option_read_iops(const char *text, void *value, struct error *err);
int option_write_iops(const char *text, void *value, struct error *err);

#define RESOURCE_PARSED_(type, name_, letter_, member_, parse_, argument_, help_)            \
	{                                                                                    \
		.name = (name_), .letter = (letter_), .kind = OPTION_PARSED,                 \
		.offset = offsetof(type, member_), .argument = (argument_), .help = (help_), \
		.parse = (parse_)                                                            \
	}
#define RESOURCE_TEXT_(type, name_, kind_, member_, argument_, help_)                \
	{                                                                            \
		.name = (name_), .kind = (kind_), .offset = offsetof(type, member_), \
		.argument = (argument_), .help = (help_)                             \
	}

/* Entries of a table, for a structure `type` with a struct resources called `member`. */
#define RESOURCE_OPTIONS(type, member)                                                             \
	RESOURCE_PARSED_(type, "memory", 'm', member.memory_bytes, option_size, "SIZE",            \
			 "memory, as 512m or 1.5g; -1 lifts the limit"),                           \
		RESOURCE_PARSED_(type, "memory-swap", '\0', member.memory_swap_bytes, option_size, \
				 "SIZE", "memory and swap together (default: twice the memory)"),  \
		RESOURCE_PARSED_(type, "memory-reservation", '\0',                                 \
				 member.memory_reservation_bytes, option_size, "SIZE",             \
				 "what it keeps while others have more"),                          \
		RESOURCE_PARSED_(type, "cpus", '\0', member.nano_cpus, option_cpus, "NUMBER",      \
				 "CPUs, as 2 or 0.5"),                                             \
		RESOURCE_PARSED_(type, "cpu-shares", '\0', member.cpu_shares, option_count,        \
				 "NUMBER", "its weight against others (default 1024)"),            \
		RESOURCE_TEXT_(type, "cpuset-cpus", OPTION_TEXT, member.cpuset_cpus, "LIST",       \
			       "the CPUs it may run on, as 0-2,5"),                                \
		RESOURCE_TEXT_(type, "cpuset-mems", OPTION_TEXT, member.cpuset_mems, "LIST",       \
			       "the memory nodes it may use"),                                     \
		RESOURCE_PARSED_(type, "pids-limit", '\0', member.pids_limit, option_count,        \
				 "NUMBER", "processes and threads (default 2048; -1: no limit)"),  \
		RESOURCE_PARSED_(type, "blkio-weight", '\0', member.blkio_weight, option_count,    \
				 "NUMBER", "its weight at the disks, 1 to 1000 (default 100)"),    \
		RESOURCE_PARSED_(type, "device-read-bps", '\0', member.device_rates,               \
				 option_read_bps, "PATH:SIZE",                                     \
				 "bytes a second read from a device"),                             \
		RESOURCE_PARSED_(type, "device-write-bps", '\0', member.device_rates,              \
				 option_write_bps, "PATH:SIZE",                                    \
				 "bytes a second written to a device"),                            \
		RESOURCE_PARSED_(type, "device-read-iops", '\0', member.device_rates,              \
				 option_read_iops, "PATH:NUMBER", "reads a second from a device"), \
		RESOURCE_PARSED_(type, "device-write-iops", '\0', member.device_rates,             \
				 option_write_iops, "PATH:NUMBER", "writes a second to a device"), \
		RESOURCE_TEXT_(type, "cgroup", OPTION_TEXTS, member.files, "FILE=VALUE",           \
			       "write any file of its control group"),                             \
		RESOURCE_TEXT_(type, "quota", OPTION_TEXTS, member.quotas,                         \
			       "GROUP:FILE:VALUE[::...]", "the same, as vas-quod wrote it")
