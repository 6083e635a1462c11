/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core/pasid_...: what driver_bench.c measures of PASIDs, through the core.
 *
 *   core/pasid_attach	give a PASID a domain, among 16 neighbours that have one
 *   core/pasid_replace	give it another one
 *   core/pasid_detach	take it away
 *   core/aux_attach	an auxiliary domain comes to a device, and goes
 *   scale/core_pasids	N domains on each of N devices (--scale N): all N x N
 *			attachments, with what each takes of memory beyond the
 *			64 bytes of its CD, driver and core together
 *
 * The notes hold commands and SYNCs per operation; core/aux_attach is two.
 */
#include <stdlib.h>

#include <uiommu/core.h>
#include <uiommu/smmuv3.h>

#include "bench.h"
#include "smmu.h"

#define BATCH 4096u
#define PASID 1000u
#define NEIGHBOURS 16u

/* `nr` devices and domains; the first domain is the devices' own. */
struct setup {
	struct bench_smmu hw;
	struct uiommu_core *core;
	unsigned int nr;
	struct uiommu_device **dev;
	struct uiommu_domain **dom;
};

static void open_setup(struct setup *s, unsigned int devs, unsigned int doms)
{
	struct uiommu_smmuv3_cfg cfg = {
		.base = BENCH_SMMU_MMIO,
		.host = &uiommu_core_host_ops,
	};
	struct uiommu_device_cfg dev = {
		.hw = { .nr_ids = 1, .pasid_bits = 20 },
	};
	struct uiommu_core_cfg core = { 0 };
	struct uiommu_unit *unit;
	uint32_t i;

	bench_smmu_open(&s->hw);
	core.platform = cfg.platform = bench_smmu_counting(&s->hw);
	must(!uiommu_core_create(&core, &s->core), "core");
	cfg.host_ctx = s->core;
	must(!uiommu_smmuv3_probe(&cfg, &unit), "probe");
	must(!uiommu_core_add_unit(s->core, unit), "add_unit");
	s->nr = devs;
	s->dev = calloc(devs, sizeof(*s->dev));
	s->dom = calloc(doms + 1, sizeof(*s->dom));
	must(s->dev && s->dom, "memory");
	for (i = 0; i < devs; i++) {
		dev.hw.ids = &i;
		must(!uiommu_device_add(s->core, unit, &dev, &s->dev[i]),
		     "device");
	}
	for (i = 0; i < doms; i++)
		must(!uiommu_domain_alloc(s->dev[0], &s->dom[i]), "domain");
}

static void close_setup(struct setup *s)
{
	unsigned int i;

	for (i = 0; i < s->nr; i++) {
		uiommu_group_detach(uiommu_device_group(s->dev[i]));
		uiommu_device_remove(s->dev[i]);
	}
	for (i = 0; s->dom[i]; i++)
		uiommu_domain_free(s->dom[i]);
	uiommu_core_destroy(s->core);
	bench_smmu_close(&s->hw);
	free(s->dev);
	free(s->dom);
}

static void attach(struct setup *s, unsigned int dom, uint32_t pasid)
{
	must(!uiommu_device_pasid_attach(s->dev[0], pasid, s->dom[dom]),
	     "attach");
}

static void replace(struct setup *s, unsigned int dom)
{
	must(!uiommu_device_pasid_replace(s->dev[0], PASID, s->dom[dom]),
	     "replace");
}

static void open_one(struct setup *s)
{
	uint32_t i;

	open_setup(s, 1, 2);
	must(!uiommu_group_attach(uiommu_device_group(s->dev[0]), s->dom[0]),
	     "attach");
	for (i = 0; i < NEIGHBOURS; i++)
		attach(s, 0, PASID + 1 + i);
}

static void close_one(struct setup *s)
{
	uint32_t i;

	for (i = 0; i < NEIGHBOURS; i++)
		uiommu_device_pasid_detach(s->dev[0], PASID + 1 + i);
	close_setup(s);
}

static void pasid_attach(struct bench_run *run)
{
	struct setup s = { 0 };
	unsigned int i;

	open_one(&s);
	for (i = 0; i < BATCH; i++) {
		bench_start(run);
		attach(&s, 1, PASID);
		bench_stop(run, 1);
		uiommu_device_pasid_detach(s.dev[0], PASID);
	}
	close_one(&s);
}

static void pasid_replace(struct bench_run *run)
{
	struct setup s = { 0 };
	unsigned int i;

	open_one(&s);
	attach(&s, 1, PASID);
	bench_start(run);
	for (i = 0; i < BATCH / 2; i++) {
		replace(&s, 0);
		replace(&s, 1);
	}
	bench_stop(run, BATCH / 2 * 2);
	uiommu_device_pasid_detach(s.dev[0], PASID);
	close_one(&s);
}

