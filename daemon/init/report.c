#include "daemon/init/report.h"

#include <sys/socket.h>

#include "daemon/init/plan.h"

static void send_report(const struct report *report)
{
	(void)send(PLAN_CONTROL_FD, report, report_size(report->type), MSG_NOSIGNAL);
}

void report_started(void)
{
	const struct report report = { .type = REPORT_STARTED };

	send_report(&report);
}

void report_network(void)
{
	const struct report report = { .type = REPORT_NETWORK };

	send_report(&report);
}

void report_failure(const struct error *err)
{
	const struct report report = { .type = REPORT_FAILED, .error = *err };

	send_report(&report);
}

void report_warning(const struct error *err)
{
	const struct report report = { .type = REPORT_WARNING, .error = *err };

	send_report(&report);
}
