/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * preload.h - the library that stands between an unmodified program and libc.
 *
 * Interposed functions have no argument to carry a context, so this library
 * has exactly one instance, `launch`; it is the only mutable object at file
 * scope of the project, beside the per-thread words below.
 *
 * A thread that is inside the machine (launch_inside) reaches libc directly:
 * what the machine itself opens, maps and writes is never looked at.  The
 * machine is built at the first open of one of its nodes; until then every
 * interposed function costs one load and one compare.
 *
 * Lock order: launch.lock, then the machine's own gate (launch_enter), then
 * the bars' lock, the heap's, the names'.  No lock of this library is held
 * over a call into the machine, except launch.lock while it is built.
 */
#ifndef LAUNCH_PRELOAD_H
#define LAUNCH_PRELOAD_H

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include <uiommu/host.h>
#include <uiommu/machine.h>

#include "../extend.h"
#include "../live.h"
#include "base/atomic.h"
#include "real.h"

#define launch_tls __thread __attribute__((tls_model("initial-exec")))
#define launch_public __attribute__((visibility("default")))
/* Branches that programs without a device never take. */
#define launch_rare(cond) __builtin_expect(!!(cond), 0)

struct bar_table;
struct heap_block;
struct trap_engine;

enum {
	LAUNCH_VARS = 7
};

/* The machine's state when the process ends, beside UIOMMU_REPORT_*. */
#define LAUNCH_REPORT_DUMP (1u << 31)
/* Nobody will ask for it before. */
#define LAUNCH_NO_LIVE (1u << 30)

/* What `uiommu run` handed down in the environment; never freed. */
struct launch_env {
	const char *run_dir; /* reports go there */
	const char *tree;    /* redirected paths; NULL: a namespace has them */
	const char *devices;
	const char *topology;
	const char *library; /* this library, for exec */
	const char *trace;   /* file for the trace; NULL: none */
	unsigned int report; /* UIOMMU_REPORT_*, LAUNCH_* */
	size_t tree_len;
	char *vars[LAUNCH_VARS]; /* "NAME=value", for exec; NULL: not set */
};

/*
 * What the program thinks is installed.  A reader in a handler uses the copy
 * that `which` names while the other is being written.
 */
struct client_action {
	struct sigaction copy[2];
	unsigned int which; /* atomic */
};

struct launch {
	/* Set once, together; read with acquire. */
	struct uiommu_machine *machine;
	struct uiommu_abi *abi;

	pthread_mutex_t lock; /* protects: building the machine */
	bool failed;	      /* under lock: could not be built, said so */

	struct launch_env env;	    /* constant after the constructor */
	struct trap_engine *engine; /* constant once the machine is there */

	/* Trapped BARs: see bars.c. */
	pthread_mutex_t bars_lock;
	struct bar_table *bars;	   /* atomic */
	unsigned int bars_readers; /* atomic */

	/* Blocks that wait for their last pin: see heap.c. */
	pthread_mutex_t heap_lock;
	struct heap_block *blocks;

	/* Names of descriptors: see names.c. */
	pthread_mutex_t names_lock;
	char ***names; /* atomic: two levels */

	/* SIGSEGV, SIGBUS: see signals.c. */
	struct client_action client[2];
	bool signals_installed; /* atomic */

	bool live;	   /* atomic: a thread answers `uiommu dump` */
	bool used;	   /* relaxed: anything done since the start or fork */
	bool reported;	   /* atomic */
	pid_t pid;	   /* whose memory this is */
	pid_t last_thread; /* relaxed: has closed all, and ends the process */
	bool is_child;	   /* of a process with devices, by fork */
	unsigned int baseline; /* complaints that were there at fork */
	uintptr_t libc_first, libc_last; /* code that may hold locks */
	uint64_t caps;			 /* at the start */
};

extern struct launch launch;
extern launch_tls unsigned int launch_inside;

/* ------------------------------------------------------------ state.c ---- */

/* Build the machine if it is not there yet; NULL: it cannot be built. */
struct uiommu_abi *launch_start(void);
/*
 * Write this process's report, once.  `last`: the process ends, so its
 * descriptors are closed first, as the kernel will.
 */
void launch_report(bool last);
/* The machine's state, with a line in front that says what this is. */
void launch_dump(FILE *out);
/* A line on stderr, "uiommu: " in front; async-signal-safe. */
void launch_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Is this memory another process's?  A child of vfork has descriptors of its
 * own but runs in its parent's memory: what it opens, copies and closes must
 * not be taken for the parent's doing.
 */
static inline bool launch_is_borrowed(void)
{
	return getpid() != launch.pid;
}

/* The ABI if `fd` is one of its own and the caller is the program. */
static inline struct uiommu_abi *launch_abi_of(int fd)
{
	struct uiommu_abi *abi = load_acquire(&launch.abi);

	if (!launch_rare(abi) || launch_inside || !uiommu_abi_owns(abi, fd))
		return NULL;
	return abi;
}

