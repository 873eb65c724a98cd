/* Neither side is believed: it may be in a container. Fuzzed by test/helper/fuzz-frame.c. */
#include "frame.h"
#include "sync.h"

int put_frame(struct frame *frame)
{
	frame->path_length = (uint32_t)strlen(frame->path);
	frame->link_length = (uint32_t)strlen(frame->link);
	if (write_all(1, frame, FRAME_HEAD) || write_all(1, frame->path, frame->path_length))
		return -1;
	return write_all(1, frame->link, frame->link_length);
}

int get_bytes(void *bytes, size_t size)
{
	int got = read_all(0, bytes, size);

	return got == 1 ? 0 : got < 0 ? -1 : fail_with(EBADMSG);
}

/* Whether the head can be one at all. */
static int is_sound(const struct frame *frame)
{
	int is_link = frame->type == FRAME_HARD_LINK || frame->type == FRAME_LINK;

	return frame->type <= FRAME_DIRECTORY && frame->mode <= 07777 && frame->path_length > 0 &&
	       frame->path_length < PATH_MAX && frame->link_length < (is_link ? PATH_MAX : 1) &&
	       frame->size <= (frame->type == FRAME_FILE ? INT64_MAX : 0);
}

int next_frame(struct frame *frame)
{
	static const char end[FRAME_HEAD];

	frame->path[0] = 0;
	if (get_bytes(frame, FRAME_HEAD))
		return -1;
	if (!memcmp(frame, end, FRAME_HEAD)) {
		int more = read_all(0, frame, 1);

		return more == 1 ? fail_with(EBADMSG) : more;
	}
	if (frame->type == FRAME_END || !is_sound(frame))
		return fail_with(EBADMSG);
	if (get_bytes(frame->path, frame->path_length) || get_bytes(frame->link, frame->link_length))
		return -1;
	frame->path[frame->path_length] = frame->link[frame->link_length] = 0;
	if (strlen(frame->path) != frame->path_length || strlen(frame->link) != frame->link_length)
		return fail_with(EBADMSG);
	/* The last number stands for no change to chown(2). */
	return frame->uid == UINT32_MAX || frame->gid == UINT32_MAX ? fail_with(EINVAL) : 1;
}
