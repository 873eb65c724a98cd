/* The log of a detached container: its output as it came, in pieces (docs/logs.md). */
#ifndef CRT_LOG_H
#define CRT_LOG_H

#include <stddef.h>

/* Adds a piece of the output. Never fails and never waits for more than the disk: what has no room there is counted,
 * and the count is written as soon as there is. Stream 1 is stdout, or the terminal, 2 stderr. */
void log_write(int stream, const char *bytes, size_t size);

/* Writes the count, if there is one and room for it: at the end nothing more may come that would. */
void log_tell_loss(void);

#endif
