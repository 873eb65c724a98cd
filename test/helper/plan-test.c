/* The loader against plans that are right and plans that are wrong, each in one way: `plan-test [PLAN...]`. The files
 * are plans of the real compiler. Run under the address and undefined behaviour sanitizers. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 8
#define STRINGS 64

/* A small plan, as it lies on the wire. */
struct wire {
	struct plan_header header;
	struct step steps[STEPS];
	char strings[STRINGS];
};

static int checks, failures;

static void check(int right, const char *what, const char *detail)
{
	checks++;
	if (right)
		return;
	failures++;
	printf("not ok: %s: %s\n", what, detail);
}

/* Parses a copy of exactly this size, so that a read beyond its end is caught: NULL, or why it was refused. */
static const char *parse(const void *bytes, size_t size, uint32_t *where)
{
	void *copy = malloc(size ? size : 1);
	const char *why = NULL;
	struct plan plan;
	int result;

	memcpy(copy, bytes, size);
	result = plan_parse(copy, size, &plan, &why, where);
	free(copy);
	return result ? why : NULL;
}

static struct step make_step(enum op op, enum actor actor)
{
	struct step step = { .op = (uint16_t)op, .actor = (uint8_t)actor };

	memset(step.slot, NO_SLOT, sizeof(step.slot));
	memset(step.text, 0xff, sizeof(step.text));
	return step;
}

/* stage, open, file, hostname …: `list` is at 0 ("a", "b"), a path at 4, an empty list at 0. */
static struct wire make_plan(void)
{
	struct wire wire = { .header = { PLAN_MAGIC, PLAN_VERSION, ops_hash(), STEPS, STRINGS, 0, 0 } };
	struct step *steps = wire.steps;

	memcpy(wire.strings, "a\0b\0/path\0name", 14);
	steps[0] = make_step(OP_stage, MONITOR);
	steps[1] = make_step(OP_open, STAGE);
	steps[1].slot[0] = 3;
	steps[1].text[0] = 4;
	steps[1].length[0] = 5;
	steps[2] = make_step(OP_probe, STAGE);
	steps[2].slot[0] = 3;
	steps[2].text[0] = 0;
	steps[2].length[0] = 4;
	steps[3] = make_step(OP_file, STAGE);
	steps[3].text[0] = 4;
	steps[3].length[0] = 5;
	steps[3].text[1] = 1;
	steps[3].length[1] = 3;
	steps[4] = make_step(OP_clone, STAGE);
	steps[4].slot[0] = 4;
	steps[5] = make_step(OP_hostname, INIT);
	steps[5].text[0] = 10;
	steps[5].length[0] = 4;
	steps[6] = make_step(OP_loopback, INIT);
	steps[7] = make_step(OP_exec, INIT);
	for (int i = 0; i < 3; i++) {
		steps[7].text[i] = 0;
		steps[7].length[i] = i == 2 ? 0 : 4;
	}
	return wire;
}

static struct step make_report(void)
{
	struct step step = make_step(OP_report, MONITOR);

	step.text[0] = 10;
	step.length[0] = 4;
	return step;
}

static struct step make_copy(void)
{
	struct step step = make_step(OP_extract, INIT);

	step.slot[0] = 3;
	step.text[0] = 4;
	step.length[0] = 5;
	return step;
}

