/* What programs ask of the keyboard: the kitty protocol's flags, of which each screen has a stack
 * (https://sw.kovidgoyal.net/kitty/keyboard-protocol/), and xterm's XTMODKEYS.
 */
#include "daemon/session/screen_private.h"

#include "common/cleanup.h"

enum { KEYBOARD_FLAGS = 0x1f };

static struct keyboard *keyboard_of(struct screen *screen)
{
	return &screen->keyboards[screen->shown];
}

void screen_keyboard_push(struct screen *screen)
{
	struct keyboard *keyboard = keyboard_of(screen);

	if (keyboard->depth == KEYBOARD_STACK_MAX)
		(void)memmove(keyboard->stack, keyboard->stack + 1, --keyboard->depth);
	keyboard->stack[keyboard->depth++] = keyboard->flags;
	keyboard->flags = (uint8_t)(vt_param(&screen->parser, 0, 0) & KEYBOARD_FLAGS);
}

void screen_keyboard_pop(struct screen *screen)
{
	struct keyboard *keyboard = keyboard_of(screen);

	for (unsigned int n = vt_count(&screen->parser, 0); n && keyboard->depth; n--)
		keyboard->flags = keyboard->stack[--keyboard->depth];
	if (vt_count(&screen->parser, 0) > KEYBOARD_STACK_MAX)
		keyboard->flags = 0;
}

void screen_keyboard_set(struct screen *screen)
{
	enum { REPLACE = 1, ADD, REMOVE };
	struct keyboard *keyboard = keyboard_of(screen);
	unsigned int flags = vt_param(&screen->parser, 0, 0) & KEYBOARD_FLAGS;

	switch (vt_param(&screen->parser, 1, REPLACE)) {
	case REPLACE:
		keyboard->flags = (uint8_t)flags;
		break;
	case ADD:
		keyboard->flags = (uint8_t)(keyboard->flags | flags);
		break;
	case REMOVE:
		keyboard->flags = (uint8_t)(keyboard->flags & ~flags);
		break;
	default:
		break;
	}
}

/* What a terminal has on its stack already stays below. */
void screen_keyboard_put(const struct keyboard *keyboard, struct bytes *bytes)
{
	for (unsigned int i = 0; i <= keyboard->depth; i++) {
		unsigned int flags = i < keyboard->depth ? keyboard->stack[i] : keyboard->flags;

		bytes_printf(bytes, i ? "\033[>%uu" : "\033[=%u;1u", flags);
	}
}

/* CSI > Pp ; Pv m sets resource Pp, without Pv it is reset, without both all are. */
void screen_modify_keys(struct screen *screen)
{
	unsigned int resource = vt_param(&screen->parser, 0, VT_PARAM_EMPTY);
	unsigned int value = vt_param(&screen->parser, 1, VT_PARAM_EMPTY);

	for (unsigned int i = 0; i < ARRAY_SIZE(screen->modify_keys); i++) {
		if (resource != VT_PARAM_EMPTY && resource != i)
			continue;
		screen->modify_keys[i] = value < UINT8_MAX ? (uint8_t)(value + 1) : 0;
	}
}

void screen_modify_keys_put(const struct screen *screen, struct bytes *bytes)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(screen->modify_keys); i++) {
		if (screen->modify_keys[i])
			bytes_printf(bytes, "\033[>%u;%um", i, screen->modify_keys[i] - 1u);
		else if (i == 4) /* modifyOtherKeys, the one that programs use */
			bytes_printf(bytes, "\033[>%um", i);
	}
}
