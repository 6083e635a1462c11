/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * launch.h - start an unmodified program in front of an emulated machine.
 */
#ifndef UIOMMU_LAUNCH_H
#define UIOMMU_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uiommu_launch_cfg {
	/* As in struct uiommu_machine_cfg. */
	const char *devices;
	const char *topology;
	/* A file for the trace of its machine (uiommu/trace.h), or NULL. */
	const char *trace;
	/*
	 * A file for the state of its machine when the program ends (dump.h), or
	 * NULL.  It is written when uiommu_launch_run() returns 0; if it cannot
	 * be, a line on stderr says so.
	 */
	const char *dump;
	/* What the program's end prints on stderr: UIOMMU_REPORT_*. */
	unsigned int report;
	/*
	 * Do not try a mount namespace: the library redirects paths.  Else it
	 * is tried, and without permission the same happens.
	 */
	bool no_namespace;
	/* No thread in the program that answers uiommu_launch_dump(). */
	bool no_live;
	/* The library to preload; its machine is built from the same sources. */
	const char *library;
	char *const *argv; /* the program and its arguments */
};

/*
 * Run the program to its end.  Signals that reach the caller meanwhile are
 * handed on.  *status is as wait(2) gives it; *complaints counts what
 * UIOMMU_REPORT_CHECK found.  On error nothing was started and a sentence that
 * names the argument is in err.  -ENOENT: no such program; -ENOEXEC: one that
 * cannot be preloaded into; -EINVAL: devices or topology; other errnos.
 */
int uiommu_launch_run(const struct uiommu_launch_cfg *cfg, int *status,
		      unsigned int *complaints, char *err, size_t err_len);

/*
 * The state of the machine of process `pid`, a program under uiommu_launch_run()
 * or the process that has called that, as it is now: text for the caller to
 * free, its first line naming its form.  On error a sentence is in err.
 * -ESRCH: no such process, or it has no machine (yet); -EACCES: somebody
 * else's; -ENOMEM; other errnos.
 */
int uiommu_launch_dump(int pid, char **text, char *err, size_t err_len);

/*
 * Can this process have a private mount namespace?  0, or -errno, and in
 * *user whether it takes a user namespace.  Leaves no trace.
 */
int uiommu_launch_try_namespace(bool *user);

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_LAUNCH_H */
