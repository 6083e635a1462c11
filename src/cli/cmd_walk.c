/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uiommu walk - explains one access: of a recorded case, or of a dump.
 *
 * A case is run up to the access on a model of its own, so what software did
 * before it counts; the access itself is only explained.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "replay.h"
#include "walk.h"
#include "walk_raw.h"

static const char help[] =
	"usage: uiommu walk [--json] [--step N] FILE [CASE-ID]\n"
	"       uiommu walk [--json] --mem ADDRESS:FILE... --reg REGISTER=VALUE...\n"
	"                   --sid N --iova ADDRESS [OPTIONS]\n"
	"\n"
	"Explains one access step by step: stream table entry, context\n"
	"descriptor, each table level, and the result or the event and what\n"
	"is the reason for it.\n"
	"\n"
	"FILE is a case or a recording as for `uiommu replay`.  Without CASE-ID\n"
	"its first case is taken, without --step the first dma step that\n"
	"faults, or else the first one.\n"
	"\n"
	"  --json              one object of JSON instead of text\n"
	"  --step N            this step of the case, counted from 0\n"
	"  --mem ADDRESS:FILE  the bytes of FILE stand at this physical address\n"
	"  --reg REGISTER=VAL  by name (STRTAB_BASE) or offset (0x80); without\n"
	"                      CR0 the SMMU is taken to be on\n"
	"  --profile NAME      the SMMU's ID registers (default: full); IDR0 to\n"
	"                      IDR6 and AIDR can be given by --reg too\n"
	"  --sid N             StreamID of the access\n"
	"  --ssid N            SubstreamID (PASID)\n"
	"  --iova ADDRESS      its address\n"
	"  --write --priv --instr   what kind of access it is\n"
	"\n"
	"Exit status 0 whether or not the access faults; 2 if the input is wrong.\n";

struct options {
	bool json, raw;
	bool has_step, has_sid, has_iova;
	uint64_t step;
	struct uiommu_smmuv3_txn txn;
	const char *file, *case_id;
	const char *raw_option, *case_option; /* to complain about */
	struct walk_raw dump;
};

/* ------------------------------------------------------------- options -- */

static int set_number(struct options *opt, const char *name, const char *value)
{
	uint64_t number, max = UINT64_MAX;

	if (!strcmp(name, "--sid"))
		max = UINT32_MAX;
	else if (!strcmp(name, "--ssid"))
		max = 0xfffff;
	if (!walk_number(value, max, &number))
		return cmd_complain("walk",
				    "%s: \"%s\" is no number up to %#llx", name,
				    value, (unsigned long long)max);
	if (!strcmp(name, "--sid")) {
		opt->txn.sid = (uint32_t)number;
		opt->has_sid = true;
	} else if (!strcmp(name, "--ssid")) {
		opt->txn.ssid = (uint32_t)number;
		opt->txn.flags |= UIOMMU_TXN_SSV;
	} else if (!strcmp(name, "--iova")) {
		opt->txn.iova = number;
		opt->has_iova = true;
	} else {
		opt->step = number;
		opt->has_step = true;
	}
	return CMD_OK;
}

/* Options without a value; false: not one of them. */
static bool set_flag(struct options *opt, const char *arg)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} flags[] = {
		{ "--write", UIOMMU_TXN_WRITE },
		{ "--priv", UIOMMU_TXN_PRIV },
		{ "--instr", UIOMMU_TXN_INSTR },
	};

	if (!strcmp(arg, "--json")) {
		opt->json = true;
		return true;
	}
	for (unsigned int i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (strcmp(arg, flags[i].name))
			continue;
		opt->txn.flags |= flags[i].flag;
		opt->raw_option = flags[i].name;
		return true;
	}
	return false;
}

static int set_value(struct options *opt, const char *name, const char *value)
{
	if (!strcmp(name, "--step")) {
		opt->case_option = "--step";
		return set_number(opt, name, value);
	}
	opt->raw_option = name;
	if (!strcmp(name, "--mem"))
		return walk_raw_mem(&opt->dump, value);
	if (!strcmp(name, "--reg"))
		return walk_raw_reg(&opt->dump, value);
	if (!strcmp(name, "--profile"))
		return walk_raw_profile(&opt->dump, value);
	return set_number(opt, name, value);
}

