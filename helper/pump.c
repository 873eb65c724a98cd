#include "context.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define BUFFER 65536
static char buffers[PUMPS][BUFFER]; /* one that is not used takes no memory */

/* The command's end takes the socket's number and is inherited by init; ours are closed there by exec. */
static int open_one(struct pump *pump, int fd)
{
	int ends[2], kept = fcntl(fd, F_DUPFD_CLOEXEC, 4);

	if (kept < 0 || pipe2(ends, O_CLOEXEC))
		return -1;
	pump->from = fd == 0 ? kept : ends[0];
	pump->to = fd == 0 ? ends[1] : kept;
	pump->bytes = buffers[fd];
	if (dup2(fd == 0 ? ends[0] : ends[1], fd) < 0 || close(fd == 0 ? ends[0] : ends[1]))
		return -1;
	fcntl(pump->from, F_SETFL, O_NONBLOCK);
	fcntl(pump->to, F_SETFL, O_NONBLOCK);
	return 0;
}

/* What is a socket among 0, 1 and 2 is kept, with the other end of the pipe that takes its place. */
int op_pipes(struct context *context, const struct step *step)
{
	for (int fd = 0; fd < PUMPS; fd++) {
		struct stat status;

		if (fstat(fd, &status) || (S_ISSOCK(status.st_mode) && open_one(&context->pumps[fd], fd)))
			return -1;
	}
	return 0;
}

void pumps_poll(const struct pump *pumps, struct pollfd *polls)
{
	/* What is read is written before more is read: that is the back-pressure. */
	for (int i = 0; i < PUMPS; i++)
		polls[i] = pumps[i].begin == pumps[i].end ? (struct pollfd){ .fd = pumps[i].from, .events = POLLIN }
							  : (struct pollfd){ .fd = pumps[i].to, .events = POLLOUT };
}

/* The end of one side is the end of both: a reader sees the end of file, a writer gets EPIPE and SIGPIPE. */
static void stop(struct pump *pump)
{
	if (pump->from >= 0)
		close(pump->from);
	if (pump->to >= 0)
		close(pump->to);
	pump->from = pump->to = -1;
	pump->begin = pump->end = 0;
}

static void move_one(struct pump *pump)
{
	int reading = pump->begin == pump->end;
	ssize_t moved = reading ? read(pump->from, pump->bytes, BUFFER)
				: write(pump->to, pump->bytes + pump->begin, pump->end - pump->begin);

	/* Short of memory for the moment: what is not moved now is moved at the next turn, not lost. */
	if (moved < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOMEM || errno == ENOBUFS))
		return;
	if (moved <= 0) {
		stop(pump);
		return;
	}
	if (reading) {
		pump->begin = 0;
		pump->end = (size_t)moved;
	} else {
		pump->begin += (size_t)moved;
	}
}

void pumps_move(struct pump *pumps, const struct pollfd *polls)
{
	for (int i = 0; i < PUMPS; i++)
		if (polls[i].fd >= 0 && polls[i].revents)
			move_one(&pumps[i]);
}

int pumps_pending(struct pump *pumps)
{
	stop(&pumps[0]);
	return pumps[1].from >= 0 || pumps[2].from >= 0;
}
