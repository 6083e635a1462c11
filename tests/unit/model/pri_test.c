/* SPDX-License-Identifier: BSD-2-Clause */
/* The PRI queue: records, refusals, overflow, interrupts, responses. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

#define ENTRIES (1u << RIG_PRIQ_LG2)
#define OVFLG SMMU_Q_PROD_OVFLG
#define PPAR (1ull << 18)

struct pri_rig {
	struct rig rig;
	struct uiommu_pri_response got[64];
	unsigned int n;
};

static void responded(void *arg, const struct uiommu_pri_response *resp)
{
	struct pri_rig *pr = arg;

	assert_true(pr->n < ARRAY_SIZE(pr->got));
	pr->got[pr->n++] = *resp;
}

static struct pri_rig *begin(const struct uiommu_smmuv3_profile *p)
{
	struct pri_rig *pr = calloc(1, sizeof(*pr));

	rig_init_ats(&pr->rig, p);
	pr->rig.ram.on_pri_response = responded;
	pr->rig.ram.endpoint_arg = pr;
	return pr;
}

static void end(struct pri_rig *pr)
{
	rig_fini(&pr->rig);
	free(pr);
}

static int setup(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile_ats();

	*state = begin(&p);
	return 0;
}

static int teardown(void **state)
{
	end(*state);
	return 0;
}

static void send(struct pri_rig *pr, const struct uiommu_pri_request *req)
{
	uiommu_smmuv3_model_page_request(pr->rig.model, req);
}

/* Requests that most tests use. */
static const struct uiommu_pri_request plain = {
	.sid = 0x10, .read = true, .last = true, .group = 0x1f, .addr = 0x5000
};
static const struct uiommu_pri_request pasid = { .sid = 0x10,
						 .ssid = 3,
						 .ssv = true,
						 .read = true,
						 .last = true,
						 .group = 0x1f,
						 .addr = 0x5000 };
static const struct uiommu_pri_request not_last = {
	.sid = 0x10, .read = true, .group = 0x1f, .addr = 0x5000
};
static const struct uiommu_pri_request stop = {
	.sid = 0x10, .ssid = 3, .ssv = true, .last = true
};

static uint32_t prod(struct pri_rig *pr)
{
	return rd(&pr->rig, SMMU_REG_PRIQ_PROD);
}

static void expect_response(struct pri_rig *pr, enum uiommu_pri_code code,
			    bool ssv)
{
	const struct uiommu_pri_response *got = &pr->got[0];

	assert_int_equal(pr->n, 1);
	assert_int_equal(got->sid, 0x10);
	assert_int_equal(got->group, 0x1f);
	assert_int_equal(got->code, code);
	assert_int_equal(got->ssv, ssv);
	assert_int_equal(got->ssid, ssv ? 3 : 0);
	pr->n = 0;
}

static void expect_silence(struct pri_rig *pr)
{
	assert_int_equal(pr->n, 0);
}

static void fill_queue(struct pri_rig *pr)
{
	for (unsigned int i = 0; i < ENTRIES; i++)
		send(pr, &not_last);
	assert_int_equal(prod(pr), ENTRIES);
}

static void records(void **state)
{
	static const struct {
		struct uiommu_pri_request req;
		uint64_t q0, q1;
	} rows[] = {
		{ { .sid = 0xdeadbeef,
		    .read = true,
		    .last = true,
		    .group = 0x1ff,
		    .addr = 0xfedcba9876543fff },
		  0x50000000deadbeef,
		  0xfedcba98765431ff },
		{ { .sid = 0x10,
		    .ssid = 0xabcde,
		    .ssv = true,
		    .read = true,
		    .write = true,
		    .exec = true,
		    .priv = true,
		    .last = true,
		    .group = 1,
		    .addr = 0x1000 },
		  0xfc0abcde00000010,
		  0x1001 },
		/* without PASID there is no SubstreamID, Priv, X */
		{ { .sid = 0x10,
		    .ssid = 0xabcde,
		    .write = true,
		    .exec = true,
		    .priv = true,
		    .addr = 0x1000 },
		  0x2000000000000010,
		  0x1000 },
		/* nothing wanted, last: ordinary without PASID */
		{ { .sid = 0x10, .last = true, .group = 5 },
		  0x4000000000000010,
		  5 },
		/* Stop Marker */
		{ { .sid = 0x10, .ssid = 3, .ssv = true, .last = true },
		  0xc000000300000010,
		  0 },
		/* more than the fields hold */
		{ { .sid = 0x10,
		    .ssid = 0xfff00001,
		    .ssv = true,
		    .read = true,
		    .group = 0xfe00 },
		  0x9000000100000010,
		  0 },
	};
	struct pri_rig *pr = *state;
	struct rig *r = &pr->rig;

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t at = RIG_PRIQ + (i % ENTRIES) * 16;

		send(pr, &rows[i].req);
		assert_int_equal(prod(pr), (i + 1) % (2 * ENTRIES));
		assert_int_equal(ram_r64(&r->ram, at), rows[i].q0);
		assert_int_equal(ram_r64(&r->ram, at + 8), rows[i].q1);
		wr(r, SMMU_REG_PRIQ_CONS, prod(pr));
	}
	expect_silence(pr);
}

