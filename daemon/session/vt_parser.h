/* Finds controls and sequences in what is sent to a terminal: ECMA-48, with the states of Paul
 * Williams' parser for DEC's terminals (https://vt100.net/emu/dec_ansi_parser) and xterm's rule
 * that a string which ends in another way than it should has no effect. Text is not its business:
 * whoever uses it takes the text while the parser is idle.
 *
 * Private to daemon/session. Memory is bounded by VT_STRING_MAX, and a byte costs the same
 * wherever it is.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/session/bytes.h"

enum {
	VT_PARAMS_MAX = 32,   /* further ones are dropped */
	VT_PARAM_MAX = 65534, /* larger numbers are this one */
	VT_PARAM_EMPTY = 65535,
	VT_INTERMEDIATES_MAX = 2, /* a sequence with more has no effect */
	VT_STRING_MAX = 4096,	  /* bytes; a longer string has no effect */
};

enum vt_state {
	VT_IDLE,
	VT_ESCAPED,	  /* ESC */
	VT_ESCAPED_MORE,  /* ESC and intermediates */
	VT_ESCAPED_WRONG, /* ESC and too many of them */
	VT_PARAMETERS,	  /* of a control sequence or of a device control string */
	VT_INTERMEDIATES,
	VT_WRONG, /* the same, malformed: has no effect */
	VT_STRING,
	VT_STRING_ESCAPED, /* a string and ESC */
};

enum vt_event {
	VT_NOTHING,
	VT_IGNORED, /* a complete sequence that has no effect */
	VT_CONTROL, /* control */
	VT_ESCAPE,  /* intermediates, final */
	VT_CSI,	    /* marker, params, intermediates, final */
	VT_OSC,	    /* string */
	VT_DCS,	    /* marker, params, intermediates, final, string */
};

struct vt_parser {
	enum vt_state state;
	/* What follows ESC: '[' control sequence, 'P' device control string, ']' operating system
	 * command, and '_', '^', 'X' and 'k' for strings that mean nothing here.
	 */
	char kind;
	unsigned char control;
	char final;
	char marker; /* '<', '=', '>', '?', or NUL */
	uint8_t n_intermediates, n_params;
	char intermediates[VT_INTERMEDIATES_MAX];
	bool surplus;	 /* there are more parameters than there may be */
	bool overlong;	 /* so is the string, or what came before it was wrong */
	uint32_t colons; /* bit i: parameter i stands behind a colon */
	uint16_t params[VT_PARAMS_MAX];
	struct bytes string;
};

/* A zeroed parser is idle and needs no initialisation. NULL-safe. */
void vt_parser_done(struct vt_parser *parser);

static inline bool vt_parser_is_idle(const struct vt_parser *parser)
{
	return parser->state == VT_IDLE;
}

/* Takes bytes from *data up to the end of the first control or sequence, which is told by the
 * return value and by the parser's fields, until the next call; or, with VT_NOTHING, up to the end
 * or to where the parser became idle. An idle parser must be given a control character. Control
 * characters within a sequence are told at once, as ECMA-48 leaves open and all terminals do.
 */
enum vt_event vt_parser_feed(struct vt_parser *parser, const unsigned char **data,
			     const unsigned char *end);

/* Parameter i, or the default where it is left out. */
static inline unsigned int vt_param(const struct vt_parser *parser, unsigned int i,
				    unsigned int otherwise)
{
	if (i >= parser->n_params || parser->params[i] == VT_PARAM_EMPTY)
		return otherwise;
	return parser->params[i];
}

/* The same for what counts something: left out or 0 is 1. */
static inline unsigned int vt_count(const struct vt_parser *parser, unsigned int i)
{
	unsigned int n = vt_param(parser, i, 1);

	return n ? n : 1;
}

/* Bytes that bring an idle parser, this one or a terminal's, to where this one is. Of an overlong
 * string only its kind is left, with a beginning that keeps what follows from having an effect.
 */
void vt_parser_put_pending(const struct vt_parser *parser, struct bytes *bytes);
