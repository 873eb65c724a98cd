/* The interpreter: one loop, in each of the three processes. It decides nothing. */
#include "interpret.h"
#include "monitor.h"
#include "sync.h"

#include <time.h>

static op_function *const functions[OP_COUNT] = {
#define OP(id, name, actors, operands) [OP_##id] = op_##id,
#include "ops.def"
#undef OP
};

uint64_t now_nanos(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The one place where an op's failure is written down. `done` last: the monitor reads the rest only after it. */
static int perform(struct context *context, uint32_t index)
{
	const struct step *step = &context->plan.steps[index];
	struct outcome *outcome = &context->ledger->outcomes[index];
	enum actor before = context->self;
	int result;

	context->ledger->current = index;
	if (context->self != MONITOR) /* whose `report` sends what the step before has noted */
		context->ledger->text[0] = 0;
	outcome->nanos = now_nanos();
	errno = 0;
	result = functions[step->op](context, step);
	if (result && (step->flags & STEP_OPTIONAL) && errno == ENOENT)
		result = 0;
	if (context->self != before)
		return 0; /* newly born: the step is its parent's */
	outcome->error = result ? (errno ? errno : EIO) : 0;
	outcome->nanos = now_nanos() - outcome->nanos;
	outcome->done = 1;
	return result ? -1 : 0;
}

static int is_birth(const struct step *step)
{
	return step->op == OP_stage || step->op == OP_clone;
}

/* The own step that comes after those of others from `index` on; the plan's length when there is none. */
static uint32_t next_own(const struct context *context, uint32_t index)
{
	while (index < context->plan.count && context->plan.steps[index].actor != context->self)
		index++;
	return index;
}

int interpret(struct context *context, uint32_t index)
{
	const struct step *steps = context->plan.steps;

	while (index < context->plan.count) {
		if (steps[index].actor == context->self) {
			if (perform(context, index))
				return -1;
			index++;
			continue;
		}
		/* Whoever a step has just given birth to begins by itself; all others wait for their turn. */
		if (index > 0 && steps[index - 1].actor == context->self && !is_birth(&steps[index - 1]) &&
		    give_turn(context->self == MONITOR ? context->sync_monitor : context->sync_child, -1))
			return -1;
		index = next_own(context, index);
		if (index == context->plan.count)
			return 0;
		if (context->self == MONITOR ? await_turn(context) : wait_turn(context->sync_child))
			return -1;
	}
	return 0;
}
