/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uiommu run: arguments into a struct uiommu_launch_cfg, and the program's
 * way of ending into our own.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uiommu/launch.h>
#include <uiommu/machine.h>

#include "cmd.h"

static const char help[] =
	"usage: uiommu run [OPTIONS] [--] PROGRAM [ARGUMENTS]\n"
	"\n"
	"Runs an unmodified program that finds /dev/iommu, /dev/vfio and the\n"
	"sysfs files of emulated PCI devices behind an emulated SMMUv3.\n"
	"\n"
	"  --device LIST    devices, with commas; options after colons:\n"
	"                   ioat,testep:rw (default: ioat)\n"
	"  --topology FILE  a device tree that names SMMUs and devices\n"
	"  --list-devices   print the devices there would be, and the types\n"
	"  --explain        at the end, say what was done to the IOMMU and how\n"
	"                   DMA was translated\n"
	"  --trace FILE     write what SMMU and devices do to FILE, a ring that\n"
	"                   outlives the program; see uiommu trace --help\n"
	"  --dump FILE      write the machine's state at the program's end to FILE;\n"
	"                   see uiommu dump --help\n"
	"  --check          exit status 1, with a report, on faults that\n"
	"                   nobody took, DMA to memory that was released, and\n"
	"                   mappings or pins that are left\n"
	"  --no-namespace   redirect paths inside the program instead of\n"
	"                   making a mount namespace\n"
	"  --no-live        no thread in the program that answers uiommu dump\n"
	"\n"
	"The exit status is the program's own; 2 if it could not be started.\n"
	"Environment: UIOMMU_NO_NAMESPACE=1 is --no-namespace.\n";

struct options {
	struct uiommu_launch_cfg launch;
	bool list;
	bool done; /* an answer was printed */
};

/* The value of option argv[*i], as "--name VALUE" or "--name=VALUE". */
static const char *value_of(int argc, char **argv, int *i, const char *name)
{
	size_t len = strlen(name);

	if (argv[*i][len] == '=')
		return argv[*i] + len + 1;
	return ++*i < argc ? argv[*i] : NULL;
}

static bool is_option(const char *arg, const char *name)
{
	size_t len = strlen(name);

	return !strncmp(arg, name, len) && (!arg[len] || arg[len] == '=');
}

/* One option; 0 or an exit status. */
static int parse_option(struct options *opt, int argc, char **argv, int *i)
{
	const char *arg = argv[*i];

	if (is_option(arg, "--device")) {
		opt->launch.devices = value_of(argc, argv, i, "--device");
		if (!opt->launch.devices)
			return cmd_complain("run", "--device: no list given");
	} else if (is_option(arg, "--topology")) {
		opt->launch.topology = value_of(argc, argv, i, "--topology");
		if (!opt->launch.topology)
			return cmd_complain("run", "--topology: no file given");
	} else if (is_option(arg, "--trace")) {
		opt->launch.trace = value_of(argc, argv, i, "--trace");
		if (!opt->launch.trace || !opt->launch.trace[0])
			return cmd_complain("run", "--trace: no file given");
	} else if (is_option(arg, "--dump")) {
		opt->launch.dump = value_of(argc, argv, i, "--dump");
		if (!opt->launch.dump || !opt->launch.dump[0])
			return cmd_complain("run", "--dump: no file given");
	} else if (!strcmp(arg, "--list-devices")) {
		opt->list = true;
	} else if (!strcmp(arg, "--explain")) {
		opt->launch.report |= UIOMMU_REPORT_EXPLAIN;
	} else if (!strcmp(arg, "--check")) {
		opt->launch.report |= UIOMMU_REPORT_CHECK;
	} else if (!strcmp(arg, "--no-namespace")) {
		opt->launch.no_namespace = true;
	} else if (!strcmp(arg, "--no-live")) {
		opt->launch.no_live = true;
	} else if (!strcmp(arg, "--help") || !strcmp(arg, "-h")) {
		fputs(help, stdout);
		opt->done = true;
	} else {
		return cmd_complain("run",
				    "unknown option \"%s\"; see uiommu run "
				    "--help",
				    arg);
	}
	return 0;
}

static int parse(struct options *opt, int argc, char **argv)
{
	const char *env = getenv("UIOMMU_NO_NAMESPACE");
	int i, rc;

	opt->launch.no_namespace = env && *env && strcmp(env, "0");
	for (i = 1; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--")) {
			i++;
			break;
		}
		rc = parse_option(opt, argc, argv, &i);
		if (rc || opt->done)
			return rc;
	}
	if (opt->list)
		return 0;
	if (i >= argc || !argv[i][0])
		return cmd_complain("run", "no program given; see uiommu run "
					   "--help");
	opt->launch.argv = argv + i;
	return 0;
}

