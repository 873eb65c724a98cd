#ifndef CRT_REAPER_H
#define CRT_REAPER_H

#include "context.h"

/* `--init`: forks, and returns 0 in the child that is to exec. In PID 1 it does not return, but with -1 when there is
 * no child. When the child cannot exec, its error is in the ledger and PID 1 ends. */
int become_reaper(struct context *context);

#endif
