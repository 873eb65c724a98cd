#include "walk.h"
#include "context.h"
#include "kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

const struct entry *next_entry(struct walk *walk)
{
	for (;;) {
		const struct entry *entry = (const struct entry *)(walk->bytes + walk->at);

		if (walk->at >= walk->end) {
			walk->at = 0;
			errno = 0;
			walk->end = syscall(SYS_getdents64, walk->fd, walk->bytes, sizeof(walk->bytes));
			if (walk->end <= 0)
				return NULL;
			continue;
		}
		walk->at += entry->length;
		if (strcmp(entry->name, ".") && strcmp(entry->name, ".."))
			return entry;
	}
}

int open_directory(int directory, const char *name)
{
	struct open_how_v0 how = { .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
				   .resolve = RESOLVE_NO_XDEV_ };

	return (int)syscall(CRT_SYS_openat2, directory, name, &how, sizeof(how));
}