/* ---------------------------------------------------------------- list --- */

static int list_devices(const struct options *opt)
{
	struct uiommu_machine_cfg cfg = {
		.devices = opt->launch.devices,
		.topology = opt->launch.topology,
		.log_level = UIOMMU_LOG_WARN,
	};
	const struct uiommu_machine_devtype *type;
	const char *bdf, *name;
	struct uiommu_machine *machine;
	char err[256] = "";
	int rc = uiommu_machine_create(&cfg, &machine, err, sizeof(err));

	if (rc)
		return cmd_complain("run", "%s", err[0] ? err : strerror(-rc));
	printf("devices of this machine:\n");
	for (unsigned int i = 0; uiommu_machine_device(machine, i, &bdf, &name);
	     i++)
		printf("  %s  %s\n", bdf, name);
	printf("types for --device:\n");
	for (unsigned int i = 0; (type = uiommu_machine_devtype(i)); i++)
		printf("  %-8s %s  %s\n", type->name, type->ids, type->summary);
	uiommu_machine_destroy(machine);
	return CMD_OK;
}

/* ----------------------------------------------------------------- run --- */

static bool usable(char *path, size_t size, int len)
{
	return len > 0 && (size_t)len < size && !access(path, R_OK);
}

/* Beside us in a build tree, else where it is installed. */
static int find_library(char *path, size_t size)
{
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (len > 0) {
		self[len] = '\0';
		slash = strrchr(self, '/');
		*slash = '\0';
		if (usable(path, size,
			   snprintf(path, size, "%s/%s", self, UIOMMU_LIBRARY)))
			return 0;
		/* Installed under another root than planned: ../lib... */
		if (usable(path, size,
			   snprintf(path, size, "%s/../%s/uiommu/%s", self,
				    UIOMMU_LIBDIR, UIOMMU_LIBRARY)))
			return 0;
	}
	if (usable(path, size,
		   snprintf(path, size, "%s/%s/uiommu/%s", UIOMMU_PREFIX,
			    UIOMMU_LIBDIR, UIOMMU_LIBRARY)))
		return 0;
	return cmd_complain("run",
			    "%s is neither beside this program nor in "
			    "%s/%s/uiommu",
			    UIOMMU_LIBRARY, UIOMMU_PREFIX, UIOMMU_LIBDIR);
}

/*
 * Whoever joins the trace of this run finds an empty file; and one that cannot
 * be written is found out before the program runs.
 */
static int empty_file(const char *option, const char *path)
{
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK | O_CLOEXEC,
		      0644);
	struct stat st;
	int rc = CMD_OK;

	if (fd < 0)
		return cmd_complain("run", "%s: %s: %s", option, path,
				    strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		rc = cmd_complain("run", "%s: %s: no regular file", option,
				  path);
	close(fd);
	return rc;
}

/* End as the program did; a shell sees the same signal. */
static int end_like(int status)
{
	struct rlimit none = { 0, 0 };
	sigset_t set;
	int sig;

	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	sig = WTERMSIG(status);
	setrlimit(RLIMIT_CORE, &none); /* the program has left its own */
	signal(sig, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	raise(sig);
	return 128 + sig;
}

int cmd_run(int argc, char **argv)
{
	struct options opt = { 0 };
	char library[PATH_MAX], err[512] = "";
	unsigned int complaints = 0;
	int status = 0, rc;

	rc = parse(&opt, argc, argv);
	if (rc || opt.done)
		return rc;
	if (opt.list)
		return list_devices(&opt);
#ifndef __x86_64__
	return cmd_complain("run", "not on this architecture yet: accesses to "
				   "mapped BARs are decoded for x86-64 only");
#endif
	rc = find_library(library, sizeof(library));
	if (rc)
		return rc;
	opt.launch.library = library;
	if (opt.launch.trace)
		rc = empty_file("--trace", opt.launch.trace);
	if (!rc && opt.launch.dump)
		rc = empty_file("--dump", opt.launch.dump);
	if (rc)
		return rc;
	rc = uiommu_launch_run(&opt.launch, &status, &complaints, err,
			       sizeof(err));
	if (rc)
		return cmd_complain("run", "%s", err[0] ? err : strerror(-rc));
	if (complaints && WIFEXITED(status))
		return CMD_FAILED;
	return end_like(status);
}