/* An option with a value, "--name VALUE" or "--name=VALUE". */
static int parse_value(struct options *opt, int argc, char **argv, int *i)
{
	static const char *const names[] = { "--step",	 "--mem",  "--reg",
					     "--sid",	 "--ssid", "--iova",
					     "--profile" };
	const char *arg = argv[*i];

	for (unsigned int n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		size_t len = strlen(names[n]);

		if (strncmp(arg, names[n], len))
			continue;
		if (arg[len] == '=')
			return set_value(opt, names[n], arg + len + 1);
		if (arg[len])
			continue;
		if (*i + 1 >= argc)
			return cmd_complain("walk", "%s: no value given",
					    names[n]);
		return set_value(opt, names[n], argv[++*i]);
	}
	return cmd_complain("walk",
			    "unknown option \"%s\"; see uiommu walk "
			    "--help",
			    arg);
}

static int parse(struct options *opt, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int rc = CMD_OK;

		if (argv[i][0] != '-' || !argv[i][1]) {
			if (opt->case_id)
				return cmd_complain("walk",
						    "too many arguments: "
						    "\"%s\"",
						    argv[i]);
			if (opt->file)
				opt->case_id = argv[i];
			else
				opt->file = argv[i];
		} else if (!set_flag(opt, argv[i])) {
			rc = parse_value(opt, argc, argv, &i);
		}
		if (rc)
			return rc;
	}
	return CMD_OK;
}

static int check(struct options *opt)
{
	if (opt->file && opt->raw_option)
		return cmd_complain("walk",
				    "%s: not with a file; the case says it",
				    opt->raw_option);
	if (opt->file)
		return CMD_OK;
	if (!opt->raw_option)
		return cmd_complain("walk", "no file and no --mem given; see "
					    "uiommu walk --help");
	if (opt->case_option)
		return cmd_complain("walk", "%s: only with a file",
				    opt->case_option);
	if (!opt->has_sid || !opt->has_iova)
		return cmd_complain("walk", "%s is missing",
				    opt->has_sid ? "--iova" : "--sid");
	opt->raw = true;
	return CMD_OK;
}

/* ---------------------------------------------------------------- case -- */

static bool is_dma(const json_t *step)
{
	const char *op = json_string_value(json_object_get(step, "op"));

	return op && !strcmp(op, "dma");
}

static int take_access(struct walk *walk, struct replay *replay,
		       const json_t *step)
{
	uint8_t buf[REPLAY_MAX_DMA];
	struct uiommu_smmuv3_dma dma;
	int rc = replay_dma_request(replay, step, &dma, buf);

	walk->txn = dma.txn;
	walk->len = dma.len;
	return rc;
}

/*
 * Run the case up to the step that is wanted and explain it.  `wanted` is its
 * number, or -1: the first that faults.  1: there was none.
 */
static int run_to(struct walk *walk, struct replay *replay,
		  const json_t *test_case, long wanted)
{
	const json_t *steps = json_object_get(test_case, "steps");
	long n = (long)json_array_size(steps);
	int rc = replay_start(replay, test_case);
	json_t *result;

	if (rc)
		return rc;
	walk->model = replay->model;
	walk->profile = &replay->profile;
	for (long i = 0; i < n; i++) {
		const json_t *step = json_array_get(steps, (size_t)i);

		if (is_dma(step) && (wanted < 0 || wanted == i)) {
			rc = take_access(walk, replay, step);
			if (rc)
				return replay_within(&replay->error,
						     "steps[%ld]", i);
			walk->case_step = i;
			walk_explain(walk);
			if (wanted == i || walk->answer)
				return 0;
		}
		result = json_object();
		rc = replay_step(replay, test_case, (size_t)i, result);
		json_decref(result);
		if (rc)
			return rc;
	}
	return 1;
}

static long first_dma(const json_t *test_case)
{
	const json_t *steps = json_object_get(test_case, "steps");

	for (size_t i = 0; i < json_array_size(steps); i++)
		if (is_dma(json_array_get(steps, i)))
			return (long)i;
	return -1;
}

static int show(const struct options *opt, const struct walk *walk)
{
	if (opt->json)
		return walk_print_json(walk, stdout) ? CMD_FAILED : CMD_OK;
	walk_print(walk, stdout);
	return ferror(stdout) ? CMD_FAILED : CMD_OK;
}

