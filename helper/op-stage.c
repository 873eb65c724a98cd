/* The stage: what is taken from the host, in the set-up mount namespace. Its paths are the supervisor's, none is the
 * image's. */
#include "fsmount.h"
#include "resolve.h"

#include <elf.h>
#include <limits.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

/* Of a path in the text of a probe. */
#define PROBE_PATH_MAX 300

/* Before any mount: nothing that is done here reaches the host. Slave, so that the host's unmounts still reach us. */
int op_propagation(struct context *context, const struct step *step)
{
	struct mount_attr_v0 attr = { .propagation = step->number[0] };

	return (int)syscall(CRT_SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE_, &attr, sizeof(attr));
}

/* Directories of the staging area are made on the way: nothing of them reaches the host. */
static int make_first(const struct step *step, const char *path)
{
	return (step->flags & STEP_MKDIR) && mkdir(path, 0755) && errno != EEXIST ? -1 : 0;
}

/* `owner` as the wire has it: user above, group below. Init's root, in a user namespace, is not the host's. */
static int give(int fd, uint64_t owner)
{
	return owner ? fchown(fd, (uid_t)(owner >> 32), (gid_t)owner) : 0;
}

/* A small tmpfs on the container's state folder: the sources of all binds are gathered in it. The first one becomes the
 * working directory; later ones lie in it. */
int op_staging(struct context *context, const struct step *step)
{
	const char *path = staged(context, text_of(&context->plan, step, 0));
	int mount cleanup_fd = make_mount(context, "tmpfs", "tmpfs", step, 1, MOUNT_ATTR_NOSUID_ | MOUNT_ATTR_NOEXEC_);
	int target cleanup_fd = -1;

	if (mount < 0 || make_first(step, path))
		return -1;
	target = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target < 0 || attach(mount, target))
		return -1;
	if (context->staging)
		return 0;
	context->staging = path;
	return fchdir(mount);
}

int op_open(struct context *context, const struct step *step)
{
	const char *path = staged(context, text_of(&context->plan, step, 0));
	uint64_t owner = step->number[1];
	int fd;

	if (make_first(step, path) || (owner && lchown(path, (uid_t)(owner >> 32), (gid_t)owner)))
		return -1;
	fd = open(path, (int)step->number[0] | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -1;
	fill_slot(context, step, 0, fd);
	return 0;
}

/* Makes the place in the staging area that a source of this kind is attached to. */
static int make_place(const char *target, int directory)
{
	if (directory)
		return mkdir(target, 0755) && errno != EEXIST ? -1 : 0;
	return mknod(target, S_IFREG | 0644, 0) && errno != EEXIST ? -1 : 0;
}

int op_bind_source(struct context *context, const struct step *step)
{
	const char *path = text_of(&context->plan, step, 0);
	const char *target = staged(context, text_of(&context->plan, step, 1));
	int from = slot_fd(context, step, 0);
	int source cleanup_fd = path ? open(path, O_PATH | O_CLOEXEC) : openat(from, ".", O_PATH | O_CLOEXEC);
	int tree cleanup_fd = -1, place cleanup_fd = -1;
	struct stat status;

	if (source < 0 || fstat(source, &status))
		return -1;
	tree = clone_mapped(source, step->number[0], slot_fd(context, step, 1));
	if (tree < 0 || make_place(target, S_ISDIR(status.st_mode)))
		return -1;
	place = open(target, O_PATH | O_CLOEXEC);
	return place < 0 ? -1 : attach(tree, place);
}

/* The layers by descriptor: no path is looked up twice, and the container's mount table names no path of the host. */
int op_overlay(struct context *context, const struct step *step)
{
	static const char *const keys[] = { "lowerdir", "upperdir", "workdir" };
	const char *target = staged(context, text_of(&context->plan, step, 0));
	int fs cleanup_fd = open_fs(context, "overlay", "overlay", step, 1);
	int mount cleanup_fd = -1, place cleanup_fd = -1;

	for (int i = 0; fs >= 0 && i < 3; i++) {
		char layer[32];
		struct text text = text_in(layer, sizeof(layer));

		add_field(&text, "/proc/self/fd/", (uint64_t)slot_fd(context, step, i), 10);
		if (configure(context, fs, keys[i], layer))
			return -1;
	}
	if (fs < 0 || make_place(target, 1))
		return -1;
	mount = finish_fs(context, fs, step->number[0]);
	place = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return mount < 0 || place < 0 ? -1 : attach(mount, place);
}

int op_file(struct context *context, const struct step *step)
{
	const char *target = staged(context, text_of(&context->plan, step, 0));
	const char *content = text_of(&context->plan, step, 1);
	int fd cleanup_fd = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)step->number[0]);

	if (fd < 0 || give(fd, step->number[1]))
		return -1;
	return write(fd, content, step->length[1]) == (ssize_t)step->length[1] ? 0 : -1;
}

/* The folders on the way to a node, /dev/net for example. */
static int make_folders(const char *path, uint64_t owner)
{
	char folder[PATH_MAX];

	for (const char *slash = path; (slash = strchr(slash + 1, '/'));) {
		struct text text = text_in(folder, sizeof(folder));

		add_bytes(&text, path, (size_t)(slash - path));
		if (mkdir(folder, 0755) == 0 ? lchown(folder, (uid_t)(owner >> 32), (gid_t)owner) : errno != EEXIST)
			return -1;
	}
	return 0;
}

