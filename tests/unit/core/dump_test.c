/* SPDX-License-Identifier: BSD-2-Clause */
/* What there is, as text: exactly this, and while it changes. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "space.h"
#include "turns.h"

struct text {
	char *s;
	size_t len;
	FILE *f;
};

static void keep(void *ctx, const char *line, size_t len)
{
	struct text *text = ctx;

	assert_int_equal(line[len - 1], '\n');
	assert_int_equal(fwrite(line, 1, len, text->f), len);
}

/* User memory by its page, domains' roots not at all. */
static void name(void *ctx, uint64_t addr, uint64_t size, char *buf, size_t len)
{
	if (addr >= MEM && addr < MEM + MEM_PAGES * PAGE)
		snprintf(buf, len, "page+%llu",
			 (unsigned long long)((addr - MEM) / PAGE));
	else
		snprintf(buf, len, "table");
}

static char *dump_core(struct world *w)
{
	struct text text = { 0 };
	const struct uiommu_dump to = {
		.ctx = &text,
		.parts = UIOMMU_DUMP_ALL,
		.write = keep,
		.address = name,
	};

	text.f = open_memstream(&text.s, &text.len);
	assert_non_null(text.f);
	uiommu_core_dump(w->core, &to);
	fclose(text.f);
	return text.s;
}

static void expect(struct world *w, const char *want)
{
	char *is = dump_core(w);
	/* The first lines are the core's and its unit's. */
	char *at = strstr(is, "  group 0");

	assert_non_null(at);
	assert_string_equal(at, want);
	free(is);
}

#define DEVICE(name)                                 \
	"    device " name " unit=0 pasid_bits=16\n" \
	"      reserved 0x8000000..0x80fffff type=sw_msi\n"

static void the_world_at_rest(void **state)
{
	struct world *w = *state;
	char *is = dump_core(w);

	assert_int_equal(strncmp(is,
				 "core areas=0 pinned=0 abandoned=0\n"
				 "  unit 0 driver=fake input=48 ",
				 63),
			 0);
	expect(w,
	       "  group 0 domain=blocked default=blocked owned=0\n" DEVICE("d1") "  group 1 domain=blocked default=blocked owned=0\n" DEVICE("d2") "  group 2 domain=blocked default=blocked owned=0\n" DEVICE(
		       "d3") "  group 3 domain=blocked default=blocked owned=0\n" DEVICE("d4"));
	free(is);
}

static void an_address_space(void **state)
{
	struct world *w = *state;
	struct uiommu_ioas *ioas = new_ioas(w);
	struct uiommu_domain *spare = new_domain(w), *dom = join(w, ioas);
	struct uiommu_group *group = uiommu_device_group(w->dev[1]);
	const struct uiommu_range allowed = { 0x10000, 0xffffff };
	uiommu_iova_t iova;
	int owner;

	assert_int_equal(uiommu_ioas_allow_iovas(ioas, &allowed, 1), 0);
	assert_int_equal(uiommu_ioas_reserve_device(ioas, w->dev[1]), 0);
	assert_int_equal(map_at(w, ioas, 4, 2, 0x20000, RW), 0);
	assert_int_equal(map_at(w, ioas, 8, 1, 0x10000, RO), 0);
	assert_int_equal(uiommu_device_claim_owner(w->dev[1], &owner), 0);
	assert_int_equal(uiommu_group_attach(group, dom), 0);
	assert_int_equal(
		uiommu_group_msi_map(group, MEM + 9 * PAGE + 0x40, &iova), 0);
	expect(w,
	       "  group 0 domain=blocked default=blocked owned=0\n" DEVICE("d1") "  group 1 domain=2 default=blocked owned=1\n" DEVICE(
		       "d2") "    doorbell slot=0\n"
			     "  group 2 domain=blocked default=blocked owned=0\n" DEVICE("d3") "  group 3 domain=blocked default=blocked owned=0\n" DEVICE(
				     "d4") "  ioas 1 domains=1 alignment=0x1000\n"
					   "    domain 2\n"
					   "    allowed 0x10000..0xffffff\n"
					   "    reserved 0x8000000..0x80fffff refs=1\n"
					   "    reserved 0x1000000000000..0xffffffffffffffff refs=1\n"
					   "    area 0x10000..0x10fff memory=page+8 read pinned\n"
					   "    area 0x20000..0x21fff memory=page+4 read write pinned\n"
					   "  domain 1 type=paging unit=0 users=0 coherency\n"
					   "    table aperture=0x0..0xffffffffffff output=48 "
					   "pgsizes=0x40201000 root=table\n"
					   "  domain 2 type=paging unit=0 users=1 normal coherency\n"
					   "    table aperture=0x0..0xffffffffffff output=48 "
					   "pgsizes=0x40201000 root=table\n"
					   "    doorbell slot=0 window=0x8000000 page=page+9\n");
	uiommu_group_detach(group);
	uiommu_device_release_owner(w->dev[1]);
	uiommu_domain_free(spare);
	uiommu_ioas_unreserve_device(ioas, w->dev[1]);
	leave(ioas, dom);
	uiommu_ioas_destroy(ioas);
	the_world_at_rest(state);
}

