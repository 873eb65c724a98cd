/* What goes between two helpers, or a helper and crt, in a copy: the head of a frame, then path, link and content, and
 * an end of its own, so that it is told from a stream that breaks off. src/archive/frames.ts has the same. */
#ifndef CRT_FRAME_H
#define CRT_FRAME_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

enum frame_type { FRAME_END, FRAME_FILE, FRAME_HARD_LINK, FRAME_LINK, FRAME_DIRECTORY };

/* The head is little-endian. Lengths are without the NUL, which is not sent. */
struct frame {
	uint32_t type, mode, uid, gid;
	int64_t mtime; /* seconds */
	uint64_t size; /* of the content, which only a file has */
	uint32_t path_length, link_length;
	char path[PATH_MAX], link[PATH_MAX];
};
#define FRAME_HEAD offsetof(struct frame, path)
_Static_assert(FRAME_HEAD == 40, "a head has no gaps");

/* All: 0, or -1 with errno. Content is written and read in between, `size` bytes. To stdout: */
int put_frame(struct frame *frame);

/* From stdin: 1 with the next frame, 0 at the end, -1 with EBADMSG for no frame or an early end, EINVAL for an id that
 * is none. */
int next_frame(struct frame *frame);
int get_bytes(void *bytes, size_t size);

#endif
