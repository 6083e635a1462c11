/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * driver/...: from the page table to the completed CMD_SYNC, on the driver, the
 * hosted platform and the model with a device attached.
 *
 *   driver/unmap_sync/4k   unmap one page and flush
 *   driver/unmap/1g	     unmap 1 GiB mapped as blocks, and flush
 *   driver/attach	     move a device from one domain to another
 *   driver/pasid_attach     give a PASID a domain, among 64 that have one
 *   driver/pasid_replace    give it another one
 *   driver/pasid_detach     take it away
 *   scale/pasids	     N domains on each of N devices by PASIDs (--scale N,
 *			     by default 1000): all N x N attachments
 *   driver/flush/command    one of many invalidations by address, without ranges
 *   driver/flush/refill     what one translation costs that an invalidation of
 *			     the whole ASID has taken away
 *
 * The last two say when the ASID is the better way: with n commands against m
 * entries of the domain in the TLB, from n > m x refill / command on (inv.c).
 * The notes hold commands and SYNCs per operation, counted once by the model
 * before the time is taken.  The note of scale/pasids holds the time for the
 * first and for the last tenth of the attachments, and what each takes of memory
 * beyond the 64 bytes of its CD: objects as the allocator rounds them, leaves and
 * level-1 tables of CDs, and what the domains keep.
 */
#include <stdlib.h>

#include <uiommu/host.h>
#include <uiommu/smmuv3.h>
#include <uiommu/smmuv3_model.h>

#include "bench.h"
#include "smmu.h"

#define KIB (UINT64_C(1) << 10)
#define GIB (UINT64_C(1) << 30)
#define PAGE (4 * KIB)
#define IOVA (256 * GIB)
#define PA (64 * GIB)
#define PROT (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define BATCH 4096u

/* ---------------------------------------------------------------- machine */

struct setup {
	struct bench_smmu hw;
	struct uiommu_unit *unit;
	struct uiommu_hwdev *dev;
	struct uiommu_hwdom *dom, *other;
};

static void open_setup(struct setup *s)
{
	struct uiommu_dom_cfg paging = { UIOMMU_DOM_PAGING };
	struct uiommu_smmuv3_cfg cfg = { .base = BENCH_SMMU_MMIO };
	uint32_t sid = 8;
	struct uiommu_hwdev_cfg dev = { .ids = &sid,
					.nr_ids = 1,
					.pasid_bits = 20 };

	bench_smmu_open(&s->hw);
	cfg.platform = uiommu_host_platform(s->hw.host);
	must(!uiommu_smmuv3_probe(&cfg, &s->unit), "probe");
	must(!s->unit->ops->dev_add(s->unit, &dev, &s->dev), "dev_add");
	must(!s->unit->ops->dom_alloc(s->unit, &paging, &s->dom), "domain");
	must(!s->unit->ops->dom_alloc(s->unit, &paging, &s->other), "domain");
	must(!s->unit->ops->attach(s->dom, s->dev), "attach");
}

static void close_setup(struct setup *s)
{
	s->unit->ops->dev_remove(s->dev);
	s->unit->ops->dom_free(s->dom);
	s->unit->ops->dom_free(s->other);
	s->unit->ops->remove(s->unit);
	bench_smmu_close(&s->hw);
}

/* ------------------------------------------------------------- operations */

static void map(struct setup *s, uint64_t iova, uint64_t pa, uint64_t len)
{
	struct uiommu_gather gather;

	uiommu_gather_init(&gather);
	must(!uiommu_pgtable_map(s->dom->pt, iova, pa, len, PROT, &gather),
	     "map");
	must(!s->unit->ops->flush(s->dom, &gather), "flush");
	uiommu_gather_release(&gather);
}

static void unmap(struct setup *s, uint64_t iova, uint64_t len)
{
	struct uiommu_gather gather;
	uint64_t unmapped;

	uiommu_gather_init(&gather);
	must(!uiommu_pgtable_unmap(s->dom->pt, iova, len, &gather, &unmapped),
	     "unmap");
	must(!s->unit->ops->flush(s->dom, &gather), "flush");
	uiommu_gather_release(&gather);
}

