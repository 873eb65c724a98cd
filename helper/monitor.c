/* The monitor: parent of the container's PID 1 and the only process that talks to the supervisor. It stays in the host's
 * namespaces and outside the container's cgroup, lives exactly as long as the container, polls everything and blocks on
 * nothing. If the supervisor dies it kills the container and has the host-visible effects undone. */
#include "monitor.h"
#include "interpret.h"
#include "kernel.h"
#include "relay.h"
#include "sync.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

/* What a wait during the start ended with. */
enum wake { WAKE_TURN, WAKE_CLOSED, WAKE_DEAD, WAKE_ORPHANED };

static uint32_t micros_of(const struct outcome *outcome)
{
	uint64_t micros = (outcome->nanos + 500) / 1000;

	return micros > UINT32_MAX ? UINT32_MAX : (uint32_t)micros;
}

/* Sends the outcomes that are not sent yet, where the supervisor asked for them. */
static void report_steps(struct context *context)
{
	struct outcome *outcomes = context->ledger->outcomes;

	for (; context->reported < context->plan.count && outcomes[context->reported].done; context->reported++)
		if (context->plan.flags & PLAN_REPORT_STEPS)
			send_event(EVENT_STEP, context->reported, outcomes[context->reported].error,
				   micros_of(&outcomes[context->reported]), NULL);
}

/* The stage has cloned init and is gone: from here the monitor holds init alone, and the child's end of the socket
 * belongs to init, whose exec or death closes it. */
static void leave_stage(struct context *context)
{
	struct ledger *ledger = context->ledger;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), terminal = 0;

	waitpid(ledger->stage_pid, NULL, 0);
	close(ledger->stage_pidfd);
	ledger->stage_pidfd = -1;
	close(context->sync_child);
	context->sync_child = -1;
	for (uint32_t i = 0; i < context->plan.count; i++) {
		const struct step *step = &context->plan.steps[i];

		/* What the stage opened is init's now: a directory kept here would pin the host's file systems. */
		if (step->op == OP_open)
			close(slot_fd(context, step, 0));
		terminal |= step->op == OP_relay;
	}
	/* So is stdio, unless it is the terminal that is relayed: its readers wait for the last holder. */
	for (int fd = 0; fd < 3 && null >= 0 && !terminal; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	send_event(EVENT_CREATED, 0, ledger->init_pid, 0, NULL);
	context->created = 1;
}

/* Reads one request: 0, or -1 when the supervisor is gone, or gives up and undoes its work itself. */
static int take_request(struct context *context, struct request_record *request)
{
	if (read_all(STATUS_FD, request, sizeof(*request)) <= 0)
		return -1;
	if (request->kind != REQUEST_ABORT)
		return 0;
	context->on_orphan = NULL;
	return -1;
}

static enum wake wait_child(struct context *context)
{
	struct ledger *ledger = context->ledger;

	for (;;) {
		struct pollfd polls[] = {
			{ .fd = context->sync_monitor, .events = POLLIN },
			{ .fd = STATUS_FD, .events = POLLIN },
			{ .fd = ledger->stage_pidfd, .events = POLLIN },
			{ .fd = context->created ? ledger->init_pidfd : -1, .events = POLLIN },
		};
		struct request_record ignored;

		if (poll(polls, 4, -1) < 0)
			continue;
		if (polls[0].revents) {
			int got = take_turn(context->sync_monitor, &context->received);

			if (got == 2)
				continue;
			return got == 1 ? WAKE_TURN : WAKE_CLOSED;
		}
		/* The supervisor holds signals back until STARTED; its end of file is its death. */
		if (polls[1].revents && take_request(context, &ignored))
			return WAKE_ORPHANED;
		if (polls[2].revents) {
			if (!ledger->init_pid)
				return WAKE_DEAD;
			leave_stage(context);
		}
		if (polls[3].revents)
			return WAKE_DEAD;
	}
}

int await_turn(struct context *context)
{
	return wait_child(context) == WAKE_TURN ? 0 : -1;
}

int op_on_orphan(struct context *context, const struct step *step)
{
	context->on_orphan = step;
	return 0;
}

