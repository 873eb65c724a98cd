/* The loader against arbitrary bytes (libFuzzer): whatever it accepts must be walked safely to the last list. */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads all that the interpreter would, so that the address sanitizer sees an offset that points outside. */
static size_t walk(const struct plan *plan)
{
	size_t length = 0;

	for (uint32_t i = 0; i < plan->count; i++) {
		for (int text = 0; text < 4; text++) {
			const struct step *step = &plan->steps[i];
			const char *item = NULL;
			const char *kind = op_table[step->op].operands;

			if (step->text[text] == NO_TEXT)
				continue;
			if (strstr(kind, "bytes")) {
				for (uint32_t at = 0; at < step->length[text]; at++)
					length += (unsigned char)text_of(plan, step, text)[at];
				continue;
			}
			while ((item = list_next(plan, step, text, item)))
				length += strlen(item);
			if (step->length[text] != 0)
				length += strlen(text_of(plan, step, text)) + list_count(plan, step, text);
		}
	}
	return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plan_header header;
	struct plan plan;
	const char *why;
	uint32_t where;
	/* A copy of exactly this size: one byte too far is seen. And it is aligned, as the loader's memory is. */
	void *bytes = malloc(size ? size : 1);

	memcpy(bytes, data, size);
	if (size >= sizeof(header)) {
		memcpy(&header, data, sizeof(header));
		/* The hash is not for the fuzzer to find. */
		header.magic = PLAN_MAGIC;
		header.version = PLAN_VERSION;
		header.hash = ops_hash();
		memcpy(bytes, &header, sizeof(header));
		if (plan_body_size(&header, &why) > PLAN_MAX_BYTES)
			abort();
	}
	if (plan_parse(bytes, size, &plan, &why, &where) == 0 && walk(&plan) > 16 * (size_t)PLAN_MAX_BYTES)
		abort();
	free(bytes);
	return 0;
}
