/* The only opener of paths inside the container: openat2(2), RESOLVE_IN_ROOT or RESOLVE_BENEATH, no magic links. */
#ifndef CRT_RESOLVE_H
#define CRT_RESOLVE_H

#include <stdint.h>
#include <sys/types.h>

/* A descriptor or -1 with errno. O_CLOEXEC is added. */
int resolve(int root, const char *path, uint64_t flags);
/* The same, refusing symbolic links anywhere in the path (/proc and /sys must be real directories). */
int resolve_real(int root, const char *path, uint64_t flags);
/* Of a running container: an O_PATH descriptor of what the kernel knows by name already, so that no file system of the
 * container's is waited for. Without symbolic links; a path that is not absolute stays below `directory`. */
int resolve_known(int directory, const char *path);
/* Opens the directory that holds `path`; *name is its last component. EINVAL when there is none, or it is `..`. */
int resolve_parent(int root, const char *path, const char **name);
/* The same, with missing directories made on the way. */
int resolve_mkparent(int root, const char *path, const char **name);
/* The same below `base`, through no link: EINVAL for a path that leads out of it, an absolute one too. With `make`
 * missing directories are made. */
int resolve_below(int base, const char *path, const char **name, int make);
/* Makes every missing directory of `path`, mode as given; an O_PATH descriptor of it. */
int resolve_mkdir(int root, const char *path, mode_t mode);
/* Makes a missing regular file and its parents; an O_PATH descriptor of it. */
int resolve_mkfile(int root, const char *path);

#endif
