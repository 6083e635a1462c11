/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_bell_test.c - a guest has bound a doorbell of its own: the host's is where
 * that is, and the guest's device writes to the guest's IOVA.
 */
#include <unistd.h>

#include "guest_msi.h"

static void bind_ok(struct uiommu_domain *parent)
{
	assert_int_equal(uiommu_bind_guest_msi(parent, BOUND_IOVA + 0x40,
					       BOUND_GPA + 0x40, 12),
			 0);
}

static void the_device_writes_to_the_guests_iova(void **state)
{
	struct uiommu_domain *parent;
	struct guest g;
	int efd;

	open_with_vector(&g, &efd);
	parent = parent_of(&g);
	lead(&g, DOORBELL, MSI_FIRST | READ_WRITE);
	expect_fires(&g, efd);
	/* It counts for who asks for interrupts from now on. */
	bind_ok(parent);
	expect_fires(&g, efd);
	client_msix_ok(&g.s.dev[0], NULL, 0);
	client_msix_ok(&g.s.dev[0], &efd, 1);
	/* The guest has bound, but not mapped. */
	expect_event(&g, efd, F_TRANSLATION, BOUND_IOVA + 0x40);
	lead(&g, BOUND_IOVA, BOUND_GPA | READ_WRITE);
	forget(&g, BOUND_IOVA);
	expect_fires(&g, efd);
	/* The window is not what is in use. */
	lead(&g, DOORBELL, 0);
	command(&g, 0x10, 0);
	expect_fires(&g, efd);
	close_with_vector(&g, efd);
}

/* With combined entries in the TLB, and in an ATC. */
static void without_its_binding_an_interrupt_is_a_fault(void **state)
{
	struct uiommu_domain *parent;
	struct guest g;
	int efd;

	open_with_vector(&g, &efd);
	parent = parent_of(&g);
	lead(&g, BOUND_IOVA, BOUND_GPA | READ_WRITE);
	client_msix_ok(&g.s.dev[0], NULL, 0);
	bind_ok(parent);
	client_msix_ok(&g.s.dev[0], &efd, 1);
	expect_fires(&g, efd);
	/* As a PCIe device may, by its ATC: a vector of nobody, if there is one. */
	testep_fill(&g.s.dev[0], 2, ~0u);
	assert_int_equal(testep_go(&g.s.dev[0], 2, TESTEP_WRITE,
				   BOUND_IOVA + 0x40, 4),
			 TESTEP_OK);
	assert_int_equal(uiommu_unbind_guest_msi(parent, BOUND_IOVA), 0);
	assert_int_equal(uiommu_machine_check(g.s.machine), 0);
	expect_unmapped(&g, efd, BOUND_IOVA + 0x40, BOUND_GPA);
	assert_int_equal(testep_go(&g.s.dev[0], 2, TESTEP_WRITE,
				   BOUND_IOVA + 0x40, 4),
			 TESTEP_ABORTED);
	/* Bound again, it takes a new request. */
	bind_ok(parent);
	client_msix_ok(&g.s.dev[0], NULL, 0);
	client_msix_ok(&g.s.dev[0], &efd, 1);
	expect_fires(&g, efd);
	close_with_vector(&g, efd);
}

static void without_a_free_binding_there_are_no_interrupts(void **state)
{
	struct uiommu_domain *parent;
	uiommu_iova_t iova;
	struct guest g;
	int efd;

	open_with_vector(&g, &efd);
	client_msix_ok(&g.s.dev[0], NULL, 0);
	parent = parent_of(&g);
	bind_ok(parent);
	/* By a doorbell of something else. */
	attach_ok(&g, g.parent);
	assert_int_equal(uiommu_unbind_guest_msi(parent, BOUND_IOVA), 0);
	bind_ok(parent);
	assert_int_equal(uiommu_group_msi_map(group_of(&g), 0xfee00000, &iova),
			 0);
	assert_int_equal(iova, BOUND_IOVA);
	assert_int_equal(client_msix(&g.s.dev[0], &efd, 1), -ENOSPC);
	assert_int_equal(uiommu_bind_guest_msi(parent, BOUND_IOVA + PAGE,
					       BOUND_GPA + PAGE, 12),
			 0);
	attach_ok(&g, g.nested);
	client_msix_ok(&g.s.dev[0], &efd, 1);
	lead(&g, BOUND_IOVA + PAGE, (BOUND_GPA + PAGE) | READ_WRITE);
	expect_fires(&g, efd);
	close_with_vector(&g, efd);
}

