#include "text.h"
#include "context.h"

struct text text_in(char *buffer, size_t size)
{
	*buffer = 0;
	return (struct text){ buffer, buffer + size - 1 };
}

void add_bytes(struct text *text, const char *bytes, size_t length)
{
	size_t room = (size_t)(text->end - text->at);

	if (length > room)
		length = room;
	memcpy(text->at, bytes, length);
	text->at += length;
	*text->at = 0;
}

void add(struct text *text, const char *string)
{
	add_bytes(text, string, strlen(string));
}

void add_number(struct text *text, uint64_t number, unsigned base)
{
	char digits[24], *first = digits + sizeof(digits);

	do
		*--first = "0123456789abcdef"[number % base];
	while (number /= base);
	add_bytes(text, first, (size_t)(digits + sizeof(digits) - first));
}

void add_field(struct text *text, const char *name, uint64_t number, unsigned base)
{
	add(text, name);
	add_number(text, number, base);
}

int parse_number(const char *string, uint64_t most, uint64_t *number)
{
	uint64_t value = 0;

	if (!*string)
		return -1;
	for (; *string; string++) {
		uint64_t digit = (uint64_t)(*string - '0');

		if (*string < '0' || *string > '9' || digit > most || value > (most - digit) / 10)
			return -1;
		value = value * 10 + digit;
	}
	*number = value;
	return 0;
}

int64_t field_in(char *content, int field)
{
	/* The name, field 2, may hold anything, `)` and blanks included: it ends with the last `)`. */
	char *word = strrchr(content, ')');
	uint64_t value;

	for (int at = 2; word && at < field; at++)
		word = strchr(word + 1, ' ');
	if (!word)
		return -1;
	word++;
	word[strcspn(word, " \n")] = 0;
	return parse_number(word, INT64_MAX, &value) ? -1 : (int64_t)value;
}

int open_of(uint64_t pid, const char *file, int flags)
{
	char path[64];
	struct text text = text_in(path, sizeof(path));

	add_field(&text, "/proc/", pid, 10);
	add(&text, file);
	return open(path, flags | O_CLOEXEC);
}

int64_t stat_field(int pid, int field)
{
	char content[1024];
	int fd cleanup_fd = open_of((uint64_t)pid, "/stat", O_RDONLY);
	ssize_t got = fd < 0 ? 0 : read(fd, content, sizeof(content) - 1);

	content[got < 0 ? 0 : got] = 0;
	return field_in(content, field);
}
