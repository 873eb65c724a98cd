/* PID 1 of a container with `--init`. It lives as long as the command, passes on every signal that it gets, reaps every
 * orphan of the pid namespace, and ends as the command ended. The namespace goes with it. */
#include "reaper.h"

#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* The command gets a process group of its own, and the terminal where there is one: Ctrl-C reaches it and not us. */
static void lead_group(void)
{
	pid_t self = getpid();

	setpgid(0, 0);
	ioctl(0, TIOCSPGRP, &self); /* ENOTTY without a terminal */
}

/* Ends as the child did. A signal's default action does not end PID 1, so its number goes into the exit code. */
static void reap(pid_t child)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == child)
			_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static __attribute__((noreturn)) void serve(pid_t child)
{
	sigset_t all;

	sigfillset(&all);
	for (;;) {
		int signal = sigwaitinfo(&all, NULL);

		if (signal == SIGCHLD)
			reap(child);
		else if (signal > 0)
			kill(child, signal);
	}
}

int become_reaper(struct context *context)
{
	struct ledger *ledger = context->ledger;
	sigset_t all, none;
	pid_t child;

	sigfillset(&all);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &all, NULL);
	signal(SIGTTOU, SIG_IGN);
	/* Not clone3(2), which the filter that is in force by now does not know. */
	child = (pid_t)syscall(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
	if (child < 0)
		return -1;
	if (child == 0) {
		lead_group();
		signal(SIGTTOU, SIG_DFL);
		sigprocmask(SIG_SETMASK, &none, NULL);
		return 0;
	}
	/* CLONE_VFORK: the child has exec'd by now, or has failed and written why into the ledger. */
	if (ledger->outcomes[ledger->current].error)
		_exit(127);
	ledger->reaping = 1;
	munmap(ledger, OUTCOMES_SIZE(context->plan.count));
	/* What exec closes for others, and stdio: a reader of the command's output waits for its end, not for ours. */
	close_range_(0, ~0u, 0);
	prctl(PR_SET_NAME, "crt-init");
	serve(child);
}
