/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.h - a whole machine: SMMUv3 model, memory, PCI devices, driver, core
 * and Linux ABI put together in this process.
 *
 * Physical memory is this process's own memory, at its own addresses, plus
 * carved regions for tables, BARs and interrupt doorbells.
 */
#ifndef UIOMMU_MACHINE_H
#define UIOMMU_MACHINE_H

#include <stdio.h>

#include <uiommu/abi.h>
#include <uiommu/smmuv3_model.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uiommu_machine;

/* How clients reach BARs (clients.md A3). */
enum uiommu_bar_policy {
	UIOMMU_BAR_TRAP, /* mappable; every access is trapped */
	UIOMMU_BAR_RW,	 /* not mappable; pread and pwrite only */
};

struct uiommu_machine_cfg {
	/*
	 * Comma-separated device types, each with options after colons:
	 * "ioat", "ioat:rw,testep:stall".  NULL: "ioat".
	 */
	const char *devices;
	/* A flattened device tree that names the hardware; NULL: built in. */
	const char *topology;
	enum uiommu_bar_policy bar_policy;
	enum uiommu_log_level log_level;
	/*
	 * A file to write a trace to (uiommu/trace.h), NULL: none.  It is made
	 * anew, or joined if it belongs to the run of this name.
	 */
	const char *trace;
	const char *trace_run;	/* NULL: of no run */
	uint32_t trace_records; /* of a lane, a power of two; 0: 16384 */
	/*
	 * Keep for uiommu_machine_report() how an access of each device found
	 * memory, and how one was aborted, as the tables were at that moment.
	 * About 50 KiB a device.
	 */
	bool explain;

	void *ctx;
	/* As uiommu_abi_host.fd_new/fd_drop; NULL: fds of /dev/null. */
	int (*fd_new)(void *ctx, const char *path, int flags);
	void (*fd_drop)(void *ctx, int fd);
	/*
	 * The machine has made a descriptor that stands for `path`; fd_drop undoes
	 * that after an error.  0 or a negated errno; NULL: nobody wants to know.
	 */
	int (*fd_name)(void *ctx, int fd, const char *path);
	/*
	 * Memory that was released while pinned (uiommu_machine_release) has
	 * lost its last pin: it can really be given back now.  Called with no
	 * lock held.  NULL: nothing is deferred.
	 */
	void (*unpinned)(void *ctx, uint64_t first, uint64_t last);
	/*
	 * What is mapped at `uva` of our trapped BAR mappings; NULL: nothing.
	 * Counted: the machine gives it back with uiommu_map_put().
	 */
	struct uiommu_map *(*find_map)(void *ctx, uint64_t uva,
				       uint64_t *map_off, uint64_t *left);
	/* As uiommu_abi_host.extra; NULL: none. */
	const struct uiommu_abi_extra *extra;
	/* As uiommu_abi_host.capable. */
	bool (*capable)(void *ctx, int cap);
};

/*
 * Build a machine.  On error a sentence that names the argument, file and
 * place is in err.  -EINVAL: devices or topology make no sense; -ENOENT: no
 * such file; -ENOMEM.
 */
int uiommu_machine_create(const struct uiommu_machine_cfg *cfg,
			  struct uiommu_machine **out, char *err,
			  size_t err_len);
void uiommu_machine_destroy(struct uiommu_machine *machine);

struct uiommu_abi *uiommu_machine_abi(struct uiommu_machine *machine);
struct uiommu_core *uiommu_machine_core(struct uiommu_machine *machine);
struct uiommu_smmuv3_model *
uiommu_machine_model(struct uiommu_machine *machine);

/* The device types there are, for lists and error messages. */
struct uiommu_machine_devtype {
	const char *name;
	const char *ids; /* "8086:2021" */
	const char *summary;
};
const struct uiommu_machine_devtype *uiommu_machine_devtype(unsigned int i);
/* The devices of this machine, i from 0: BDF and type; false past the end. */
bool uiommu_machine_device(struct uiommu_machine *machine, unsigned int i,
			   const char **bdf, const char **type);

/* The same one in the core; NULL past the end.  It lives as long as the machine. */
struct uiommu_device *uiommu_machine_core_device(struct uiommu_machine *machine,
						 unsigned int i);

/* Deliver interrupts that are pending inside (the ABI's entries do it too). */
void uiommu_machine_poll(struct uiommu_machine *machine);

/*
 * Brackets around every use of the machine, its ABI and its mappings in a
 * program that forks: a fork waits until nobody is between them.  They nest.
 */
void uiommu_machine_enter(struct uiommu_machine *machine);
void uiommu_machine_exit(struct uiommu_machine *machine);

