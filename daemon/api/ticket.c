/* Answering when something is on the disk. */
#include <stdlib.h>

#include "common/alloc.h"
#include "daemon/api/connection.h"

/* Lives until the store calls back; the request may be gone by then. */
struct request_ticket {
	struct request *request; /* or NULL */
	struct json_object *reply;
};

void request_ticket_cancel(struct request *request)
{
	if (!request->ticket)
		return;
	request->ticket->request = NULL;
	request->ticket = NULL;
}

struct request_ticket *request_ticket_new(struct request *request, struct json_object *reply)
{
	struct request_ticket *ticket = ALLOC(struct request_ticket);

	*ticket = (struct request_ticket){ .request = request, .reply = reply };
	request->ticket = ticket;
	return ticket;
}

void request_ticket_set_reply(struct request_ticket *ticket, struct json_object *reply)
{
	ticket->reply = reply;
}

void request_ticket_drop(struct request_ticket *ticket)
{
	if (ticket->request)
		ticket->request->ticket = NULL;
	json_object_put(ticket->reply);
	free(ticket);
}

void request_ticket_done(void *userdata, const struct error *err)
{
	struct request_ticket *ticket = userdata;
	struct request *request = ticket->request;
	struct json_object *reply = ticket->reply;

	free(ticket);
	if (!request) {
		json_object_put(reply);
		return;
	}
	request->ticket = NULL;
	if (!err) {
		request_reply(request, reply);
		return;
	}
	json_object_put(reply);
	request_error(request, err);
}
