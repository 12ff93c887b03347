#include "client/each.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "client/call.h"
#include "client/print.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"

enum { CHANNELS_MAX = 32, AGAIN_MS = 100, AGAIN_MAX = 100 };

/* Operand i is asked about on channel i modulo n. */
struct batch {
	const struct each *each;
	const struct host *host;
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

/* A daemon that is restarted is back in a moment, and its socket most often all the time. */
static void ask_again(struct batch *batch, size_t i)
{
	struct channel *channel = &batch->channels[i % batch->n];
	struct error *err = &batch->errors[i % batch->n];

	channel_done(channel);
	if (channel_open(channel, batch->host, err) == 0)
		send_one(batch, i);
	channel->ended = err->code != ERROR_NONE;
}

static int receive(struct batch *batch, size_t i, struct json_object **ret, struct error *err)
{
	const struct timespec delay = { .tv_nsec = AGAIN_MS * 1000000L };
	struct channel *channel = &batch->channels[i % batch->n];

	for (int tries = 0;; tries++) {
		if (err->code == ERROR_NONE && call_receive(channel, ret, NULL, err) == 0)
			return 0;
		if (!batch->each->again || !channel->ended || tries == AGAIN_MAX)
			return -1;
		if (tries > 0)
			(void)nanosleep(&delay, NULL);
		ask_again(batch, i);
	}
}

static bool receive_one(struct batch *batch, size_t i)
{
	_cleanup_(json_putp) struct json_object *reply = NULL;
	const struct each *each = batch->each;
	struct error *err = &batch->errors[i % batch->n];

	if (receive(batch, i, &reply, err) < 0) {
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
		.host = host,
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
