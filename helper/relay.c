#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

int raw_mode(struct context *context)
{
	struct termios raw;

	if (!context->restore) {
		if (tcgetattr(0, &context->saved))
			return errno == ENOTTY ? 0 : -1;
		context->restore = 1;
	}
	raw = context->saved;
	cfmakeraw(&raw);
	return tcsetattr(0, TCSADRAIN, &raw);
}

void restore_mode(struct context *context)
{
	if (context->restore)
		tcsetattr(0, TCSADRAIN, &context->saved);
	context->restore = 0;
}

void copy_size(int master)
{
	struct winsize size;

	if (ioctl(0, TIOCGWINSZ, &size) == 0)
		ioctl(master, TIOCSWINSZ, &size);
}

void relay_open(struct relay *relay, int master)
{
	/* Opened anew: O_NONBLOCK on the caller's own description would reach every other program on that terminal. */
	int out = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	*relay = (struct relay){ .master = master, .in = 0, .out = out < 0 ? 1 : out };
	fcntl(master, F_SETFL, O_NONBLOCK);
}

void relay_poll(const struct relay *relay, struct pollfd *polls)
{
	int room_in = relay->in_length == 0, room_out = relay->out_length == 0;
	short master = (short)((room_out ? POLLIN : 0) | (room_in ? 0 : POLLOUT));

	/* A side whose buffer is full is not read: that is the back-pressure. Without an event poll(2) would still report
	 * a hang-up for ever, so such an entry is switched off. */
	polls[0] = (struct pollfd){ .fd = room_in ? relay->in : -1, .events = POLLIN };
	polls[1] = (struct pollfd){ .fd = master ? relay->master : -1, .events = master };
	polls[2] = (struct pollfd){ .fd = room_out ? -1 : relay->out, .events = POLLOUT };
}

static int retry(ssize_t result)
{
	return result < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Reads into an empty buffer: 0 where the source has come to its end. */
static int fill(int fd, char *buffer, size_t size, size_t *length)
{
	ssize_t got = read(fd, buffer, size);

	if (retry(got))
		return 1;
	*length = got > 0 ? (size_t)got : 0;
	return got > 0;
}

/* Writes what is left of a buffer: 0 where nobody takes it any more. */
static int empty(int fd, const char *buffer, size_t *length, size_t *sent)
{
	ssize_t put = write(fd, buffer + *sent, *length - *sent);

	if (put > 0)
		*sent += (size_t)put;
	if (*sent == *length || (put < 0 && !retry(put)))
		*length = *sent = 0;
	return put >= 0 || retry(put);
}

void relay_move(struct relay *relay, const struct pollfd *polls)
{
	if (polls[0].revents && !fill(relay->in, relay->in_buffer, sizeof(relay->in_buffer), &relay->in_length)) {
		/* The end of input, as a terminal says it: the end-of-file character. */
		relay->in = -1;
		relay->in_buffer[0] = 4;
		relay->in_length = 1;
	}
	if (relay->in_length && (polls[1].revents & (POLLOUT | POLLERR)))
		empty(relay->master, relay->in_buffer, &relay->in_length, &relay->in_sent);
	if (!relay->out_length && (polls[1].revents & (POLLIN | POLLHUP)) &&
	    !fill(relay->master, relay->out_buffer, sizeof(relay->out_buffer), &relay->out_length))
		relay->master = -1; /* EIO: the last slave is closed and all of its output is read */
	/* A caller whose terminal is gone takes nothing more: the output is dropped, the container goes on. */
	if (polls[2].revents)
		empty(relay->out, relay->out_buffer, &relay->out_length, &relay->out_sent);
}

int relay_pending(const struct relay *relay)
{
	return relay->master >= 0 || relay->out_length > 0;
}
