/* The caller's terminal (the monitor's stdin and stdout), and the container's that stands for it inside. */
#ifndef CRT_TERMINAL_H
#define CRT_TERMINAL_H

#include "context.h"

/* Saves the caller's terminal modes and sets raw mode: 0, or -1 with errno. 0 where stdin is no terminal, too. */
int raw_mode(struct context *context);
void restore_mode(struct context *context);
/* Copies the caller's window size to the container's terminal; the kernel sends SIGWINCH inside. */
void copy_size(int master);
/* From here on keys go in, and what the screen is to show comes out (pump.h). */
void terminal_begin(struct context *context);
/* What the terminal will make of the keys just read, in its modes and with its foreground group of this moment, and
 * init will not mind: a signal, or 0. Asked before the keys go on: a handler may be for one time only. */
int typed_signal(const struct context *context);

#endif
