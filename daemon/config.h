/* The daemon's settings: defaults, then the configuration file, then the command line. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "common/log.h"

/* The pool that containers' ids come from (daemon/launch/userns.h). */
struct config_ids {
	uint32_t first, count;
};

struct config {
	char *socket, *state_dir, *run_dir, *image_dir; /* absolute paths */
	char *executable;				/* where this program was when it started */
	char *cgroup_unit;				/* or NULL */
	char *default_network;	  /* of containers that name none; NULL: loopback alone */
	char *publish_address;	  /* of ports that name none; NULL: all */
	bool firewall_exceptions; /* other firewalls of the host are told to let networks through */
	bool keep;
	int64_t connections_max, connections_per_user_max;
	enum log_level log_level;
	struct config_ids ids;
	char *group, *admin_group;	 /* names or numbers */
	char *subuid_file, *subgid_file; /* absolute paths */
	/* 0: no limit */
	int64_t user_containers_max, user_memory_max_bytes, user_disk_max_bytes;
};

enum config_outcome { CONFIG_RUN, CONFIG_SHOWED_HELP };

/* Reads the command line and the file it names (by default /etc/dokrust/dokrustd.conf, which may
 * be missing). *ret is config_done'd by the caller.
 */
int config_read(int argc, char **argv, struct config *ret, enum config_outcome *ret_outcome,
		struct error *err);
void config_done(struct config *config);
