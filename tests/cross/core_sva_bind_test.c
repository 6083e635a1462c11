/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices bound to an address space that a CPU's page table translates, and what
 * has to line up between CPU and SMMU for this and for an address space that the
 * devices get a table of their own for.  Coherence, and output addresses (an SMMU
 * has to reach this process to begin with) are asked in tests/unit.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core_rig.h"
#include "fake_space.h"

#define FILLED 8u
#define ASKS 5u
#define STALLS 6u
#define DEVS 3u
/* 48 bits, 4K, write-back, inner shareable, 16 bits of ASID, 48 bits out */
#define TCR 0x1500003510ull
#define HA (1ull << 39)
#define HD (1ull << 40)

/* Its page i is RAM page i, as far as there are rights. */
struct cpu_space {
	struct space space; /* first; FILLED pages of it */
	struct core_rig *cr;
	struct uiommu_cpu_tables regs;
	struct uiommu_pgtable *pt;
};

struct scene {
	struct core_rig cr;
	struct cpu_space cpu;
	struct uiommu_device *dev[DEVS];
	struct uiommu_sva *sva[DEVS];
};

/* The last one is behind the second SMMU. */
static const struct {
	unsigned int smmu;
	uint32_t sid;
} places[DEVS] = { { 0, ASKS }, { 0, STALLS }, { 1, STALLS } };

/* --------------------------------------------------------- address space -- */

/* As a kernel would, on a fault of the CPU. */
static int populate(void *ctx, uint64_t uva, uint64_t len, bool write)
{
	struct cpu_space *cpu = ctx;
	struct space *space = &cpu->space;
	uint64_t i = (uva - HOME) / RIG_PAGE;
	uint32_t prot = CORE_RIG_RW & ~(write ? 0 : UIOMMU_PROT_WRITE);
	struct uiommu_gather gather;
	int rc;

	space->populated++;
	if (i >= PAGES || space->right[i] <= write)
		return -EFAULT;
	uiommu_gather_init(&gather);
	rc = uiommu_pgtable_map(cpu->pt, uva,
				(uintptr_t)core_rig_word(cpu->cr,
							 (unsigned int)i),
				len, prot, &gather);
	if (rc == -EEXIST && write)
		rc = uiommu_pgtable_protect(
			cpu->pt, uva, len, UIOMMU_PROT_READ | UIOMMU_PROT_WRITE,
			&gather);
	assert_true(!rc || rc == -EEXIST);
	return 0;
}

static void cpu_space_open(struct cpu_space *cpu, struct core_rig *cr)
{
	struct uiommu_pgtable_cfg cfg = {
		.platform = cr->rig[0]->platform,
		.fmt = UIOMMU_PGTABLE_VMSAV8_S1,
		.granule_lg2 = 12,
		.ias = 48,
		.oas = 48,
	};
	struct uiommu_pgtable_info info;

	*cpu = (struct cpu_space){ .cr = cr };
	space_init(&cpu->space);
	cpu->space.mm.populate = populate;
	cpu->space.mm.cpu = &cpu->regs;
	cpu->space.mm.va_bits = 48;
	memset(cpu->space.right + FILLED, 0, PAGES - FILLED);
	assert_int_equal(uiommu_pgtable_create(&cfg, &cpu->pt), 0);
	uiommu_pgtable_info(cpu->pt, &info);
	cpu->regs = (struct uiommu_cpu_tables){
		.kind = UIOMMU_CPU_ARM64,
		.ttbr0 = info.root,
		.tcr = TCR,
		.mair = info.mair,
	};
	for (unsigned int i = 0; i < FILLED; i++)
		*core_rig_word(cr, i) = 0xa0 + i;
}

static void cpu_space_close(struct cpu_space *cpu)
{
	assert_int_equal(cpu->space.nr, 0);
	assert_int_equal(cpu->space.held, 0);
	uiommu_pgtable_destroy(cpu->pt);
}

