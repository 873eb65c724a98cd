/* Mounts by init, inside: every target is opened in the root and mounted on by descriptor. */
#include "answer.h"
#include "fsmount.h"
#include "resolve.h"

#include <limits.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

/* Bound onto itself: what came with the copy of a namespace of other rights is locked, and no root to pivot to
 * (pivot_root(2)). */
int op_root(struct context *context, const struct step *step)
{
	int place cleanup_fd =
		open(staged(context, text_of(&context->plan, step, 0)), O_PATH | O_DIRECTORY | O_CLOEXEC);
	int tree = place < 0 ? -1 : clone_tree(place, 0);

	if (tree < 0)
		return -1;
	fill_slot(context, step, 0, tree);
	return attach(tree, place);
}

/* The target of a mount, made first where the step says so. A link in the image at /proc or /sys would move what is
 * masked later (CVE-2019-19921, CVE-2023-27561): of those, and of /dev, it is the directory that was reached without a
 * link (`real`). */
static int open_target(struct context *context, const struct step *step, const char *path, int directory, int real)
{
	int root = slot_fd(context, step, 0), fd cleanup_fd = -1;
	mode_t mode = step->op == OP_mount && step->number[1] ? (mode_t)step->number[1] : 0755;

	if (directory && (step->flags & STEP_MKDIR))
		fd = resolve_mkdir(root, path, mode);
	else if (!directory && (step->flags & STEP_MKFILE))
		fd = resolve_mkfile(root, path);
	else
		fd = resolve(root, path, O_PATH);
	return fd < 0 || !real ? steal_fd(&fd) : resolve_real(root, path, O_PATH | O_DIRECTORY);
}

/* True where the mounts of crt itself may be: /proc, /dev and /sys are named by the config alone. */
static int names(const char *path, const char *place)
{
	size_t length = strlen(place);

	return !strncmp(path, place, length) && (path[length] == '/' || path[length] == 0);
}

/* A link in the image must not lead a mount to where the config names none: into /proc (CVE-2019-16884), /sys or /dev.
 */
static int refuse_own(struct context *context, const struct step *step, int target)
{
	const char *path = text_of(&context->plan, step, step->op == OP_mount ? 2 : 1);
	int root = slot_fd(context, step, 0), dev cleanup_fd = resolve(root, "/dev", O_PATH);
	struct stat top, own, status;
	struct statfs fs;

	if (fstatfs(target, &fs) || fstat(target, &status) || fstat(root, &top))
		return -1;
	if (fs.f_type == PROC_SUPER_MAGIC_)
		note(context, "the target leads into /proc");
	else if (fs.f_type == SYSFS_MAGIC_ && !names(path, "/sys"))
		note(context, "the target leads into /sys");
	else if (dev >= 0 && !fstat(dev, &own) && own.st_dev != top.st_dev && own.st_dev == status.st_dev &&
		 !names(path, "/dev"))
		note(context, "the target leads into /dev");
	else
		return 0;
	return fail_with(EXDEV);
}

int op_mount(struct context *context, const struct step *step)
{
	const char *type = text_of(&context->plan, step, 0), *source = text_of(&context->plan, step, 1);
	const char *path = text_of(&context->plan, step, 2);
	int real = !strcmp(type, "proc") || !strcmp(type, "sysfs") || !strcmp(path, "/dev");
	int mount cleanup_fd = make_mount(context, type, source, step, 3, step->number[0]);
	int target cleanup_fd = mount < 0 ? -1 : open_target(context, step, path, 1, real);

	if (target < 0 || refuse_own(context, step, target))
		return -1;
	/* So that mount(2) is answered (answer.c). */
	if (!strcmp(path, "/proc"))
		context->ledger->proc = proc_at(mount);
	return attach(mount, target);
}