/* Each line breaks one thing; `why` is how the loader's words begin, `where` the step that it names. */
#define REFUSED(change, words, index)                                                                                  \
	do {                                                                                                           \
		struct wire wire = make_plan();                                                                        \
		struct step *steps = wire.steps;                                                                       \
		uint32_t where = ~0u;                                                                                  \
		const char *why;                                                                                       \
		(void)steps;                                                                                           \
		change;                                                                                                \
		why = parse(&wire, sizeof(wire), &where);                                                              \
		check(why != NULL, #change, "was accepted");                                                           \
		check(why == NULL || !strncmp(why, words, strlen(words)), #change, why ? why : "");                    \
		check(why == NULL || where == (index), #change, "names another step");                                 \
	} while (0)

static void test_header(void)
{
	REFUSED(wire.header.magic ^= 1, "this is no plan", 0);
	REFUSED(wire.header.version++, "this is no plan", 0);
	REFUSED(wire.header.hash ^= 1ull << 63, "the plan was made for another", 0);
	REFUSED(wire.header.steps = 0, "the plan is empty", 0);
	REFUSED(wire.header.steps = PLAN_MAX_STEPS + 1, "the plan is empty or too long", 0);
	REFUSED(wire.header.strings = PLAN_MAX_BYTES, "the plan is empty or too long", 0);
	REFUSED(wire.header.strings = 0xffffffff, "the plan is empty or too long", 0);
	REFUSED(wire.header.steps++, "the plan is not as long", 0);
	REFUSED(wire.header.strings--, "the plan is not as long", 0);
	REFUSED(wire.header.flags = 2, "unknown flags", 0);
	REFUSED(wire.header.reserved = 1, "unknown flags", 0);
}

static void test_steps(void)
{
	REFUSED(steps[6].op = OP_COUNT, "unknown op", 6);
	REFUSED(steps[6].op = 0xffff, "unknown op", 6);
	REFUSED(steps[6].actor = MONITOR, "an op with the wrong actor", 6);
	REFUSED(steps[1].actor = INIT, "an op with the wrong actor", 1);
	REFUSED(steps[6].actor = 3, "an op with the wrong actor", 6);
	REFUSED(steps[6].flags = 8, "unknown flags", 6);
	REFUSED(steps[6].number[0] = 1, "a number too many", 6);
	REFUSED(steps[4].number[1] = 1, "a number too many", 4);
	REFUSED(steps[6].slot[0] = 3, "a slot too many", 6);
	REFUSED(steps[6].text[0] = 0, "a text too many", 6);
	REFUSED(steps[6].length[3] = 1, "a text too many", 6);
}

static void test_slots(void)
{
	REFUSED(steps[1].slot[0] = NO_SLOT, "a slot is missing", 1);
	REFUSED(steps[1].slot[0] = PLAN_SLOTS, "a slot is out of range", 1);
	REFUSED(steps[2].slot[0] = 5, "a slot is read before it is filled", 2);
	REFUSED(steps[4].slot[0] = 3, "a slot is filled twice", 4);
	REFUSED(steps[4].slot[1] = 6, "a slot is read before it is filled", 4);
}

static void test_texts(void)
{
	REFUSED(steps[1].text[0] = NO_TEXT, "a text is missing", 1);
	REFUSED(steps[1].text[0] = STRINGS + 1, "a text is out of range", 1);
	REFUSED(steps[1].length[0] = STRINGS, "a text is out of range", 1);
	REFUSED(steps[3].length[1] = 0xfffffff0, "a text is out of range", 3);
	REFUSED(steps[5].length[0] = 3, "a text has no end", 5);
	REFUSED((steps[5].text[0] = 0, steps[5].length[0] = 3), "a text has no end or carries a NUL", 5);
	REFUSED((steps[5].length[0] = STRINGS - 10, memset(wire.strings + 10, 'x', STRINGS - 10)), "a text has no end",
		5);
	REFUSED((steps[1].text[0] = 5, steps[1].length[0] = 4), "a path is not absolute", 1);
	REFUSED((steps[1].text[0] = 9, steps[1].length[0] = 0), "a path is not absolute", 1);
	REFUSED(steps[2].length[0] = 3, "a list has no end", 2);
	REFUSED(steps[7].length[1] = 1, "a list has no end", 7);
}

static void test_order(void)
{
	REFUSED(steps[0] = steps[6], "a step out of order", 0);
	REFUSED(steps[2] = steps[0], "a step out of order", 2);
	REFUSED((steps[6] = steps[4], steps[6].slot[0] = 9), "a step out of order", 6);
	REFUSED((steps[6] = steps[3]), "a step out of order", 6);
	REFUSED((steps[4] = steps[3]), "a step out of order", 5);
	REFUSED(steps[7] = steps[6], "a step out of order", 7);
	REFUSED(steps[6] = steps[7], "a step out of order", 6);
	REFUSED(steps[7] = make_report(), "a step out of order", 7);
	REFUSED(steps[6] = make_copy(), "a step out of order", 7);
	REFUSED((steps[5] = make_copy(), steps[7] = make_report()), "a step out of order", 5);
	REFUSED((steps[6] = make_step(OP_loopback, INIT), steps[7] = make_copy()), "a step out of order", 7);
	/* Nobody could give the monitor its turn. */
	REFUSED((steps[5] = make_step(OP_report, MONITOR), steps[5].text[0] = 10, steps[5].length[0] = 4),
		"a step out of order", 5);
	/* A relay has a descriptor to wait for only after a console. */
	REFUSED((steps[6] = make_step(OP_relay, MONITOR), steps[6].slot[0] = 7), "a step out of order", 6);
	REFUSED((steps[6] = make_step(OP_answer, MONITOR), steps[6].slot[0] = 7), "a step out of order", 6);
}

static void test_cuts(const char *name, const unsigned char *bytes, size_t size)
{
	uint32_t where;

	check(parse(bytes, size, &where) == NULL, name, "a right plan was refused");
	for (size_t cut = 0; cut < size; cut++)
		if (parse(bytes, cut, &where) == NULL)
			check(0, name, "a plan that is cut was accepted");
	checks++;
}

/* Whatever one wrong bit does, it is not a crash. */
static void test_bits(unsigned char *bytes, size_t size)
{
	uint32_t where;

	for (size_t bit = 0; bit<size * 8; bit += size> 4096 ? 61 : 1) {
		bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
		parse(bytes, size, &where);
		bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
	}
}

static void test_file(const char *name)
{
	static unsigned char bytes[sizeof(struct plan_header) + PLAN_MAX_BYTES];
	FILE *file = fopen(name, "re");
	size_t size = file ? fread(bytes, 1, sizeof(bytes), file) : 0;

	if (file)
		fclose(file);
	test_cuts(name, bytes, size);
	test_bits(bytes, size);
}

static void test_lists(void)
{
	struct wire wire = make_plan();
	struct plan plan;
	const char *why, *item;
	uint32_t where;

	check(plan_parse(&wire, sizeof(wire), &plan, &why, &where) == 0, "lists", "the plan was refused");
	check(list_count(&plan, &plan.steps[7], 0) == 2, "a list of two", "has another count");
	check(list_count(&plan, &plan.steps[7], 2) == 0, "an empty list", "has another count");
	item = list_next(&plan, &plan.steps[7], 0, NULL);
	check(item && !strcmp(item, "a"), "a list", "begins otherwise");
	item = list_next(&plan, &plan.steps[7], 0, item);
	check(item && !strcmp(item, "b"), "a list", "goes on otherwise");
	check(!list_next(&plan, &plan.steps[7], 0, item), "a list", "does not end");
	check(!text_of(&plan, &plan.steps[6], 0), "an absent text", "is there");
}

int main(int count, char **files)
{
	struct wire wire = make_plan();

	test_header();
	test_steps();
	test_slots();
	test_texts();
	test_order();
	test_lists();
	test_cuts("hand-made", (const unsigned char *)&wire, sizeof(wire));
	test_bits((unsigned char *)&wire, sizeof(wire));
	for (int i = 1; i < count; i++)
		test_file(files[i]);
	printf("plan-test: %d checks, %d files, %d failures\n", checks, count - 1, failures);
	return failures ? 1 : 0;
}
