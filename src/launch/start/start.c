/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `uiommu run` from the outside: look at the program, prepare a directory for
 * this run, fork, hand signals on, wait, print reports, clean up.
 *
 * The child prepares its own mount namespace and says by a pipe that closes on
 * exec how far it came.  If the namespace cannot be had it ends, and a second
 * child runs with redirected paths.
 */
#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <uiommu/machine.h>

#include "../program.h"
#include "start.h"

enum {
	STEP_NAMESPACE = 1,
	STEP_EXEC
};

/* What a child that did not get to exec says. */
struct verdict {
	int step;
	struct stage_error error;
};

struct run {
	const struct uiommu_launch_cfg *cfg;
	struct program program;
	struct nodes nodes;
	char path[PATH_MAX];	/* of the program */
	char dir[PATH_MAX];	/* of this run */
	char library[PATH_MAX]; /* without characters LD_PRELOAD splits at */
	sigset_t mask;		/* the caller's */
	struct sigaction chld;	/* the caller's */
	pid_t pid;
};

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	remove(path);
	return 0;
}

void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

/* --------------------------------------------------------- preparation --- */

static int find_program(struct run *run, char *err, size_t err_len)
{
	const char *name = run->cfg->argv[0];

	if (!program_find(name, getenv("PATH"), run->path, sizeof(run->path))) {
		snprintf(err, err_len, "%s: no such program", name);
		return -ENOENT;
	}
	program_check(run->path, &run->program);
	if (run->program.kind == PROGRAM_OK)
		return 0;
	if (run->program.kind == PROGRAM_MISSING) {
		snprintf(err, err_len, "%s: %s", name, run->program.reason);
		return -ENOENT;
	}
	snprintf(err, err_len, "%s cannot be run: %s", name,
		 run->program.reason);
	return -ENOEXEC;
}

static int make_dir(struct run *run, char *err, size_t err_len)
{
	const char *tmp = getenv("TMPDIR");

	/* Many small files for a short time: memory is the place. */
	if (!tmp || tmp[0] != '/')
		tmp = access("/dev/shm", W_OK | X_OK) ? "/tmp" : "/dev/shm";
	snprintf(run->dir, sizeof(run->dir), "%.1024s/uiommu-XXXXXX", tmp);
	if (!mkdtemp(run->dir)) {
		snprintf(err, err_len, "%s: %s", run->dir, strerror(errno));
		run->dir[0] = '\0';
		return -EIO;
	}
	return 0;
}

/* The preload list is split at blanks and colons, and so cannot name them. */
static int name_library(struct run *run, char *err, size_t err_len)
{
	const char *library = run->cfg->library;

	if (access(library, R_OK)) {
		snprintf(err, err_len, "%s: %s", library, strerror(errno));
		return -EIO;
	}
	if (strlen(library) >= sizeof(run->library)) {
		snprintf(err, err_len, "the library's path is too long");
		return -ENAMETOOLONG;
	}
	memcpy(run->library, library, strlen(library) + 1);
	if (!strpbrk(library, " :"))
		return 0;
	snprintf(run->library, sizeof(run->library),
		 "%.2048s/libuiommu-launch.so", run->dir);
	if (!symlink(library, run->library))
		return 0;
	snprintf(err, err_len, "%s: %s", run->library, strerror(errno));
	return -EIO;
}

/* -------------------------------------------------------- environment ---- */

static void set_or_unset(const char *name, const char *val)
{
	if (val)
		setenv(name, val, 1);
	else
		unsetenv(name);
}

static const char *absolute(const char *path, char *buf)
{
	return path && realpath(path, buf) ? buf : path;
}

/* In the child: everything the library wants to know. */
static void set_environment(const struct run *run, const char *tree)
{
	const struct uiommu_launch_cfg *cfg = run->cfg;
	const char *before = getenv("LD_PRELOAD");
	char buf[PATH_MAX], report[48] = "", preload[3 * PATH_MAX];

	if (cfg->report & UIOMMU_REPORT_EXPLAIN)
		strcat(report, "explain ");
	if (cfg->report & UIOMMU_REPORT_CHECK)
		strcat(report, "check ");
	if (cfg->dump)
		strcat(report, "dump ");
	if (cfg->no_live)
		strcat(report, "alone");
	set_or_unset("UIOMMU_RUN_DIR", run->dir);
	set_or_unset("UIOMMU_RUN_TREE", tree);
	set_or_unset("UIOMMU_RUN_DEVICES", cfg->devices);
	set_or_unset("UIOMMU_RUN_TOPOLOGY", absolute(cfg->topology, buf));
	set_or_unset("UIOMMU_RUN_TRACE", absolute(cfg->trace, buf));
	set_or_unset("UIOMMU_RUN_LIBRARY", run->library);
	set_or_unset("UIOMMU_RUN_REPORT", report[0] ? report : NULL);
	/* gcc's AddressSanitizer insists on being the first of all. */
	snprintf(preload, sizeof(preload), "%s%s%s%s%s",
		 run->program.asan ? run->program.asan_lib : "",
		 run->program.asan ? ":" : "", run->library,
		 before && *before ? ":" : "", before ? before : "");
	setenv("LD_PRELOAD", preload, 1);
}