int op_yield(struct context *context, const struct step *step)
{
	struct request_record request;

	(void)step;
	report_steps(context);
	if (send_event(EVENT_YIELD, context->ledger->current, 0, 0, context->ledger->text))
		return -1;
	context->ledger->text[0] = 0;
	do
		if (take_request(context, &request)) {
			errno = EOWNERDEAD;
			return -1;
		}
	while (request.kind != REQUEST_CONTINUE);
	return 0;
}

int op_relay(struct context *context, const struct step *step)
{
	if (context->received < 0) {
		errno = EBADF;
		return -1;
	}
	context->master = context->received;
	fill_slot(context, step, 0, context->master);
	return raw_mode(context);
}

/* True when the process, alive or a zombie, has never exec'd: PF_FORKNOEXEC in field 9 of /proc/PID/stat (proc(5)). */
static int never_execed(pid_t pid)
{
	char path[32], text[512], *end;
	unsigned long flags = PF_FORKNOEXEC_;
	int fd cleanup_fd = -1;
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	text[got < 0 ? 0 : got] = 0;
	end = strrchr(text, ')');
	if (end)
		sscanf(end + 1, " %*c %*d %*d %*d %*d %*d %lu", &flags);
	return (flags & PF_FORKNOEXEC_) != 0;
}

