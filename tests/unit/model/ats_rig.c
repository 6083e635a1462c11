/* SPDX-License-Identifier: BSD-2-Clause */
#include "ats_rig.h"

#include <string.h>

uint64_t ats_cd_of(uint32_t sid)
{
	/* room for 16 CDs */
	return RIG_CD + sid * 1024ull;
}

/* What all streams share: tables of stage 1 and of stage 2. */
uint64_t ats_s1, ats_s2;

void ats_put_ste(struct rig *r, uint32_t sid, uint64_t q0, uint64_t q1)
{
	struct smmu_ste ste = rig_ste_s2(ats_s2, 5);

	ste.q[0] = q0 | 1;
	ste.q[1] |= q1;
	rig_ste(r, sid, &ste);
}

void ats_put_cd(struct rig *r, uint32_t sid, unsigned int i, uint64_t ttb)
{
	struct smmu_cd cd = rig_cd_4k(ttb, (uint16_t)(sid + i));

	rig_cd(r, ats_cd_of(sid) + 64 * i, &cd);
}

/* A stage-1 or nested stream. */
void ats_put_s1(struct rig *r, uint32_t sid, uint64_t config, uint64_t q1)
{
	ats_put_ste(r, sid, config << 1 | ats_cd_of(sid), q1);
	ats_put_cd(r, sid, 0, ats_s1);
}

/* ... that has 16 substreams in a linear table. */
void ats_put_substreams(struct rig *r, uint32_t sid, uint64_t config,
			uint64_t q1)
{
	ats_put_ste(r, sid, config << 1 | ats_cd_of(sid) | 4ull << 59, q1);
	for (unsigned int i = 0; i < 16; i++)
		ats_put_cd(r, sid, i, ats_s1);
}

void ats_configure(struct rig *r)
{
	struct smmu_cd cd;

	ats_s1 = rig_table(r, 4096);
	ats_s2 = rig_table(r, 8192);
	/* IPA = PA for everything of the rig; data again at 0x80000000 */
	rig_map(r, ats_s2, 12, 1, 1, 0x40000000, 0x40000000 | S2_BLOCK_RW);
	ats_put_s1(r, S1_FULL, 5, EATS(1));
	ats_put_s1(r, S1_OFF, 5, 0);
	ats_put_ste(r, BYPASS, 4 << 1, EATS(1));
	ats_put_ste(r, ABORT, 0, EATS(1));
	ats_put_s1(r, STE_V0, 5, EATS(1));
	ram_w64(&r->ram, rig_ste_addr(STE_V0), 0);
	ats_put_s1(r, STE_ILLEGAL, 5, EATS(2));
	ats_put_s1(r, CD_V0, 5, EATS(1));
	ram_w64(&r->ram, ats_cd_of(CD_V0), 0);
	ats_put_ste(r, CD_HOLE, 5 << 1 | RIG_HOLE, EATS(1));
	ats_put_substreams(r, S1DSS_END, 5, EATS(1));
	ats_put_s1(r, TABLE_HOLE, 5, EATS(1));
	ats_put_cd(r, TABLE_HOLE, 0, RIG_HOLE);
	ats_put_s1(r, NESTED_FULL, 7, EATS(1));
	ats_put_s1(r, NESTED_SPLIT, 7, EATS(2));
	ats_put_ste(r, S2_FULL, 6 << 1, EATS(1));
	ats_put_ste(r, NO_CD_IPA, 7 << 1 | 0xc0000000, EATS(1));
	ats_put_s1(r, NO_TT_IPA, 7, EATS(1));
	ats_put_cd(r, NO_TT_IPA, 0, 0xc0000000);
	ats_put_s1(r, EATS_DPT, 5, EATS(3));
	ats_put_substreams(r, S1DSS_SKIP, 5, EATS(1) | 1);
	ats_put_substreams(r, NESTED_SKIP, 7, EATS(1) | 1);
	ats_put_substreams(r, NESTED_SKIP_SPLIT, 7, EATS(2) | 1);
	/* two-level, and no second level */
	ats_put_ste(r, L1CD_V0,
		    5 << 1 | ats_cd_of(L1CD_V0) | 1 << 4 | 4ull << 59,
		    EATS(1) | 2);
	ats_put_s1(r, S1_TBI, 5, EATS(1));
	cd = rig_cd_4k(ats_s1, S1_TBI);
	cd.q[0] |= 1ull << 38;
	rig_cd(r, ats_cd_of(S1_TBI), &cd);
	ats_put_s1(r, STE_ABORTS, 5, EATS(1));
	ram_poison(&r->ram, rig_ste_addr(STE_ABORTS),
		   rig_ste_addr(STE_ABORTS) + 63);
}

struct uiommu_smmuv3_profile ats_profile(bool cached)
{
	struct uiommu_smmuv3_profile p = rig_profile_ats();

	if (!cached)
		p.tlb_entries = p.config_entries = 0;
	return p;
}

void ats_begin(struct rig *r, const struct uiommu_smmuv3_profile *p)
{
	rig_init_ats(r, p);
	ats_configure(r);
}

void ats_set_cr(struct rig *r, uint32_t cr0, uint32_t cr2)
{
	wr(r, SMMU_REG_CR0, cr0 & ~1u);
	wr(r, SMMU_REG_CR2, cr2);
	wr(r, SMMU_REG_CR0, cr0);
	/* ATSCHK counts with the STE */
	rig_inval_all(r);
}

void ats_expect_record(struct rig *r, const char *name, bool there,
		       const uint64_t want[4])
{
	uint64_t rec[4];

	if (rig_event(r, rec) != there)
		fail_msg("%s: event %s", name, there ? "missing" : "too many");
	if (there && memcmp(rec, want, sizeof(rec)))
		fail_msg("%s: %016lx %016lx %016lx %016lx", name, rec[0],
			 rec[1], rec[2], rec[3]);
	rig_expect_no_event(r);
}
