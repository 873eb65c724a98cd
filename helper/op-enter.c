/* The way into a container that runs: for `crt exec`. */
#include "context.h"
#include "kernel.h"
#include "resolve.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#define PROC_ROOT_INODE 1

static int open_cgroup_namespace(uint64_t pid)
{
	char path[64];
	struct text text = text_in(path, sizeof(path));

	add(&text, "/proc/");
	add_number(&text, pid, 10);
	add(&text, "/ns/cgroup");
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* By pid and start time. The time is compared last: who has the number then has had it since, and what was opened by it
 * before is the container's. */
int op_target(struct context *context, const struct step *step)
{
	int pidfd cleanup_fd = pidfd_open_((int)step->number[0]), cgroup cleanup_fd = -1;

	if (pidfd < 0)
		return -1;
	if (step->slot[1] != NO_SLOT) {
		cgroup = open_cgroup_namespace(step->number[0]);
		if (cgroup < 0)
			return -1;
	}
	if (stat_field((int)step->number[0], 22) != (int64_t)step->number[1])
		return fail_with(ESRCH);
	fill_slot(context, step, 0, steal_fd(&pidfd));
	if (cgroup >= 0)
		fill_slot(context, step, 1, steal_fd(&cgroup));
	return 0;
}

/* So that mount(2) is answered as for PID 1 (answer.c): nobody inside can have mounted another /proc. */
static void know_proc(struct context *context, int root)
{
	int proc cleanup_fd = resolve_real(root, "/proc", O_PATH | O_DIRECTORY);
	struct stat status;
	struct statfs fs;

	if (proc >= 0 && !fstatfs(proc, &fs) && !fstat(proc, &status) && fs.f_type == PROC_SUPER_MAGIC_ &&
	    status.st_ino == PROC_ROOT_INODE)
		context->ledger->proc = status.st_dev;
}

/* All at once: the user namespace among them gives the rights in the others (setns(2)). With them comes the root. */
int op_enter(struct context *context, const struct step *step)
{
	int root cleanup_fd = -1;

	if (setns(slot_fd(context, step, 0), (int)step->number[0]))
		return -1;
	if (step->slot[1] == NO_SLOT)
		return 0;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -1;
	know_proc(context, root);
	fill_slot(context, step, 1, steal_fd(&root));
	return 0;
}