/* Pages [i, stop) go; what they were may be anybody's when this returns. */
static void take_away(struct cpu_space *cpu, unsigned int i, unsigned int stop)
{
	struct uiommu_gather gather;
	uint64_t unmapped;

	begin(&cpu->space, AT(i), AT(stop) - 1);
	uiommu_gather_init(&gather);
	assert_int_equal(uiommu_pgtable_unmap(cpu->pt, AT(i), AT(stop) - AT(i),
					      &gather, &unmapped),
			 0);
	for (unsigned int k = i; k < stop; k++)
		cpu->space.right[k] = 0;
	end(&cpu->space, AT(i), AT(stop) - 1);
}

/* ---------------------------------------------------------------- devices -- */

static void scene_open(struct scene *s)
{
	struct rig_cfg cfg;

	rig_default(&cfg);
	cfg.profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	core_rig_open(&s->cr, &cfg);
	core_rig_join(&s->cr, &cfg);
	for (unsigned int i = 0; i < DEVS; i++) {
		const bool asks = places[i].sid == ASKS;
		const struct uiommu_hwdev_cfg hw = {
			.pasid_bits = 8,
			.ats = asks,
			.pri = asks,
			.pri_pasid = true,
			.stall = !asks,
		};

		s->dev[i] = core_rig_add(&s->cr, places[i].smmu, places[i].sid,
					 &hw);
	}
	cpu_space_open(&s->cpu, &s->cr);
}

static void scene_close(struct scene *s)
{
	for (unsigned int i = 0; i < DEVS; i++)
		uiommu_device_remove(s->dev[i]);
	cpu_space_close(&s->cpu);
	core_rig_close(&s->cr);
}

static void bind_all(struct scene *s)
{
	for (unsigned int i = 0; i < DEVS; i++)
		assert_int_equal(uiommu_sva_bind(s->dev[i], &s->cpu.space.mm,
						 &s->sva[i]),
				 0);
}

struct access {
	struct uiommu_smmuv3_dma req;
	uint64_t word;
	int status; /* -EINPROGRESS: it waits */
};

static void on_done(struct uiommu_smmuv3_dma *req, int status)
{
	struct access *a = (struct access *)req;

	a->status = status;
}

/* Device i reads or writes 8 bytes. */
static void start(struct scene *s, struct access *a, unsigned int i,
		  uint64_t va, bool write)
{
	struct rig *rig = s->cr.rig[places[i].smmu];
	struct uiommu_smmuv3_endpoint *ep = rig_endpoint(rig, places[i].sid);
	int rc;

	*a = (struct access){
		.req = {
			.txn = {
				.sid = places[i].sid,
				.ssid = uiommu_sva_pasid(s->sva[i]),
				.iova = va,
				.flags = UIOMMU_TXN_SSV |
					 (write ? UIOMMU_TXN_WRITE : 0),
			},
			.buf = &a->word,
			.len = 8,
			.done = on_done,
		},
		.word = 0xd0 + i,
		.status = -EINPROGRESS,
	};
	rc = ep ? uiommu_smmuv3_endpoint_dma(ep, &a->req)
		: uiommu_smmuv3_model_dma(rig->model, &a->req);
	if (rc != -EINPROGRESS)
		a->status = rc;
}

static int reads(struct scene *s, unsigned int i, uint64_t va, uint64_t want)
{
	struct access a;

	start(s, &a, i, va, false);
	core_rig_irqs(&s->cr);
	if (!a.status)
		assert_int_equal(a.word, want);
	return a.status;
}

static int writes(struct scene *s, unsigned int i, uint64_t va)
{
	struct access a;

	start(s, &a, i, va, true);
	core_rig_irqs(&s->cr);
	return a.status;
}

/* ------------------------------------------------------------------ tests -- */

static void counted_by_device_and_space(void **state)
{
	struct uiommu_sva *again;
	struct uiommu_domain *dom;
	struct scene s;

	scene_open(&s);
	bind_all(&s);
	for (unsigned int i = 0; i < DEVS; i++) {
		uint32_t pasid = uiommu_sva_pasid(s.sva[i]);

		assert_int_equal(pasid, uiommu_sva_pasid(s.sva[0]));
		dom = uiommu_device_pasid_domain(s.dev[i], pasid);
		assert_ptr_equal(dom,
				 uiommu_device_pasid_domain(s.dev[0], pasid));
		assert_int_equal(uiommu_domain_type(dom), UIOMMU_DOM_SHARED);
	}
	assert_int_equal(uiommu_sva_bind(s.dev[1], &s.cpu.space.mm, &again), 0);
	assert_ptr_equal(again, s.sva[1]);
	uiommu_sva_unbind(again);
	assert_int_equal(reads(&s, 1, AT(1), 0xa1), 0);
	for (unsigned int i = 0; i < DEVS; i++) {
		assert_int_equal(s.cpu.space.nr, 1);
		uiommu_sva_unbind(s.sva[i]);
		assert_int_equal(uiommu_device_nr_pasids(s.dev[i]), 0);
	}
	scene_close(&s);
}

