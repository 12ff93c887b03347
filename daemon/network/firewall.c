#include "daemon/network/firewall.h"

#include <stdlib.h>
#include <string.h>

#include <json-c/json_tokener.h>
#include <nftables/libnftables.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "daemon/network/firewall_text.h"
#include "daemon/network/firewall_watch.h"
#include "daemon/network/neighbours.h"

struct firewall {
	struct networks *networks;
	struct nft_ctx *nft;
	struct firewall_watch *watch;
	struct neighbours *neighbours;
};

/* --- Commands -------------------------------------------------------------------------------- */

/* Of the library's message, the first line; it quotes the command after that. */
static int explain(struct firewall *firewall, struct error *err)
{
	const char *said = nft_ctx_get_error_buffer(firewall->nft);
	const char *error = said ? strstr(said, "Error: ") : NULL;

	error = error ? error + strlen("Error: ") : "it says nothing";
	return error_set(err, ERROR_FAILED, "nftables: %.*s", (int)strcspn(error, "\n"), error);
}

int firewall_run(struct firewall *firewall, const char *commands, struct error *err)
{
	return nft_run_cmd_from_buffer(firewall->nft, commands) ? explain(firewall, err) : 0;
}

int firewall_run_text(struct firewall *firewall, struct text *text, struct error *err)
{
	_cleanup_(freep) char *commands = text_take(text);

	return commands[0] ? firewall_run(firewall, commands, err) : 0;
}

int firewall_list(struct firewall *firewall, const char *command, struct json_object **ret,
		  struct error *err)
{
	_cleanup_(json_putp) struct json_object *answer = NULL;
	struct json_object *list = NULL;
	int r;

	nft_ctx_output_set_flags(firewall->nft, NFT_CTX_OUTPUT_JSON | NFT_CTX_OUTPUT_HANDLE);
	r = firewall_run(firewall, command, err);
	nft_ctx_output_set_flags(firewall->nft, 0);
	if (r < 0)
		return -1;
	answer = json_tokener_parse(nft_ctx_get_output_buffer(firewall->nft));
	if (!json_object_object_get_ex(answer, "nftables", &list) ||
	    !json_object_is_type(list, json_type_array))
		return error_set(err, ERROR_FAILED, "nftables: its answer is no list");
	*ret = json_object_get(list);
	return 0;
}

/* --- When somebody else has changed something ------------------------------------------------ */

static void on_changed(void *userdata, bool ours, bool others)
{
	struct firewall *firewall = userdata;
	struct networks *networks = firewall->networks;
	struct error err;

	if (ours && firewall_restore(firewall, &err) < 0) {
		(void)error_prefix(&err, "make the firewall's rules again");
		networks->params.complain("", &err);
	} else if (ours) {
		networks->params.tell("somebody has removed firewall rules of the networks: "
				      "they are there again");
	}
	if (others)
		neighbours_check(firewall->neighbours);
}

/* --- The tables ------------------------------------------------------------------------------ */

int firewall_restore(struct firewall *firewall, struct error *err)
{
	struct networks *networks = firewall->networks;
	struct text text = { 0 };
	struct network *network;
	struct endpoint *endpoint;

	firewall_text_tables(&text, networks);
	TAILQ_FOREACH (network, &networks->list, entry) {
		(void)memset(network->known, 0, sizeof(network->known));
		if (!network->bridge_index)
			continue;
		firewall_text_network(&text, network, "add");
		TAILQ_FOREACH (endpoint, &network->endpoints, entry)
			firewall_text_endpoint(&text, endpoint, "add");
	}
	for (const struct publication *p = networks->publications; p; p = p->next)
		if (p->endpoint)
			firewall_text_ports(&text, p, "add");
	return firewall_run_text(firewall, &text, err);
}

int firewall_new(struct networks *networks, struct firewall **ret, struct error *err)
{
	struct firewall *firewall = ALLOC(struct firewall);
	const struct firewall_watch_params watch = {
		.base = networks->params.base,
		.table = networks->instance,
		.changed = on_changed,
		.userdata = firewall,
	};

	firewall->networks = networks;
	firewall->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!firewall->nft) {
		free(firewall);
		return error_set(err, ERROR_FAILED, "nftables: no context");
	}
	(void)nft_ctx_buffer_output(firewall->nft);
	(void)nft_ctx_buffer_error(firewall->nft);
	if (firewall_watch_new(&watch, &firewall->watch, err) < 0 ||
	    firewall_restore(firewall, err) < 0) {
		(void)firewall_free(firewall, false);
		return -1;
	}
	firewall_watch_learn(firewall->watch);
	firewall->neighbours = neighbours_new(networks, firewall);
	neighbours_check(firewall->neighbours);
	*ret = firewall;
	return 0;
}

struct firewall *firewall_free(struct firewall *firewall, bool leave)
{
	const char *name = firewall->networks->instance;
	_cleanup_(freep) char *commands =
		alloc_printf("add table inet %s\nadd table bridge %s\n"
			     "delete table inet %s\ndelete table bridge %s\n",
			     name, name, name, name);
	struct error ignored;

	firewall->neighbours = neighbours_free(firewall->neighbours, leave);
	firewall->watch = firewall_watch_free(firewall->watch);
	if (!leave)
		(void)firewall_run(firewall, commands, &ignored);
	nft_ctx_free(firewall->nft);
	free(firewall);
	return NULL;
}

/* --- Elements -------------------------------------------------------------------------------- */

int firewall_add_network(struct firewall *firewall, const struct network *network,
			 struct error *err)
{
	struct text text = { 0 };

	firewall_text_network(&text, network, "add");
	if (firewall_run_text(firewall, &text, err) < 0)
		return -1;
	neighbours_add(firewall->neighbours, network);
	return 0;
}

void firewall_remove_network(struct firewall *firewall, const struct network *network)
{
	struct text text = { 0 };
	struct error ignored; /* somebody has wiped them */

	neighbours_remove(firewall->neighbours, network);
	firewall_text_network(&text, network, "delete");
	firewall_text_known(&text, network, "delete");
	(void)firewall_run_text(firewall, &text, &ignored);
}

int firewall_add_endpoint(struct firewall *firewall, struct endpoint *endpoint, struct error *err)
{
	struct text text = { 0 };

	const uint32_t block = endpoint->index / LEASE_BLOCK;
	const uint64_t before = endpoint->network->known[block / 64];

	firewall_text_endpoint(&text, endpoint, "add");
	if (firewall_run_text(firewall, &text, err) == 0)
		return 0;
	endpoint->network->known[block / 64] = before;
	return -1;
}

void firewall_remove_endpoint(struct firewall *firewall, const struct endpoint *endpoint)
{
	struct text text = { 0 };
	struct error ignored;

	firewall_text_own(&text, endpoint, "delete");
	(void)firewall_run_text(firewall, &text, &ignored);
}

int firewall_add_ports(struct firewall *firewall, const struct publication *publication,
		       struct error *err)
{
	struct text text = { 0 };

	firewall_text_ports(&text, publication, "add");
	return firewall_run_text(firewall, &text, err);
}

void firewall_remove_ports(struct firewall *firewall, const struct publication *publication)
{
	struct text text = { 0 };
	struct error ignored;

	firewall_text_ports(&text, publication, "delete");
	(void)firewall_run_text(firewall, &text, &ignored);
}