/* In their order, and those that are alike in one line. */
static void pasids(void **state)
{
	static const uint32_t numbers[] = { 9, 700, 3, 4, 6, 5 };
	struct world *w = *state;
	struct uiommu_domain *a = new_domain(w), *b = new_domain(w);
	char *is;

	for (unsigned int i = 0; i < 6; i++)
		assert_int_equal(uiommu_device_pasid_attach(
					 w->dev[1], numbers[i], i < 5 ? a : b),
				 0);
	is = dump_core(w);
	assert_non_null(strstr(is, DEVICE("d2") "    pasid 3..4 domain=1\n"
						"    pasid 5..5 domain=2\n"
						"    pasid 6..6 domain=1\n"
						"    pasid 9..9 domain=1\n"
						"    pasid 700..700 domain=1\n"
						"  group 2 "));
	free(is);
	for (unsigned int i = 0; i < 6; i++)
		uiommu_device_pasid_detach(w->dev[1], numbers[i]);
	uiommu_domain_free(a);
	uiommu_domain_free(b);
	the_world_at_rest(state);
}

static void contains(struct world *w, const char *want)
{
	char *is = dump_core(w);

	if (!strstr(is, want))
		fprintf(stderr, "%s\nis not in\n%s", want, is);
	assert_non_null(strstr(is, want));
	free(is);
}

static void shared_addresses(void **state)
{
	struct uiommu_sva *sva[3];
	struct scene s;

	scene_open(&s, state);
	for (unsigned int i = 0; i < 3; i++)
		sva[i] = bind_ok(&s, i / 2);
	contains(s.w, "    pasid 1..1 domain=1 sva\n");
	contains(s.w, "  domain 1 type=shared unit=0 users=2 ");
	contains(s.w, "  address_space domain=1 pasid=1 va_bits=47 "
		      "page=0x1000\n"
		      "    bound extra count=2\n"
		      "    bound extra count=1\n");
	uiommu_sva_unbind(sva[0]);
	uiommu_device_remove(s.dev[1]);
	contains(s.w, "    bound extra count=1\n"
		      "    bound removed count=1\n");
	s.dev[1] = add_waiting(s.w, 21, NULL);
	uiommu_sva_unbind(sva[1]);
	uiommu_sva_unbind(sva[2]);
	scene_close(&s);
	the_world_at_rest(state);
}

static int keep_group(void *ctx, struct uiommu_iopf_group *group)
{
	*(struct uiommu_iopf_group **)ctx = group;
	return 0;
}

static void lose_group(void *ctx, struct uiommu_iopf_group *group)
{
	assert_true(false);
}