/* Each device finds what the table says, and asks for what it does not say. */
static void pages_come_and_go(void **state)
{
	struct uiommu_mm_notifier *n;
	struct scene s;

	scene_open(&s);
	bind_all(&s);
	for (unsigned int i = 0; i < DEVS; i++) {
		assert_int_equal(reads(&s, i, AT(i), 0xa0 + i), 0);
		assert_int_equal(s.cpu.space.populated, i + 1);
	}
	/* What one has asked for is there for all. */
	for (unsigned int i = 0; i < DEVS; i++)
		assert_int_equal(reads(&s, i, AT(2), 0xa2), 0);
	assert_int_equal(s.cpu.space.populated, DEVS);
	/* Then a right more. */
	for (unsigned int i = 0; i < DEVS; i++) {
		assert_int_equal(writes(&s, i, AT(i)), 0);
		assert_int_equal(*core_rig_word(&s.cr, i), 0xd0 + i);
		assert_int_equal(reads(&s, i, AT(i), 0xd0 + i), 0);
	}
	assert_int_equal(s.cpu.space.populated, 2 * DEVS);
	take_away(&s.cpu, 0, 2);
	for (unsigned int i = 0; i < DEVS; i++) {
		assert_int_equal(reads(&s, i, AT(0), 0), -EFAULT);
		assert_int_equal(writes(&s, i, AT(1)), -EFAULT);
		assert_int_equal(reads(&s, i, AT(2), 0xd2), 0);
	}
	assert_int_equal(*core_rig_word(&s.cr, 1), 0xd1);
	/* Everything at once, and nothing. */
	n = s.cpu.space.n[0];
	n->begin(n, 0, UINT64_MAX, UIOMMU_MM_REPLACE);
	n->end(n, 0, UINT64_MAX, UIOMMU_MM_REPLACE);
	assert_int_equal(reads(&s, 0, AT(2), 0xd2), 0);
	assert_int_equal(reads(&s, 1, UINT64_C(1) << 48, 0), -EFAULT);
	/* Only to read. */
	s.cpu.space.right[4] = 1;
	assert_int_equal(reads(&s, 2, AT(4), 0xa4), 0);
	assert_int_equal(writes(&s, 2, AT(4)), -EFAULT);
	for (unsigned int i = 0; i < DEVS; i++)
		uiommu_sva_unbind(s.sva[i]);
	scene_close(&s);
}

/* What waits when its device is unbound ends, and nothing else. */
static void unbind_drains(void **state)
{
	struct access a[DEVS];
	struct scene s;

	scene_open(&s);
	bind_all(&s);
	for (unsigned int i = 0; i < DEVS; i++) {
		start(&s, &a[i], i, AT(i), true);
		assert_int_equal(a[i].status, -EINPROGRESS);
	}
	for (unsigned int i = 0; i < 2; i++)
		uiommu_sva_unbind(s.sva[i]);
	core_rig_irqs(&s.cr);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(a[i].status, -EFAULT);
		assert_int_equal(*core_rig_word(&s.cr, i), 0xa0 + i);
	}
	assert_int_equal(a[2].status, 0);
	assert_int_equal(*core_rig_word(&s.cr, 2), 0xd2);
	uiommu_sva_unbind(s.sva[2]);
	scene_close(&s);
}

/* ---------------------------------------------------------- what lines up -- */

/* An SMMU with these bits of IDR<nr> changed; what it says to either. */
struct line {
	unsigned int nr;
	uint32_t clear, set;
	uint64_t tcr;
	int cpu, own;
};

