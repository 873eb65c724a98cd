/* The reader of tar archives against arbitrary bytes (libFuzzer): what it answers is a text of its size, and no id or
 * size that a caller could not hold. */
#include "sync.h"
#include "tar.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *at, *end;

/* Of stdin, as sync.c reads it. */
int read_all(int fd, void *buffer, size_t size)
{
	if (size > (size_t)(end - at))
		return 0;
	memcpy(buffer, at, size);
	at += size;
	return 1;
}

/* The sum is made right, or nothing would be looked at. */
static void sum_up(uint8_t *header)
{
	unsigned sum = 8 * ' ';

	for (int i = 0; i < 512; i++)
		sum += i >= 148 && i < 156 ? 0 : header[i];
	for (int i = 5; i >= 0; i--, sum >>= 3)
		header[148 + i] = (uint8_t)('0' + (sum & 7));
	header[154] = 0;
	header[155] = ' ';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tar_entry entry;
	uint8_t *copy = malloc(size ? size : 1), content[512];

	memcpy(copy, data, size);
	for (size_t block = 0; block + 512 <= size; block += 512)
		if (copy[block] && copy[block + 157 - 1] >= '0')
			sum_up(copy + block);
	at = copy;
	end = copy + size;
	while (tar_next(&entry) > 0) {
		if (strnlen(entry.path, sizeof(entry.path)) == sizeof(entry.path) || !entry.path[0] ||
		    strnlen(entry.link, sizeof(entry.link)) == sizeof(entry.link))
			abort();
		if (entry.uid >= UINT32_MAX || entry.gid >= UINT32_MAX || entry.size > INT64_MAX || entry.mode > 07777)
			abort();
		for (uint64_t left = entry.size; left > 0;) {
			size_t part = left < sizeof(content) ? (size_t)left : sizeof(content);

			if (tar_read(content, part))
				break;
			left -= part;
		}
		if (tar_skip_padding())
			break;
	}
	free(copy);
	return 0;
}
