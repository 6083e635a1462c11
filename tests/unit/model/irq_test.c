/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts of all sources: by wire, by message, their aborts, their enables. */
#include <pthread.h>

#include "base/atomic.h"
#include "rig.h"

#define EVENTQ UIOMMU_SMMUV3_LINE_EVENTQ
#define GERROR UIOMMU_SMMUV3_LINE_GERROR

/* Abort an access with an event, into a queue that is empty before. */
static void cause_event(struct rig *r)
{
	struct uiommu_smmuv3_xlate x;

	while (rig_event(r, (uint64_t[4]){ 0 }))
		;
	assert_int_equal(rig_xlate(r, 1, 0, 0x1000, &x), -14);
}

/* One that software then acknowledges and mends. */
static void cause_gerror(struct rig *r)
{
	uint32_t at = rd(r, SMMU_REG_CMDQ_CONS) & SMMU_CMDQ_CONS_RD;
	uint64_t pa = RIG_CMDQ + smmu_q_offset(at, RIG_CMDQ_LG2, 4);

	rig_cmd(r, 0, 0);
	ram_w64(&r->ram, pa, SMMU_CMD_OP_TLBI_NSNH_ALL);
	wr(r, SMMU_REG_GERRORN, rd(r, SMMU_REG_GERRORN) ^ SMMU_GERROR_CMDQ_ERR);
}

static void nothing_more(struct rig *r)
{
	assert_int_equal(r->ram.irqs[EVENTQ], 0);
	assert_int_equal(r->ram.irqs[GERROR], 0);
	assert_int_equal(r->ram.msi_count, 0);
}

struct source {
	void (*cause)(struct rig *r);
	unsigned int line;
	uint32_t enable, cfg0, cfg1, cfg2, abort_bit;
};

static const struct source sources[] = {
	{ cause_event, EVENTQ, SMMU_IRQ_CTRL_EVENTQ_IRQEN,
	  SMMU_REG_EVENTQ_IRQ_CFG0, SMMU_REG_EVENTQ_IRQ_CFG1,
	  SMMU_REG_EVENTQ_IRQ_CFG2, SMMU_GERROR_MSI_EVENTQ_ABT_ERR },
	{ cause_gerror, GERROR, SMMU_IRQ_CTRL_GERROR_IRQEN,
	  SMMU_REG_GERROR_IRQ_CFG0, SMMU_REG_GERROR_IRQ_CFG1,
	  SMMU_REG_GERROR_IRQ_CFG2, SMMU_GERROR_MSI_GERROR_ABT_ERR },
};

static void wires_follow_their_enables(void **state)
{
	struct rig *r = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(sources); i++) {
		const struct source *s = &sources[i];

		wr(r, SMMU_REG_IRQ_CTRL, ~s->enable);
		s->cause(r);
		nothing_more(r);
		/* what has been is not told later */
		wr(r, SMMU_REG_IRQ_CTRL, s->enable);
		nothing_more(r);
		s->cause(r);
		assert_int_equal(r->ram.irqs[s->line], 1);
		r->ram.irqs[s->line] = 0;
		nothing_more(r);
	}
}

/* The event queue tells when it is not empty any more, not of each event. */
static void only_the_first_event_of_a_queue_interrupts(void **state)
{
	struct rig *r = *state;
	struct uiommu_smmuv3_xlate x;

	cause_event(r);
	for (uint32_t i = 2; i <= 3; i++) {
		assert_int_not_equal(rig_xlate(r, 1, 0, 0x1000, &x), 0);
		assert_int_equal(rd(r, SMMU_REG_EVENTQ_PROD), i);
	}
	assert_int_equal(r->ram.irqs[EVENTQ], 1);
	cause_event(r);
	assert_int_equal(r->ram.irqs[EVENTQ], 2);
}

