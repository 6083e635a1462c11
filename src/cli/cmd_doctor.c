/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uiommu doctor: can this machine run it, and what to do if not.  One line
 * for each thing looked at: ok, limited (it works, with the stated loss) or
 * missing (it does not work).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <uiommu/launch.h>
#include <uiommu/process.h>

#include "cmd.h"

enum verdict {
	OK,
	LIMITED,
	MISSING
};

__attribute__((format(printf, 3, 4))) static enum verdict
say(enum verdict verdict, const char *what, const char *fmt, ...)
{
	static const char *const words[] = { "ok", "limited", "missing" };
	va_list ap;

	printf("%-8s %-14s ", words[verdict], what);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	return verdict;
}

static enum verdict check_architecture(void)
{
	struct utsname name;

	uname(&name);
	if (strcmp(name.machine, "x86_64"))
		return say(MISSING, "architecture",
			   "%s: `uiommu run` decodes accesses to mapped BARs "
			   "for x86-64 only; the libraries work",
			   name.machine);
	return say(OK, "architecture", "x86-64, Linux %s", name.release);
}

static enum verdict check_namespaces(void)
{
	bool user;
	int rc = uiommu_launch_try_namespace(&user);

	if (rc)
		return say(LIMITED, "namespaces",
			   "no mount namespace (%s): paths are redirected "
			   "inside the program; static helpers do not see the "
			   "files.  Run as root, in a container with "
			   "CAP_SYS_ADMIN, or allow user namespaces "
			   "(kernel.unprivileged_userns_clone, "
			   "kernel.apparmor_restrict_unprivileged_userns)",
			   strerror(-rc));
	return say(OK, "namespaces",
		   user ? "user and mount namespace" : "mount namespace");
}

static void ignore(struct uiommu_mm_notifier *n, uint64_t first, uint64_t last,
		   unsigned int reason)
{
}

static enum verdict check_shared_addresses(void)
{
	const struct uiommu_sva_mm *mm = uiommu_process_mm();
	struct uiommu_mm_notifier n = { ignore, ignore };
	struct uiommu_process_mm_info info;
	int rc = mm ? mm->subscribe(mm->ctx, &n) : -ENOTSUP;

	uiommu_process_mm_info(&info);
	if (rc)
		return say(LIMITED, "sva",
			   "a device cannot share the addresses of its "
			   "process: %s%s%s",
			   strerror(-rc), info.missed_where[0] ? ": " : "",
			   info.missed_where);
	mm->unsubscribe(mm->ctx, &n);
	return say(OK, "sva",
		   "changes of addresses are seen at %u system calls%s",
		   info.sites,
		   info.net ? "" : "; nothing catches what others make");
}

static enum verdict check_userfaultfd(void)
{
	long fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		fd = syscall(SYS_userfaultfd, O_CLOEXEC | 1 /* user mode */);
	if (fd < 0)
		return say(LIMITED, "userfaultfd",
			   "%s: not needed by this version; shared virtual "
			   "addressing will want it (sysctl "
			   "vm.unprivileged_userfaultfd=1)",
			   strerror(errno));
	close((int)fd);
	return say(OK, "userfaultfd", "available");
}

/* The number behind `key` in a file of "key: value" lines; -1: none. */
static long read_number(const char *path, const char *key)
{
	FILE *in = fopen(path, "re");
	char line[256];
	long val = -1;

	if (!in)
		return -1;
	while (val < 0 && fgets(line, sizeof(line), in)) {
		size_t len = strlen(key);

		if (!strncmp(line, key, len) && line[len] == ':')
			val = strtol(line + len + 1, NULL, 10);
	}
	fclose(in);
	return val;
}

static enum verdict check_hugepages(void)
{
	long total = read_number("/proc/meminfo", "HugePages_Total");
	long available = read_number("/proc/meminfo", "HugePages_Free");

	if (total <= 0)
		return say(LIMITED, "hugepages",
			   "none reserved: DPDK needs --no-huge, SPDK does "
			   "not start.  As root: sysctl vm.nr_hugepages=512");
	return say(OK, "hugepages", "%ld of %ld free", available, total);
}

static enum verdict check_seccomp(void)
{
	long mode = read_number("/proc/self/status", "Seccomp");

	if (mode == 2)
		return say(LIMITED, "seccomp",
			   "a filter is active (a container's default "
			   "profile?): namespaces and userfaultfd may be "
			   "refused");
	return say(OK, "seccomp",
		   mode < 0 ? "not in this kernel" : "no filter");
}

static enum verdict check_memlock(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_MEMLOCK, &lim))
		return say(LIMITED, "memlock", "%s", strerror(errno));
	if (lim.rlim_cur == RLIM_INFINITY)
		return say(OK, "memlock", "unlimited");
	return say(OK, "memlock",
		   "%lu KiB; memory mapped for DMA counts only for programs "
		   "that give up CAP_IPC_LOCK",
		   (unsigned long)(lim.rlim_cur / 1024));
}

static enum verdict check_executable_memory(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return say(LIMITED, "exec memory",
			   "%s: BAR accesses other than plain moves cannot be "
			   "done (SELinux: setsebool allow_execmem 1)",
			   strerror(errno));
	munmap(page, 4096);
	return say(OK, "exec memory", "available");
}

static enum verdict check_tmp(void)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp || tmp[0] != '/')
		tmp = access("/dev/shm", W_OK | X_OK) ? "/tmp" : "/dev/shm";
	if (access(tmp, W_OK))
		return say(MISSING, "temporary",
			   "%s: %s; set TMPDIR to a directory that can be "
			   "written",
			   tmp, strerror(errno));
	return say(OK, "temporary", "%s", tmp);
}

int cmd_doctor(int argc, char **argv)
{
	static enum verdict (*const checks[])(void) = {
		check_architecture,	 check_tmp,
		check_namespaces,	 check_seccomp,
		check_executable_memory, check_userfaultfd,
		check_hugepages,	 check_memlock,
		check_shared_addresses,
	};
	enum verdict worst = OK;

	if (argc > 1 &&
	    (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		puts("usage: uiommu doctor\n\n"
		     "Says whether `uiommu run` can work here, and what to do "
		     "if not.\nExit status 1 if it cannot.");
		return CMD_OK;
	}
	if (argc > 1)
		return cmd_complain("doctor", "unexpected argument \"%s\"",
				    argv[1]);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		enum verdict verdict = checks[i]();

		if (verdict > worst)
			worst = verdict;
	}
	puts(worst == MISSING	? "`uiommu run` cannot work here."
	     : worst == LIMITED ? "`uiommu run` works, with the limits above."
				: "`uiommu run` works.");
	return worst == MISSING ? CMD_FAILED : CMD_OK;
}
