/* Loads nothing and calls nothing: bytes in, a checked plan out. Fuzzed by test/helper/fuzz-plan.c. */
#include "plan.h"

#include <string.h>

const struct op_info op_table[OP_COUNT] = {
#define OP(id, name, actors, operands) [OP_##id] = { name, actors, operands },
#include "ops.def"
#undef OP
};

static const char *const actor_names[] = { "monitor", "stage", "init" };

static uint64_t fnv(uint64_t hash, const char *text)
{
	for (; *text; text++)
		hash = (hash ^ (uint8_t)*text) * 0x100000001b3ull;
	return hash;
}

uint64_t ops_hash(void)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	for (int i = 0; i < OP_COUNT; i++) {
		const struct op_info *info = &op_table[i];

		hash = fnv(fnv(fnv(hash, info->name), " "), info->actors);
		if (*info->operands)
			hash = fnv(fnv(hash, " "), info->operands);
		hash = fnv(hash, "\n");
	}
	return hash;
}

size_t plan_body_size(const struct plan_header *header, const char **why)
{
	uint64_t size = (uint64_t)header->steps * sizeof(struct step) + header->strings;

	if (header->magic != PLAN_MAGIC || header->version != PLAN_VERSION)
		*why = "this is no plan of this version";
	else if (header->hash != ops_hash())
		*why = "the plan was made for another table of ops";
	else if (header->steps == 0 || header->steps > PLAN_MAX_STEPS || size > PLAN_MAX_BYTES)
		*why = "the plan is empty or too long";
	else if ((header->flags & ~PLAN_REPORT_STEPS) || header->reserved)
		*why = "unknown flags in the header";
	else
		return (size_t)size;
	return 0;
}

/* What the checks of one step carry along. */
struct check {
	const struct plan_header *header;
	const char *strings;
	uint32_t filled; /* slots that an earlier step has filled */
	int slots, texts, numbers;
	const char *why;
};

static int fail(struct check *check, const char *why)
{
	check->why = why;
	return -1;
}

static int starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static int check_slot(struct check *check, const struct step *step, int out, int optional)
{
	uint8_t slot = step->slot[check->slots++];

	if (slot == NO_SLOT)
		return optional ? 0 : fail(check, "a slot is missing");
	if (slot >= PLAN_SLOTS)
		return fail(check, "a slot is out of range");
	if (out ? (check->filled >> slot) & 1 : !((check->filled >> slot) & 1))
		return fail(check, out ? "a slot is filled twice" : "a slot is read before it is filled");
	if (out)
		check->filled |= 1u << slot;
	return 0;
}

/* By the operand's kind: host and path are absolute, str holds no NUL, a list is NUL-ended strings, bytes are free. */
static int check_text(struct check *check, const struct step *step, const char *kind, int optional)
{
	uint32_t at = step->text[check->texts], length = step->length[check->texts];
	const char *text;

	check->texts++;
	if (at == NO_TEXT)
		return optional && length == 0 ? 0 : fail(check, "a text is missing");
	if (at > check->header->strings || length > check->header->strings - at)
		return fail(check, "a text is out of range");
	text = check->strings + at;
	if (starts(kind, "bytes"))
		return 0;
	if (starts(kind, "list"))
		return length && text[length - 1] ? fail(check, "a list has no end") : 0;
	if (length == check->header->strings - at || text[length] || memchr(text, 0, length))
		return fail(check, "a text has no end or carries a NUL");
	if (!starts(kind, "str") && text[0] != '/')
		return fail(check, "a path is not absolute");
	return 0;
}

static int check_operand(struct check *check, const struct step *step, const char *operand)
{
	int optional = operand[strcspn(operand, "?: ")] == '?';

	if (starts(operand, "in") || starts(operand, "out"))
		return check_slot(check, step, starts(operand, "out"), optional);
	if (starts(operand, "num")) {
		check->numbers++;
		return 0;
	}
	return check_text(check, step, operand, optional);
}

