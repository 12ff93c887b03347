#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Here they are made. */
#undef error_set
#undef error_set_subject
#undef error_set_errno
#undef error_prefix

static void set_subject(struct error *err, const char *subject)
{
	(void)snprintf(err->subject, sizeof(err->subject), "%s", subject ? subject : "");
}

int error_set(struct error *err, enum error_code code, const char *format, ...)
{
	va_list ap;

	*err = ERROR_NULL;
	err->code = code;
	va_start(ap, format);
	(void)vsnprintf(err->message, sizeof(err->message), format, ap);
	va_end(ap);
	return -1;
}

int error_set_subject(struct error *err, enum error_code code, const char *subject,
		      const char *format, ...)
{
	va_list ap;

	*err = ERROR_NULL;
	err->code = code;
	set_subject(err, subject);
	va_start(ap, format);
	(void)vsnprintf(err->message, sizeof(err->message), format, ap);
	va_end(ap);
	return -1;
}

int error_set_errno(struct error *err, int errnum, const char *format, ...)
{
	const char *reason = strerrordesc_np(errnum);
	size_t used;
	va_list ap;

	*err = ERROR_NULL;
	err->code = ERROR_FAILED;
	err->sys_errno = errnum;
	va_start(ap, format);
	(void)vsnprintf(err->message, sizeof(err->message), format, ap);
	va_end(ap);
	used = strlen(err->message);
	(void)snprintf(err->message + used, sizeof(err->message) - used, ": %s",
		       reason ? reason : "unknown error");
	return -1;
}

int error_prefix(struct error *err, const char *format, ...)
{
	char prefix[ERROR_MESSAGE_SIZE / 2];
	char rest[ERROR_MESSAGE_SIZE];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(prefix, sizeof(prefix), format, ap);
	va_end(ap);
	(void)memcpy(rest, err->message, sizeof(rest));
	if (snprintf(err->message, sizeof(err->message), "%s: %s", prefix, rest) < 0)
		err->message[0] = '\0';
	return -1;
}
