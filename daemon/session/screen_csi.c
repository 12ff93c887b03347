/* Control sequences. docs/sessions.md has a table of them, with where each is specified. */
#include "daemon/session/screen_private.h"

#include "common/cleanup.h"

static unsigned int count(const struct screen *screen)
{
	return vt_count(&screen->parser, 0);
}

/* --- Motion ---------------------------------------------------------------------------------- */

static void cuu(struct screen *screen)
{
	screen_move_up(screen, count(screen));
}

static void cud(struct screen *screen)
{
	screen_move_down(screen, count(screen));
}

static void cuf(struct screen *screen)
{
	screen_move(screen, screen->cursor.x + count(screen), screen->cursor.y);
}

static void cub(struct screen *screen)
{
	unsigned int x = screen->cursor.x, n = count(screen);

	screen_move(screen, x > n ? x - n : 0, screen->cursor.y);
}

static void cnl(struct screen *screen)
{
	screen_move_down(screen, count(screen));
	screen_move(screen, 0, screen->cursor.y);
}

static void cpl(struct screen *screen)
{
	screen_move_up(screen, count(screen));
	screen_move(screen, 0, screen->cursor.y);
}

static void cha(struct screen *screen)
{
	screen_move(screen, count(screen) - 1, screen->cursor.y);
}

static void cup(struct screen *screen)
{
	screen_move_from_origin(screen, vt_count(&screen->parser, 1) - 1, count(screen) - 1);
}

static void vpa(struct screen *screen)
{
	screen_move_from_origin(screen, screen->cursor.x, count(screen) - 1);
}

/* Relative, and stopped by a margin only where that is the edge of what can be addressed. */
static void vpr(struct screen *screen)
{
	unsigned int y = screen->cursor.y + count(screen);

	if (screen_mode(screen, MODE_ORIGIN) && y > screen->bottom)
		y = screen->bottom;
	screen_move(screen, screen->cursor.x, y);
}

static void cht(struct screen *screen)
{
	screen_tabs_forward(screen, count(screen));
}

static void cbt(struct screen *screen)
{
	screen_tabs_back(screen, count(screen));
}

static void tbc(struct screen *screen)
{
	switch (vt_param(&screen->parser, 0, 0)) {
	case 0:
		screen_tab_set(screen, screen->cursor.x, false);
		break;
	case 3:
		screen_tabs_clear(screen);
		break;
	default:
		break;
	}
}

static void decst8c(struct screen *screen)
{
	if (vt_param(&screen->parser, 0, 0) == 5)
		screen_tabs_default(screen, 0);
}

static void decstbm(struct screen *screen)
{
	unsigned int bottom = vt_param(&screen->parser, 1, 0);

	screen_set_margins(screen, count(screen) - 1, bottom ? bottom - 1 : screen->rows - 1u);
}

static void scosc(struct screen *screen)
{
	/* With parameters it is DECSLRM, the left and right margin. */
	if (!screen->parser.n_params)
		screen_save_cursor(screen);
}

/* --- Editing --------------------------------------------------------------------------------- */

static struct row *cursor_row(struct screen *screen)
{
	return screen_row(screen, screen->cursor.y);
}

/* From the cursor to the row's end. Where the last column was just written the cursor counts as
 * being behind it, as it does in VTE and tmux (and not by DEC STD 070 and in xterm), so that what
 * compilers and grep write, a colour's end and EL, does not erase a character.
 */
static void erase_right(struct screen *screen)
{
	if (!screen->cursor.wraps)
		screen_row_erase(screen, cursor_row(screen), screen->cursor.x, screen->columns);
}

static void erase_left(struct screen *screen)
{
	screen->cursor.wraps = false;
	screen_row_erase(screen, cursor_row(screen), 0, screen->cursor.x + 1u);
}

static void el(struct screen *screen)
{
	switch (vt_param(&screen->parser, 0, 0)) {
	case 0:
		erase_right(screen);
		break;
	case 1:
		erase_left(screen);
		break;
	case 2:
		screen->cursor.wraps = false;
		screen_erase_rows(screen, screen->cursor.y, screen->cursor.y);
		break;
	default:
		break;
	}
}

