/* Where the command starts: its directory, its terminal, its program. */
#include "fsmount.h"
#include "reaper.h"
#include "resolve.h"
#include "sync.h"

#include <limits.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

/* getcwd(2) says "(unreachable)" for a directory outside the root (CVE-2024-21626). */
int op_cwd(struct context *context, const struct step *step)
{
	const char *path = text_of(&context->plan, step, 0);
	int root = slot_fd(context, step, 0);
	int fd cleanup_fd =
		step->flags & STEP_MKDIR ? resolve_mkdir(root, path, 0755) : resolve(root, path, O_PATH | O_DIRECTORY);
	char where[PATH_MAX];

	if (fd < 0 || fchdir(fd) || syscall(SYS_getcwd, where, sizeof(where)) < 0)
		return -1;
	if (where[0] != '/')
		return fail_with(EXDEV);
	return 0;
}

/* The slave by ioctl, not by a path below /dev/pts (CVE-2025-52565); bound to /dev/console for
 * ttyname(3), where it is PID 1's own. */
static int open_slave(struct context *context, const struct step *step, int master)
{
	struct winsize size = { .ws_row = (unsigned short)step->number[0], .ws_col = (unsigned short)step->number[1] };
	int unlock = 0, slave cleanup_fd = -1, tree cleanup_fd = -1, target cleanup_fd = -1;

	if (ioctl(master, TIOCSPTLCK, &unlock) || ioctl(master, TIOCSWINSZ, &size))
		return -1;
	slave = ioctl(master, TIOCGPTPEER_, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || fchown(slave, context->uid, (gid_t)-1))
		return -1;
	if (!step->number[2])
		return steal_fd(&slave);
	target = resolve_mkfile(slot_fd(context, step, 0), "/dev/console");
	tree = target < 0 ? -1 : clone_tree(slave, 0);
	return tree < 0 || attach(tree, target) ? -1 : steal_fd(&slave);
}

int op_console(struct context *context, const struct step *step)
{
	int root = slot_fd(context, step, 0);
	int master cleanup_fd = resolve(root, "/dev/pts/ptmx", O_RDWR | O_NOCTTY);
	int slave cleanup_fd = master < 0 ? -1 : open_slave(context, step, master);

	if (slave < 0 || ioctl(slave, TIOCSCTTY, 0))
		return -1;
	for (int fd = 0; fd < 3; fd++)
		if (dup2(slave, fd) < 0)
			return -1;
	return give_turn(context->sync_child, master);
}

/* Where crt was given no stdin, stdout or stderr it stands for the host's /dev/null: by that descriptor root inside
 * could change the mode of the node that the whole host uses. */
int op_stdio(struct context *context, const struct step *step)
{
	for (int fd = 0; fd < 3; fd++) {
		int null cleanup_fd = -1;
		struct stat status;

		if (fstat(fd, &status))
			return -1;
		if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(1, 3))
			continue;
		null = resolve(slot_fd(context, step, 0), "/dev/null", O_RDWR);
		if (null < 0 || dup2(null, fd) < 0)
			return -1;
	}
	return 0;
}

/* HOME from the container's /etc/passwd, unless the environment has one. The array has room for it. */
static void add_home(struct context *context)
{
	static char home[sizeof(context->home) + 8];
	struct text text = text_in(home, sizeof(home));
	char **entry = context->env;

	for (; *entry; entry++)
		if (!strncmp(*entry, "HOME=", 5))
			return;
	add(&text, "HOME=");
	add(&text, context->home);
	entry[0] = home;
	entry[1] = NULL;
}

/* Each candidate in turn, as execvp(3) walks PATH: a missing one is passed over, EACCES is kept in mind. */
static int exec_candidates(struct context *context)
{
	int error = ENOENT, fallback = !context->argv[0] || !*context->argv[0];

	for (char **candidate = context->candidates; *candidate; candidate++) {
		if (fallback)
			context->argv[0] = *candidate;
		execve(*candidate, context->argv, context->env);
		if (errno == EACCES)
			error = EACCES;
		else if (errno != ENOENT && errno != ENOTDIR)
			return -1;
	}
	errno = error;
	return -1;
}

int op_exec(struct context *context, const struct step *step)
{
	add_home(context);
	if (step->number[0] && become_reaper(context))
		return -1;
	return exec_candidates(context);
}
