/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nesting_test.c - a guest in a container of type 6, on an SMMUv3: whose tables its
 * device's accesses go through, its interrupts, and its faults.
 */
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "nesting_scene.h"

/* ---------------------------------------------------------------- states -- */

static void expect_bypass(struct guest *g)
{
	assert_int_equal(reads_gpa(g, DATA), word_of(DATA));
	assert_int_equal(reads(g, 0, 0), 0);
	assert_int_equal(reads(g, PASID, 0), 0);
}

static void expect_abort(struct guest *g)
{
	assert_int_equal(reads_gpa(g, DATA), 0);
	assert_int_equal(reads(g, 0, 0), 0);
	assert_int_equal(reads(g, PASID, 0), 0);
}

static void expect_tables(struct guest *g)
{
	assert_int_equal(reads_gpa(g, DATA), 0);
	assert_int_equal(reads(g, 0, 0), word_of(DATA));
	assert_int_equal(reads(g, PASID, 0), word_of(DATA + 1));
}

static void expect_one_context(struct guest *g)
{
	assert_int_equal(reads_gpa(g, DATA), 0);
	assert_int_equal(reads(g, 0, 0), word_of(DATA));
	assert_int_equal(reads(g, PASID, 0), 0);
}

static int to_bypass(struct guest *g)
{
	return nest_bind_state(g, VFIO_GUEST_STATE_BYPASS);
}

static int to_abort(struct guest *g)
{
	return nest_bind_state(g, VFIO_GUEST_STATE_ABORT);
}

static int to_one_context(struct guest *g)
{
	return nest_bind_v1(g, 1);
}

/* The table of before in words of an SMMUv3. */
static int bind_smmuv3(struct guest *g, bool disabled, bool bypassed,
		       bool aborted)
{
	const struct vfio_iommu_type1_bind_guest_stage call = {
		.argsz = sizeof(call),
		.config = { .flags = VFIO_GUEST_STAGE_SMMUV3_S1 |
				     VFIO_GUEST_STAGE_EXT,
			    .smmuv3_s1 = { .disabled = disabled,
					   .bypassed = bypassed,
					   .aborted = aborted,
					   .s1dss = VFIO_GUEST_S1DSS_SSID0,
					   .s1cdmax = 6,
					   .cdptr_dma = gpa(0) } },
	};

	return nest_bind(g, &call);
}

static int to_smmuv3(struct guest *g)
{
	return bind_smmuv3(g, false, false, false);
}

static int to_disabled(struct guest *g)
{
	return bind_smmuv3(g, true, false, false);
}

static int to_bypassed(struct guest *g)
{
	return bind_smmuv3(g, false, true, false);
}

/* Which comes before the other two. */
static int to_aborted(struct guest *g)
{
	return bind_smmuv3(g, true, true, true);
}

/* From any to any. */
static void states(void **state)
{
	static const struct {
		int (*go)(struct guest *g);
		void (*expect)(struct guest *g);
	} all[] = {
		{ nest_unbind, expect_bypass },
		{ to_bypass, expect_bypass },
		{ to_abort, expect_abort },
		{ nest_bind_table, expect_tables },
		{ to_one_context, expect_one_context },
		{ to_smmuv3, expect_tables },
		{ to_disabled, expect_bypass },
		{ to_bypassed, expect_bypass },
		{ to_aborted, expect_abort },
	};
	const unsigned int nr = sizeof(all) / sizeof(all[0]);
	struct guest g;

	nest_open(&g, 1);
	expect_bypass(&g);
	for (unsigned int i = 0; i < nr * nr; i++) {
		assert_int_equal(all[i / nr].go(&g), 0);
		all[i / nr].expect(&g);
		assert_int_equal(all[i % nr].go(&g), 0);
		all[i % nr].expect(&g);
	}
	nest_close(&g);
}

