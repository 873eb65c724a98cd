/* Who the command runs as. No getpw*(3): a static binary has no NSS, and the image's files are hostile. */
#include "context.h"
#include "kernel.h"
#include "resolve.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define DATABASE_MAX (1 << 20)

/* One of /etc/passwd and /etc/group, mapped; `text` is NULL where it is missing. A FIFO, a device or 10 GB is refused. */
struct database {
	const char *text, *end;
};

static int open_database(int root, const char *path, struct database *database)
{
	int fd cleanup_fd = resolve(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	void *map;

	*database = (struct database){ 0 };
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	if (fstat(fd, &status))
		return -1;
	if (!S_ISREG(status.st_mode) || status.st_size > DATABASE_MAX) {
		errno = S_ISREG(status.st_mode) ? EFBIG : EINVAL;
		return -1;
	}
	if (status.st_size == 0)
		return 0;
	map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	*database = (struct database){ map, (const char *)map + status.st_size };
	return 0;
}

/* Copies the next line and cuts it at its colons: the number of fields, 0 at the end. Over-long lines are skipped. */
static int next_entry(struct database *database, char *line, size_t size, char **fields, int most)
{
	while (database->text && database->text < database->end) {
		const char *begin = database->text;
		const char *newline = memchr(begin, '\n', (size_t)(database->end - begin));
		size_t length = (size_t)((newline ? newline : database->end) - begin);
		int count = 0;

		database->text = newline ? newline + 1 : database->end;
		if (length == 0 || length >= size || memchr(begin, 0, length))
			continue;
		memcpy(line, begin, length);
		line[length] = 0;
		for (char *field = line; field && count < most; count++) {
			fields[count] = field;
			field = strchr(field, ':');
			if (field)
				*field++ = 0;
		}
		return count;
	}
	return 0;
}

/* Strict decimal to 2^32-2: 4294967295 means "no change" to setresuid(2), and larger numbers wrap. */
static int parse_id(const char *text, uint32_t *id)
{
	uint64_t value = 0;

	if (!*text || strlen(text) > 10)
		return -1;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return -1;
		value = value * 10 + (uint64_t)(*text - '0');
	}
	if (value > 0xfffffffeu)
		return -1;
	*id = (uint32_t)value;
	return 0;
}

static int find_user(struct context *context, struct database *passwd, const char *user, char *name, size_t size)
{
	char line[1024], *fields[7];
	uint32_t id = 0, entry_uid, entry_gid;
	int numeric = parse_id(user, &id) == 0;

	for (int count; (count = next_entry(passwd, line, sizeof(line), fields, 7));) {
		if (count < 6 || parse_id(fields[2], &entry_uid) || parse_id(fields[3], &entry_gid))
			continue;
		if (numeric ? entry_uid != id : strcmp(fields[0], user))
			continue;
		context->uid = entry_uid;
		context->gid = entry_gid;
		snprintf(name, size, "%s", fields[0]);
		snprintf(context->home, sizeof(context->home), "%s", fields[5]);
		return 0;
	}
	if (!numeric) {
		note(context, "no user of this name in the container's /etc/passwd");
		errno = ESRCH;
		return -1;
	}
	context->uid = id;
	context->gid = 0;
	return 0;
}

static int add_group(struct context *context, gid_t gid)
{
	for (int i = 0; i < context->group_count; i++)
		if (context->groups[i] == gid)
			return 0;
	if (context->group_count == MAX_GROUPS) {
		errno = ENOSPC;
		return -1;
	}
	context->groups[context->group_count++] = gid;
	return 0;
}

/* A whole word of a comma-separated list. */
static int is_member(const char *members, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = members; length && (at = strstr(at, name)); at += length)
		if ((at == members || at[-1] == ',') && (at[length] == 0 || at[length] == ','))
			return 1;
	return 0;
}

/* The group that was asked for, and without one all those that list the user. */
static int find_groups(struct context *context, struct database *group, const char *wanted, const char *name)
{
	char line[4096], *fields[4];
	uint32_t id = 0, entry_gid;
	int numeric = wanted && parse_id(wanted, &id) == 0;

	if (numeric)
		context->gid = id;
	for (int count; (count = next_entry(group, line, sizeof(line), fields, 4));) {
		if (count < 3 || parse_id(fields[2], &entry_gid))
			continue;
		if (wanted && !numeric && !strcmp(fields[0], wanted)) {
			context->gid = entry_gid;
			return 0;
		}
		if (!wanted && count == 4 && is_member(fields[3], name) && add_group(context, entry_gid))
			return -1;
	}
	if (!wanted || numeric)
		return 0;
	note(context, "no group of this name in the container's /etc/group");
	errno = ESRCH;
	return -1;
}

int op_user(struct context *context, const struct step *step)
{
	const char *spec = text_of(&context->plan, step, 0), *colon = strchr(spec, ':'), *item = NULL;
	int root = slot_fd(context, step, 0);
	struct database passwd, group;
	char user[256], name[256] = "";
	uint32_t gid;

	snprintf(user, sizeof(user), "%.*s", (int)(colon ? colon - spec : (ptrdiff_t)strlen(spec)), spec);
	snprintf(context->home, sizeof(context->home), "/");
	if (open_database(root, "/etc/passwd", &passwd) || open_database(root, "/etc/group", &group))
		return -1;
	if (find_user(context, &passwd, user, name, sizeof(name)) ||
	    find_groups(context, &group, colon ? colon + 1 : NULL, name))
		return -1;
	while ((item = list_next(&context->plan, step, 1, item)))
		if (parse_id(item, &gid) || add_group(context, gid)) {
			errno = EINVAL;
			return -1;
		}
	if (context->home[0] != '/')
		snprintf(context->home, sizeof(context->home), "/");
	return 0;
}

/* Groups while the right to set them is there; capabilities are kept over the change of user, for `caps` to cut. */
int op_identity(struct context *context, const struct step *step)
{
	(void)step;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setgroups((size_t)context->group_count, context->groups) ||
	    setresgid(context->gid, context->gid, context->gid) || setresuid(context->uid, context->uid, context->uid))
		return -1;
	return 0;
}
