/* Modes: SM and RM, DECSET and DECRST, DECRQM, and which of the two screens is shown. */
#include "daemon/session/screen_private.h"

#include "common/cleanup.h"

/* What is on or off and no more. Where a terminal's user may have chosen the state it is in before
 * a program changes it (`own`), a snapshot leaves it alone unless a program has.
 */
static const struct {
	uint16_t number;
	bool ansi, initially, own;
} modes[MODE_COUNT] = {
	[MODE_CURSOR_KEYS] = { .number = 1 },
	[MODE_REVERSE_VIDEO] = { .number = 5 },
	[MODE_ORIGIN] = { .number = 6 },
	[MODE_AUTOWRAP] = { .number = 7, .initially = true },
	[MODE_AUTOREPEAT] = { .number = 8, .initially = true, .own = true },
	[MODE_BLINK] = { .number = 12, .own = true },
	[MODE_CURSOR] = { .number = 25, .initially = true },
	[MODE_KEYPAD] = { .number = 66 },
	[MODE_BACKARROW] = { .number = 67, .own = true },
	[MODE_FOCUS] = { .number = 1004 },
	[MODE_MOUSE_UTF8] = { .number = 1005 },
	[MODE_MOUSE_SGR] = { .number = 1006 },
	[MODE_ALTERNATE_SCROLL] = { .number = 1007, .own = true },
	[MODE_MOUSE_URXVT] = { .number = 1015 },
	[MODE_MOUSE_PIXELS] = { .number = 1016 },
	[MODE_EIGHT_BIT_META] = { .number = 1034, .initially = true, .own = true },
	[MODE_NUM_LOCK] = { .number = 1035, .initially = true, .own = true },
	[MODE_META_ESCAPE] = { .number = 1036, .initially = true, .own = true },
	[MODE_ALT_ESCAPE] = { .number = 1039, .own = true },
	[MODE_BELL_URGENT] = { .number = 1042, .own = true },
	[MODE_BELL_RAISE] = { .number = 1043, .own = true },
	[MODE_BRACKETED_PASTE] = { .number = 2004 },
	[MODE_SYNCHRONISED] = { .number = 2026 },
	[MODE_COLOUR_SCHEME] = { .number = 2031, .own = true },
	[MODE_INSERT] = { .number = 4, .ansi = true },
	[MODE_NEWLINE] = { .number = 20, .ansi = true },
};
_Static_assert(MODE_COUNT <= 32, "a mode is a bit of a word");

void screen_modes_default(struct screen *screen)
{
	screen->modes = 0;
	for (unsigned int i = 0; i < MODE_COUNT; i++)
		screen->modes |= (uint32_t)modes[i].initially << i;
	screen->modes_touched = 0;
	screen->mouse = 0;
	screen->mouse_encoding = 0;
}

static bool is_mouse_mode(unsigned int number)
{
	return number == 9 || (number >= 1000 && number <= 1003);
}

void screen_show(struct screen *screen, unsigned int which)
{
	struct grid *alternate = &screen->grids[SCREEN_ALTERNATE];

	if (which == screen->shown)
		return;
	/* What was on the alternate screen is not kept: it is cleared before it is shown again. */
	if (which == SCREEN_ALTERNATE)
		screen_grid_init(screen, alternate);
	else
		screen_grid_done(screen, alternate);
	screen->saved[SCREEN_ALTERNATE] = (struct saved_cursor){ 0 };
	screen->keyboards[SCREEN_ALTERNATE] = (struct keyboard){ 0 };
	screen->shown = (uint8_t)which;
	screen->cursor.wraps = false;
}

static void enter_alternate(struct screen *screen)
{
	if (screen->shown == SCREEN_ALTERNATE) {
		screen->cursor.wraps = false;
		screen_erase_rows(screen, 0, screen->rows - 1u);
		return;
	}
	screen_save_left(screen);
	screen_show(screen, SCREEN_ALTERNATE);
}

/* Modes that are something else than a state; false if it is none of these. Programs reset 1049
 * twice (dialog does), and terminals restore the cursor then, too.
 */
static bool change_screen(struct screen *screen, unsigned int number, bool set)
{
	switch (number) {
	case 47:
	case 1047:
		screen_show(screen, set ? SCREEN_ALTERNATE : SCREEN_PRIMARY);
		return true;
	case 1048:
		if (set)
			screen_save_cursor(screen);
		else
			screen_restore_cursor(screen);
		return true;
	case 1049:
		if (set) {
			enter_alternate(screen);
		} else {
			screen_show(screen, SCREEN_PRIMARY);
			screen_restore_left(screen);
		}
		return true;
	default:
		return false;
	}
}

