/* Removes a tree by directory descriptors, two at a time whatever its depth: what a subdirectory holds is moved up into
 * the top one under a new name, and has its turn there. A path too long for the kernel never arises. */
#include "context.h"
#include "kernel.h"
#include "verbs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* What getdents64(2) fills a buffer with. */
struct entry {
	uint64_t inode, offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

/* One walk over a directory. */
struct walk {
	int fd;
	long at, end;
	_Alignas(struct entry) char bytes[8192];
};

/* The next name, `.` and `..` left out; NULL at the end, with errno 0, or on an error. */
static const struct entry *next(struct walk *walk)
{
	for (;;) {
		const struct entry *entry = (const struct entry *)(walk->bytes + walk->at);

		if (walk->at >= walk->end) {
			walk->at = 0;
			errno = 0;
			walk->end = syscall(SYS_getdents64, walk->fd, walk->bytes, sizeof(walk->bytes));
			if (walk->end <= 0)
				return NULL;
			continue;
		}
		walk->at += entry->length;
		if (strcmp(entry->name, ".") && strcmp(entry->name, ".."))
			return entry;
	}
}

/* 0 when it is gone, 1 when it is a directory that is not empty, -1 when it cannot be removed. */
static int unlink_entry(int directory, const struct entry *entry)
{
	if (entry->type != DT_DIR && (!unlinkat(directory, entry->name, 0) || errno == ENOENT))
		return 0;
	if (entry->type != DT_DIR && errno != EISDIR)
		return -1;
	if (!unlinkat(directory, entry->name, AT_REMOVEDIR) || errno == ENOENT)
		return 0;
	return errno == ENOTEMPTY || errno == EEXIST ? 1 : -1;
}

/* Moves an entry to a name that is free in `top`, or taken by something empty. */
static int lift(int directory, const char *name, int top, uint64_t *serial)
{
	int result;

	do {
		char fresh[32];
		struct text text = text_in(fresh, sizeof(fresh));

		add(&text, ".crt-removed-");
		add_number(&text, (*serial)++, 10);
		result = renameat(directory, name, top, fresh);
	} while (result && (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR));
	return result;
}

/* RESOLVE_NO_XDEV: what is mounted in the tree is not ours to empty. */
static int open_directory(int directory, const char *name)
{
	struct open_how_v0 how = { .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
				   .resolve = RESOLVE_NO_XDEV_ };

	return (int)syscall(CRT_SYS_openat2, directory, name, &how, sizeof(how));
}

/* Removes a directory that is not empty. */
static int dissolve(int top, const char *name, uint64_t *serial)
{
	int fd cleanup_fd = open_directory(top, name);
	struct walk walk = { .fd = fd };
	const struct entry *entry;

	if (fd < 0)
		return -1;
	while ((entry = next(&walk))) {
		int left = unlink_entry(fd, entry);

		if (left < 0 || (left && lift(fd, entry->name, top, serial)))
			return -1;
	}
	return errno ? -1 : unlinkat(top, name, AT_REMOVEDIR);
}

/* One pass; *again where anything was found, for a name that comes while a directory is read may be missed. */
static int empty_once(int top, uint64_t *serial, int *again)
{
	int fd cleanup_fd = open_directory(top, ".");
	struct walk walk = { .fd = fd };
	const struct entry *entry;

	*again = 0;
	if (fd < 0)
		return -1;
	while ((entry = next(&walk))) {
		int left = unlink_entry(top, entry);

		*again = 1;
		if (left < 0 || (left && dissolve(top, entry->name, serial)))
			return -1;
	}
	return errno ? -1 : 0;
}

int verb_remove(int count, char **words)
{
	uint64_t serial = 0;
	int top cleanup_fd = -1, again = 1;

	if (count != 1) {
		errno = EINVAL;
		return complain("remove");
	}
	top = open(words[0], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (top < 0)
		return errno == ENOENT ? 0 : complain(words[0]);
	while (again)
		if (empty_once(top, &serial, &again))
			return complain(words[0]);
	return rmdir(words[0]) ? complain(words[0]) : 0;
}
