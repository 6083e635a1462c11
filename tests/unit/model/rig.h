/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rig.h - an SMMUv3 with queues, a stream table and helpers to fill in tables,
 * as a driver would, but by hand and one word at a time.
 *
 * Memory map (RIG_BASE and up): command queue, event queue, stream table,
 * CDs, an area from which tables are taken, and data.
 */
#ifndef TESTS_UNIT_MODEL_RIG_H
#define TESTS_UNIT_MODEL_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <uiommu/smmuv3_model.h>

#include "base/bits.h"
#include "hw/smmuv3/cd.h"
#include "hw/smmuv3/cmd.h"
#include "hw/smmuv3/event.h"
#include "hw/smmuv3/queue.h"
#include "hw/smmuv3/regs.h"
#include "hw/smmuv3/ste.h"
#include "model_ram.h"

#define RIG_BASE 0x40000000ull
#define RIG_SIZE 0x20000000ull
#define RIG_CMDQ (RIG_BASE + 0x10000)
#define RIG_EVTQ (RIG_BASE + 0x20000)
#define RIG_PRIQ (RIG_BASE + 0x30000)
#define RIG_STRTAB (RIG_BASE + 0x400000)
#define RIG_CD (RIG_BASE + 0x800000)
#define RIG_TABLES (RIG_BASE + 0x1000000)
#define RIG_DATA (RIG_BASE + 0x10000000)
#define RIG_HOLE 0x2000000000ull /* aborts */

#define RIG_CMDQ_LG2 6u
#define RIG_EVTQ_LG2 4u
#define RIG_PRIQ_LG2 2u

/* Leaf attributes that most tests use: read-write, AF, not global. */
#define LEAF_RW 0xc41ull /* unprivileged too */
#define LEAF_RO 0xcc1ull
#define LEAF_GLOBAL_RW 0x441ull

struct rig {
	struct model_ram ram;
	struct uiommu_smmuv3_model *model;
	uint64_t next_table;
	/* the last fault told to the observer */
	struct uiommu_smmuv3_fault_info info;
	unsigned int faults;
};

/* Make the rig with a profile, queues on and SMMU on. */
void rig_init(struct rig *r, const struct uiommu_smmuv3_profile *profile);
/* Model made and in reset state only. */
void rig_init_off(struct rig *r, const struct uiommu_smmuv3_profile *profile);
/* Queues and SMMU on, for a model in reset state. */
void rig_on(struct rig *r);
/* Another model over the same memory, with a host of the test's own; on. */
void rig_remake(struct rig *r, const struct uiommu_smmuv3_profile *profile,
		const struct uiommu_model_host *host);
void rig_fini(struct rig *r);
/* cmocka fixtures with profile "full". */
int rig_setup(void **state);
int rig_teardown(void **state);
struct uiommu_smmuv3_profile rig_profile(const char *name);
/* The plain profile with ATS, PRI and ATSRECERR; not PPS, not PASIDTT. */
struct uiommu_smmuv3_profile rig_profile_ats(void);
/* CR0 of rig_init_ats(). */
#define RIG_CR0_ATS 0x1fu
/* rig_init() with such a profile, PRI queue and ATSCHK on. */
void rig_init_ats(struct rig *r, const struct uiommu_smmuv3_profile *profile);
int rig_setup_ats(void **state);
/* "full" without HTTU, stalls, RAZ/WI, ATS, PRI, VMW; little-endian tables. */
struct uiommu_smmuv3_profile rig_profile_plain(void);

uint32_t rd(struct rig *r, uint32_t off);
uint64_t rd64(struct rig *r, uint32_t off);
void wr(struct rig *r, uint32_t off, uint32_t val);
void wr64(struct rig *r, uint32_t off, uint64_t val);

/* Queue commands and ring once. */
void rig_cmd(struct rig *r, uint64_t q0, uint64_t q1);
void rig_sync(struct rig *r);
/* CFGI_ALL, TLBI_NSNH_ALL, SYNC. */
void rig_inval_all(struct rig *r);

/* Take the oldest event; false: there is none. */
bool rig_event(struct rig *r, uint64_t rec[4]);
/* There is exactly this event. */
void rig_expect_event(struct rig *r, uint64_t q0, uint64_t q1, uint64_t q2,
		      uint64_t q3);
void rig_expect_no_event(struct rig *r);

uint64_t rig_table(struct rig *r, uint64_t bytes);
uint64_t rig_ste_addr(uint32_t sid);
void rig_ste(struct rig *r, uint32_t sid, const struct smmu_ste *ste);
void rig_cd(struct rig *r, uint64_t pa, const struct smmu_cd *cd);
/* A legal stage-1 STE with one CD at `cd`. */
struct smmu_ste rig_ste_s1(uint64_t cd);
/* A legal CD: 4K, 48 bits, TTB0 only. */
struct smmu_cd rig_cd_4k(uint64_t ttb, uint16_t asid);
/* A legal stage-2 STE: 4K, T0SZ 24 (40 bits), start level 1, two tables. */
struct smmu_ste rig_ste_s2(uint64_t ttb, uint16_t vmid);
/* A stage-1 stream with an empty 4K table; returns the table. */
uint64_t rig_stream(struct rig *r, uint32_t sid, uint16_t asid);

/*
 * Put `desc` (address included, type bits at level 3 set by the caller's
 * attributes) for iova at `level`, making tables on the way from `start`.
 */
void rig_map(struct rig *r, uint64_t table, unsigned int granule, int start,
	     int level, uint64_t iova, uint64_t desc);
/* One 4K page under a 48-bit table. */
void rig_map4k(struct rig *r, uint64_t table, uint64_t iova, uint64_t pa,
	       uint64_t attrs);
/* Where that page's descriptor is. */
uint64_t rig_pte4k(struct rig *r, uint64_t table, uint64_t iova);

int rig_xlate(struct rig *r, uint32_t sid, uint32_t flags, uint64_t iova,
	      struct uiommu_smmuv3_xlate *x);
/* Translation of a read must give pa. */
void rig_expect_pa(struct rig *r, uint32_t sid, uint64_t iova, uint64_t pa);
/* Abort, with this event's words 1 to 3 and type. */
void rig_expect_fault(struct rig *r, uint32_t sid, uint32_t flags,
		      uint64_t iova, uint8_t type);

struct uiommu_smmuv3_stats rig_stats(struct rig *r);

#endif /* TESTS_UNIT_MODEL_RIG_H */