static void ed(struct screen *screen)
{
	unsigned int y = screen->cursor.y;

	switch (vt_param(&screen->parser, 0, 0)) {
	case 0:
		erase_right(screen);
		if (y + 1u < screen->rows)
			screen_erase_rows(screen, y + 1, screen->rows - 1u);
		break;
	case 1:
		erase_left(screen);
		if (y)
			screen_erase_rows(screen, 0, y - 1);
		break;
	case 2:
		screen->cursor.wraps = false;
		screen_erase_rows(screen, 0, screen->rows - 1u);
		break;
	case 3:
		history_done(&screen->history);
		break;
	default:
		break;
	}
}

static void ech(struct screen *screen)
{
	unsigned int x = screen->cursor.x, room = screen->columns - x, n = count(screen);

	screen->cursor.wraps = false;
	screen_row_erase(screen, cursor_row(screen), x, x + (n < room ? n : room));
}

static void ich(struct screen *screen)
{
	screen->cursor.wraps = false;
	screen_row_insert(screen, cursor_row(screen), screen->cursor.x, count(screen));
}

static void dch(struct screen *screen)
{
	screen->cursor.wraps = false;
	screen_row_delete(screen, cursor_row(screen), screen->cursor.x, count(screen));
}

static bool between_margins(const struct screen *screen)
{
	return screen->cursor.y >= screen->top && screen->cursor.y <= screen->bottom;
}

static void il(struct screen *screen)
{
	if (!between_margins(screen))
		return;
	screen_scroll_down(screen, screen->cursor.y, screen->bottom, count(screen));
	screen_move(screen, 0, screen->cursor.y);
}

static void dl(struct screen *screen)
{
	if (!between_margins(screen))
		return;
	screen_scroll_up(screen, screen->cursor.y, screen->bottom, count(screen), false);
	screen_move(screen, 0, screen->cursor.y);
}

static void su(struct screen *screen)
{
	screen->cursor.wraps = false;
	screen_scroll_up(screen, screen->top, screen->bottom, count(screen), true);
}

static void sd(struct screen *screen)
{
	/* With more parameters it is xterm's highlight tracking. */
	if (screen->parser.n_params > 1)
		return;
	screen->cursor.wraps = false;
	screen_scroll_down(screen, screen->top, screen->bottom, count(screen));
}

/* --- The rest -------------------------------------------------------------------------------- */

static void sm(struct screen *screen)
{
	screen_modes_change(screen, false, true);
}

static void rm(struct screen *screen)
{
	screen_modes_change(screen, false, false);
}

static void decset(struct screen *screen)
{
	screen_modes_change(screen, true, true);
}

static void decrst(struct screen *screen)
{
	screen_modes_change(screen, true, false);
}

static void decscusr(struct screen *screen)
{
	unsigned int shape = vt_param(&screen->parser, 0, 0);

	if (shape > 6)
		return;
	screen->cursor_shape = (uint8_t)(shape + 1);
	/* It says, too, whether the cursor blinks, until mode 12 says otherwise: odd ones do. */
	screen->modes &= ~(1u << MODE_BLINK);
	screen->modes |= (shape & 1u) << MODE_BLINK;
	screen->modes_touched &= ~(1u << MODE_BLINK);
}

static void xtwinops(struct screen *screen)
{
	unsigned int which = vt_param(&screen->parser, 1, 0);

	switch (vt_param(&screen->parser, 0, 0)) {
	case 22:
		screen_titles_push(screen, which);
		break;
	case 23:
		screen_titles_pop(screen, which);
		break;
	default:
		screen_answer_size(screen);
		break;
	}
}

static void da1(struct screen *screen)
{
	screen_answer_attributes(screen, '\0');
}

static void da2(struct screen *screen)
{
	screen_answer_attributes(screen, '>');
}

static void da3(struct screen *screen)
{
	screen_answer_attributes(screen, '=');
}

static void dsr(struct screen *screen)
{
	screen_answer_status(screen, false);
}

static void dsr_private(struct screen *screen)
{
	screen_answer_status(screen, true);
}