/* Ways in which nobody would look at a record. */
static void denied(void **state)
{
	struct pri_rig *pr = *state;
	struct rig *r = &pr->rig;

	for (unsigned int way = 0; way < 4; way++) {
		wr(r, SMMU_REG_CR0, RIG_CR0_ATS);
		if (way == 0)
			wr(r, SMMU_REG_CR0, RIG_CR0_ATS & ~SMMU_CR0_PRIQEN);
		if (way == 1)
			wr(r, SMMU_REG_CR0, RIG_CR0_ATS & ~SMMU_CR0_SMMUEN);
		if (way == 2) {
			ram_poison(&r->ram, RIG_PRIQ, RIG_PRIQ + 15);
			send(pr, &not_last);
			expect_response(pr, UIOMMU_PRI_FAILURE, false);
			ram_poison(&r->ram, 1, 0);
			assert_int_equal(rd(r, SMMU_REG_GERROR),
					 SMMU_GERROR_PRIQ_ABT_ERR);
		}
		if (way == 3) {
			/* acknowledged; a base that is no memory */
			wr(r, SMMU_REG_GERRORN, SMMU_GERROR_PRIQ_ABT_ERR);
			wr(r, SMMU_REG_CR0, RIG_CR0_ATS & ~SMMU_CR0_PRIQEN);
			wr64(r, SMMU_REG_PRIQ_BASE, 1ull << 55);
			wr(r, SMMU_REG_CR0, RIG_CR0_ATS);
		}
		send(pr, &plain);
		expect_response(pr, UIOMMU_PRI_FAILURE, false);
		send(pr, &pasid);
		expect_response(pr, UIOMMU_PRI_FAILURE, false);
		/* each of a group, where an overflow answers the last one */
		send(pr, &not_last);
		expect_response(pr, UIOMMU_PRI_FAILURE, false);
		send(pr, &stop);
		expect_silence(pr);
		assert_int_equal(prod(pr), 0);
	}
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_PRIQ], 0);
	assert_int_equal(r->ram.irqs[UIOMMU_SMMUV3_LINE_GERROR], 2);
	/* ACK shows the literal bit */
	wr(r, SMMU_REG_CR0, SMMU_CR0_PRIQEN);
	assert_int_equal(rd(r, SMMU_REG_CR0ACK), SMMU_CR0_PRIQEN);
}

static void no_pri_at_all(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile_ats();
	struct pri_rig *pr;

	p.idr[0] &= ~SMMU_IDR0_PRI;
	pr = calloc(1, sizeof(*pr));
	rig_init(&pr->rig, &p);
	pr->rig.ram.on_pri_response = responded;
	pr->rig.ram.endpoint_arg = pr;
	send(pr, &pasid);
	expect_response(pr, UIOMMU_PRI_FAILURE, false);
	send(pr, &not_last);
	expect_response(pr, UIOMMU_PRI_FAILURE, false);
	send(pr, &stop);
	expect_silence(pr);
	end(pr);
}

/* ------------------------------------------------------------ overflow -- */

