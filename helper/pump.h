/* What the monitor copies: the command's pipes, and what goes over its terminal.
 *
 * Pipes of the container's own take the place of the caller's: a socket cannot be opened again as /dev/stdout, and a
 * pipe of the caller's has other readers, whom a container could write to, and modes that it could change. */
#ifndef CRT_PUMP_H
#define CRT_PUMP_H

#include <poll.h>
#include <stddef.h>

/* stdin, stdout and stderr by their numbers; the keys of the caller's terminal to the container's, and its screen back.
 */
enum { KEYS = 3, SCREEN, PUMPS };

/* Says what to wait for, and moves what can be moved. */
void pumps_poll(struct pollfd *polls);
void pumps_move(const struct pollfd *polls);
/* From `in` to the container's terminal, from there to `out`. `own`: there is no caller, as for a pipe. */
void pumps_relay(int in, int master, int out, int own);
/* Takes the command's input from `socket`, until that ends; what it had before must have ended: 0, or -1. */
int pumps_attach(int socket);
/* The end of the command's input, once all is written that was read for it. */
void pumps_close_input(void);
/* The keys that were read at this turn, and are not written yet: how many. */
size_t pumps_typed(const char **keys);
/* After the last process inside has ended: true until all of its output is written. Its input is of no use then. */
int pumps_pending(void);
/* True when all that was read of the output is written. */
int pumps_idle(void);

#endif