/* A step's operands are exactly those of its line in the table; all other fields are empty. */
static int check_step(struct check *check, const struct step *step)
{
	const char *operand;

	if (step->op >= OP_COUNT)
		return fail(check, "unknown op");
	if (step->actor > INIT || !strstr(op_table[step->op].actors, actor_names[step->actor]))
		return fail(check, "an op with the wrong actor");
	if (step->flags & ~(STEP_OPTIONAL | STEP_MKDIR | STEP_MKFILE))
		return fail(check, "unknown flags");
	check->slots = check->texts = check->numbers = 0;
	for (operand = op_table[step->op].operands; *operand; operand += strspn(operand, " ")) {
		if (check_operand(check, step, operand))
			return -1;
		operand += strcspn(operand, " ");
	}
	for (int i = check->slots; i < 4; i++)
		if (step->slot[i] != NO_SLOT)
			return fail(check, "a slot too many");
	for (int i = check->texts; i < 4; i++)
		if (step->text[i] != NO_TEXT || step->length[i])
			return fail(check, "a text too many");
	for (int i = check->numbers; i < 3; i++)
		if (step->number[i])
			return fail(check, "a number too many");
	return 0;
}

static int is_copy(const struct step *step)
{
	return step->op == OP_archive || step->op == OP_extract;
}

/* A command, or the word that a copy is complete. */
static int is_end(const struct step *steps, uint32_t i, uint32_t count)
{
	return i == count - 1 && steps[i].op == (i > 0 && is_copy(&steps[i - 1]) ? OP_report : OP_exec);
}

/* Each actor acts only while it is there: the stage from `stage` to `clone`, init from `clone` to `exec`, the last
 * step, or to a copy, of which the monitor reports. Init goes first once it is born, for nobody could give the monitor
 * its turn. */
static int check_order(const struct step *steps, uint32_t count, const char **why, uint32_t *where)
{
	int staged = 0, cloned = 0;

	for (uint32_t i = 0; i < count; i++) {
		const struct step *step = &steps[i];

		*where = i;
		*why = "a step out of order";
		if (step->actor == STAGE && (!staged || cloned))
			return -1;
		if (step->actor == INIT && !cloned)
			return -1;
		if ((step->op == OP_stage && staged++) || (step->op == OP_clone && cloned++))
			return -1;
		if (step->op == OP_exec || i == count - 1 ? !is_end(steps, i, count) : is_copy(step) && i + 2 != count)
			return -1;
		if (step->op == OP_relay && (i == 0 || steps[i - 1].op != OP_console))
			return -1;
		if (step->op == OP_answer && (i == 0 || steps[i - 1].op != OP_listener))
			return -1;
		if (i > 0 && steps[i - 1].op == OP_clone && step->actor != INIT)
			return -1;
	}
	return 0;
}

int plan_parse(const void *bytes, size_t size, struct plan *plan, const char **why, uint32_t *where)
{
	const struct plan_header *header = bytes;
	struct check check = { .header = header };
	const struct step *steps;
	size_t body;

	*where = 0;
	*why = "the plan is cut short";
	if (size < sizeof(*header))
		return -1;
	body = plan_body_size(header, why);
	if (body == 0)
		return -1;
	if (body != size - sizeof(*header)) {
		*why = "the plan is not as long as it says";
		return -1;
	}
	steps = (const struct step *)(header + 1);
	check.strings = (const char *)(steps + header->steps);
	for (uint32_t i = 0; i < header->steps; i++) {
		if (check_step(&check, &steps[i])) {
			*where = i;
			*why = check.why;
			return -1;
		}
	}
	if (check_order(steps, header->steps, why, where))
		return -1;
	*plan = (struct plan){ steps, check.strings, header->steps, header->flags };
	return 0;
}

const char *list_next(const struct plan *plan, const struct step *step, int index, const char *item)
{
	const char *begin = plan->strings + step->text[index], *end = begin + step->length[index];

	if (step->text[index] == NO_TEXT)
		return NULL;
	item = item ? item + strlen(item) + 1 : begin;
	return item < end ? item : NULL;
}

uint32_t list_count(const struct plan *plan, const struct step *step, int index)
{
	uint32_t count = 0;

	for (const char *item = NULL; (item = list_next(plan, step, index, item));)
		count++;
	return count;
}
