/* The parsers and writers of small texts against arbitrary bytes (libFuzzer), each compared with what libc makes of
 * them. The first byte chooses sizes and fields; what a container can choose of this is its name in /proc/PID/stat. */
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* strtoull(3) alone is laxer: blanks, signs, nothing. */
static void check_number(const char *string, uint64_t most)
{
	size_t digits = strspn(string, "0123456789");
	unsigned long long meant;
	uint64_t number = 0;
	int right;

	errno = 0;
	meant = strtoull(string, NULL, 10);
	right = digits > 0 && !string[digits] && errno == 0 && meant <= most;
	if ((parse_number(string, most, &number) == 0) != right || (right && number != meant))
		abort();
}

static void check_writer(const char *string, size_t room, uint64_t number)
{
	char *buffer = malloc(room), expected[4096];
	struct text text = text_in(buffer, room);
	size_t whole = (size_t)snprintf(expected, sizeof(expected), "%s%llu%llx%s", string, (unsigned long long)number,
					(unsigned long long)number, string);
	size_t length;

	add(&text, string);
	add_number(&text, number, 10);
	add_number(&text, number, 16);
	add(&text, string);
	length = strlen(buffer);
	if (length != (whole < room ? whole : room - 1) || memcmp(buffer, expected, length))
		abort();
	free(buffer);
}

/* A field is found wherever sscanf(3) would find it: after the last `)`, blanks count. */
static void check_field(char *content, int field)
{
	const char *word = strrchr(content, ')');
	char copy[2048];
	int64_t found, meant = -1;

	for (int at = 2; word && at < field; at++)
		word = strchr(word + 1, ' ');
	if (word) {
		size_t length = strcspn(word + 1, " \n");

		memcpy(copy, word + 1, length);
		copy[length] = 0;
		errno = 0;
		if (length > 0 && strspn(copy, "0123456789") == length) {
			meant = strtoll(copy, NULL, 10);
			meant = errno ? -1 : meant;
		}
	}
	found = field_in(content, field);
	if (found != meant)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t number = 0;
	char *string;

	if (size == 0)
		return 0;
	/* A copy of exactly this size, NUL-ended. */
	string = malloc(size);
	memcpy(string, data + 1, size - 1);
	string[size - 1] = 0;
	memcpy(&number, string, size - 1 < sizeof(number) ? size - 1 : sizeof(number));
	check_number(string, UINT64_MAX);
	check_number(string, data[0]);
	check_writer(string, 1 + data[0], number);
	check_field(string, 3 + data[0] % 50);
	free(string);
	return 0;
}