/* A device node where only the host's root can make one, for init to bind. The umask is 0: the mode is exact. */
int op_node(struct context *context, const struct step *step)
{
	const char *target = staged(context, text_of(&context->plan, step, 0));
	dev_t device = makedev((unsigned)(step->number[1] >> 32), (unsigned)step->number[1]);
	uint64_t owner = step->number[2];

	if (((step->flags & STEP_MKDIR) && make_folders(target, owner)) ||
	    mknod(target, (mode_t)step->number[0], device))
		return -1;
	return owner ? lchown(target, (uid_t)(owner >> 32), (gid_t)owner) : 0;
}

/* By the host's own procfs, before the host is left: in a user namespace the file would be out of reach. */
int op_oom_score(struct context *context, const struct step *step)
{
	int64_t score = (int64_t)step->number[0];
	int fd cleanup_fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	char number[32];
	struct text text = text_in(number, sizeof(number));

	add_field(&text, score < 0 ? "-" : "", score < 0 ? -(uint64_t)score : (uint64_t)score, 10);
	return fd >= 0 && write(fd, number, strlen(number)) == (ssize_t)strlen(number) ? 0 : -1;
}

/* Adds the first directory on the way to `path` that others may write to (a sticky bit does not count), and says so. */
static int add_writable(struct text *text, int root, const char *path)
{
	for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
		char prefix[PATH_MAX];
		struct text part = text_in(prefix, sizeof(prefix));
		struct stat status;
		int fd cleanup_fd = -1;

		add_bytes(&part, path, slash == path ? 1 : (size_t)(slash - path));
		fd = resolve(root, prefix, O_PATH);
		if (fd >= 0 && !fstat(fd, &status) && (status.st_mode & (S_IWOTH | S_ISVTX)) == S_IWOTH) {
			add_bytes(text, prefix, strnlen(prefix, PROBE_PATH_MAX));
			return 1;
		}
	}
	return 0;
}

/* The path of what is open, as the host has it; its length, 0 where procfs does not tell. */
static size_t path_of(int fd, char *path, size_t size)
{
	char link[32];
	struct text text = text_in(link, sizeof(link));
	ssize_t length;

	add_field(&text, "/proc/self/fd/", (uint64_t)fd, 10);
	length = readlink(link, path, size - 1);
	path[length < 0 ? 0 : length] = 0;
	return strlen(path);
}

/* The same of the place where links have led to. */
static void add_writable_real(struct text *text, int root, int file)
{
	char top[PATH_MAX], path[PATH_MAX];
	size_t length = path_of(root, top, sizeof(top));

	/* The host's own root ends in a slash already. */
	if (length == 1)
		length = 0;
	if (path_of(file, path, sizeof(path)) > length && !memcmp(path, top, length) && path[length] == '/')
		add_writable(text, root, path + length);
}

static void add_command(struct text *text, int root, const char *path, const struct stat *status)
{
	int file cleanup_fd = resolve(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	Elf64_Ehdr head = { 0 }; /* as far as the machine that of Elf32, too */

	if (pread(file, &head, sizeof(head), 0) < 20 || memcmp(head.e_ident, ELFMAG, SELFMAG))
		head.e_machine = EM_NONE;
	add_field(text, " fileuid=", status->st_uid, 10);
	add_field(text, " filemode=", status->st_mode, 8);
	add_field(text, " machine=", head.e_machine, 10);
	add(text, "\n");
	add_bytes(text, path, strnlen(path, PROBE_PATH_MAX));
	add(text, "\n");
	if (!add_writable(text, root, path) && file >= 0)
		add_writable_real(text, root, file);
}

/* Finds out, refuses nothing: the supervisor judges, before anything on the host is touched. The text is `key=value`
 * words; the path and what is writable on the way come last, each after a newline, since they may hold spaces. */
int op_probe(struct context *context, const struct step *step)
{
	struct text text = text_in(context->ledger->text, sizeof(context->ledger->text));
	int root = slot_fd(context, step, 0), error = ENOENT;
	const char *item = NULL;
	struct stat top, status;
	struct statfs fs;

	if (fstat(root, &top) || fstatfs(root, &fs))
		return -1;
	while (error && (item = list_next(&context->plan, step, 0, item))) {
		int file cleanup_fd = resolve(root, item, O_PATH);

		if (file >= 0 && !fstat(file, &status))
			error = S_ISREG(status.st_mode) && (status.st_mode & 0111) ? 0 : EACCES;
		else if (error != EACCES) /* which outlasts a later ENOENT, as in execvp(3) */
			error = errno;
	}
	add_field(&text, "uid=", top.st_uid, 10);
	add_field(&text, " mode=", top.st_mode, 8);
	add_field(&text, " magic=", (uint64_t)fs.f_type, 16);
	add_field(&text, " flags=", (uint64_t)fs.f_flags, 16);
	add_field(&text, " error=", (uint64_t)error, 10);
	if (!error)
		add_command(&text, root, item, &status);
	return 0;
}
