/* Recordings of a container's main process: asciicasts, written by daemon/logs. One that
 * `record start` begins is in the container's own directory, numbered from 1, and one goes on at a
 * time; the other kind is the file that the spec names, which only root may do, and has every run
 * from its first byte. Private to daemon/container but for the names in container.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "daemon/logs/logs.h"
#include "daemon/session/tap.h"

struct container;
struct spec;

struct recorder {
	LIST_ENTRY(recorder) entry;
	struct container *container;
	struct session_tap tap;
	struct log *log;
	unsigned int number; /* 0: the spec's */
	bool input;
	bool typed;	   /* somebody has */
	uid_t last_typist; /* of whom that was told */
};

LIST_HEAD(recorder_list, recorder);

enum {
	RECORDINGS_MAX = 256, /* that a container may keep */
	RECORDING_NAME_SIZE = 64,
};

/* Whether the file that a spec names can be written; makes it. ERROR_INVALID_VALUE. */
int recording_check_spec(const struct spec *spec, struct error *err);

/* The main process has started: the recording that the spec asks for begins. */
void recordings_begin(struct container *container);

/* Ends all of them. */
void recordings_end(struct container *container);

/* The number of the next one in the container's directory. ERROR_LIMIT_REACHED. */
int recordings_next_number(struct container *container, unsigned int *ret, struct error *err);

bool recordings_has_active(const struct container *container, unsigned int number);

/* A viewer of the main process came, or went. */
void recordings_mark_viewer(struct container *container, uid_t uid, bool input, bool came);