/* Where setting has a consequence beside the state itself. */
static void follow(struct screen *screen, enum mode mode, bool set)
{
	switch (mode) {
	case MODE_ORIGIN:
		screen_move_from_origin(screen, 0, 0);
		break;
	case MODE_AUTOWRAP:
		screen->cursor.wraps = false;
		break;
	case MODE_MOUSE_UTF8:
	case MODE_MOUSE_SGR:
	case MODE_MOUSE_URXVT:
	case MODE_MOUSE_PIXELS:
		if (set)
			screen->mouse_encoding = (uint8_t)mode;
		else if (screen->mouse_encoding == mode)
			screen->mouse_encoding = 0;
		break;
	default:
		break;
	}
}

static void change(struct screen *screen, bool private, unsigned int number, bool set)
{
	if (private && change_screen(screen, number, set))
		return;
	if (private && is_mouse_mode(number)) {
		screen->mouse = set ? (uint16_t)number : 0;
		return;
	}
	for (unsigned int i = 0; i < MODE_COUNT; i++) {
		uint32_t bit = 1u << i;

		if (modes[i].number != number || modes[i].ansi == private)
			continue;
		screen->modes = set ? screen->modes | bit : screen->modes & ~bit;
		screen->modes_touched |= bit;
		follow(screen, i, set);
		return;
	}
}

void screen_modes_change(struct screen *screen, bool private, bool set)
{
	for (unsigned int i = 0; i < screen->parser.n_params; i++)
		change(screen, private, vt_param(&screen->parser, i, 0), set);
}

unsigned int screen_mode_report(const struct screen *screen, bool private, unsigned int number)
{
	enum { NOT_KNOWN, SET, RESET };

	if (private && is_mouse_mode(number))
		return screen->mouse == number ? SET : RESET;
	if (private && (number == 47 || number == 1047 || number == 1049))
		return screen->shown == SCREEN_ALTERNATE ? SET : RESET;
	for (unsigned int i = 0; i < MODE_COUNT; i++)
		if (modes[i].number == number && modes[i].ansi != private)
			return screen->modes >> i & 1 ? SET : RESET;
	return NOT_KNOWN;
}

static void put_mode(struct bytes *bytes, unsigned int number, bool ansi, bool set)
{
	bytes_printf(bytes, "\033[%s%u%c", ansi ? "" : "?", number, set ? 'h' : 'l');
}

/* Some terminals have one tracking mode and one encoding at a time, others take each for itself. So
 * all are reset, then those that are set follow, the one that was set last at the end.
 */
static void put_mouse(const struct screen *screen, struct bytes *bytes)
{
	static const enum mode encodings[] = { MODE_MOUSE_UTF8, MODE_MOUSE_SGR, MODE_MOUSE_URXVT,
					       MODE_MOUSE_PIXELS };

	bytes_puts(bytes, "\033[?9;1000;1001;1002;1003;1005;1006;1015;1016l");
	for (unsigned int i = 0; i < ARRAY_SIZE(encodings); i++)
		if (screen_mode(screen, encodings[i]) && encodings[i] != screen->mouse_encoding)
			put_mode(bytes, modes[encodings[i]].number, false, true);
	if (screen->mouse_encoding)
		put_mode(bytes, modes[screen->mouse_encoding].number, false, true);
	if (screen->mouse)
		put_mode(bytes, screen->mouse, false, true);
}

void screen_modes_put(const struct screen *screen, struct bytes *bytes)
{
	for (unsigned int i = 0; i <= MODE_LAST_PLAIN; i++) {
		if (modes[i].own && !(screen->modes_touched >> i & 1))
			continue;
		if (i >= MODE_MOUSE_UTF8 && i <= MODE_MOUSE_PIXELS)
			continue;
		put_mode(bytes, modes[i].number, modes[i].ansi, screen_mode(screen, i));
	}
	/* DECKPAM and DECKPNM are understood by more terminals than DECNKM, which is the same. */
	bytes_puts(bytes, screen_mode(screen, MODE_KEYPAD) ? "\033=" : "\033>");
	put_mouse(screen, bytes);
}
