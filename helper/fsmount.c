#include "fsmount.h"

#include <sys/mount.h>

/* The kernel's own text, for example `tmpfs: Unknown parameter 'sizzle'` (fsopen(2)); errno stays. */
static void note_log(struct context *context, int fs)
{
	int error = errno;
	char text[512];
	ssize_t got = read(fs, text, sizeof(text) - 1);

	if (got > 2) {
		text[got] = 0;
		text[strcspn(text, "\n")] = 0;
		note(context, text + 2); /* after the level: `e ` */
	}
	errno = error;
}

int configure(struct context *context, int fs, const char *key, const char *value)
{
	int command = value ? FSCONFIG_SET_STRING_ : FSCONFIG_SET_FLAG_;

	if (syscall(CRT_SYS_fsconfig, fs, command, key, value, 0) == 0)
		return 0;
	note_log(context, fs);
	return -1;
}

static int configure_option(struct context *context, int fs, const char *option)
{
	const char *equals = strchr(option, '=');
	char key[64];
	struct text text = text_in(key, sizeof(key));

	if (!equals)
		return configure(context, fs, option, NULL);
	/* One that is cut is none of the kernel's, which says so. */
	add_bytes(&text, option, (size_t)(equals - option));
	return configure(context, fs, key, equals + 1);
}

int open_fs(struct context *context, const char *type, const char *source, const struct step *step, int options)
{
	int fs cleanup_fd = (int)syscall(CRT_SYS_fsopen, type, FSOPEN_CLOEXEC_);
	const char *option = NULL;

	if (fs < 0 || (source && configure(context, fs, "source", source)))
		return -1;
	while ((option = list_next(&context->plan, step, options, option)))
		if (configure_option(context, fs, option))
			return -1;
	return steal_fd(&fs);
}

int finish_fs(struct context *context, int fs, uint64_t attributes)
{
	int mount = -1;

	if (syscall(CRT_SYS_fsconfig, fs, FSCONFIG_CMD_CREATE_, NULL, NULL, 0) == 0)
		mount = (int)syscall(CRT_SYS_fsmount, fs, FSMOUNT_CLOEXEC_, attributes);
	if (mount < 0)
		note_log(context, fs);
	return mount;
}

int make_mount(struct context *context, const char *type, const char *source, const struct step *step, int options,
	       uint64_t attributes)
{
	int fs cleanup_fd = open_fs(context, type, source, step, options);

	return fs < 0 ? -1 : finish_fs(context, fs, attributes);
}

int clone_mapped(int source, uint64_t attributes, int userns)
{
	int flags = OPEN_TREE_CLONE_ | O_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE_;
	int tree cleanup_fd = (int)syscall(CRT_SYS_open_tree, source, "", flags);
	struct mount_attr_v0 attr = { .attr_set = attributes, .propagation = MS_PRIVATE };

	if (userns >= 0) {
		attr.attr_set |= MOUNT_ATTR_IDMAP_;
		attr.userns_fd = (uint64_t)userns;
	}

	if (tree < 0 || syscall(CRT_SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE_, &attr, sizeof(attr)))
		return -1;
	return steal_fd(&tree);
}

int clone_tree(int source, uint64_t attributes)
{
	return clone_mapped(source, attributes, -1);
}

const char *staged(const struct context *context, const char *path)
{
	size_t length = context->staging ? strlen(context->staging) : 0;

	return length && !strncmp(path, context->staging, length) && path[length] == '/' ? path + length + 1 : path;
}

int attach(int mount, int target)
{
	return (int)syscall(CRT_SYS_move_mount, mount, "", target, "",
			    MOVE_MOUNT_F_EMPTY_PATH_ | MOVE_MOUNT_T_EMPTY_PATH_);
}