static void page_faults_that_wait(void **state)
{
	static const struct uiommu_iopf_ops ops = { keep_group, lose_group };
	struct uiommu_page_request req = {
		.flags = UIOMMU_PAGE_READ,
		.id = 20,
		.pasid = UIOMMU_NO_PASID,
		.token = 5,
		.iova = 0x1000,
	};
	struct uiommu_iopf_group *kept = NULL;
	struct uiommu_domain *dom;
	struct scene s;

	scene_open(&s, state);
	dom = new_domain(s.w);
	assert_int_equal(uiommu_domain_set_iopf_handler(dom, &ops, &kept), 0);
	assert_int_equal(
		uiommu_group_attach(uiommu_device_group(s.dev[0]), dom), 0);
	fake_page_request(s.w->fu, &req);
	contains(s.w, "\npage_faults extra partial=1\n");
	req.flags = UIOMMU_PAGE_WRITE | UIOMMU_PAGE_EXEC | UIOMMU_PAGE_PRIV |
		    UIOMMU_PAGE_LAST;
	req.iova = 0x3000;
	fake_page_request(s.w->fu, &req);
	contains(s.w, "\npage_faults extra partial=0\n"
		      "  group pasid=none token=5 pages=2\n"
		      "    page 0x1000 read\n"
		      "    page 0x3000 write exec priv\n");
	assert_int_equal(uiommu_iopf_group_respond(kept, UIOMMU_PAGE_INVALID),
			 0);
	uiommu_iopf_group_put(kept);
	uiommu_group_detach(uiommu_device_group(s.dev[0]));
	uiommu_domain_free(dom);
	scene_close(&s);
	the_world_at_rest(state);
}

/* ----------------------------------------------------- while it changes -- */

struct fight {
	struct world *w;
	struct scene s;
	uint64_t changes, binds, dumps;
	bool stop; /* atomic */
};

static void *change(void *arg)
{
	struct fight *f = arg;
	struct world *w = f->w;
	struct uiommu_group *group = uiommu_device_group(w->dev[2]);
	uint64_t unmapped;

	while (!load_acquire(&f->stop)) {
		struct uiommu_ioas *ioas = new_ioas(w);
		struct uiommu_domain *dom = join(w, ioas);

		assert_int_equal(map_at(w, ioas, 0, 3, 0x10000, RW), 0);
		assert_int_equal(uiommu_group_attach(group, dom), 0);
		uiommu_ioas_unmap_all(ioas, &unmapped);
		uiommu_group_detach(group);
		leave(ioas, dom);
		uiommu_ioas_destroy(ioas);
		turn(&f->changes);
	}
	return NULL;
}

static void *share(void *arg)
{
	struct fight *f = arg;
	struct uiommu_sva *sva[3];

	while (!load_acquire(&f->stop)) {
		for (unsigned int i = 0; i < 3; i++)
			sva[i] = bind_ok(&f->s, i % 2);
		ask(&f->s, 0, uiommu_sva_pasid(sva[0]), AT(1), W);
		for (unsigned int i = 0; i < 3; i++)
			uiommu_sva_unbind(sva[i]);
		turn(&f->binds);
	}
	return NULL;
}

static void *watch(void *arg)
{
	struct fight *f = arg;

	while (!load_acquire(&f->stop)) {
		char *is = dump_core(f->w);

		assert_non_null(strstr(is, "  group 3 "));
		free(is);
		turn(&f->dumps);
	}
	return NULL;
}

static void while_objects_come_and_go(void **state)
{
	struct fight f = { .w = *state };
	const uint64_t *counts[] = { &f.changes, &f.binds, &f.dumps };
	pthread_t threads[4];

	scene_open(&f.s, state);
	pthread_create(&threads[0], NULL, change, &f);
	pthread_create(&threads[1], NULL, watch, &f);
	pthread_create(&threads[2], NULL, watch, &f);
	pthread_create(&threads[3], NULL, share, &f);
	assert_true(let_fight(300, counts, 3));
	store_release(&f.stop, true);
	for (unsigned int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	scene_close(&f.s);
}

#define T(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_world_at_rest),
		T(an_address_space),
		T(pasids),
		T(shared_addresses),
		T(page_faults_that_wait),
		T(while_objects_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
