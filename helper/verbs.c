/* Signals go by pidfd: a number that is read may belong to a stranger by the time it is used, a descriptor never does.
 */
#include "verbs.h"
#include "context.h"
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/xattr.h>

#define BATCH 256

void print_line(int fd, const char *first, const char *second, const char *third)
{
	char line[1024];
	struct text text = text_in(line, sizeof(line) - 1);

	add(&text, first);
	add(&text, second);
	add(&text, third);
	*text.at++ = '\n';
	/* A reader that is gone has not asked for more. */
	if (write(fd, line, (size_t)(text.at - line)) < 0)
		return;
}

int complain(const char *what)
{
	const char *why = strerror(errno);
	char start[512];
	struct text text = text_in(start, sizeof(start));

	add(&text, "crt-init: ");
	add(&text, what);
	print_line(2, start, ": ", why);
	return 1;
}

/* Process ids, each once, BATCH at the most. */
struct batch {
	int count;
	int pids[BATCH];
};

static int contains(const struct batch *batch, int pid)
{
	for (int i = 0; i < batch->count; i++)
		if (batch->pids[i] == pid)
			return 1;
	return 0;
}

/* 0 is how the kernel writes a process of a pid namespace that is not ours: it cannot be named, so not killed. */
static int add_pid(struct batch *batch, int pid)
{
	if (pid == 0)
		return fail_with(ESRCH);
	if (batch->count < BATCH && !contains(batch, pid))
		batch->pids[batch->count++] = pid;
	return 0;
}

/* Adds what one cgroup.procs file lists, a number a line. A file that is gone is empty. */
static int read_pids(const char *file, struct batch *batch)
{
	int fd cleanup_fd = open(file, O_RDONLY | O_CLOEXEC);
	int pid = 0, digits = 0;
	char bytes[4096];
	ssize_t got = 0;

	while (fd >= 0 && (got = read(fd, bytes, sizeof(bytes))) > 0) {
		for (ssize_t i = 0; i < got; i++) {
			if (bytes[i] >= '0' && bytes[i] <= '9' && digits++ < 9) {
				pid = pid * 10 + (bytes[i] - '0');
				continue;
			}
			if (digits && add_pid(batch, pid))
				return -1;
			pid = digits = 0;
		}
	}
	return (fd < 0 || got < 0) && errno != ENOENT && errno != ENODEV ? -1 : 0;
}

static int read_all_pids(int files, char **names, struct batch *batch)
{
	batch->count = 0;
	for (int i = 0; i < files; i++)
		if (read_pids(names[i], batch))
			return -1;
	return batch->count;
}

/* The list is read again with the pidfds held: a process that is still listed is the one that its descriptor means. */
static int kill_batch(int files, char **names)
{
	struct batch first, again;
	struct pollfd handles[BATCH];
	int count = read_all_pids(files, names, &first), left = -1;

	for (int i = 0; i < count; i++)
		handles[i] = (struct pollfd){ .fd = pidfd_open_(first.pids[i]), .events = POLLIN };
	if (count > 0)
		left = read_all_pids(files, names, &again);
	for (int i = 0; i < count; i++)
		if (left < 0 || !contains(&again, first.pids[i]) || pidfd_signal_(handles[i].fd, SIGKILL))
			handles[i].events = 0;
	for (int i = 0; i < count; i++) {
		while (handles[i].events && poll(&handles[i], 1, -1) < 0 && errno == EINTR)
			;
		if (handles[i].fd >= 0)
			close(handles[i].fd);
	}
	return count > 0 && left < 0 ? -1 : count;
}

int verb_kill(int count, char **files)
{
	int killed;

	while ((killed = kill_batch(count, files)) > 0)
		;
	return killed < 0 ? complain("kill") : 0;
}

int verb_signal(int count, char **words)
{
	uint64_t pid, start, signal;
	int handle cleanup_fd = -1;

	errno = EINVAL;
	if (count != 3 || parse_number(words[0], INT_MAX, &pid) || pid == 0 ||
	    parse_number(words[1], INT64_MAX, &start) || parse_number(words[2], 64, &signal))
		return complain("signal");
	handle = pidfd_open_((int)pid);
	if (handle < 0)
		return complain("signal");
	if (stat_field((int)pid, 22) != (int64_t)start) {
		errno = ESRCH;
		return complain("signal");
	}
	return pidfd_signal_(handle, (int)signal) ? complain("signal") : 0;
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
			return complain("opaque");
	}
	return 0;
}