/* ---------------------------------------------------------- the child ---- */

__attribute__((noreturn)) static void give_up(int fd, struct verdict *verdict)
{
	if (write(fd, verdict, sizeof(*verdict)) < 0)
		_exit(126);
	_exit(125);
}

__attribute__((noreturn)) static void child(struct run *run, bool redirect,
					    int fd)
{
	struct verdict verdict = { 0 };
	char sub[PATH_MAX + 8];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(sub, sizeof(sub), "%s/%s", run->dir, redirect ? "tree" : "ns");
	if (!redirect && namespace_enter(&run->nodes, sub, &verdict.error)) {
		verdict.step = STEP_NAMESPACE;
		give_up(fd, &verdict);
	}
	set_environment(run, redirect ? sub : NULL);
	sigaction(SIGCHLD, &run->chld, NULL);
	sigprocmask(SIG_SETMASK, &run->mask, NULL);
	execv(run->path, run->cfg->argv);
	verdict.step = STEP_EXEC;
	verdict.error.err = errno;
	give_up(fd, &verdict);
}

/* Write the files for redirected paths. */
static int write_tree(struct run *run, char *err, size_t err_len)
{
	char root[PATH_MAX + 8];
	struct stage stage = {
		.nodes = &run->nodes,
		.root = root,
		.kind = STAGE_LINKS,
	};
	struct stage_error error = { 0 };
	int rc;

	snprintf(root, sizeof(root), "%s/tree", run->dir);
	if (mkdir(root, 0755)) {
		snprintf(err, err_len, "%s: %s", root, strerror(errno));
		return -EIO;
	}
	rc = stage_dir(&stage, "/sys", &error);
	/* The rest of /dev is reached directly. */
	if (!rc && nodes_find(&run->nodes, "/dev/vfio"))
		rc = stage_dir(&stage, "/dev/vfio", &error);
	if (!rc && nodes_find(&run->nodes, "/dev/iommu")) {
		char iommu[PATH_MAX + 32];

		stage_mkdirs(&stage, "/dev");
		snprintf(iommu, sizeof(iommu), "%s/dev/iommu", root);
		if (symlink("/dev/null", iommu))
			rc = -errno;
	}
	if (rc)
		snprintf(err, err_len, "%s%s: %s", root, error.path,
			 strerror(-rc));
	return rc;
}

/* Start the child; 0 when it runs the program. */
static int spawn(struct run *run, bool redirect, struct verdict *verdict)
{
	ssize_t n;
	int fds[2];

	memset(verdict, 0, sizeof(*verdict));
	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	run->pid = fork();
	if (run->pid < 0) {
		close(fds[0]);
		close(fds[1]);
		return -errno;
	}
	if (!run->pid) {
		close(fds[0]);
		child(run, redirect, fds[1]);
	}
	close(fds[1]);
	do {
		n = read(fds[0], verdict, sizeof(*verdict));
	} while (n < 0 && errno == EINTR);
	close(fds[0]);
	if (n <= 0)
		return 0;
	waitpid(run->pid, NULL, 0);
	return -ECHILD;
}

static int start_program(struct run *run, char *err, size_t err_len)
{
	bool redirect = run->cfg->no_namespace;
	char sub[PATH_MAX + 8];
	struct verdict verdict;
	int rc;

	snprintf(sub, sizeof(sub), "%s/ns", run->dir);
	if (!redirect && !mkdir(sub, 0700)) {
		rc = spawn(run, false, &verdict);
		if (rc != -ECHILD || verdict.step != STEP_NAMESPACE)
			goto out;
		if (run->cfg->report & UIOMMU_REPORT_EXPLAIN)
			fprintf(stderr,
				"uiommu: no mount namespace (%s: %s); paths "
				"are redirected inside the program\n",
				verdict.error.path,
				strerror(verdict.error.err));
	}
	rc = write_tree(run, err, err_len);
	if (rc)
		return rc;
	rc = spawn(run, true, &verdict);
out:
	if (rc == -ECHILD) {
		snprintf(err, err_len, "%s: %s", run->path,
			 strerror(verdict.error.err));
		return -ENOEXEC;
	}
	if (rc)
		snprintf(err, err_len, "cannot start a process: %s",
			 strerror(-rc));
	return rc;
}

/* ------------------------------------------------------------- waiting --- */

static const int forwarded[] = { SIGINT,  SIGTERM, SIGHUP,  SIGQUIT, SIGUSR1,
				 SIGUSR2, SIGCONT, SIGALRM, SIGWINCH };

static void block_signals(struct run *run, sigset_t *set)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };

	sigemptyset(set);
	sigaddset(set, SIGCHLD);
	for (size_t i = 0; i < sizeof(forwarded) / sizeof(forwarded[0]); i++)
		sigaddset(set, forwarded[i]);
	sigprocmask(SIG_BLOCK, set, &run->mask);
	/* Who ignores it is not told how the program ended. */
	sigaction(SIGCHLD, &dfl, &run->chld);
}