static void overflow_until_acknowledged(void **state)
{
	struct pri_rig *pr = *state;
	struct rig *r = &pr->rig;

	fill_queue(pr);
	send(pr, &plain);
	expect_response(pr, UIOMMU_PRI_SUCCESS, false);
	assert_int_equal(prod(pr), ENTRIES | OVFLG);
	/* not toggled again */
	send(pr, &plain);
	expect_response(pr, UIOMMU_PRI_SUCCESS, false);
	assert_int_equal(prod(pr), ENTRIES | OVFLG);
	send(pr, &not_last);
	send(pr, &stop);
	expect_silence(pr);
	/* room alone does not help */
	wr(r, SMMU_REG_PRIQ_CONS, 2);
	send(pr, &plain);
	expect_response(pr, UIOMMU_PRI_SUCCESS, false);
	assert_int_equal(prod(pr), ENTRIES | OVFLG);
	/* acknowledged */
	wr(r, SMMU_REG_PRIQ_CONS, 2 | SMMU_Q_CONS_OVACKFLG);
	send(pr, &plain);
	send(pr, &plain);
	expect_silence(pr);
	assert_int_equal(prod(pr), (ENTRIES + 2) | OVFLG);
	/* and full again: back to 0 */
	send(pr, &plain);
	expect_response(pr, UIOMMU_PRI_SUCCESS, false);
	assert_int_equal(prod(pr), ENTRIES + 2);
	send(pr, &not_last);
	assert_int_equal(prod(pr), ENTRIES + 2);
	wr(r, SMMU_REG_PRIQ_CONS, ENTRIES + 2);
	send(pr, &plain);
	assert_int_equal(prod(pr), ENTRIES + 3);
	/* a Stop Marker can be the first to be lost */
	for (unsigned int i = 1; i < ENTRIES; i++)
		send(pr, &not_last);
	send(pr, &stop);
	assert_int_equal(prod(pr), (2 * ENTRIES + 2) % (2 * ENTRIES) | OVFLG);
	expect_silence(pr);
}

/* What becomes of the PASID of a request that found no room. */
static void pasid_in_overflow_responses(void **state)
{
	enum ste {
		PPAR0,
		PPAR1,
		ABORTS,
		V0,
		POISON,
		RANGE
	};
	static const struct {
		bool pps, no_ssids;
		enum ste ste;
		enum uiommu_pri_code code;
		bool ssv;
		uint8_t event;
	} rows[] = {
		{ false, false, PPAR0, UIOMMU_PRI_SUCCESS, false, 0 },
		{ false, false, PPAR1, UIOMMU_PRI_SUCCESS, true, 0 },
		{ false, false, ABORTS, UIOMMU_PRI_SUCCESS, false, 0 },
		{ false, false, V0, UIOMMU_PRI_FAILURE, false,
		  SMMU_EVT_C_BAD_STE },
		{ false, false, POISON, UIOMMU_PRI_FAILURE, false,
		  SMMU_EVT_F_STE_FETCH },
		{ false, false, RANGE, UIOMMU_PRI_FAILURE, false,
		  SMMU_EVT_C_BAD_STREAMID },
		/* nobody looks at the STE */
		{ true, false, V0, UIOMMU_PRI_SUCCESS, true, 0 },
		{ true, false, PPAR0, UIOMMU_PRI_SUCCESS, true, 0 },
		{ false, true, V0, UIOMMU_PRI_SUCCESS, false, 0 },
	};
	static const uint32_t cr2s[] = { 0, SMMU_CR2_REC_CFG_ATS,
					 SMMU_CR2_RECINVSID, 10 };

	for (unsigned int i = 0; i < ARRAY_SIZE(rows) * 4; i++) {
		struct uiommu_smmuv3_profile p = rig_profile_ats();
		uint32_t cr2 = cr2s[i % 4];
		enum ste ste = rows[i / 4].ste;
		uint8_t event = rows[i / 4].event;
		struct pri_rig *pr;
		uint64_t q1 = ste == PPAR1 ? PPAR : 0;
		uint64_t rec[4];

		if (rows[i / 4].pps)
			p.idr[3] |= SMMU_IDR3_PPS;
		if (rows[i / 4].no_ssids)
			p.idr[1] &= ~SMMU_IDR1_SSIDSIZE;
		pr = begin(&p);
		wr(&pr->rig, SMMU_REG_CR0, RIG_CR0_ATS & ~1u);
		wr(&pr->rig, SMMU_REG_CR2, cr2);
		if (ste == RANGE)
			wr(&pr->rig, SMMU_REG_STRTAB_BASE_CFG, 4);
		wr(&pr->rig, SMMU_REG_CR0, RIG_CR0_ATS);
		ram_w64(&pr->rig.ram, rig_ste_addr(0x10),
			ste == V0	? 0
			: ste == ABORTS ? 1
					: 9);
		ram_w64(&pr->rig.ram, rig_ste_addr(0x10) + 8, q1);
		fill_queue(pr);
		if (ste == POISON)
			ram_poison(&pr->rig.ram, rig_ste_addr(0x10),
				   rig_ste_addr(0x10) + 63);
		send(pr, &pasid);
		expect_response(pr, rows[i / 4].code, rows[i / 4].ssv);
		if (!(cr2 & SMMU_CR2_REC_CFG_ATS) ||
		    (ste == RANGE && !(cr2 & SMMU_CR2_RECINVSID)))
			event = 0;
		assert_int_equal(rig_event(&pr->rig, rec), !!event);
		if (event) {
			assert_int_equal(rec[0], 0x0000001000003800 | event);
			assert_int_equal(rec[1] | rec[2], 0);
			assert_int_equal(
				rec[3], ste == POISON ? rig_ste_addr(0x10) : 0);
		}
		/* without a PASID the STE does not matter */
		send(pr, &plain);
		expect_response(pr, UIOMMU_PRI_SUCCESS, false);
		rig_expect_no_event(&pr->rig);
		end(pr);
	}
}