/* From the staging area, as this namespace has it: a copy keeps the locks that a user namespace puts on it. */
static int bind_from(const char *source, int target, uint64_t attributes)
{
	int from cleanup_fd = open(source, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int tree cleanup_fd = from < 0 ? -1 : clone_tree(from, attributes);

	return tree < 0 ? -1 : attach(tree, target);
}

int op_bind(struct context *context, const struct step *step)
{
	const char *source = staged(context, text_of(&context->plan, step, 0));
	const char *path = text_of(&context->plan, step, 1);
	struct stat status;
	int target cleanup_fd = -1;

	if (lstat(source, &status))
		return -1;
	/* In a user namespace /dev is put together outside and bound. */
	target = open_target(context, step, path, S_ISDIR(status.st_mode), !strcmp(path, "/dev"));
	if (target < 0 || refuse_own(context, step, target))
		return -1;
	return bind_from(source, target, step->number[0]);
}

int op_device(struct context *context, const struct step *step)
{
	const char *name, *path = text_of(&context->plan, step, 0);
	int root = slot_fd(context, step, 0);
	int parent cleanup_fd =
		step->flags & STEP_MKDIR ? resolve_mkparent(root, path, &name) : resolve_parent(root, path, &name);
	dev_t device = makedev((unsigned)(step->number[1] >> 32), (unsigned)step->number[1]);
	uid_t uid = (uid_t)(step->number[2] >> 32);
	gid_t gid = (gid_t)step->number[2];

	/* The umask is 0 until the step `umask`: the mode is exact. */
	if (parent < 0 || mknodat(parent, name, (mode_t)step->number[0], device))
		return -1;
	return uid || gid ? fchownat(parent, name, uid, gid, AT_SYMLINK_NOFOLLOW) : 0;
}

int op_symlink(struct context *context, const struct step *step)
{
	const char *name;
	int parent cleanup_fd = resolve_parent(slot_fd(context, step, 0), text_of(&context->plan, step, 1), &name);

	return parent < 0 ? -1 : symlinkat(text_of(&context->plan, step, 0), parent, name);
}

/* A directory is covered by an empty read-only one, anything else by the host's /dev/null, both staged before. */
int op_mask(struct context *context, const struct step *step)
{
	int target cleanup_fd = resolve(slot_fd(context, step, 0), text_of(&context->plan, step, 2), O_PATH);
	struct stat status, null;
	const char *file = staged(context, text_of(&context->plan, step, 0));

	if (target < 0 || fstat(target, &status))
		return -1;
	if (S_ISDIR(status.st_mode))
		return bind_from(staged(context, text_of(&context->plan, step, 1)), target, MOUNT_ATTR_RDONLY_);
	if (stat(file, &null))
		return -1;
	if (!S_ISCHR(null.st_mode) || null.st_rdev != makedev(1, 3))
		return fail_with(ENODEV);
	return bind_from(file, target, 0);
}

int op_readonly(struct context *context, const struct step *step)
{
	int target cleanup_fd = resolve(slot_fd(context, step, 0), text_of(&context->plan, step, 0), O_PATH);
	int tree cleanup_fd = target < 0 ? -1 : clone_tree(target, MOUNT_ATTR_RDONLY_);

	return tree < 0 ? -1 : attach(tree, target);
}

int op_remount(struct context *context, const struct step *step)
{
	struct mount_attr_v0 attr = { .attr_set = step->number[0] };
	int target cleanup_fd = resolve(AT_FDCWD, text_of(&context->plan, step, 0), O_PATH);

	if (target < 0)
		return -1;
	return (int)syscall(CRT_SYS_mount_setattr, target, "", AT_EMPTY_PATH, &attr, sizeof(attr));
}

/* pivot_root(2), "new_root and put_old may be the same directory": the old root ends up stacked below "/" and goes. */
int op_pivot(struct context *context, const struct step *step)
{
	if (fchdir(slot_fd(context, step, 0)) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH))
		return -1;
	return chdir("/");
}

/* A file of the container's own procfs: no mount over parts of /proc is followed (CVE-2019-16884, CVE-2025-52881). */
static int open_proc(struct context *context, const struct step *step, const char *path, int flags)
{
	int fd cleanup_fd = resolve(slot_fd(context, step, 0), path, (uint64_t)flags);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs))
		return -1;
	if (fs.f_type != PROC_SUPER_MAGIC_)
		return fail_with(EXDEV);
	return steal_fd(&fd);
}

static int write_proc(struct context *context, const struct step *step, const char *path, const char *text)
{
	int fd cleanup_fd = open_proc(context, step, path, O_WRONLY);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

int op_sysctl(struct context *context, const struct step *step)
{
	char path[PATH_MAX];
	struct text text = text_in(path, sizeof(path));

	add(&text, "/proc/sys/");
	add(&text, text_of(&context->plan, step, 0));
	return write_proc(context, step, path, text_of(&context->plan, step, 1));
}

/* Which file an LSM takes its label from, and how the label is spelled, the compiler knows (apparmor(7), selinux(8)).
 * The kernel keeps it for the next exec, and refuses one that its policy does not have. */
int op_exec_label(struct context *context, const struct step *step)
{
	return write_proc(context, step, text_of(&context->plan, step, 0), text_of(&context->plan, step, 1));
}
