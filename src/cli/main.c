/* SPDX-License-Identifier: BSD-2-Clause */
/* uiommu VERB ...: finds the verb; each lives in a cmd_<verb>.c. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} verbs[] = {
	{ "run", cmd_run, "run a program in front of the emulated IOMMU" },
	{ "doctor", cmd_doctor, "say whether this machine can do that" },
	{ "replay", cmd_replay, "run recorded cases on the SMMUv3 model" },
	{ "walk", cmd_walk, "explain one access, table by table" },
	{ "dump", cmd_dump, "print the state of a run" },
	{ "trace", cmd_trace, "print what run --trace has written" },
};

enum {
	NR_VERBS = sizeof(verbs) / sizeof(verbs[0])
};

bool cmd_helped(int argc, char **argv, const char *help)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		if (strcmp(argv[i], "--help") && strcmp(argv[i], "-h"))
			continue;
		fputs(help, stdout);
		return true;
	}
	return false;
}

int cmd_complain(const char *verb, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "uiommu: %s: ", verb);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return CMD_USAGE;
}

static void print_usage(FILE *out)
{
	fprintf(out, "usage: uiommu VERB [ARGUMENTS]\n\n"
		     "An IOMMU stack in user space: SMMUv3 model, driver, "
		     "iommufd and VFIO.\n\n");
	for (unsigned int i = 0; i < NR_VERBS; i++)
		fprintf(out, "  %-8s %s\n", verbs[i].name, verbs[i].summary);
	fprintf(out, "\n  --help     this text; after a verb, its own\n"
		     "  --version  the version\n");
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : NULL;

	if (!name) {
		print_usage(stderr);
		return CMD_USAGE;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h") ||
	    !strcmp(name, "help")) {
		print_usage(stdout);
		return CMD_OK;
	}
	if (!strcmp(name, "--version")) {
		printf("uiommu %s\n", UIOMMU_VERSION);
		return CMD_OK;
	}
	for (unsigned int i = 0; i < NR_VERBS; i++)
		if (!strcmp(name, verbs[i].name))
			return verbs[i].run(argc - 1, argv + 1);
	fprintf(stderr, "uiommu: unknown verb \"%s\"; see uiommu --help\n",
		name);
	return CMD_USAGE;
}
