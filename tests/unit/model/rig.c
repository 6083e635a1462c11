/* SPDX-License-Identifier: BSD-2-Clause */
#include "rig.h"

#include <stdlib.h>
#include <string.h>

static void observe(void *ctx, const struct uiommu_smmuv3_fault_info *info)
{
	struct rig *r = ctx;

	r->info = *info;
	r->faults++;
}

struct uiommu_smmuv3_profile rig_profile(const char *name)
{
	const struct uiommu_smmuv3_profile *p =
		uiommu_smmuv3_profile_find(name);

	assert_non_null(p);
	return *p;
}

struct uiommu_smmuv3_profile rig_profile_plain(void)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");

	p.idr[0] &= ~(SMMU_IDR0_HTTU | SMMU_IDR0_ATS | SMMU_IDR0_NS1ATS |
		      SMMU_IDR0_PRI | SMMU_IDR0_ATSRECERR | SMMU_IDR0_VMW |
		      SMMU_IDR0_TTENDIAN);
	p.idr[0] |= 1u << 24 | SMMU_IDR0_TERM_MODEL | 2u << 21;
	p.idr[1] &= ~SMMU_IDR1_PRIQS;
	p.idr[3] &= ~(SMMU_IDR3_PPS | SMMU_IDR3_PASIDTT);
	p.idr[5] &= ~SMMU_IDR5_STALL_MAX;
	return p;
}

void rig_init_off(struct rig *r, const struct uiommu_smmuv3_profile *profile)
{
	struct uiommu_model_host host;

	memset(r, 0, sizeof(*r));
	assert_int_equal(model_ram_init(&r->ram, RIG_BASE, RIG_SIZE), 0);
	host = model_ram_host(&r->ram);
	r->next_table = RIG_TABLES;
	assert_int_equal(uiommu_smmuv3_model_create(profile, &host, &r->model),
			 0);
	uiommu_smmuv3_model_set_fault_observer(r->model, observe, r);
}

void rig_on(struct rig *r)
{
	wr64(r, SMMU_REG_CMDQ_BASE, RIG_CMDQ | RIG_CMDQ_LG2);
	wr64(r, SMMU_REG_EVENTQ_BASE, RIG_EVTQ | RIG_EVTQ_LG2);
	wr64(r, SMMU_REG_STRTAB_BASE, RIG_STRTAB);
	wr(r, SMMU_REG_STRTAB_BASE_CFG, 16);
	wr(r, SMMU_REG_CR2, SMMU_CR2_RECINVSID);
	wr(r, SMMU_REG_IRQ_CTRL,
	   SMMU_IRQ_CTRL_EVENTQ_IRQEN | SMMU_IRQ_CTRL_GERROR_IRQEN);
	wr(r, SMMU_REG_CR0,
	   SMMU_CR0_SMMUEN | SMMU_CR0_EVENTQEN | SMMU_CR0_CMDQEN);
	assert_int_equal(rd(r, SMMU_REG_CR0ACK), 0xd);
}

void rig_init(struct rig *r, const struct uiommu_smmuv3_profile *profile)
{
	rig_init_off(r, profile);
	rig_on(r);
}

void rig_remake(struct rig *r, const struct uiommu_smmuv3_profile *profile,
		const struct uiommu_model_host *host)
{
	uiommu_smmuv3_model_destroy(r->model);
	assert_int_equal(uiommu_smmuv3_model_create(profile, host, &r->model),
			 0);
	uiommu_smmuv3_model_set_fault_observer(r->model, observe, r);
	rig_on(r);
}

struct uiommu_smmuv3_profile rig_profile_ats(void)
{
	struct uiommu_smmuv3_profile p = rig_profile_plain();

	p.idr[0] |= SMMU_IDR0_ATS | SMMU_IDR0_PRI | SMMU_IDR0_ATSRECERR;
	p.idr[1] |= 8u << 11;
	return p;
}

void rig_init_ats(struct rig *r, const struct uiommu_smmuv3_profile *profile)
{
	rig_init(r, profile);
	wr64(r, SMMU_REG_PRIQ_BASE, RIG_PRIQ | RIG_PRIQ_LG2);
	wr(r, SMMU_REG_IRQ_CTRL, 7);
	wr(r, SMMU_REG_CR0, RIG_CR0_ATS);
	assert_int_equal(rd(r, SMMU_REG_CR0ACK), RIG_CR0_ATS);
}

