#include "resolve.h"
#include "context.h"

#include <limits.h>

/* What leads up or through a link is refused. */
#define BELOW (RESOLVE_BENEATH_ | RESOLVE_NO_SYMLINKS_)

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

int resolve(int root, const char *path, uint64_t flags)
{
	return open_as(root, path, flags, RESOLVE_IN_ROOT_);
}

int resolve_real(int root, const char *path, uint64_t flags)
{
	return open_as(root, path, flags, RESOLVE_IN_ROOT_ | RESOLVE_NO_SYMLINKS_);
}

int resolve_known(int directory, const char *path)
{
	uint64_t scope = path[0] == '/' ? RESOLVE_IN_ROOT_ : RESOLVE_BENEATH_;

	return open_as(directory, path, O_PATH, scope | RESOLVE_NO_SYMLINKS_ | RESOLVE_CACHED_);
}

static int make_directories(int root, const char *path, mode_t mode, uint64_t how_to)
{
	char prefix[PATH_MAX];
	int parent = open_as(root, ".", O_PATH, how_to);

	for (size_t at = 0; parent >= 0 && path[at];) {
		size_t begin = at + strspn(path + at, "/"), end = begin + strcspn(path + begin, "/");
		int holder cleanup_fd = parent;

		if (end >= sizeof(prefix))
			return fail_with(ENAMETOOLONG);
		memcpy(prefix, path, end);
		prefix[end] = 0;
		parent = open_as(root, prefix, O_PATH, how_to);
		/* By the parent's descriptor: nothing that is renamed meanwhile is followed. */
		if (parent < 0 && errno == ENOENT) {
			if (mkdirat(holder, prefix + begin, mode) && errno != EEXIST)
				return -1;
			parent = open_as(root, prefix, O_PATH, how_to);
		}
		at = end;
	}
	return parent;
}

/* Opens all but the last component. */
static int open_holder(int root, const char *path, const char **name, int make, uint64_t how_to)
{
	char directory[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t length;

	*name = slash ? slash + 1 : path;
	length = (size_t)(*name - path);
	if (strlen(path) >= PATH_MAX)
		return fail_with(ENAMETOOLONG);
	if (!**name || !strcmp(*name, ".") || !strcmp(*name, ".."))
		return fail_with(EINVAL);
	memcpy(directory, path, length);
	/* So that it is never empty. */
	strcpy(directory + length, ".");
	return make ? make_directories(root, directory, 0755, how_to) : open_as(root, directory, O_PATH, how_to);
}

int resolve_parent(int root, const char *path, const char **name)
{
	return open_holder(root, path, name, 0, RESOLVE_IN_ROOT_);
}

int resolve_mkparent(int root, const char *path, const char **name)
{
	return open_holder(root, path, name, 1, RESOLVE_IN_ROOT_);
}

int resolve_below(int base, const char *path, const char **name, int make)
{
	int fd = open_holder(base, path, name, make, BELOW);

	return fd < 0 && errno == EXDEV ? fail_with(EINVAL) : fd;
}

int resolve_mkdir(int root, const char *path, mode_t mode)
{
	return make_directories(root, path, mode, RESOLVE_IN_ROOT_);
}

int resolve_mkfile(int root, const char *path)
{
	const char *name;
	int parent cleanup_fd = -1, made cleanup_fd = -1;
	int fd = resolve(root, path, O_PATH);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	parent = resolve_mkparent(root, path, &name);
	if (parent < 0)
		return -1;
	made = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (made < 0 && errno != EEXIST)
		return -1;
	return resolve(root, path, O_PATH);
}
