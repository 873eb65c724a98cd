/* What the supervisor needs of the kernel and Node does not have: verbs of crt-init beside `run`. */
#ifndef CRT_VERBS_H
#define CRT_VERBS_H

/* kill PROCS...: SIGKILL to all that these cgroup.procs files list, until they are empty. */
int verb_kill(int count, char **files);
/* signal PID STARTTIME SIGNAL: only to the process that started then (field 22 of /proc/PID/stat). */
int verb_signal(int count, char **words);
/* remove DIRECTORY: the whole tree, at any depth, following no link. */
int verb_remove(int count, char **words);

#endif
