/* What the supervisor needs of the kernel and Node does not have: verbs of crt-init beside `run`. 0, or -1 with
 * errno. */
#ifndef CRT_VERBS_H
#define CRT_VERBS_H

/* kill PROCS...: SIGKILL to all that these cgroup.procs files list, until they are empty. */
int verb_kill(int count, char **files);
/* signal PID STARTTIME SIGNAL: only to the process that started then (field 22 of /proc/PID/stat). */
int verb_signal(int count, char **words);
/* opaque: a byte on stdout for each directory that is open as 3 and so on, without a gap. `y`: in an overlay's upper
 * directory it hides what the lower one has there. */
int verb_opaque(void);

#endif
