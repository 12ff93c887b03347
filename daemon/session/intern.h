/* Distinct values of one fixed size, each known by a small number for as long as it is in use. What
 * uses them says so when the table is full, and the others are forgotten: mark and sweep.
 *
 *	id = intern_find(table, &value);
 *	if (!id && intern_is_full(table))
 *		... intern_mark() all that are in use, intern_sweep(), or intern_grow() ...
 *	if (!id)
 *		id = intern_add(table, &value);
 *
 * Number 0 is never given to a value: it stands for none, and reads as zeroes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct intern_type {
	size_t size;   /* of a value, a multiple of 8; padding must be zero unless hash and equal
			* look past it
			*/
	uint32_t most; /* values, at most INTERN_MOST */
	/* NULL: all bytes of a value count. */
	uint64_t (*hash)(const void *value);
	bool (*equal)(const void *a, const void *b);
	/* The table lets go of a value; NULL: nothing to be done. */
	void (*forget)(void *value);
};

enum { INTERN_MOST = 65535 };

struct intern {
	const struct intern_type *type;
	unsigned char *values; /* of `room` + 1 numbers; value 0 is all zeroes */
	uint16_t *slots;       /* a hash table of numbers, 0: empty; slot_mask + 1 of them */
	uint64_t *used, *marked;
	uint32_t room, n, next, slot_mask;
	uint32_t added; /* additions, and those that failed, since the last sweep */
};

/* An empty table takes no memory. */
void intern_init(struct intern *table, const struct intern_type *type);
/* NULL-safe. */
void intern_done(struct intern *table);

/* The value of a number; borrowed until the next addition or sweep. */
const void *intern_get(const struct intern *table, uint16_t id);

/* 0 if it is not there. */
uint16_t intern_find(const struct intern *table, const void *value);

bool intern_is_full(const struct intern *table);

/* Adds a value that is not there, copied byte by byte; 0 if the table is full. */
uint16_t intern_add(struct intern *table, const void *value);

/* Room for more; false if there is as much as there may be. */
bool intern_grow(struct intern *table);

/* Between two sweeps: this number is in use. */
void intern_mark(struct intern *table, uint16_t id);
/* Forgets what was not marked, and all marks. */
void intern_sweep(struct intern *table);
