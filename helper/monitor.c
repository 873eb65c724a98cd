/* The monitor: parent of the container's PID 1 and the only process that talks to the supervisor. It stays in the
 * host's namespaces and outside the container's cgroup, lives exactly as long as the container, polls everything and
 * blocks on nothing. If the supervisor dies it kills the container and has the host-visible effects undone. */
#include "monitor.h"
#include "answer.h"
#include "control.h"
#include "interpret.h"
#include "log.h"
#include "pump.h"
#include "terminal.h"

#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>

/* How long, in milliseconds, whoever sends a signal after the end waits for output that nobody takes. */
#define IMPATIENCE 100
/* How long, in nanoseconds, a container may take to die of its time limit. */
#define OVERDUE 1000000000

/* Turns that the output of a command of `crt exec` gets after its end: more than what pipes and terminals hold take,
 * and an end for what it has left running, which may go on writing. */
#define LAST_TURNS 4096

/* What any crt may ask for: 0, or -1 with errno. */
static int obey(struct context *context, const struct request_record *request, int connection)
{
	int number = (int)(request->value & 0xff);
	struct winsize size = { .ws_row = (unsigned short)(request->value >> 16),
				.ws_col = (unsigned short)request->value };

	switch (request->kind) {
	case REQUEST_SIGNAL:
		if (!context->ending.forced)
			context->ending.forced = (int)(request->value >> 8);
		context->ending.killed |= number == SIGKILL;
		return pidfd_signal_(context->ledger->init_pidfd, number);
	case REQUEST_RESIZE:
		return context->master < 0 ? 0 : ioctl(context->master, TIOCSWINSZ, &size);
	case REQUEST_ATTACH:
		return pumps_attach(connection) || control_give_away(connection) < 0 ? -1 : 0;
	case REQUEST_CLOSE:
		pumps_close_input();
		return 0;
	default: /* the others are for whoever reads them */
		return -1;
	}
}

/* The supervisor leaves: from here on the container lives without it. Its number stays taken, by nothing. */
static void detach(struct context *context)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	send_event(EVENT_DETACHED, 0, 0, 0, NULL);
	context->detached = 1;
	if (null < 0 || dup2(null, STATUS_FD) < 0)
		close(STATUS_FD);
	close_at(&null);
}

/* A request of the supervisor: 0, -1 when it is gone, and the signal that was sent. */
static int serve_request(struct context *context)
{
	struct request_record request = { 0 };

	if (take_request(context, &request))
		return -1;
	if (request.kind == REQUEST_DETACH)
		detach(context);
	else
		obey(context, &request, -1);
	return request.kind == REQUEST_SIGNAL ? (int)(request.value & 0xff) : 0;
}

/* The container has ended, and all that was in it: what is left of its output is on the way. Of a command of `crt exec`
 * somebody may be left who holds the other end: then what is there by now is all. */
static void drain(struct context *context)
{
	struct pollfd polls[1 + PUMPS] = {
		{ .fd = context->detached ? -1 : STATUS_FD, .events = POLLIN | POLLRDHUP },
	};
	int patience = -1, turns = 0;

	close_at(&context->slave);
	while (pumps_pending()) {
		int ready, all = context->guest && pumps_idle();

		if (context->guest && turns++ == LAST_TURNS)
			return;
		pumps_poll(polls + 1);
		ready = poll(polls, 1 + PUMPS, all ? 0 : patience);
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
		pumps_move(polls + 1);
	}
}

