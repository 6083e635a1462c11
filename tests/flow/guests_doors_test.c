/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guests_doors_test.c - a guest in a container of type 6 and one of iommufd's on one
 * SMMU, with the same contexts, PASIDs, ASIDs and addresses: neither's invalidations
 * reach the other, nor what else it does; VMIDs are given out to both from one stock.
 */
#include "nesting_scene.h"

struct world {
	struct uiommu_machine *machine;
	struct guest old; /* in the container; it has the machine */
	struct guest new;
};

static uint64_t word(const struct world *w, const struct guest *g,
		     unsigned int data)
{
	return (g == &w->old ? 0x01d00000 : 0x2e000000) + data;
}

static void mark(struct world *w, struct guest *g)
{
	for (unsigned int nr = DATA; nr < NR_PAGES; nr++)
		page(g, nr)[0] = word(w, g, nr);
}

static void world_open(struct world *w, struct uiommu_machine *machine)
{
	guard_ok();
	memset(w, 0, sizeof(*w));
	w->machine = machine;
	nest_open_machine(&w->old, machine, 1);
	nest_map_ok(&w->old);
	scene_join(&w->new.s, machine, 1, 1);
	guest_start(&w->new);
	mark(w, &w->old);
	mark(w, &w->new);
	assert_int_equal(nest_bind_table(&w->old), 0);
}

static void world_close(struct world *w)
{
	guest_close(&w->new);
	nest_close(&w->old);
}

/* What caches have: that page `data`, by both ways and both ASIDs, changed or not. */
static void finds(struct world *w, struct guest *g, unsigned int data)
{
	for (unsigned int asid = 1; asid <= 2; asid++) {
		uint32_t pasid = asid == 2 ? PASID : 0;

		assert_int_equal(reads(g, pasid, 0), word(w, g, data + asid));
		assert_int_equal(reads_tlb(g, pasid, 0),
				 word(w, g, data + asid));
	}
}

static void change(struct guest *g, unsigned int data)
{
	for (unsigned int asid = 1; asid <= 2; asid++)
		point(g, asid, 0, data + asid);
}

static void old_forgets_all(struct guest *g)
{
	assert_int_equal(nest_invalidate(g, VFIO_GUEST_INVALIDATE_TLB,
					 VFIO_GUEST_INVALIDATE_ALL_PASIDS, 0, 0,
					 0, 0, 0),
			 0);
	assert_int_equal(nest_invalidate(g, VFIO_GUEST_INVALIDATE_PASID_CACHE,
					 VFIO_GUEST_INVALIDATE_ALL_PASIDS, 0, 0,
					 0, 0, 0),
			 0);
	assert_int_equal(nest_invalidate(g, VFIO_GUEST_INVALIDATE_DEVICE_TLB,
					 VFIO_GUEST_INVALIDATE_ALL_PASIDS, 0, 0,
					 0, 0, 0),
			 0);
}

static void new_forgets_all(struct guest *g)
{
	command(g, 0x30, 0);
	command(g, (uint64_t)VSID << 32 | 6, 0);
	command(g, (uint64_t)VSID << 32 | 0x40, 52);
	command(g, (uint64_t)VSID << 32 | 0xa40, 52);
}

/* ------------------------------------------------------------------ stories -- */

/* All that the container can say, of every cache and every width. */
static void old_says_all(struct world *w)
{
	for (uint32_t type = 0; type < 3; type++)
		for (uint32_t wide = 0; wide < 3; wide++)
			for (uint32_t asid = 0; asid < 3; asid++)
				for (uint32_t flags = 0; flags < 4; flags++) {
					int rc = nest_invalidate(
						&w->old, type, wide, flags,
						asid == 2 ? PASID : 0, asid, 0,
						4);

					assert_true(!rc || rc == -EINVAL);
					finds(w, &w->new, DATA);
				}
	old_forgets_all(&w->old);
}

/*
 * One has changed its tables and has told nobody: what it changed is not found until
 * it says so itself, whatever the other says and does.
 */