static void each_format(void **state)
{
	struct vfio_iommu_type1_bind_guest_stage call;
	struct guest g;

	nest_open(&g, 1);
	/* The contexts of page 0 are a leaf; one more is in the next. */
	page(&g, LEVEL1)[0] = gpa(0) | 1;
	page(&g, LEVEL1)[1] = gpa(LEAF1) | 1;
	memcpy(page(&g, LEAF1) + (PASID_FAR - 64) * 8, page(&g, 0) + PASID * 8,
	       64);
	call = nest_table(LEVEL1, 7, VFIO_GUEST_S1FMT_4K_L2);
	assert_int_equal(nest_bind(&g, &call), 0);
	expect_tables(&g);
	assert_int_equal(reads(&g, PASID_FAR, 0), word_of(DATA + 1));
	assert_int_equal(reads(&g, PASID_FAR + 1, 0), 0);
	/* In one leaf. */
	page(&g, LEVEL1)[0] = gpa(LEAF64K) | 1;
	page(&g, LEVEL1)[1] = 0;
	memcpy(page(&g, LEAF64K), page(&g, 0), PAGE);
	memcpy(page(&g, LEAF64K) + PASID_FAR * 8, page(&g, 0) + PASID * 8, 64);
	call = nest_table(LEVEL1, 11, VFIO_GUEST_S1FMT_64K_L2);
	assert_int_equal(nest_bind(&g, &call), 0);
	expect_tables(&g);
	assert_int_equal(reads(&g, PASID_FAR, 0), word_of(DATA + 1));
	/* What has no PASID. */
	call.config.pasid_table.s1dss = VFIO_GUEST_S1DSS_BYPASS;
	assert_int_equal(nest_bind(&g, &call), 0);
	assert_int_equal(reads_gpa(&g, DATA), word_of(DATA));
	assert_int_equal(reads(&g, PASID, 0), word_of(DATA + 1));
	call.config.pasid_table.s1dss = VFIO_GUEST_S1DSS_TERMINATE;
	assert_int_equal(nest_bind(&g, &call), 0);
	assert_int_equal(reads_gpa(&g, DATA), 0);
	assert_int_equal(reads(&g, 0, 0), 0);
	assert_int_equal(reads(&g, PASID, 0), word_of(DATA + 1));
	/* More PASIDs than the SMMU has, a table that is out of reach. */
	call.config.pasid_table.pasid_bits = 21;
	assert_int_equal(nest_bind(&g, &call), -EINVAL);
	call.config.pasid_table.pasid_bits = 11;
	call.config.pasid_table.base_ptr = UINT64_C(1) << 52;
	assert_int_equal(nest_bind(&g, &call), -EINVAL);
	assert_int_equal(reads(&g, PASID, 0), word_of(DATA + 1));
	nest_close(&g);
}

/* Of the guest's memory and tables, by the ATC and past it. */
static void expect_nothing(struct client *c)
{
	static const uint32_t how[] = { 0, TESTEP_UNTRANSLATED };

	for (unsigned int i = 0; i < 4; i++) {
		uint32_t pasid = i < 2 ? 0 : PASID;

		assert_int_equal(testep_read_how(c, how[i & 1], pasid, IOVA),
				 0);
		assert_int_equal(
			testep_read_how(c, how[i & 1], pasid, gpa(DATA)), 0);
	}
}

static void the_host_takes_memory_back(void **state)
{
	struct guest g;

	nest_open(&g, 1);
	assert_int_equal(nest_bind_table(&g), 0);
	/* Elsewhere it stays, so it is there for who finds the old way. */
	client_map_ok(&g.s.dev[0], g.s.mem, NR_PAGES * PAGE, BASE);
	expect_tables(&g);
	assert_int_equal(reads_tlb(&g, 0, 0), word_of(DATA));
	assert_int_equal(client_unmap(&g.s.dev[0], GPA, NR_PAGES * PAGE), 0);
	expect_nothing(&g.s.dev[0]);
	assert_int_equal(client_unmap(&g.s.dev[0], BASE, NR_PAGES * PAGE), 0);
	expect_pinned(&g.s, 0);
	nest_map_ok(&g);
	expect_tables(&g);
	nest_close(&g);
}