static uint64_t micros_of(struct timeval time)
{
	return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

/* The last output first, then the caller's terminal as it was, then the news. */
static int finish(struct context *context)
{
	struct rusage usage = { 0 };
	char buffer[256];
	struct text text = text_in(buffer, sizeof(buffer));
	int status = 0;

	drain(context);
	log_tell_loss();
	restore_mode(context);
	/* It has ended before the supervisor came to leave, which it is about to do. */
	while (context->logged && !context->detached && !context->abandoned)
		serve_request(context);
	while (wait4(context->ledger->init_pid, &status, 0, &usage) < 0 && errno == EINTR)
		;
	add_field(&text, "status=", (uint64_t)status, 10);
	add_field(&text, " user=", micros_of(usage.ru_utime), 10);
	add_field(&text, " system=", micros_of(usage.ru_stime), 10);
	add_field(&text, " forced=", (uint64_t)context->ending.forced, 10);
	add_field(&text, " killed=", (uint64_t)context->ending.killed, 10);
	add_field(&text, " timedout=", (uint64_t)context->ending.timed_out, 10);
	add_field(&text, " start=", context->start, 10);
	add_field(&text, " finished=", (uint64_t)time(NULL), 10);
	control_end(context, buffer);
	last_word(context, EVENT_EXITED, context->plan.count - 1, status, buffer);
	return leave(context, 0);
}

/* Milliseconds that a poll may take. */
static int until_deadline(const struct context *context)
{
	uint64_t now = now_nanos(), left;

	if (!context->deadline)
		return -1;
	left = context->deadline > now ? (context->deadline - now) / 1000000 + 1 : 0;
	return left > 1000000000 ? 1000000000 : (int)left;
}

static void keep_deadline(struct context *context)
{
	if (!context->deadline || now_nanos() < context->deadline)
		return;
	/* A frozen one dies only once it is thawed (cgroup version 1), which crt knows how to do. */
	if (context->ending.timed_out && context->detached)
		call_crt(context);
	context->deadline = context->ending.timed_out ? 0 : now_nanos() + OVERDUE;
	context->ending.timed_out = 1;
	pidfd_signal_(context->ledger->init_pidfd, SIGKILL);
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

enum {
	STATUS_POLL,
	INIT_POLL,
	SIGNAL_POLL,
	LISTENER_POLL,
	PUMP_POLL,
	CONTROL_POLL = PUMP_POLL + PUMPS /* last: as many as there are */
};

static void serve(struct context *context, int signals, struct pollfd *polls)
{
	int typed;

	if (polls[SIGNAL_POLL].revents)
		serve_signal(context, signals);
	if (polls[LISTENER_POLL].revents) {
		answer_begin(context, polls[LISTENER_POLL].revents);
		polls[LISTENER_POLL].fd = -1;
	}
	control_move(context, polls + CONTROL_POLL, obey);
	pumps_move(polls + PUMP_POLL);
	typed = typed_signal(context);
	/* Whether to kill init for a signal that it does not handle is not decided here. */
	if (typed)
		send_event(EVENT_TYPED, 0, typed, 0, NULL);
	keep_deadline(context);
}

static int run(struct context *context, int signals)
{
	struct pollfd polls[CONTROL_POLL + CONTROL_POLLS] = {
		[STATUS_POLL] = { .fd = STATUS_FD, .events = POLLIN },
		[INIT_POLL] = { .fd = context->ledger->init_pidfd, .events = POLLIN },
		[SIGNAL_POLL] = { .fd = signals, .events = POLLIN },
		[LISTENER_POLL] = { .fd = context->listener, .events = POLLIN },
	};

	if (context->master >= 0)
		terminal_begin(context);
	for (;;) {
		nfds_t count = CONTROL_POLL + control_poll(polls + CONTROL_POLL);

		pumps_poll(polls + PUMP_POLL);
		if (poll(polls, count, until_deadline(context)) < 0)
			continue;
		if (polls[STATUS_POLL].revents && serve_request(context) < 0) {
			end_children(context);
			return leave(context, 1);
		}
		if (context->detached)
			polls[STATUS_POLL].fd = -1;
		serve(context, signals, polls);
		if (polls[INIT_POLL].revents)
			return finish(context);
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

int monitor(const char *why)
{
	struct context context = { .self = MONITOR,
				   .master = -1,
				   .slave = -1,
				   .received = -1,
				   .listener = -1,
				   .answerer_pidfd = -1,
				   .sync_monitor = -1,
				   .sync_child = -1 };
	uint32_t where = 0;
	int signals;

	/* Before anything else: a container could look at this process, and what it inherited is not ours to keep.
	 * Stdio is checked before the first open, which would fill a gap in it. */
	prctl(PR_SET_DUMPABLE, 0);
	prctl(PR_SET_NAME, "crt-init"); /* after `seal` it can be the number of a descriptor */
	close_range_(STATUS_FD + 1, ~0u, 0);
	why = why ? why : check_stdio();
	if (say_hello())
		return 1;
	signals = block_signals();
	if (why || load_plan(&context, &why, &where) || open_sync(&context)) {
		last_word(&context, EVENT_FAILED, where, EINVAL, why);
		return 1;
	}
	return start(&context) ? 1 : run(&context, signals);
}