static void unmap_sync_4k(struct bench_run *run)
{
	struct setup s = { 0 };
	unsigned int i;

	open_setup(&s);
	for (i = 0; i < BATCH; i++)
		map(&s, IOVA + i * PAGE, PA + i * PAGE, PAGE);
	bench_start(run);
	for (i = 0; i < BATCH; i++)
		unmap(&s, IOVA + i * PAGE, PAGE);
	bench_stop(run, BATCH);
	close_setup(&s);
}

static void unmap_1g(struct bench_run *run)
{
	unsigned int i, n = 64;
	struct setup s = { 0 };

	open_setup(&s);
	for (i = 0; i < n; i++)
		map(&s, IOVA + i * GIB, PA, GIB);
	bench_start(run);
	for (i = 0; i < n; i++)
		unmap(&s, IOVA + i * GIB, GIB);
	bench_stop(run, n);
	close_setup(&s);
}

static void attach(struct bench_run *run)
{
	struct setup s = { 0 };
	unsigned int i;

	open_setup(&s);
	bench_start(run);
	for (i = 0; i < BATCH; i++)
		must(!s.unit->ops->attach(i & 1 ? s.dom : s.other, s.dev),
		     "attach");
	bench_stop(run, BATCH);
	close_setup(&s);
}

/* PASID 1000 stands in a leaf with neighbours, as most do. */
#define PASID 1000u

static void set_pasid(struct setup *s, struct uiommu_hwdom *dom, uint32_t pasid,
		      struct uiommu_hwdom *old)
{
	must(!s->unit->ops->set_pasid(dom, s->dev, pasid, old), "set_pasid");
}

static void open_pasids(struct setup *s)
{
	uint32_t i;

	open_setup(s);
	for (i = 0; i < 16; i++)
		set_pasid(s, s->dom, PASID + 1 + i, NULL);
}

static void close_pasids(struct setup *s)
{
	uint32_t i;

	for (i = 0; i < 16; i++)
		set_pasid(s, NULL, PASID + 1 + i, s->dom);
	close_setup(s);
}

static void pasid_attach(struct bench_run *run)
{
	struct setup s = { 0 };
	unsigned int i;

	open_pasids(&s);
	for (i = 0; i < BATCH; i++) {
		bench_start(run);
		set_pasid(&s, s.other, PASID, NULL);
		bench_stop(run, 1);
		set_pasid(&s, NULL, PASID, s.other);
	}
	close_pasids(&s);
}

static void pasid_replace(struct bench_run *run)
{
	struct setup s = { 0 };
	unsigned int i;

	open_pasids(&s);
	set_pasid(&s, s.other, PASID, NULL);
	bench_start(run);
	for (i = 0; i < BATCH / 2; i++) {
		set_pasid(&s, s.dom, PASID, s.other);
		set_pasid(&s, s.other, PASID, s.dom);
	}
	bench_stop(run, BATCH / 2 * 2);
	set_pasid(&s, NULL, PASID, s.other);
	close_pasids(&s);
}

static void pasid_detach(struct bench_run *run)
{
	struct setup s = { 0 };
	unsigned int i;

	open_pasids(&s);
	for (i = 0; i < BATCH; i++) {
		set_pasid(&s, s.other, PASID, NULL);
		bench_start(run);
		set_pasid(&s, NULL, PASID, s.other);
		bench_stop(run, 1);
	}
	close_pasids(&s);
}

/* ------------------------------------------------------------ many PASIDs */

struct many {
	struct setup s;
	unsigned int nr;
	struct uiommu_hwdev **dev;
	struct uiommu_hwdom **dom;
};

static void open_many(struct many *m, unsigned int nr)
{
	struct uiommu_dom_cfg paging = { UIOMMU_DOM_PAGING };
	struct uiommu_smmuv3_cfg cfg = { .base = BENCH_SMMU_MMIO };
	struct uiommu_hwdev_cfg dev = { .nr_ids = 1, .pasid_bits = 20 };
	uint32_t i;

	bench_smmu_open(&m->s.hw);
	cfg.platform = bench_smmu_counting(&m->s.hw);
	must(!uiommu_smmuv3_probe(&cfg, &m->s.unit), "probe");
	m->nr = nr;
	m->dev = calloc(nr, sizeof(*m->dev));
	m->dom = calloc(nr, sizeof(*m->dom));
	must(m->dev && m->dom, "memory");
	for (i = 0; i < nr; i++) {
		dev.ids = &i;
		must(!m->s.unit->ops->dev_add(m->s.unit, &dev, &m->dev[i]),
		     "dev_add");
		must(!m->s.unit->ops->dom_alloc(m->s.unit, &paging, &m->dom[i]),
		     "domain");
	}
}

