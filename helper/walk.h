/* Walks over directories by descriptors. */
#ifndef CRT_WALK_H
#define CRT_WALK_H

#include <stdint.h>

/* What getdents64(2) fills a buffer with. */
struct entry {
	uint64_t inode, offset;
	uint16_t length;
	uint8_t type;
	char name[];
};

/* One walk over a directory. */
struct walk {
	int fd;
	long at, end;
	_Alignas(struct entry) char bytes[8192];
};

/* The next name, `.` and `..` left out; NULL at the end, with errno 0, or on an error. */
const struct entry *next_entry(struct walk *walk);

#endif
