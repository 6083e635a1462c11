/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random calls on three IOASes, with domains coming and going, against a
 * model that is two arrays: what each page of IOVA shows, and from that, how
 * often each page of memory must be pinned.
 */
#include <stdlib.h>
#include <string.h>

#include "world.h"

enum {
	IOASES = 3,
	SPACE = 96,
	USER = 64,
	DOMS = 2
};

struct cell {
	unsigned int object; /* of the MAP call that brought it; 0: nothing */
	unsigned int page;   /* of memory */
	unsigned int area;
	uint32_t prot;
};

struct naive {
	struct cell cell[SPACE];
	struct uiommu_ioas *ioas;
	struct uiommu_domain *dom[DOMS];
	unsigned int nr_doms;
};

struct play {
	struct world *w;
	struct naive n[IOASES];
	unsigned int objects, areas, seed;
	uint8_t writable[100000]; /* by object */
};

static unsigned int dice(struct play *p, unsigned int sides)
{
	return (unsigned int)rand_r(&p->seed) % sides;
}

static bool is_free(const struct naive *n, unsigned int at, unsigned int len)
{
	for (unsigned int i = 0; i < len; i++)
		if (at + i >= SPACE || n->cell[at + i].object)
			return false;
	return true;
}

static unsigned int first_fit(const struct naive *n, unsigned int len,
			      unsigned int align)
{
	for (unsigned int at = align; at + len <= SPACE; at += align)
		if (is_free(n, at, len))
			return at;
	return 0;
}

/* Alignment in pages that the kernel's rule asks for. */
static unsigned int alignment(unsigned int page, unsigned int len)
{
	unsigned int align = 1;

	while (align < len)
		align *= 2;
	/* MEM itself is aligned beyond anything here. */
	while (page % align)
		align /= 2;
	return align;
}

static void do_map(struct play *p)
{
	struct naive *n = &p->n[dice(p, IOASES)];
	unsigned int page = dice(p, USER), len = 1 + dice(p, 6), at;
	uint32_t prot = dice(p, 4) ? RW : RO;
	bool fixed = dice(p, 2);
	uint64_t iova;
	int rc, want = 0;

	at = fixed ? dice(p, SPACE - 8) : 0;
	if (fixed && !is_free(n, at, len)) {
		want = -EEXIST;
	} else if (!fixed) {
		at = first_fit(n, len, alignment(page, len));
		if (!at)
			return; /* somewhere beyond what is modelled */
	}
	if (!want && n->nr_doms && page + len > USER)
		want = -EFAULT;
	if (page + len > USER && !want)
		return; /* would only fail at a later attach */
	iova = fixed ? at * PAGE : 0;
	rc = uiommu_ioas_map(n->ioas, &p->w->mm.mm, MEM + page * PAGE,
			     len * PAGE, prot, fixed ? FIXED : 0, &iova);
	assert_int_equal(rc, want);
	if (rc)
		return;
	assert_int_equal(iova, at * PAGE);
	p->objects++;
	p->areas++;
	p->writable[p->objects] = prot & UIOMMU_PROT_WRITE ? 1 : 0;
	for (unsigned int i = 0; i < len; i++)
		n->cell[at + i] =
			(struct cell){ p->objects, page + i, p->areas, prot };
}

static void do_copy(struct play *p)
{
	struct naive *dst = &p->n[dice(p, IOASES)];
	struct naive *src = &p->n[dice(p, IOASES)];
	unsigned int from = dice(p, SPACE - 8), len = 1 + dice(p, 7);
	unsigned int at = dice(p, SPACE - 8), last_area = 0;
	uint32_t prot = dice(p, 2) ? RW : RO;
	uint64_t iova = at * PAGE;
	struct cell cells[8];
	int want = 0, rc;

	memcpy(cells, &src->cell[from], sizeof(cells));
	for (unsigned int i = 0; i < len; i++)
		if (!cells[i].object)
			want = -ENOENT;
	if (!want && !is_free(dst, at, len))
		want = -EEXIST;
	for (unsigned int i = 0; i < len && !want; i++)
		if (prot == RW && !p->writable[cells[i].object])
			want = -EPERM;
	rc = uiommu_ioas_copy(dst->ioas, src->ioas, from * PAGE, len * PAGE,
			      prot, FIXED, &iova);
	assert_int_equal(rc, want);
	for (unsigned int i = 0; i < len && !rc; i++) {
		if (cells[i].area != last_area)
			p->areas++;
		last_area = cells[i].area;
		dst->cell[at + i] = cells[i];
		dst->cell[at + i].area = p->areas;
		dst->cell[at + i].prot = prot;
	}
}

static void do_unmap(struct play *p)
{
	struct naive *n = &p->n[dice(p, IOASES)];
	unsigned int at = dice(p, SPACE - 1), len = 1 + dice(p, 20), done = 0;
	uint64_t bytes;
	int rc, want = -ENOENT;

	if (at + len > SPACE)
		len = SPACE - at;
	rc = uiommu_ioas_unmap(n->ioas, at * PAGE, len * PAGE, &bytes);
	for (unsigned int i = at; i < at + len;) {
		unsigned int area = n->cell[i].area, end = i;

		if (!n->cell[i].object) {
			i++;
			continue;
		}
		while (end < SPACE && n->cell[end].object &&
		       n->cell[end].area == area)
			end++;
		if ((i && n->cell[i - 1].object &&
		     n->cell[i - 1].area == area) ||
		    end > at + len) {
			want = -ENOENT;
			break;
		}
		want = 0;
		done += end - i;
		memset(&n->cell[i], 0, (end - i) * sizeof(n->cell[0]));
		i = end;
	}
	assert_int_equal(rc, want);
	assert_int_equal(bytes, done * PAGE);
}

