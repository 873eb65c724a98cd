/* What an overlay's upper directory changes of the lower one. The upper tree is a container's, which may be at work in
 * it: what is gone or another thing by the time that it is opened is left out. */
#include "context.h"
#include "kernel.h"
#include "verbs.h"
#include "walk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* Directories below one another that are entered, each with two descriptors. */
#define DEEPEST 256

struct comparison {
	uint64_t shift;
	int failed;
	/* The kind, then the path, so that a record is one write(2). */
	char record[DEEPEST * 256 + 3];
};

static void say(struct comparison *with, char kind)
{
	size_t length = strlen(with->record + 1) + 2;

	with->record[0] = kind;
	if (write(1, with->record, length) != (ssize_t)length)
		with->failed = errno ? errno : EIO;
}

/* It hides what the lower directory has. Made by root of the host, or in a user namespace (overlayfs.rst, "userxattr").
 */
static int is_opaque(int directory)
{
	char value = 0;

	return (fgetxattr(directory, "trusted.overlay.opaque", &value, 1) == 1 && value == 'y') ||
	       (fgetxattr(directory, "user.overlay.opaque", &value, 1) == 1 && value == 'y');
}

static char kind_of(const struct comparison *with, const struct stat *upper, const struct stat *lower)
{
	int is_empty = S_ISDIR(upper->st_mode) || (S_ISREG(upper->st_mode) && upper->st_size == 0);

	if (!lower)
		return is_empty ? 'a' : 'A';
	if (!S_ISDIR(upper->st_mode) || upper->st_mode != lower->st_mode ||
	    upper->st_uid != lower->st_uid + with->shift || upper->st_gid != lower->st_gid + with->shift)
		return 'C';
	return memcmp(&upper->st_mtim, &lower->st_mtim, sizeof(upper->st_mtim)) ? 'm' : 'c';
}

static int compare(struct comparison *with, int upper, int lower, int is_hidden, int depth);

static int compare_entry(struct comparison *with, int upper, int lower, const char *name, int is_hidden, int depth)
{
	struct stat above, below;
	int is_below = lower >= 0 && !fstatat(lower, name, &below, AT_SYMLINK_NOFOLLOW);

	if (fstatat(upper, name, &above, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : -1;
	if (S_ISCHR(above.st_mode) && above.st_rdev == 0) {
		if (is_below)
			say(with, 'D');
		return 0;
	}
	say(with, kind_of(with, &above, is_below ? &below : NULL));
	if (!S_ISDIR(above.st_mode))
		return 0;

	int next_upper cleanup_fd = open_directory(upper, name);
	int next_lower cleanup_fd = is_below && S_ISDIR(below.st_mode) ? open_directory(lower, name) : -1;

	if (next_upper < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EXDEV ? 0 : -1;
	if (depth == DEEPEST) {
		say(with, 'T');
		return 0;
	}
	return compare(with, next_upper, next_lower, is_hidden || is_opaque(next_upper), depth + 1);
}

/* Each name of the directory `from`, put to the end of the path. `gone`: only those that the upper one has not, as
 * deleted. */
static int each(struct comparison *with, int from, int upper, int lower, int is_hidden, int depth, int gone)
{
	struct walk walk = { .fd = from };
	char *path = with->record + 1;
	size_t length = strlen(path);
	const struct entry *entry;
	struct stat stat;
	int result = 0;

	while (!result && (entry = next_entry(&walk))) {
		path[length] = '/';
		strcpy(path + length + 1, entry->name);
		if (!gone)
			result = compare_entry(with, upper, lower, entry->name, is_hidden, depth);
		else if (fstatat(upper, entry->name, &stat, AT_SYMLINK_NOFOLLOW) && errno == ENOENT)
			say(with, 'D');
		path[length] = 0;
	}
	/* A directory that was removed while it was read has no more names. */
	return result || (errno && errno != ENOENT) ? -1 : 0;
}

static int compare(struct comparison *with, int upper, int lower, int is_hidden, int depth)
{
	if (each(with, upper, upper, lower, is_hidden, depth, 0))
		return -1;
	return is_hidden && lower >= 0 ? each(with, lower, upper, lower, is_hidden, depth, 1) : 0;
}

int verb_changes(int count, char **words)
{
	static struct comparison with;
	int upper cleanup_fd = -1, lower cleanup_fd = -1;

	errno = EINVAL;
	if (count != 3 || parse_number(words[2], UINT32_MAX, &with.shift))
		return complain("changes");
	upper = open(words[0], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (upper < 0)
		return complain(words[0]);
	lower = open(words[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lower < 0)
		return complain(words[1]);
	if (compare(&with, upper, lower, 0, 1))
		return complain(words[0]);
	errno = with.failed;
	return errno ? complain("changes") : 0;
}