/* True: the program has ended, *status says how. */
static bool collect(struct run *run, int *status)
{
	pid_t pid;

	while ((pid = waitpid(run->pid, status, WNOHANG | WUNTRACED)) > 0) {
		if (!WIFSTOPPED(*status))
			return true;
		/* The shell shall see both of us stop. */
		raise(SIGSTOP);
		kill(run->pid, SIGCONT);
	}
	return pid < 0 && errno == ECHILD;
}

static void wait_program(struct run *run, const sigset_t *set, int *status)
{
	siginfo_t info;

	while (!collect(run, status)) {
		int sig = sigwaitinfo(set, &info);

		if (sig <= 0 || sig == SIGCHLD)
			continue;
		/* A terminal has sent it to the program as well. */
		if (info.si_code != SI_KERNEL)
			kill(run->pid, sig);
	}
}

/* ------------------------------------------------------------- reports --- */

static void print_file(const char *path)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;

	if (!in)
		return;
	while (getline(&line, &room, in) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		fprintf(stderr, "%s%s\n",
			strncmp(line, "uiommu: ", 8) ? "uiommu: " : "", line);
	}
	free(line);
	fclose(in);
}

static void complain_of(const char *path)
{
	fprintf(stderr, "uiommu: %s: %s\n", path, strerror(errno));
}

/* To `out`, the file `to`, behind what other processes have left. */
static void add_dump(FILE *out, const char *to, const char *path,
		     unsigned int number)
{
	FILE *in = out ? fopen(path, "re") : NULL;
	char buf[65536];
	size_t n;

	if (!in)
		return;
	if (number > 1)
		fprintf(out, "process %u\n", number);
	while ((n = fread(buf, 1, sizeof(buf), in)))
		if (fwrite(buf, 1, n, out) < n) {
			complain_of(to);
			break;
		}
	fclose(in);
}

static unsigned int read_count(const char *path)
{
	FILE *in = fopen(path, "re");
	unsigned int n = 0;

	if (!in)
		return 0;
	if (fscanf(in, "%u", &n) != 1)
		n = 0;
	fclose(in);
	return n;
}

/* Does a report of another process follow? */
static bool is_another(struct dirent **names, int n, int i)
{
	while (++i < n)
		if (!strncmp(names[i]->d_name, "report.", 7))
			return true;
	return false;
}

/* Each process of the program that used the devices has left its files. */
static unsigned int print_reports(const struct run *run, int status)
{
	char path[PATH_MAX + 300];
	struct dirent **names;
	unsigned int complaints = 0, reports = 0, dumps = 0;
	FILE *dump = NULL;
	int n;

	if (run->cfg->dump) {
		dump = fopen(run->cfg->dump, "we");
		if (!dump)
			complain_of(run->cfg->dump);
	}
	n = scandir(run->dir, &names, NULL, versionsort);
	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;

		snprintf(path, sizeof(path), "%s/%s", run->dir, name);
		if (!strncmp(name, "report.", 7)) {
			if (reports++ || is_another(names, n, i))
				fprintf(stderr, "uiommu: process %s:\n",
					name + 7);
			print_file(path);
		} else if (!strncmp(name, "check.", 6)) {
			complaints += read_count(path);
		} else if (!strncmp(name, "dump.", 5)) {
			add_dump(dump, run->cfg->dump, path, ++dumps);
		}
		free(names[i]);
	}
	if (n >= 0)
		free(names);
	if (dump && fclose(dump))
		complain_of(run->cfg->dump);
	if ((run->cfg->report && !reports) || (run->cfg->dump && !dumps))
		fprintf(stderr, "uiommu: %s\n",
			WIFSIGNALED(status)
				? "the program was killed: no report"
				: "the program did not use the IOMMU");
	return complaints;
}

/* --------------------------------------------------------------- whole --- */

int uiommu_launch_run(const struct uiommu_launch_cfg *cfg, int *status,
		      unsigned int *complaints, char *err, size_t err_len)
{
	struct run *run = calloc(1, sizeof(*run));
	sigset_t set;
	int rc;

	if (!run) {
		snprintf(err, err_len, "out of memory");
		return -ENOMEM;
	}
	run->cfg = cfg;
	rc = find_program(run, err, err_len);
	if (rc)
		goto err_free;
	rc = nodes_collect(cfg, &run->nodes, err, err_len);
	if (rc)
		goto err_free;
	rc = make_dir(run, err, err_len);
	if (rc)
		goto err_nodes;
	block_signals(run, &set);
	rc = name_library(run, err, err_len);
	if (!rc)
		rc = start_program(run, err, err_len);
	if (rc)
		goto err_dir;
	wait_program(run, &set, status);
	*complaints = print_reports(run, *status);
err_dir:
	sigaction(SIGCHLD, &run->chld, NULL);
	sigprocmask(SIG_SETMASK, &run->mask, NULL);
	remove_tree(run->dir);
err_nodes:
	nodes_free(&run->nodes);
err_free:
	free(run);
	return rc;
}
