/* The tar format: ustar, with pax headers for what does not fit (POSIX, pax(1)); GNU's long names are read, too. */
#ifndef CRT_TAR_H
#define CRT_TAR_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tar_entry {
	char path[PATH_MAX], link[PATH_MAX];
	char type; /* '0' file, '1' hard link, '2' symbolic link, '5' directory; above '2' anything else */
	mode_t mode;
	uint64_t uid, gid, size;
	int64_t mtime;
};

/* All: 0, or -1 with errno. Content is written and read in between, `size` bytes. */
int tar_put(const struct tar_entry *entry, char type);
int tar_write(const void *bytes, size_t size);
int tar_pad(void);
int tar_end(void);

/* 1 with the next entry, whose content is to be read; 0 at the end, all of the input read; -1, EBADMSG for no tar. */
int tar_next(struct tar_entry *entry);
/* EBADMSG at an early end. */
int tar_read(void *bytes, size_t size);
int tar_skip_padding(void);

#endif
