/* crt-init: runs a launch plan (see plan.h and docs/plan.md), and a few verbs. Never to be made setuid: the plan is no
 * privilege boundary, whoever may write one may do all that the helper may. */
#include "monitor.h"
#include "verbs.h"

#include <string.h>
#include <sys/auxv.h>

static int print_ops(void)
{
	for (int i = 0; i < OP_COUNT; i++) {
		char line[128];
		struct text text = text_in(line, sizeof(line));

		add(&text, op_table[i].name);
		add(&text, " ");
		add(&text, op_table[i].actors);
		print_line(1, line, *op_table[i].operands ? " " : "", op_table[i].operands);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (getauxval(AT_SECURE)) {
		print_line(2, "crt-init: ", "refusing to run setuid, or with capabilities of its own file", "");
		return 1;
	}
	if (!strcmp(verb, "run"))
		return monitor(NULL);
	if (!strcmp(verb, "seal"))
		return monitor(seal(argv));
	if (!strcmp(verb, "--ops"))
		return print_ops();
	if (!strcmp(verb, "kill"))
		return verb_kill(argc - 2, argv + 2);
	if (!strcmp(verb, "signal"))
		return verb_signal(argc - 2, argv + 2);
	if (!strcmp(verb, "opaque"))
		return verb_opaque();
	print_line(2, "usage: crt-init run | seal | --ops | kill PROCS... | ", "signal PID STARTTIME SIGNAL | ",
		   "opaque");
	return 2;
}
