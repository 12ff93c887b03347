#include <stdint.h>
#include <stdio.h>
#include <sys/random.h>

#include "common/cleanup.h"
#include "daemon/container/object.h"

static const char *const adjectives[] = {
	"amber",  "brave",  "brisk",  "calm",	"clear",  "cosy",   "crisp", "deft",
	"dry",	  "eager",  "early",  "even",	"fair",	  "firm",   "fleet", "fresh",
	"gentle", "glad",   "keen",   "kind",	"light",  "lively", "lucid", "mellow",
	"mild",	  "neat",   "nimble", "plain",	"polite", "proud",  "quick", "quiet",
	"ready",  "robust", "round",  "sharp",	"silent", "sleek",  "smart", "snug",
	"sober",  "solid",  "spry",   "steady", "sunny",  "swift",  "tidy",  "warm",
};

static const char *const nouns[] = {
	"anchor", "badger",  "barge",  "beacon",  "birch",   "bobbin",	"cedar",   "comet",
	"crane",  "delta",   "dinghy", "falcon",  "ferry",   "finch",	"fjord",   "gannet",
	"garnet", "harbor",  "heron",  "hopper",  "island",  "juniper", "kestrel", "kettle",
	"lagoon", "lantern", "larch",  "lighter", "linnet",  "maple",	"marten",  "meadow",
	"otter",  "pebble",  "pier",   "plover",  "quay",    "rudder",	"sampan",  "schooner",
	"siskin", "sloop",   "spruce", "tender",  "thistle", "trawler", "walnut",  "willow",
};

void made_up_name(unsigned int attempt, char buffer[NAME_MAX_LENGTH + 1])
{
	uint32_t random = 0;
	const char *adjective, *noun;

	/* A name that repeats is found out and made again; that it be random is only a courtesy. */
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = attempt * 7919;
	adjective = adjectives[random % ARRAY_SIZE(adjectives)];
	noun = nouns[(random >> 8) % ARRAY_SIZE(nouns)];
	if (attempt < 4)
		(void)snprintf(buffer, NAME_MAX_LENGTH + 1, "%s-%s", adjective, noun);
	else
		(void)snprintf(buffer, NAME_MAX_LENGTH + 1, "%s-%s-%u", adjective, noun,
			       (random >> 16) % 10000);
}