static void neither_reaches_the_other(void **state)
{
	struct world w;

	world_open(&w, machine_ok("testep,testep"));
	change(&w.old, DATA);
	change(&w.new, DATA);
	old_forgets_all(&w.old);
	new_forgets_all(&w.new);
	finds(&w, &w.old, DATA);
	finds(&w, &w.new, DATA);

	change(&w.new, DATA + 10);
	old_says_all(&w);
	finds(&w, &w.new, DATA);
	assert_int_equal(nest_bind_state(&w.old, VFIO_GUEST_STATE_ABORT), 0);
	assert_int_equal(nest_bind_state(&w.old, VFIO_GUEST_STATE_BYPASS), 0);
	assert_int_equal(reads_gpa(&w.old, DATA), word(&w, &w.old, DATA));
	assert_int_equal(nest_unbind(&w.old), 0);
	assert_int_equal(client_unmap(&w.old.s.dev[0], GPA, NR_PAGES * PAGE),
			 0);
	finds(&w, &w.new, DATA);
	nest_map_ok(&w.old);
	assert_int_equal(nest_bind_table(&w.old), 0);
	finds(&w, &w.new, DATA);
	new_forgets_all(&w.new);
	finds(&w, &w.new, DATA + 10);

	finds(&w, &w.old, DATA);
	change(&w.old, DATA + 20);
	new_forgets_all(&w.new);
	command(&w.new, 0x10, 0);
	command(&w.new, 0x13, IOVA);
	command(&w.new, 0x0001000000000012, IOVA);
	finds(&w, &w.old, DATA);
	old_forgets_all(&w.old);
	finds(&w, &w.old, DATA + 20);
	world_close(&w);
}

/* Its device asks for a page, or faults: who is told is not the other. */
static void faults_of_the_container(void **state)
{
	struct event event;
	struct world w;

	world_open(&w, machine_ok("testep,testep"));
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(reads_tlb(&w.old, i ? PASID : 0, 7), 0);
		assert_int_equal(reads(&w.old, i ? PASID : 0, 7), 0);
		assert_int_equal(next_event(&w.new, &event), 0);
		assert_int_equal(reads_tlb(&w.new, i ? PASID : 0, 7), 0);
		assert_int_equal(next_event(&w.new, &event), sizeof(event));
		assert_int_equal(event.smmu.evt[0] >> 32, VSID);
		assert_int_equal(next_event(&w.new, &event), 0);
	}
	world_close(&w);
}

/* ------------------------------------------------------------------- VMIDs -- */

/* One more parent with a vIOMMU over it. */
static int take_vmid(struct guest *g, uint32_t id[2])
{
	int rc;

	assert_int_equal(hwpt_alloc(&g->s, 0, g->s.ioas,
				    IOMMU_HWPT_ALLOC_NEST_PARENT, &id[0]),
			 0);
	rc = viommu_alloc(g, IOMMU_VIOMMU_TYPE_ARM_SMMUV3, id[0], &id[1]);
	if (rc)
		assert_int_equal(destroy(&g->s, id[0]), 0);
	return rc;
}

static void give_vmid(struct guest *g, const uint32_t id[2])
{
	assert_int_equal(destroy(&g->s, id[1]), 0);
	assert_int_equal(destroy(&g->s, id[0]), 0);
}

static void one_stock_of_vmids(void **state)
{
	static uint32_t ids[300][2];
	unsigned int nr = 0;
	struct world w;

	world_open(&w, machine_of_ok("tests/flow/vmids.dtb"));
	change(&w.old, DATA);
	change(&w.new, DATA);
	old_forgets_all(&w.old);
	new_forgets_all(&w.new);
	while (nr < 300 && !take_vmid(&w.new, ids[nr]))
		nr++;
	/* 255, less that of the container and of the other's own. */
	assert_int_equal(nr, 253);
	finds(&w, &w.old, DATA);
	finds(&w, &w.new, DATA);
	/* One that goes makes room for one, by whichever door. */
	client_close(&w.old.s.dev[0]);
	assert_int_equal(take_vmid(&w.new, ids[nr]), 0);
	assert_int_equal(take_vmid(&w.new, ids[nr + 1]), -ENOSPC);
	assert_int_equal(client_try_container(&w.old.s.dev[0], w.machine, 0,
					      VFIO_TYPE1_NESTING_IOMMU),
			 -ENOSPC);
	finds(&w, &w.new, DATA);
	give_vmid(&w.new, ids[nr]);
	client_open_container(&w.old.s.dev[0], w.machine, 0,
			      VFIO_TYPE1_NESTING_IOMMU);
	assert_int_equal(take_vmid(&w.new, ids[nr]), -ENOSPC);
	w.old.s.fd = w.old.s.dev[0].space_fd;
	client_master(&w.old.s.dev[0], true);
	nest_map_ok(&w.old);
	assert_int_equal(nest_bind_table(&w.old), 0);
	finds(&w, &w.old, DATA);
	finds(&w, &w.new, DATA);
	while (nr--)
		give_vmid(&w.new, ids[nr]);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(neither_reaches_the_other),
		cmocka_unit_test(faults_of_the_container),
		cmocka_unit_test(one_stock_of_vmids),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
