/* The .varlink files of common/, embedded at build time. */
#pragma once

#include <stddef.h>

extern const char interface_service_text[], interface_service_end[];
extern const char interface_container_text[], interface_container_end[];
extern const char interface_daemon_text[], interface_daemon_end[];
extern const char interface_network_text[], interface_network_end[];
extern const char interface_volume_text[], interface_volume_end[];
