/* The cache. A daemon sees few combinations of profile and capabilities, and those again and again.
 */
#include "daemon/launch/seccomp.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"

enum { ENTRIES_MAX = 16 };

struct entry {
	char *text; /* NULL: the default profile */
	uint64_t capabilities;
	struct seccomp_program program; /* no instructions: the entry is free */
	uint64_t used;			/* when; the least recently used one gives way */
};

struct seccomp_cache {
	struct entry entries[ENTRIES_MAX];
	uint64_t clock;
};

struct seccomp_cache *seccomp_cache_new(void)
{
	return ALLOC(struct seccomp_cache);
}

static void entry_clear(struct entry *entry)
{
	free(entry->text);
	free(entry->program.instructions);
	*entry = (struct entry){ 0 };
}

struct seccomp_cache *seccomp_cache_free(struct seccomp_cache *cache)
{
	for (size_t i = 0; cache && i < ENTRIES_MAX; i++)
		entry_clear(&cache->entries[i]);
	free(cache);
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static int compile(const char *text, uint64_t capabilities, struct seccomp_program *ret,
		   struct error *err)
{
	struct seccomp_profile *profile;
	int r;

	if (!text)
		return seccomp_compile(&seccomp_default_profile, capabilities, ret, err);
	if (seccomp_profile_parse(text, &profile, err) < 0)
		return -1;
	r = seccomp_compile(profile, capabilities, ret, err);
	seccomp_profile_free(profile);
	return r;
}

int seccomp_cache_get(struct seccomp_cache *cache, const char *text, uint64_t capabilities,
		      const struct seccomp_program **ret, struct error *err)
{
	struct entry *oldest = &cache->entries[0];
	struct seccomp_program program;

	for (struct entry *e = cache->entries; e < cache->entries + ENTRIES_MAX; e++) {
		if (e->program.instructions && e->capabilities == capabilities &&
		    same_text(e->text, text)) {
			e->used = ++cache->clock;
			*ret = &e->program;
			return 0;
		}
		if (e->used < oldest->used)
			oldest = e;
	}
	if (compile(text, capabilities, &program, err) < 0)
		return -1;
	entry_clear(oldest);
	*oldest = (struct entry){
		.text = alloc_strdup(text),
		.capabilities = capabilities,
		.program = program,
		.used = ++cache->clock,
	};
	*ret = &oldest->program;
	return 0;
}
