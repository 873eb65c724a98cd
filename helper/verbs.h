/* What the supervisor needs of the kernel and Node does not have: verbs of crt-init beside `run`. Each answers the exit
 * code, 0 or 1, and says on stderr what went wrong. */
#ifndef CRT_VERBS_H
#define CRT_VERBS_H

/* kill PROCS...: SIGKILL to all that these cgroup.procs files list, until they are empty. */
int verb_kill(int count, char **files);
/* signal PID STARTTIME SIGNAL: only to the process that started then (field 22 of /proc/PID/stat). */
int verb_signal(int count, char **words);
/* opaque: a byte on stdout for each directory that is open as 3 and so on, without a gap. `y`: in an overlay's upper
 * directory it hides what the lower one has there. */
int verb_opaque(void);

/* A line on a descriptor, made of three parts; what does not fit into 1024 bytes is cut. */
void print_line(int fd, const char *first, const char *second, const char *third);
/* `crt-init: WHAT: errno in words` on stderr; answers 1. */
int complain(const char *what);

#endif
