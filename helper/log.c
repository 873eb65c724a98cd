#include "log.h"
#include "context.h"

#include <stdio.h>
#include <sys/uio.h>
#include <time.h>

/* Before each piece, little-endian. */
struct piece {
	char magic[3];
	uint8_t stream; /* 0: the bytes are a number of eight bytes, how many of the output are lost before this */
	uint32_t size;
	uint64_t nanos; /* CLOCK_REALTIME */
};
static const char magic[3] = { '\x1e', 'c', 'l' };

static struct {
	int directory, file;
	uint64_t size, limit; /* bytes; without a limit 0 */
	uint64_t files, lost;
} state = { .directory = -1, .file = -1 };

static const char *name_of(uint64_t number, char *buffer, size_t size)
{
	struct text text = text_in(buffer, size);

	add(&text, "log");
	if (number)
		add_field(&text, ".", number, 10);
	return buffer;
}

static int open_file(void)
{
	struct stat status;

	state.file = openat(state.directory, "log", O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (state.file < 0 || fstat(state.file, &status))
		return -1;
	state.size = (uint64_t)status.st_size;
	return 0;
}

int op_log(struct context *context, const struct step *step)
{
	context->logged = 1;
	state.limit = step->number[0];
	state.files = step->number[1];
	state.directory = open(text_of(&context->plan, step, 0), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return state.directory < 0 ? -1 : open_file();
}

/* `log` becomes `log.1`, that `log.2`, and the last one goes. */
static void rotate(void)
{
	char from[32], to[32];

	close(steal_fd(&state.file));
	for (uint64_t number = state.files - 1; number > 0; number--)
		renameat(state.directory, name_of(number - 1, from, sizeof(from)), state.directory,
			 name_of(number, to, sizeof(to)));
	if (state.files == 1)
		unlinkat(state.directory, "log", 0);
	state.size = 0; /* also where none can be made now: the files that are kept move up once, not at each try */
	open_file();
}

/* A piece whole, or nothing of it. */
static int append(uint8_t stream, const void *bytes, size_t size)
{
	struct timespec now;
	struct piece piece = { .stream = stream, .size = (uint32_t)size };
	struct iovec parts[2] = { { &piece, sizeof(piece) }, { (void *)bytes, size } };
	size_t whole = sizeof(piece) + size;
	ssize_t put;

	memcpy(piece.magic, magic, sizeof(magic));
	clock_gettime(CLOCK_REALTIME, &now);
	piece.nanos = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	if (state.limit && state.size && state.size + whole > state.limit)
		rotate();
	if (state.file < 0)
		return -1;
	put = writev(state.file, parts, 2);
	if (put == (ssize_t)whole) {
		state.size += whole;
		return 0;
	}
	if (put > 0 && ftruncate(state.file, (off_t)state.size))
		state.size += (size_t)put; /* half a piece: its reader looks for the next one */
	return -1;
}

void log_tell_loss(void)
{
	if (state.file < 0 && state.directory >= 0)
		open_file();
	if (state.lost && append(0, &state.lost, sizeof(state.lost)) == 0)
		state.lost = 0;
}

void log_write(int stream, const char *bytes, size_t size)
{
	log_tell_loss();
	if (state.lost || append((uint8_t)stream, bytes, size))
		state.lost += size;
}
