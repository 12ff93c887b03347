/* What tells the daemons of one host apart, and the names of what each makes there: control groups,
 * bridges, firewall tables.
 */
#pragma once

enum { INSTANCE_NAME_SIZE = 32 };

/* "dokrust" for /run/dokrust, and else "dokrust-" with 16 hexadecimal digits made from the
 * directory's path without links.
 */
const char *instance_name(const char *run_dir, char buffer[INSTANCE_NAME_SIZE]);