static void messages_carry_attributes(void **state)
{
	struct rig *r = *state;
	static const struct {
		uint32_t cfg2;
		uint8_t mair, sh;
	} attrs[] = {
		{ 0x3f, 0xff, 3 }, /* write-back, inner shareable */
		{ 0x2f, 0xff, 2 }, /* outer */
		{ 0x1f, 0xff, 0 }, /* 1 is reserved and acts as 0 */
		{ 0x0f, 0xff, 0 },
		{ 0x01, 0x04, 2 }, /* Device-nGnRE: outer, whatever SH says */
		{ 0x35, 0x44, 2 }, /* non-cacheable: the same */
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(sources); i++) {
		const struct source *s = &sources[i];

		for (unsigned int j = 0; j < ARRAY_SIZE(attrs); j++) {
			wr(r, SMMU_REG_IRQ_CTRL, 0);
			wr64(r, s->cfg0, RIG_DATA + 8 * i);
			wr(r, s->cfg1, 0xabc0 + j);
			wr(r, s->cfg2, attrs[j].cfg2);
			wr(r, SMMU_REG_IRQ_CTRL, s->enable);
			s->cause(r);
			assert_int_equal(r->ram.msi_count, 1);
			assert_int_equal(r->ram.msi_addr, RIG_DATA + 8 * i);
			assert_int_equal(r->ram.msi_data, 0xabc0 + j);
			assert_int_equal(ram_r32(&r->ram, RIG_DATA + 8 * i),
					 0xabc0 + j);
			assert_int_equal(r->ram.msi_attrs.mair, attrs[j].mair);
			assert_int_equal(r->ram.msi_attrs.sh, attrs[j].sh);
			r->ram.msi_count = 0;
			/* the wire is there beside it */
			assert_int_equal(r->ram.irqs[s->line], 1);
			r->ram.irqs[s->line] = 0;
			nothing_more(r);
		}
		/* the address is cut to the output size */
		wr(r, SMMU_REG_IRQ_CTRL, 0);
		wr64(r, s->cfg0, 1ull << 52 | RIG_DATA);
		wr(r, SMMU_REG_IRQ_CTRL, s->enable);
		s->cause(r);
		assert_int_equal(r->ram.msi_addr, RIG_DATA);
		r->ram.msi_count = 0;
		r->ram.irqs[s->line] = 0;
		/* address zero: by wire alone */
		wr(r, SMMU_REG_IRQ_CTRL, 0);
		wr64(r, s->cfg0, 0);
		wr(r, SMMU_REG_IRQ_CTRL, s->enable);
		s->cause(r);
		assert_int_equal(r->ram.irqs[s->line], 1);
		r->ram.irqs[s->line] = 0;
		nothing_more(r);
	}
}

static void aborted_messages_are_global_errors(void **state)
{
	struct rig *r = *state;

	for (unsigned int i = 0; i < ARRAY_SIZE(sources); i++) {
		const struct source *s = &sources[i];
		/* the error that is the cause has an edge of its own */
		unsigned int own = s->line == GERROR;
		uint32_t was = rd(r, SMMU_REG_GERROR);

		wr(r, SMMU_REG_IRQ_CTRL, 0);
		wr64(r, s->cfg0, RIG_HOLE);
		wr(r, SMMU_REG_IRQ_CTRL,
		   s->enable | SMMU_IRQ_CTRL_GERROR_IRQEN);
		s->cause(r);
		/* the abort of GERROR's own message raises nothing */
		assert_int_equal((rd(r, SMMU_REG_GERROR) ^ was) &
					 ~SMMU_GERROR_CMDQ_ERR,
				 s->abort_bit);
		assert_int_equal(r->ram.irqs[GERROR], 1);
		/* again before it is acknowledged: lost */
		s->cause(r);
		assert_int_equal((rd(r, SMMU_REG_GERROR) ^ was) &
					 ~SMMU_GERROR_CMDQ_ERR,
				 s->abort_bit);
		assert_int_equal(r->ram.irqs[GERROR], 1 + own);
		wr(r, SMMU_REG_GERRORN, rd(r, SMMU_REG_GERROR));
		s->cause(r);
		assert_int_equal(rd(r, SMMU_REG_GERROR) & s->abort_bit,
				 was & s->abort_bit);
		assert_int_equal(r->ram.irqs[GERROR], 2 + own);
		wr(r, SMMU_REG_GERRORN, rd(r, SMMU_REG_GERROR));
		wr(r, SMMU_REG_IRQ_CTRL, 0);
		wr64(r, s->cfg0, 0);
		r->ram.irqs[GERROR] = 0;
	}
}

/* ---------------------------------------------------------- handshake --- */

