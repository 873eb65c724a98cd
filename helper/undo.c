/* The end of what the monitor has made, and of the monitor: nothing inside outlives it, and if the supervisor is dead
 * what that has made outside does not either. */
#include "answer.h"
#include "kernel.h"
#include "monitor.h"
#include "relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* Kills and reaps one child: its status if it had ended before, else 0. */
static int end_child(pid_t pid, int pidfd)
{
	int status = 0;

	if (pid == 0 || waitpid(pid, &status, WNOHANG) == pid)
		return status;
	pidfd_signal_(pidfd, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
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

int leave(struct context *context, int code)
{
	sigset_t none;
	int null;

	answer_end(context);
	if (!context->undo || !context->abandoned)
		return code;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	close(STATUS_FD);
	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(context->undo_argv[0], context->undo_argv, context->undo_env);
	return 1;
}
