/* SPDX-License-Identifier: BSD-2-Clause */
/* uiommu trace: reads what `uiommu run --trace` has written. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "trace_file.h"

static const char help[] =
	"usage: uiommu trace [OPTIONS] FILE\n"
	"\n"
	"Prints the trace that `uiommu run --trace FILE` has written, a line a\n"
	"record: accesses of devices, commands and events of the SMMU, register\n"
	"writes, interrupts, memory pinned.  The program may still run.\n"
	"\n"
	"  --device BDF   accesses of this device, events and commands about it\n"
	"  --sid N        the same by StreamID\n"
	"  --kind LIST    of dma, cmd, event, write, irq, pin, unpin\n"
	"  --since TIME   from this time on, after the start: 1.5s, 20ms, 3us,\n"
	"  --until TIME   500ns; up to this time\n"
	"  --last N       the last N of them\n"
	"  --stats        figures instead of records\n"
	"  --json         JSON that https://ui.perfetto.dev opens\n"
	"\n"
	"Exit status 2 if FILE is no trace or damaged.\n";

struct options {
	struct trace_filter filter;
	bool stats, json;
	const char *file;
};

static int parse_kinds(struct options *opt, const char *list)
{
	for (;;) {
		size_t len = strcspn(list, ",");
		uint32_t bits = trace_kind_bits(list, len);

		if (!bits)
			return cmd_complain("trace",
					    "--kind: \"%.*s\" is none of dma, "
					    "cmd, event, write, irq, pin, "
					    "unpin",
					    (int)len, list);
		opt->filter.kinds |= bits;
		if (!list[len])
			return CMD_OK;
		list += len + 1;
	}
}

static int parse_time(const char *name, const char *text, double *ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = { { "", 1e9 },
		      { "s", 1e9 },
		      { "ms", 1e6 },
		      { "us", 1e3 },
		      { "ns", 1.0 } };
	double value;
	char *end;

	/* strtod would take signs, names and hexadecimal. */
	if (text[0] >= '0' && text[0] <= '9' &&
	    text[strspn(text, "0123456789.")] != 'x') {
		value = strtod(text, &end);
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (!strcmp(end, units[i].name)) {
				*ns = value * units[i].ns;
				return CMD_OK;
			}
	}
	return cmd_complain("trace", "%s: \"%s\" is no time like 1.5s or 20ms",
			    name, text);
}

static int parse_number(const char *name, const char *text,
			unsigned long long max, unsigned long long *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 0);
	if (text[0] >= '0' && text[0] <= '9' && !errno && !*end && *out <= max)
		return CMD_OK;
	return cmd_complain("trace", "%s: \"%s\" is no number up to %llu", name,
			    text, max);
}

static int set_value(struct options *opt, const char *name, const char *value)
{
	struct trace_filter *filter = &opt->filter;
	unsigned long long number;
	int rc;

	if (!strcmp(name, "--device")) {
		filter->bdf = value;
		return CMD_OK;
	}
	if (!strcmp(name, "--kind"))
		return parse_kinds(opt, value);
	if (!strcmp(name, "--since")) {
		filter->has_since = true;
		return parse_time(name, value, &filter->since);
	}
	if (!strcmp(name, "--until")) {
		filter->has_until = true;
		return parse_time(name, value, &filter->until);
	}
	if (!strcmp(name, "--sid")) {
		rc = parse_number(name, value, UINT32_MAX, &number);
		filter->by_sid = true;
		filter->sid = (uint32_t)number;
		return rc;
	}
	rc = parse_number(name, value, SIZE_MAX, &number);
	filter->has_last = true;
	filter->last = number;
	return rc;
}

static int parse_value(struct options *opt, int argc, char **argv, int *i)
{
	static const char *const names[] = { "--device", "--sid",   "--kind",
					     "--since",	 "--until", "--last" };
	const char *arg = argv[*i];

	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		size_t len = strlen(names[n]);

		if (strncmp(arg, names[n], len))
			continue;
		if (arg[len] == '=')
			return set_value(opt, names[n], arg + len + 1);
		if (arg[len])
			continue;
		if (*i + 1 >= argc)
			return cmd_complain("trace", "%s: no value given",
					    names[n]);
		return set_value(opt, names[n], argv[++*i]);
	}
	return cmd_complain(
		"trace", "unknown option \"%s\"; see uiommu trace --help", arg);
}

static int parse(struct options *opt, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		int rc = CMD_OK;

		if (!strcmp(argv[i], "--stats"))
			opt->stats = true;
		else if (!strcmp(argv[i], "--json"))
			opt->json = true;
		else if (argv[i][0] == '-' && argv[i][1])
			rc = parse_value(opt, argc, argv, &i);
		else if (opt->file)
			rc = cmd_complain("trace", "too many arguments: \"%s\"",
					  argv[i]);
		else
			opt->file = argv[i];
		if (rc)
			return rc;
	}
	if (!opt->file)
		return cmd_complain("trace", "no file given; see uiommu trace "
					     "--help");
	if (opt->stats && opt->json)
		return cmd_complain("trace", "--stats: not with --json");
	return CMD_OK;
}

int cmd_trace(int argc, char **argv)
{
	struct options opt = { 0 };
	struct trace_file file;
	int rc;

	if (cmd_helped(argc, argv, help))
		return CMD_OK;
	rc = parse(&opt, argc, argv);
	if (rc)
		return rc;
	rc = trace_load(&file, opt.file);
	if (rc)
		return rc;
	rc = trace_select(&file, &opt.filter);
	if (!rc && opt.stats)
		trace_print_stats(&file, stdout);
	else if (!rc && opt.json)
		trace_print_json(&file, stdout);
	else if (!rc)
		trace_print(&file, stdout);
	trace_unload(&file);
	return rc ? rc : ferror(stdout) ? CMD_FAILED : CMD_OK;
}
