/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uiommu replay [--pretty] FILE... - run recorded cases on the SMMUv3 model.
 *
 * A file is one case, or a recording: values of JSON one after the other, the
 * first perhaps a header, compressed by xz or not.
 */
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "replay.h"

static const char help[] =
	"usage: uiommu replay [--pretty] FILE...\n"
	"\n"
	"Runs recorded cases on the SMMUv3 model alone and prints the outcome\n"
	"of each as a line of JSON.  A file is a case or a recording, perhaps\n"
	"compressed by xz; docs/case-format.md tells the format.\n"
	"\n"
	"  --pretty  print outcomes with line breaks\n"
	"\n"
	"Exit status 2 if a file is damaged; the message names file, line and\n"
	"key.\n";

static int print_outcome(const json_t *test_case, json_t *outcome, bool pretty)
{
	json_t *id = json_object_get(test_case, "id");
	json_t *line = json_pack("{s:O,s:o}", "id", id ? id : json_null(),
				 "outcome", outcome);
	size_t flags = pretty ? JSON_INDENT(2) : JSON_COMPACT;
	int rc = json_dumpf(line, stdout, flags);

	json_decref(line);
	putchar('\n');
	return rc || ferror(stdout) ? CMD_FAILED : CMD_OK;
}

/*
 * All values of the file; *cases counts.  A case that is wrong does not keep
 * the others from running.
 */
static int replay_values(struct replay *replay, struct recording *rec,
			 bool pretty, unsigned long *cases)
{
	const json_t *test_case;
	int status = CMD_OK, got;
	json_t *value;

	while ((got = recording_next(rec, &value)) > 0) {
		int rc = CMD_OK;

		got = replay_take(replay, rec, value, &test_case);
		if (got > 0) {
			json_t *outcome = replay_run(replay, test_case);

			rc = outcome ? print_outcome(test_case, outcome, pretty)
				     : replay_complain(replay, rec, value,
						       test_case);
			++*cases;
		}
		json_decref(value);
		if (got < 0)
			return CMD_USAGE;
		if (rc > status)
			status = rc;
	}
	return got < 0 ? CMD_USAGE : status;
}

static int replay_file(const char *path, bool pretty)
{
	unsigned long cases = 0;
	struct replay *replay;
	struct recording rec;
	int rc = recording_open(&rec, "replay", path);

	if (rc)
		return rc;
	if (replay_create(&replay)) {
		rc = recording_complain(&rec, 0, "no memory for the RAM");
	} else {
		rc = replay_values(replay, &rec, pretty, &cases);
		if (!rc && !cases)
			rc = recording_complain(&rec, rec.line,
						"there is no case in it");
		replay_destroy(replay);
	}
	recording_close(&rec);
	return rc;
}

int cmd_replay(int argc, char **argv)
{
	bool pretty = false;
	int i = 1, rc = CMD_OK;

	for (; i < argc && argv[i][0] == '-' && argv[i][1]; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			fputs(help, stdout);
			return CMD_OK;
		}
		if (!strcmp(argv[i], "--")) {
			i++;
			break;
		}
		if (strcmp(argv[i], "--pretty"))
			return cmd_complain("replay",
					    "unknown option \"%s\"; see "
					    "uiommu replay --help",
					    argv[i]);
		pretty = true;
	}
	if (i >= argc)
		return cmd_complain("replay", "no file given; see uiommu "
					      "replay --help");
	for (; i < argc && !rc; i++)
		rc = replay_file(argv[i], pretty);
	return rc;
}
