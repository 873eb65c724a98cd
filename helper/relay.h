/* The relay between the caller's terminal (the monitor's stdin and stdout) and the container's. */
#ifndef CRT_RELAY_H
#define CRT_RELAY_H

#include "context.h"

#include <poll.h>

struct relay {
	int master, in, out;
	size_t in_length, in_sent;   /* read from the caller, not yet written to the container */
	size_t out_length, out_sent; /* the other way */
	char in_buffer[4096], out_buffer[16384];
};

#define RELAY_POLLS 3

/* Saves the caller's terminal modes and sets raw mode. 0, or -1 with errno; nothing to do where stdin is no terminal. */
int raw_mode(struct context *context);
void restore_mode(struct context *context);
/* Copies the caller's window size to the container's terminal; the kernel sends SIGWINCH inside. */
void copy_size(int master);

void relay_open(struct relay *relay, int master);
void relay_poll(const struct relay *relay, struct pollfd *polls);
void relay_move(struct relay *relay, const struct pollfd *polls);
/* After the last process inside has ended: true until all of its output is written. */
int relay_pending(const struct relay *relay);

#endif