/*
 * Context 0 with tables of 64 KiB pages and 30 bits: two entries in SPARE, and from
 * page 32 on a table with the one page that the doorbell is in.
 */
static void boot_with_64k(struct guest *g)
{
	uint64_t *cd = page(g, 0);

	cd[1] = gpa(SPARE);
	cd[0] = (cd[0] & ~UINT64_C(0xff)) | 1 << 6 | 34;
	page(g, SPARE)[0] = gpa(32) | 3;
	page(g, 32)[BOUND_IOVA >> 16 & 8191] = BOUND_GPA | READ_WRITE;
	command(g, (uint64_t)VSID << 32 | 6, 0);
	command(g, 0x10, 0);
}

/* All of such a page is the guest's, but of what the host has it gets the doorbell. */
static void a_guest_with_larger_pages(void **state)
{
	struct event event;
	struct guest g;
	int efd;

	open_with_vector(&g, &efd);
	client_msix_ok(&g.s.dev[0], NULL, 0);
	assert_int_equal(uiommu_bind_guest_msi(parent_of(&g), BOUND_IOVA + 0x40,
					       BOUND_GPA + 0x40, 16),
			 0);
	client_msix_ok(&g.s.dev[0], &efd, 1);
	boot_with_64k(&g);
	expect_fires(&g, efd);
	for (unsigned int i = 1; i < 16; i++) {
		assert_int_equal(writes(&g, BOUND_IOVA + i * PAGE + 0x40, 0, 4),
				 TESTEP_ABORTED);
		assert_int_equal(next_event(&g, &event), sizeof(event));
		assert_int_equal(event.smmu.evt[0] & 0xff, F_TRANSLATION);
		assert_int_equal(event.smmu.evt[1] >> 39 & 7, 2 << 1 | 1);
		assert_int_equal(event.smmu.evt[3], BOUND_GPA + i * PAGE);
	}
	assert_int_equal(fired(efd), 0);
	close_with_vector(&g, efd);
}

/* Each fails where the other is, and works when that is gone. */
static void doorbells_and_memory_keep_apart(void **state)
{
	struct uiommu_domain *parent;
	struct guest g;
	int efd;

	open_with_vector(&g, &efd);
	parent = parent_of(&g);
	client_msix_ok(&g.s.dev[0], NULL, 0);
	bind_ok(parent);
	assert_int_equal(map_fixed(&g.s, g.s.ioas, 0, 2, BOUND_GPA - PAGE), 0);
	assert_int_equal(client_msix(&g.s.dev[0], &efd, 1), -EEXIST);
	assert_int_equal(unmap_len(&g.s, g.s.ioas, BOUND_GPA - PAGE, 2 * PAGE),
			 0);
	client_msix_ok(&g.s.dev[0], &efd, 1);
	assert_int_equal(map_fixed(&g.s, g.s.ioas, 0, 2, BOUND_GPA - PAGE),
			 -EEXIST);
	expect_pinned(&g.s, NR_PAGES);
	lead(&g, BOUND_IOVA, BOUND_GPA | READ_WRITE);
	expect_fires(&g, efd);
	assert_int_equal(uiommu_unbind_guest_msi(parent, BOUND_IOVA), 0);
	assert_int_equal(map_fixed(&g.s, g.s.ioas, 0, 2, BOUND_GPA - PAGE), 0);
	close_with_vector(&g, efd);
}

