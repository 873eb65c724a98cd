/* Brings the plan into memory, read-only, with all that later steps need: nothing is allocated after this. */
#include "kernel.h"
#include "monitor.h"
#include "sync.h"

#include <string.h>
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

/* A list as an array that ends in NULL, with room for one entry more; answers the room after it. */
static char **fill_array(char **room, const struct plan *plan, const struct step *step, int index)
{
	const char *item = NULL;

	while ((item = list_next(plan, step, index, item)))
		*room++ = (char *)item;
	return room + 2;
}

/* The arrays that execve(2) wants. */
static int make_arrays(struct context *context)
{
	const struct plan *plan = &context->plan;
	const struct step *exec = &plan->steps[plan->count - 1], *undo = NULL;
	size_t entries = 0;
	char **room;

	for (uint32_t i = 0; i < plan->count; i++)
		if (plan->steps[i].op == OP_on_orphan)
			undo = &plan->steps[i];
	for (int i = 0; i < 3; i++)
		entries += list_count(plan, exec, i) + 2 + (undo && i < 2 ? list_count(plan, undo, i) + 2 : 0);
	room = allocate(entries * sizeof(*room), MAP_PRIVATE);
	if (!room)
		return -1;
	context->candidates = room;
	context->argv = fill_array(context->candidates, plan, exec, 0);
	context->env = fill_array(context->argv, plan, exec, 1);
	room = fill_array(context->env, plan, exec, 2);
	if (undo) {
		context->undo_argv = room;
		context->undo_env = fill_array(room, plan, undo, 0);
		fill_array(context->undo_env, plan, undo, 1);
	}
	return 0;
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
