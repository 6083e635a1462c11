/* SPDX-License-Identifier: BSD-2-Clause */
/* See world.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

static void on_fault(void *ctx, struct uiommu_device *dev,
		     const struct uiommu_fault *fault)
{
	struct world *w = ctx;

	w->fault_dev = dev;
	w->fault = *fault;
	w->faults++;
}

/* Protects the two below: threads of a test may all have something to say. */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned int lines, all;
static char line[256];

/* What page tables refuse is for debugging: who asked says what it meant. */
static void keep_log(void *ctx, enum uiommu_log_level level, const char *msg)
{
	pthread_mutex_lock(&log_lock);
	all++;
	if (level == UIOMMU_LOG_DEBUG)
		goto out_unlock;
	lines++;
	if (strlen(msg) < sizeof(line))
		strcpy(line, msg);
out_unlock:
	pthread_mutex_unlock(&log_lock);
}

unsigned int log_lines(void)
{
	return lines;
}

unsigned int all_lines(void)
{
	return all;
}

const char *last_line(void)
{
	return line;
}

struct world *world_make(const struct uiommu_core_cfg *like)
{
	struct world *w = calloc(1, sizeof(*w));
	struct uiommu_core_cfg cfg = *like;

	assert_non_null(w);
	cfg.ctx = w;
	assert_int_equal(uiommu_host_create(1ull << 32, &w->host), 0);
	w->own = *uiommu_host_platform(w->host);
	w->own.log = keep_log;
	w->platform = &w->own;
	cfg.platform = w->platform;
	assert_int_equal(uiommu_core_create(&cfg, &w->core), 0);
	w->fu = fake_unit_create(w->platform, w->core);
	assert_int_equal(uiommu_core_add_unit(w->core, &w->fu->unit), 0);
	for (uint32_t i = 0; i < NR_DEVS; i++) {
		static const char *const names[] = { "d1", "d2", "d3", "d4" };
		struct uiommu_device_cfg dev = {
			.hw = { .name = names[i], .pasid_bits = PASID_BITS },
		};

		assert_int_equal(add_device(w, w->fu, i + 1, &dev, &w->dev[i]),
				 0);
	}
	fake_mm_init(&w->mm, MEM, MEM_PAGES);
	w->mm.watch = w->fu;
	return w;
}

int world_open(void **state)
{
	*state = world_make(&(struct uiommu_core_cfg){ .fault = on_fault });
	return 0;
}

struct fake_unit *new_unit(struct world *w)
{
	return fake_unit_create(w->platform, w->core);
}

int add_device(struct world *w, struct fake_unit *fu, uint32_t id,
	       const struct uiommu_device_cfg *like, struct uiommu_device **dev)
{
	struct uiommu_device_cfg cfg = { .hw.pasid_bits = PASID_BITS };

	if (like)
		cfg = *like;
	if (!cfg.hw.name)
		cfg.hw.name = "extra";
	cfg.hw.ids = &id;
	cfg.hw.nr_ids = 1;
	return uiommu_device_add(w->core, &fu->unit, &cfg, dev);
}

int world_close(void **state)
{
	struct world *w = *state;
	struct uiommu_core_stats stats;

	uiommu_core_stats(w->core, &stats);
	assert_int_equal(w->mm.bad, 0);
	/* Hardware that crashed may keep memory for ever. */
	assert_true(w->mm.total == 0 || w->fu->crashed);
	assert_int_equal(stats.pinned_bytes, w->mm.total * PAGE);
	assert_int_equal(stats.areas, 0);
	assert_int_equal(stats.domains_made, stats.domains_freed);
	for (unsigned int i = 0; i < NR_DEVS; i++)
		if (w->dev[i])
			uiommu_device_remove(w->dev[i]);
	uiommu_core_destroy(w->core);
	uiommu_host_barrier(w->host);
	assert_int_equal(uiommu_host_live(w->host), 0);
	uiommu_host_destroy(w->host);
	fake_mm_fini(&w->mm);
	free(w);
	return 0;
}

