/* The way into a container that runs: for `crt exec`. */
#include "answer.h"
#include "resolve.h"

#include <sched.h>

/* By pid and start time. The time is compared last: who has the number then has had it since, and what was opened by it
 * before is the container's. */
int op_target(struct context *context, const struct step *step)
{
	int pidfd cleanup_fd = pidfd_open_((int)step->number[0]), cgroup cleanup_fd = -1;

	if (pidfd < 0)
		return -1;
	if (step->slot[1] != NO_SLOT) {
		cgroup = open_of(step->number[0], "/ns/cgroup", O_RDONLY);
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

/* All at once: the user namespace among them gives the rights in the others (setns(2)). With them comes the root. */
int op_enter(struct context *context, const struct step *step)
{
	int root cleanup_fd = -1, proc cleanup_fd = -1;

	if (setns(slot_fd(context, step, 0), (int)step->number[0]))
		return -1;
	if (step->slot[1] == NO_SLOT)
		return 0;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return -1;
	/* So that mount(2) is answered as for PID 1 (answer.c): nobody inside can have mounted another /proc. */
	proc = resolve_real(root, "/proc", O_PATH | O_DIRECTORY);
	context->ledger->proc = proc_at(proc);
	fill_slot(context, step, 1, steal_fd(&root));
	return 0;
}
