/* The new mount API, in the pieces that ops are made of: each a descriptor or 0, or -1 with errno. */
#ifndef CRT_FSMOUNT_H
#define CRT_FSMOUNT_H

#include "context.h"

#define MOUNT_ATTR_RDONLY_ 0x01u
#define MOUNT_ATTR_NOSUID_ 0x02u
#define MOUNT_ATTR_NODEV_ 0x04u
#define MOUNT_ATTR_NOEXEC_ 0x08u

/* fsopen(2) with its source and the options of list operand `options`: `key=value`, or a bare flag. */
int open_fs(struct context *context, const char *type, const char *source, const struct step *step, int options);
int configure(struct context *context, int fs, const char *key, const char *value);
/* Creates the superblock and a detached mount of it. On failure the kernel's own words are noted. */
int finish_fs(struct context *context, int fs, uint64_t attributes);
int make_mount(struct context *context, const char *type, const char *source, const struct step *step, int options,
	       uint64_t attributes);
/* A private, detached, recursive copy of what is at `source`, with attributes added to all of it. */
int clone_tree(int source, uint64_t attributes);
/* The same, with the ids of files mapped as a user namespace maps them; -1 for `userns`: not mapped. */
int clone_mapped(int source, uint64_t attributes, int userns);
/* A path below the staging area as init can reach it: from the working directory, whatever the rights on the way there
 * from the root are. Any other path as it is. */
const char *staged(const struct context *context, const char *path);
/* Attaches a detached mount on what `target` (O_PATH) is open on. */
int attach(int mount, int target);

#endif
