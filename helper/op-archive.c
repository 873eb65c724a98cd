/* Files out of a root and into one, as frames on stdout or from stdin (frame.h): for `crt cp`. Whoever lives in the
 * root may swap anything for anything meanwhile: entries are opened by the descriptor of their directory, and no link
 * is followed. */
#include "context.h"
#include "frame.h"
#include "interpret.h"
#include "resolve.h"
#include "sync.h"
#include "walk.h"

#include <dirent.h>
#include <stdio.h>
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
static char left_out_path[512]; /* of the first */

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

	if (fd < 0 ? errno != ENOENT : fstat(fd, &status))
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

static int leave_out(void)
{
	if (!left_out++)
		strncpy(left_out_path, entry.path, sizeof(left_out_path) - 1);
	return 0;
}

/* A file that shrinks meanwhile is filled up, since its size is said already. */
static int put_content(int fd)
{
	for (uint64_t left = entry.size; left > 0;) {
		size_t most = left < sizeof(buffer) ? (size_t)left : sizeof(buffer);
		ssize_t got = read(fd, buffer, most);

		if (got == 0)
			memset(buffer, 0, most);
		most = got > 0 ? (size_t)got : most;
		if (got < 0 || write_all(1, buffer, most))
			return -1;
		left -= most;
	}
	return 0;
}

static int put_entry(int fd, int depth);

/* A link is no error to O_PATH. Of a device the opening alone may do something. */
static int put_child(int directory, const struct entry *next, int depth)
{
	int fd cleanup_fd = -1;

	if (next->type == DT_CHR || next->type == DT_BLK)
		return leave_out();
	fd = openat(directory, next->name, READING | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ELOOP)
		fd = openat(directory, next->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENXIO ? leave_out() : -1;
	return put_entry(fd, depth);
}

static int put_tree(int fd, int depth)
{
	struct walk walk = { .fd = fd };
	size_t length = strlen(entry.path);
	const struct entry *next;

	if (depth == DEEPEST)
		return fail_with(ENAMETOOLONG);
	while ((next = next_entry(&walk))) {
		struct text text = text_in(entry.path + length, sizeof(entry.path) - length);

		add(&text, "/");
		add(&text, next->name);
		if (text.at == text.end)
			return fail_with(ENAMETOOLONG);
		if (put_child(fd, next, depth + 1))
			return -1;
	}
	entry.path[length] = 0;
	return errno ? -1 : 0;
}

static int put_entry(int fd, int depth)
{
	struct stat status;

	if (fstat(fd, &status))
		return -1;
	entry.type = S_ISLNK(status.st_mode) ? FRAME_LINK : S_ISDIR(status.st_mode) ? FRAME_DIRECTORY : FRAME_FILE;
	entry.uid = status.st_uid;
	entry.gid = status.st_gid;
	entry.mode = status.st_mode & 07777;
	entry.mtime = status.st_mtime;
	entry.size = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
	memset(entry.link, 0, sizeof(entry.link));
	if (entry.type == FRAME_LINK && readlinkat(fd, "", entry.link, sizeof(entry.link) - 1) < 0)
		return -1;
	if (entry.type == FRAME_FILE && (!S_ISREG(status.st_mode) || is_of_kernel(fd)))
		return leave_out();
	if (put_frame(&entry))
		return -1;
	if (entry.type == FRAME_DIRECTORY)
		return is_of_kernel(fd) ? 0 : put_tree(fd, depth);
	return put_content(fd);
}

int op_archive(struct context *context, const struct step *step)
{
	struct text name = text_in(entry.path, sizeof(entry.path));
	int fd cleanup_fd = open_given(context, step, O_PATH);
	struct stat status;

	add(&name, text_of(&context->plan, step, 1));
	if (fd < 0 || fstat(fd, &status))
		return -1;
	if (!S_ISLNK(status.st_mode)) {
		if (is_of_kernel(fd))
			return fail_with(EXDEV);
		close_at(&fd);
		fd = open_given(context, step, READING);
		if (fd < 0)
			return -1;
	}
	if (put_entry(fd, 0)) {
		note(context, entry.path);
		return -1;
	}
	if (left_out) {
		struct text text = text_in(context->ledger->text, sizeof(context->ledger->text));

		add_number(&text, left_out, 10);
		add(&text, " ");
		add(&text, left_out_path);
	}
	/* The end: FRAME_END, and nothing in it. */
	memset(&entry, 0, sizeof(entry));
	return put_frame(&entry);
}

/* Content, in which runs of zeros become holes; owner, mode and time. */
static int fill(int fd, uint64_t flags)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = entry.mtime } };
	struct statvfs system;

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
	if (entry.size && ftruncate(fd, (off_t)entry.size))
		return -1;
	if ((flags & OWNERS) && fchownat(fd, "", (uid_t)entry.uid, (gid_t)entry.gid, AT_EMPTY_PATH))
		return -1;
	/* After the owner, whose change takes the bits away. Never in a folder of the host, which is mounted so: there
	 * they would count outside. */
	if (fstatvfs(fd, &system) || (system.f_flag & ST_NOSUID))
		flags &= ~(uint64_t)SET_IDS;
	if (entry.type != FRAME_LINK && fchmod(fd, entry.mode & (flags & SET_IDS ? 07777 : 01777)))
		return -1;
	return utimensat(fd, "", times, AT_EMPTY_PATH);
}

