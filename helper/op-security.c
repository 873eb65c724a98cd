/* What the command may do and how much it may take. Any failure here ends the start: nothing runs half confined. */
#include "sync.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>

int op_session(struct context *context, const struct step *step)
{
	return setsid() < 0 ? -1 : 0;
}

int op_keyring(struct context *context, const struct step *step)
{
	const char *name = text_of(&context->plan, step, 0);

	return syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING_, name) < 0 ? -1 : 0;
}

/* Init's, from outside: to raise a limit takes a right of the host's user namespace. */
int op_rlimit(struct context *context, const struct step *step)
{
	struct {
		uint64_t soft, hard;
	} limit = { step->number[1], step->number[2] };

	return (int)syscall(SYS_prlimit64, context->ledger->init_pid, (int)step->number[0], &limit, NULL);
}

/* All 64, by the bare system call: the C library hides the two that it uses itself. */
int op_signals(struct context *context, const struct step *step)
{
	struct {
		void (*handler)(int);
		unsigned long flags;
		void (*restorer)(void);
		uint64_t mask;
	} action = { 0 };
	uint64_t none = 0;

	for (int signal = 1; signal <= 64; signal++)
		if (signal != SIGKILL && signal != SIGSTOP &&
		    syscall(SYS_rt_sigaction, signal, &action, NULL, sizeof(none)))
			return -1;
	return (int)syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
}

int op_umask(struct context *context, const struct step *step)
{
	/* It never fails, unless a filter around crt refuses it. */
	return umask((mode_t)step->number[0]) == (mode_t)-1 ? -1 : 0;
}

int op_bounding(struct context *context, const struct step *step)
{
	for (int cap = 0; cap < 64; cap++) {
		int held = prctl(PR_CAPBSET_READ, cap, 0, 0, 0);

		if (held < 0) /* EINVAL beyond the kernel's last capability, never before CAP_CHECKPOINT_RESTORE (40) */
			return cap > 40 && errno == EINVAL ? 0 : -1;
		if (held && !((step->number[0] >> cap) & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0))
			return -1;
	}
	return 0;
}

int op_caps(struct context *context, const struct step *step)
{
	struct cap_header header = { CAPABILITY_VERSION_3, 0 };
	struct cap_data data[2];

	for (int i = 0; i < 2; i++) {
		uint32_t permitted = (uint32_t)(step->number[0] >> (32 * i));

		data[i] = (struct cap_data){ permitted, permitted, (uint32_t)(step->number[1] >> (32 * i)) };
	}
	if (syscall(SYS_capset, &header, data) || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0))
		return -1;
	for (int cap = 0; cap < 64; cap++)
		if (((step->number[2] >> cap) & 1) && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0))
			return -1;
	return 0;
}

int op_no_new_privs(struct context *context, const struct step *step)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

/* The compiler makes the filter, the kernel checks it; needs no_new_privs (seccomp(2)). */
static int load_filter(struct context *context, const struct step *step, unsigned int flags)
{
	struct {
		unsigned short count;
		const void *filter;
	} program = { (unsigned short)(step->length[0] / 8), text_of(&context->plan, step, 0) };

	if (step->length[0] % 8 || step->length[0] / 8 > 4096)
		return fail_with(EINVAL);
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER_, flags | (unsigned int)step->number[0], &program);
}

/* Before the filter proper, which may forbid sendmsg(2) and whatever else it likes: this one allows all but mount(2).
 */
int op_listener(struct context *context, const struct step *step)
{
	int listener cleanup_fd = -1;

	/* The supervisor's socket is the monitor's; its number is the room that a limit of 4 open files leaves. */
	close(STATUS_FD);
	listener = load_filter(context, step, SECCOMP_FILTER_FLAG_NEW_LISTENER_);
	return listener < 0 ? -1 : give_turn(context->sync_child, listener);
}

int op_seccomp(struct context *context, const struct step *step)
{
	return load_filter(context, step, 0);
}

/* Close-on-exec for all but stdio: what the caller of crt left open never gets in. The turn-taking socket has to stay
 * open until exec itself closes it: that end of file is how the monitor learns of the start. */
int op_close_fds(struct context *context, const struct step *step)
{
	return close_range_(3, ~0u, CLOSE_RANGE_CLOEXEC_);
}
