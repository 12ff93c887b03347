#include "daemon/session/vt_parser.h"

enum {
	BEL = 0x07,
	CAN = 0x18,
	SUB = 0x1a,
	ESC = 0x1b,
	DEL = 0x7f,
	STRING_KEEP = 512, /* bytes of a string's memory that are kept for the next one */
};

/* How a string begins that no terminal has a use for. It stands for one that is overlong, and is
 * taken for one.
 */
static const char UNKNOWN_OSC[] = "99999;", UNKNOWN_DCS[] = "0~", UNKNOWN_STRING[] = " ";

void vt_parser_done(struct vt_parser *parser)
{
	if (parser)
		bytes_done(&parser->string);
}

static void begin_string(struct vt_parser *parser, bool overlong)
{
	if (parser->string.capacity > STRING_KEEP)
		bytes_done(&parser->string);
	parser->string.n = 0;
	parser->overlong = overlong;
	parser->state = VT_STRING;
}

static void begin_escape(struct vt_parser *parser)
{
	parser->state = VT_ESCAPED;
	parser->n_intermediates = 0;
}

static void begin_parameters(struct vt_parser *parser)
{
	parser->state = VT_PARAMETERS;
	parser->marker = '\0';
	parser->n_params = 0;
	parser->surplus = false;
	parser->colons = 0;
}

static enum vt_state take_intermediate(struct vt_parser *parser, unsigned char c,
				       enum vt_state right, enum vt_state wrong)
{
	if (parser->n_intermediates == VT_INTERMEDIATES_MAX)
		return wrong;
	parser->intermediates[parser->n_intermediates++] = (char)c;
	return right;
}

static enum vt_event take_after_escape(struct vt_parser *parser, unsigned char c)
{
	bool wrong;

	if (c >= DEL)
		return VT_NOTHING;
	if (c < 0x30) {
		if (parser->state != VT_ESCAPED_WRONG)
			parser->state =
				take_intermediate(parser, c, VT_ESCAPED_MORE, VT_ESCAPED_WRONG);
		return VT_NOTHING;
	}
	if (parser->state == VT_ESCAPED) {
		parser->kind = (char)c;
		switch (c) {
		case '[':
		case 'P':
			begin_parameters(parser);
			return VT_NOTHING;
		case ']':
		case '_':
		case '^':
		case 'X':
		case 'k': /* a window's title in screen and tmux */
			begin_string(parser, false);
			return VT_NOTHING;
		default:
			break;
		}
	}
	parser->final = (char)c;
	wrong = parser->state == VT_ESCAPED_WRONG;
	parser->state = VT_IDLE;
	return wrong ? VT_IGNORED : VT_ESCAPE;
}

static void take_digit(struct vt_parser *parser, unsigned char c)
{
	uint16_t *param;
	unsigned int value;

	if (parser->surplus)
		return;
	if (!parser->n_params)
		parser->params[parser->n_params++] = VT_PARAM_EMPTY;
	param = &parser->params[parser->n_params - 1];
	value = (*param == VT_PARAM_EMPTY ? 0 : *param * 10u) + (c - '0');
	*param = (uint16_t)(value < VT_PARAM_MAX ? value : VT_PARAM_MAX);
}

static void take_separator(struct vt_parser *parser, unsigned char c)
{
	if (!parser->n_params)
		parser->params[parser->n_params++] = VT_PARAM_EMPTY;
	if (parser->n_params == VT_PARAMS_MAX) {
		parser->surplus = true;
		return;
	}
	if (c == ':')
		parser->colons |= UINT32_C(1) << parser->n_params;
	parser->params[parser->n_params++] = VT_PARAM_EMPTY;
}

static enum vt_event take_final(struct vt_parser *parser, unsigned char c)
{
	bool wrong = parser->state == VT_WRONG;

	parser->final = (char)c;
	if (parser->kind == 'P') {
		begin_string(parser, wrong || c == '~');
		return VT_NOTHING;
	}
	parser->state = VT_IDLE;
	return wrong ? VT_IGNORED : VT_CSI;
}

static enum vt_event take_parameter(struct vt_parser *parser, unsigned char c)
{
	if (c >= DEL)
		return VT_NOTHING;
	if (c >= 0x40)
		return take_final(parser, c);
	if (parser->state == VT_WRONG)
		return VT_NOTHING;
	if (c < 0x30)
		parser->state = take_intermediate(parser, c, VT_INTERMEDIATES, VT_WRONG);
	else if (parser->state == VT_INTERMEDIATES ||
		 (c >= '<' && (parser->n_params || parser->marker)))
		parser->state = VT_WRONG;
	else if (c <= '9')
		take_digit(parser, c);
	else if (c <= ';')
		take_separator(parser, c);
	else
		parser->marker = (char)c;
	return VT_NOTHING;
}

static enum vt_event end_string(struct vt_parser *parser)
{
	parser->state = VT_IDLE;
	if (parser->overlong)
		return VT_IGNORED;
	return parser->kind == ']' ? VT_OSC : parser->kind == 'P' ? VT_DCS : VT_IGNORED;
}

static bool is_unknown(const struct vt_parser *parser)
{
	const char *unknown = parser->kind == ']' ? UNKNOWN_OSC : UNKNOWN_STRING;
	size_t n = strlen(unknown);

	return parser->kind != 'P' && parser->string.n >= n &&
	       memcmp(parser->string.data, unknown, n) == 0;
}

