/* Files out of a root and into one, as frames on stdout or from stdin (frame.h): for `crt cp`. Whoever lives in the
 * root may swap anything for anything meanwhile: entries are opened by the descriptor of their directory, and no link
 * is followed. */
#include "context.h"
#include "frame.h"
#include "interpret.h"
#include "kernel.h"
#include "resolve.h"
#include "sync.h"
#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#define FOLLOW 1 /* a link at the end of the path */
#define REAL 2   /* no link anywhere in the path */
#define OWNERS 4 /* as in the frames, else whoever extracts */
#define SET_IDS 8
/* Directories in each other: a descriptor and a buffer each. */
#define DEEPEST 400
#define CGROUP_MAGIC_ 0x27e0eb
#define CGROUP2_MAGIC_ 0x63677270
#define READING (O_RDONLY | O_NONBLOCK | O_NOCTTY)

/* Of the one copy that a process makes. */
static struct frame entry;
static char buffer[1 << 16];
static uint64_t left_out;
static char left_out_path[512];

static int open_given(struct context *context, const struct step *step, uint64_t flags)
{
	int root = slot_fd(context, step, 0);
	const char *path = text_of(&context->plan, step, 0);

	flags |= step->number[0] & FOLLOW ? 0 : O_NOFOLLOW;
	return step->number[0] & REAL ? resolve_real(root, path, flags) : resolve(root, path, flags);
}

/* What is there, for the supervisor to choose names by. */
int op_look(struct context *context, const struct step *step)
{
	int fd cleanup_fd = open_given(context, step, O_PATH);
	struct stat status;

	if (fd < 0 && errno != ENOENT)
		return -1;
	if (fd >= 0 && fstat(fd, &status))
		return -1;
	note(context, fd < 0                    ? "missing"
		      : S_ISDIR(status.st_mode) ? "directory"
		      : S_ISREG(status.st_mode) ? "file"
		      : S_ISLNK(status.st_mode) ? "link"
						: "special");
	return 0;
}

/* Files there are the kernel's own tables: to write one is to act, and to read one may never end. */
static int is_of_kernel(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) || fs.f_type == PROC_SUPER_MAGIC_ || fs.f_type == SYSFS_MAGIC_ ||
	       fs.f_type == CGROUP_MAGIC_ || fs.f_type == CGROUP2_MAGIC_;
}

static void leave_out(void)
{
	struct text text = { left_out_path, left_out_path + sizeof(left_out_path) - 1 };

	if (!left_out++)
		add(&text, entry.path);
}

static void note_left_out(struct context *context)
{
	struct text text = text_in(context->ledger->text, sizeof(context->ledger->text));

	if (!left_out)
		return;
	add_number(&text, left_out, 10);
	add(&text, " ");
	add(&text, left_out_path);
}

/* A file that shrinks meanwhile is filled up, since its size is said already. */
static int put_content(int fd, uint64_t size)
{
	while (size > 0) {
		size_t most = size < sizeof(buffer) ? (size_t)size : sizeof(buffer);
		ssize_t got = read(fd, buffer, most);

		if (got < 0)
			return -1;
		if (got == 0)
			memset(buffer, 0, most);
		most = got ? (size_t)got : most;
		if (write_all(1, buffer, most))
			return -1;
		size -= most;
	}
	return 0;
}

static int put_entry(int fd, int depth);

static int put_tree(int fd, int depth)
{
	struct walk walk = { .fd = fd };
	size_t length = strlen(entry.path);
	const struct entry *next;

	if (depth == DEEPEST) {
		errno = ENAMETOOLONG;
		return -1;
	}
	while ((next = next_entry(&walk))) {
		struct text text = text_in(entry.path + length, sizeof(entry.path) - length);
		int child cleanup_fd = -1;

		add(&text, "/");
		add(&text, next->name);
		if (text.at == text.end) {
			errno = ENAMETOOLONG;
			return -1;
		}
		/* Of a device the opening alone may do something. */
		if (next->type == DT_CHR || next->type == DT_BLK) {
			leave_out();
			continue;
		}
		child = openat(fd, next->name, READING | O_NOFOLLOW | O_CLOEXEC);
		if (child < 0 && errno == ELOOP)
			child = openat(fd, next->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0 ? put_entry(child, depth + 1) : errno != ENOENT && errno != ENXIO)
			return -1;
		if (child < 0)
			leave_out();
	}
	entry.path[length] = 0;
	return errno ? -1 : 0;
}

