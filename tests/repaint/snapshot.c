/* What a viewer would be sent who comes at certain places of a stream.
 *
 *	snapshot ROWS COLUMNS HISTORY-ROWS OFFSET... < stream
 *
 * For each offset (ascending; -1 is the stream's end) there is a line with the number of bytes of
 * the snapshot, then these bytes, then a line with the number of bytes that the terminal had
 * answered by then, and these.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "daemon/session/bytes.h"
#include "daemon/session/screen.h"

enum { PIECE = 64 * 1024 };

static void screen_freep(struct screen **screen)
{
	screen_free(*screen);
}

static void put_block(const char *data, size_t n)
{
	(void)printf("%zu\n", n);
	(void)fwrite(data, 1, n, stdout);
}

static void read_all(struct bytes *stream)
{
	size_t n;

	do {
		n = fread(bytes_room(stream, PIECE), 1, PIECE, stdin);
		stream->n += n;
	} while (n);
}

int main(int argc, char *argv[])
{
	_cleanup_(screen_freep) struct screen *screen = NULL;
	_cleanup_(bytes_done) struct bytes stream = BYTES_NULL;
	char answers[SCREEN_ANSWERS_MAX];
	size_t at = 0;

	if (argc < 4) {
		(void)fprintf(stderr, "usage: snapshot ROWS COLUMNS HISTORY-ROWS OFFSET...\n");
		return 2;
	}
	screen = screen_new((uint16_t)atoi(argv[1]), (uint16_t)atoi(argv[2]));
	read_all(&stream);
	for (int i = 4; i < argc; i++) {
		_cleanup_(freep) char *snapshot = NULL;
		long offset = atol(argv[i]);
		size_t to = offset < 0 || (size_t)offset > stream.n ? stream.n : (size_t)offset;
		size_t size;

		if (to > at) {
			screen_write(screen, stream.data + at, to - at);
			at = to;
		}
		snapshot = screen_snapshot(screen, (unsigned int)atoi(argv[3]), &size);
		put_block(snapshot, size);
		put_block(answers, screen_take_answers(screen, answers));
	}
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