struct race {
	struct rig rig;
	struct uiommu_model_host real;
	uint32_t in_msi, stop;
};

/* A message that takes its time. */
static int slow_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		      struct uiommu_mem_attrs attrs)
{
	struct race *race = ctx;
	int rc;

	if (attrs.msi)
		store_release(&race->in_msi, 1);
	for (unsigned int i = 0; attrs.msi && i < 2000; i++)
		(void)load_acquire(&race->stop);
	rc = race->real.write(race->real.ctx, pa, buf, len, attrs);
	if (attrs.msi)
		store_release(&race->in_msi, 0);
	return rc;
}

static int race_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	struct race *race = ctx;

	return race->real.read(race->real.ctx, pa, buf, len, attrs);
}

static void *cause_many(void *arg)
{
	struct race *race = arg;
	struct rig *r = &race->rig;

	while (!load_acquire(&race->stop)) {
		struct uiommu_smmuv3_txn txn = { .sid = 1, .iova = 0x1000 };
		struct uiommu_smmuv3_xlate x;

		(void)uiommu_smmuv3_model_translate(r->model, &txn, &x);
		wr(r, SMMU_REG_EVENTQ_CONS, rd(r, SMMU_REG_EVENTQ_PROD));
	}
	return NULL;
}

/* After the acknowledgement no message is under way, and none comes. */
static void turning_off_waits_for_messages(void **state)
{
	struct race *race = test_calloc(1, sizeof(*race));
	struct rig *r = &race->rig;
	struct uiommu_smmuv3_profile p = rig_profile("full");
	struct uiommu_model_host host;
	pthread_t thread;
	uint64_t seen = 0;

	assert_int_equal(model_ram_init(&r->ram, RIG_BASE, 0x20000000), 0);
	race->real = model_ram_host(&r->ram);
	host = race->real;
	host.ctx = race;
	host.write = slow_write;
	host.read = race_read;
	host.direct = NULL;
	host.cmpxchg64 = NULL;
	host.irq = NULL;
	host.wake = NULL;
	host.log = NULL;
	assert_int_equal(uiommu_smmuv3_model_create(&p, &host, &r->model), 0);
	wr64(r, SMMU_REG_EVENTQ_BASE, RIG_EVTQ | RIG_EVTQ_LG2);
	wr64(r, SMMU_REG_EVENTQ_IRQ_CFG0, RIG_DATA);
	wr64(r, SMMU_REG_STRTAB_BASE, RIG_STRTAB);
	wr(r, SMMU_REG_STRTAB_BASE_CFG, 4);
	wr(r, SMMU_REG_CR0, SMMU_CR0_SMMUEN | SMMU_CR0_EVENTQEN);
	assert_int_equal(pthread_create(&thread, NULL, cause_many, race), 0);
	for (unsigned int i = 0; i < 300 || seen < 20; i++) {
		uint64_t count = load_acquire(&r->ram.msi_count);

		wr(r, SMMU_REG_IRQ_CTRL, SMMU_IRQ_CTRL_EVENTQ_IRQEN);
		for (unsigned int j = 0;
		     j < 100000 && load_acquire(&r->ram.msi_count) == count &&
		     !load_acquire(&race->in_msi);
		     j++)
			;
		wr(r, SMMU_REG_IRQ_CTRL, 0);
		assert_int_equal(rd(r, SMMU_REG_IRQ_CTRLACK), 0);
		assert_int_equal(load_acquire(&race->in_msi), 0);
		seen += load_acquire(&r->ram.msi_count) - count;
		count = load_acquire(&r->ram.msi_count);
		for (unsigned int j = 0; j < 2000; j++)
			assert_int_equal(load_acquire(&r->ram.msi_count),
					 count);
	}
	store_release(&race->stop, 1);
	pthread_join(thread, NULL);
	uiommu_smmuv3_model_destroy(r->model);
	model_ram_fini(&r->ram);
	test_free(race);
}

#define T(name) cmocka_unit_test_setup_teardown(name, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(wires_follow_their_enables),
		T(only_the_first_event_of_a_queue_interrupts),
		T(messages_carry_attributes),
		T(aborted_messages_are_global_errors),
		cmocka_unit_test(turning_off_waits_for_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