static void pasid_detach(struct bench_run *run)
{
	struct setup s = { 0 };
	unsigned int i;

	open_one(&s);
	for (i = 0; i < BATCH; i++) {
		attach(&s, 1, PASID);
		bench_start(run);
		uiommu_device_pasid_detach(s.dev[0], PASID);
		bench_stop(run, 1);
	}
	close_one(&s);
}

static void aux_attach(struct bench_run *run)
{
	struct setup s = { 0 };
	unsigned int i;

	open_one(&s);
	must(!uiommu_dev_enable_feature(s.dev[0], UIOMMU_DEV_FEAT_AUX),
	     "feature");
	bench_start(run);
	for (i = 0; i < BATCH; i++) {
		must(!uiommu_aux_attach(s.dom[1], s.dev[0]), "aux_attach");
		uiommu_aux_detach(s.dom[1], s.dev[0]);
	}
	bench_stop(run, BATCH);
	close_one(&s);
}

/* ---------------------------------------------------------------- counts */

static void do_attach(struct setup *s)
{
	attach(s, 1, PASID);
}

static void do_replace(struct setup *s)
{
	replace(s, 0);
}

static void do_detach(struct setup *s)
{
	uiommu_device_pasid_detach(s->dev[0], PASID);
}

static void do_nothing(struct setup *s)
{
}

static void do_enable(struct setup *s)
{
	must(!uiommu_dev_enable_feature(s->dev[0], UIOMMU_DEV_FEAT_AUX),
	     "feature");
}

static void do_aux(struct setup *s)
{
	must(!uiommu_aux_attach(s->dom[1], s->dev[0]), "aux_attach");
	uiommu_aux_detach(s->dom[1], s->dev[0]);
}

static void count(char *note, size_t size, void (*before)(struct setup *s),
		  void (*op)(struct setup *s))
{
	struct uiommu_smmuv3_stats first, last;
	struct setup s = { 0 };

	open_one(&s);
	before(&s);
	uiommu_smmuv3_model_stats(s.hw.model, &first);
	op(&s);
	uiommu_smmuv3_model_stats(s.hw.model, &last);
	do_detach(&s);
	close_one(&s);
	snprintf(note, size, "commands=%u syncs=%u",
		 (unsigned int)(last.commands - first.commands),
		 (unsigned int)(last.syncs - first.syncs));
}

/* ------------------------------------------------------------ many PASIDs */

static uint64_t attach_all(const struct setup *s, unsigned int from,
			   unsigned int to)
{
	uint64_t t = bench_now_ns();
	unsigned int i, j;

	for (i = from; i < to; i++)
		for (j = 0; j < s->nr; j++)
			must(!uiommu_device_pasid_attach(s->dev[i], j + 1,
							 s->dom[j]),
			     "attach");
	return bench_now_ns() - t;
}

static char scale_note[96];

static void scale_pasids(struct bench_run *run)
{
	unsigned int n = run->scale, tenth = n / 10, i, j;
	double part = (double)tenth * n, all = (double)n * n;
	uint64_t first, last, before, bytes;
	struct setup s = { 0 };

	open_setup(&s, n, n);
	before = bench_smmu_taken();
	bench_start(run);
	first = attach_all(&s, 0, tenth);
	attach_all(&s, tenth, n - tenth);
	last = attach_all(&s, n - tenth, n);
	bench_stop(run, (uint64_t)n * n);
	bytes = bench_smmu_taken() - before;
	for (i = 0; i < n; i++)
		for (j = 0; j < n; j++)
			uiommu_device_pasid_detach(s.dev[i], j + 1);
	close_setup(&s);
	snprintf(scale_note, sizeof(scale_note),
		 "first_tenth=%.0f last_tenth=%.0f bytes_beyond_cd=%.1f",
		 (double)first / part, (double)last / part,
		 (double)bytes / all - 64);
}

void pasid_bench_register(struct bench *b);
void pasid_bench_register(struct bench *b)
{
	static char note[4][64];
	const struct bench_row rows[] = {
		{ .name = "core/pasid_attach",
		  .fn = pasid_attach,
		  .note = note[0] },
		{ .name = "core/pasid_replace",
		  .fn = pasid_replace,
		  .note = note[1] },
		{ .name = "core/pasid_detach",
		  .fn = pasid_detach,
		  .note = note[2] },
		{ .name = "core/aux_attach", .fn = aux_attach, .note = note[3] },
		{ .name = "scale/core_pasids",
		  .fn = scale_pasids,
		  .note = scale_note,
		  .once = true },
	};
	unsigned int i;

	count(note[0], sizeof(note[0]), do_nothing, do_attach);
	count(note[1], sizeof(note[1]), do_attach, do_replace);
	count(note[2], sizeof(note[2]), do_attach, do_detach);
	count(note[3], sizeof(note[3]), do_enable, do_aux);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		bench_add(b, &rows[i]);
}
