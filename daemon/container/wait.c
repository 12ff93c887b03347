#include "daemon/container/object.h"

void waiters_add(struct waiter_list *waiters, struct container *container,
		 struct container_waiter *waiter, enum container_event event)
{
	waiter->container = container;
	waiter->event = event;
	LIST_INSERT_HEAD(waiters, waiter, entry);
}

void container_wait(struct container *container, struct container_waiter *waiter,
		    enum container_event event)
{
	waiters_add(&container->waiters, container, waiter, event);
}

void container_waiter_cancel(struct container_waiter *waiter)
{
	if (!waiter->container)
		return;
	LIST_REMOVE(waiter, entry);
	waiter->container = NULL;
}

void waiters_notify_all(struct waiter_list *due, struct container *container,
			const struct error *err)
{
	struct container_waiter *waiter;

	while ((waiter = LIST_FIRST(due))) {
		container_waiter_cancel(waiter);
		waiter->done(waiter, container, err);
	}
}

/* They are moved to a list of their own first: a callback may cancel others, and may wait again,
 * for what comes next.
 */
void waiters_notify(struct waiter_list *waiters, struct container *container,
		    enum container_event event, const struct error *err)
{
	struct waiter_list due = LIST_HEAD_INITIALIZER(due);
	struct container_waiter *waiter, *next;

	for (waiter = LIST_FIRST(waiters); waiter; waiter = next) {
		next = LIST_NEXT(waiter, entry);
		if (waiter->event != event)
			continue;
		LIST_REMOVE(waiter, entry);
		LIST_INSERT_HEAD(&due, waiter, entry);
	}
	waiters_notify_all(&due, container, err);
}

void container_notify(struct container *container, enum container_event event,
		      const struct error *err)
{
	waiters_notify(&container->waiters, container, event, err);
}

void container_notify_removed(struct container *container)
{
	struct waiter_list due = LIST_HEAD_INITIALIZER(due);
	struct container_waiter *waiter;
	struct error err;

	(void)error_set_subject(&err, ERROR_CONTAINER_NOT_FOUND, container->name,
				"container \"%s\" was removed", container->name);
	while ((waiter = LIST_FIRST(&container->waiters))) {
		bool wanted = waiter->event == CONTAINER_EVENT_REMOVED ||
			      waiter->event == CONTAINER_EVENT_EXITED;

		if (wanted) {
			container_waiter_cancel(waiter);
			waiter->done(waiter, container, NULL);
			continue;
		}
		LIST_REMOVE(waiter, entry);
		LIST_INSERT_HEAD(&due, waiter, entry);
	}
	waiters_notify_all(&due, container, &err);
}
