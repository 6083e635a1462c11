/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_smmu.h - registers and a command queue without an SMMU behind.
 *
 * Answers the handshakes, consumes commands and keeps them, checks that guarded
 * registers are written only when they may be, and does nothing with tables.
 * A test can make it slow, mute, or make it refuse a command.  It sees memory
 * through test_platform_hw_read64() only.
 */
#ifndef TESTS_FAKE_SMMU_H
#define TESTS_FAKE_SMMU_H

#include <pthread.h>

#include <uiommu/smmuv3.h>

#include "hw/smmuv3/cmd.h"
#include "test_platform.h"

#define FAKE_BASE UINT64_C(0x09050000)
#define FAKE_WINDOW 0x30000u
#define FAKE_LOG (1u << 16)

struct fake_smmu {
	struct test_platform tp;
	/* Several share the memory, and the platform, of the first. */
	struct test_platform *mem;
	struct fake_smmu *next;
	uiommu_pa_t base;
	pthread_mutex_t mutex;
	uint32_t regs[FAKE_WINDOW / 4];

	/* Behaviour, set by the test. */
	bool hold;     /* consume nothing until fake_smmu_run() */
	bool mute_cr0; /* no acknowledgement any more */
	bool mute_irq_ctrl;
	bool mute_gbpa;
	bool no_gbpa;	     /* reads as 0 whatever is written */
	uint32_t dead_reads; /* registers read all ones */
	/*
	 * Asked for each command; returns a CERROR code, 0 = fine.  Called with
	 * the mutex held.
	 */
	uint32_t (*refuse)(struct fake_smmu *fake, const struct smmu_cmd *cmd);
	uint32_t refusals; /* for the test's use */
	/* Asked before each register write, with no lock held. */
	void (*before_write)(struct fake_smmu *fake, uint32_t off,
			     uint64_t val);

	/* What happened. */
	struct smmu_cmd log[FAKE_LOG];
	uint32_t nr;	       /* commands consumed */
	uint32_t bad_writes;   /* to guarded registers at the wrong time */
	uint32_t bad_commands; /* opcodes that no command has */
	uint32_t prod_writes;
	/* Offsets written, in order. */
	struct {
		uint32_t off;
		uint64_t val;
	} writes[4096];
	uint32_t nr_writes;
};

/* ID registers of a complete SMMUv3.2; the test changes what it likes. */
void fake_smmu_init(struct fake_smmu *fake);
/* One more, on the platform of `first`; fini it before that one. */
void fake_smmu_join(struct fake_smmu *fake, struct fake_smmu *first);
void fake_smmu_fini(struct fake_smmu *fake);
uint32_t *fake_smmu_reg(struct fake_smmu *fake, uint32_t off);
/* The driver's configuration for it: short time-outs, small queues. */
struct uiommu_smmuv3_cfg fake_smmu_cfg(struct fake_smmu *fake);

/* Consume up to n commands; returns how many. */
uint32_t fake_smmu_run(struct fake_smmu *fake, uint32_t n);
/* Write an event record; false if the queue is full (sets OVFLG then). */
bool fake_smmu_event(struct fake_smmu *fake, const uint64_t record[4]);
/* The same for the PRI queue; false: dropped. */
bool fake_smmu_page(struct fake_smmu *fake, const uint64_t record[2]);
void fake_smmu_gerror(struct fake_smmu *fake, uint32_t bits);

/* Commands since `from` with this opcode. */
uint32_t fake_smmu_count(struct fake_smmu *fake, uint32_t from,
			 unsigned int op);
/* A word of memory, as the hardware sees it. */
uint64_t fake_smmu_mem(struct fake_smmu *fake, uiommu_pa_t pa);
/* The STE of a StreamID by STRTAB_BASE; false if there is none. */
bool fake_smmu_ste(struct fake_smmu *fake, uint32_t sid, uint64_t ste[8]);

#endif /* TESTS_FAKE_SMMU_H */
