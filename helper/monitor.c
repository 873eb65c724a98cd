/* The monitor: parent of the container's PID 1 and the only process that talks to the supervisor. It stays in the
 * host's namespaces and outside the container's cgroup, lives exactly as long as the container, polls everything and
 * blocks on nothing. If the supervisor dies it kills the container and has the host-visible effects undone. */
#include "monitor.h"
#include "answer.h"
#include "kernel.h"
#include "relay.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* How long, in milliseconds, whoever sends a signal after the end waits for output that nobody takes. */
#define IMPATIENCE 100

/* A request of the supervisor: 0, -1 when it is gone, and the signal that was sent. */
static int serve_request(struct context *context)
{
	struct request_record request = { 0 };

	if (take_request(context, &request))
		return -1;
	if (request.kind == REQUEST_SIGNAL)
		pidfd_signal_(context->ledger->init_pidfd, (int)request.value);
	if (request.kind == REQUEST_RESIZE && context->master >= 0)
		ioctl(context->master, TIOCSWINSZ,
		      &(struct winsize){ .ws_row = (unsigned short)(request.value >> 16),
					 .ws_col = (unsigned short)request.value });
	return request.kind == REQUEST_SIGNAL ? (int)request.value : 0;
}

/* The container has ended, and all that was in it: what is left of its output is on the way. */
static void drain(struct context *context, struct relay *relay)
{
	struct pollfd polls[1 + PUMPS + RELAY_POLLS] = { { .fd = STATUS_FD, .events = POLLIN | POLLRDHUP } };
	struct pollfd *pumped = polls + 1, *relayed = polls + 1 + PUMPS;
	int terminal = context->master >= 0, patience = -1;

	if (terminal)
		relay_end(relay);
	/* Both are asked: that they get no more input is said in the same breath. */
	while (pumps_pending(context->pumps) + (terminal && relay_pending(relay))) {
		int ready;

		pumps_poll(context->pumps, pumped);
		if (terminal) {
			relay_poll(relay, relayed);
			relayed[0].fd = -1; /* no more input */
		}
		ready = poll(polls, 1 + PUMPS + (terminal ? RELAY_POLLS : 0), patience);
		if (ready < 0)
			continue;
		if (polls[0].revents) {
			int request = serve_request(context);

			if (request < 0)
				return;
			patience = request ? IMPATIENCE : patience;
			continue;
		}
		if (ready == 0)
			return;
		pumps_move(context->pumps, pumped);
		if (terminal)
			relay_move(relay, relayed);
	}
}

static uint64_t micros_of(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

/* The last output first, then the caller's terminal as it was, then the news. */
static int finish(struct context *context, struct relay *relay)
{
	struct rusage usage = { 0 };
	char buffer[64];
	struct text text = text_in(buffer, sizeof(buffer));
	int status = 0;

	drain(context, relay);
	restore_mode(context);
	while (wait4(context->ledger->init_pid, &status, 0, &usage) < 0 && errno == EINTR)
		;
	add(&text, "user=");
	add_number(&text, micros_of(usage.ru_utime), 10);
	add(&text, " system=");
	add_number(&text, micros_of(usage.ru_stime), 10);
	last_word(context, EVENT_EXITED, context->plan.count - 1, status, buffer);
	return leave(context, 0);
}

static void serve_signal(struct context *context, int signals)
{
	struct signalfd_siginfo info;

	if (read(signals, &info, sizeof(info)) != sizeof(info) || context->master < 0)
		return;
	if (info.ssi_signo == SIGCONT)
		raw_mode(context); /* a shell that stopped us has set its own modes meanwhile */
	copy_size(context->master);
}

static int run(struct context *context, int signals)
{
	static struct relay relay; /* static: the buffers are touched only where there is a terminal */
	struct pollfd polls[4 + PUMPS + RELAY_POLLS] = {
		{ .fd = STATUS_FD, .events = POLLIN },
		{ .fd = context->ledger->init_pidfd, .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
		{ .fd = context->listener, .events = POLLIN },
	};
	struct pollfd *pumped = polls + 4, *relayed = pumped + PUMPS;
	nfds_t count = 4 + PUMPS + (context->master < 0 ? 0 : RELAY_POLLS);

	if (context->master >= 0) {
		/* Only now: until the command runs the supervisor may print, for a terminal in its usual modes. */
		raw_mode(context);
		copy_size(context->master);
		relay_begin(&relay, context->master, context->ledger->init_pid);
	}
	for (;;) {
		pumps_poll(context->pumps, pumped);
		if (context->master >= 0)
			relay_poll(&relay, relayed);
		if (poll(polls, count, -1) < 0)
			continue;
		if (polls[0].revents && serve_request(context) < 0) {
			end_children(context);
			return leave(context, 1);
		}
		if (polls[2].revents)
			serve_signal(context, signals);
		if (polls[3].revents) {
			answer_begin(context, polls[3].revents);
			polls[3].fd = -1;
		}
		pumps_move(context->pumps, pumped);
		if (context->master >= 0)
			relay_move(&relay, relayed);
		/* Whether to kill init for a signal that it does not handle is not decided here. */
		if (relay.typed)
			send_event(EVENT_TYPED, 0, relay.typed, 0, NULL);
		if (polls[1].revents)
			return finish(context, &relay);
	}
}

/* All but job control, which must stop the whole foreground group as it stops any program that reads a terminal. */
static int block_signals(void)
{
	sigset_t mask;

	sigfillset(&mask);
	sigdelset(&mask, SIGTTIN);
	sigdelset(&mask, SIGTTOU);
	sigdelset(&mask, SIGTSTP);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	sigemptyset(&mask);
	sigaddset(&mask, SIGWINCH);
	sigaddset(&mask, SIGCONT);
	return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* A directory as stdin would be a way out: fchdir(2) to it (the class of CVE-2024-21626). */
static const char *check_stdio(void)
{
	struct stat status;

	for (int fd = 0; fd < 3; fd++)
		if (fstat(fd, &status) || S_ISDIR(status.st_mode))
			return "stdin, stdout or stderr is closed, or a directory and so a way out of the container";
	return NULL;
}

static int say_hello(void)
{
	char hash[17];
	struct text text = text_in(hash, sizeof(hash));

	add_number(&text, ops_hash(), 16);
	return send_event(EVENT_HELLO, 0, PLAN_VERSION, 0, hash);
}

int monitor(void)
{
	struct pump pumps[PUMPS] = { { .from = -1, .to = -1 }, { .from = -1, .to = -1 }, { .from = -1, .to = -1 } };
	struct context context = { .self = MONITOR,
				   .master = -1,
				   .received = -1,
				   .listener = -1,
				   .answerer_pidfd = -1,
				   .sync_monitor = -1,
				   .sync_child = -1,
				   .pumps = pumps };
	const char *why;
	uint32_t where = 0;
	int signals;

	/* Before anything else: a container could look at this process, and what it inherited is not ours to keep.
	 * Stdio is checked before the first open, which would fill a gap in it. */
	prctl(PR_SET_DUMPABLE, 0);
	close_range_(STATUS_FD + 1, ~0u, 0);
	why = check_stdio();
	if (say_hello())
		return 1;
	signals = block_signals();
	if (why || load_plan(&context, &why, &where) || open_sync(&context)) {
		last_word(&context, EVENT_FAILED, where, EINVAL, why);
		return 1;
	}
	return start(&context) ? 1 : run(&context, signals);
}
