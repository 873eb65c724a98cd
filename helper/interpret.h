#ifndef CRT_INTERPRET_H
#define CRT_INTERPRET_H

#include "context.h"

/* Runs the own steps from `index` on, taking turns with the others: 0 when none is left, -1 when one failed (named in
 * the ledger) or the other side is gone. In the monitor this returns as well in the stage and in init: look at self. */
int interpret(struct context *context, uint32_t index);

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t now_nanos(void);

#endif
