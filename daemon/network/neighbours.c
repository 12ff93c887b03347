#include "daemon/network/neighbours.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-bus.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "daemon/loop/bus.h"
#include "daemon/network/firewall.h"
#include "daemon/network/firewall_text.h"

#define FIREWALLD "org.fedoraproject.FirewallD1"
#define FIREWALLD_ZONE "trusted"

static const char *const families[] = { "ip", "ip6" };

/* The bridges of docker, libvirt and their like: who drops what is forwarded relies on it that
 * containers of others do not get there.
 */
static const char *const closed[] = { "docker0", "br-*", "virbr*" };

enum { RULES = ARRAY_SIZE(closed) + 2 };

struct neighbours {
	struct networks *networks;
	struct firewall *firewall;
	char *named;	/* chains that the log has named; NULL: none */
	bool firewalld; /* it runs */
};

/* --- Iptables' chain FORWARD ----------------------------------------------------------------- */

struct forward_chain {
	bool drops, in_place;
	int64_t *handles; /* of our rules */
	size_t n, n_last; /* all, and those with no other rule after them */
};

static void forward_chain_done(struct forward_chain *chain)
{
	free(chain->handles);
}

static const char *text_of(struct json_object *object, const char *key)
{
	const char *text = json_object_get_string(json_object_object_get(object, key));

	return text ? text : "";
}

static void read_rule(const struct neighbours *neighbours, struct json_object *rule,
		      struct forward_chain *chain)
{
	if (strcmp(text_of(rule, "comment"), neighbours->networks->instance) != 0) {
		chain->n_last = 0;
		return;
	}
	chain->handles = alloc_resize(chain->handles, (chain->n + 1) * sizeof(*chain->handles));
	chain->handles[chain->n++] = json_object_get_int64(json_object_object_get(rule, "handle"));
	chain->n_last++;
}

/* false: there is none. */
static bool read_forward_chain(const struct neighbours *neighbours, const char *family,
			       struct forward_chain *ret)
{
	_cleanup_(freep) char *command = alloc_printf("list chain %s filter FORWARD", family);
	_cleanup_(json_putp) struct json_object *list = NULL;
	struct error ignored;

	if (firewall_list(neighbours->firewall, command, &list, &ignored) < 0)
		return false;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i), *of;

		if (json_object_object_get_ex(item, "chain", &of))
			ret->drops = strcmp(text_of(of, "policy"), "drop") == 0;
		else if (json_object_object_get_ex(item, "rule", &of))
			read_rule(neighbours, of, ret);
	}
	ret->in_place = ret->n == (ret->drops ? RULES : 0) && ret->n_last == ret->n;
	return true;
}

static void put_rules(const struct neighbours *neighbours, const char *family, struct text *text)
{
	const char *tag = neighbours->networks->tag, *name = neighbours->networks->instance;

	for (size_t i = 0; i < ARRAY_SIZE(closed); i++)
		text_put(text,
			 "add rule %s filter FORWARD iifname \"dkb%s*\" oifname \"%s\" counter "
			 "return comment \"%s\"\n",
			 family, tag, closed[i], name);
	text_put(text,
		 "add rule %s filter FORWARD iifname \"dkb%s*\" counter accept comment \"%s\"\n",
		 family, tag, name);
	text_put(text,
		 "add rule %s filter FORWARD oifname \"dkb%s*\" counter accept comment \"%s\"\n",
		 family, tag, name);
}

static void check_forward_chain(struct neighbours *neighbours, const char *family, bool wanted)
{
	_cleanup_(forward_chain_done) struct forward_chain chain = { .n = 0 };
	struct networks *networks = neighbours->networks;
	_cleanup_(freep) char *message = NULL;
	struct text text = { 0 };
	struct error err;

	if (!read_forward_chain(neighbours, family, &chain) || (wanted && chain.in_place))
		return;
	for (size_t i = 0; i < chain.n; i++)
		text_put(&text, "delete rule %s filter FORWARD handle %lld\n", family,
			 (long long)chain.handles[i]);
	if (wanted && chain.drops)
		put_rules(neighbours, family, &text);
	if (firewall_run_text(neighbours->firewall, &text, &err) < 0) {
		(void)error_prefix(&err, "chain FORWARD of table %s filter", family);
		networks->params.complain("", &err);
	} else if (wanted && chain.drops && !chain.n) {
		message = alloc_printf("chain FORWARD of table %s filter drops what it does not "
				       "know: rules at its end let the networks through",
				       family);
		networks->params.tell(message);
	}
}

