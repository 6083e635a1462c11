/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one instance: its configuration from the environment, building the
 * machine, fork, and the report at the end.
 */
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "../trap/trap.h"
#include "preload.h"

struct launch launch = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.bars_lock = PTHREAD_MUTEX_INITIALIZER,
	.heap_lock = PTHREAD_MUTEX_INITIALIZER,
	.names_lock = PTHREAD_MUTEX_INITIALIZER,
};

launch_tls unsigned int launch_inside;

void launch_say(const char *fmt, ...)
{
	char line[512] = "uiommu: ";
	size_t n = strlen(line);
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	if (len < 0)
		return;
	n += (size_t)len;
	if (n > sizeof(line) - 2)
		n = sizeof(line) - 2;
	line[n++] = '\n';
	if (real_get()->write(STDERR_FILENO, line, n) < 0)
		return; /* nobody listens */
}

/* ----------------------------------------------------- configuration ----- */

static const char *const var_names[LAUNCH_VARS] = {
	"UIOMMU_RUN_DIR",      "UIOMMU_RUN_TREE",    "UIOMMU_RUN_DEVICES",
	"UIOMMU_RUN_TOPOLOGY", "UIOMMU_RUN_LIBRARY", "UIOMMU_RUN_REPORT",
	"UIOMMU_RUN_TRACE",
};

/* Keep a variable: the program may clear its environment.  Its value. */
static const char *env_keep(unsigned int i)
{
	const char *val = getenv(var_names[i]);
	size_t len = strlen(var_names[i]) + 1;

	if (!val || !*val)
		return NULL;
	launch.env.vars[i] = malloc(len + strlen(val) + 1);
	if (!launch.env.vars[i])
		return NULL;
	sprintf(launch.env.vars[i], "%s=%s", var_names[i], val);
	return launch.env.vars[i] + len;
}

static unsigned int parse_report(const char *words)
{
	unsigned int flags = 0;

	if (words && strstr(words, "explain"))
		flags |= UIOMMU_REPORT_EXPLAIN;
	if (words && strstr(words, "check"))
		flags |= UIOMMU_REPORT_CHECK;
	if (words && strstr(words, "dump"))
		flags |= LAUNCH_REPORT_DUMP;
	if (words && strstr(words, "alone"))
		flags |= LAUNCH_NO_LIVE;
	return flags;
}

/* ------------------------------------------------------------- fork ------ */

static void before_fork(void)
{
	struct uiommu_machine *machine = load_acquire(&launch.machine);

	pthread_mutex_lock(&launch.lock);
	if (machine) {
		launch_inside++;
		uiommu_machine_before_fork(machine);
		launch_inside--;
	}
	pthread_mutex_lock(&launch.bars_lock);
	pthread_mutex_lock(&launch.heap_lock);
	pthread_mutex_lock(&launch.names_lock);
}

static void unlock_all(void)
{
	pthread_mutex_unlock(&launch.names_lock);
	pthread_mutex_unlock(&launch.heap_lock);
	pthread_mutex_unlock(&launch.bars_lock);
}

static void after_fork_parent(void)
{
	struct uiommu_machine *machine = load_acquire(&launch.machine);

	unlock_all();
	if (machine) {
		launch_inside++;
		uiommu_machine_after_fork_parent(machine);
		launch_inside--;
	}
	pthread_mutex_unlock(&launch.lock);
}

static void after_fork_child(void)
{
	struct uiommu_machine *machine = load_acquire(&launch.machine);

	/* Threads that were looking a BAR up are not here. */
	store_relaxed(&launch.bars_readers, 0u);
	unlock_all();
	if (machine) {
		launch_inside++;
		uiommu_machine_after_fork_child(machine);
		if (launch.env.report & UIOMMU_REPORT_CHECK)
			launch.baseline = uiommu_machine_check(machine);
		launch_inside--;
	}
	launch.pid = getpid();
	launch.is_child = true;
	store_relaxed(&launch.live, false);
	store_relaxed(&launch.used, false);
	store_relaxed(&launch.reported, false);
	pthread_mutex_unlock(&launch.lock);
}

/* ---------------------------------------------------------- machine ------ */

/* Code that may hold the allocator's locks when it faults. */
static int find_libc(struct dl_phdr_info *info, size_t size, void *ctx)
{
	if (!info->dlpi_name || !strstr(info->dlpi_name, "libc.so"))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];

		if (ph->p_type != PT_LOAD || !(ph->p_flags & PF_X))
			continue;
		launch.libc_first = info->dlpi_addr + ph->p_vaddr;
		launch.libc_last = launch.libc_first + ph->p_memsz - 1;
	}
	return 1;
}

static int build(struct uiommu_machine **out, char *err, size_t err_len)
{
	struct uiommu_machine_cfg cfg = {
		.devices = launch.env.devices,
		.topology = launch.env.topology,
		.log_level = UIOMMU_LOG_WARN,
		.trace = launch.env.trace,
		.trace_run = launch.env.run_dir,
		.explain = launch.env.report & UIOMMU_REPORT_EXPLAIN,
		.fd_new = launch_fd_new,
		.fd_drop = launch_fd_drop,
		.fd_name = launch_fd_name,
		.unpinned = launch_unpinned,
		.find_map = bars_find_map,
		.capable = caps_has,
	};
	int rc;

	err[0] = '\0';
	launch_extend(&cfg);
	if (!launch.engine) {
		rc = trap_engine_create(&launch.engine);
		if (rc)
			return rc;
	}
	return uiommu_machine_create(&cfg, out, err, err_len);
}

