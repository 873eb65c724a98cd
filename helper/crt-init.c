/* crt-init: runs a launch plan (see plan.h and docs/plan.md), and a few verbs. Never to be made setuid: the plan is no
 * privilege boundary, whoever may write one may do all that the helper may. */
#include "monitor.h"
#include "verbs.h"

#include <sys/auxv.h>

/* A line of these words; what does not fit is cut. */
#define PRINT(fd, ...) print_line(fd, (const char *const[]){ __VA_ARGS__, NULL })

static void print_line(int fd, const char *const *words)
{
	char line[1024];
	struct text text = text_in(line, sizeof(line) - 1);

	while (*words)
		add(&text, *words++);
	*text.at++ = '\n';
	/* A reader that is gone has not asked for more. */
	if (write(fd, line, (size_t)(text.at - line)) < 0)
		return;
}

static int print_ops(void)
{
	for (const struct op_info *op = op_table; op < op_table + OP_COUNT; op++)
		PRINT(1, op->name, " ", op->actors, *op->operands ? " " : "", op->operands);
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	int failed;

	if (getauxval(AT_SECURE)) {
		PRINT(2, "crt-init: refusing to run setuid, or with capabilities of its own file");
		return 1;
	}
	if (!strcmp(verb, "run"))
		return monitor(NULL);
	if (!strcmp(verb, "seal"))
		return monitor(seal(argv));
	if (!strcmp(verb, "--ops"))
		return print_ops();
	if (!strcmp(verb, "kill")) {
		failed = verb_kill(argc - 2, argv + 2);
	} else if (!strcmp(verb, "signal")) {
		failed = verb_signal(argc - 2, argv + 2);
	} else if (!strcmp(verb, "opaque")) {
		failed = verb_opaque();
	} else {
		PRINT(2, "usage: crt-init run | seal | --ops | kill PROCS... | signal PID STARTTIME SIGNAL | opaque");
		return 2;
	}
	if (failed)
		PRINT(2, "crt-init: ", verb, ": ", strerror(errno));
	return failed ? 1 : 0;
}
