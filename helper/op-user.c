/* The user namespace: made by a child that does nothing else, so that ids can be mapped on mounts while the stage still
 * has the host's rights; then joined, and init is born in it. */
#include "context.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

/* The user namespace, and those that are made with it and so belong to it: by slot. */
static const struct {
	uint64_t flag;
	const char *file;
} kinds[] = {
	{ CLONE_NEWUSER_, "/ns/user" },
	{ CLONE_NEWNET_, "/ns/net" },
	{ CLONE_NEWUTS_, "/ns/uts" },
	{ CLONE_NEWIPC_, "/ns/ipc" },
};
#define KINDS (int)(sizeof(kinds) / sizeof(kinds[0]))

/* Holds the namespaces until descriptors do. It shares the descriptors, but for the signal it never acts. */
static pid_t start_holder(const struct step *step, int *pidfd)
{
	pid_t stage = getpid();
	struct clone_args_v2 args = {
		.flags = CLONE_FILES_ | CLONE_PIDFD_,
		.pidfd = (uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};
	long pid;

	for (int kind = 0; kind < KINDS; kind++)
		if (step->slot[kind] != NO_SLOT)
			args.flags |= kinds[kind].flag;
	pid = syscall(CRT_SYS_clone3, &args, sizeof(args));
	/* The kernel may have named a descriptor, which went with the failure. */
	if (pid < 0)
		*pidfd = -1;
	if (pid != 0)
		return (pid_t)pid;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != stage)
		_exit(1);
	for (;;)
		poll(NULL, 0, -1);
}

/* One write for the whole map (user_namespaces(7)). The writer may do so: it has the rights in the parent namespace. */
static int write_map(pid_t pid, const char *file, const char *map)
{
	int fd cleanup_fd = open_of((uint64_t)pid, file, O_WRONLY);

	return fd >= 0 && write(fd, map, strlen(map)) == (ssize_t)strlen(map) ? 0 : -1;
}

int op_userns(struct context *context, const struct step *step)
{
	int pidfd cleanup_fd = -1;
	pid_t holder = start_holder(step, &pidfd);

	/* After a failure it goes with the stage, whose end is near. */
	if (holder < 0 || write_map(holder, "/uid_map", text_of(&context->plan, step, 0)) ||
	    write_map(holder, "/gid_map", text_of(&context->plan, step, 1)))
		return -1;
	for (int kind = 0; kind < KINDS; kind++) {
		int fd;

		if (step->slot[kind] == NO_SLOT)
			continue;
		fd = open_of((uint64_t)holder, kinds[kind].file, O_RDONLY);
		if (fd < 0)
			return -1;
		fill_slot(context, step, kind, fd);
	}
	if (pidfd_signal_(pidfd, SIGKILL))
		return -1;
	while (waitpid(holder, NULL, 0) < 0)
		if (errno != EINTR)
			return -1;
	return 0;
}

/* The user namespace first: it gives the rights in the others. There is no way back: it is the stage that joins, never
 * the monitor. */
int op_join_userns(struct context *context, const struct step *step)
{
	for (int kind = 0; kind < KINDS; kind++)
		if (step->slot[kind] != NO_SLOT && setns(slot_fd(context, step, kind), (int)kinds[kind].flag))
			return -1;
	return 0;
}

/* The process has an unmapped id still, and what it made would belong to nobody. The change clears the parent-death
 * signal (prctl(2)). */
int op_ids_root(struct context *context, const struct step *step)
{
	if (syscall(SYS_setgroups, 0, NULL) || syscall(SYS_setresgid, 0, 0, 0) || syscall(SYS_setresuid, 0, 0, 0) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL))
		return -1;
	if (getppid() != context->monitor)
		return fail_with(EOWNERDEAD);
	return 0;
}
