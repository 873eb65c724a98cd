#include "terminal.h"
#include "pump.h"

#include <signal.h>
#include <sys/ioctl.h>

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

void terminal_begin(struct context *context)
{
	/* Opened anew: O_NONBLOCK on the caller's own description would reach every other program on that terminal. */
	int out = isatty(1) ? open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;

	/* Only now: until the command runs the supervisor may print, for a terminal in its usual modes. */
	raw_mode(context);
	copy_size(context->master);
	/* Held open: without a slave the master hangs up, and what opens /dev/console later would speak to nobody. */
	context->slave = ioctl(context->master, TIOCGPTPEER_, O_RDWR | O_NOCTTY | O_CLOEXEC);
	fcntl(context->master, F_SETFL, O_NONBLOCK);
	pumps_relay(context->logged ? -1 : 0, context->master, out < 0 ? 1 : out, context->logged);
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

int typed_signal(const struct context *context)
{
	static const struct {
		int key, signal;
	} signals[] = { { VINTR, SIGINT }, { VQUIT, SIGQUIT } };
	pid_t init = context->ledger->init_pid;
	struct termios modes;
	const char *keys;
	size_t count = pumps_typed(&keys);

	if (!count || tcgetattr(context->master, &modes) || !(modes.c_lflag & ISIG) ||
	    tcgetpgrp(context->master) != getpgid(init))
		return 0;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		cc_t byte = modes.c_cc[signals[i].key];

		if (byte != _POSIX_VDISABLE && memchr(keys, byte, count) && !minds(init, signals[i].signal))
			return signals[i].signal;
	}
	return 0;
}