/* ---------------------------------------------------------- interrupts -- */

static uint64_t irqs(struct pri_rig *pr)
{
	return pr->rig.ram.irqs[UIOMMU_SMMUV3_LINE_PRIQ];
}

static void interrupt_when_not_empty_any_more(void **state)
{
	struct pri_rig *pr = *state;

	send(pr, &not_last);
	assert_int_equal(irqs(pr), 1);
	send(pr, &plain);
	send(pr, &stop);
	assert_int_equal(irqs(pr), 1);
	wr(&pr->rig, SMMU_REG_PRIQ_CONS, 3);
	send(pr, &plain);
	assert_int_equal(irqs(pr), 2);
	/* overflow is none */
	for (unsigned int i = 0; i < ENTRIES; i++)
		send(pr, &plain);
	expect_response(pr, UIOMMU_PRI_SUCCESS, false);
	assert_int_equal(irqs(pr), 2);
}

static void set_lo(struct pri_rig *pr)
{
	struct rig *r = &pr->rig;

	wr(r, SMMU_REG_IRQ_CTRL, 0);
	wr(r, SMMU_REG_PRIQ_IRQ_CFG2, SMMU_PRIQ_IRQ_CFG2_LO);
	wr(r, SMMU_REG_IRQ_CTRL, 7);
	assert_int_equal(rd(r, SMMU_REG_PRIQ_IRQ_CFG2), SMMU_PRIQ_IRQ_CFG2_LO);
}

static void interrupt_for_each_last(void **state)
{
	struct pri_rig *pr = *state;

	set_lo(pr);
	send(pr, &not_last);
	assert_int_equal(irqs(pr), 0);
	send(pr, &plain);
	send(pr, &stop);
	assert_int_equal(irqs(pr), 2);
	send(pr, &pasid);
	assert_int_equal(irqs(pr), 3);
	/* also for those that are lost, to overflow and to one not acked */
	send(pr, &not_last);
	assert_int_equal(irqs(pr), 3);
	send(pr, &plain);
	assert_int_equal(irqs(pr), 4);
	wr(&pr->rig, SMMU_REG_PRIQ_CONS, 4);
	send(pr, &plain);
	assert_int_equal(irqs(pr), 5);
	/* but to nothing else */
	wr(&pr->rig, SMMU_REG_CR0, RIG_CR0_ATS & ~SMMU_CR0_PRIQEN);
	send(pr, &plain);
	assert_int_equal(irqs(pr), 5);
	wr(&pr->rig, SMMU_REG_CR0, RIG_CR0_ATS);
	wr(&pr->rig, SMMU_REG_PRIQ_CONS, 4 | SMMU_Q_CONS_OVACKFLG);
	ram_poison(&pr->rig.ram, RIG_PRIQ, RIG_PRIQ + 63);
	send(pr, &plain);
	assert_int_equal(irqs(pr), 5);
}