static void start_locked(void)
{
	struct uiommu_machine *machine;
	char err[256];
	int rc;

	dl_iterate_phdr(find_libc, NULL);
	signals_install();
	rc = build(&machine, err, sizeof(err));
	if (rc) {
		launch.failed = true;
		launch_say("the machine cannot be built: %s",
			   err[0] ? err : strerror(-rc));
		return;
	}
	store_release(&launch.machine, machine);
	store_release(&launch.abi, uiommu_machine_abi(machine));
}

struct uiommu_abi *launch_start(void)
{
	struct uiommu_abi *abi = load_acquire(&launch.abi);

	store_relaxed(&launch.used, true);
	if (abi)
		goto out;
	launch_inside++;
	pthread_mutex_lock(&launch.lock);
	if (!launch.machine && !launch.failed)
		start_locked();
	pthread_mutex_unlock(&launch.lock);
	launch_inside--;
	abi = load_acquire(&launch.abi);
out:
	if (abi && !load_relaxed(&launch.live))
		live_start();
	return abi;
}

/* ----------------------------------------------------------- report ------ */

static FILE *report_file(const char *kind)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s.%d", launch.env.run_dir, kind,
		 (int)getpid());
	return fopen(path, "ae");
}

static void report_text(struct uiommu_machine *machine, unsigned int flags)
{
	FILE *out = flags ? report_file("report") : NULL;

	if (!out)
		return;
	uiommu_machine_report(machine, flags, out);
	fclose(out);
}

static void dump_line(void *ctx, const char *line, size_t len)
{
	(void)!fwrite(line, 1, len, ctx);
}

void launch_dump(FILE *out)
{
	const struct uiommu_dump dump = {
		.ctx = out,
		.parts = UIOMMU_DUMP_ALL,
		.write = dump_line,
	};
	int rc;

	fputs(UIOMMU_DUMP_FIRST, out);
	launch_enter();
	rc = uiommu_machine_dump(load_acquire(&launch.machine), &dump);
	launch_leave();
	if (rc)
		fprintf(out, "unfinished \"%s\"\n", strerror(-rc));
}

static void report_dump(void)
{
	FILE *out = report_file("dump");

	if (!out)
		return;
	launch_dump(out);
	fclose(out);
}

/* What is to be complained of; a child is not blamed for its parent. */
static unsigned int report_check(struct uiommu_machine *machine)
{
	unsigned int found = uiommu_machine_check(machine);
	FILE *out = report_file("check");

	found = found > launch.baseline ? found - launch.baseline : 0;
	if (out) {
		fprintf(out, "%u\n", found);
		fclose(out);
	}
	return found;
}

/* Nothing to be blamed for is nothing to be told of. */
static unsigned int check_flags(struct uiommu_machine *machine)
{
	if (!(launch.env.report & UIOMMU_REPORT_CHECK))
		return 0;
	if (!report_check(machine) && launch.is_child)
		return 0;
	return UIOMMU_REPORT_CHECK;
}

void launch_report(bool last)
{
	struct uiommu_machine *machine = load_acquire(&launch.machine);
	int err = errno;

	if (!machine || !launch.env.report || !launch.env.run_dir ||
	    launch_is_borrowed() || !load_relaxed(&launch.used) ||
	    exchange_acq_rel(&launch.reported, true))
		return;
	launch_enter();
	uiommu_machine_poll(machine);
	report_text(machine, launch.env.report & UIOMMU_REPORT_EXPLAIN);
	launch_leave();
	launch_inside++;
	if (launch.env.report & LAUNCH_REPORT_DUMP)
		report_dump();
	launch_inside--;
	/* What a descriptor keeps until the end is not left behind. */
	if (last && (launch.env.report & UIOMMU_REPORT_CHECK)) {
		/* A child has its parent's, which is to unmap it. */
		launch_enter();
		if (!launch.is_child)
			uiommu_machine_note_left(machine);
		launch_leave();
		launch_fd_close_all();
	}
	launch_enter();
	report_text(machine, check_flags(machine));
	launch_leave();
	errno = err;
}

/* ------------------------------------------------------- life and end ---- */

static __attribute__((constructor)) void launch_init(void)
{
	real_get();
	launch_inside++;
	launch.env.run_dir = env_keep(0);
	launch.env.tree = env_keep(1);
	launch.env.devices = env_keep(2);
	launch.env.topology = env_keep(3);
	launch.env.library = env_keep(4);
	launch.env.report = parse_report(env_keep(5));
	launch.env.trace = env_keep(6);
	if (launch.env.tree)
		launch.env.tree_len = strlen(launch.env.tree);
	launch.pid = getpid();
	caps_note();
	pthread_atfork(before_fork, after_fork_parent, after_fork_child);
	launch_inside--;
}

static __attribute__((destructor)) void launch_fini(void)
{
	launch_report(true);
}