/* Is --step a dma step? */
static int check_step(const struct options *opt, const struct recording *rec,
		      const json_t *test_case)
{
	const json_t *steps = json_object_get(test_case, "steps");
	const json_t *step = json_array_get(steps, opt->step);

	if (!step)
		return recording_complain(rec, rec->value_line,
					  "--step %llu: the case has %zu steps",
					  (unsigned long long)opt->step,
					  json_array_size(steps));
	if (!is_dma(step))
		return recording_complain(rec, rec->value_line,
					  "--step %llu: no dma step",
					  (unsigned long long)opt->step);
	return CMD_OK;
}

static int walk_case(const struct options *opt, struct replay *replay,
		     const struct recording *rec, const json_t *value,
		     const json_t *test_case)
{
	const json_t *id = json_object_get(test_case, "id");
	struct walk walk = { .file = opt->file, .case_id = "?" };
	long first = first_dma(test_case);
	int rc;

	if (json_is_string(id))
		walk.case_id = json_string_value(id);
	rc = opt->has_step ? check_step(opt, rec, test_case) : CMD_OK;
	if (rc)
		return rc;
	rc = run_to(&walk, replay, test_case,
		    opt->has_step ? (long)opt->step : -1);
	if (rc == 1 && first >= 0) {
		replay_stop(replay);
		rc = run_to(&walk, replay, test_case, first);
	}
	if (rc < 0)
		rc = replay_complain(replay, rec, value, test_case);
	else if (rc)
		rc = recording_complain(rec, rec->value_line,
					"case %s has no dma step",
					walk.case_id);
	else
		rc = show(opt, &walk);
	replay_stop(replay);
	return rc;
}

static bool is_wanted(const struct options *opt, const json_t *test_case)
{
	const json_t *id = json_object_get(test_case, "id");
	char text[32] = "";

	if (!opt->case_id)
		return true;
	if (json_is_integer(id))
		snprintf(text, sizeof(text), "%lld",
			 (long long)json_integer_value(id));
	return !strcmp(json_is_string(id) ? json_string_value(id) : text,
		       opt->case_id);
}

static int walk_values(const struct options *opt, struct replay *replay,
		       struct recording *rec)
{
	const json_t *test_case;
	json_t *value;
	int got, rc;

	while ((got = recording_next(rec, &value)) > 0) {
		got = replay_take(replay, rec, value, &test_case);
		if (got < 0 || (got && is_wanted(opt, test_case))) {
			rc = got < 0 ? CMD_USAGE
				     : walk_case(opt, replay, rec, value,
						 test_case);
			json_decref(value);
			return rc;
		}
		json_decref(value);
	}
	if (got < 0)
		return CMD_USAGE;
	if (opt->case_id)
		return recording_complain(rec, 0, "there is no case \"%s\"",
					  opt->case_id);
	return recording_complain(rec, rec->line, "there is no case in it");
}

static int walk_file(const struct options *opt)
{
	struct replay *replay;
	struct recording rec;
	int rc = recording_open(&rec, "walk", opt->file);

	if (rc)
		return rc;
	if (replay_create(&replay)) {
		rc = recording_complain(&rec, 0, "no memory for the RAM");
	} else {
		rc = walk_values(opt, replay, &rec);
		replay_destroy(replay);
	}
	recording_close(&rec);
	return rc;
}

static int walk_dump(struct options *opt)
{
	struct walk walk = { .txn = opt->txn, .case_step = -1 };
	int rc = walk_raw_start(&opt->dump);

	if (rc)
		return rc;
	walk.model = opt->dump.model;
	walk.profile = &opt->dump.profile;
	walk.assumed_on = !opt->dump.has_cr0;
	walk_explain(&walk);
	return show(opt, &walk);
}

int cmd_walk(int argc, char **argv)
{
	struct options *opt;
	int rc;

	if (cmd_helped(argc, argv, help))
		return CMD_OK;
	opt = calloc(1, sizeof(*opt));
	if (!opt)
		return cmd_complain("walk", "no memory");
	rc = parse(opt, argc, argv);
	if (!rc)
		rc = check(opt);
	if (!rc)
		rc = opt->raw ? walk_dump(opt) : walk_file(opt);
	walk_raw_stop(&opt->dump);
	free(opt);
	return rc;
}
