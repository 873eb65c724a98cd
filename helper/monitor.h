#ifndef CRT_MONITOR_H
#define CRT_MONITOR_H

#include "context.h"

/* Waits until it is the monitor's turn: 0; -1 when a child or the supervisor is gone. */
int await_turn(struct context *context);
/* From the plan on descriptor 3 to the exit of the container: the exit code of crt-init. */
int monitor(void);

/* load.c */
int load_plan(struct context *context, const char **why, uint32_t *where);
char **list_array(const struct plan *plan, const struct step *step, int index);

#endif
