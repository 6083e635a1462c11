/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The container of type 6: what it is like, which tables and invalidations it takes,
 * and what of them reaches the driver.
 */
#include "nesting_scene.h"

/* As a program of 2018 has it, with no care for what is between the fields. */
static bind_call v1_smmu_call(uint64_t base, uint16_t asid)
{
	bind_call call;

	memset(&call, 0xa5, sizeof(call));
	call.argsz = sizeof(call);
	call.flags = 0;
	call.config.flags = VFIO_GUEST_STAGE_SMMUV3_S1;
	call.config.smmuv3_s1.disabled = 0;
	call.config.smmuv3_s1.bypassed = 0;
	call.config.smmuv3_s1.aborted = 0;
	call.config.smmuv3_s1.cdptr_dma = base;
	call.config.smmuv3_s1.asid = asid;
	return call;
}

/* ------------------------------------------------------------- container -- */

static void it_is_like_a_v2_one(void **state)
{
	struct vfio_iommu_type1_dirty_bitmap dirty = {
		.argsz = sizeof(dirty),
		.flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_START
	};
	uiommu_pa_t pa;

	assert_int_equal(fx->unit[0].parents, 1);
	assert_int_equal(fx_ioctl_val(fx, con, VFIO_CHECK_EXTENSION,
				      VFIO_TYPE1_NESTING_IOMMU),
			 1);
	assert_int_equal(fx_map(fx, con, mem, GPA, MEM_SIZE), 0);
	assert_true(fx_translate(fx, 0, GPA + PAGE, &pa));
	assert_int_equal(pa, mem + PAGE);
	assert_int_equal(fx_unmap(fx, con, GPA, PAGE, NULL), -EINVAL);
	assert_int_equal(fx_ioctl(fx, con, VFIO_IOMMU_DIRTY_PAGES, &dirty), 0);
	assert_int_equal(fx_ioctl_val(fx, con, VFIO_SET_IOMMU,
				      VFIO_TYPE1_NESTING_IOMMU),
			 -EINVAL);
	assert_int_equal(fx_ioctl_val(fx, con, 0x3b7f, 0), -ENOTTY);
	/* What is mapped stays mapped under a guest's tables. */
	assert_int_equal(bind(table_call(BASE)), 0);
	assert_int_equal(base_of(0), BASE);
	assert_true(fx_translate(fx, 0, GPA + PAGE, &pa));
	assert_int_equal(fx_unmap(fx, con, GPA, MEM_SIZE, NULL), 0);
	assert_false(fx_translate(fx, 0, GPA + PAGE, &pa));
}

static void others_do_not_know_the_calls(void **state)
{
	static const unsigned long nrs[] = { VFIO_IOMMU_BIND_GUEST_STAGE,
					     VFIO_IOMMU_TLB_INVALIDATE,
					     VFIO_IOMMU_BIND_MSI };
	static const unsigned long types[] = { VFIO_TYPE1_IOMMU,
					       VFIO_TYPE1v2_IOMMU };
	int container, group = open_group(1);

	for (unsigned int t = 0; t < 2; t++) {
		container = fx_open(fx, "/dev/vfio/vfio");
		assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER,
					  &container),
				 0);
		for (unsigned int i = 0; i < ARRAY_SIZE(nrs); i++)
			assert_int_equal(fx_ioctl_val(fx, container, nrs[i],
						      FX_BAD_PTR),
					 -EINVAL);
		assert_int_equal(fx_ioctl_val(fx, container, VFIO_SET_IOMMU,
					      types[t]),
				 0);
		for (unsigned int i = 0; i < ARRAY_SIZE(nrs); i++)
			assert_int_equal(fx_ioctl_val(fx, container, nrs[i],
						      FX_BAD_PTR),
					 -ENOTTY);
		assert_int_equal(fx_ioctl(fx, group, VFIO_GROUP_UNSET_CONTAINER,
					  NULL),
				 0);
		fx_close(fx, container);
	}
	fx_close(fx, group);
	assert_int_equal(fx->unit[0].parents, 1);
}