/* --- Firewalld ------------------------------------------------------------------------------- */

static void tell_firewalld(struct neighbours *neighbours, const char *method,
			   const struct network *network)
{
	const struct networks_params *params = &neighbours->networks->params;
	sd_bus_message *message = NULL;
	sd_bus *connection;

	if (!neighbours->firewalld || params->leave_firewalls || !network->bridge[0])
		return;
	connection = bus_open(params->bus);
	if (!connection)
		return;
	if (sd_bus_message_new_method_call(connection, &message, FIREWALLD,
					   "/org/fedoraproject/FirewallD1", FIREWALLD ".zone",
					   method) >= 0 &&
	    sd_bus_message_append(message, "ss", FIREWALLD_ZONE, network->bridge) >= 0)
		bus_call(params->bus, message, NULL, NULL);
	sd_bus_message_unref(message);
}

void neighbours_add(struct neighbours *neighbours, const struct network *network)
{
	tell_firewalld(neighbours, "changeZoneOfInterface", network);
}

void neighbours_remove(struct neighbours *neighbours, const struct network *network)
{
	tell_firewalld(neighbours, "removeInterface", network);
}

/* --- All there is ---------------------------------------------------------------------------- */

static bool is_somebodys_own(const struct neighbours *neighbours, struct json_object *chain)
{
	const char *table = text_of(chain, "table");

	if (strcmp(text_of(chain, "hook"), "forward") != 0 ||
	    strcmp(text_of(chain, "policy"), "drop") != 0 ||
	    strcmp(table, neighbours->networks->instance) == 0)
		return false;
	return strcmp(table, "filter") != 0 || strcmp(text_of(chain, "name"), "FORWARD") != 0 ||
	       strcmp(text_of(chain, "family"), "inet") == 0;
}

static void name_chains(struct neighbours *neighbours, char *named)
{
	struct networks *networks = neighbours->networks;
	struct error err;

	if (named && (!neighbours->named || strcmp(named, neighbours->named) != 0)) {
		(void)error_set(&err, ERROR_FAILED,
				"another firewall drops what it does not know (chain %s): a rule "
				"there has to let interfaces dkb%s* through, both ways",
				named, networks->tag);
		networks->params.complain("", &err);
	}
	free(neighbours->named);
	neighbours->named = named;
}

static void check_chains(struct neighbours *neighbours)
{
	_cleanup_(json_putp) struct json_object *list = NULL;
	struct error ignored;
	char *named = NULL;

	if (firewall_list(neighbours->firewall, "list chains", &list, &ignored) < 0)
		return;
	neighbours->firewalld = false;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *chain;

		if (!json_object_object_get_ex(json_object_array_get_idx(list, i), "chain", &chain))
			continue;
		neighbours->firewalld |= strcmp(text_of(chain, "table"), "firewalld") == 0;
		if (is_somebodys_own(neighbours, chain) && !named)
			named = alloc_printf("%s of table %s %s", text_of(chain, "name"),
					     text_of(chain, "family"), text_of(chain, "table"));
	}
	name_chains(neighbours, named);
}

void neighbours_check(struct neighbours *neighbours)
{
	struct networks *networks = neighbours->networks;
	struct network *network;

	check_chains(neighbours);
	if (networks->params.leave_firewalls)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		check_forward_chain(neighbours, families[i], true);
	TAILQ_FOREACH (network, &networks->list, entry)
		if (network->bridge_index)
			neighbours_add(neighbours, network);
}

struct neighbours *neighbours_new(struct networks *networks, struct firewall *firewall)
{
	struct neighbours *neighbours = ALLOC(struct neighbours);

	neighbours->networks = networks;
	neighbours->firewall = firewall;
	return neighbours;
}

struct neighbours *neighbours_free(struct neighbours *neighbours, bool leave)
{
	if (!neighbours)
		return NULL;
	for (size_t i = 0; !leave && i < ARRAY_SIZE(families); i++)
		check_forward_chain(neighbours, families[i], false);
	free(neighbours->named);
	free(neighbours);
	return NULL;
}