/* ------------------------------------------------------------- interrupts -- */

static struct uiommu_group *group_of(struct guest *g, unsigned int dev)
{
	return uiommu_device_group(
		uiommu_machine_core_device(g->s.machine, dev));
}

/* How often it came, for one access that ends with it. */
static uint64_t interrupt(struct guest *g, int efd)
{
	uint64_t count;

	assert_int_equal(testep_go(&g->s.dev[0], 2,
				   TESTEP_READ | TESTEP_IRQ_VECTOR(0), IOVA, 8),
			 TESTEP_OK);
	return read(efd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void interrupts_go_where_the_guest_says(void **state)
{
	int efd = eventfd(0, EFD_NONBLOCK);
	unsigned int faults;
	struct guest g;

	nest_open(&g, 1);
	assert_int_equal(nest_bind_table(&g), 0);
	assert_int_equal(nest_msi(&g, 0), 0);
	assert_int_equal(nest_msi(&g, 0), 0);
	client_msix_ok(&g.s.dev[0], &efd, 1);
	/* The guest has not mapped it: a fault, and not one without trace. */
	faults = uiommu_machine_check(g.s.machine);
	assert_int_equal(interrupt(&g, efd), 0);
	assert_int_equal(uiommu_machine_check(g.s.machine), faults + 1);
	point(&g, 1, AT_DOORBELL, DOORBELL);
	assert_int_equal(interrupt(&g, efd), 1);
	assert_int_equal(interrupt(&g, efd), 1);
	assert_int_equal(uiommu_machine_check(g.s.machine), faults + 1);
	/* Unbound, with the guest's page still there. */
	assert_int_equal(nest_msi(&g, VFIO_GUEST_MSI_UNBIND), 0);
	assert_int_equal(interrupt(&g, efd), 0);
	assert_int_equal(uiommu_machine_check(g.s.machine), faults + 2);
	assert_int_equal(nest_msi(&g, VFIO_GUEST_MSI_UNBIND), -ENOENT);
	/* Set up again without any, they are in the host's window. */
	client_msix_ok(&g.s.dev[0], NULL, 0);
	client_msix_ok(&g.s.dev[0], &efd, 1);
	assert_int_equal(interrupt(&g, efd), 0);
	page(&g, TABLES + 1)[MSI_FIRST >> 21 & 511] = gpa(8) | 3;
	page(&g, 8)[MSI_FIRST >> 12 & 511] = MSI_FIRST | 0xf43;
	assert_int_equal(interrupt(&g, efd), 1);
	close(efd);
	nest_close(&g);
}

/* To the page that the guest says it maps its doorbell by, whose start is given. */
static void doorbells_are_rounded_down(void **state)
{
	static const struct {
		uint32_t granule;
		unsigned int at; /* the page of IOVA + AT_DOORBELL pages */
	} rows[] = { { 12, AT_DOORBELL }, { 16, AT_DOORBELL - 9 } };
	struct vfio_iommu_type1_bind_msi call = {
		.argsz = sizeof(call),
		.binding = { .gpa = gpa(DOORBELL) + 0x123 },
	};
	int efd = eventfd(0, EFD_NONBLOCK);
	struct guest g;

	nest_open(&g, 1);
	assert_int_equal(nest_bind_table(&g), 0);
	for (unsigned int i = 0; i < 2; i++) {
		call.flags = 0;
		call.binding.iova = IOVA + AT_DOORBELL * PAGE + 0x123;
		call.binding.granule = rows[i].granule;
		assert_int_equal(scene_ioctl(&g.s, VFIO_IOMMU_BIND_MSI, &call),
				 0);
		/* The same page; one that reaches into it. */
		call.binding.iova += 0x234;
		assert_int_equal(scene_ioctl(&g.s, VFIO_IOMMU_BIND_MSI, &call),
				 0);
		call.binding.granule = 21;
		assert_int_equal(scene_ioctl(&g.s, VFIO_IOMMU_BIND_MSI, &call),
				 -EEXIST);
		client_msix_ok(&g.s.dev[0], &efd, 1);
		point(&g, 1, rows[i].at, DOORBELL);
		assert_int_equal(interrupt(&g, efd), 1);
		client_msix_ok(&g.s.dev[0], NULL, 0);
		call.flags = VFIO_GUEST_MSI_UNBIND;
		assert_int_equal(scene_ioctl(&g.s, VFIO_IOMMU_BIND_MSI, &call),
				 0);
		assert_int_equal(scene_ioctl(&g.s, VFIO_IOMMU_BIND_MSI, &call),
				 -ENOENT);
	}
	close(efd);
	nest_close(&g);
}

/* Another doorbell has the only binding. */
static void without_a_binding_there_are_none(void **state)
{
	int efd = eventfd(0, EFD_NONBLOCK), rc;
	struct logged l;
	uiommu_iova_t iova;
	char text[512];
	struct guest g;

	guard_ok();
	nest_open_machine(&g, machine_warning_ok("testep"), 1);
	nest_map_ok(&g);
	assert_int_equal(nest_bind_table(&g), 0);
	assert_int_equal(nest_msi(&g, 0), 0);
	assert_int_equal(
		uiommu_group_msi_map(group_of(&g, 0), 0x1234000, &iova), 0);
	assert_int_equal(iova, IOVA + AT_DOORBELL * PAGE);
	log_begin(&l);
	rc = client_msix(&g.s.dev[0], &efd, 1);
	log_end(&l, text, sizeof(text));
	assert_int_equal(rc, -ENOSPC);
	assert_non_null(strstr(text, "none of the guest's bindings is free"));
	assert_int_equal(nest_msi(&g, VFIO_GUEST_MSI_UNBIND), 0);
	assert_int_equal(nest_msi(&g, 0), 0);
	client_msix_ok(&g.s.dev[0], &efd, 1);
	point(&g, 1, AT_DOORBELL, DOORBELL);
	assert_int_equal(interrupt(&g, efd), 1);
	close(efd);
	nest_close(&g);
}

/* ----------------------------------------------------------------- faults -- */

static bool report_has(struct guest *g, const char *word)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool has;

	assert_non_null(out);
	uiommu_machine_report(g->s.machine, UIOMMU_REPORT_CHECK, out);
	fclose(out);
	has = strstr(text, word);
	free(text);
	return has;
}

struct heard {
	unsigned int nr;
	struct uiommu_fault last;
};

static bool hear(void *ctx, struct uiommu_device *dev,
		 const struct uiommu_fault *fault)
{
	struct heard *heard = ctx;

	heard->nr++;
	heard->last = *fault;
	return true;
}

#define C_BAD_CD 0x0au
#define F_TRANSLATION 0x10u

/* A context that is none; a page, then a table, that is not there. */
static void fault_of_each_kind(struct guest *g, unsigned int i)
{
	if (i == 0) {
		page(g, 0)[8 * PASID] &= ~(UINT64_C(1) << 31);
		nest_forget_all(g);
		assert_int_equal(reads_tlb(g, PASID, 0), 0);
	} else if (i == 1) {
		assert_int_equal(reads_tlb(g, 0, 7), 0);
	} else {
		page(g, TABLES)[0] = gpa(NR_PAGES) | 3;
		nest_forget_all(g);
		assert_int_equal(reads_tlb(g, 0, 0), 0);
	}
}

/* To the host's report, or to who has asked for them by the library. */
static void faults_are_told(void **state)
{
	static const struct {
		const char *word; /* in the report */
		uint32_t raw, flags, pasid;
	} kinds[] = {
		{ "CD.V is 0", C_BAD_CD, 0, PASID },
		{ "stage 1", F_TRANSLATION, 0, UIOMMU_NO_PASID },
		{ "stage 2", F_TRANSLATION, UIOMMU_FAULT_STAGE2,
		  UIOMMU_NO_PASID },
	};
	struct heard heard = { 0 };
	struct uiommu_domain *dom;
	struct guest g;

	nest_open(&g, 1);
	assert_int_equal(nest_bind_table(&g), 0);
	assert_int_equal(uiommu_machine_check(g.s.machine), 0);
	for (unsigned int i = 0; i < 3; i++) {
		assert_false(report_has(&g, kinds[i].word));
		fault_of_each_kind(&g, i);
		assert_int_equal(uiommu_machine_check(g.s.machine), i + 1);
		assert_true(report_has(&g, kinds[i].word));
	}
	guest_boot(&g);
	dom = uiommu_group_domain(group_of(&g, 0));
	uiommu_domain_set_fault_handler(dom, hear, &heard);
	for (unsigned int i = 0; i < 3; i++) {
		fault_of_each_kind(&g, i);
		assert_int_equal(heard.nr, i + 1);
		assert_int_equal(heard.last.raw_type, kinds[i].raw);
		assert_int_equal(heard.last.flags & UIOMMU_FAULT_STAGE2,
				 kinds[i].flags);
		assert_int_equal(heard.last.pasid, kinds[i].pasid);
	}
	uiommu_domain_set_fault_handler(dom, NULL, NULL);
	assert_int_equal(uiommu_machine_check(g.s.machine), 3);
	nest_close(&g);
}

/* By nobody, as there is no call for it: the device is told so at once. */
static void page_faults_are_answered(void **state)
{
	static const char *const devices[] = { "testep", "testep:stall" };

	guard_ok();
	for (unsigned int i = 0; i < 2; i++) {
		struct guest g;

		nest_open_machine(&g, machine_ok(devices[i]), 1);
		nest_map_ok(&g);
		if (i)
			page(&g, 0)[0] |= UINT64_C(1) << 44;
		assert_int_equal(nest_bind_table(&g), 0);
		assert_int_equal(reads(&g, 0, 0), word_of(DATA));
		assert_int_equal(testep_go(&g.s.dev[0], 1, TESTEP_READ,
					   IOVA + 7 * PAGE, 8),
				 TESTEP_ABORTED);
		assert_int_equal(uiommu_machine_check(g.s.machine), 1);
		nest_close(&g);
	}
}

/* --------------------------------------------------------- coming and going -- */

static void who_joins_and_leaves(void **state)
{
	struct guest g;

	nest_open(&g, 1);
	assert_int_equal(nest_bind_table(&g), 0);
	assert_int_equal(client_join(&g.s.dev[1], &g.s.dev[0], 1), 0);
	g.s.nr = 2;
	client_master(&g.s.dev[1], true);
	assert_int_equal(reads_of(&g, 1, 0), word_of(DATA));
	/* Of one table, of which nothing is left for who has left. */
	point(&g, 1, 0, DATA + 5);
	nest_forget_all(&g);
	assert_int_equal(reads_of(&g, 0, 0), word_of(DATA + 5));
	assert_int_equal(reads_of(&g, 1, 0), word_of(DATA + 5));
	client_leave(&g.s.dev[1]);
	assert_int_equal(reads_of(&g, 0, 0), word_of(DATA + 5));
	assert_int_equal(client_join(&g.s.dev[1], &g.s.dev[0], 1), 0);
	client_master(&g.s.dev[1], true);
	assert_int_equal(reads_of(&g, 1, 0), word_of(DATA + 5));
	/* A device is closed and opened; what is bound stays. */
	assert_int_equal(uiommu_abi_close(g.s.abi, g.s.dev[0].dev_fd), 0);
	g.s.dev[0].dev_fd = (int)client_ioctl(g.s.abi, g.s.dev[0].group_fd,
					      VFIO_GROUP_GET_DEVICE_FD,
					      g.s.dev[0].bdf);
	assert_true(g.s.dev[0].dev_fd >= 0);
	client_master(&g.s.dev[0], true);
	assert_int_equal(reads_of(&g, 0, 0), word_of(DATA + 5));
	nest_close(&g);
}

static void expect_bypass_of_both(struct guest *g)
{
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(testep_read_word(&g->s.dev[i], 0, gpa(DATA)),
				 word_of(DATA));
}

/*
 * The guest has gone, with what ATC and TLBs had of its tables: whoever has the device
 * next reaches what he maps, and nothing that was there before.
 */
static void removed(void **state)
{
	for (unsigned int by = 0; by < 3; by++) {
		struct client c;
		struct guest g;

		nest_open(&g, 1);
		assert_int_equal(testep_read_how(&g.s.dev[0],
						 TESTEP_UNTRANSLATED, 0,
						 gpa(DATA)),
				 word_of(DATA));
		assert_int_equal(nest_bind_table(&g), 0);
		expect_tables(&g);
		assert_int_equal(reads_tlb(&g, PASID, 0), word_of(DATA + 1));
		client_close(&g.s.dev[0]);
		expect_pinned(&g.s, 0);
		if (by < 2)
			client_open_container(&c, g.s.machine, 0,
					      by ? VFIO_TYPE1_NESTING_IOMMU
						 : VFIO_TYPE1v2_IOMMU);
		else
			client_open_iommufd(&c, g.s.machine, 0);
		client_master(&c, true);
		/* So that what is left of the old way would lead there. */
		client_map_ok(&c, g.s.mem, NR_PAGES * PAGE, BASE);
		expect_nothing(&c);
		client_map_ok(&c, g.s.mem + (DATA + 7) * PAGE, PAGE, IOVA);
		for (unsigned int i = 0; i < 2; i++)
			assert_int_equal(
				testep_read_how(&c, i ? TESTEP_UNTRANSLATED : 0,
						0, IOVA),
				word_of(DATA + 7));
		assert_int_equal(testep_read_word(&c, PASID, IOVA), 0);
		client_close(&c);
		uiommu_machine_destroy(g.s.machine);
		pages_free(g.s.mem, NR_PAGES * PAGE);
	}
}

/* A device behind each. */
static void two_SMMUs(void **state)
{
	struct guest g;

	guard_ok();
	nest_open_machine(&g, machine_of_ok("tests/flow/nesting.dtb"), 2);
	nest_map_ok(&g);
	expect_bypass_of_both(&g);
	assert_int_equal(nest_bind_table(&g), 0);
	point(&g, 1, 0, DATA + 5);
	nest_forget_all(&g);
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(reads_of(&g, i, 0), word_of(DATA + 5));
	client_leave(&g.s.dev[1]);
	assert_int_equal(client_join(&g.s.dev[1], &g.s.dev[0], 1), 0);
	client_master(&g.s.dev[1], true);
	assert_int_equal(reads_of(&g, 1, 0), word_of(DATA + 5));
	assert_int_equal(nest_unbind(&g), 0);
	expect_bypass_of_both(&g);
	nest_close(&g);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(states),
		cmocka_unit_test(each_format),
		cmocka_unit_test(the_host_takes_memory_back),
		cmocka_unit_test(interrupts_go_where_the_guest_says),
		cmocka_unit_test(doorbells_are_rounded_down),
		cmocka_unit_test(without_a_binding_there_are_none),
		cmocka_unit_test(faults_are_told),
		cmocka_unit_test(page_faults_are_answered),
		cmocka_unit_test(who_joins_and_leaves),
		cmocka_unit_test(removed),
		cmocka_unit_test(two_SMMUs),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
