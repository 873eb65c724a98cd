/* The end of what the monitor has made, and of the monitor: nothing inside outlives it, and if the supervisor is dead
 * what that has made outside does not either. */
#include "answer.h"
#include "control.h"
#include "interpret.h"
#include "monitor.h"
#include "terminal.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

void wait_end(pid_t child)
{
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Kills and reaps one child: its status if it had ended before, else 0. */
static int end_child(pid_t pid, int pidfd)
{
	int status = 0;

	if (pid == 0 || waitpid(pid, &status, WNOHANG) == pid)
		return status;
	pidfd_signal_(pidfd, SIGKILL);
	wait_end(pid);
	return 0;
}

/* The stage first: it may have been about to clone init. */
int end_children(struct context *context)
{
	struct ledger *ledger = context->ledger;
	int stage = end_child(ledger->stage_pid, ledger->stage_pidfd);
	int init = end_child(ledger->init_pid, ledger->init_pidfd);

	restore_mode(context);
	return stage ? stage : init;
}

void last_word(struct context *context, enum event kind, uint32_t step, int64_t value, const char *text)
{
	struct pollfd supervisor = { .fd = STATUS_FD, .events = POLLIN };
	char bytes[4096];

	if (send_event(kind, step, value, 0, text))
		context->abandoned = 1;
	if (context->abandoned)
		return;
	shutdown(STATUS_FD, SHUT_WR);
	while (poll(&supervisor, 1, 1000) > 0 && read(STATUS_FD, bytes, sizeof(bytes)) > 0)
		;
}

/* `crt undo`, with its output to `out`. Does not come back. */
static void exec_undo(struct context *context, int out)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < 3; fd++)
		dup2(fd == 1 && out >= 0 ? out : null, fd);
	close(STATUS_FD);
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(context->undo_argv[0], context->undo_argv, context->undo_env);
	_exit(1);
}

void call_crt(struct context *context)
{
	/* Nobody waits for it: what it does shows in the container, and it is reaped with this process's end. */
	if (context->undo && fork() == 0)
		exec_undo(context, -1);
}

/* Has crt clean up, and decide what is next: milliseconds until it wants to be asked again, or -1. */
static int64_t ask(struct context *context)
{
	int turn cleanup_fd = control_turn(), ends[2];

	(void)turn; /* held until the end of this function */
	char word[32] = "";
	uint64_t wait;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	child = fork();
	if (child == 0)
		exec_undo(context, ends[1]);
	close(ends[1]);
	read_all(ends[0], word, sizeof(word) - 1);
	close(ends[0]);
	if (child > 0)
		wait_end(child);
	return parse_number(word, INT32_MAX, &wait) ? -1 : (int64_t)wait;
}

/* Somebody has changed what is to be next. */
static int wake(struct context *context, const struct request_record *request, int connection)
{
	context->woken = 1;
	return 0;
}

static void sleep_for(struct context *context, int64_t millis)
{
	uint64_t until = now_nanos() + (uint64_t)millis * 1000000, now;
	struct pollfd polls[CONTROL_POLLS];

	context->woken = 0;
	while (!context->woken && (now = now_nanos()) < until) {
		if (poll(polls, control_poll(polls), (int)((until - now) / 1000000) + 1) > 0)
			control_move(context, polls, wake);
	}
}

int leave(struct context *context, int code)
{
	int64_t wait;

	answer_end(context);
	if (!context->undo || !context->abandoned)
		return code;
	if (!context->detached)
		exec_undo(context, -1);
	/* This process is the owner of what is left, until crt has cleaned up; so long it waits, and who waits for it.
	 */
	while ((wait = ask(context)) >= 0)
		sleep_for(context, wait);
	return code;
}
