/* The start as the monitor sees it: it waits for its turns, tells exec from death, and names the step that failed. */
#include "interpret.h"
#include "monitor.h"

#include <poll.h>
#include <sys/wait.h>

/* What a wait during the start ended with. An end of file of the socket comes with init's exec, and with its death. */
enum wake { WAKE_TURN, WAKE_CLOSED, WAKE_FAILED };

/* Sends the outcomes that are not sent yet, where the supervisor asked for them. */
static void report_steps(struct context *context)
{
	for (; context->reported < context->plan.count; context->reported++) {
		struct outcome *outcome = &context->ledger->outcomes[context->reported];
		uint64_t micros = (outcome->nanos + 500) / 1000;

		if (!outcome->done)
			return;
		if (context->plan.flags & PLAN_REPORT_STEPS)
			send_event(EVENT_STEP, context->reported, outcome->error,
				   micros > UINT32_MAX ? UINT32_MAX : (uint32_t)micros, NULL);
	}
}

/* The stage has cloned init and ended: from here the monitor holds init alone, and the child's end of the socket
 * belongs to init, whose exec or death closes it. -1 when the stage did not end well: then it is left to be reaped. */
static int leave_stage(struct context *context)
{
	struct ledger *ledger = context->ledger;
	int null cleanup_fd = -1, terminal = 0;
	siginfo_t info = { 0 };

	if (waitid(P_PID, (id_t)ledger->stage_pid, &info, WEXITED | WNOWAIT) || info.si_status || !ledger->init_pid)
		return -1;
	waitpid(ledger->stage_pid, NULL, 0);
	close(ledger->stage_pidfd);
	ledger->stage_pidfd = -1;
	ledger->stage_pid = 0;
	close(context->sync_child);
	context->sync_child = -1;
	for (uint32_t i = 0; i < context->plan.count; i++) {
		const struct step *step = &context->plan.steps[i];

		/* What the stage opened is init's now: a directory kept here would pin the host's file systems. */
		for (int slot = 0; slot < 4 && (step->op == OP_open || step->op == OP_userns || step->op == OP_target ||
						step->op == OP_enter);
		     slot++)
			close(slot_fd(context, step, slot));
		terminal |= step->op == OP_relay;
		context->guest |= step->op == OP_target;
	}
	/* So is stdio, unless it is the terminal that is relayed: its readers wait for the last holder. */
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd < 3 && !terminal; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			close(fd); /* kept, it would be a writer whose end the pumps wait for */
	send_event(EVENT_CREATED, 0, ledger->init_pid, 0, NULL);
	context->created = 1;
	return 0;
}

int take_request(struct context *context, struct request_record *request)
{
	if (read_all(STATUS_FD, request, sizeof(*request)) == 1 && request->kind != REQUEST_ABORT)
		return 0;
	context->abandoned = 1;
	/* Who gives up is alive, and undoes its work itself. */
	if (request->kind == REQUEST_ABORT)
		context->undo = 0;
	return fail_with(EOWNERDEAD);
}

/* The supervisor holds signals back until STARTED, and may say CONTINUE before it is waited for. */
static int take_go(struct context *context)
{
	struct request_record request = { 0 };

	if (take_request(context, &request))
		return -1;
	context->go += request.kind == REQUEST_CONTINUE;
	return 0;
}

static enum wake wait_child(struct context *context)
{
	struct ledger *ledger = context->ledger;

	for (;;) {
		struct pollfd polls[] = {
			{ .fd = context->sync_monitor, .events = POLLIN },
			{ .fd = STATUS_FD, .events = POLLIN },
			{ .fd = ledger->stage_pidfd, .events = POLLIN },
			{ .fd = context->created ? ledger->init_pidfd : -1, .events = POLLIN },
		};

		if (poll(polls, 4, -1) < 0)
			continue;
		/* First of all: a turn that init gives means that the stage is gone, or just about to be, and init's
		 * number is to be told. */
		if (polls[0].revents && ledger->init_pid && !context->created && poll(&polls[2], 1, -1) < 0)
			continue;
		if (polls[2].revents) {
			if (leave_stage(context))
				return WAKE_FAILED;
			continue;
		}
		if (polls[0].revents) {
			int got = take_turn(context->sync_monitor, &context->received);

			if (got == TURN_FD)
				continue;
			return got == TURN ? WAKE_TURN : WAKE_CLOSED;
		}
		if (polls[1].revents && take_go(context))
			return WAKE_FAILED;
		if (polls[3].revents)
			return WAKE_CLOSED;
	}
}

