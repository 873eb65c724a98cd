/* Signals go by pidfd: a number that is read may be a stranger's by the time it is used, a descriptor never is. */
#include "verbs.h"
#include "context.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/xattr.h>

#define BATCH 256

/* What a cgroup.procs file lists, a number a line: BATCH of them at the most. A file that is gone is empty. */
static int read_pids(const char *file, int *pids)
{
	int fd cleanup_fd = open(file, O_RDONLY | O_CLOEXEC), count = 0;
	char bytes[4096];
	ssize_t got = fd < 0 ? -1 : read(fd, bytes, sizeof(bytes) - 1);

	if (got < 0)
		return errno == ENOENT || errno == ENODEV ? 0 : -1;
	bytes[got] = 0;
	for (char *at = bytes, *end; count < BATCH && (end = strchr(at, '\n')); at = end + 1) {
		uint64_t pid;

		*end = 0;
		/* 0 is how the kernel writes a process of a pid namespace that is not ours: it cannot be named, so not
		 * killed. */
		if (parse_number(at, INT_MAX, &pid) || pid == 0)
			return fail_with(ESRCH);
		pids[count++] = (int)pid;
	}
	return count;
}

static int contains(const int *pids, int count, int pid)
{
	while (count > 0 && pids[count - 1] != pid)
		count--;
	return count > 0;
}

/* Read again with the pidfds held: a process that is still listed is the one that its descriptor means. */
static int kill_batch(const char *file)
{
	int first[BATCH], again[BATCH];
	struct pollfd handles[BATCH];
	int count = read_pids(file, first), left;

	for (int i = 0; i < count; i++)
		handles[i] = (struct pollfd){ .fd = pidfd_open_(first[i]), .events = POLLIN };
	left = count > 0 ? read_pids(file, again) : count;
	for (int i = 0; i < count; i++)
		if (!contains(again, left, first[i]) || pidfd_signal_(handles[i].fd, SIGKILL))
			handles[i].events = 0;
	for (int i = 0; i < count; i++) {
		while (handles[i].events && poll(&handles[i], 1, -1) < 0 && errno == EINTR)
			;
		close_at(&handles[i].fd);
	}
	return left < 0 ? -1 : count;
}

int verb_kill(int count, char **files)
{
	for (int i = 0; i < count; i++) {
		int killed = kill_batch(files[i]);

		if (killed < 0)
			return -1;
		/* From the first again: it may have had a child there. */
		if (killed > 0)
			i = -1;
	}
	return 0;
}

int verb_signal(int count, char **words)
{
	uint64_t pid, start, signal;
	int handle cleanup_fd = -1;

	if (count != 3 || parse_number(words[0], INT_MAX, &pid) || pid == 0 ||
	    parse_number(words[1], INT64_MAX, &start) || parse_number(words[2], 64, &signal))
		return fail_with(EINVAL);
	handle = pidfd_open_((int)pid);
	if (handle < 0)
		return -1;
	if (stat_field((int)pid, 22) != (int64_t)start)
		return fail_with(ESRCH);
	return pidfd_signal_(handle, (int)signal);
}

int verb_opaque(void)
{
	for (int fd = 3; fcntl(fd, F_GETFD) >= 0; fd++) {
		char value = 0;

		/* Made by root of the host, or in a user namespace (overlayfs.rst, "userxattr"). */
		if (fgetxattr(fd, "trusted.overlay.opaque", &value, 1) != 1 || value != 'y')
			if (fgetxattr(fd, "user.overlay.opaque", &value, 1) != 1)
				value = 'n';
		if (write(1, &value, 1) != 1)
			return -1;
	}
	return 0;
}
