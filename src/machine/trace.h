/* SPDX-License-Identifier: BSD-2-Clause */
/* trace.h - the machine's trace, if it writes one. */
#ifndef MACHINE_TRACE_H
#define MACHINE_TRACE_H

#include <uiommu/trace.h>
#include <uiommu/smmuv3_model.h>

struct uiommu_machine;
struct uiommu_mm;
struct machine_smmu;

struct trace {
	struct uiommu_trace_header *header; /* NULL: no trace */
	struct uiommu_trace_lane *lane;
	struct uiommu_trace_record *record;
	size_t size;
	uint32_t mask; /* records of a lane, less one */
	uint32_t id;   /* tells traces of this process apart */
	uint8_t process;
	uint64_t next_clock; /* ticks at which the clock is looked at; atomic */
	uint32_t clock_busy; /* somebody does; atomic */
};

/*
 * Make the file, or join it if it belongs to the same run.  Negative errno;
 * nothing is done without a path.
 */
int trace_open(struct uiommu_machine *machine);
void trace_close(struct uiommu_machine *machine);
/* The devices are known. */
void trace_name_devices(struct uiommu_machine *machine);
/* A forked child is a process of its own. */
void trace_after_fork_child(struct uiommu_machine *machine);

/* A device begins, or ends, a row of accesses that follow each other closely. */
void trace_chain(struct uiommu_machine *machine, bool begin);

/* Put the trace between the machine and a model, and around pinning. */
void trace_smmu(struct machine_smmu *smmu);
void trace_mm(struct uiommu_machine *machine);

#endif /* MACHINE_TRACE_H */