/* The same end of file comes with exec and with death, so both are looked at. */
static int has_started(struct context *context)
{
	struct ledger *ledger = context->ledger;
	uint32_t last = context->plan.count - 1;
	struct timespec now;

	if (!context->created || ledger->current != last || ledger->outcomes[last].error)
		return 0;
	if (!ledger->reaping && never_execed(ledger->init_pid))
		return 0;
	clock_gettime(CLOCK_MONOTONIC, &now);
	ledger->outcomes[last].nanos =
		(uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec - ledger->outcomes[last].nanos;
	ledger->outcomes[last].done = 1;
	return 1;
}

/* Kills and reaps whatever a start has made, so that nothing is left when the supervisor hears of it. */
static int kill_all(struct context *context)
{
	struct ledger *ledger = context->ledger;
	int status = 0, last = 0;
	pid_t pid;

	if (ledger->stage_pidfd >= 0)
		pidfd_signal_(ledger->stage_pidfd, SIGKILL);
	/* Once more after the stage's end: it may have been about to clone. */
	if (ledger->stage_pidfd >= 0 && waitpid(ledger->stage_pid, &last, 0) > 0)
		ledger->stage_pidfd = -1;
	if (ledger->init_pid && ledger->init_pidfd >= 0)
		pidfd_signal_(ledger->init_pidfd, SIGKILL);
	while ((pid = waitpid(-1, &status, 0)) > 0 || errno == EINTR)
		if (pid == ledger->init_pid)
			last = status;
	restore_mode(context);
	return last;
}

/* Replaces the monitor by `crt undo NAME`, whose absolute paths the plan carries. */
static int undo_orphan(struct context *context)
{
	char **argv, **env;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (!context->on_orphan)
		return 1;
	argv = list_array(&context->plan, context->on_orphan, 0);
	env = list_array(&context->plan, context->on_orphan, 1);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	close(STATUS_FD);
	setsid();
	if (argv && env)
		execve(argv[0], argv, env);
	return 1;
}

static int is_orphaned(void)
{
	struct pollfd supervisor = { .fd = STATUS_FD, .events = POLLIN };
	char byte;

	return poll(&supervisor, 1, 0) > 0 && recv(STATUS_FD, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static int fail_start(struct context *context)
{
	struct ledger *ledger = context->ledger;
	uint32_t step = ledger->current;
	int error, status = kill_all(context);

	report_steps(context);
	error = ledger->outcomes[step].error;
	if (!error)
		note(context, WIFSIGNALED(status) ? "killed by signal %d" : "ended with status %d",
		     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	if (is_orphaned() || send_event(EVENT_FAILED, step, error, 0, ledger->text))
		return undo_orphan(context);
	return 1;
}

/* The container's end: its last output first, then the caller's terminal as it was, then the news. */
static int finish(struct context *context, struct relay *relay)
{
	struct rusage usage;
	char text[128];
	int status;

	while (context->master >= 0 && relay_pending(relay)) {
		struct pollfd polls[RELAY_POLLS + 1];

		relay_poll(relay, polls);
		polls[0].fd = -1;
		polls[RELAY_POLLS] = (struct pollfd){ .fd = STATUS_FD, .events = POLLRDHUP };
		if (poll(polls, RELAY_POLLS + 1, -1) < 0)
			continue;
		if (polls[RELAY_POLLS].revents & (POLLRDHUP | POLLHUP))
			break;
		relay_move(relay, polls);
	}
	restore_mode(context);
	while (wait4(context->ledger->init_pid, &status, 0, &usage) < 0 && errno == EINTR)
		;
	snprintf(text, sizeof(text), "user=%lld system=%lld", usage.ru_utime.tv_sec * 1000000ll + usage.ru_utime.tv_usec,
		 usage.ru_stime.tv_sec * 1000000ll + usage.ru_stime.tv_usec);
	return send_event(EVENT_EXITED, context->plan.count - 1, status, 0, text) ? undo_orphan(context) : 0;
}

/* A request of the supervisor: 0, or -1 when it is gone. */
static int serve_request(struct context *context)
{
	struct request_record request;

	if (take_request(context, &request))
		return -1;
	if (request.kind == REQUEST_SIGNAL)
		pidfd_signal_(context->ledger->init_pidfd, (int)request.value);
	if (request.kind == REQUEST_RESIZE && context->master >= 0)
		ioctl(context->master, TIOCSWINSZ,
		      &(struct winsize){ .ws_row = (unsigned short)(request.value >> 16),
					 .ws_col = (unsigned short)request.value });
	return 0;
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
	struct pollfd polls[RELAY_POLLS + 3];

	if (context->master >= 0)
		relay_open(&relay, context->master);
	for (;;) {
		nfds_t count = 3;

		polls[0] = (struct pollfd){ .fd = STATUS_FD, .events = POLLIN };
		polls[1] = (struct pollfd){ .fd = context->ledger->init_pidfd, .events = POLLIN };
		polls[2] = (struct pollfd){ .fd = signals, .events = POLLIN };
		if (context->master >= 0) {
			relay_poll(&relay, polls + 3);
			count += RELAY_POLLS;
		}
		if (poll(polls, count, -1) < 0)
			continue;
		if (polls[0].revents && serve_request(context)) {
			kill_all(context);
			return undo_orphan(context);
		}
		if (polls[2].revents)
			serve_signal(context, signals);
		if (context->master >= 0)
			relay_move(&relay, polls + 3);
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
			return "stdin, stdout or stderr is closed or a directory, which would lead out of the container";
	return NULL;
}

int monitor(void)
{
	struct context context = { .self = MONITOR, .master = -1, .received = -1, .sync_monitor = -1, .sync_child = -1 };
	char hash[17];
	const char *why;
	uint32_t where = 0;
	int signals, result;

	/* Before anything else of ours can be looked at from a container that this process will share a kernel with. */
	prctl(PR_SET_DUMPABLE, 0);
	close_range_(STATUS_FD + 1, ~0u, 0);
	signals = block_signals();
	snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)ops_hash());
	if (send_event(EVENT_HELLO, 0, PLAN_VERSION, 0, hash))
		return 1;
	why = check_stdio();
	if (why || load_plan(&context, &why, &where) || open_sync(&context)) {
		send_event(EVENT_FAILED, where, EINVAL, 0, why);
		return 1;
	}
	result = interpret(&context, 0);
	if (context.self != MONITOR)
		_exit(result ? 1 : 0);
	if (result)
		return fail_start(&context);
	switch (wait_child(&context)) {
	case WAKE_CLOSED:
	case WAKE_DEAD:
		if (!has_started(&context))
			return fail_start(&context);
		break;
	case WAKE_TURN:
	case WAKE_ORPHANED:
		return fail_start(&context);
	}
	report_steps(&context);
	send_event(EVENT_STARTED, context.plan.count - 1, 0, 0, NULL);
	return run(&context, signals);
}