static int put_entry(int fd, int depth)
{
	struct stat status;
	ssize_t length;

	if (fstat(fd, &status))
		return -1;
	entry.uid = status.st_uid;
	entry.gid = status.st_gid;
	entry.mode = status.st_mode & 07777;
	entry.mtime = status.st_mtime;
	entry.size = 0;
	entry.link[0] = 0;
	if (S_ISLNK(status.st_mode)) {
		entry.type = FRAME_LINK;
		length = readlinkat(fd, "", entry.link, sizeof(entry.link) - 1);
		entry.link[length < 0 ? 0 : length] = 0;
		return length < 0 ? -1 : put_frame(&entry);
	}
	entry.type = S_ISDIR(status.st_mode) ? FRAME_DIRECTORY : FRAME_FILE;
	if (entry.type == FRAME_DIRECTORY)
		return put_frame(&entry) || (!is_of_kernel(fd) && put_tree(fd, depth)) ? -1 : 0;
	if (!S_ISREG(status.st_mode) || is_of_kernel(fd)) {
		leave_out();
		return 0;
	}
	entry.size = (uint64_t)status.st_size;
	return put_frame(&entry) || put_content(fd, entry.size) ? -1 : 0;
}

int op_archive(struct context *context, const struct step *step)
{
	struct text name = text_in(entry.path, sizeof(entry.path));
	int link cleanup_fd = open_given(context, step, O_PATH);
	struct stat status;
	int fd cleanup_fd = -1;

	add(&name, text_of(&context->plan, step, 1));
	if (link < 0 || fstat(link, &status))
		return -1;
	if (!S_ISLNK(status.st_mode) && is_of_kernel(link)) {
		errno = EXDEV;
		return -1;
	}
	fd = S_ISLNK(status.st_mode) ? steal_fd(&link) : open_given(context, step, READING);
	if (fd < 0)
		return -1;
	if (put_entry(fd, 0)) {
		note(context, entry.path);
		return -1;
	}
	note_left_out(context);
	return put_end(&entry);
}

/* Opens the directory that holds the entry; those on the way that are missing are made, where that is asked for. *name:
 * NULL for the target. */
static int open_holder(int base, char *path, const char **name, int make)
{
	int fd = dup(base);
	char *at = path;

	for (*name = NULL; fd >= 0;) {
		int holder cleanup_fd = fd;
		char *begin = at + strspn(at, "/"), *end = begin + strcspn(begin, "/");
		int last = end[strspn(end, "/")] == 0;

		at = *end ? end + 1 : end;
		if (begin == end)
			return steal_fd(&holder);
		*end = 0;
		if (!strcmp(begin, "..")) {
			errno = EINVAL;
			return -1;
		}
		if (strcmp(begin, ".")) {
			if (last) {
				*name = begin;
				return steal_fd(&holder);
			}
			if (make && mkdirat(holder, begin, 0755) && errno != EEXIST)
				return -1;
			fd = openat(holder, begin, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		} else {
			fd = steal_fd(&holder);
		}
	}
	return -1;
}

static int finish(int fd, uint64_t flags)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = entry.mtime } };
	struct statvfs system;

	if ((flags & OWNERS) && fchown(fd, (uid_t)entry.uid, (gid_t)entry.gid))
		return -1;
	/* After the owner, whose change takes the bits away. Never in a folder of the host, which is mounted so: there
	 * they would count outside. */
	if (fstatvfs(fd, &system) || (system.f_flag & ST_NOSUID))
		flags &= ~(uint64_t)SET_IDS;
	if (fchmod(fd, entry.mode & (flags & SET_IDS ? 07777 : 01777)))
		return -1;
	return futimens(fd, times);
}

/* Runs of zeros become holes. */
static int take_content(int fd, uint64_t flags)
{
	for (uint64_t left = entry.size; left > 0;) {
		size_t most = left < sizeof(buffer) ? (size_t)left : sizeof(buffer);
		int empty;

		if (get_bytes(buffer, most))
			return -1;
		empty = !buffer[0] && !memcmp(buffer, buffer + 1, most - 1);
		if (empty ? lseek(fd, (off_t)most, SEEK_CUR) < 0 : write_all(fd, buffer, most))
			return -1;
		left -= most;
	}
	return ftruncate(fd, (off_t)entry.size) || finish(fd, flags) ? -1 : 0;
}

