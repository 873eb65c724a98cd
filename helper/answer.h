/* Answers to mount(2) inside the container, which asks by a listener (seccomp_unotify(2)). */
#ifndef CRT_ANSWER_H
#define CRT_ANSWER_H

#include "context.h"

/* The listener is ready for the first time: has a child of the monitor answer from here on. Either way the monitor lets
 * go of the listener: once nobody holds it any more mount(2) says ENOSYS. */
void answer_begin(struct context *context, short events);
void answer_end(struct context *context);

/* The device number of the procfs that `fd` is the root of, which each mount(2) of proc makes anew; 0 where it is none.
 */
uint64_t proc_at(int fd);

#endif
