/* The launch plan as it comes over the wire (docs/plan.md), and the pure code that checks it. */
#ifndef CRT_PLAN_H
#define CRT_PLAN_H

#include <stddef.h>
#include <stdint.h>

#define PLAN_MAGIC 0x50747263u /* "crtP", little-endian */
#define PLAN_VERSION 1u
#define PLAN_MAX_BYTES (4u << 20)
#define PLAN_MAX_STEPS 4096u
#define PLAN_SLOTS 32
#define NO_SLOT 0xffu
#define NO_TEXT 0xffffffffu

enum op {
#define OP(id, name, actors, operands) OP_##id,
#include "ops.def"
#undef OP
	OP_COUNT
};

enum actor { MONITOR, STAGE, INIT };

enum step_flag { STEP_OPTIONAL = 1, STEP_MKDIR = 2, STEP_MKFILE = 4 };

/* Header flags. */
#define PLAN_REPORT_STEPS 1u

struct plan_header {
	uint32_t magic, version;
	uint64_t hash;
	uint32_t steps, strings, flags, reserved;
};

struct step {
	uint16_t op;
	uint8_t actor, flags;
	uint8_t slot[4];
	uint32_t text[4], length[4];
	uint64_t number[3];
};

struct plan {
	const struct step *steps;
	const char *strings;
	uint32_t count, flags;
};

struct op_info {
	const char *name, *actors, *operands;
};
extern const struct op_info op_table[OP_COUNT];

/* 64-bit FNV-1a over the lines that `crt-init --ops` prints. */
uint64_t ops_hash(void);

/* Bytes that follow a valid header, or 0 with *why set. */
size_t plan_body_size(const struct plan_header *header, const char **why);

/* Checks everything that can be checked without a system call: 0, or -1 with *why and *where (a step's index) set.
 * `bytes` must be aligned for a uint64_t and stay valid as long as `plan`. */
int plan_parse(const void *bytes, size_t size, struct plan *plan, const char **why, uint32_t *where);

/* The text operand `index` of a step, or NULL where it is absent. */
static inline const char *text_of(const struct plan *plan, const struct step *step, int index)
{
	return step->text[index] == NO_TEXT ? NULL : plan->strings + step->text[index];
}

/* Walks a list operand: the string after `item` (NULL to begin), NULL at its end. */
const char *list_next(const struct plan *plan, const struct step *step, int index, const char *item);
uint32_t list_count(const struct plan *plan, const struct step *step, int index);

#endif
