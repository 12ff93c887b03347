/* Ranges of ids, and namespaces that are ready for them. */
#include <assert.h>
#include <stdlib.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/launch/userns.h"

enum {
	SOON_MS = 20, /* after a range was taken: the container that has it is up by then */
};

struct userns_pool {
	struct event *idle;
	uint32_t first, n_ranges, next;
	uint8_t *taken; /* n_ranges bits */
	/* A range that is nobody's yet, or its owner's who has not started, with a namespace. */
	uint32_t ready;
	int ready_fd;	 /* -1: none */
	bool ready_free; /* nobody has it */
	struct error refusal;
};

static bool is_taken(const struct userns_pool *pool, uint32_t i)
{
	return pool->taken[i / 8] & (1U << i % 8);
}

static void set_taken(struct userns_pool *pool, uint32_t i, bool taken)
{
	if (taken)
		pool->taken[i / 8] = (uint8_t)(pool->taken[i / 8] | 1U << i % 8);
	else
		pool->taken[i / 8] = (uint8_t)(pool->taken[i / 8] & ~(1U << i % 8));
}

/* n_ranges if all are taken. */
static uint32_t find_free(struct userns_pool *pool)
{
	for (uint32_t n = 0; n < pool->n_ranges; n++) {
		uint32_t i = (pool->next + n) % pool->n_ranges;

		if (!is_taken(pool, i))
			return i;
	}
	return pool->n_ranges;
}

static uint32_t first_of(const struct userns_pool *pool, uint32_t i)
{
	return pool->first + i * USERNS_RANGE;
}

struct id_map userns_pool_map(uint32_t first)
{
	return (struct id_map){
		.ranges = { { .inside = 0, .host = first, .size = USERNS_RANGE } },
		.n = 1,
	};
}

void userns_pool_prepare(struct userns_pool *pool)
{
	uint32_t i = find_free(pool);
	struct id_map map;
	struct error ignored; /* who needs it will be told */

	if (pool->refusal.code || (pool->ready_fd >= 0 && pool->ready_free) || i == pool->n_ranges)
		return;
	pool->ready_fd = fd_close(pool->ready_fd);
	map = userns_pool_map(first_of(pool, i));
	if (userns_make(&map, &map, &pool->ready_fd, &ignored) < 0)
		return;
	pool->ready = i;
	pool->ready_free = true;
	pool->next = i;
}

static void on_idle(evutil_socket_t fd, short what, void *userdata)
{
	(void)fd;
	(void)what;
	userns_pool_prepare(userdata);
}

static void prepare_in(struct userns_pool *pool, unsigned int ms)
{
	const struct timeval later = { .tv_usec = (suseconds_t)ms * 1000 };

	(void)event_add(pool->idle, &later);
}

struct userns_pool *userns_pool_new(struct event_base *base, uint32_t first, uint32_t count)
{
	struct userns_pool *pool = ALLOC(struct userns_pool);

	pool->first = first;
	pool->n_ranges = count / USERNS_RANGE;
	pool->taken = alloc_zero(pool->n_ranges / 8 + 1, 1);
	pool->ready_fd = -1;
	(void)userns_is_of_use(&pool->refusal);
	pool->idle = evtimer_new(base, on_idle, pool);
	if (!pool->idle)
		abort();
	return pool;
}

const struct error *userns_pool_refusal(const struct userns_pool *pool)
{
	return pool->refusal.code ? &pool->refusal : NULL;
}

struct userns_pool *userns_pool_free(struct userns_pool *pool)
{
	if (!pool)
		return NULL;
	event_free(pool->idle);
	(void)fd_close(pool->ready_fd);
	free(pool->taken);
	free(pool);
	return NULL;
}

int userns_pool_take(struct userns_pool *pool, uint32_t *ret_first, struct error *err)
{
	uint32_t i = find_free(pool);

	if (i == pool->n_ranges)
		return error_set(err, ERROR_LIMIT_REACHED,
				 "all %u ranges of subordinate ids are taken (dokrustd.conf: "
				 "subordinate_ids)",
				 pool->n_ranges);
	set_taken(pool, i, true);
	pool->next = (i + 1) % pool->n_ranges;
	if (i == pool->ready)
		pool->ready_free = false;
	prepare_in(pool, SOON_MS);
	*ret_first = first_of(pool, i);
	return 0;
}

/* n_ranges if it is not one of them. */
static uint32_t index_of(const struct userns_pool *pool, uint32_t first)
{
	if (first < pool->first || (first - pool->first) % USERNS_RANGE ||
	    (first - pool->first) / USERNS_RANGE >= pool->n_ranges)
		return pool->n_ranges;
	return (first - pool->first) / USERNS_RANGE;
}

bool userns_pool_claim(struct userns_pool *pool, uint32_t first)
{
	uint32_t i = index_of(pool, first);

	if (i == pool->n_ranges || is_taken(pool, i))
		return false;
	set_taken(pool, i, true);
	return true;
}

void userns_pool_release(struct userns_pool *pool, uint32_t first)
{
	uint32_t i = index_of(pool, first);

	assert(i < pool->n_ranges && is_taken(pool, i));
	set_taken(pool, i, false);
	/* Never used, it could serve the next one; but who had it may have got it out. */
	if (pool->ready_fd >= 0 && pool->ready == i)
		pool->ready_fd = fd_close(pool->ready_fd);
	prepare_in(pool, 0);
}

int userns_pool_make(struct userns_pool *pool, uint32_t first, int *ret_fd, struct error *err)
{
	const struct id_map map = userns_pool_map(first);

	if (pool->ready_fd >= 0 && first_of(pool, pool->ready) == first) {
		*ret_fd = TAKE_FD(pool->ready_fd);
		return 0;
	}
	return userns_make(&map, &map, ret_fd, err);
}
