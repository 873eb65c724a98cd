/* crt-init: runs a launch plan (see plan.h and docs/plan.md), and a few verbs. Never to be made setuid: the plan is no
 * privilege boundary, whoever may write one may do all that the helper may. */
#include "monitor.h"
#include "verbs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int print_ops(void)
{
	for (int i = 0; i < OP_COUNT; i++)
		printf("%s %s%s%s\n", op_table[i].name, op_table[i].actors, *op_table[i].operands ? " " : "",
		       op_table[i].operands);
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (getuid() != geteuid()) {
		fputs("crt-init: refusing to run setuid\n", stderr);
		return 1;
	}
	if (!strcmp(verb, "run"))
		return monitor();
	if (!strcmp(verb, "--ops"))
		return print_ops();
	if (!strcmp(verb, "kill"))
		return verb_kill(argc - 2, argv + 2);
	if (!strcmp(verb, "signal"))
		return verb_signal(argc - 2, argv + 2);
	if (!strcmp(verb, "remove"))
		return verb_remove(argc - 2, argv + 2);
	fputs("usage: crt-init run | --ops | kill PROCS... | signal PID STARTTIME SIGNAL | remove DIRECTORY\n", stderr);
	return 2;
}