int await_turn(struct context *context)
{
	return wait_child(context) == WAKE_TURN ? 0 : -1;
}

int op_on_orphan(struct context *context, const struct step *step)
{
	context->undo = 1;
	return 0;
}

int op_report(struct context *context, const struct step *step)
{
	report_steps(context);
	if (send_event(EVENT_REPORT, context->ledger->current, 0, 0, context->ledger->text))
		return -1;
	context->ledger->text[0] = 0;
	return 0;
}

int op_await(struct context *context, const struct step *step)
{
	while (!context->go)
		if (take_go(context))
			return -1;
	context->go--;
	return 0;
}

/* The descriptor that came with this turn, for the step's slot. */
static int take_received(struct context *context, const struct step *step, int *fd)
{
	*fd = steal_fd(&context->received);
	/* It came, but the limit on open files had no room for it. */
	if (*fd < 0)
		return fail_with(EMFILE);
	fill_slot(context, step, 0, *fd);
	return 0;
}

int op_relay(struct context *context, const struct step *step)
{
	return take_received(context, step, &context->master);
}

int op_answer(struct context *context, const struct step *step)
{
	return take_received(context, step, &context->listener);
}

/* A process, alive or a zombie, that has never exec'd has PF_FORKNOEXEC in field 9 of its stat (proc(5)). The reaper
 * never does: it says so itself. Where the field cannot be read an error that is written down would tell. */
static int has_started(struct context *context)
{
	struct ledger *ledger = context->ledger;
	struct outcome *last = &ledger->outcomes[context->plan.count - 1];
	int64_t flags;

	if (!context->created || ledger->current != context->plan.count - 1 || last->error)
		return 0;
	flags = ledger->reaping ? 0 : stat_field(ledger->init_pid, 9);
	if (flags > 0 && (flags & PF_FORKNOEXEC_))
		return 0;
	last->nanos = now_nanos() - last->nanos;
	last->done = 1;
	return 1;
}

/* An errno speaks for its step. Else a process has died, or a turn could not be given to it; since the steps are in one
 * total order, whoever's they are, the first one that is not done is where that happened. */
static uint32_t failed_step(const struct context *context)
{
	const struct ledger *ledger = context->ledger;
	uint32_t step = 0;

	if (ledger->outcomes[ledger->current].error)
		return ledger->current;
	while (step < context->plan.count - 1 && ledger->outcomes[step].done)
		step++;
	return step;
}

static void note_death(struct context *context, int status)
{
	struct text text = text_in(context->ledger->text, sizeof(context->ledger->text));

	add_field(&text, WIFSIGNALED(status) ? "killed by signal " : "ended with status ",
		  (uint64_t)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status)), 10);
}

static int fail_start(struct context *context)
{
	struct ledger *ledger = context->ledger;
	struct pollfd dying[] = {
		{ .fd = ledger->stage_pidfd, .events = POLLIN },
		{ .fd = ledger->init_pidfd, .events = POLLIN },
	};
	int error, status;
	uint32_t step;

	/* A process that dies closes its descriptors a moment before its status is there; do not kill it meanwhile. */
	if (!context->abandoned && !ledger->outcomes[ledger->current].error)
		poll(dying, 2, 1000);
	status = end_children(context);
	step = failed_step(context);
	error = ledger->outcomes[step].error;
	report_steps(context);
	if (!error)
		note_death(context, status);
	last_word(context, EVENT_FAILED, step, error, ledger->text);
	return leave(context, 1);
}

int start(struct context *context)
{
	int result = interpret(context, 0);

	/* The stage when it has done its last step, and init when it could not exec. */
	if (context->self != MONITOR) {
		syscall(SYS_exit_group, result ? 1 : 0);
		__builtin_trap(); /* a filter may forbid even that, and _exit(2) would try for ever */
	}
	/* A copy that is complete. */
	if (!result && context->plan.steps[context->plan.count - 1].op != OP_exec) {
		end_children(context);
		return -1;
	}
	if (result || wait_child(context) != WAKE_CLOSED || !has_started(context))
		return fail_start(context);
	report_steps(context);
	send_event(EVENT_STARTED, context->plan.count - 1, 0, 0, NULL);
	return 0;
}