static void close_many(struct many *m)
{
	unsigned int i;

	for (i = 0; i < m->nr; i++) {
		m->s.unit->ops->dev_remove(m->dev[i]);
		m->s.unit->ops->dom_free(m->dom[i]);
	}
	m->s.unit->ops->remove(m->s.unit);
	bench_smmu_close(&m->s.hw);
	free(m->dev);
	free(m->dom);
}

/* All PASIDs of devices [from, to), attached or detached. */
static uint64_t set_all(const struct many *m, unsigned int from,
			unsigned int to, bool attach)
{
	const struct uiommu_driver_ops *ops = m->s.unit->ops;
	uint64_t t = bench_now_ns();
	unsigned int i, j;

	for (i = from; i < to; i++)
		for (j = 0; j < m->nr; j++)
			must(!ops->set_pasid(attach ? m->dom[j] : NULL,
					     m->dev[i], j + 1,
					     attach ? NULL : m->dom[j]),
			     "set_pasid");
	return bench_now_ns() - t;
}

static char scale_note[96];

static void scale_pasids(struct bench_run *run)
{
	unsigned int n = run->scale, tenth = n / 10;
	uint64_t first, last, before, bytes;
	double part = (double)tenth * n, all = (double)n * n;
	struct many m = { 0 };

	open_many(&m, n);
	before = bench_smmu_taken();
	bench_start(run);
	first = set_all(&m, 0, tenth, true);
	set_all(&m, tenth, n - tenth, true);
	last = set_all(&m, n - tenth, n, true);
	bench_stop(run, (uint64_t)n * n);
	bytes = bench_smmu_taken() - before;
	set_all(&m, 0, n, false);
	close_many(&m);
	snprintf(scale_note, sizeof(scale_note),
		 "first_tenth=%.0f last_tenth=%.0f bytes_beyond_cd=%.1f",
		 (double)first / part, (double)last / part,
		 (double)bytes / all - 64);
}

/* --------------------------------------------------- addresses or the ASID */

#define ENTRIES 100u

static void flush_command(struct bench_run *run)
{
	struct uiommu_gather_range range = { IOVA, IOVA + ENTRIES * PAGE - 1,
					     12, 3, true };
	struct setup s = { .hw.no_ranges = true };
	struct uiommu_gather gather;
	unsigned int i;

	open_setup(&s);
	uiommu_gather_init(&gather);
	gather.nr_ranges = 1;
	gather.range[0] = range;
	bench_start(run);
	for (i = 0; i < BATCH / 8; i++)
		must(!s.unit->ops->flush(s.dom, &gather), "flush");
	bench_stop(run, BATCH / 8 * ENTRIES);
	close_setup(&s);
}

/* All pages once; they are in the TLB after it. */
static void touch(struct setup *s)
{
	struct uiommu_smmuv3_xlate xlate;
	struct uiommu_smmuv3_txn txn = { .sid = 8 };
	unsigned int i;

	for (i = 0; i < ENTRIES; i++) {
		txn.iova = IOVA + i * PAGE;
		must(!uiommu_smmuv3_model_translate(s->hw.model, &txn, &xlate),
		     "translate");
	}
}

static void flush_refill(struct bench_run *run)
{
	struct setup s = { .hw.no_ranges = true };
	uint64_t miss = 0, hit = 0, t;
	unsigned int i;

	open_setup(&s);
	for (i = 0; i < ENTRIES; i++)
		map(&s, IOVA + i * PAGE, PA + i * PAGE, PAGE);
	touch(&s);
	run->switches0 = bench_preemptions();
	for (i = 0; i < BATCH / 8; i++) {
		must(!s.unit->ops->flush_all(s.dom), "flush");
		t = bench_now_ns();
		touch(&s);
		miss += bench_now_ns() - t;
		t = bench_now_ns();
		touch(&s);
		hit += bench_now_ns() - t;
	}
	run->disturbed = bench_preemptions() != run->switches0;
	run->ns = miss > hit ? miss - hit : 0;
	run->ops = (uint64_t)BATCH / 8 * ENTRIES;
	close_setup(&s);
}

