/* Removes a tree by directory descriptors, two at a time whatever its depth: what a subdirectory holds is moved up into
 * the top one under a new name, and has its turn there. A path too long for the kernel never arises. */
#include "context.h"
#include "kernel.h"
#include "verbs.h"
#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

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

/* Removes a directory that is not empty. */
static int dissolve(int top, const char *name, uint64_t *serial)
{
	int fd cleanup_fd = open_directory(top, name);
	struct walk walk = { .fd = fd };
	const struct entry *entry;

	if (fd < 0)
		return -1;
	while ((entry = next_entry(&walk))) {
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
	while ((entry = next_entry(&walk))) {
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
