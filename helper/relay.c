#include "relay.h"
#include "kernel.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>

#define END_OF_FILE_CHARACTER 4

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
	sigset_t background;

	/* Where crt was killed the shell has the terminal back and we are in the background, which SIGTTOU would stop.
	 */
	sigemptyset(&background);
	sigaddset(&background, SIGTTOU);
	sigprocmask(SIG_BLOCK, &background, NULL);
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

void relay_begin(struct relay *relay, const struct context *context)
{
	int master = context->master, own = context->logged;
	/* Opened anew: O_NONBLOCK on the caller's own description would reach every other program on that terminal. */
	int out = isatty(1) ? open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;

	*relay = (struct relay){
		.master = master,
		.in = own ? -1 : 0,
		.out = out < 0 ? 1 : out,
		.own = own,
		.init = context->ledger->init_pid,
	};
	relay->inward = (struct passage){ .bytes = relay->in_bytes, .size = sizeof(relay->in_bytes) };
	relay->outward = (struct passage){ .bytes = relay->out_bytes, .size = sizeof(relay->out_bytes) };
	/* Held open: without a slave the master hangs up, and what opens /dev/console later would speak to nobody. */
	relay->slave = ioctl(master, TIOCGPTPEER_, O_RDWR | O_NOCTTY | O_CLOEXEC);
	fcntl(master, F_SETFL, O_NONBLOCK);
}

void relay_end(struct relay *relay)
{
	if (relay->slave >= 0)
		close(relay->slave);
	relay->slave = -1;
}

static int is_empty(const struct passage *passage)
{
	return passage->begin == passage->end;
}

int relay_attach(struct relay *relay, int socket)
{
	errno = EBUSY;
	if (!relay->own || relay->in >= 0)
		return -1;
	relay->in = socket;
	return 0;
}

void relay_close_input(struct relay *relay)
{
	struct passage *inward = &relay->inward;

	relay->closing = 1;
	if (relay->in >= 0)
		return;
	if (is_empty(inward))
		inward->begin = inward->end = 0;
	if (inward->end < inward->size)
		inward->bytes[inward->end++] = END_OF_FILE_CHARACTER;
}

int relay_pending(const struct relay *relay)
{
	return relay->master >= 0 || !is_empty(&relay->outward);
}

int relay_idle(const struct relay *relay)
{
	return is_empty(&relay->outward);
}

void relay_poll(const struct relay *relay, struct pollfd *polls)
{
	int inward = is_empty(&relay->inward), outward = is_empty(&relay->outward);
	short master = (short)((outward ? POLLIN : 0) | (inward ? 0 : POLLOUT));

	/* A side whose bytes are not written yet is not read: that is the back-pressure. Without an event poll(2) would
	 * still report a hang-up for ever, so such an entry is switched off. */
	polls[0] = (struct pollfd){ .fd = inward ? relay->in : -1, .events = POLLIN };
	polls[1] = (struct pollfd){ .fd = master ? relay->master : -1, .events = master };
	polls[2] = (struct pollfd){ .fd = outward ? -1 : relay->out, .events = POLLOUT };
}

static int is_transient(ssize_t result)
{
	return result < 0 && (errno == EAGAIN || errno == EINTR);
}

/* Reads into an empty passage: false where the source has come to its end. */
static int fill(int fd, struct passage *passage)
{
	ssize_t got = read(fd, passage->bytes, passage->size);

	passage->begin = 0;
	passage->end = got > 0 ? (size_t)got : 0;
	return got > 0 || is_transient(got);
}

/* Writes what is left. What nobody takes any more is dropped, and the container goes on. */
static void empty(int fd, struct passage *passage)
{
	ssize_t put = write(fd, passage->bytes + passage->begin, passage->end - passage->begin);

	if (put >= 0)
		passage->begin += (size_t)put;
	else if (!is_transient(put))
		passage->begin = passage->end;
}

/* Fields of proc_pid_stat(5): the signals that are blocked, ignored and caught. */
enum { STAT_BLOCKED = 32, STAT_CAUGHT = 34 };

static int minds(pid_t pid, int signal)
{
	for (int field = STAT_BLOCKED; field <= STAT_CAUGHT; field++) {
		int64_t mask = stat_field(pid, field);

		if (mask < 0 || mask >> (signal - 1) & 1)
			return 1;
	}
	return 0;
}

/* What the terminal will make of the bytes just read, in its modes and with its foreground group of this moment, and
 * init will not mind. Asked before the bytes go on: a handler may be for one time only. */
static int typed_signal(const struct relay *relay)
{
	static const struct {
		int key, signal;
	} keys[] = { { VINTR, SIGINT }, { VQUIT, SIGQUIT } };
	struct termios modes;

	if (tcgetattr(relay->master, &modes) || !(modes.c_lflag & ISIG) ||
	    tcgetpgrp(relay->master) != getpgid(relay->init))
		return 0;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		cc_t byte = modes.c_cc[keys[i].key];

		if (byte != _POSIX_VDISABLE && memchr(relay->inward.bytes, byte, relay->inward.end) &&
		    !minds(relay->init, keys[i].signal))
			return keys[i].signal;
	}
	return 0;
}

void relay_move(struct relay *relay, const struct pollfd *polls)
{
	relay->typed = 0;
	if (polls[0].revents && !fill(relay->in, &relay->inward)) {
		/* Who attached may come again: that ends nothing. */
		if (relay->own)
			close(relay->in);
		relay->in = -1;
		if (!relay->own || relay->closing)
			relay_close_input(relay);
	} else if (polls[0].revents) {
		relay->typed = typed_signal(relay);
	}
	if (!is_empty(&relay->inward) && (polls[1].revents & (POLLOUT | POLLERR)))
		empty(relay->master, &relay->inward);
	if (is_empty(&relay->outward) && (polls[1].revents & (POLLIN | POLLHUP)) &&
	    !fill(relay->master, &relay->outward))
		relay->master = -1; /* EIO: the last slave is closed and all of its output is read */
	if (relay->own && !is_empty(&relay->outward)) {
		log_write(1, relay->outward.bytes, relay->outward.end);
		relay->outward.begin = relay->outward.end;
	}
	if (polls[2].revents)
		empty(relay->out, &relay->outward);
}
