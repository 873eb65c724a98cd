#include "tar.h"
#include "sync.h"
#include "text.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define BLOCK 512
#define OCTAL(digits) ((1ull << (3 * (digits))) - 1)

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100], magic[8], user[32],
		group[32], major[8], minor[8], prefix[155], rest[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a header is one block");

static uint64_t count; /* of the bytes of the current content */

int tar_write(const void *bytes, size_t size)
{
	count += size;
	for (const char *at = bytes; size > 0;) {
		ssize_t wrote = write(1, at, size);

		if (wrote < 0)
			return -1;
		at += wrote;
		size -= (size_t)wrote;
	}
	return 0;
}

int tar_pad(void)
{
	static const char zeros[BLOCK];

	return tar_write(zeros, (size_t)(-count % BLOCK));
}

int tar_end(void)
{
	static const char zeros[2 * BLOCK];

	return tar_write(zeros, sizeof(zeros));
}

static void put_octal(char *field, int digits, uint64_t value)
{
	for (int at = digits - 1; at >= 0; at--, value >>= 3)
		field[at] = (char)('0' + (value & 7));
}

static uint64_t sum_of(const struct header *header)
{
	const unsigned char *bytes = (const unsigned char *)header;
	uint64_t sum = 8 * ' ';

	for (size_t at = 0; at < BLOCK; at++)
		sum += at >= offsetof(struct header, sum) && at < offsetof(struct header, type) ? 0 : bytes[at];
	return sum;
}

static int put_header(struct header *header, char type, uint64_t size)
{
	memcpy(header->magic, "ustar\00000", 8);
	header->type = type;
	put_octal(header->size, 11, size);
	put_octal(header->sum, 6, sum_of(header));
	header->sum[6] = 0;
	header->sum[7] = ' ';
	count = 0;
	return tar_write(header, BLOCK);
}

/* A record of a pax header begins with its own length. */
static void add_record(struct text *text, const char *key, const char *value)
{
	size_t rest = strlen(key) + strlen(value) + 3, length = rest + 1;

	for (size_t power = 10; power <= length; power *= 10)
		length++;
	add_number(text, length, 10);
	add(text, " ");
	add(text, key);
	add(text, "=");
	add(text, value);
	add(text, "\n");
}

static void add_number_record(struct text *text, const char *key, uint64_t value, uint64_t most)
{
	char digits[24];
	struct text number = text_in(digits, sizeof(digits));

	if (value <= most)
		return;
	add_number(&number, value, 10);
	add_record(text, key, digits);
}

static int put_pax(const struct tar_entry *entry, const char *path)
{
	static char records[2 * PATH_MAX + 512];
	struct text text = text_in(records, sizeof(records));
	struct header header = { .name = "PaxHeader", .mode = "0000644" };

	if (strlen(path) > sizeof(header.name))
		add_record(&text, "path", path);
	if (strlen(entry->link) > sizeof(header.link))
		add_record(&text, "linkpath", entry->link);
	add_number_record(&text, "size", entry->size, OCTAL(11));
	add_number_record(&text, "uid", entry->uid, OCTAL(7));
	add_number_record(&text, "gid", entry->gid, OCTAL(7));
	if (text.at == records)
		return 0;
	return put_header(&header, 'x', (uint64_t)(text.at - records)) ||
			       tar_write(records, (size_t)(text.at - records)) || tar_pad()
		       ? -1
		       : 0;
}

int tar_put(const struct tar_entry *entry, char type)
{
	static char path[PATH_MAX + 2];
	struct text text = text_in(path, sizeof(path));
	struct header header = { 0 };

	add(&text, entry->path);
	if (type == '5')
		add(&text, "/");
	if (put_pax(entry, path))
		return -1;
	memcpy(header.name, path, strnlen(path, sizeof(header.name)));
	memcpy(header.link, entry->link, strnlen(entry->link, sizeof(header.link)));
	put_octal(header.mode, 7, entry->mode);
	put_octal(header.uid, 7, entry->uid);
	put_octal(header.gid, 7, entry->gid);
	put_octal(header.mtime, 11, entry->mtime < 0 ? 0 : (uint64_t)entry->mtime);
	return put_header(&header, type, entry->size);
}

int tar_read(void *bytes, size_t size)
{
	int got = size ? read_all(0, bytes, size) : 1;

	count += size;
	if (got == 0)
		errno = EBADMSG;
	return got == 1 ? 0 : -1;
}

static int skip(uint64_t size)
{
	static char bytes[4096];

	for (size_t part; size > 0; size -= part) {
		part = size < sizeof(bytes) ? (size_t)size : sizeof(bytes);
		if (tar_read(bytes, part))
			return -1;
	}
	return 0;
}

int tar_skip_padding(void)
{
	return skip(-count % BLOCK);
}

/* Octal, or with the first bit set the rest as a big number (GNU): what is beyond 63 bits is no number. */
static int get_number(const char *field, size_t size, uint64_t *value)
{
	int big = field[0] & 0x80;

	*value = 0;
	for (size_t at = 0; at < size; at++) {
		unsigned digit = (unsigned char)field[at];

		if (big)
			digit &= at ? 0xff : 0x7f;
		else if (digit == ' ' || digit == 0)
			continue;
		else if (digit < '0' || digit > '7')
			return -1;
		else
			digit -= '0';
		if (*value >> (big ? 55 : 60))
			return -1;
		*value = big ? *value << 8 | digit : *value << 3 | digit;
	}
	return 0;
}

/* What a header for the next entry says; of numbers -1 where it says nothing. */
struct extension {
	char *path, *link;
	uint64_t uid, gid, size;
};

static int take_record(struct extension *extension, char *key, char *value)
{
	uint64_t number = 0;

	if (!strcmp(key, "path"))
		extension->path = value;
	else if (!strcmp(key, "linkpath"))
		extension->link = value;
	else if (!strncmp(key, "GNU.sparse.", 11))
		return -1;
	else if (!strcmp(key, "size") || !strcmp(key, "uid") || !strcmp(key, "gid")) {
		if (parse_number(value, INT64_MAX, &number))
			return -1;
		*(key[0] == 's' ? &extension->size : key[0] == 'u' ? &extension->uid : &extension->gid) = number;
	}
	return 0;
}

static int take_records(struct extension *extension, char *at, char *end)
{
	while (at < end) {
		char *space = memchr(at, ' ', (size_t)(end - at)), *equals;
		uint64_t length;

		if (!space)
			return -1;
		*space = 0;
		if (parse_number(at, (uint64_t)(end - at), &length) || at + length <= space + 1 ||
		    at[length - 1] != '\n')
			return -1;
		equals = memchr(space + 1, '=', (size_t)(at + length - space - 1));
		at[length - 1] = 0;
		if (!equals)
			return -1;
		*equals = 0;
		if (take_record(extension, space + 1, equals + 1))
			return -1;
		at += length;
	}
	return 0;
}

/* Headers that belong to the next entry: pax, and GNU's long names. 1 for one of those, 0 for others. */
static int take_extension(struct extension *extension, char type, uint64_t size)
{
	static char records[1 << 16], names[2][PATH_MAX];
	char *into = type == 'x' ? records : names[type == 'K'];
	size_t room = type == 'x' ? sizeof(records) : PATH_MAX;

	if (type != 'x' && type != 'L' && type != 'K' && type != 'g')
		return 0;
	if (type == 'g')
		return skip(size) || tar_skip_padding() ? -1 : 1;
	errno = EBADMSG;
	if (size >= room || tar_read(into, (size_t)size))
		return -1;
	into[size] = 0;
	if (type == 'x' && take_records(extension, records, records + size)) {
		errno = EBADMSG;
		return -1;
	}
	if (type != 'x')
		*(type == 'L' ? &extension->path : &extension->link) = into;
	return tar_skip_padding() ? -1 : 1;
}

static int fill(struct tar_entry *entry, const struct header *header, const struct extension *extension, uint64_t size)
{
	struct text path = text_in(entry->path, sizeof(entry->path)), link = text_in(entry->link, sizeof(entry->link));
	uint64_t mode, mtime;

	if (extension->path) {
		add(&path, extension->path);
	} else {
		if (!memcmp(header->magic, "ustar", 6) && header->prefix[0]) {
			add_bytes(&path, header->prefix, strnlen(header->prefix, sizeof(header->prefix)));
			add(&path, "/");
		}
		add_bytes(&path, header->name, strnlen(header->name, sizeof(header->name)));
	}
	if (extension->link)
		add(&link, extension->link);
	else
		add_bytes(&link, header->link, strnlen(header->link, sizeof(header->link)));
	errno = EBADMSG;
	if (get_number(header->mode, 8, &mode) || get_number(header->mtime, 12, &mtime) ||
	    get_number(header->uid, 8, &entry->uid) || get_number(header->gid, 8, &entry->gid))
		return -1;
	entry->uid = extension->uid == UINT64_MAX ? entry->uid : extension->uid;
	entry->gid = extension->gid == UINT64_MAX ? entry->gid : extension->gid;
	entry->type = header->type == 0 || header->type == '7' ? '0' : header->type;
	entry->size = entry->type == '0' ? size : 0;
	entry->mode = mode & 07777;
	entry->mtime = (int64_t)mtime;
	errno = path.at == path.end || link.at == link.end ? ENAMETOOLONG : EINVAL;
	/* An id beyond 32 bits would be another by its lower half. */
	return errno == ENAMETOOLONG || !entry->path[0] || entry->uid >= UINT32_MAX || entry->gid >= UINT32_MAX ? -1
														: 0;
}

int tar_next(struct tar_entry *entry)
{
	static struct header header;
	static const struct header none;
	struct extension extension = { .uid = UINT64_MAX, .gid = UINT64_MAX, .size = UINT64_MAX };
	uint64_t size, sum;
	int more;

	do {
		entry->path[0] = 0;
		count = 0;
		if (tar_read(&header, BLOCK))
			return -1;
		if (!memcmp(&header, &none, BLOCK)) {
			/* Whoever writes may not have written all yet. */
			while (skip(1) == 0)
				;
			return errno == EBADMSG ? 0 : -1;
		}
		errno = EBADMSG;
		if (get_number(header.sum, 8, &sum) || sum != sum_of(&header) || get_number(header.size, 12, &size))
			return -1;
		more = take_extension(&extension, header.type, size);
	} while (more > 0);
	size = extension.size == UINT64_MAX ? size : extension.size;
	if (more < 0 || fill(entry, &header, &extension, size))
		return -1;
	count = 0;
	/* Nothing is known of what it holds, or it holds nothing. */
	if (entry->type != '0' && (entry->type < '1' || entry->type > '6') && (skip(size) || tar_skip_padding()))
		return -1;
	return 1;
}