/* The machine if there is one and the caller is the program. */
static inline struct uiommu_machine *launch_machine(void)
{
	struct uiommu_machine *machine = load_acquire(&launch.machine);

	return launch_rare(machine) && !launch_inside ? machine : NULL;
}

/*
 * Around everything the program makes the machine do.  A fork waits until
 * nobody is inside.
 */
static inline void launch_enter(void)
{
	launch_inside++;
	uiommu_machine_enter(load_acquire(&launch.machine));
}

static inline void launch_leave(void)
{
	uiommu_machine_exit(load_acquire(&launch.machine));
	launch_inside--;
}

/* A result of the machine as libc would give it. */
static inline long launch_result(long rc)
{
	if (rc >= 0)
		return rc;
	errno = (int)-rc;
	return -1;
}

/* ------------------------------------------------------------- live.c ---- */

/* Start the thread that answers `uiommu dump PID`, if it is not there. */
void live_start(void);

/* ------------------------------------------------------------ names.c ---- */

/* Remember what a descriptor stands for; -ENOMEM. */
int names_set(int fd, const char *path);
void names_copy(int from, int to);
void names_clear(int fd);
/* NULL: none of ours.  Valid until the descriptor is closed. */
const char *names_get(int fd);
/* Largest descriptor that may have a name. */
int names_last(void);

/* ------------------------------------------------------------- path.c ---- */

/* A string of the program's may be anything; bad ones are the kernel's. */
bool path_readable(const char *path);
/*
 * The absolute form of a path, without "." and "..", in buf[PATH_MAX]; NULL
 * if it cannot be had or cannot be one of ours.
 */
const char *path_absolute(int dirfd, const char *path, char *buf);
/* Can it be a device node of ours? */
bool path_is_node(const char *abs);
/*
 * The path to hand to libc: the same pointer, or, where there is no namespace
 * and the file is one of ours, its place in the tree, in buf[PATH_MAX].
 */
const char *path_redirect(int dirfd, const char *path, char *buf);
/* Cut the tree's prefix from a result, in place; the new length. */
size_t path_strip(char *path, size_t len);

/* --------------------------------------------------------------- fd.c ---- */

/* open(2) of an emulated node or anything else. */
int launch_openat(int dirfd, const char *path, int flags, unsigned int mode);
int launch_fd_new(void *ctx, const char *path, int flags);
void launch_fd_drop(void *ctx, int fd);
int launch_fd_name(void *ctx, int fd, const char *path);
/* Forget every emulated descriptor and BAR; the real ones stay. */
void launch_fd_close_all(void);

/* ------------------------------------------------------------- bars.c ---- */

struct bar_map {
	uint64_t first;
	uint64_t last;
	uint64_t off; /* of `first` in the mapping */
	int prot;
	struct uiommu_map *map;
};

/* Takes over the caller's reference on success.  -ENOMEM. */
int bars_add(const struct bar_map *bar);
/* Forget what lies in [first, last].  -ENOMEM. */
int bars_remove(uint64_t first, uint64_t last);
int bars_protect(uint64_t first, uint64_t last, int prot);
/* The first mapping that reaches into [first, last]; counted. */
bool bars_find(uint64_t first, uint64_t last, struct bar_map *bar);
/* Is a BAR mapped at addr?  Async-signal-safe. */
bool bars_cover(uint64_t addr);
struct uiommu_map *bars_find_map(void *ctx, uint64_t uva, uint64_t *map_off,
				 uint64_t *left);

/* ----------------------------------------------------------- memory.c ---- */

void *launch_mmap(void *addr, size_t len, int prot, int flags, int fd,
		  off_t off);
int launch_munmap(void *addr, size_t len);
int launch_mprotect(void *addr, size_t len, int prot);
int launch_madvise(void *addr, size_t len, int advice);
void *launch_mremap(void *addr, size_t old_len, size_t new_len, int flags,
		    void *to);
/* machine_cfg.unpinned. */
void launch_unpinned(void *ctx, uint64_t first, uint64_t last);

/* ------------------------------------------------------------- caps.c ---- */

/* The program begins. */
void caps_note(void);
/* capable of struct uiommu_abi_host. */
bool caps_has(void *ctx, int cap);

/* ------------------------------------------------------------- heap.c ---- */

/*
 * The last pin of released memory is gone: blocks of the heap are freed when
 * no page of theirs waits any more, everything else is unmapped.
 */
void heap_unpinned(uint64_t first, uint64_t last);

/* ---------------------------------------------------------- signals.c ---- */

/* Take SIGSEGV and SIGBUS; what was there becomes the client's. */
void signals_install(void);

#endif /* LAUNCH_PRELOAD_H */
