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
	int again[BATCH]; /* listed in the second reading, too */
};

/* 0 is how the kernel writes a process of a pid namespace that is not ours: it cannot be named, so not killed. */
static int add_pid(struct batch *batch, int pid, int again)
{
	int at = 0;

	if (pid == 0)
		return fail_with(ESRCH);
	while (at < batch->count && batch->pids[at] != pid)
		at++;
	if (at == batch->count && !again && at < BATCH)
		batch->pids[batch->count++] = pid;
	if (at < batch->count)
		batch->again[at] = again;
	return 0;
}

/* Adds what a cgroup.procs file lists, a number a line. A file that is gone is empty. */
static int read_pids(const char *file, struct batch *batch, int again)
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
			if (digits && add_pid(batch, pid, again))
				return -1;
			pid = digits = 0;
		}
	}
	return (fd < 0 || got < 0) && errno != ENOENT && errno != ENODEV ? -1 : 0;
}

/* Read again with the pidfds held: a process that is still listed is the one that its descriptor means. */
static int kill_batch(int files, char **names)
{
	struct batch batch = { 0 };
	struct pollfd handles[BATCH];
	int failed = 0;

	for (int i = 0; i < files; i++)
		if (read_pids(names[i], &batch, 0))
			return -1;
	for (int i = 0; i < batch.count; i++)
		handles[i] = (struct pollfd){ .fd = pidfd_open_(batch.pids[i]), .events = POLLIN };
	for (int i = 0; i < files && !failed; i++)
		failed = read_pids(names[i], &batch, 1) ? errno : 0;
	for (int i = 0; i < batch.count; i++)
		if (failed || !batch.again[i] || pidfd_signal_(handles[i].fd, SIGKILL))
			handles[i].events = 0;
	for (int i = 0; i < batch.count; i++) {
		while (handles[i].events && poll(&handles[i], 1, -1) < 0 && errno == EINTR)
			;
		close_at(&handles[i].fd);
	}
	return failed ? fail_with(failed) : batch.count;
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
	if (handle >= 0 && stat_field((int)pid, 22) != (int64_t)start)
		errno = ESRCH;
	else if (handle >= 0 && !pidfd_signal_(handle, (int)signal))
		return 0;
	return complain("signal");
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
