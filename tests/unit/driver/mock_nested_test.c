/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the mock driver has for guests, by its contract (nested.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <uiommu/env.h>
#include <uiommu/mock.h>

#include "base/bits.h"
#include "test_platform.h"

#define BASE UIOMMU_MOCK_APERTURE_FIRST
#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE)
#define VIOMMU_ID 77
#define OFFSET UINT64_C(0x5000)

static struct test_platform tp;
static struct uiommu_unit *unit;
static const struct uiommu_driver_ops *ops;
static const struct uiommu_nested_ops *nested;
static struct uiommu_hwdom *parent;
static struct uiommu_hwdev *dev;
static struct uiommu_mock_vevent last_event;
static uint64_t last_id;
static unsigned int events;
static int event_rc;

static int on_vevent(void *ctx, struct uiommu_unit *from, uint64_t id,
		     uint32_t type, const void *data, size_t len)
{
	assert_int_equal(type, UIOMMU_MOCK_VEVENT_TYPE);
	assert_int_equal(len, sizeof(last_event));
	memcpy(&last_event, data, len);
	last_id = id;
	events++;
	return event_rc;
}

static const struct uiommu_host_ops host = { .report_vevent = on_vevent };

static struct uiommu_hwdev *device(uint32_t id)
{
	const struct uiommu_hwdev_cfg cfg = {
		.name = "d", .ids = &id, .nr_ids = 1, .pasid_bits = 20
	};
	struct uiommu_hwdev *out;

	assert_int_equal(ops->dev_add(unit, &cfg, &out), 0);
	return out;
}

static int setup(void **state)
{
	const struct uiommu_dom_cfg dom_cfg = {
		.type = UIOMMU_DOM_PAGING,
		.stage = UIOMMU_STAGE_2,
		.flags = UIOMMU_DOM_NEST_PARENT,
	};
	const struct uiommu_mock_cfg cfg = { .platform = &tp.platform,
					     .host = &host };

	test_platform_init(&tp);
	assert_int_equal(uiommu_mock_create(&cfg, &unit), 0);
	ops = unit->ops;
	nested = ops->nested;
	assert_int_equal(ops->dom_alloc(unit, &dom_cfg, &parent), 0);
	dev = device(1);
	events = 0;
	event_rc = 0;
	return 0;
}

static int teardown(void **state)
{
	ops->dev_remove(dev);
	ops->dom_free(parent);
	ops->remove(unit);
	test_platform_fini(&tp);
	return 0;
}

static void map(uint64_t iova, uint64_t pa, uint64_t len)
{
	struct uiommu_gather gather;

	uiommu_gather_init(&gather);
	assert_int_equal(
		uiommu_pgtable_map(parent->pt, iova, pa, len, RW, &gather), 0);
	uiommu_gather_release(&gather);
}

static struct uiommu_user_data data_of(uint32_t type, void *at, size_t len)
{
	return (struct uiommu_user_data){ .type = type,
					  .len = (uint32_t)len,
					  .at = (uintptr_t)at };
}

static void iotlb_is(struct uiommu_hwdom *dom, const uint32_t *want)
{
	uint32_t word;

	for (unsigned int i = 0; i < UIOMMU_MOCK_IOTLB_WORDS; i++) {
		assert_int_equal(uiommu_mock_iotlb_word(dom, i, &word), 0);
		assert_int_equal(word, want[i]);
	}
	assert_int_equal(uiommu_mock_iotlb_word(dom, UIOMMU_MOCK_IOTLB_WORDS,
						&word),
			 -EINVAL);
}

static void test_domains(void **state)
{
	struct uiommu_mock_dom_data cfg = { .iotlb = 5, .layout = 9 };
	struct uiommu_user_data data =
		data_of(UIOMMU_MOCK_DATA_TYPE, &cfg, sizeof(cfg));
	struct uiommu_mock_dom_inval inval[3] = { { 0, 1 },
						  { 0, 3 },
						  { 2, 0 } };
	struct uiommu_user_array array = {
		.type = UIOMMU_MOCK_DOM_INVALIDATE,
		.entry_len = sizeof(inval[0]),
		.entry_num = 3,
		.at = (uintptr_t)inval,
	};
	struct uiommu_hwdom *dom;
	uiommu_pa_t pa;
	uint32_t word;

	data.type++;
	assert_int_equal(nested->dom_alloc(dev, parent, 0, &data, &dom),
			 -EOPNOTSUPP);
	data.type--;
	assert_int_equal(nested->dom_alloc(dev, parent, UIOMMU_DOM_DIRTY, &data,
					   &dom),
			 -EOPNOTSUPP);
	data.len = 3;
	assert_int_equal(nested->dom_alloc(dev, parent, 0, &data, &dom),
			 -EINVAL);
	data.len = sizeof(cfg) + 1;
	assert_int_equal(nested->dom_alloc(dev, parent, 0, &data, &dom),
			 -EINVAL);
	data.len = 4;
	assert_int_equal(nested->dom_alloc(dev, parent, UIOMMU_DOM_PASID, &data,
					   &dom),
			 0);
	assert_int_equal(dom->type, UIOMMU_DOM_NESTED);
	iotlb_is(dom, (uint32_t[]){ 5, 5, 5, 5 });
	assert_int_equal(nested->dom_invalidate(dom, &array), -EOPNOTSUPP);
	assert_int_equal(array.entry_num, 2);
	iotlb_is(dom, (uint32_t[]){ 5, 0, 5, 0 });
	array.entry_num = 1;
	array.entry_len = 7;
	assert_int_equal(nested->dom_invalidate(dom, &array), -EINVAL);
	assert_int_equal(array.entry_num, 0);
	array.entry_num = 1;
	array.entry_len = sizeof(inval[0]);
	array.type++;
	assert_int_equal(nested->dom_invalidate(dom, &array), -EINVAL);
	assert_int_equal(array.entry_num, 0);
	array.type--;
	inval[0].word = 4;
	array.entry_num = 1;
	assert_int_equal(nested->dom_invalidate(dom, &array), -EINVAL);
	inval[0] = (struct uiommu_mock_dom_inval){ 1, 0 };
	array.entry_num = 1;
	assert_int_equal(nested->dom_invalidate(dom, &array), 0);
	assert_int_equal(array.entry_num, 1);
	iotlb_is(dom, (uint32_t[]){ 0, 0, 0, 0 });
	assert_int_equal(uiommu_mock_iotlb_word(parent, 0, &word), -EINVAL);

	/* The parent translates, without PASID and with. */
	map(BASE, 0x40000, 2048);
	assert_int_equal(ops->attach(dom, dev), 0);
	assert_int_equal(uiommu_mock_access(unit, 1, UIOMMU_NO_PASID, BASE + 7,
					    true, &pa),
			 0);
	assert_true(pa == 0x40007);
	assert_int_equal(ops->set_pasid(dom, dev, 9, NULL), 0);
	assert_int_equal(uiommu_mock_access(unit, 1, 9, BASE, true, &pa), 0);
	assert_int_equal(ops->set_pasid(NULL, dev, 9, dom), 0);
	assert_int_equal(ops->attach(parent, dev), 0);
	ops->dom_free(dom);
}

/* ------------------------------------------------------------- vIOMMUs -- */

static uiommu_pa_t window_pa;

static int add_window(void *ctx, uiommu_pa_t pa, uint64_t len, uint64_t *offset)
{
	int *rc = ctx;

	assert_int_equal(len, 8192);
	window_pa = pa;
	*offset = OFFSET;
	return *rc;
}

static struct uiommu_hwviommu *viommu_of(const struct uiommu_user_data *data,
					 int window_rc, int want)
{
	struct uiommu_viommu_cfg cfg = {
		.id = VIOMMU_ID,
		.data = data,
		.add_window = add_window,
		.ctx = &window_rc,
	};
	struct uiommu_hwviommu *viommu = NULL;

	assert_int_equal(nested->viommu_alloc(dev, parent,
					      UIOMMU_MOCK_VIOMMU_TYPE, &cfg,
					      &viommu),
			 want);
	return viommu;
}

static void test_window(void **state)
{
	struct uiommu_mock_viommu_data cfg = { .in = 0xabcd };
	struct uiommu_user_data data =
		data_of(UIOMMU_MOCK_VIOMMU_TYPE, &cfg, sizeof(cfg));
	struct uiommu_hwviommu *viommu;
	uint64_t word;

	assert_true(nested->viommu_has(dev, UIOMMU_MOCK_VIOMMU_TYPE));
	assert_false(nested->viommu_has(dev, 1));
	viommu_of(&data, -ENOMEM, -ENOMEM);
	data.len = 7;
	viommu_of(&data, 0, -EINVAL);
	data.len = sizeof(cfg);
	viommu = viommu_of(&data, 0, 0);
	assert_int_equal(cfg.out, 0xabcd);
	assert_int_equal(cfg.out_mmap_offset, OFFSET);
	assert_int_equal(cfg.out_mmap_length, 8192);
	assert_true(test_platform_hw_read64(&tp, window_pa, &word));
	assert_int_equal(word, 0xabcd);
	nested->viommu_free(viommu);
}

static void test_vdevices(void **state)
{
	struct uiommu_mock_dom_data cfg = { .iotlb = 5 };
	struct uiommu_user_data data =
		data_of(UIOMMU_MOCK_DATA_TYPE, &cfg, sizeof(cfg));
	struct uiommu_hwviommu *viommu = viommu_of(NULL, 0, 0);
	struct uiommu_mock_viommu_inval inval[] = {
		{ 0, 0x99, 1 }, { 0, 0x99, 4 }, { 0, 0x98, 0 }, { 1, 0x99, 0 }
	};
	struct uiommu_user_array array = {
		.type = UIOMMU_MOCK_VIOMMU_INVALIDATE,
		.entry_len = sizeof(inval[0]),
		.entry_num = 2,
		.at = (uintptr_t)inval,
	};
	struct uiommu_hwvdev *vdev;
	struct uiommu_hwdom *dom;
	uint32_t word;

	assert_int_equal(nested->viommu_dom_alloc(viommu, 0, &data, &dom), 0);
	assert_int_equal(ops->attach(dom, dev), -ENOENT);
	assert_int_equal(uiommu_mock_vevent(unit, 1), -ENOENT);
	assert_int_equal(nested->vdev_alloc(viommu, dev, 0x99, &vdev), 0);
	assert_int_equal(ops->attach(dom, dev), 0);
	assert_int_equal(uiommu_mock_vevent(unit, 2), -ENOENT);
	assert_int_equal(uiommu_mock_vevent(unit, 1), 0);
	assert_int_equal(last_id, VIOMMU_ID);
	assert_int_equal(last_event.virt_id, 0x99);
	event_rc = -EOPNOTSUPP;
	assert_int_equal(uiommu_mock_vevent(unit, 1), -EOPNOTSUPP);
	assert_int_equal(events, 2);

	assert_int_equal(nested->viommu_invalidate(viommu, &array), -EINVAL);
	assert_int_equal(array.entry_num, 1);
	assert_int_equal(uiommu_mock_cache_word(unit, 1, 1, &word), 0);
	assert_int_equal(word, 0);
	assert_int_equal(uiommu_mock_cache_word(unit, 1, 0, &word), 0);
	assert_int_equal(word, UIOMMU_MOCK_CACHE_INITIAL);
	array.at = (uintptr_t)&inval[2];
	array.entry_num = 2;
	assert_int_equal(nested->viommu_invalidate(viommu, &array), -EINVAL);
	assert_int_equal(array.entry_num, 0);
	array.at = (uintptr_t)&inval[3];
	array.entry_num = 1;
	assert_int_equal(nested->viommu_invalidate(viommu, &array), 0);
	assert_int_equal(uiommu_mock_cache_word(unit, 1, 0, &word), 0);
	assert_int_equal(word, 0);
	array.entry_num = 0;
	assert_int_equal(nested->viommu_invalidate(viommu, &array), 0);
	array.type++;
	assert_int_equal(nested->viommu_invalidate(viommu, &array), -EINVAL);

	/* What it is attached to goes on as before. */
	nested->vdev_free(vdev);
	event_rc = 0;
	assert_int_equal(uiommu_mock_vevent(unit, 1), 0);
	assert_int_equal(ops->attach(parent, dev), 0);
	assert_int_equal(uiommu_mock_vevent(unit, 1), -ENOENT);
	assert_int_equal(ops->attach(dom, dev), -ENOENT);
	ops->dom_free(dom);
	nested->viommu_free(viommu);
}

static size_t wanted;

static void *none_of(void *ctx, size_t size)
{
	wanted = size;
	return NULL;
}

static void test_many_invalidations(void **state)
{
	struct uiommu_hwviommu *viommu = viommu_of(NULL, 0, 0);
	void *(*obj_alloc)(void *ctx, size_t size) = tp.platform.obj_alloc;
	struct uiommu_user_array array = {
		.type = UIOMMU_MOCK_VIOMMU_INVALIDATE,
		.entry_len = sizeof(struct uiommu_mock_viommu_inval),
		.entry_num = UINT32_MAX,
	};

	tp.platform.obj_alloc = none_of;
	assert_int_equal(nested->viommu_invalidate(viommu, &array), -ENOMEM);
	tp.platform.obj_alloc = obj_alloc;
	assert_int_equal(array.entry_num, 0);
	/* There is room for all of them, or none. */
	assert_int_equal(wanted, (uint64_t)array.entry_len * UINT32_MAX);
	nested->viommu_free(viommu);
}

static void test_queues(void **state)
{
	struct uiommu_hwviommu *viommu = viommu_of(NULL, 0, 0);
	struct uiommu_hwqueue *first, *second, *third;
	const uint32_t type = UIOMMU_MOCK_QUEUE_TYPE;

	map(BASE, 0x40000, 4096);
	assert_true(nested->queue_has(viommu, type));
	assert_false(nested->queue_has(viommu, 1));
	assert_int_equal(nested->queue_alloc(viommu, type, 2, BASE, 0x40000, 64,
					     &first),
			 -EINVAL);
	assert_int_equal(nested->queue_alloc(viommu, type, 1, BASE, 0x40000, 64,
					     &second),
			 -EIO);
	assert_int_equal(nested->queue_alloc(viommu, type, 0, BASE, 0x40001, 64,
					     &first),
			 -EFAULT);
	assert_int_equal(nested->queue_alloc(viommu, type, 0, BASE + 4096,
					     0x41000, 64, &first),
			 -EFAULT);
	assert_int_equal(nested->queue_alloc(viommu, type, 0, BASE, 0x40000, 64,
					     &first),
			 0);
	assert_null(first->needs);
	assert_int_equal(nested->queue_alloc(viommu, type, 0, BASE, 0x40000, 64,
					     &third),
			 -EEXIST);
	assert_int_equal(nested->queue_alloc(viommu, type, 1, BASE + 2048,
					     0x40800, 64, &second),
			 0);
	assert_ptr_equal(second->needs, first);
	nested->queue_free(second);
	nested->queue_free(first);
	nested->viommu_free(viommu);
}

#define CASE(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(domains),	CASE(window),
		CASE(vdevices), CASE(many_invalidations),
		CASE(queues),
	};

	return cmocka_run_group_tests_name("mock guests", tests, NULL, NULL);
}