static void decrqm_ansi(struct screen *screen)
{
	screen_answer_mode(screen, false);
}

static void decrqm(struct screen *screen)
{
	screen_answer_mode(screen, true);
}

static void xtversion(struct screen *screen)
{
	screen_answer(screen, "\033P>|dokrust(%s)\033\\", DOKRUST_VERSION);
}

static void keyboard_query(struct screen *screen)
{
	screen_answer(screen, "\033[?%uu", screen->keyboards[screen->shown].flags);
}

static void modify_keys_query(struct screen *screen)
{
	unsigned int resource = vt_param(&screen->parser, 0, 0), value = 0;

	if (resource < ARRAY_SIZE(screen->modify_keys) && screen->modify_keys[resource])
		value = screen->modify_keys[resource] - 1u;
	screen_answer(screen, "\033[>%u;%um", resource, value);
}

static void modify_keys_off(struct screen *screen)
{
	unsigned int resource = vt_param(&screen->parser, 0, 2);

	if (resource < ARRAY_SIZE(screen->modify_keys))
		screen->modify_keys[resource] = 0;
}

static void repeat(struct screen *screen)
{
	screen_repeat(screen, count(screen));
}

/* By final byte. */
static void (*const plain[])(struct screen *) = {
	['@'] = ich,
	['A'] = cuu,
	['B'] = cud,
	['C'] = cuf,
	['D'] = cub,
	['E'] = cnl,
	['F'] = cpl,
	['G'] = cha,
	['H'] = cup,
	['I'] = cht,
	['J'] = ed,
	['K'] = el,
	['L'] = il,
	['M'] = dl,
	['P'] = dch,
	['S'] = su,
	['T'] = sd,
	['X'] = ech,
	['Z'] = cbt,
	['`'] = cha,
	['a'] = cuf,
	['b'] = repeat,
	['c'] = da1,
	['d'] = vpa,
	['e'] = vpr,
	['f'] = cup,
	['g'] = tbc,
	['h'] = sm,
	['l'] = rm,
	['m'] = screen_sgr,
	['n'] = dsr,
	['r'] = decstbm,
	['s'] = scosc,
	['t'] = xtwinops,
	['u'] = screen_restore_cursor,
};

static const struct {
	char marker, intermediate, final;
	void (*handle)(struct screen *screen);
} marked[] = {
	{ '?', '\0', 'h', decset },
	{ '?', '\0', 'l', decrst },
	{ '\0', ' ', 'q', decscusr },
	{ '\0', '!', 'p', screen_soft_reset },
	{ '>', '\0', 'm', screen_modify_keys },
	{ '>', '\0', 'n', modify_keys_off },
	{ '?', '\0', 'm', modify_keys_query },
	{ '>', '\0', 'u', screen_keyboard_push },
	{ '<', '\0', 'u', screen_keyboard_pop },
	{ '=', '\0', 'u', screen_keyboard_set },
	{ '?', '\0', 'u', keyboard_query },
	{ '>', '\0', 'c', da2 },
	{ '=', '\0', 'c', da3 },
	{ '?', '\0', 'n', dsr_private },
	{ '\0', '$', 'p', decrqm_ansi },
	{ '?', '$', 'p', decrqm },
	{ '>', '\0', 'q', xtversion },
	{ '?', '\0', 'W', decst8c },
};

void screen_csi(struct screen *screen)
{
	const struct vt_parser *parser = &screen->parser;
	unsigned char final = (unsigned char)parser->final;
	char intermediate = parser->n_intermediates ? parser->intermediates[0] : '\0';

	if (!parser->marker && !intermediate) {
		void (*handle)(struct screen *) = final < ARRAY_SIZE(plain) ? plain[final] : NULL;

		/* All but REP make the character written last one among others. */
		if (handle != repeat)
			screen->just_wrote = false;
		if (handle)
			handle(screen);
		return;
	}
	screen->just_wrote = false;
	if (parser->n_intermediates > 1)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(marked); i++) {
		if (marked[i].marker != parser->marker || marked[i].final != parser->final ||
		    marked[i].intermediate != intermediate)
			continue;
		marked[i].handle(screen);
		return;
	}
}
