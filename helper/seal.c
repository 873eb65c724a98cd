/* Runs the monitor, and so every process that it makes, from a view of this file that cannot be written: what a
 * container gets hold of as /proc/PID/exe, once it has made the helper run inside (CVE-2019-5736), is on a read-only
 * mount that lies in no tree, and so cannot be made writable again. */
#include "fsmount.h"
#include "monitor.h"

const char *seal(char **argv)
{
	char *words[] = { argv[0], "run", NULL }, *env[] = { NULL };
	struct mount_attr_v0 read_only = { .attr_set = MOUNT_ATTR_RDONLY_ };
	/* Closed by the exec: if it takes a number of stdio, that is free again for `run` to see. */
	int view = (int)syscall(CRT_SYS_open_tree, AT_FDCWD, "/proc/self/exe", OPEN_TREE_CLONE_ | O_CLOEXEC);

	if (view < 0 || syscall(CRT_SYS_mount_setattr, view, "", AT_EMPTY_PATH, &read_only, sizeof(read_only)))
		return "no read-only view of crt-init can be made to run it from (open_tree, mount_setattr)";
	syscall(SYS_execveat, view, "", words, env, AT_EMPTY_PATH);
	return "crt-init cannot be run from a read-only view of it (execveat)";
}