void rig_fini(struct rig *r)
{
	uiommu_smmuv3_model_destroy(r->model);
	model_ram_fini(&r->ram);
}

int rig_setup(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct rig *r = malloc(sizeof(*r));

	rig_init(r, &p);
	*state = r;
	return 0;
}

int rig_setup_ats(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile_ats();
	struct rig *r = malloc(sizeof(*r));

	rig_init_ats(r, &p);
	*state = r;
	return 0;
}

int rig_teardown(void **state)
{
	rig_fini(*state);
	free(*state);
	return 0;
}

uint32_t rd(struct rig *r, uint32_t off)
{
	return (uint32_t)uiommu_smmuv3_model_read(r->model, off, 4);
}

uint64_t rd64(struct rig *r, uint32_t off)
{
	return uiommu_smmuv3_model_read(r->model, off, 8);
}

void wr(struct rig *r, uint32_t off, uint32_t val)
{
	uiommu_smmuv3_model_write(r->model, off, 4, val);
}

void wr64(struct rig *r, uint32_t off, uint64_t val)
{
	uiommu_smmuv3_model_write(r->model, off, 8, val);
}

void rig_cmd(struct rig *r, uint64_t q0, uint64_t q1)
{
	uint32_t prod = rd(r, SMMU_REG_CMDQ_PROD);
	uint64_t pa = RIG_CMDQ + smmu_q_offset(prod, RIG_CMDQ_LG2, 4);

	ram_w64(&r->ram, pa, q0);
	ram_w64(&r->ram, pa + 8, q1);
	wr(r, SMMU_REG_CMDQ_PROD, smmu_q_add(prod, 1, RIG_CMDQ_LG2));
}

void rig_sync(struct rig *r)
{
	rig_cmd(r, SMMU_CMD_OP_SYNC, 0);
	assert_int_equal(rd(r, SMMU_REG_CMDQ_CONS), rd(r, SMMU_REG_CMDQ_PROD));
}

void rig_inval_all(struct rig *r)
{
	rig_cmd(r, SMMU_CMD_OP_CFGI_STE_RANGE, SMMU_CMD_CFGI_RANGE_ALL);
	rig_cmd(r, SMMU_CMD_OP_TLBI_NSNH_ALL, 0);
	rig_sync(r);
}

bool rig_event(struct rig *r, uint64_t rec[4])
{
	uint32_t prod = rd(r, SMMU_REG_EVENTQ_PROD);
	uint32_t cons = rd(r, SMMU_REG_EVENTQ_CONS);
	uint64_t pa = RIG_EVTQ + smmu_q_offset(cons, RIG_EVTQ_LG2, 5);

	if (smmu_q_empty(prod, cons, RIG_EVTQ_LG2))
		return false;
	for (unsigned int i = 0; i < 4; i++)
		rec[i] = ram_r64(&r->ram, pa + 8 * i);
	wr(r, SMMU_REG_EVENTQ_CONS,
	   (cons & SMMU_Q_CONS_OVACKFLG) | smmu_q_add(cons, 1, RIG_EVTQ_LG2));
	return true;
}

void rig_expect_event(struct rig *r, uint64_t q0, uint64_t q1, uint64_t q2,
		      uint64_t q3)
{
	uint64_t rec[4];

	assert_true(rig_event(r, rec));
	assert_int_equal(rec[0], q0);
	assert_int_equal(rec[1], q1);
	assert_int_equal(rec[2], q2);
	assert_int_equal(rec[3], q3);
	rig_expect_no_event(r);
}

void rig_expect_no_event(struct rig *r)
{
	uint64_t rec[4];

	assert_false(rig_event(r, rec));
}

uint64_t rig_table(struct rig *r, uint64_t bytes)
{
	uint64_t pa = (r->next_table + bytes - 1) & ~(bytes - 1);

	r->next_table = pa + bytes;
	assert_true(r->next_table <= RIG_DATA);
	return pa;
}

uint64_t rig_ste_addr(uint32_t sid)
{
	return RIG_STRTAB + 64ull * sid;
}

void rig_ste(struct rig *r, uint32_t sid, const struct smmu_ste *ste)
{
	for (unsigned int i = 0; i < 8; i++)
		ram_w64(&r->ram, rig_ste_addr(sid) + 8 * i, ste->q[i]);
}