/* Stage 1 alone knows no bindings: the window, before and after. */
static void bindings_stay_with_their_domain(void **state)
{
	struct uiommu_domain *parent;
	struct guest g;
	int efd;

	open_with_vector(&g, &efd);
	parent = parent_of(&g);
	bind_ok(parent);
	lead(&g, BOUND_IOVA, BOUND_GPA | READ_WRITE);
	/* Each attach tells the device where its doorbell is now. */
	for (unsigned int i = 0; i < 3; i++) {
		attach_ioas(&g);
		assert_int_equal(
			uiommu_bind_guest_msi(uiommu_group_domain(group_of(&g)),
					      BOUND_IOVA, BOUND_GPA, 12),
			-EINVAL);
		expect_fires(&g, efd);
		attach_ok(&g, g.nested);
		expect_fires(&g, efd);
	}
	close_with_vector(&g, efd);
}

static void two_guests_bind_the_same(void **state)
{
	struct uiommu_domain *parent[2];
	struct two t;

	two_open(&t);
	for (unsigned int i = 0; i < 2; i++) {
		parent[i] = parent_of(&t.g[i]);
		bind_ok(parent[i]);
		lead(&t.g[i], BOUND_IOVA, BOUND_GPA | READ_WRITE);
		client_msix_ok(&t.g[i].s.dev[0], NULL, 0);
		client_msix_ok(&t.g[i].s.dev[0], &t.efd[i], 1);
	}
	for (unsigned int i = 0; i < 2; i++)
		only_fires(&t, i);
	lead(&t.g[1], BOUND_IOVA, 0);
	command(&t.g[1], 0x10, 0);
	only_faults(&t, 1, BOUND_IOVA + 0x40);
	only_fires(&t, 0);
	lead(&t.g[1], BOUND_IOVA, BOUND_GPA | READ_WRITE);
	only_fires(&t, 1);
	assert_int_equal(uiommu_unbind_guest_msi(parent[0], BOUND_IOVA), 0);
	only_fires(&t, 1);
	expect_unmapped(&t.g[0], t.efd[0], BOUND_IOVA + 0x40, BOUND_GPA);
	assert_int_equal(fired(t.efd[1]), 0);
	two_close(&t);
}

/* ------------------------------------------- a guest in no hardware's words -- */

struct told {
	struct uiommu_fault fault;
	unsigned int nr;
};

static bool take_fault(void *ctx, struct uiommu_device *dev,
		       const struct uiommu_fault *fault)
{
	struct told *told = ctx;

	told->fault = *fault;
	told->nr++;
	return true;
}

/* The only one since it was asked last, of a write that a message is. */
static void expect_told(struct guest *g, int efd, struct told *told,
			uint64_t iova, uint32_t stage, uint64_t ipa)
{
	told->nr = 0;
	send_msi(&g->s.dev[0]);
	assert_int_equal(fired(efd), 0);
	assert_int_equal(told->nr, 1);
	assert_int_equal(told->fault.kind, UIOMMU_FAULT_TRANSLATION);
	assert_int_equal(told->fault.flags, UIOMMU_FAULT_WRITE | stage);
	assert_int_equal(told->fault.pasid, UIOMMU_NO_PASID);
	assert_int_equal(told->fault.iova, iova);
	if (stage)
		assert_int_equal(told->fault.ipa, ipa);
}

static void fires_once(struct guest *g, int efd)
{
	send_msi(&g->s.dev[0]);
	assert_int_equal(fired(efd), 1);
}

static void forget_all(struct uiommu_domain *dom)
{
	const struct uiommu_cache_info info = {
		.type = UIOMMU_CACHE_TLB,
		.granularity = UIOMMU_CACHE_ALL_PASIDS,
	};

	assert_int_equal(uiommu_cache_invalidate(dom, NULL, &info), 0);
}

/* The guest's memory is a page table of iommufd's; all else is the library's. */
static struct uiommu_domain *bound_open(struct guest *g, int *efd,
					struct told *told)
{
	struct uiommu_domain *dom;

