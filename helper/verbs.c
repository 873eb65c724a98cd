#include "verbs.h"
#include "context.h"
#include "kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BATCH 256

static int complain(const char *what)
{
	fprintf(stderr, "crt-init: %s: %s\n", what, strerror(errno));
	return 1;
}

static int contains(const int *pids, int count, int pid)
{
	for (int i = 0; i < count; i++)
		if (pids[i] == pid)
			return 1;
	return 0;
}

/* Adds the process ids of one cgroup.procs file, BATCH at the most. A file that is gone is empty. */
static int read_pids(const char *file, int *pids, int *count)
{
	FILE *stream = fopen(file, "re");
	int pid;

	if (!stream)
		return errno == ENOENT || errno == ENODEV ? 0 : -1;
	while (*count < BATCH && fscanf(stream, "%d", &pid) == 1)
		if (pid > 0 && !contains(pids, *count, pid))
			pids[(*count)++] = pid;
	fclose(stream);
	return 0;
}

static int read_all_pids(int files, char **names, int *pids)
{
	int count = 0;

	for (int i = 0; i < files; i++)
		if (read_pids(names[i], pids, &count))
			return -1;
	return count;
}

/* A number that was read may belong to a stranger by the time it is opened, so the list is read again with the pidfds
 * held: a process that is still listed is the one that the descriptor means. */
static int kill_batch(int files, char **names)
{
	int pids[BATCH], again[BATCH], count = read_all_pids(files, names, pids), left;
	struct pollfd handles[BATCH];

	for (int i = 0; i < count; i++)
		handles[i] = (struct pollfd){ .fd = pidfd_open_(pids[i]), .events = POLLIN };
	left = read_all_pids(files, names, again);
	for (int i = 0; i < count; i++) {
		if (handles[i].fd < 0)
			continue;
		if (left < 0 || !contains(again, left, pids[i]) || pidfd_signal_(handles[i].fd, SIGKILL))
			handles[i].events = 0;
		else
			while (poll(&handles[i], 1, -1) < 0 && errno == EINTR)
				;
		close(handles[i].fd);
	}
	return count < 0 || left < 0 ? -1 : count;
}

int verb_kill(int count, char **files)
{
	int killed;

	while ((killed = kill_batch(count, files)) > 0)
		;
	return killed < 0 ? complain("kill") : 0;
}

static long long start_time(int pid)
{
	char path[32], text[1024], *end;
	long long start = -1;
	int fd cleanup_fd = -1;
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	text[got < 0 ? 0 : got] = 0;
	end = strrchr(text, ')');
	if (end)
		sscanf(end + 1,
		       " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %lld", &start);
	return start;
}

int verb_signal(int count, char **words)
{
	int pid = count == 3 ? atoi(words[0]) : 0;
	int handle cleanup_fd = pid > 0 ? pidfd_open_(pid) : -1;

	if (count != 3) {
		errno = EINVAL;
		return complain("signal");
	}
	if (handle < 0)
		return complain("signal");
	if (start_time(pid) != atoll(words[1])) {
		errno = ESRCH;
		return complain("signal");
	}
	return pidfd_signal_(handle, atoi(words[2])) ? complain("signal") : 0;
}

/* Empties `directory` (by descriptor). A subdirectory that is not empty is emptied by moving what it holds one level up,
 * under new names: two descriptors suffice at any depth, and a path too long for the kernel never arises. */
static int lift(int directory, const char *name, unsigned long *serial)
{
	int child = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *stream = child < 0 ? NULL : fdopendir(child);
	struct dirent *entry;
	int result = stream ? 0 : -1;

	while (result == 0 && (entry = readdir(stream))) {
		char fresh[32];

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (!unlinkat(child, entry->d_name, 0) || !unlinkat(child, entry->d_name, AT_REMOVEDIR))
			continue;
		snprintf(fresh, sizeof(fresh), ".crt-removed-%lu", (*serial)++);
		result = renameat(child, entry->d_name, directory, fresh);
	}
	if (stream)
		closedir(stream);
	else if (child >= 0)
		close(child);
	return result ? result : unlinkat(directory, name, AT_REMOVEDIR);
}

static int empty_directory(int directory, unsigned long *serial)
{
	int again = 1;

	while (again) {
		int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		DIR *stream = copy < 0 ? NULL : fdopendir(copy);
		struct dirent *entry;

		if (!stream)
			return -1;
		again = 0;
		while ((entry = readdir(stream))) {
			if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
				continue;
			again = 1;
			if (!unlinkat(directory, entry->d_name, 0) || !unlinkat(directory, entry->d_name, AT_REMOVEDIR))
				continue;
			/* Gone meanwhile is as good as removed; a name that exists already has its turn in this scan. */
			if (lift(directory, entry->d_name, serial) && errno != ENOENT && errno != EEXIST &&
			    errno != ENOTEMPTY) {
				closedir(stream);
				return -1;
			}
		}
		closedir(stream);
	}
	return 0;
}

int verb_remove(int count, char **words)
{
	unsigned long serial = 0;
	int directory cleanup_fd = -1;

	if (count != 1) {
		errno = EINVAL;
		return complain("remove");
	}
	directory = open(words[0], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0)
		return errno == ENOENT ? 0 : complain(words[0]);
	if (empty_directory(directory, &serial) || rmdir(words[0]))
		return complain(words[0]);
	return 0;
}