/* An IOMMU with one stage, or that reads no tables of guests. */
static void hardware_that_cannot(void **state)
{
	fx->unit[1].guests = false;
	assert_int_equal(add_far(), -EINVAL);
	fx->unit[1].guests = true;
	fx->unit[1].no_tables = true;
	assert_int_equal(add_far(), 0);
	assert_int_equal(bind(table_call(BASE)), -ENODEV);
	assert_null(table_of(0));
	assert_int_equal(fx_ioctl(fx, far, VFIO_GROUP_UNSET_CONTAINER, NULL),
			 0);
	assert_int_equal(bind(table_call(BASE)), 0);
	assert_int_equal(add_far(), -ENODEV);
	assert_int_equal(base_of(0), BASE);
	assert_null(uiommu_group_domain(uiommu_device_group(fx->pci[4].dev)));
}

/* ------------------------------------------------------------------ bind -- */

static void bad_tables(void **state)
{
	static const struct bad bad[] = {
		SET(bind_call, argsz, 39, -EINVAL),
		SET(bind_call, argsz, 0, -EINVAL),
		SET(bind_call, flags, 2, -EINVAL),
		SET(bind_call, flags, 1u << 31, -EINVAL),
		SET(bind_call, config.flags, 0, -EINVAL),
		SET(bind_call, config.flags, 3, -EINVAL),
		SET(bind_call, config.flags, 4, -EINVAL),
		SET(bind_call, config.flags, 7, -EINVAL),
		SET(bind_call, config.flags, 9, -EINVAL),
		SET(bind_call, config.padding, 1, -EINVAL),
		SET(bind_call, config.pasid_table.version, 0, -EINVAL),
		SET(bind_call, config.pasid_table.version, 2, -EINVAL),
		SET(bind_call, config.pasid_table.bytes, 0, -EINVAL),
		SET(bind_call, config.pasid_table.bytes, 19, -EINVAL),
		SET(bind_call, config.pasid_table.bytes, 25, -EINVAL),
		SET(bind_call, config.pasid_table.s1fmt, 3, -EINVAL),
		SET(bind_call, config.pasid_table.s1dss, 3, -EINVAL),
		SET(bind_call, config.pasid_table.state, 3, -EINVAL),
		SET(bind_call, config.pasid_table.padding[0], 1, -EINVAL),
		SET(bind_call, config.pasid_table.padding[3], 1, -EINVAL),
	};
	bind_call good = table_call(BASE + 1), v1 = good;

	v1.config.flags = VFIO_GUEST_STAGE_PASID_TABLE;
	v1.config.pasid_table.bytes = 16;
	for (unsigned int i = 0; i < 2; i++) {
		each_bad(VFIO_IOMMU_BIND_GUEST_STAGE, &good, sizeof(good), bad,
			 ARRAY_SIZE(bad));
		assert_int_equal(bind(v1), -EINVAL);
		assert_int_equal(base_of(0), i ? BASE : 0);
		assert_int_equal(bind(table_call(BASE)), 0);
	}
}

static void bad_smmuv3_tables(void **state)
{
	static const struct bad bad[] = {
		SET(bind_call, config.smmuv3_s1.s1fmt, 3, -EINVAL),
		SET(bind_call, config.smmuv3_s1.s1dss, 3, -EINVAL),
		SET(bind_call, config.smmuv3_s1.padding[0], 1, -EINVAL),
		SET(bind_call, config.smmuv3_s1.padding2[5], 1, -EINVAL),
	};
	bind_call good = {
		.argsz = sizeof(good),
		.config = { .flags = VFIO_GUEST_STAGE_SMMUV3_S1 |
				     VFIO_GUEST_STAGE_EXT },
	};

	each_bad(VFIO_IOMMU_BIND_GUEST_STAGE, &good, sizeof(good), bad,
		 ARRAY_SIZE(bad));
	assert_null(table_of(0));
}

