/* The relay between the caller's terminal (the monitor's stdin and stdout) and the container's. */
#ifndef CRT_RELAY_H
#define CRT_RELAY_H

#include "context.h"

#include <poll.h>

/* Bytes on their way: read, and not yet written from `begin` on. */
struct passage {
	size_t begin, end, size;
	char *bytes;
};

struct relay {
	int master, slave; /* of the container's terminal */
	int in, out;       /* of the caller's */
	int own;           /* there is no caller: output goes to the log, input comes from whoever attaches */
	int closing;       /* whoever is attached is the last one */
	pid_t init;
	int typed; /* the signal that the terminal makes of what was read last, if init would swallow it; or 0 */
	struct passage inward, outward;
	char in_bytes[4096], out_bytes[16384];
};

#define RELAY_POLLS 3

/* Saves the caller's terminal modes and sets raw mode: 0, or -1 with errno. 0 where stdin is no terminal, too. */
int raw_mode(struct context *context);
void restore_mode(struct context *context);
/* Copies the caller's window size to the container's terminal; the kernel sends SIGWINCH inside. */
void copy_size(int master);

void relay_begin(struct relay *relay, const struct context *context);
/* Takes the keys from `socket`, until that ends: 0, or -1 with EBUSY. */
int relay_attach(struct relay *relay, int socket);
/* The end of input, as a terminal says it, once all is read that was typed. */
void relay_close_input(struct relay *relay);
/* After the last process inside has ended. */
void relay_end(struct relay *relay);
/* After relay_end: true until all of the output is written. */
int relay_pending(const struct relay *relay);
/* True when all that was read of the output is written. */
int relay_idle(const struct relay *relay);
/* Says what to wait for, and moves what can be moved. */
void relay_poll(const struct relay *relay, struct pollfd *polls);
void relay_move(struct relay *relay, const struct pollfd *polls);

#endif
