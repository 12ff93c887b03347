#include "daemon/session/ring.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

_Static_assert((RING_SIZE & (RING_SIZE - 1)) == 0, "offsets are reduced by a mask");
_Static_assert((int)RING_DATA_MAX < (int)FRAME_PAYLOAD_MAX,
	       "a frame of the ring is one of the protocol");

static size_t position(uint64_t offset)
{
	return (size_t)(offset & (RING_SIZE - 1));
}

void ring_done(struct ring *ring)
{
	if (ring->memory)
		(void)munmap(ring->memory, RING_SIZE);
	*ring = (struct ring){ 0 };
}

int ring_pieces(const struct ring *ring, uint64_t from, uint64_t to, struct iovec pieces[2])
{
	size_t at = position(from), n = (size_t)(to - from);
	size_t first = n < RING_SIZE - at ? n : RING_SIZE - at;

	pieces[0] = (struct iovec){ .iov_base = ring->memory + at, .iov_len = first };
	pieces[1] = (struct iovec){ .iov_base = ring->memory, .iov_len = n - first };
	return (n > 0) + (n > first);
}

static void copy_out(const struct ring *ring, uint64_t from, unsigned char *to, size_t n)
{
	struct iovec pieces[2];

	(void)ring_pieces(ring, from, from + n, pieces);
	(void)memcpy(to, pieces[0].iov_base, pieces[0].iov_len);
	(void)memcpy(to + pieces[0].iov_len, pieces[1].iov_base, pieces[1].iov_len);
}

static void copy_in(const struct ring *ring, uint64_t to, const unsigned char *from, size_t n)
{
	struct iovec pieces[2];

	(void)ring_pieces(ring, to, to + n, pieces);
	(void)memcpy(pieces[0].iov_base, from, pieces[0].iov_len);
	(void)memcpy(pieces[1].iov_base, from + pieces[0].iov_len, pieces[1].iov_len);
}

uint64_t ring_frame_end(const struct ring *ring, uint64_t offset)
{
	unsigned char header[FRAME_HEADER_SIZE];

	copy_out(ring, offset, header, sizeof(header));
	return offset + sizeof(header) + frame_get_length(header);
}

enum frame_stream ring_frame_stream(const struct ring *ring, uint64_t offset)
{
	return (enum frame_stream)ring->memory[position(offset + FRAME_HEADER_SIZE)];
}

void ring_drop(struct ring *ring)
{
	uint64_t end;

	assert(ring->tail < ring->head);
	end = ring_frame_end(ring, ring->tail);
	ring->dropped_bytes += ring_frame_bytes(ring->tail, end);
	ring->tail = end;
}

int ring_reserve(struct ring *ring, size_t n, struct iovec pieces[2])
{
	uint64_t begin = ring->head + FRAME_DATA_OVERHEAD;

	assert(ring_room(ring) >= RING_FRAME_MAX);
	if (!ring->memory) {
		void *memory = mmap(NULL, RING_SIZE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

		if (memory == MAP_FAILED)
			return -1;
		ring->memory = memory;
	}
	return ring_pieces(ring, begin + n, begin + RING_DATA_MAX, pieces);
}

void ring_commit(struct ring *ring, enum frame_stream stream, size_t n)
{
	unsigned char header[FRAME_DATA_OVERHEAD];

	assert(n > 0 && n <= RING_DATA_MAX);
	frame_put_data_header(header, stream, (uint32_t)n);
	copy_in(ring, ring->head, header, sizeof(header));
	ring->head += sizeof(header) + n;
	ring->bytes += n;
}