/* ------------------------------------------------------------------ counts */

static void nothing(struct setup *s)
{
}

/* What `op` takes, and after it `undo` does not count. */
static void count(char *note, size_t size, void (*before)(struct setup *s),
		  void (*op)(struct setup *s), void (*undo)(struct setup *s))
{
	struct uiommu_smmuv3_stats first, last;
	struct setup s = { 0 };

	open_setup(&s);
	map(&s, IOVA, PA, PAGE);
	map(&s, IOVA + GIB, PA, GIB);
	before(&s);
	uiommu_smmuv3_model_stats(s.hw.model, &first);
	op(&s);
	uiommu_smmuv3_model_stats(s.hw.model, &last);
	undo(&s);
	close_setup(&s);
	snprintf(note, size, "commands=%u syncs=%u",
		 (unsigned int)(last.commands - first.commands),
		 (unsigned int)(last.syncs - first.syncs));
}

static void one_4k(struct setup *s)
{
	unmap(s, IOVA, PAGE);
}

static void one_1g(struct setup *s)
{
	unmap(s, IOVA + GIB, GIB);
}

static void one_attach(struct setup *s)
{
	must(!s->unit->ops->attach(s->other, s->dev), "attach");
}

/* Each with the last user of the domain that goes: its ASID goes too. */
static void neighbour_attach(struct setup *s)
{
	set_pasid(s, s->dom, PASID + 1, NULL);
}

static void one_pasid_attach(struct setup *s)
{
	set_pasid(s, s->other, PASID, NULL);
}

static void both_attach(struct setup *s)
{
	neighbour_attach(s);
	one_pasid_attach(s);
}

static void one_pasid_replace(struct setup *s)
{
	set_pasid(s, s->dom, PASID, s->other);
}

static void one_pasid_detach(struct setup *s)
{
	set_pasid(s, NULL, PASID, s->other);
}

static void neighbour_detach(struct setup *s)
{
	set_pasid(s, NULL, PASID + 1, s->dom);
}

static void both_detach(struct setup *s)
{
	one_pasid_detach(s);
	neighbour_detach(s);
}

static void replaced_detach(struct setup *s)
{
	set_pasid(s, NULL, PASID, s->dom);
	neighbour_detach(s);
}

void driver_bench_register(struct bench *b);
void driver_bench_register(struct bench *b)
{
	static char note[6][64];
	const struct bench_row rows[] = {
		{ .name = "driver/unmap_sync/4k",
		  .fn = unmap_sync_4k,
		  .pages_per_op = 1,
		  .note = note[0] },
		{ .name = "driver/unmap/1g",
		  .fn = unmap_1g,
		  .pages_per_op = 262144,
		  .note = note[1] },
		{ .name = "driver/attach", .fn = attach, .note = note[2] },
		{ .name = "driver/pasid_attach",
		  .fn = pasid_attach,
		  .note = note[3] },
		{ .name = "driver/pasid_replace",
		  .fn = pasid_replace,
		  .note = note[4] },
		{ .name = "driver/pasid_detach",
		  .fn = pasid_detach,
		  .note = note[5] },
		{ .name = "scale/pasids",
		  .fn = scale_pasids,
		  .note = scale_note,
		  .once = true },
		{ .name = "driver/flush/command", .fn = flush_command },
		{ .name = "driver/flush/refill", .fn = flush_refill },
	};
	unsigned int i;

	count(note[0], sizeof(note[0]), nothing, one_4k, nothing);
	count(note[1], sizeof(note[1]), nothing, one_1g, nothing);
	count(note[2], sizeof(note[2]), nothing, one_attach, nothing);
	count(note[3], sizeof(note[3]), neighbour_attach, one_pasid_attach,
	      both_detach);
	count(note[4], sizeof(note[4]), both_attach, one_pasid_replace,
	      replaced_detach);
	count(note[5], sizeof(note[5]), both_attach, one_pasid_detach,
	      neighbour_detach);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		bench_add(b, &rows[i]);
}