void rig_cd(struct rig *r, uint64_t pa, const struct smmu_cd *cd)
{
	for (unsigned int i = 0; i < 8; i++)
		ram_w64(&r->ram, pa + 8 * i, cd->q[i]);
}

struct smmu_ste rig_ste_s1(uint64_t cd)
{
	struct smmu_ste ste = { .q = { 0xb | cd, 1ull << 44 } };

	return ste;
}

struct smmu_cd rig_cd_4k(uint64_t ttb, uint16_t asid)
{
	/* T0SZ 16, EPD1, V, IPS 48, AA64, R, A; attribute 0 write-back */
	struct smmu_cd cd = { .q = { 0x0000620580000010ull | 1ull << 30 |
					     (uint64_t)asid << 48,
				     ttb, 0, 0xff } };

	return cd;
}

struct smmu_ste rig_ste_s2(uint64_t ttb, uint16_t vmid)
{
	/* T0SZ 24, SL0 1, PS 48, AA64, R */
	struct smmu_ste ste = { .q = { 0xd, 1ull << 44,
				       0x040d005800000000ull | vmid, ttb } };

	return ste;
}

uint64_t rig_stream(struct rig *r, uint32_t sid, uint16_t asid)
{
	uint64_t table = rig_table(r, 4096);
	uint64_t cd_pa = RIG_CD + 64ull * sid;
	struct smmu_ste ste = rig_ste_s1(cd_pa);
	struct smmu_cd cd = rig_cd_4k(table, asid);

	rig_cd(r, cd_pa, &cd);
	rig_ste(r, sid, &ste);
	return table;
}

void rig_map(struct rig *r, uint64_t table, unsigned int granule, int start,
	     int level, uint64_t iova, uint64_t desc)
{
	unsigned int idx = granule - 3;

	for (int l = start;; l++) {
		unsigned int shift = granule + (unsigned int)(3 - l) * idx;
		/* The first table may be longer (concatenated, or short). */
		uint64_t i = l == start ? (iova & mask_lg2(52)) >> shift
					: iova >> shift & mask_lg2(idx);
		uint64_t pa = table + 8 * i;

		if (l == level) {
			ram_w64(&r->ram, pa, desc);
			return;
		}
		if (!(ram_r64(&r->ram, pa) & 1))
			ram_w64(&r->ram, pa, rig_table(r, 1ull << granule) | 3);
		table = ram_r64(&r->ram, pa) & GENMASK64(47, 12);
	}
}

void rig_map4k(struct rig *r, uint64_t table, uint64_t iova, uint64_t pa,
	       uint64_t attrs)
{
	rig_map(r, table, 12, 0, 3, iova, pa | attrs | 3);
}

uint64_t rig_pte4k(struct rig *r, uint64_t table, uint64_t iova)
{
	for (unsigned int shift = 39; shift > 12; shift -= 9)
		table = ram_r64(&r->ram, table + 8 * (iova >> shift & 511)) &
			GENMASK64(47, 12);
	return table + 8 * (iova >> 12 & 511);
}

int rig_xlate(struct rig *r, uint32_t sid, uint32_t flags, uint64_t iova,
	      struct uiommu_smmuv3_xlate *x)
{
	struct uiommu_smmuv3_txn txn = { .sid = sid,
					 .flags = flags,
					 .iova = iova };

	return uiommu_smmuv3_model_translate(r->model, &txn, x);
}

void rig_expect_pa(struct rig *r, uint32_t sid, uint64_t iova, uint64_t pa)
{
	struct uiommu_smmuv3_xlate x = { 0 };

	assert_int_equal(rig_xlate(r, sid, 0, iova, &x), 0);
	assert_int_equal(x.pa, pa);
}

void rig_expect_fault(struct rig *r, uint32_t sid, uint32_t flags,
		      uint64_t iova, uint8_t type)
{
	struct uiommu_smmuv3_xlate x;
	uint64_t rec[4];

	assert_int_equal(rig_xlate(r, sid, flags, iova, &x), -14);
	assert_int_equal(r->info.event_type, type);
	assert_true(r->info.recorded);
	assert_true(rig_event(r, rec));
	assert_int_equal(rec[0] & 0xff, type);
	assert_int_equal(rec[0] >> 32, sid);
	rig_expect_no_event(r);
}

struct uiommu_smmuv3_stats rig_stats(struct rig *r)
{
	struct uiommu_smmuv3_stats stats;

	uiommu_smmuv3_model_stats(r->model, &stats);
	return stats;
}
