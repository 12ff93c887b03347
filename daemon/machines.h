/* Registers containers with systemd-machined while they run, so that machinectl(1) lists them
 * (org.freedesktop.machine1(5)). All of it is asynchronous, and nobody waits for it: where machined is
 * missing, slow or has something against a name, the container is not listed, and that is all.
 */
#pragma once

struct bus;
struct containers;
struct machines;

/* The bus is the caller's, and outlives it. */
struct machines *machines_new(struct bus *bus, struct containers *containers);

/* What was not sent yet is not. NULL-safe; returns NULL. */
struct machines *machines_free(struct machines *machines);
