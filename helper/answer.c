/* `mount -t proc proc /proc`, typed inside, needs a capability with which root inside could undo its limits. The line
 * is answered instead: with success, and nothing done, where all that it asks for is there already; with EPERM
 * otherwise.
 *
 * The answerer is a child of the monitor, born of the first call and killed with the monitor; what `crt exec` has
 * started may go on when its command has ended, and so does its answerer, until nobody is left who could ask. It reads
 * the caller's memory, and pages of that may be such as never come: behind a file of a hung server, or userfaultfd(2).
 * Then the caller waits, and the monitor does not. If the answerer is killed, or could not be born, the kernel answers
 * ENOSYS.
 */
#include "answer.h"
#include "monitor.h"
#include "resolve.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/vfs.h>

/* struct seccomp_notif and struct seccomp_notif_resp of linux/seccomp.h. */
struct question {
	uint64_t id;
	uint32_t pid, flags;
	struct {
		int32_t number;
		uint32_t arch;
		uint64_t instruction, args[6];
	} call;
};

struct reply {
	uint64_t id;
	int64_t value;
	int32_t error; /* 0, or an errno(3) with a minus */
	uint32_t flags;
};

#define NOTIF_RECV _IOWR('!', 0, struct question)
#define NOTIF_SEND _IOWR('!', 1, struct reply)
#define NOTIF_ID_VALID _IOW('!', 2, uint64_t)

#define PROC_ROOT_INODE 1
#define TYPE_SIZE 16
#define SMALLEST_PAGE 4096
_Static_assert(PATH_MAX <= SMALLEST_PAGE && TYPE_SIZE <= SMALLEST_PAGE, "a string is in two pages at most");

/* Attributes that a mount may ask for, and what the kernel itself takes off the flags and forgets. */
#define RESTRICTIONS ((uint64_t)(MS_NOSUID | MS_NODEV | MS_NOEXEC))
#define MAGIC 0xc0ed0000u
#define MAGIC_MASK 0xffff0000u

/* Reads a string of the caller's, NUL included, once: 0, or -1 where it is longer than `size` or cannot be read. At
 * most two pages of the smallest size: an element of the vector is read as a whole, or not at all. */
static int read_string(pid_t pid, uint64_t address, char *string, size_t size)
{
	size_t rest = SMALLEST_PAGE - address % SMALLEST_PAGE, first = rest < size ? rest : size;
	struct iovec to = { string, size }, from[] = { { (void *)(uintptr_t)address, first },
						       { (void *)(uintptr_t)(address + first), size - first } };
	ssize_t got = process_vm_readv(pid, &to, 1, from, 2, 0);

	return got > 0 && memchr(string, 0, (size_t)got) ? 0 : -1;
}

/* The target as the caller means it, below its own root, or its working directory. */
static int open_target(pid_t pid, const char *target)
{
	int from cleanup_fd = open_of((uint64_t)pid, target[0] == '/' ? "/root" : "/cwd", O_PATH | O_DIRECTORY);

	return from < 0 ? -1 : resolve_known(from, target);
}

uint64_t proc_at(int fd)
{
	struct stat status;
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) || fstat(fd, &status) || fs.f_type != PROC_SUPER_MAGIC_)
		return 0;
	return status.st_ino == PROC_ROOT_INODE ? status.st_dev : 0;
}

/* True for the root of the procfs that init has mounted on /proc, writable, and at least as restricted as is asked for.
 * What init noted is out of everybody's reach since its exec. */
static int is_own_proc(const struct context *context, int fd, uint64_t restrictions)
{
	uint64_t proc = proc_at(fd);
	struct statfs fs;

	return proc && proc == context->ledger->proc && !fstatfs(fd, &fs) && !((uint64_t)fs.f_flags & MS_RDONLY) &&
	       !(restrictions & ~(uint64_t)fs.f_flags);
}

/* True where all that mount(source, target, type, flags, data) asks for is there. The source of a procfs means nothing.
 */
static int is_there(const struct context *context, const struct question *question)
{
	static char target[PATH_MAX];
	const uint64_t *args = question->call.args;
	uint64_t flags = args[3];
	pid_t pid = (pid_t)question->pid;
	char type[TYPE_SIZE], data[1];
	int fd cleanup_fd = -1;

	if (question->call.number != SYS_mount || pid <= 0)
		return 0;
	if ((flags & MAGIC_MASK) == MAGIC)
		flags &= ~(uint64_t)MAGIC_MASK;
	flags &= ~(uint64_t)MS_SILENT;
	if (flags & ~RESTRICTIONS)
		return 0;
	if ((args[4] && read_string(pid, args[4], data, sizeof(data))) ||
	    read_string(pid, args[2], type, sizeof(type)) || strcmp(type, "proc") ||
	    read_string(pid, args[1], target, sizeof(target)))
		return 0;
	fd = open_target(pid, target);
	return is_own_proc(context, fd, flags);
}

/* 0, or -1 when there is no sense in going on. */
static int answer(const struct context *context, int listener)
{
	union {
		struct question question;
		char bytes[512]; /* zeros, and room for what a later kernel adds */
	} given = { .bytes = { 0 } };
	struct reply reply = { .error = -EPERM };

	/* ENOENT: the caller was killed meanwhile. */
	if (ioctl(listener, NOTIF_RECV, &given))
		return errno == ENOENT || errno == EINTR ? 0 : -1;
	reply.id = given.question.id;
	if (is_there(context, &given.question))
		reply.error = 0;
	/* Last: only a caller that waits to this moment was the one whose memory and folders were looked at. Its number
	 * may have become another's otherwise. */
	if (ioctl(listener, NOTIF_ID_VALID, &reply.id))
		return 0;
	return ioctl(listener, NOTIF_SEND, &reply) && errno != ENOENT && errno != EINTR ? -1 : 0;
}

static __attribute__((noreturn)) void serve(const struct context *context, pid_t monitor)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	/* In a session of its own it is no part of the job that its caller waits for. */
	if (context->guest ? setsid() < 0 : prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != monitor)
		_exit(1);
	/* Nothing else of the monitor's: others wait for the end of its socket, its pipes and its terminal. */
	if (dup2(context->listener, 0) < 0 || close_range_(1, ~0u, 0))
		_exit(1);
	for (;;) {
		struct pollfd listener = { .fd = 0, .events = POLLIN };

		if (poll(&listener, 1, -1) < 0)
			continue;
		/* A hang-up: no process is left that could ask. */
		if (!(listener.revents & POLLIN) || answer(context, 0))
			_exit(0);
	}
}

void answer_begin(struct context *context, short events)
{
	struct clone_args_v2 args = {
		.flags = CLONE_PIDFD_,
		.pidfd = (uintptr_t)&context->answerer_pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t monitor = getpid();
	long pid = events & POLLIN ? syscall(CRT_SYS_clone3, &args, sizeof(args)) : -1;

	if (pid == 0)
		serve(context, monitor);
	context->answerer = pid > 0 ? (int)pid : 0;
	close(steal_fd(&context->listener));
}

void answer_end(struct context *context)
{
	struct pollfd listener = { .fd = context->listener, .events = POLLIN };

	if (context->guest) {
		/* A hang-up, and no answerer that would see it: all that could ask has ended with the command. */
		if (listener.fd >= 0 && poll(&listener, 1, 0) >= 0 && !(listener.revents & POLLHUP))
			answer_begin(context, POLLIN);
		return;
	}
	if (!context->answerer)
		return;
	pidfd_signal_(context->answerer_pidfd, SIGKILL);
	wait_end(context->answerer);
	context->answerer = 0;
}