/* What has the name already goes only once the link is there: it may be the file itself, or there may be none. */
static int take_hard_link(int base, int holder, const char *name)
{
	char fresh[48];
	struct text text = text_in(fresh, sizeof(fresh));
	const char *from;
	int other cleanup_fd = resolve_below(base, entry.link, &from, 0), error;

	if (other < 0)
		return -1;
	add(&text, ".crt-link-");
	add_number(&text, now_nanos(), 16);
	if (linkat(other, from, holder, fresh, 0))
		return fail_with(errno == EXDEV ? EOPNOTSUPP : errno);
	error = renameat(holder, fresh, holder, name) ? errno : 0;
	/* It is left, too, where both are links to one file (rename(2)). */
	unlinkat(holder, fresh, 0);
	return error ? fail_with(error) : 0;
}

/* A folder that is there already keeps its owner and mode; anything else goes. */
static int take_entry(int base, int holder, const char *name, uint64_t flags)
{
	int fd cleanup_fd = -1;

	if (is_of_kernel(holder))
		return fail_with(EXDEV);
	if (entry.type == FRAME_HARD_LINK)
		return take_hard_link(base, holder, name);
	if (entry.type == FRAME_DIRECTORY) {
		int made = !mkdirat(holder, name, 0700);

		if (made || errno == EEXIST)
			fd = openat(holder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		return fd < 0 ? -1 : made ? fill(fd, flags) : 0;
	}
	if (unlinkat(holder, name, 0) && errno != ENOENT)
		return -1;
	if (entry.type == FRAME_FILE)
		fd = openat(holder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	else if (!symlinkat(entry.link, holder, name))
		fd = openat(holder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -1 : fill(fd, flags);
}

/* The entry `.` stands for the target itself. A file that is there is written, where its name may be a link or a mount.
 */
static int take_next(struct context *context, const struct step *step, int base)
{
	int fd cleanup_fd = -1;
	const char *name;

	if (strcmp(entry.path, ".")) {
		fd = base < 0 ? -1 : resolve_below(base, entry.path, &name, 1);
	} else if (entry.type == FRAME_FILE) {
		fd = open_given(context, step, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_NOCTTY);
		if (fd >= 0 && is_of_kernel(fd))
			return fail_with(EXDEV);
		return fd < 0 ? -1 : fill(fd, step->number[0]);
	} else if (entry.type == FRAME_DIRECTORY && base >= 0) {
		return 0;
	} else {
		fd = resolve_parent(slot_fd(context, step, 0), text_of(&context->plan, step, 0), &name);
	}
	return fd < 0 ? -1 : take_entry(base, fd, name, step->number[0]);
}

int op_extract(struct context *context, const struct step *step)
{
	int base cleanup_fd = -1, got;

	while ((got = next_frame(&entry)) > 0) {
		if (base < 0)
			base = open_given(context, step, O_PATH | O_DIRECTORY);
		if (take_next(context, step, base))
			break;
	}
	if (got)
		note(context, got < 0 && errno == EBADMSG ? "" : entry.path);
	return got ? -1 : 0;
}
