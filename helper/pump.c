#include "context.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define BUFFER 65536
static char buffers[PUMPS][BUFFER]; /* one that is not used takes no memory */

/* The command's end takes the caller's number and is inherited by init; ours are closed there by exec. Anyone inside
 * may open it again: who can reach it in /proc could as well trace its holder. */
static int open_one(struct pump *pump, int fd)
{
	int ends[2], own, kept = pump->own ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 4);

	if ((kept < 0 && !pump->own) || pipe2(ends, O_CLOEXEC))
		return -1;
	own = ends[fd == 0];
	pump->from = fd == 0 ? kept : own;
	pump->to = fd == 0 ? own : kept;
	pump->bytes = buffers[fd];
	/* Ours alone: the caller's has other holders, who did not ask for this. */
	if (fcntl(own, F_SETFL, O_NONBLOCK) || fchmod(own, 0666) || dup2(ends[fd != 0], fd) < 0)
		return -1;
	return close(ends[fd != 0]);
}

/* What is a socket or a pipe among 0, 1 and 2 is kept, with the other end of the pipe that takes its place. A stream of
 * the step has no other holder than the monitor. */
int op_pipes(struct context *context, const struct step *step)
{
	for (int fd = 0; fd < PUMPS; fd++) {
		struct pump *pump = &context->pumps[fd];
		struct stat status;

		if (fstat(fd, &status))
			return -1;
		pump->own = step->number[0] >> fd & 1;
		pump->socket = S_ISSOCK(status.st_mode);
		if ((pump->own || pump->socket || S_ISFIFO(status.st_mode)) && open_one(pump, fd))
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
	close_at(&pump->from);
	close_at(&pump->to);
	pump->from = pump->to = -1;
	pump->begin = pump->end = 0;
}

int pump_attach(struct pump *pump, int socket)
{
	errno = pump->to < 0 ? EPIPE : EBUSY;
	if (!pump->own || pump->to < 0 || pump->from >= 0)
		return -1;
	pump->socket = 1;
	pump->from = socket;
	return 0;
}

void pump_close_input(struct pump *pump)
{
	pump->closing = 1;
	if (pump->own && pump->from < 0)
		stop(pump);
}

/* Of the caller's descriptors a pipe is written no more than it has room for once it is ready (pipe(7), PIPE_BUF). */
static ssize_t move(const struct pump *pump, int index)
{
	size_t left = pump->end - pump->begin;

	if (left == 0 && index == 0 && pump->socket)
		return recv(pump->from, pump->bytes, BUFFER, MSG_DONTWAIT);
	if (left == 0)
		return read(pump->from, pump->bytes, BUFFER);
	if (index == 0)
		return write(pump->to, pump->bytes + pump->begin, left);
	if (pump->socket)
		return send(pump->to, pump->bytes + pump->begin, left, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(pump->to, pump->bytes + pump->begin, left < PIPE_BUF ? left : PIPE_BUF);
}

static void move_one(struct pump *pump, int index)
{
	int reading = pump->begin == pump->end;
	ssize_t moved = move(pump, index);

	/* Whoever attached is gone; another may come. */
	if (reading && index == 0 && pump->own && !pump->closing &&
	    (moved == 0 || (moved < 0 && errno == ECONNRESET))) {
		close(steal_fd(&pump->from));
		return;
	}
	if (moved > 0 && index > 0 && pump->own) {
		log_write(index, pump->bytes, (size_t)moved);
		return;
	}

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
			move_one(&pumps[i], i);
}

int pumps_pending(struct pump *pumps)
{
	stop(&pumps[0]);
	return pumps[1].from >= 0 || pumps[2].from >= 0;
}

int pumps_idle(const struct pump *pumps)
{
	return pumps[1].begin == pumps[1].end && pumps[2].begin == pumps[2].end;
}
