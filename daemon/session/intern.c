#include "daemon/session/intern.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

enum { FIRST_ROOM = 31 };

void intern_init(struct intern *table, const struct intern_type *type)
{
	*table = (struct intern){ .type = type };
}

static bool is_set(const uint64_t *bits, uint32_t i)
{
	return bits[i / 64] >> i % 64 & 1;
}

static void set_bit(uint64_t *bits, uint32_t i)
{
	bits[i / 64] |= UINT64_C(1) << i % 64;
}

static size_t bitmap_words(uint32_t room)
{
	return room / 64 + 1;
}

void intern_done(struct intern *table)
{
	if (!table || !table->type)
		return;
	for (uint32_t id = 1; table->type->forget && id <= table->room; id++)
		if (is_set(table->used, id))
			table->type->forget(table->values + id * table->type->size);
	free(table->values);
	free(table->slots);
	free(table->used);
	free(table->marked);
	intern_init(table, table->type);
}

static uint64_t hash_of(const struct intern *table, const void *value)
{
	const unsigned char *at = value;
	uint64_t hash = 0x9e3779b97f4a7c15, word;

	if (table->type->hash)
		return table->type->hash(value);
	for (size_t i = 0; i < table->type->size; i += sizeof(word)) {
		(void)memcpy(&word, at + i, sizeof(word));
		hash = (hash ^ word) * 0xff51afd7ed558ccd;
		hash ^= hash >> 32;
	}
	return hash;
}

static bool is_equal(const struct intern *table, const void *a, const void *b)
{
	if (table->type->equal)
		return table->type->equal(a, b);
	return memcmp(a, b, table->type->size) == 0;
}

const void *intern_get(const struct intern *table, uint16_t id)
{
	static const uint64_t none[8];

	return table->values ? table->values + id * table->type->size : (const void *)none;
}

uint16_t intern_find(const struct intern *table, const void *value)
{
	uint64_t at;

	if (!table->n)
		return 0;
	for (at = hash_of(table, value);; at++) {
		uint16_t id = table->slots[at & table->slot_mask];

		if (!id || is_equal(table, intern_get(table, id), value))
			return id;
	}
}

bool intern_is_full(const struct intern *table)
{
	return table->n == table->room;
}

static void put_into_slot(struct intern *table, uint16_t id)
{
	uint64_t at = hash_of(table, intern_get(table, id));

	while (table->slots[at & table->slot_mask])
		at++;
	table->slots[at & table->slot_mask] = id;
}

uint16_t intern_add(struct intern *table, const void *value)
{
	uint16_t id;

	table->added++;
	if (intern_is_full(table))
		return 0;
	/* There is a free number, and a sweep makes this start from the first one again. */
	while (is_set(table->used, table->next))
		table->next++;
	id = (uint16_t)table->next++;
	set_bit(table->used, id);
	(void)memcpy(table->values + id * table->type->size, value, table->type->size);
	table->n++;
	put_into_slot(table, id);
	return id;
}

static void fill_slots(struct intern *table)
{
	(void)memset(table->slots, 0, (table->slot_mask + 1) * sizeof(*table->slots));
	for (uint32_t id = 1; id <= table->room; id++)
		if (is_set(table->used, id))
			put_into_slot(table, (uint16_t)id);
}

static void *grown(void *old, size_t old_size, size_t new_size)
{
	unsigned char *p = alloc_resize(old, new_size);

	(void)memset(p + old_size, 0, new_size - old_size);
	return p;
}

bool intern_grow(struct intern *table)
{
	uint32_t most = table->type->most, old = table->room;
	uint32_t room = old ? old * 2 + 1 : FIRST_ROOM;
	size_t size = table->type->size, old_words = old ? bitmap_words(old) : 0;

	if (room > most)
		room = most;
	if (room == old)
		return false;
	table->values = grown(table->values, old ? (old + 1) * size : 0, (room + 1) * size);
	table->used = grown(table->used, old_words * sizeof(*table->used),
			    bitmap_words(room) * sizeof(*table->used));
	table->marked = grown(table->marked, old_words * sizeof(*table->marked),
			      bitmap_words(room) * sizeof(*table->marked));
	table->room = room;
	if (!old)
		table->next = 1;
	/* At most half of the slots are taken, so that a search ends soon. */
	table->slot_mask = 1;
	while (table->slot_mask < 2 * room)
		table->slot_mask = table->slot_mask * 2 + 1;
	free(table->slots);
	table->slots = alloc_zero(table->slot_mask + 1, sizeof(*table->slots));
	fill_slots(table);
	return true;
}

void intern_mark(struct intern *table, uint16_t id)
{
	if (id)
		set_bit(table->marked, id);
}

void intern_sweep(struct intern *table)
{
	table->added = 0;
	if (!table->room)
		return;
	table->n = 0;
	for (uint32_t id = 1; id <= table->room; id++) {
		if (!is_set(table->used, id))
			continue;
		if (is_set(table->marked, id))
			table->n++;
		else if (table->type->forget)
			table->type->forget(table->values + id * table->type->size);
	}
	(void)memcpy(table->used, table->marked, bitmap_words(table->room) * sizeof(uint64_t));
	(void)memset(table->marked, 0, bitmap_words(table->room) * sizeof(uint64_t));
	table->next = 1;
	fill_slots(table);
}