static void interrupt_off(void **state)
{
	struct pri_rig *pr = *state;

	wr(&pr->rig, SMMU_REG_IRQ_CTRL, 5);
	send(pr, &plain);
	wr(&pr->rig, SMMU_REG_IRQ_CTRL, 7);
	assert_int_equal(irqs(pr), 0);
}

static void interrupt_by_message(void **state)
{
	struct pri_rig *pr = *state;
	struct rig *r = &pr->rig;

	wr(r, SMMU_REG_IRQ_CTRL, 0);
	wr64(r, SMMU_REG_PRIQ_IRQ_CFG0, RIG_DATA + 0x40);
	wr(r, SMMU_REG_PRIQ_IRQ_CFG1, 0x77);
	wr(r, SMMU_REG_PRIQ_IRQ_CFG2, 1);
	wr(r, SMMU_REG_IRQ_CTRL, 7);
	send(pr, &plain);
	assert_int_equal(r->ram.msi_count, 1);
	assert_int_equal(r->ram.msi_addr, RIG_DATA + 0x40);
	assert_int_equal(r->ram.msi_data, 0x77);
	assert_int_equal(r->ram.msi_attrs.mair, 0x04);
	assert_int_equal(irqs(pr), 1); /* by wire too */
	/* the record was there first */
	wr(r, SMMU_REG_IRQ_CTRL, 5);
	wr64(r, SMMU_REG_PRIQ_IRQ_CFG0, RIG_HOLE);
	wr(r, SMMU_REG_IRQ_CTRL, 7);
	wr(r, SMMU_REG_PRIQ_CONS, 1);
	send(pr, &plain);
	assert_int_equal(rd(r, SMMU_REG_GERROR), SMMU_GERROR_MSI_PRIQ_ABT_ERR);
	assert_int_equal(prod(pr), 2);
}

/* ----------------------------------------------------------- registers -- */

static void registers(void **state)
{
	struct pri_rig *pr = *state;
	struct rig *r = &pr->rig;

	/* guarded by PRIQEN, whatever SMMUEN is */
	wr64(r, SMMU_REG_PRIQ_BASE, 0);
	wr(r, SMMU_REG_PRIQ_PROD, 3);
	wr(r, SMMU_REG_CR0, SMMU_CR0_PRIQEN);
	wr64(r, SMMU_REG_PRIQ_BASE, 0);
	assert_int_equal(rd64(r, SMMU_REG_PRIQ_BASE), RIG_PRIQ | RIG_PRIQ_LG2);
	assert_int_equal(prod(pr), 0);
	wr(r, SMMU_REG_CR0, 0);
	wr64(r, SMMU_REG_PRIQ_BASE, RIG_PRIQ + 0x60);
	wr(r, SMMU_REG_PRIQ_PROD, 1);
	wr(r, SMMU_REG_PRIQ_CONS, 1);
	assert_int_equal(prod(pr), 1);
	wr(r, SMMU_REG_CR0, RIG_CR0_ATS);
	/* a queue of one entry, at a multiple of 32 bytes */
	send(pr, &plain);
	assert_int_equal(prod(pr), 0);
	assert_int_equal(ram_r64(&r->ram, RIG_PRIQ + 0x60), 0x5000000000000010);
	send(pr, &plain);
	assert_int_equal(prod(pr), OVFLG);
	expect_response(pr, UIOMMU_PRI_SUCCESS, false);
}

static void size_is_capped(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile_ats();
	struct pri_rig *pr;

	p.idr[1] = (p.idr[1] & ~SMMU_IDR1_PRIQS) | 1u << 11;
	pr = begin(&p); /* asks for 4 entries, gets 2 */
	send(pr, &plain);
	send(pr, &plain);
	expect_silence(pr);
	send(pr, &plain);
	expect_response(pr, UIOMMU_PRI_SUCCESS, false);
	end(pr);
}

static void turn_off(void *arg, unsigned int line)
{
	struct pri_rig *pr = arg;

	if (line == UIOMMU_SMMUV3_LINE_PRIQ)
		wr(&pr->rig, SMMU_REG_CR0, RIG_CR0_ATS & ~1u);
}

/*
 * The interrupt of an overflow turns the SMMU off before the stream table has
 * been asked for PPAR: it may not be read any more.
 */
