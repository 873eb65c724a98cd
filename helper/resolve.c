#include "resolve.h"
#include "context.h"
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

static int open_as(int root, const char *path, uint64_t flags, uint64_t how_to)
{
	struct open_how_v0 how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_NO_MAGICLINKS_ | how_to };
	int fd, tries = 0;

	/* EAGAIN: a rename raced with the look-up (openat2(2)); a hostile loop of renames ends in that error. With
	 * RESOLVE_CACHED a mount that is made anywhere on the machine, or that it would have to wait. */
	do
		fd = (int)syscall(CRT_SYS_openat2, root, path, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN && ++tries < 128);
	return fd;
}

static int open_in(int root, const char *path, uint64_t flags, uint64_t how_to)
{
	return open_as(root, path, flags, RESOLVE_IN_ROOT_ | how_to);
}

int resolve(int root, const char *path, uint64_t flags)
{
	return open_in(root, path, flags, 0);
}

int resolve_real(int root, const char *path, uint64_t flags)
{
	return open_in(root, path, flags, RESOLVE_NO_SYMLINKS_);
}

int resolve_known(int directory, const char *path)
{
	uint64_t scope = path[0] == '/' ? RESOLVE_IN_ROOT_ : RESOLVE_BENEATH_;

	return open_as(directory, path, O_PATH, scope | RESOLVE_NO_SYMLINKS_ | RESOLVE_CACHED_);
}

/* Splits off the last component; trailing slashes do not count. */
static int split(const char *path, char *directory, const char **name)
{
	size_t length = strlen(path);
	const char *slash;

	if (length == 0 || length >= PATH_MAX || path[length - 1] == '/') {
		errno = length >= PATH_MAX ? ENAMETOOLONG : EINVAL;
		return -1;
	}
	slash = strrchr(path, '/');
	*name = slash + 1;
	if (!strcmp(*name, ".") || !strcmp(*name, "..")) {
		errno = EINVAL;
		return -1;
	}
	memcpy(directory, path, (size_t)(slash - path) + 1);
	directory[slash - path + 1] = 0;
	return 0;
}

int resolve_parent(int root, const char *path, const char **name)
{
	char directory[PATH_MAX];

	if (split(path, directory, name))
		return -1;
	return resolve(root, directory, O_PATH | O_DIRECTORY);
}

int resolve_mkdir(int root, const char *path, mode_t mode)
{
	char prefix[PATH_MAX];
	size_t length = strlen(path);
	int parent = -1, fd = resolve(root, path, O_PATH);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (length >= sizeof(prefix)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	parent = resolve(root, "/", O_PATH | O_DIRECTORY);
	for (size_t at = 0; parent >= 0 && at < length;) {
		size_t begin = at + strspn(path + at, "/"), end = begin + strcspn(path + begin, "/");
		int holder cleanup_fd = parent;

		if (begin == end)
			return steal_fd(&holder);
		memcpy(prefix, path, end);
		prefix[end] = 0;
		parent = resolve(root, prefix, O_PATH | O_DIRECTORY);
		/* By the parent's descriptor: nothing that is renamed meanwhile is followed. */
		if (parent < 0 && errno == ENOENT) {
			if (mkdirat(holder, prefix + begin, mode) && errno != EEXIST)
				return -1;
			parent = resolve(root, prefix, O_PATH | O_DIRECTORY);
		}
		at = end;
	}
	return parent;
}

int resolve_mkparent(int root, const char *path, const char **name)
{
	char directory[PATH_MAX];

	return split(path, directory, name) ? -1 : resolve_mkdir(root, directory, 0755);
}

int resolve_mkfile(int root, const char *path)
{
	char directory[PATH_MAX];
	const char *name;
	int parent cleanup_fd = -1, made cleanup_fd = -1;
	int fd = resolve(root, path, O_PATH);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (split(path, directory, &name))
		return -1;
	parent = resolve_mkdir(root, directory, 0755);
	if (parent < 0)
		return -1;
	made = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (made < 0 && errno != EEXIST)
		return -1;
	return resolve(root, path, O_PATH);
}
