#ifndef CRT_MONITOR_H
#define CRT_MONITOR_H

#include "context.h"
#include "sync.h"

/* From the plan on descriptor 3 to the exit of the container: the exit code of crt-init. `why` not to begin, or NULL.
 */
int monitor(const char *why);

/* seal.c: becomes `crt-init run`, from a read-only view of this file. Why that cannot be, if it comes back. */
const char *seal(char **argv);

/* start.c: runs the plan. 0 when the command has been exec'd, 1 when the start has failed and all of it has ended. */
int start(struct context *context);
/* Waits until it is the monitor's turn: 0; -1 when a child or the supervisor is gone. */
int await_turn(struct context *context);
/* Reads one request: 0, or -1 when the supervisor is dead or gives up. */
int take_request(struct context *context, struct request_record *request);

/* undo.c: waits for the end of a child. */
void wait_end(pid_t child);
/* Kills and reaps what there is of the container; the status of the child that had ended by itself, or 0. */
int end_children(struct context *context);
/* Sends the last event, and listens until the supervisor has heard it: if its next request found nobody, the error of
 * that write would keep it from reading. */
void last_word(struct context *context, enum event kind, uint32_t step, int64_t value, const char *text);
/* The monitor's last act, once the container is gone: the exit code, or `crt undo` if the supervisor is dead. */
int leave(struct context *context, int code);

/* Starts `crt undo NAME`, which sees by the life of the container what it is called for. */
void call_crt(struct context *context);

/* load.c */
int load_plan(struct context *context, const char **why, uint32_t *where);

#endif