/* New, or nothing: what is there already keeps its owner and mode. */
static int take_directory(int holder, const char *name, uint64_t flags)
{
	int made = !mkdirat(holder, name, 0700);
	int fd cleanup_fd = -1;

	if (!made && errno != EEXIST)
		return -1;
	fd = openat(holder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	return made ? finish(fd, flags) : 0;
}

/* What has the name already goes only once the link is there: it may be the file itself, or there may be none. */
static int take_hard_link(int base, int holder, const char *name)
{
	char fresh[48];
	struct text text = text_in(fresh, sizeof(fresh));
	struct stat file, there;
	const char *from = NULL;
	int other cleanup_fd = open_holder(base, entry.link, &from, 0), error;

	if (other >= 0 && !from)
		errno = EINVAL;
	if (other < 0 || !from || fstatat(other, from, &file, AT_SYMLINK_NOFOLLOW))
		return -1;
	if (!fstatat(holder, name, &there, AT_SYMLINK_NOFOLLOW) && there.st_dev == file.st_dev &&
	    there.st_ino == file.st_ino)
		return 0;
	add(&text, ".crt-link-");
	add_number(&text, now_nanos(), 16);
	if (linkat(other, from, holder, fresh, 0)) {
		errno = errno == EXDEV ? EOPNOTSUPP : errno;
		return -1;
	}
	if (renameat(holder, fresh, holder, name) == 0)
		return 0;
	error = errno;
	unlinkat(holder, fresh, 0);
	errno = error;
	return -1;
}

static int take_link(int holder, const char *name, uint64_t flags)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = entry.mtime } };

	if (symlinkat(entry.link, holder, name) || utimensat(holder, name, times, AT_SYMLINK_NOFOLLOW))
		return -1;
	return flags & OWNERS ? fchownat(holder, name, (uid_t)entry.uid, (gid_t)entry.gid, AT_SYMLINK_NOFOLLOW) : 0;
}

static int take_entry(int base, int holder, const char *name, uint64_t flags)
{
	int fd cleanup_fd = -1;

	if (is_of_kernel(holder)) {
		errno = EXDEV;
		return -1;
	}
	if (entry.type == FRAME_DIRECTORY)
		return take_directory(holder, name, flags);
	if (entry.type == FRAME_HARD_LINK)
		return take_hard_link(base, holder, name);
	if (unlinkat(holder, name, 0) && errno != ENOENT)
		return -1;
	if (entry.type == FRAME_LINK)
		return take_link(holder, name, flags);
	fd = openat(holder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -1 : take_content(fd, flags);
}

/* The entry `.` stands for the target itself. A file that is there is written, where its name may be a link or a mount.
 */
static int take_target(struct context *context, const struct step *step, int base)
{
	const char *name, *path = text_of(&context->plan, step, 0);
	int fd cleanup_fd = -1;

	if (entry.type == FRAME_DIRECTORY && base >= 0)
		return 0;
	if (entry.type == FRAME_FILE) {
		fd = open_given(context, step, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY);
		if (fd < 0)
			return -1;
		errno = EXDEV;
		return is_of_kernel(fd) ? -1 : take_content(fd, step->number[0]);
	}
	fd = resolve_parent(slot_fd(context, step, 0), path, &name);
	return fd < 0 ? -1 : take_entry(-1, fd, name, step->number[0]);
}

int op_extract(struct context *context, const struct step *step)
{
	int base cleanup_fd = -1, got;

	while ((got = next_frame(&entry)) > 0) {
		char path[sizeof(entry.path)];
		const char *name = NULL;
		int holder cleanup_fd = -1;

		memcpy(path, entry.path, sizeof(path));
		if (base < 0)
			base = open_given(context, step, O_PATH | O_DIRECTORY);
		if (strcmp(path, ".") && strcmp(path, "./")) {
			holder = base < 0 ? -1 : open_holder(base, path, &name, 1);
			if (holder < 0)
				break;
		}
		if (name ? take_entry(base, holder, name, step->number[0]) : take_target(context, step, base))
			break;
	}
	if (got) {
		note(context, got < 0 && errno == EBADMSG ? "" : entry.path);
		return -1;
	}
	return 0;
}