/*
 * fork(2): call the first before it, then one of the others in parent and
 * child.  The child gets an independent copy.  Not between enter and exit.
 */
void uiommu_machine_before_fork(struct uiommu_machine *machine);
void uiommu_machine_after_fork_parent(struct uiommu_machine *machine);
void uiommu_machine_after_fork_child(struct uiommu_machine *machine);

/* -------------------------------------------------- what can fail -------- */

/*
 * The nth call from now on that can fail (1: the next one) does, once: for memory,
 * or to copy to or from the client.  0: none.  Counts what all threads do.
 */
void uiommu_machine_fail_nth(struct uiommu_machine *machine, uint64_t nth);
/* How many are to go, it included; 0: it has failed, or none will. */
uint64_t uiommu_machine_fail_left(const struct uiommu_machine *machine);

/* ------------------------------------------ memory of the process ------- */

/*
 * The next part of [first, last] that is pinned for DMA and not released yet.
 * A few nanoseconds when nothing is pinned at all.
 */
bool uiommu_machine_pinned(struct uiommu_machine *machine, uint64_t first,
			   uint64_t last, struct uiommu_range *pinned);
/*
 * How often the page at `uva` is pinned: mappings of it that do not share one pin
 * (IOMMU_IOAS_COPY shares).
 */
unsigned int uiommu_machine_pin_count(struct uiommu_machine *machine,
				      uint64_t uva);
/*
 * A hint: false means that nothing of [first, last] is pinned or waits to be
 * given back.  Takes no lock, and may be called outside enter and exit.
 */
bool uiommu_machine_maybe_pinned(struct uiommu_machine *machine, uint64_t first,
				 uint64_t last);
/*
 * The process gives [first, last], whole pages, all of it pinned, back:
 * munmap, free.  The pages stay where they are, for the device, until the last
 * pin goes; then cfg.unpinned is called.  `what` is a word for reports
 * ("munmap", "free").  Devices that share the process's addresses do not reach
 * them from here on, as if they were gone.  -EINVAL: a page of it is not pinned;
 * nothing is changed.
 *
 * Less than a page, within one: a block of the heap.  Its page lives on, can be
 * pinned again, and DMA to those bytes is reported; they too come back by
 * cfg.unpinned.  -ENOMEM: none, or too many such blocks wait.
 */
int uiommu_machine_release(struct uiommu_machine *machine, uint64_t first,
			   uint64_t last, const char *what);
/*
 * Something else takes the place of [first, last] (MAP_FIXED, mremap): DMA by
 * mappings made before aborts from here on and never touches the new memory;
 * returns when no DMA to it is under way.  New pins there work.  Parts that
 * are not pinned are skipped, and cost nothing while nothing is pinned at all,
 * so whoever maps over a range calls it without asking first: released parts,
 * which uiommu_machine_pinned() does not name, are taken out of the way too.
 */
int uiommu_machine_replace(struct uiommu_machine *machine, uint64_t first,
			   uint64_t last, const char *what);

/* --------------------------------------------------------- dumps -------- */

/*
 * The machine's state as text (dump.h): the core's, the PCI functions, what is
 * pinned, each SMMU's.  Without dump->address, addresses are words that are the
 * same in every run of a program that does the same: tables+OFFSET for the
 * machine's own memory, window+OFFSET for BARs, registers and doorbells, and
 * memN+OFFSET for the program's memory, of which each piece gets the next N
 * when it is met; of more than 8192 pieces the others are "mem".  0 or -ENOMEM.
 */
int uiommu_machine_dump(struct uiommu_machine *machine,
			const struct uiommu_dump *dump);

/* ------------------------------------------------------- reports -------- */

#define UIOMMU_REPORT_EXPLAIN (1u << 0) /* what happened, for people */
#define UIOMMU_REPORT_CHECK (1u << 1)	/* what was wrong, with places */

/*
 * The program ends, and its descriptors are still open: what it has mapped in
 * address spaces of /dev/iommu and not unmapped is left for --check to name.
 */
void uiommu_machine_note_left(struct uiommu_machine *machine);
void uiommu_machine_report(struct uiommu_machine *machine, unsigned int flags,
			   FILE *out);
/*
 * Number of things that --check complains of: faults that nobody took, DMA to
 * memory that was given back or replaced, mappings that uiommu_machine_note_left()
 * has found, pins that are left without a mapping.  Mappings that VFIO containers
 * have are not counted: programs (DPDK) leave them to the end of the process.
 */
unsigned int uiommu_machine_check(struct uiommu_machine *machine);

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_MACHINE_H */