/* Bytes of a string up to one that may end it; *data is moved on. */
static void take_string(struct vt_parser *parser, const unsigned char **data,
			const unsigned char *end)
{
	const unsigned char *from = *data, *at = from;
	size_t n;

	while (at < end &&
	       (*at >= 0x20 || (parser->kind != ']' && *at != CAN && *at != SUB && *at != ESC)))
		at++;
	*data = at;
	n = (size_t)(at - from);
	if (n > VT_STRING_MAX - parser->string.n)
		parser->overlong = true;
	else
		bytes_put(&parser->string, from, n);
	if (parser->overlong || is_unknown(parser)) {
		parser->overlong = true;
		bytes_done(&parser->string);
	}
}

static enum vt_event take_byte(struct vt_parser *parser, unsigned char c)
{
	if (c == CAN || c == SUB) {
		parser->state = VT_IDLE;
		parser->control = c;
		return VT_CONTROL;
	}
	switch (parser->state) {
	case VT_STRING:
		if (c == ESC)
			parser->state = VT_STRING_ESCAPED;
		else if (c == BEL && parser->kind == ']')
			return end_string(parser);
		return VT_NOTHING;
	case VT_STRING_ESCAPED:
		if (c == '\\')
			return end_string(parser);
		begin_escape(parser);
		break;
	default:
		break;
	}
	if (c == ESC) {
		begin_escape(parser);
		return VT_NOTHING;
	}
	if (c < 0x20 || parser->state == VT_IDLE) {
		if (parser->kind == 'P' && parser->state >= VT_PARAMETERS)
			return VT_NOTHING;
		parser->control = c;
		return VT_CONTROL;
	}
	if (parser->state < VT_PARAMETERS)
		return take_after_escape(parser, c);
	return take_parameter(parser, c);
}

/* Digits and semicolons, the bulk of all sequences, without going through the states for each. */
static void take_numbers(struct vt_parser *parser, const unsigned char **data,
			 const unsigned char *end)
{
	const unsigned char *at = *data;

	while (at < end && !parser->surplus && *at >= '0' && *at <= ';' && *at != ':') {
		unsigned int value;

		if (*at == ';') {
			take_separator(parser, *at++);
			continue;
		}
		take_digit(parser, *at++);
		value = parser->params[parser->n_params - 1];
		for (; at < end && *at >= '0' && *at <= '9'; at++) {
			value = value * 10 + (*at - '0');
			value = value < VT_PARAM_MAX ? value : VT_PARAM_MAX;
		}
		parser->params[parser->n_params - 1] = (uint16_t)value;
	}
	*data = at;
}

enum vt_event vt_parser_feed(struct vt_parser *parser, const unsigned char **data,
			     const unsigned char *end)
{
	while (*data < end) {
		enum vt_event event;

		if (parser->state == VT_STRING)
			take_string(parser, data, end);
		else if (parser->state == VT_PARAMETERS)
			take_numbers(parser, data, end);
		if (*data == end)
			break;
		event = take_byte(parser, *(*data)++);
		if (event != VT_NOTHING || parser->state == VT_IDLE)
			return event;
	}
	return VT_NOTHING;
}

static void put_header(const struct vt_parser *parser, struct bytes *bytes)
{
	if (parser->marker)
		bytes_putc(bytes, parser->marker);
	for (unsigned int i = 0; i < parser->n_params; i++) {
		if (i)
			bytes_putc(bytes, parser->colons >> i & 1 ? ':' : ';');
		if (parser->params[i] != VT_PARAM_EMPTY)
			bytes_put_number(bytes, parser->params[i]);
	}
	if (parser->surplus)
		bytes_putc(bytes, ';');
	bytes_put(bytes, parser->intermediates, parser->n_intermediates);
}

static void put_string(const struct vt_parser *parser, struct bytes *bytes)
{
	if (parser->overlong) {
		bytes_puts(bytes, parser->kind == ']' ? UNKNOWN_OSC :
				  parser->kind == 'P' ? UNKNOWN_DCS :
							UNKNOWN_STRING);
		return;
	}
	if (parser->kind == 'P') {
		put_header(parser, bytes);
		bytes_putc(bytes, parser->final);
	}
	bytes_put(bytes, parser->string.data, parser->string.n);
}

void vt_parser_put_pending(const struct vt_parser *parser, struct bytes *bytes)
{
	if (parser->state == VT_IDLE)
		return;
	bytes_putc(bytes, ESC);
	if (parser->state >= VT_PARAMETERS)
		bytes_putc(bytes, parser->kind);
	switch (parser->state) {
	case VT_ESCAPED_WRONG:
		bytes_puts(bytes, "   ");
		break;
	case VT_ESCAPED_MORE:
		bytes_put(bytes, parser->intermediates, parser->n_intermediates);
		break;
	case VT_PARAMETERS:
	case VT_INTERMEDIATES:
		put_header(parser, bytes);
		break;
	case VT_WRONG:
		bytes_puts(bytes, "0?");
		break;
	case VT_STRING:
	case VT_STRING_ESCAPED:
		put_string(parser, bytes);
		break;
	default:
		break;
	}
	if (parser->state == VT_STRING_ESCAPED)
		bytes_putc(bytes, ESC);
}