static void do_cut(struct play *p)
{
	struct naive *n = &p->n[dice(p, IOASES)];
	unsigned int at = 1 + dice(p, SPACE - 1), area = n->cell[at].area;

	assert_int_equal(uiommu_ioas_cut(n->ioas, at * PAGE), 0);
	if (!n->cell[at].object || !n->cell[at - 1].object ||
	    n->cell[at - 1].area != area)
		return;
	p->areas++;
	for (; at < SPACE && n->cell[at].object && n->cell[at].area == area;
	     at++)
		n->cell[at].area = p->areas;
}

static void do_domain(struct play *p)
{
	struct naive *n = &p->n[dice(p, IOASES)];
	unsigned int i = dice(p, DOMS);

	struct uiommu_group *g = uiommu_device_group(p->w->dev[n - p->n]);

	if (n->dom[i]) {
		if (!i)
			uiommu_group_detach(g);
		leave(n->ioas, n->dom[i]);
		n->dom[i] = NULL;
		n->nr_doms--;
	} else {
		n->dom[i] = join(p->w, n->ioas);
		n->nr_doms++;
		if (!i)
			assert_int_equal(uiommu_group_attach(g, n->dom[i]), 0);
	}
}

static void check_domain(struct play *p, const struct naive *n,
			 struct uiommu_domain *dom)
{
	for (unsigned int i = 0; i < SPACE; i++) {
		uiommu_pa_t pa = 0;
		int rc = uiommu_domain_iova_to_pa(dom, i * PAGE, &pa);

		uiommu_pa_t dma = 0;

		/* The hardware remembers this, until it must not. */
		if (dom == n->dom[0])
			assert_int_equal(!fake_dma(p->w->fu,
						   1 + (uint32_t)(n - p->n),
						   i * PAGE, false, &dma),
					 !rc);
		if (!n->cell[i].object) {
			assert_int_equal(rc, -ENOENT);
			continue;
		}
		assert_int_equal(rc, 0);
		if (dom == n->dom[0])
			assert_int_equal(dma, pa);
		assert_int_equal(pa, fake_mm_pa(&p->w->mm,
						MEM + n->cell[i].page * PAGE));
	}
}

/* Each page: once per MAP call whose areas show it where a domain is. */
static void check_pins(struct play *p)
{
	unsigned int pins[USER] = { 0 };

	for (unsigned int a = 0; a < IOASES * SPACE; a++) {
		const struct naive *n = &p->n[a / SPACE];
		const struct cell *c = &n->cell[a % SPACE];
		bool seen = false;

		if (!c->object || !n->nr_doms)
			continue;
		for (unsigned int b = 0; b < a && !seen; b++) {
			const struct naive *m = &p->n[b / SPACE];
			const struct cell *d = &m->cell[b % SPACE];

			seen = m->nr_doms && d->object == c->object &&
			       d->page == c->page;
		}
		pins[c->page] += !seen;
	}
	for (unsigned int i = 0; i < USER; i++)
		assert_int_equal(p->w->mm.pins[i], pins[i]);
}

static void check(struct play *p)
{
	for (unsigned int a = 0; a < IOASES; a++)
		for (unsigned int d = 0; d < DOMS; d++)
			if (p->n[a].dom[d])
				check_domain(p, &p->n[a], p->n[a].dom[d]);
	check_pins(p);
	assert_int_equal(p->w->mm.bad, 0);
}

static void run(struct world *w, unsigned int seed, unsigned int rounds)
{
	struct play *p = calloc(1, sizeof(*p));
	unsigned int most = w->mm.nr_pages;

	p->w = w;
	p->seed = seed;
	w->mm.nr_pages = USER;
	for (unsigned int a = 0; a < IOASES; a++)
		p->n[a].ioas = new_ioas(w);
	for (unsigned int i = 0; i < rounds; i++) {
		switch (dice(p, 12)) {
		case 0 ... 3:
			do_map(p);
			break;
		case 4 ... 6:
			do_copy(p);
			break;
		case 7 ... 9:
			do_unmap(p);
			break;
		case 10:
			do_cut(p);
			break;
		default:
			do_domain(p);
			break;
		}
		if (i % 8 == 0)
			check(p);
	}
	for (unsigned int a = 0; a < IOASES; a++) {
		uiommu_group_detach(uiommu_device_group(w->dev[a]));
		for (unsigned int d = 0; d < DOMS; d++)
			if (p->n[a].dom[d])
				leave(p->n[a].ioas, p->n[a].dom[d]);
		uiommu_ioas_destroy(p->n[a].ioas);
	}
	assert_int_equal(w->mm.total, 0);
	w->mm.nr_pages = most;
	free(p);
}

static void contiguous_memory(void **state)
{
	run(*state, 1, 6000);
}

static void short_runs(void **state)
{
	struct world *w = *state;

	w->mm.max_run = 2;
	run(w, 2, 4000);
}

static void scattered_memory(void **state)
{
	struct world *w = *state;

	w->mm.scatter = true;
	run(w, 3, 4000);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_open, world_close)
	const struct CMUnitTest tests[] = {
		T(contiguous_memory),
		T(short_runs),
		T(scattered_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