	memset(g, 0, sizeof(*g));
	scene_open(&g->s, 1);
	assert_int_equal(map_fixed(&g->s, g->s.ioas, 0, NR_PAGES, GPA), 0);
	assert_int_equal(hwpt_alloc(&g->s, 0, g->s.ioas,
				    IOMMU_HWPT_ALLOC_NEST_PARENT, &g->parent),
			 0);
	attach_ok(g, g->parent);
	guest_boot(g);
	*efd = eventfd_ok();
	client_msix_ok(&g->s.dev[0], efd, 1);
	dom = uiommu_group_domain(group_of(g));
	told->nr = 0;
	uiommu_domain_set_fault_handler(dom, take_fault, told);
	return dom;
}

static void bind_table(struct uiommu_domain *dom, enum uiommu_guest_state state)
{
	const struct uiommu_pasid_table table = {
		.state = state,
		.none = UIOMMU_PASID_NONE_IS_0,
		.pasid_bits = 6,
		.base = GPA,
	};

	assert_int_equal(uiommu_bind_pasid_table(dom, &table), 0);
}

static void bound_tables_and_doorbells(void **state)
{
	struct uiommu_domain *dom;
	struct told told;
	struct guest g;
	int efd;

	dom = bound_open(&g, &efd, &told);
	fires_once(&g, efd);
	bind_table(dom, UIOMMU_GUEST_TRANSLATE);
	/* The window, as long as the guest has bound no doorbell. */
	expect_told(&g, efd, &told, DOORBELL, 0, 0);
	lead(&g, DOORBELL, MSI_FIRST | READ_WRITE);
	forget_all(dom);
	fires_once(&g, efd);
	bind_ok(dom);
	client_msix_ok(&g.s.dev[0], NULL, 0);
	client_msix_ok(&g.s.dev[0], &efd, 1);
	expect_told(&g, efd, &told, BOUND_IOVA + 0x40, 0, 0);
	lead(&g, BOUND_IOVA, BOUND_GPA | READ_WRITE);
	forget_all(dom);
	fires_once(&g, efd);
	/* Bound again, the doorbell is where it was; bypassed, it is not. */
	bind_table(dom, UIOMMU_GUEST_TRANSLATE);
	fires_once(&g, efd);
	bind_table(dom, UIOMMU_GUEST_BYPASS);
	expect_told(&g, efd, &told, BOUND_IOVA + 0x40, UIOMMU_FAULT_STAGE2,
		    BOUND_IOVA);
	bind_table(dom, UIOMMU_GUEST_TRANSLATE);
	fires_once(&g, efd);
	assert_int_equal(uiommu_unbind_guest_msi(dom, BOUND_IOVA), 0);
	expect_told(&g, efd, &told, BOUND_IOVA + 0x40, UIOMMU_FAULT_STAGE2,
		    BOUND_GPA);
	/* Without any the window is back. */
	client_msix_ok(&g.s.dev[0], NULL, 0);
	client_msix_ok(&g.s.dev[0], &efd, 1);
	fires_once(&g, efd);
	bind_table(dom, UIOMMU_GUEST_BYPASS);
	fires_once(&g, efd);
	/* What the guest has asked for is told to nobody. */
	bind_table(dom, UIOMMU_GUEST_ABORT);
	told.nr = 0;
	send_msi(&g.s.dev[0]);
	assert_int_equal(fired(efd), 0);
	assert_int_equal(told.nr, 0);
	uiommu_unbind_pasid_table(dom);
	fires_once(&g, efd);
	uiommu_domain_set_fault_handler(dom, NULL, NULL);
	close(efd);
	scene_close(&g.s);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(the_device_writes_to_the_guests_iova),
		cmocka_unit_test(without_its_binding_an_interrupt_is_a_fault),
		cmocka_unit_test(
			without_a_free_binding_there_are_no_interrupts),
		cmocka_unit_test(a_guest_with_larger_pages),
		cmocka_unit_test(doorbells_and_memory_keep_apart),
		cmocka_unit_test(bindings_stay_with_their_domain),
		cmocka_unit_test(two_guests_bind_the_same),
		cmocka_unit_test(bound_tables_and_doorbells),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