static void expect_table(enum uiommu_guest_state guest_state,
			 enum uiommu_pasid_table_format format,
			 enum uiommu_pasid_none none, uint8_t bits,
			 uint64_t base)
{
	const struct uiommu_pasid_table *table = table_of(0);

	assert_non_null(table);
	assert_int_equal(table->state, guest_state);
	if (guest_state != UIOMMU_GUEST_TRANSLATE)
		return;
	assert_int_equal(table->base, base);
	assert_int_equal(table->pasid_bits, bits);
	if (!bits)
		return;
	assert_int_equal(table->format, format);
	assert_int_equal(table->none, none);
}

static void a_table_says_all(void **state)
{
	bind_call call = table_call(BASE);

	assert_int_equal(bind(call), 0);
	expect_table(UIOMMU_GUEST_TRANSLATE, UIOMMU_PASID_TABLE_2L_4K,
		     UIOMMU_PASID_NONE_BYPASS, 6, BASE);
	call.config.pasid_table.s1fmt = VFIO_GUEST_S1FMT_64K_L2;
	call.config.pasid_table.s1dss = VFIO_GUEST_S1DSS_TERMINATE;
	call.config.pasid_table.pasid_bits = 8;
	assert_int_equal(bind(call), 0);
	expect_table(UIOMMU_GUEST_TRANSLATE, UIOMMU_PASID_TABLE_2L_64K,
		     UIOMMU_PASID_NONE_ABORT, 8, BASE);
	call.config.pasid_table.state = VFIO_GUEST_STATE_BYPASS;
	assert_int_equal(bind(call), 0);
	expect_table(UIOMMU_GUEST_BYPASS, 0, 0, 0, 0);
	call.config.pasid_table.state = VFIO_GUEST_STATE_ABORT;
	assert_int_equal(bind(call), 0);
	expect_table(UIOMMU_GUEST_ABORT, 0, 0, 0, 0);
	assert_int_equal(unbind(), 0);
	assert_null(table_of(0));
	assert_int_equal(unbind(), 0);
	/* A caller that knows of more. */
	call = table_call(BASE);
	call.argsz = 4096;
	call.config.pasid_table.bytes = 24;
	assert_int_equal(bind(call), 0);
	assert_int_equal(base_of(0), BASE);
}

/* The same, as an SMMUv3 has it. */
static void an_smmuv3_says_all(void **state)
{
	bind_call call = {
		.argsz = sizeof(call),
		.config = { .flags = VFIO_GUEST_STAGE_SMMUV3_S1 |
				     VFIO_GUEST_STAGE_EXT,
			    .smmuv3_s1 = { .s1fmt = VFIO_GUEST_S1FMT_4K_L2,
					   .s1dss = VFIO_GUEST_S1DSS_TERMINATE,
					   .s1cdmax = 7,
					   .cdptr_dma = BASE } },
	};

	assert_int_equal(bind(call), 0);
	expect_table(UIOMMU_GUEST_TRANSLATE, UIOMMU_PASID_TABLE_2L_4K,
		     UIOMMU_PASID_NONE_ABORT, 7, BASE);
}

static void v1_means_what_it_meant(void **state)
{
	static const struct {
		uint8_t disabled, bypassed, aborted;
		enum uiommu_guest_state becomes;
	} rows[] = {
		{ 0, 0, 0, UIOMMU_GUEST_TRANSLATE },
		{ 1, 0, 0, UIOMMU_GUEST_BYPASS },
		{ 0, 1, 0, UIOMMU_GUEST_BYPASS },
		{ 0, 0, 1, UIOMMU_GUEST_ABORT },
		{ 1, 0, 1, UIOMMU_GUEST_ABORT },
		{ 0, 0xff, 0, UIOMMU_GUEST_BYPASS },
	};
	bind_call call;

	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		call = v1_smmu_call(BASE, 7);
		call.config.smmuv3_s1.disabled = rows[i].disabled;
		call.config.smmuv3_s1.bypassed = rows[i].bypassed;
		call.config.smmuv3_s1.aborted = rows[i].aborted;
		assert_int_equal(bind(call), 0);
		expect_table(rows[i].becomes, 0, 0, 0, BASE);
	}
	memset(&call, 0xa5, sizeof(call));
	call.argsz = sizeof(call);
	call.flags = 0;
	call.config.flags = VFIO_GUEST_STAGE_PASID_TABLE;
	call.config.pasid_table.version = 1;
	call.config.pasid_table.bytes = 24;
	call.config.pasid_table.base_ptr = BASE + PAGE;
	call.config.pasid_table.pasid_bits = 5;
	assert_int_equal(bind(call), 0);
	expect_table(UIOMMU_GUEST_TRANSLATE, UIOMMU_PASID_TABLE_LINEAR,
		     UIOMMU_PASID_NONE_IS_0, 5, BASE + PAGE);
}

