#include "client/each.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>

#include "client/call.h"
#include "client/print.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"

enum { CHANNELS_MAX = 32 };

/* Operand i is asked about on channel i modulo n. */
struct batch {
	const struct each *each;
	char *const *operands;
	size_t n_operands;
	struct channel channels[CHANNELS_MAX];
	struct error errors[CHANNELS_MAX]; /* of a call that could not be sent: code is set */
	size_t n;
};

static void batch_done(struct batch *batch)
{
	for (size_t i = 0; i < batch->n; i++)
		channel_done(&batch->channels[i]);
}

static void send_one(struct batch *batch, size_t i)
{
	const struct each *each = batch->each;
	struct json_object *parameters = json_object_new_object();
	struct error *err = &batch->errors[i % batch->n];

	call_add_string(parameters, each->key ? each->key : "container", batch->operands[i]);
	if (each->add)
		each->add(parameters, each->userdata);
	err->code = ERROR_NONE;
	(void)call_send(&batch->channels[i % batch->n], each->method, parameters, false, false,
			err);
}

static bool receive_one(struct batch *batch, size_t i)
{
	_cleanup_(json_putp) struct json_object *reply = NULL;
	const struct each *each = batch->each;
	struct error *err = &batch->errors[i % batch->n];

	if (err->code != ERROR_NONE ||
	    call_receive(&batch->channels[i % batch->n], &reply, NULL, err) < 0) {
		if (each->forgive && each->forgive(err, each->userdata))
			return true;
		print_failure(err, "%s %s", each->verb, batch->operands[i]);
		return false;
	}
	if (each->done)
		each->done(reply, batch->operands[i], each->userdata);
	else
		printf("%s\n", batch->operands[i]);
	(void)fflush(stdout); /* the next may take its time */
	return true;
}

/* The daemon may allow fewer connections than would be good; one is enough. */
static int open_channels(struct batch *batch, const struct host *host, struct error *err)
{
	size_t wanted = host->ssh ? 1 : CHANNELS_MAX;

	if (batch->n_operands < wanted)
		wanted = batch->n_operands;
	while (batch->n < wanted && channel_open(&batch->channels[batch->n], host, err) == 0)
		batch->n++;
	return batch->n ? 0 : -1;
}

unsigned int each_container(const struct host *host, const struct each *each, char *const *operands)
{
	_cleanup_(batch_done) struct batch batch = {
		.each = each,
		.operands = operands,
		.n_operands = strv_length(operands),
	};
	unsigned int failed = 0;
	struct error err;

	if (open_channels(&batch, host, &err) < 0) {
		print_failure(&err, "%s", each->verb);
		return (unsigned int)batch.n_operands;
	}
	assert(batch.n > 0);
	for (size_t i = 0; i < batch.n; i++)
		send_one(&batch, i);
	for (size_t i = 0; i < batch.n_operands; i++) {
		failed += !receive_one(&batch, i);
		if (i + batch.n < batch.n_operands)
			send_one(&batch, i + batch.n);
	}
	return failed;
}
