/* Pipes of the container's own in place of the caller's: a socket cannot be opened again as /dev/stdout, and a pipe of
 * the caller's has other readers, whom a container could write to, and modes that it could change. */
#ifndef CRT_PUMP_H
#define CRT_PUMP_H

#include <poll.h>
#include <stddef.h>

#define PUMPS 3

struct pump {
	int from, to; /* -1 where there is nothing to copy, or no more */
	int socket;   /* the caller's is one, not a pipe */
	int own;      /* there is no caller's: output goes to the log, input comes from whoever attaches */
	int closing;  /* whoever is attached is the last one */
	size_t begin, end;
	char *bytes;
};

void pumps_poll(const struct pump *pumps, struct pollfd *polls);
void pumps_move(struct pump *pumps, const struct pollfd *polls);
/* Takes the input of the command from `socket`, until that ends; what it had before must have ended: 0, or -1. */
int pump_attach(struct pump *pump, int socket);
/* The command sees the end of its input, once all is written that was read for it. */
void pump_close_input(struct pump *pump);
/* After the last process inside has ended: true until all of its output is written. Its input is of no use then. */
int pumps_pending(struct pump *pumps);
/* True when all that was read is written. */
int pumps_idle(const struct pump *pumps);

#endif
