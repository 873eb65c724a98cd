/* What old C libraries' headers lack: system call numbers (the same on x86_64 and aarch64 since Linux 5.1) and the
 * structures of clone3(2), openat2(2) and mount_setattr(2). Nothing of the kernel's own headers is needed to build. */
#ifndef CRT_KERNEL_H
#define CRT_KERNEL_H

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CRT_SYS_pidfd_send_signal 424
#define CRT_SYS_open_tree 428
#define CRT_SYS_move_mount 429
#define CRT_SYS_fsopen 430
#define CRT_SYS_fsconfig 431
#define CRT_SYS_fsmount 432
#define CRT_SYS_pidfd_open 434
#define CRT_SYS_clone3 435
#define CRT_SYS_close_range 436
#define CRT_SYS_openat2 437
#define CRT_SYS_mount_setattr 442

_Static_assert(sizeof(long) == 8, "on 32-bit machines several of these calls have other numbers or other arguments");

struct clone_args_v2 {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size,
		cgroup;
};

struct open_how_v0 {
	uint64_t flags, mode, resolve;
};

struct mount_attr_v0 {
	uint64_t attr_set, attr_clr, propagation, userns_fd;
};

#define RESOLVE_NO_MAGICLINKS_ 0x02
#define RESOLVE_NO_SYMLINKS_ 0x04
#define RESOLVE_BENEATH_ 0x08
#define RESOLVE_IN_ROOT_ 0x10
#define RESOLVE_CACHED_ 0x20

#define OPEN_TREE_CLONE_ 1
#define AT_RECURSIVE_ 0x8000
#define MOUNT_ATTR_IDMAP_ 0x00100000ull
#define MOVE_MOUNT_F_EMPTY_PATH_ 0x04
#define MOVE_MOUNT_T_EMPTY_PATH_ 0x40
#define FSOPEN_CLOEXEC_ 1
#define FSMOUNT_CLOEXEC_ 1
#define FSCONFIG_SET_FLAG_ 0
#define FSCONFIG_SET_STRING_ 1
#define FSCONFIG_CMD_CREATE_ 6

#define CLONE_NEWNS_ 0x00020000ull
#define CLONE_NEWUTS_ 0x04000000ull
#define CLONE_NEWIPC_ 0x08000000ull
#define CLONE_NEWUSER_ 0x10000000ull
#define CLONE_NEWNET_ 0x40000000ull
#define CLONE_FILES_ 0x00000400ull
#define CLONE_PIDFD_ 0x00001000ull
#define CLONE_PARENT_ 0x00008000ull
#define CLONE_PARENT_SETTID_ 0x00100000ull
#define CLONE_INTO_CGROUP_ 0x200000000ull

#define CLOSE_RANGE_CLOEXEC_ 4
#define P_PIDFD_ 3
#define TIOCGPTPEER_ 0x5441
#define PF_FORKNOEXEC_ 0x40
#define PROC_SUPER_MAGIC_ 0x9fa0
#define SYSFS_MAGIC_ 0x62656572
#define KEYCTL_JOIN_SESSION_KEYRING_ 1
#define SECCOMP_SET_MODE_FILTER_ 1
#define SECCOMP_FILTER_FLAG_NEW_LISTENER_ 8

#define BPF_PROG_LOAD_ 5
#define BPF_PROG_ATTACH_ 8
#define BPF_PROG_TYPE_CGROUP_DEVICE_ 15
#define BPF_CGROUP_DEVICE_ 6
#define BPF_F_ALLOW_MULTI_ 2
/* The parts of union bpf_attr that are used; the kernel takes what is missing as zero. */
struct bpf_load_v0 {
	uint32_t type, count;
	uint64_t instructions, license;
	uint32_t log_level, log_size;
	uint64_t log;
	uint32_t kernel_version, flags;
	char name[16];
};
struct bpf_attach_v0 {
	uint32_t target, program, type, flags;
};

#define CAPABILITY_VERSION_3 0x20080522
struct cap_header {
	uint32_t version;
	int32_t pid;
};
struct cap_data {
	uint32_t effective, permitted, inheritable;
};

static inline int close_range_(unsigned int first, unsigned int last, unsigned int flags)
{
	return (int)syscall(CRT_SYS_close_range, first, last, flags);
}

static inline int pidfd_open_(int pid)
{
	return (int)syscall(CRT_SYS_pidfd_open, pid, 0);
}

static inline int pidfd_signal_(int pidfd, int signal)
{
	return (int)syscall(CRT_SYS_pidfd_send_signal, pidfd, signal, (void *)0, 0);
}

#endif
