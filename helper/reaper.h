#ifndef CRT_REAPER_H
#define CRT_REAPER_H

#include "context.h"

/* `--init`: PID 1 forks, returns 0 in the child that is to exec, and never returns in PID 1 but with -1 when the fork
 * failed or the child could not exec (its error is then in the ledger). */
int become_reaper(struct context *context);

#endif