static const struct line lines[] = {
	{ 0, 0, 0, TCR, 0, 0 },
	/* page size */
	{ 5, 1u << 4, 0, TCR, -EOPNOTSUPP, -EOPNOTSUPP },
	/* input addresses: 52 bits with a granule that has 48 here */
	{ 0, 0, 0, TCR - 4, -EOPNOTSUPP, 0 },
	/* ASIDs of 8 bits; a table of one's own has an ASID of the SMMU's */
	{ 0, 1u << 12, 0, TCR, -EOPNOTSUPP, 0 },
	/* no access flags, no dirty state; its own pages have both set */
	{ 0, 3u << 6, 0, TCR, 0, 0 },
	{ 0, 3u << 6, 0, TCR | HA, -EOPNOTSUPP, 0 },
	{ 0, 3u << 6, 1u << 6, TCR | HA | HD, -EOPNOTSUPP, 0 },
};

static void expect_bind(struct uiommu_device *dev,
			const struct uiommu_sva_mm *mm, int want,
			unsigned int line)
{
	struct uiommu_sva *sva = NULL;
	int rc = uiommu_sva_bind(dev, mm, &sva);

	if (rc != want)
		fail_msg("line %u: %d", line, rc);
	if (!rc)
		uiommu_sva_unbind(sva);
	assert_int_equal(uiommu_device_nr_pasids(dev), 0);
}

static void cpu_and_smmu_line_up_or_not(void **state)
{
	const struct uiommu_hwdev_cfg hw = { .pasid_bits = 8, .stall = true };
	struct uiommu_device *dev;
	struct core_rig cr;
	struct cpu_space cpu;
	struct rig_cfg cfg;

	for (unsigned int i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const struct line *l = &lines[i];

		rig_default(&cfg);
		cfg.profile.idr[l->nr] = (cfg.profile.idr[l->nr] & ~l->clear) |
					 l->set;
		core_rig_open(&cr, &cfg);
		dev = core_rig_add(&cr, 0, STALLS, &hw);
		cpu_space_open(&cpu, &cr);
		cpu.regs.tcr = l->tcr;
		expect_bind(dev, &cpu.space.mm, l->cpu, i);
		cpu.space.mm.cpu = NULL;
		cpu.space.mm.va_bits = 47;
		expect_bind(dev, &cpu.space.mm, l->own, i);
		uiommu_device_remove(dev);
		cpu_space_close(&cpu);
		core_rig_close(&cr);
	}
}

/* One bit of what the domain needs is missing behind the other SMMU. */
static void an_smmu_that_does_not_fit(void **state)
{
	static const struct line without[] = {
		{ 5, 1u << 4, 0, TCR, -EINVAL, -EINVAL },  /* GRAN4K */
		{ 0, 1u << 12, 0, TCR, -EINVAL, -EINVAL }, /* ASID16 */
	};
	const struct uiommu_hwdev_cfg hw = { .pasid_bits = 8, .stall = true };
	struct uiommu_device *near, *far;
	struct uiommu_sva *sva;
	struct core_rig cr;
	struct cpu_space cpu;
	struct rig_cfg cfg;

	for (unsigned int i = 0; i < 2 * 2; i++) {
		const struct line *l = &without[i / 2];

		rig_default(&cfg);
		core_rig_open(&cr, &cfg);
		cfg.profile.idr[l->nr] &= ~l->clear;
		core_rig_join(&cr, &cfg);
		near = core_rig_add(&cr, 0, STALLS, &hw);
		far = core_rig_add(&cr, 1, STALLS, &hw);
		cpu_space_open(&cpu, &cr);
		if (i % 2) {
			cpu.space.mm.cpu = NULL;
			cpu.space.mm.va_bits = 47;
		}
		assert_int_equal(uiommu_sva_bind(near, &cpu.space.mm, &sva), 0);
		expect_bind(far, &cpu.space.mm, i % 2 ? l->own : l->cpu, i);
		assert_int_equal(uiommu_device_nr_pasids(near), 1);
		uiommu_sva_unbind(sva);
		uiommu_device_remove(near);
		uiommu_device_remove(far);
		cpu_space_close(&cpu);
		core_rig_close(&cr);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counted_by_device_and_space),
		cmocka_unit_test(pages_come_and_go),
		cmocka_unit_test(unbind_drains),
		cmocka_unit_test(cpu_and_smmu_line_up_or_not),
		cmocka_unit_test(an_smmu_that_does_not_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
