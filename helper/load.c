/* Brings the plan into memory, read-only, with all that later steps need: nothing is allocated after this. */
#include "kernel.h"
#include "monitor.h"
#include "sync.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* A list as an array that ends in NULL, with room for one entry more. */
char **list_array(const struct plan *plan, const struct step *step, int index)
{
	char **array = calloc(list_count(plan, step, index) + 2, sizeof(*array)), **slot = array;
	const char *item = NULL;

	while (array && (item = list_next(plan, step, index, item)))
		*slot++ = (char *)item;
	return array;
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
	bytes = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED)
		return NULL;
	memcpy(bytes, &header, sizeof(header));
	if (read_all(STATUS_FD, (char *)bytes + sizeof(header), body) != 1)
		return NULL;
	mprotect(bytes, *size, PROT_READ);
	return bytes;
}

int load_plan(struct context *context, const char **why, uint32_t *where)
{
	const struct step *exec;
	struct ledger *ledger;
	size_t size;
	void *bytes;

	*why = "the plan did not arrive whole";
	bytes = read_plan(&size, why);
	if (!bytes || plan_parse(bytes, size, &context->plan, why, where))
		return -1;
	*why = "out of memory";
	ledger = mmap(NULL, OUTCOMES_SIZE(context->plan.count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ledger == MAP_FAILED)
		return -1;
	ledger->stage_pidfd = ledger->init_pidfd = -1;
	for (int i = 0; i < PLAN_SLOTS; i++)
		ledger->slots[i] = -1;
	context->ledger = ledger;
	exec = &context->plan.steps[context->plan.count - 1];
	context->candidates = list_array(&context->plan, exec, 0);
	context->argv = list_array(&context->plan, exec, 1);
	context->env = list_array(&context->plan, exec, 2);
	return context->candidates && context->argv && context->env ? 0 : -1;
}
