/* Brings the plan into memory, read-only, with all that later steps need: nothing is allocated after this. */
#include "monitor.h"
#include "sync.h"

#include <sys/mman.h>

static void *allocate(size_t size, int sharing)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void *read_plan(size_t *size, const char **why)
{
	struct plan_header header;
	size_t body;
	void *bytes;

	if (read_all(STATUS_FD, &header, sizeof(header)) != 1)
		return NULL;
	body = plan_body_size(&header, why);
	if (!body)
		return NULL;
	*size = sizeof(header) + body;
	bytes = allocate(*size, MAP_PRIVATE);
	if (!bytes)
		return NULL;
	memcpy(bytes, &header, sizeof(header));
	if (read_all(STATUS_FD, (char *)bytes + sizeof(header), body) != 1)
		return NULL;
	return mprotect(bytes, *size, PROT_READ) ? NULL : bytes;
}

/* A list as the array that execve(2) wants, with room for one entry more. */
static char **make_array(const struct plan *plan, const struct step *step, int index)
{
	char **array = allocate((list_count(plan, step, index) + 2) * sizeof(*array), MAP_PRIVATE), **entry = array;

	for (const char *item = NULL; array && (item = list_next(plan, step, index, item));)
		*entry++ = (char *)item;
	return array;
}

static int make_arrays(struct context *context)
{
	const struct plan *plan = &context->plan;
	const struct step *undo = plan->steps, *exec = &plan->steps[plan->count - 1];

	while (undo < exec && undo->op != OP_on_orphan)
		undo++;
	if (undo < exec) {
		context->undo_argv = make_array(plan, undo, 0);
		context->undo_env = make_array(plan, undo, 1);
		if (!context->undo_argv || !context->undo_env)
			return -1;
	}
	/* A copy has no command. */
	if (exec->op != OP_exec)
		return 0;
	context->candidates = make_array(plan, exec, 0);
	context->argv = make_array(plan, exec, 1);
	context->env = make_array(plan, exec, 2);
	return context->candidates && context->argv && context->env ? 0 : -1;
}

int load_plan(struct context *context, const char **why, uint32_t *where)
{
	struct ledger *ledger;
	size_t size;
	void *bytes;

	*why = "the plan did not arrive whole";
	bytes = read_plan(&size, why);
	if (!bytes || plan_parse(bytes, size, &context->plan, why, where))
		return -1;
	*why = "out of memory";
	ledger = allocate(OUTCOMES_SIZE(context->plan.count), MAP_SHARED);
	if (!ledger || make_arrays(context))
		return -1;
	ledger->stage_pidfd = ledger->init_pidfd = -1;
	for (int i = 0; i < PLAN_SLOTS; i++)
		ledger->slots[i] = -1;
	context->ledger = ledger;
	return 0;
}
