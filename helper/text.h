/* Small texts without printf(3) and scanf(3), which alone would be a third of the program. */
#ifndef CRT_TEXT_H
#define CRT_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* A text under construction, always NUL-ended; what does not fit is cut off. */
struct text {
	char *at, *end;
};

struct text text_in(char *buffer, size_t size);
void add(struct text *text, const char *string);
void add_bytes(struct text *text, const char *bytes, size_t length);
void add_number(struct text *text, uint64_t number, unsigned base);
/* The name, which says `=` itself, and the number. */
void add_field(struct text *text, const char *name, uint64_t number, unsigned base);

/* Strict decimal, nothing before or after it, at most `most`: 0, or -1. */
int parse_number(const char *string, uint64_t most, uint64_t *number);

/* A numeric field of /proc/PID/stat, counted as in proc(5) from 1 and beyond the name (3 and up), or -1. */
int64_t stat_field(int pid, int field);

/* Opens /proc/PID/FILE, close-on-exec. */
int open_of(uint64_t pid, const char *file, int flags);

/* The same field in the text of that file, which it cuts up. */
int64_t field_in(char *content, int field);

#endif