/* --------------------------------------------------------- invalidation -- */

static void bad_invalidations(void **state)
{
	static const struct bad bad[] = {
		SET(inv_call, argsz, 55, -EINVAL),
		SET(inv_call, flags, 1, -EINVAL),
		SET(inv_call, info.hdr.version, 0, -EINVAL),
		SET(inv_call, info.hdr.version, 2, -EINVAL),
		SET(inv_call, info.hdr.type, 3, -EINVAL),
		SET(inv_call, info.hdr.type, VFIO_GUEST_INVALIDATE_PASID_CACHE,
		    -EINVAL),
		SET(inv_call, info.granularity, 3, -EINVAL),
		SET(inv_call, info.flags, 8, -EINVAL),
		SET(inv_call, info.flags, VFIO_GUEST_INVALIDATE_LEAF, -EINVAL),
		SET(inv_call, info.size, 52, -EINVAL),
		SET(inv_call, info.size, 255, -EINVAL),
		SET(inv_call, info.nr_pages, 0, -EINVAL),
		SET(inv_call, info.nr_pages, UINT64_MAX, -EINVAL),
		SET(inv_call, info.addr, 0x1000, -EINVAL),
		SET(inv_call, info.addr, -0x400000ull, -EINVAL),
	};
	inv_call good = inv_pages();
	unsigned int nr;

	assert_int_equal(invalidate(good), -EINVAL); /* nothing is bound */
	assert_int_equal(bind(table_call(BASE)), 0);
	nr = fx->unit[0].nr_forgot;
	each_bad(VFIO_IOMMU_TLB_INVALIDATE, &good, sizeof(good), bad,
		 ARRAY_SIZE(bad));
	assert_int_equal(fx->unit[0].nr_forgot, nr);
	assert_int_equal(invalidate(good), 0);
	assert_int_equal(fx->unit[0].nr_forgot, nr + 1);
	fx->unit[0].fail_forget = -ETIMEDOUT;
	assert_int_equal(invalidate(good), -ETIMEDOUT);
	fx->unit[0].fail_forget = 0;
	assert_int_equal(unbind(), 0);
	assert_int_equal(invalidate(good), -EINVAL);
}

static void all_of_it_reaches_the_driver(void **state)
{
	const struct uiommu_cache_info *got = &fx->unit[0].forgot;
	inv_call call = inv_pages();

	assert_int_equal(bind(table_call(BASE)), 0);
	assert_int_equal(invalidate(call), 0);
	assert_int_equal(got->type, UIOMMU_CACHE_TLB);
	assert_int_equal(got->granularity, UIOMMU_CACHE_PAGES);
	assert_int_equal(got->flags, UIOMMU_CACHE_LEAF | UIOMMU_CACHE_ARCH_ID);
	assert_int_equal(got->page_lg2, 21);
	assert_int_equal(got->nr_pages, 3);
	assert_int_equal(got->addr, 0x12200000);
	assert_int_equal(got->pasid, 5);
	assert_int_equal(got->arch_id, 77);
	/* Every pair but the one. */
	for (uint32_t type = 0; type < 3; type++)
		for (uint32_t granularity = 0; granularity < 3; granularity++) {
			bool ok = type != 2 || granularity != 2;

			call.info.hdr.type = type;
			call.info.granularity = granularity;
			assert_int_equal(invalidate(call), ok ? 0 : -EINVAL);
			if (!ok)
				continue;
			assert_int_equal(got->type, type);
			assert_int_equal(got->granularity, granularity);
		}
	call.info.granularity = VFIO_GUEST_INVALIDATE_ONE_PASID;
	call.info.pasid = VFIO_GUEST_NO_PASID;
	assert_int_equal(invalidate(call), 0);
	assert_int_equal(got->pasid, UIOMMU_NO_PASID);
	/* Of what counts for pages alone, nothing is looked at without. */
	call.info.hdr.type = VFIO_GUEST_INVALIDATE_TLB;
	call.info.granularity = VFIO_GUEST_INVALIDATE_ALL_PASIDS;
	call.info.size = 255;
	call.info.nr_pages = 0;
	assert_int_equal(invalidate(call), 0);
}

