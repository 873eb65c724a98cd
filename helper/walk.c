#include "walk.h"
#include "context.h"

const struct entry *next_entry(struct walk *walk)
{
	const struct entry *entry;

	do {
		if (walk->at >= walk->end) {
			walk->at = 0;
			errno = 0;
			walk->end = syscall(SYS_getdents64, walk->fd, walk->bytes, sizeof(walk->bytes));
			if (walk->end <= 0)
				return NULL;
		}
		entry = (const struct entry *)(walk->bytes + walk->at);
		walk->at += entry->length;
	} while (!strcmp(entry->name, ".") || !strcmp(entry->name, ".."));
	return entry;
}
