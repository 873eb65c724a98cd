/* Who the command runs as. No getpw*(3): a static binary has no NSS, and the image's files are hostile. */
#include "context.h"
#include "resolve.h"

#include <limits.h>
#include <sys/prctl.h>

#define DATABASE_MAX (1 << 20)
#define ID_MAX 0xfffffffeu /* 4294967295 means "no change" to setresuid(2) */

/* Of /etc/passwd or /etc/group, what is not yet read; nothing where it is missing. One that is not used takes no
 * memory.
 */
static char database[DATABASE_MAX + 1];
static char *rest;
static size_t left;

/* A FIFO, a device or 10 GB is refused. */
static int open_database(int root, const char *path)
{
	int fd cleanup_fd = resolve(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	ssize_t got;

	rest = database;
	left = 0;
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
	if (fstat(fd, &status))
		return -1;
	if (!S_ISREG(status.st_mode) || status.st_size > DATABASE_MAX)
		return fail_with(S_ISREG(status.st_mode) ? EFBIG : EINVAL);
	/* No more than is said: files of procfs, which a link may lead to, have no size. */
	while ((got = read(fd, database + left, (size_t)status.st_size - left)) > 0)
		left += (size_t)got;
	return got < 0 ? -1 : 0;
}

/* Cuts off the next line, and that at its colons: the number of fields, 0 at the end. One with a NUL in it is skipped.
 */
static int next_line(char **fields, int most)
{
	while (left > 0) {
		char *line = rest, *newline = memchr(rest, '\n', left);
		size_t length = newline ? (size_t)(newline - line) : left, taken = length + !!newline;
		int count = 0;

		rest += taken;
		left -= taken;
		line[length] = 0;
		if (length == 0 || strlen(line) != length)
			continue;
		for (char *field; count < most && (field = strsep(&line, ":")); count++)
			fields[count] = field;
		return count;
	}
	return 0;
}

static int parse_id(const char *text, uint32_t *id)
{
	uint64_t value;

	if (parse_number(text, ID_MAX, &value))
		return -1;
	*id = (uint32_t)value;
	return 0;
}

static int refuse(struct context *context, const char *why)
{
	note(context, why);
	return fail_with(ESRCH);
}

/* Sets ids and home, and answers the user's name in `name` where there is one. */
static int find_user(struct context *context, const char *user, struct text *name)
{
	struct text home = text_in(context->home, sizeof(context->home));
	char *fields[7];
	uint32_t id = 0, entry_uid, entry_gid;
	int numeric = parse_id(user, &id) == 0;

	add(&home, "/");
	for (int count; (count = next_line(fields, 7));) {
		if (count < 6 || strlen(fields[0]) > NAME_MAX || parse_id(fields[2], &entry_uid) ||
		    parse_id(fields[3], &entry_gid))
			continue;
		if (numeric ? entry_uid != id : strcmp(fields[0], user))
			continue;
		context->uid = entry_uid;
		context->gid = entry_gid;
		add(name, fields[0]);
		if (fields[5][0] == '/' && strlen(fields[5]) < sizeof(context->home))
			add(&home, fields[5] + 1);
		return 0;
	}
	if (!numeric)
		return refuse(context, "no user of this name in the container's /etc/passwd");
	context->uid = id;
	context->gid = 0;
	return 0;
}

static int add_group(struct context *context, gid_t gid)
{
	for (int i = 0; i < context->group_count; i++)
		if (context->groups[i] == gid)
			return 0;
	if (context->group_count == MAX_GROUPS)
		return fail_with(ENOSPC);
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
static int find_groups(struct context *context, const char *wanted, const char *name)
{
	char *fields[4];
	uint32_t entry_gid;

	if (wanted && parse_id(wanted, &context->gid) == 0)
		return 0;
	for (int count; (count = next_line(fields, 4));) {
		if (count < 3 || parse_id(fields[2], &entry_gid))
			continue;
		if (wanted && !strcmp(fields[0], wanted)) {
			context->gid = entry_gid;
			return 0;
		}
		if (!wanted && count == 4 && is_member(fields[3], name) && add_group(context, entry_gid))
			return -1;
	}
	return wanted ? refuse(context, "no group of this name in the container's /etc/group") : 0;
}

/* Whoever is root inside may have put anything in the place of a database. Of an id by number it only tells more: what
 * is no database is none, and keeps nobody out. An error of the machine is one. */
static int tolerate(struct context *context, int by_number)
{
	if (errno != EINVAL && errno != EFBIG && errno != ELOOP && errno != EXDEV && errno != EACCES && errno != EPERM)
		return -1;
	if (by_number)
		return 0;
	note(context, "the container's /etc/passwd or /etc/group is no regular file, or larger than 1 MiB");
	return -1;
}

int op_user(struct context *context, const struct step *step)
{
	const char *spec = text_of(&context->plan, step, 0), *colon = strchr(spec, ':'), *item = NULL;
	size_t length = colon ? (size_t)(colon - spec) : strlen(spec);
	int root = slot_fd(context, step, 0);
	char user[256], known[NAME_MAX + 1];
	struct text text = text_in(user, sizeof(user)), name = text_in(known, sizeof(known));
	gid_t gid;
	uint32_t id;
	int by_number;

	if (length >= sizeof(user))
		return refuse(context, "the name of the user is too long");
	add_bytes(&text, spec, length);
	by_number = parse_id(user, &id) == 0;
	if ((open_database(root, "/etc/passwd") && tolerate(context, by_number)) || find_user(context, user, &name))
		return -1;
	by_number &= !colon || parse_id(colon + 1, &id) == 0;
	if ((open_database(root, "/etc/group") && tolerate(context, by_number)) ||
	    find_groups(context, colon ? colon + 1 : NULL, known))
		return -1;
	while ((item = list_next(&context->plan, step, 1, item))) {
		if (parse_id(item, &gid))
			return fail_with(EINVAL);
		if (add_group(context, gid))
			return -1;
	}
	return 0;
}

/* Groups while the right to set them is there; capabilities are kept over the change of user, for `caps` to cut. By the
 * bare system calls: the C library's would tell other threads, of which there are none. */
int op_identity(struct context *context, const struct step *step)
{
	uid_t uid = context->uid;
	gid_t gid = context->gid;

	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || syscall(SYS_setgroups, context->group_count, context->groups) ||
	    syscall(SYS_setresgid, gid, gid, gid) || syscall(SYS_setresuid, uid, uid, uid))
		return -1;
	return 0;
}
