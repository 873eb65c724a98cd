/* Which devices a version 2 cgroup may open: version 1 has files for that, version 2 asks a program. */
#include "context.h"

static int bpf(int command, void *attr, size_t size)
{
	return (int)syscall(SYS_bpf, command, attr, size);
}

/* The compiler makes the program, the kernel checks it. Attached beside those of the cgroups above, all of which must
 * agree; the cgroup keeps it when the descriptor is closed. Before init is born, and in the host's user namespace: the
 * kernel asks for capabilities there. */
int op_device_filter(struct context *context, const struct step *step)
{
	struct bpf_load_v0 load = {
		.type = BPF_PROG_TYPE_CGROUP_DEVICE_,
		.count = step->length[0] / 8,
		.instructions = (uintptr_t)text_of(&context->plan, step, 0),
		.license = (uintptr_t) "MIT", /* it calls nothing of the kernel's */
		.name = "crt_devices",
	};
	struct bpf_attach_v0 attach = {
		.target = (uint32_t)slot_fd(context, step, 0),
		.type = BPF_CGROUP_DEVICE_,
		.flags = BPF_F_ALLOW_MULTI_,
	};
	int program cleanup_fd = -1;

	if (step->length[0] % 8)
		return fail_with(EINVAL);
	program = bpf(BPF_PROG_LOAD_, &load, sizeof(load));
	if (program < 0)
		return -1;
	attach.program = (uint32_t)program;
	return bpf(BPF_PROG_ATTACH_, &attach, sizeof(attach));
}
