/* What one start carries along, in each of its three processes; and what nearly every file includes: each names only
 * what it alone needs besides. */
#ifndef CRT_CONTEXT_H
#define CRT_CONTEXT_H

#include "kernel.h"
#include "plan.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define STATUS_FD 3
#define MAX_GROUPS 64

/* One step's outcome. */
struct outcome {
	uint64_t nanos; /* while the step runs: when it began */
	int32_t error;  /* errno(3) */
	_Atomic uint32_t done;
};

/* The ledger: shared memory that all three processes write and the monitor alone reports from, so that a step which
 * kills its own process is still named. Unmapped from init by exec, or by the reaper. */
struct ledger {
	_Atomic uint32_t current;        /* the step last begun */
	_Atomic uint32_t reaping;        /* PID 1 is the reaper and its child has exec'd */
	_Atomic int stage_pid, init_pid; /* 0: not born, or the stage has ended well */
	_Atomic int stage_pidfd, init_pidfd;
	uint64_t proc; /* st_dev of the container's own procfs, which no other mount has; 0: there is none */
	int slots[PLAN_SLOTS];
	char text[1024]; /* of the current step: the kernel's own words, or what a probe found */
	struct outcome outcomes[];
};

/* Why the container was made to end, where that was done by crt. */
struct ending {
	int forced;    /* the signal that init would have swallowed, so that it was killed */
	int killed;    /* SIGKILL was asked for */
	int timed_out; /* at the deadline */
};

struct context {
	struct plan plan;
	struct ledger *ledger;
	enum actor self;
	int sync_monitor, sync_child; /* the two ends of the turn-taking socket (sync.c) */

	/* monitor */
	uint32_t reported; /* outcomes below this one are sent */
	int created;       /* CREATED is sent */
	int go;            /* how often CONTINUE has come and is not taken yet */
	int master, slave; /* of the container's terminal, or -1 */
	int received;      /* a descriptor that came with a turn, or -1 */
	int restore;       /* the caller's terminal is raw: `saved` holds its modes */
	struct termios saved;
	int listener;                 /* where mount(2) inside asks (answer.c), or -1 */
	int answerer, answerer_pidfd; /* 0: nobody has asked yet */
	int guest;                    /* the command is none of PID 1's: `crt exec` */
	int logged;                   /* output goes to the log */
	int detached;                 /* the supervisor has left on purpose */
	int woken;                    /* a request has come while nothing runs */
	uint64_t start;               /* which start of the container this is */
	uint64_t deadline;            /* nanoseconds of CLOCK_MONOTONIC at which the container is killed; 0: none */
	struct ending ending;
	int abandoned; /* the supervisor is dead or has given up */
	int undo;      /* if it is dead, what it made is to be undone */
	char **undo_argv, **undo_env;

	/* stage and init */
	const char *staging; /* the staging area, which is the working directory until the pivot */
	pid_t monitor;

	/* init */
	int asked; /* to die with the monitor */
	uid_t uid;
	gid_t gid;
	gid_t groups[MAX_GROUPS];
	int group_count;
	char home[256];
	char **candidates, **argv, **env; /* of `exec` */
};

#define OUTCOMES_SIZE(count) (sizeof(struct ledger) + (count) * sizeof(struct outcome))

/* A descriptor that closes itself at the end of its scope. */
static inline void close_at(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define cleanup_fd __attribute__((cleanup(close_at)))

static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/* How an op refuses: -1, with errno. */
static inline int fail_with(int error)
{
	errno = error;
	return -1;
}

/* The slot operand `index` of a step as a descriptor, -1 where it is absent. */
static inline int slot_fd(const struct context *context, const struct step *step, int index)
{
	return step->slot[index] == NO_SLOT ? -1 : context->ledger->slots[step->slot[index]];
}

static inline void fill_slot(struct context *context, const struct step *step, int index, int fd)
{
	context->ledger->slots[step->slot[index]] = fd;
}

/* Notes a text for the current step, cut to what fits. */
static inline void note(struct context *context, const char *string)
{
	struct text text = text_in(context->ledger->text, sizeof(context->ledger->text));

	add(&text, string);
}

/* An op: 0, or -1 with errno set. Never reports, never exits. */
typedef int op_function(struct context *context, const struct step *step);
#define OP(id, name, actors, operands) op_function op_##id;
#include "ops.def"
#undef OP

#endif
