/* Births and namespaces. */
#include "sync.h"

#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* Asks to die with the parent, and looks whether that has happened already. */
int op_parent_death(struct context *context, const struct step *step)
{
	struct pollfd monitor = { .fd = context->sync_child, .events = 0 };
	struct pollfd stage = { .fd = context->ledger->stage_pidfd, .events = POLLIN };

	if (prctl(PR_SET_PDEATHSIG, step->number[0]))
		return -1;
	/* getppid(2) says 0 in a new pid namespace, so the socket is asked: its other end closes when the monitor dies,
	 * before the kernel sends that signal. But the stage shares the monitor's descriptors, and may still be on its
	 * way out: so the first answer is a hint, and the second one, after the change of ids, is waited for. */
	while (stage.fd >= 0 && poll(&stage, 1, context->asked ? -1 : 0) < 0 && errno == EINTR)
		;
	context->asked = 1;
	if (poll(&monitor, 1, 0) > 0)
		return fail_with(EOWNERDEAD);
	return 0;
}

/* The stage has a mount namespace of its own, in which the rootfs and all host binds are put together, and shares the
 * descriptor table with the monitor, so that a slot that it fills is filled for all. It ends when init is born. */
int op_stage(struct context *context, const struct step *step)
{
	struct ledger *ledger = context->ledger;
	pid_t monitor = getpid();
	struct clone_args_v2 args = {
		.flags = CLONE_NEWNS_ | CLONE_FILES_ | CLONE_PIDFD_ | CLONE_PARENT_SETTID_,
		.pidfd = (uintptr_t)&ledger->stage_pidfd,
		.parent_tid = (uintptr_t)&ledger->stage_pid,
		.exit_signal = SIGCHLD,
	};
	long pid = syscall(CRT_SYS_clone3, &args, sizeof(args));

	if (pid != 0)
		return pid < 0 ? -1 : 0;
	context->self = STAGE;
	context->monitor = monitor;
	/* Same pid namespace as the monitor's: here getppid(2) tells. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != monitor)
		_exit(1);
	umask(0);
	return 0;
}

/* Init is cloned with CLONE_PARENT: its parent is the monitor, which never leaves the host's namespaces. */
int op_clone(struct context *context, const struct step *step)
{
	struct ledger *ledger = context->ledger;
	int cgroup = slot_fd(context, step, 1);
	struct clone_args_v2 args = {
		.flags = step->number[0] | CLONE_PARENT_ | CLONE_PIDFD_ | CLONE_PARENT_SETTID_ |
			 (cgroup >= 0 ? CLONE_INTO_CGROUP_ : 0),
		.pidfd = (uintptr_t)&ledger->init_pidfd,
		.parent_tid = (uintptr_t)&ledger->init_pid,
		.cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0,
	};
	long pid = syscall(CRT_SYS_clone3, &args, sizeof(args));

	if (pid == 0) {
		context->self = INIT;
		close(context->sync_monitor);
		umask(0);
		return 0;
	}
	if (pid > 0)
		fill_slot(context, step, 0, ledger->init_pidfd);
	return pid < 0 ? -1 : 0;
}

/* Version 1 `tasks`: the number 0 is the writing thread itself. */
int op_cgroup_join(struct context *context, const struct step *step)
{
	return write(slot_fd(context, step, 0), "0", 1) == 1 ? 0 : -1;
}

int op_unshare(struct context *context, const struct step *step)
{
	return unshare((int)step->number[0]);
}

int op_loopback(struct context *context, const struct step *step)
{
	struct ifreq request = { .ifr_name = "lo" };
	int fd cleanup_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &request))
		return -1;
	request.ifr_flags = (short)(request.ifr_flags | IFF_UP);
	return ioctl(fd, SIOCSIFFLAGS, &request);
}

int op_hostname(struct context *context, const struct step *step)
{
	const char *name = text_of(&context->plan, step, 0);

	return sethostname(name, strlen(name));
}

int op_domainname(struct context *context, const struct step *step)
{
	const char *name = text_of(&context->plan, step, 0);

	return setdomainname(name, strlen(name));
}