/* The ASID is that of the one context where v1 has told it; else it must be said. */
static void where_the_asid_comes_from(void **state)
{
	const struct uiommu_cache_info *got = &fx->unit[0].forgot;
	bind_call stage = {
		.argsz = sizeof(stage),
		.config = { .flags = VFIO_GUEST_STAGE_SMMUV3_S1,
			    .smmuv3_s1 = { .cdptr_dma = BASE, .asid = 42 } },
	};
	inv_call call = inv_pages();

	call.info.flags = 0;
	assert_int_equal(bind(stage), 0);
	assert_int_equal(invalidate(call), 0);
	assert_int_equal(got->flags, UIOMMU_CACHE_ARCH_ID);
	assert_int_equal(got->arch_id, 42);
	call.info.flags = VFIO_GUEST_INVALIDATE_ARCH_ID;
	assert_int_equal(invalidate(call), 0);
	assert_int_equal(got->arch_id, 77);
	/* Not where there may be several. */
	stage.config.flags |= VFIO_GUEST_STAGE_EXT;
	assert_int_equal(bind(stage), 0);
	call.info.flags = 0;
	assert_int_equal(invalidate(call), -EINVAL);
	assert_int_equal(bind(table_call(BASE)), 0);
	assert_int_equal(invalidate(call), -EINVAL);
	call.info.granularity = VFIO_GUEST_INVALIDATE_ONE_PASID;
	assert_int_equal(invalidate(call), -EINVAL);
	call.info.granularity = VFIO_GUEST_INVALIDATE_PAGES;
	call.info.flags = VFIO_GUEST_INVALIDATE_GLOBAL;
	assert_int_equal(invalidate(call), 0);
}

/* The one that was told is of one context, and none of all the others'. */
static void the_asid_of_another_context(void **state)
{
	bind_call stage = {
		.argsz = sizeof(stage),
		.config = { .flags = VFIO_GUEST_STAGE_SMMUV3_S1 |
				     VFIO_GUEST_STAGE_EXT,
			    .smmuv3_s1 = { .s1dss = VFIO_GUEST_S1DSS_SSID0,
					   .s1cdmax = 7,
					   .asid = 42,
					   .cdptr_dma = BASE } },
	};
	inv_call call = inv_pages();

	assert_int_equal(bind(stage), 0);
	call.info.flags = 0;
	assert_int_equal(invalidate(call), -EINVAL);
	call.info.granularity = VFIO_GUEST_INVALIDATE_ONE_PASID;
	assert_int_equal(invalidate(call), -EINVAL);
	call.info.flags = VFIO_GUEST_INVALIDATE_ARCH_ID;
	assert_int_equal(invalidate(call), 0);
	assert_int_equal(fx->unit[0].forgot.arch_id, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_like_a_v2_one),
		TEST(others_do_not_know_the_calls),
		TEST(hardware_that_cannot),
		TEST(bad_tables),
		TEST(bad_smmuv3_tables),
		TEST(a_table_says_all),
		TEST(an_smmuv3_says_all),
		TEST(v1_means_what_it_meant),
		TEST(bad_invalidations),
		TEST(all_of_it_reaches_the_driver),
		TEST(where_the_asid_comes_from),
		TEST(the_asid_of_another_context),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
