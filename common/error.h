/* The one error type: by value, without allocation, so that it works between clone and exec and
 * when memory is out. A function that can fail takes a `struct error *err` as its last parameter
 * (never NULL), fills it in and returns -1. Callers put what they tried in front:
 *
 *	if (mount_proc(fd, err) < 0)
 *		return error_prefix(err, "mount /proc");
 */
#pragma once

#include <stddef.h>

/* Codes map one to one to errors of the API (daemon/api/reply.c) and, in the client, to exit
 * statuses. The order is part of the launch protocol (daemon/init/plan.h): append only.
 */
enum error_code {
	ERROR_NONE = 0,
	ERROR_FAILED,		   /* the system refused something; sys_errno says why */
	ERROR_INVALID_VALUE,	   /* a value cannot be accepted; subject is the field */
	ERROR_PERMISSION_DENIED,   /* this peer may not do that */
	ERROR_CONTAINER_NOT_FOUND, /* subject is what was asked for */
	ERROR_AMBIGUOUS_NAME,	   /* an id prefix fits several; subject is the prefix */
	ERROR_NAME_IN_USE,	   /* subject is the name */
	ERROR_WRONG_STATE,	   /* subject is the state that the container is in */
	ERROR_IMAGE_NOT_FOUND,	   /* subject is the image */
	ERROR_COMMAND_NOT_FOUND,   /* the container has no such program */
	ERROR_NOT_EXECUTABLE,	   /* it has, and it cannot be executed */
	ERROR_LIMIT_REACHED,	   /* too many of something; message says of what */
	ERROR_PROTOCOL,		   /* the other side does not keep to the protocol */
	ERROR_VOLUME_NOT_FOUND,	   /* subject is the name */
	ERROR_VOLUME_IN_USE,	   /* subject is the name */
	ERROR_NOT_ALLOWED,	   /* this peer may do that, but not so; message says what */
	ERROR_NETWORK_NOT_FOUND,   /* subject is the name */
	ERROR_NETWORK_IN_USE,	   /* subject is the name */
	ERROR_CODE_COUNT
};

enum {
	ERROR_MESSAGE_SIZE = 512,
	ERROR_SUBJECT_SIZE = 128,
};

struct error {
	enum error_code code;
	int sys_errno; /* 0 where no system call was involved */
	char subject[ERROR_SUBJECT_SIZE];
	char message[ERROR_MESSAGE_SIZE];
};

#define ERROR_NULL ((struct error){ 0 })

/* All four return -1, so that `return error_set(...)` reads well. Too long a message is cut. */
int error_set(struct error *err, enum error_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same with a subject: the field, the name or the state that the code speaks of. */
int error_set_subject(struct error *err, enum error_code code, const char *subject,
		      const char *format, ...) __attribute__((format(printf, 4, 5)));

/* ERROR_FAILED from a system call: message is "WHAT: strerror". errnum is positive. */
int error_set_errno(struct error *err, int errnum, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "WHAT: " in front of the message. */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Analysers see one file at a time; without this they go on where the -1 has ended a function. */
#if defined(__clang_analyzer__) || defined(ANALYSED)
#define error_set(...) ((error_set)(__VA_ARGS__), -1)
#define error_set_subject(...) ((error_set_subject)(__VA_ARGS__), -1)
#define error_set_errno(...) ((error_set_errno)(__VA_ARGS__), -1)
#define error_prefix(...) ((error_prefix)(__VA_ARGS__), -1)
#endif