struct uiommu_ioas *new_ioas(struct world *w)
{
	struct uiommu_ioas *ioas;

	assert_int_equal(uiommu_ioas_create(w->core, &ioas), 0);
	return ioas;
}

struct uiommu_domain *new_domain(struct world *w)
{
	struct uiommu_domain *dom;

	assert_int_equal(uiommu_domain_alloc(w->dev[0], &dom), 0);
	return dom;
}

struct uiommu_domain *join(struct world *w, struct uiommu_ioas *ioas)
{
	struct uiommu_domain *dom = new_domain(w);

	assert_int_equal(uiommu_ioas_add_domain(ioas, dom), 0);
	return dom;
}

void leave(struct uiommu_ioas *ioas, struct uiommu_domain *dom)
{
	uiommu_ioas_remove_domain(ioas, dom);
	uiommu_domain_free(dom);
}

int map_at(struct world *w, struct uiommu_ioas *ioas, unsigned int from,
	   unsigned int pages, uint64_t iova, uint32_t prot)
{
	return uiommu_ioas_map(ioas, &w->mm.mm, MEM + from * PAGE, pages * PAGE,
			       prot, FIXED, &iova);
}

bool shows(struct world *w, struct uiommu_domain *dom, uint64_t iova,
	   unsigned int from, unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++) {
		uiommu_pa_t pa = 0;

		if (uiommu_domain_iova_to_pa(dom, iova + i * PAGE, &pa) ||
		    pa != fake_mm_pa(&w->mm, MEM + (from + i) * PAGE))
			return false;
	}
	return true;
}

bool shows_nothing(struct uiommu_domain *dom, uint64_t iova, unsigned int pages)
{
	uiommu_pa_t pa;

	for (unsigned int i = 0; i < pages; i++)
		if (uiommu_domain_iova_to_pa(dom, iova + i * PAGE, &pa) !=
		    -ENOENT)
			return false;
	return true;
}

static void print_line(void *ctx, const char *text, size_t len)
{
	assert_int_equal(fwrite(text, 1, len, ctx), len);
}

char *dump(struct world *w, struct uiommu_ioas *ioas,
	   struct uiommu_domain *const *doms, unsigned int nr_doms,
	   unsigned int pages)
{
	struct uiommu_range ranges[64];
	struct uiommu_area_info info;
	uint64_t align, at = 0;
	char *text = NULL;
	unsigned int nr;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	nr = uiommu_ioas_iova_ranges(ioas, ranges, 64, &align);
	fprintf(f, "align %#lx sizes %#lx huge %d pins %lu\n", (long)align,
		(long)uiommu_ioas_pgsizes(ioas), uiommu_ioas_huge_pages(ioas),
		(long)w->mm.total);
	for (unsigned int i = 0; i < nr; i++)
		fprintf(f, "free %#lx %#lx\n", (long)ranges[i].first,
			(long)ranges[i].last);
	while (!uiommu_ioas_next_area(ioas, at, &info)) {
		fprintf(f, "area %#lx %#lx uva %#lx prot %x\n",
			(long)info.range.first, (long)info.range.last,
			(long)info.uva, info.prot);
		at = info.range.last + 1;
		if (!at)
			break;
	}
	for (unsigned int d = 0; d < nr_doms; d++) {
		for (unsigned int i = 0; i < pages; i++) {
			uiommu_pa_t pa;

			if (!uiommu_domain_iova_to_pa(doms[d], i * PAGE, &pa))
				fprintf(f, "dom %u %#lx -> %#lx\n", d,
					(long)(i * PAGE), (long)pa);
		}
	}
	uiommu_core_dump(w->core, &(struct uiommu_dump){
					  .ctx = f,
					  .parts = UIOMMU_DUMP_ALL,
					  .write = print_line,
				  });
	for (unsigned int i = 0; i < w->mm.nr_pages; i++)
		if (w->mm.pins[i])
			fprintf(f, "pin %u %u\n", i, w->mm.pins[i]);
	fclose(f);
	return text;
}
