/* The reader of frames against arbitrary bytes (libFuzzer): what it takes is a text of its length and in its range, and
 * written again it is the same bytes. */
#include "frame.h"
#include "sync.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *at, *end, *written;

/* Of stdin, as sync.c reads it. */
int read_all(int fd, void *buffer, size_t size)
{
	size_t left = (size_t)(end - at);

	memcpy(buffer, at, size < left ? size : left);
	at += size < left ? size : left;
	return size <= left;
}

int write_all(int fd, const void *bytes, size_t size)
{
	if (size > (size_t)(at - written) || memcmp(written, bytes, size))
		abort();
	written += size;
	return 0;
}

static void check(struct frame *frame)
{
	if (!frame->path[0] || strlen(frame->path) >= PATH_MAX || strlen(frame->link) >= PATH_MAX)
		abort();
	if (frame->uid == UINT32_MAX || frame->gid == UINT32_MAX || frame->size > INT64_MAX || frame->mode > 07777)
		abort();
	if (frame->type < FRAME_FILE || frame->type > FRAME_DIRECTORY || (frame->type != FRAME_FILE && frame->size))
		abort();
	if (put_frame(frame) || written != at)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct frame frame;
	uint8_t content[512];
	int got;

	at = written = data;
	end = data + size;
	memset(&frame, 0xff, sizeof(frame));
	while ((got = next_frame(&frame)) > 0) {
		check(&frame);
		for (uint64_t left = frame.size; left > 0;) {
			size_t part = left < sizeof(content) ? (size_t)left : sizeof(content);

			if (get_bytes(content, part))
				return 0;
			left -= part;
		}
		written = at;
	}
	if (got == 0 && at != end)
		abort();
	return 0;
}
