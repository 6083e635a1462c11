/* SPDX-License-Identifier: BSD-2-Clause */
/* uiommu dump: the state of a run, from the run or from a file. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uiommu/dump.h>
#include <uiommu/launch.h>

#include "cmd.h"
#include "dump_text.h"

static const char help[] =
	"usage: uiommu dump [OPTIONS] PID|FILE\n"
	"\n"
	"Prints what there is in the machine of a program under uiommu run:\n"
	"devices, address spaces and what is mapped, the SMMU's registers, every\n"
	"valid stream table entry and context descriptor, translation tables as\n"
	"ranges, queues.  PID is the program's process or that of uiommu run; FILE\n"
	"is what `uiommu run --dump FILE` has written at the program's end.  The\n"
	"same state gives the same text, so that diff(1) shows what has changed.\n"
	"\n"
	"  --objects  only devices, groups, domains, address spaces\n"
	"  --tables   only registers and tables\n"
	"  --queues   only queues and what waits\n"
	"  --json     as JSON\n"
	"\n"
	"Exit status 2 if there is no such process, or FILE is no dump.\n";

struct options {
	uint32_t parts;
	bool json;
	const char *what;
};

static int parse(struct options *opt, int argc, char **argv)
{
	bool no_more = false;

	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i];

		if (no_more || arg[0] != '-' || !arg[1]) {
			if (opt->what)
				return cmd_complain(
					"dump", "too many arguments: \"%s\"",
					arg);
			opt->what = arg;
		} else if (!strcmp(arg, "--")) {
			no_more = true;
		} else if (!strcmp(arg, "--objects")) {
			opt->parts |= UIOMMU_DUMP_OBJECTS;
		} else if (!strcmp(arg, "--tables")) {
			opt->parts |= UIOMMU_DUMP_TABLES;
		} else if (!strcmp(arg, "--queues")) {
			opt->parts |= UIOMMU_DUMP_QUEUES;
		} else if (!strcmp(arg, "--json")) {
			opt->json = true;
		} else {
			return cmd_complain(
				"dump",
				"unknown option \"%s\"; see uiommu dump --help",
				arg);
		}
	}
	if (!opt->what)
		return cmd_complain("dump", "no process and no file given; see "
					    "uiommu dump --help");
	if (!opt->parts)
		opt->parts = UIOMMU_DUMP_ALL;
	return CMD_OK;
}

static int read_file(const char *path, char **data, size_t *len)
{
	FILE *in = fopen(path, "re");
	size_t room = 0;
	ssize_t n;

	if (!in)
		return cmd_complain("dump", "%s: %s", path, strerror(errno));
	/* Text has no zeros: all of it. */
	n = getdelim(data, &room, '\0', in);
	*len = n > 0 ? (size_t)n : 0;
	if (n >= 0 || feof(in)) {
		fclose(in);
		return CMD_OK;
	}
	cmd_complain("dump", "%s: %s", path, strerror(errno));
	fclose(in);
	free(*data);
	return CMD_USAGE;
}

static int ask_process(const char *what, char **data, size_t *len)
{
	char *end, err[256];
	long pid;

	errno = 0;
	pid = strtol(what, &end, 10);
	if (errno || pid <= 0 || pid > INT_MAX)
		return cmd_complain("dump", "%s: no number of a process", what);
	if (uiommu_launch_dump((int)pid, data, err, sizeof(err)))
		return cmd_complain("dump", "%s", err);
	*len = strlen(*data);
	return CMD_OK;
}

int cmd_dump(int argc, char **argv)
{
	struct options opt = { 0 };
	struct dump_text text;
	size_t len = 0;
	char *data = NULL;
	int rc;

	if (cmd_helped(argc, argv, help))
		return CMD_OK;
	rc = parse(&opt, argc, argv);
	if (rc)
		return rc;
	/* A file whose name is a number is ./NUMBER. */
	if (!opt.what[strspn(opt.what, "0123456789")])
		rc = ask_process(opt.what, &data, &len);
	else
		rc = read_file(opt.what, &data, &len);
	if (rc)
		return rc;
	rc = dump_text_parse(&text, opt.what, data, len);
	if (rc) {
		free(data);
		return rc;
	}
	if (!opt.json)
		dump_text_print(&text, opt.parts, stdout);
	else if (dump_text_print_json(&text, opt.parts, stdout) &&
		 !ferror(stdout))
		rc = cmd_complain("dump", "%s: no JSON: no UTF-8, or no memory",
				  opt.what);
	dump_text_free(&text);
	return rc ? rc : ferror(stdout) ? CMD_FAILED : CMD_OK;
}