static void no_stream_table_once_off(void **state)
{
	struct pri_rig *pr = *state;

	ram_w64(&pr->rig.ram, rig_ste_addr(0x10), 9);
	fill_queue(pr);
	set_lo(pr);
	pr->rig.ram.on_irq = turn_off;
	pr->rig.ram.on_irq_arg = pr;
	send(pr, &pasid);
	expect_response(pr, UIOMMU_PRI_FAILURE, false);
}

static void base_is_cut_to_the_output_size(void **state)
{
	struct pri_rig *pr = *state;
	struct rig *r = &pr->rig;

	wr(r, SMMU_REG_CR0, 0);
	wr64(r, SMMU_REG_PRIQ_BASE, 1ull << 50 | RIG_PRIQ | RIG_PRIQ_LG2);
	wr(r, SMMU_REG_CR0, RIG_CR0_ATS);
	send(pr, &plain);
	expect_silence(pr);
	assert_int_equal(rd(r, SMMU_REG_PRIQ_PROD), 1);
	assert_int_equal(rd(r, SMMU_REG_GERROR), 0);
}

/* --------------------------------------------------------- CMD_PRI_RESP -- */

static void responses_by_command(void **state)
{
	static const struct {
		uint64_t q0, q1;
		struct uiommu_pri_response want;
	} rows[] = {
		{ 0x0000001000003841,
		  0x201f,
		  { .sid = 0x10,
		    .ssv = true,
		    .ssid = 3,
		    .group = 0x1f,
		    .code = UIOMMU_PRI_SUCCESS } },
		{ 0xffffffff00003041,
		  0x11ff,
		  { .sid = 0xffffffff,
		    .group = 0x1ff,
		    .code = UIOMMU_PRI_INVALID } },
		{ 0x00000010fffff841,
		  0x0000,
		  { .sid = 0x10,
		    .ssv = true,
		    .ssid = 0xfffff,
		    .code = UIOMMU_PRI_FAILURE } },
	};
	struct pri_rig *pr = *state;
	struct rig *r = &pr->rig;

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct uiommu_pri_response *w = &rows[i].want;

		rig_cmd(r, rows[i].q0, rows[i].q1);
		assert_int_equal(pr->n, i + 1);
		assert_int_equal(pr->got[i].sid, w->sid);
		assert_int_equal(pr->got[i].ssv, w->ssv);
		assert_int_equal(pr->got[i].ssid, w->ssid);
		assert_int_equal(pr->got[i].group, w->group);
		assert_int_equal(pr->got[i].code, w->code);
	}
	/* ignored while the SMMU is off */
	wr(r, SMMU_REG_CR0, RIG_CR0_ATS & ~1u);
	rig_cmd(r, rows[0].q0, rows[0].q1);
	rig_sync(r);
	assert_int_equal(pr->n, ARRAY_SIZE(rows));
	/* but wrong is wrong */
	rig_cmd(r, 0x41, 0x3000);
	assert_int_equal(rd(r, SMMU_REG_CMDQ_CONS) >> 24, SMMU_CERROR_ILL);
	assert_int_equal(rd(r, SMMU_REG_GERROR), SMMU_GERROR_CMDQ_ERR);
}

/* An SMMU without SubstreamIDs has no PASID to put into the response. */
static void no_pasid_without_substreams(void **state)
{
	struct uiommu_smmuv3_profile p = rig_profile_ats();
	struct pri_rig *pr;

	p.idr[1] &= ~SMMU_IDR1_SSIDSIZE;
	pr = begin(&p);
	rig_cmd(&pr->rig, 0x0000001000003841, 0x201f);
	expect_response(pr, UIOMMU_PRI_SUCCESS, false);
	end(pr);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(records),
		T(denied),
		cmocka_unit_test(no_pri_at_all),
		T(overflow_until_acknowledged),
		cmocka_unit_test(pasid_in_overflow_responses),
		T(interrupt_when_not_empty_any_more),
		T(interrupt_for_each_last),
		T(interrupt_off),
		T(interrupt_by_message),
		T(registers),
		cmocka_unit_test(size_is_capped),
		T(no_stream_table_once_off),
		T(base_is_cut_to_the_output_size),
		T(responses_by_command),
		cmocka_unit_test(no_pasid_without_substreams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
