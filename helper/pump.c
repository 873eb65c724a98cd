#include "pump.h"
#include "context.h"
#include "log.h"

#include <limits.h>
#include <sys/socket.h>

#define BUFFER 65536
#define END_OF_FILE_CHARACTER 4

struct pump {
	int from, to; /* -1 where there is nothing to copy, or no more */
	int socket;   /* the caller's is one, not a pipe */
	int own;      /* there is no caller's: output goes to the log, input comes from whoever attaches */
	int closing;  /* whoever is attached is the last one */
	int fresh;    /* read at this turn */
	size_t begin, end;
};
static struct pump pumps[PUMPS] = { [0 ... PUMPS - 1] = { .from = -1, .to = -1 } };
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
	/* Ours alone: the caller's has other holders, who did not ask for this. */
	if (fcntl(own, F_SETFL, O_NONBLOCK) || fchmod(own, 0666) || dup2(ends[fd != 0], fd) < 0)
		return -1;
	return close(ends[fd != 0]);
}

/* What is a socket or a pipe among 0, 1 and 2 is kept, with the other end of the pipe that takes its place. A stream of
 * the step has no other holder than the monitor. */
int op_pipes(struct context *context, const struct step *step)
{
	for (int fd = 0; fd < KEYS; fd++) {
		struct pump *pump = &pumps[fd];
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

void pumps_relay(int in, int master, int out, int own)
{
	pumps[KEYS].from = in;
	pumps[KEYS].to = pumps[SCREEN].from = master;
	pumps[SCREEN].to = out;
	pumps[KEYS].own = pumps[SCREEN].own = own;
}

static struct pump *input(void)
{
	return &pumps[pumps[KEYS].to >= 0 ? KEYS : 0];
}

static int is_empty(const struct pump *pump)
{
	return pump->begin == pump->end;
}

void pumps_poll(struct pollfd *polls)
{
	/* What is read is written before more is read: that is the back-pressure. */
	for (int i = 0; i < PUMPS; i++)
		polls[i] = is_empty(&pumps[i]) ? (struct pollfd){ .fd = pumps[i].from, .events = POLLIN }
					       : (struct pollfd){ .fd = pumps[i].to, .events = POLLOUT };
}

/* The end of one side is the end of both: a reader sees the end of file, a writer gets EPIPE and SIGPIPE. Of a terminal
 * neither is ours to close. */
static void stop(struct pump *pump)
{
	if (pump < &pumps[KEYS]) {
		close_at(&pump->from);
		close_at(&pump->to);
		pump->to = -1;
	}
	pump->from = -1;
	pump->begin = pump->end = 0;
}

int pumps_attach(int socket)
{
	struct pump *pump = input();

	errno = pump->to < 0 ? EPIPE : EBUSY;
	if (!pump->own || pump->to < 0 || pump->from >= 0)
		return -1;
	pump->socket = 1;
	pump->from = socket;
	return 0;
}

/* As the command sees it: a terminal has a key for that. */
static void end_input(struct pump *pump)
{
	if (pump == &pumps[0])
		return stop(pump);
	if (is_empty(pump))
		pump->begin = pump->end = 0;
	if (pump->end < BUFFER)
		buffers[KEYS][pump->end++] = END_OF_FILE_CHARACTER;
}

void pumps_close_input(void)
{
	struct pump *pump = input();

	pump->closing = 1;
	if (pump->own && pump->from < 0)
		end_input(pump);
}

/* Whoever attached is gone; another may come. */
static void lose_input(struct pump *pump)
{
	if (pump->own)
		close(pump->from);
	if (pump->own || pump == &pumps[KEYS])
		pump->from = -1;
	if (!pump->own || pump->closing)
		end_input(pump);
}

static int is_output(int index)
{
	return index == 1 || index == 2;
}

/* Of the caller's descriptors a pipe is written no more than it has room for once it is ready (pipe(7), PIPE_BUF). */
static ssize_t move(const struct pump *pump, int index)
{
	char *bytes = buffers[index] + pump->begin;
	size_t left = pump->end - pump->begin;

	if (left == 0 && pump->socket && !is_output(index))
		return recv(pump->from, buffers[index], BUFFER, MSG_DONTWAIT);
	if (left == 0)
		return read(pump->from, buffers[index], BUFFER);
	if (pump->socket && is_output(index))
		return send(pump->to, bytes, left, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(pump->to, bytes, is_output(index) && left > PIPE_BUF ? PIPE_BUF : left);
}

static void move_one(struct pump *pump, int index)
{
	int is_reading = is_empty(pump), is_input = index == 0 || index == KEYS;
	ssize_t moved = move(pump, index);

	/* Short of memory for the moment: what is not moved now is moved at the next turn, not lost. */
	if (moved < 0 && (errno == EAGAIN || errno == EINTR || errno == ENOMEM || errno == ENOBUFS))
		return;
	if (moved > 0 && !is_reading) {
		pump->begin += (size_t)moved;
	} else if (moved > 0 && pump->own && !is_input) {
		log_write(index == SCREEN ? 1 : index, buffers[index], (size_t)moved);
	} else if (moved > 0) {
		pump->fresh = 1;
		pump->begin = 0;
		pump->end = (size_t)moved;
	} else if (is_reading && is_input) {
		lose_input(pump);
	} else if (!is_reading && index >= KEYS) {
		pump->begin = pump->end; /* nobody takes it any more; the container goes on */
	} else {
		stop(pump);
	}
}

void pumps_move(const struct pollfd *polls)
{
	for (int i = 0; i < PUMPS; i++) {
		pumps[i].fresh = 0;
		if (polls[i].fd >= 0 && polls[i].revents)
			move_one(&pumps[i], i);
	}
}

size_t pumps_typed(const char **keys)
{
	*keys = buffers[KEYS];
	return pumps[KEYS].fresh ? pumps[KEYS].end : 0;
}

int pumps_idle(void)
{
	return is_empty(&pumps[1]) && is_empty(&pumps[2]) && is_empty(&pumps[SCREEN]);
}

int pumps_pending(void)
{
	stop(&pumps[0]);
	stop(&pumps[KEYS]);
	return pumps[1].from >= 0 || pumps[2].from >= 0 || pumps[SCREEN].from >= 0 || !pumps_idle();
}
