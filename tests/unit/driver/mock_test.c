/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mock driver by its contract, and what its hardware, which walks the tables
 * by itself, makes of what the page table code wrote.
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

#define NONE UIOMMU_NO_PASID
#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE)
#define BASE UIOMMU_MOCK_APERTURE_FIRST
#define HALF UINT64_C(2048)
#define MIB UINT64_C(0x100000)
#define FLAKY 1024

struct seen {
	struct uiommu_fault fault;
	unsigned int faults, lost, requests, requests_lost;
	struct uiommu_page_request request[4];
};

static struct test_platform tp;
static struct uiommu_unit *unit;
static const struct uiommu_driver_ops *ops;
static struct seen seen;
static int cookie;

static void on_fault(void *ctx, struct uiommu_unit *from,
		     const struct uiommu_fault *fault)
{
	assert_ptr_equal(ctx, &seen);
	assert_ptr_equal(from, unit);
	seen.fault = *fault;
	seen.faults++;
}

static void on_faults_lost(void *ctx, struct uiommu_unit *from)
{
	seen.lost++;
}

static void on_request(void *ctx, struct uiommu_unit *from,
		       const struct uiommu_page_request *req)
{
	seen.request[seen.requests++ % ARRAY_SIZE(seen.request)] = *req;
}

static void on_requests_lost(void *ctx, struct uiommu_unit *from)
{
	seen.requests_lost++;
}

static const struct uiommu_host_ops host = {
	.report_fault = on_fault,
	.faults_lost = on_faults_lost,
	.report_page_request = on_request,
	.page_requests_lost = on_requests_lost,
};

static struct uiommu_unit *make(bool dirty)
{
	const struct uiommu_mock_cfg cfg = {
		.platform = &tp.platform,
		.host = &host,
		.host_ctx = &seen,
		.dirty_tracking = dirty,
		.flaky_pasid = FLAKY,
	};
	struct uiommu_unit *made;

	assert_int_equal(uiommu_mock_create(&cfg, &made), 0);
	return made;
}

static int setup(void **state)
{
	test_platform_init(&tp);
	memset(&seen, 0, sizeof(seen));
	unit = make(true);
	ops = unit->ops;
	return 0;
}

static int teardown(void **state)
{
	ops->remove(unit);
	test_platform_fini(&tp);
	return 0;
}

static int add(struct uiommu_unit *to, uint32_t id, uint8_t pasid_bits,
	       struct uiommu_hwdev **dev)
{
	const struct uiommu_hwdev_cfg cfg = {
		.name = "d",
		.ids = &id,
		.nr_ids = 1,
		.pasid_bits = pasid_bits,
		.pri = true,
		.cookie = &cookie,
	};

	return ops->dev_add(to, &cfg, dev);
}

static struct uiommu_hwdev *device(uint32_t id)
{
	struct uiommu_hwdev *dev;

	assert_int_equal(add(unit, id, 20, &dev), 0);
	return dev;
}

static struct uiommu_hwdom *domain(struct uiommu_dom_cfg cfg)
{
	struct uiommu_hwdom *dom;

	assert_int_equal(ops->dom_alloc(unit, &cfg, &dom), 0);
	return dom;
}

static struct uiommu_hwdom *paging(uint32_t flags)
{
	return domain((struct uiommu_dom_cfg){ .type = UIOMMU_DOM_PAGING,
					       .flags = flags });
}

static void map(struct uiommu_hwdom *dom, uint64_t iova, uint64_t pa,
		uint64_t len, uint32_t prot)
{
	struct uiommu_gather gather;

	uiommu_gather_init(&gather);
	assert_int_equal(
		uiommu_pgtable_map(dom->pt, iova, pa, len, prot, &gather), 0);
	assert_int_equal(ops->flush(dom, &gather), 0);
	uiommu_gather_release(&gather);
}

static void unmap(struct uiommu_hwdom *dom, uint64_t iova, uint64_t len,
		  uint64_t want)
{
	struct uiommu_gather gather;
	uint64_t unmapped;

	uiommu_gather_init(&gather);
	assert_int_equal(uiommu_pgtable_unmap(dom->pt, iova, len, &gather,
					      &unmapped),
			 0);
	assert_int_equal(unmapped, want);
	assert_int_equal(ops->flush(dom, &gather), 0);
	uiommu_gather_release(&gather);
}

static void reaches(uint32_t id, uint32_t pasid, uint64_t iova, bool write,
		    uint64_t pa)
{
	uint64_t got = 0;

	assert_int_equal(uiommu_mock_access(unit, id, pasid, iova, write, &got),
			 0);
	assert_int_equal(got, pa);
}

static void aborts(uint32_t id, uint32_t pasid, uint64_t iova, bool write,
		   enum uiommu_fault_kind kind)
{
	unsigned int before = seen.faults;
	uint64_t got;

	assert_int_equal(uiommu_mock_access(unit, id, pasid, iova, write, &got),
			 -EFAULT);
	assert_int_equal(seen.faults, before);
	ops->irq(unit, 0);
	assert_int_equal(seen.faults, before + 1);
	assert_int_equal(seen.fault.kind, kind);
	assert_int_equal(seen.fault.id, id);
	assert_int_equal(seen.fault.pasid, pasid);
	assert_true(seen.fault.iova == iova);
	assert_int_equal(seen.fault.flags, write ? UIOMMU_FAULT_WRITE : 0);
	assert_ptr_equal(seen.fault.cookie, &cookie);
}

static void test_sizes(void **state)
{
	struct uiommu_hwdom *small = paging(0);
	struct uiommu_hwdom *large = domain((struct uiommu_dom_cfg){
		.type = UIOMMU_DOM_PAGING, .granule_lg2 = 12 });
	struct uiommu_dom_cfg odd = { .type = UIOMMU_DOM_PAGING,
				      .granule_lg2 = 14 };
	struct uiommu_unit_caps caps;
	struct uiommu_hwdom *dom;

	ops->caps(unit, &caps);
	assert_true(small->pgsizes == caps.pgsizes);
	assert_true(small->pgsizes == (HALF | MIB | 512 * MIB));
	assert_true(small->aperture.first == BASE);
	assert_true(small->aperture.last == UIOMMU_MOCK_APERTURE_LAST);
	assert_true(large->pgsizes == (2 * HALF | MIB));
	assert_true(large->aperture.first == 0);
	assert_true(large->aperture.last == mask_lg2(56));
	assert_int_equal(ops->dom_alloc(unit, &odd, &dom), -EINVAL);
	odd = (struct uiommu_dom_cfg){ .type = UIOMMU_DOM_PAGING, .ias = 32 };
	assert_int_equal(ops->dom_alloc(unit, &odd, &dom), -EINVAL);
	odd = (struct uiommu_dom_cfg){ .type = UIOMMU_DOM_SHARED };
	assert_int_equal(ops->dom_alloc(unit, &odd, &dom), -EOPNOTSUPP);
	ops->dom_free(small);
	ops->dom_free(large);
}

/* The layout as a client of the kernel's tests asks for it. */
static void test_client_data(void **state)
{
	static const struct {
		uint32_t type, len, layout;
		int rc;
		bool large;
	} rows[] = {
		{ 0xdead, 8, 0, 0, false }, { 0xdead, 8, 1, 0, true },
		{ 0xdead, 4, 1, 0, false }, { 0xdead, 8, 2, -EOPNOTSUPP },
		{ 0xdead, 3, 0, -EINVAL },  { 0xdead, 9, 0, -EINVAL },
		{ 2, 8, 0, -EOPNOTSUPP },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const uint32_t words[3] = { 7, rows[i].layout };
		const struct uiommu_user_data data = {
			.type = rows[i].type,
			.len = rows[i].len,
			.at = (uintptr_t)words,
		};
		const struct uiommu_dom_cfg cfg = { .type = UIOMMU_DOM_PAGING,
						    .data = &data };
		struct uiommu_hwdom *dom;

		assert_int_equal(ops->dom_alloc(unit, &cfg, &dom), rows[i].rc);
		if (rows[i].rc)
			continue;
		assert_int_equal(dom->aperture.first == 0, rows[i].large);
		ops->dom_free(dom);
	}
}

static void test_kinds(void **state)
{
	struct uiommu_hwdom *identity =
		domain((struct uiommu_dom_cfg){ .type = UIOMMU_DOM_IDENTITY });
	struct uiommu_hwdom *blocked =
		domain((struct uiommu_dom_cfg){ .type = UIOMMU_DOM_BLOCKED });
	struct uiommu_hwdev *dev = device(7), *twin;

	aborts(7, NONE, BASE, false, UIOMMU_FAULT_TRANSLATION);
	assert_int_equal(ops->attach(identity, dev), 0);
	reaches(7, NONE, 0x1234, true, 0x1234);
	assert_int_equal(ops->attach(blocked, dev), 0);
	aborts(7, NONE, 0x1234, true, UIOMMU_FAULT_TRANSLATION);
	assert_int_equal(add(unit, 7, 0, &twin), -EEXIST);
	assert_int_equal(uiommu_mock_access(unit, 8, NONE, 0, false, NULL),
			 -ENOENT);
	ops->dev_remove(dev);
	assert_int_equal(uiommu_mock_access(unit, 7, NONE, 0, false, NULL),
			 -ENOENT);
	ops->dom_free(identity);
	ops->dom_free(blocked);
}

static void test_leaves_of_all_sizes(void **state)
{
	struct uiommu_hwdom *dom = paging(0);
	struct uiommu_hwdev *dev = device(1);

	assert_int_equal(ops->attach(dom, dev), 0);
	map(dom, BASE, 0x7000000800, HALF, UIOMMU_PROT_READ);
	map(dom, BASE + MIB, 0x7000100000, 2 * MIB, RW);
	map(dom, 1024 * MIB, 0x700000000000, 512 * MIB, UIOMMU_PROT_WRITE);
	reaches(1, NONE, BASE + 5, false, 0x7000000805);
	aborts(1, NONE, BASE + 5, true, UIOMMU_FAULT_PERMISSION);
	aborts(1, NONE, BASE + HALF, false, UIOMMU_FAULT_TRANSLATION);
	reaches(1, NONE, BASE + 3 * MIB - 1, true, 0x70002fffff);
	reaches(1, NONE, 1536 * MIB - 1, true, 0x70001fffffff);
	aborts(1, NONE, 1536 * MIB - 1, false, UIOMMU_FAULT_PERMISSION);
	aborts(1, NONE, 1536 * MIB, false, UIOMMU_FAULT_TRANSLATION);
	aborts(1, NONE, ~UINT64_C(0), false, UIOMMU_FAULT_TRANSLATION);
	/* A page out of the middle of a block leaves the rest. */
	unmap(dom, 1280 * MIB, HALF, HALF);
	aborts(1, NONE, 1280 * MIB, true, UIOMMU_FAULT_TRANSLATION);
	reaches(1, NONE, 1280 * MIB + HALF, true, 0x700010000800);
	reaches(1, NONE, 1280 * MIB - 1, true, 0x70000fffffff);
	unmap(dom, BASE, 2048 * MIB - BASE, 512 * MIB + 2 * MIB);
	aborts(1, NONE, BASE, false, UIOMMU_FAULT_TRANSLATION);
	ops->dev_remove(dev);
	ops->dom_free(dom);
}

/* Against an array that says of each page where it leads, plus 1. */
#define PAGES 2048u

static void test_random(void **state)
{
	static uint64_t want[PAGES];
	struct uiommu_hwdom *dom = paging(0);
	struct uiommu_hwdev *dev = device(1);
	uint64_t seed = 88172645463325252u, pa;
	unsigned int mapped = 0, rounds;

	memset(want, 0, sizeof(want));
	assert_int_equal(ops->attach(dom, dev), 0);
	for (rounds = 0; rounds < 4000; rounds++) {
		unsigned int first, nr;
		bool used = false;

		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		first = (unsigned int)(seed % PAGES);
		nr = 1 + (unsigned int)(seed >> 32) % (seed & 64 ? 700 : 5);
		nr = (unsigned int)min_u64(nr, PAGES - first);
		pa = (seed >> 8 & 0xffff) * MIB + first * HALF;
		for (unsigned int i = first; i < first + nr; i++)
			used = used || want[i];
		if (!used) {
			map(dom, BASE + first * HALF, pa, nr * HALF, RW);
			for (unsigned int i = 0; i < nr; i++)
				want[first + i] = pa + i * HALF + 1;
			mapped += nr;
		} else {
			uint64_t had = 0;

			for (unsigned int i = first; i < first + nr; i++) {
				had += want[i] ? HALF : 0;
				want[i] = 0;
			}
			unmap(dom, BASE + first * HALF, nr * HALF, had);
		}
		for (unsigned int i = rounds % 7; i < PAGES; i += 7) {
			int rc = uiommu_mock_access(unit, 1, NONE,
						    BASE + i * HALF, true, &pa);

			assert_int_equal(rc, want[i] ? 0 : -EFAULT);
			assert_true(!want[i] || pa == want[i] - 1);
		}
	}
	assert_true(mapped > 20 * PAGES);
	ops->dev_remove(dev);
	ops->dom_free(dom);
}

struct dirty {
	uint64_t bytes;
	unsigned int leaves;
	uint64_t first;
};

static void on_dirty(void *ctx, uiommu_iova_t iova, uint64_t size)
{
	struct dirty *dirty = ctx;

	if (!dirty->leaves++)
		dirty->first = iova;
	dirty->bytes += size;
}

static struct dirty read_dirty(struct uiommu_hwdom *dom, uint32_t flags)
{
	struct dirty dirty = { 0 };

	assert_int_equal(ops->read_dirty(dom, BASE, 4 * MIB, flags, on_dirty,
					 &dirty),
			 0);
	return dirty;
}

static void test_dirty(void **state)
{
	struct uiommu_hwdom *dom = paging(UIOMMU_DOM_DIRTY);
	struct uiommu_hwdom *plain = paging(0);
	struct uiommu_hwdev *dev = device(1);
	struct dirty got;

	assert_int_equal(ops->attach(dom, dev), 0);
	/* Whole 4 KiB; two halves of different ones; a block. */
	map(dom, BASE, 0x10000, 8 * HALF, RW);
	map(dom, BASE + 16 * HALF, 0x40000, HALF, RW);
	map(dom, BASE + 17 * HALF, 0x80800, HALF, RW);
	map(dom, BASE + MIB, 0x500000, MIB, RW);
	map(dom, BASE + 3 * MIB, 0x10000, HALF, UIOMMU_PROT_READ);
	assert_int_equal(read_dirty(dom, 0).leaves, 0);
	reaches(1, NONE, BASE + 3 * HALF, false, 0x10000 + 3 * HALF);
	assert_int_equal(read_dirty(dom, 0).leaves, 0);
	reaches(1, NONE, BASE + 3 * HALF, true, 0x10000 + 3 * HALF);
	got = read_dirty(dom, UIOMMU_DIRTY_NO_CLEAR);
	assert_true(got.first == BASE + 2 * HALF && got.bytes == 2 * HALF);
	got = read_dirty(dom, 0);
	assert_true(got.first == BASE + 2 * HALF && got.bytes == 2 * HALF);
	assert_int_equal(read_dirty(dom, 0).leaves, 0);
	assert_int_equal(uiommu_mock_set_dirty(dom, BASE + 17 * HALF), 0);
	got = read_dirty(dom, 0);
	assert_true(got.first == BASE + 17 * HALF && got.bytes == HALF);
	assert_int_equal(uiommu_mock_set_dirty(dom, BASE + MIB + 77), 0);
	got = read_dirty(dom, 0);
	assert_true(got.first == BASE + MIB && got.bytes == MIB);
	/* What cannot be written to does not become dirty. */
	assert_int_equal(uiommu_mock_set_dirty(dom, BASE + 3 * MIB), 0);
	assert_int_equal(read_dirty(dom, 0).leaves, 0);
	assert_int_equal(uiommu_mock_set_dirty(dom, BASE + 2 * MIB), -ENOENT);
	assert_int_equal(ops->read_dirty(plain, BASE, MIB, 0, on_dirty, &got),
			 -EOPNOTSUPP);
	ops->dev_remove(dev);
	ops->dom_free(dom);
	ops->dom_free(plain);
}

/* A unit without dirty state takes no domain of one with. */
static void test_two_units(void **state)
{
	struct uiommu_dom_cfg cfg = { .type = UIOMMU_DOM_PAGING,
				      .flags = UIOMMU_DOM_DIRTY };
	struct uiommu_hwdom *dirty = paging(UIOMMU_DOM_DIRTY);
	struct uiommu_hwdom *plain = paging(0), *dom;
	struct uiommu_unit *other = make(false);
	struct uiommu_hwdev *dev;
	uint64_t pa;

	assert_int_equal(add(other, 1, 20, &dev), 0);
	assert_int_equal(ops->dom_alloc(other, &cfg, &dom), -EOPNOTSUPP);
	map(plain, BASE, 0x10000, HALF, RW);
	assert_int_equal(ops->attach(plain, dev), 0);
	assert_int_equal(ops->attach(dirty, dev), -EINVAL);
	assert_int_equal(ops->set_pasid(dirty, dev, 1, NULL), -EINVAL);
	assert_int_equal(uiommu_mock_access(other, 1, NONE, BASE, true, &pa),
			 0);
	assert_true(pa == 0x10000);
	ops->dev_remove(dev);
	ops->remove(other);
	ops->dom_free(dirty);
	ops->dom_free(plain);
}

static void test_pasids(void **state)
{
	struct uiommu_hwdom *a = paging(0), *b = paging(0);
	struct uiommu_hwdev *dev = device(1), *none;

	map(a, BASE, 0x10000, HALF, RW);
	map(b, BASE, 0x20000, HALF, RW);
	assert_int_equal(add(unit, 2, 0, &none), 0);
	assert_int_equal(ops->set_pasid(a, none, 1, NULL), -EOPNOTSUPP);
	assert_int_equal(ops->set_pasid(a, dev, 0, NULL), -EINVAL);
	assert_int_equal(ops->set_pasid(a, dev, BIT32(20), NULL), -EINVAL);
	assert_int_equal(ops->set_pasid(a, dev, 5, b), -EINVAL);
	assert_int_equal(ops->set_pasid(NULL, dev, 5, NULL), 0);
	assert_int_equal(ops->set_pasid(a, dev, 5, NULL), 0);
	reaches(1, 5, BASE, true, 0x10000);
	aborts(1, 6, BASE, true, UIOMMU_FAULT_TRANSLATION);
	aborts(1, NONE, BASE, true, UIOMMU_FAULT_TRANSLATION);
	assert_int_equal(ops->set_pasid(b, dev, 5, NULL), -EBUSY);
	assert_int_equal(ops->set_pasid(NULL, dev, 5, b), -EINVAL);
	assert_int_equal(ops->set_pasid(b, dev, 5, a), 0);
	reaches(1, 5, BASE, true, 0x20000);
	assert_int_equal(ops->set_pasid(a, dev, BIT32(20) - 1, NULL), 0);
	reaches(1, BIT32(20) - 1, BASE, true, 0x10000);
	assert_int_equal(ops->set_pasid(NULL, dev, 5, b), 0);
	aborts(1, 5, BASE, true, UIOMMU_FAULT_TRANSLATION);
	ops->dev_remove(dev);
	ops->dev_remove(none);
	ops->dom_free(a);
	ops->dom_free(b);
}

static void test_flaky_pasid(void **state)
{
	struct uiommu_hwdom *a = paging(0), *b = paging(0);
	struct uiommu_hwdev *dev = device(1);

	map(a, BASE, 0x10000, HALF, RW);
	assert_int_equal(ops->set_pasid(a, dev, FLAKY, NULL), 0);
	assert_int_equal(ops->set_pasid(b, dev, FLAKY, a), -ENOMEM);
	reaches(1, FLAKY, BASE, true, 0x10000);
	assert_int_equal(ops->set_pasid(b, dev, FLAKY, a), 0);
	assert_int_equal(ops->set_pasid(NULL, dev, FLAKY, b), 0);
	assert_int_equal(ops->set_pasid(a, dev, FLAKY, NULL), 0);
	assert_int_equal(ops->set_pasid(NULL, dev, FLAKY, a), 0);
	ops->dev_remove(dev);
	ops->dom_free(a);
	ops->dom_free(b);
}

static int ask(uint32_t id, uint32_t pasid, uint32_t token, uint32_t flags)
{
	const struct uiommu_page_request req = {
		.flags = flags | UIOMMU_PAGE_READ,
		.pasid = pasid,
		.token = token,
		.iova = BASE + token,
	};

	return uiommu_mock_page_request(unit, id, &req);
}

static int answer(struct uiommu_hwdev *dev, uint32_t id, uint32_t pasid,
		  uint32_t token)
{
	const struct uiommu_page_response resp = {
		.id = id,
		.pasid = pasid,
		.token = token,
		.code = UIOMMU_PAGE_SUCCESS,
	};

	return ops->page_response(dev, &resp);
}

static void test_page_requests(void **state)
{
	struct uiommu_hwdev *dev = device(1), *other = device(2);

	assert_true(dev->page_faults);
	assert_int_equal(ask(3, NONE, 1, UIOMMU_PAGE_LAST), -ENOENT);
	assert_int_equal(ask(1, 9, 1, 0), 0);
	assert_int_equal(ask(1, 9, 1, UIOMMU_PAGE_LAST), 0);
	assert_int_equal(ask(2, NONE, 1, UIOMMU_PAGE_LAST), 0);
	assert_int_equal(seen.requests, 0);
	ops->irq(unit, 0);
	assert_int_equal(seen.requests, 3);
	assert_int_equal(seen.request[0].flags, UIOMMU_PAGE_READ);
	assert_int_equal(seen.request[1].flags,
			 UIOMMU_PAGE_READ | UIOMMU_PAGE_LAST);
	assert_int_equal(seen.request[1].pasid, 9);
	assert_int_equal(seen.request[2].id, 2);
	assert_ptr_equal(seen.request[2].cookie, &cookie);
	assert_int_equal(answer(dev, 1, NONE, 1), -ENOENT);
	assert_int_equal(answer(dev, 1, 9, 2), -ENOENT);
	assert_int_equal(answer(dev, 2, 9, 1), -EINVAL);
	assert_int_equal(answer(dev, 1, 9, 1), 0);
	assert_int_equal(answer(dev, 1, 9, 1), -ENOENT);
	/* What a device has left behind is nobody's. */
	assert_int_equal(ask(2, NONE, 2, UIOMMU_PAGE_LAST), 0);
	ops->dev_remove(other);
	ops->irq(unit, 0);
	assert_int_equal(seen.requests, 3);
	ops->dev_remove(dev);
}

static void test_overflow(void **state)
{
	struct uiommu_hwdev *dev = device(1);
	unsigned int i;
	uint64_t pa;

	for (i = 0; !ask(1, NONE, i, UIOMMU_PAGE_LAST); i++)
		assert_true(i < 1000);
	assert_int_equal(uiommu_mock_access(unit, 1, NONE, 0, false, &pa),
			 -EFAULT);
	ops->irq(unit, 0);
	assert_int_equal(seen.requests, i);
	assert_int_equal(seen.requests_lost, 1);
	assert_int_equal(seen.faults, 0);
	assert_int_equal(seen.lost, 1);
	assert_int_equal(ask(1, NONE, i, UIOMMU_PAGE_LAST), 0);
	ops->irq(unit, 0);
	assert_int_equal(seen.requests, i + 1);
	assert_int_equal(seen.lost, 1);
	ops->dev_remove(dev);
}

static int everything(void)
{
	struct uiommu_mock_cfg cfg = { .platform = &tp.platform,
				       .host = &host };
	struct uiommu_dom_cfg dom_cfg = { .type = UIOMMU_DOM_PAGING };
	struct uiommu_hwdom *dom;
	struct uiommu_hwdev *dev;
	struct uiommu_unit *mine;
	int rc;

	rc = uiommu_mock_create(&cfg, &mine);
	if (rc)
		return rc;
	rc = add(mine, 1, 20, &dev);
	if (rc)
		goto out_unit;
	rc = ops->dom_alloc(mine, &dom_cfg, &dom);
	if (rc)
		goto out_dev;
	rc = ops->attach(dom, dev);
	if (!rc)
		rc = ops->set_pasid(dom, dev, 1, NULL);
	ops->dev_remove(dev);
	ops->dom_free(dom);
	ops->remove(mine);
	return rc;
out_dev:
	ops->dev_remove(dev);
out_unit:
	ops->remove(mine);
	return rc;
}

static void test_memory_runs_out(void **state)
{
	uint64_t objs = tp.live_objs, tables = tp.live_tables, nth;
	int rc = -ENOMEM;

	for (nth = 1; rc; nth++) {
		test_platform_fail_nth(&tp, nth);
		rc = everything();
		assert_true(rc == 0 || rc == -ENOMEM);
		assert_int_equal(tp.live_objs, objs);
		assert_int_equal(tp.live_tables, tables);
	}
	assert_true(nth > 7);
	assert_false(test_platform_fail_nth(&tp, 0));
}

static void test_info(void **state)
{
	struct uiommu_hw_info_mock info = { 0 };
	const char *name;
	uint64_t value;
	uint32_t type;
	unsigned int i;

	assert_int_equal(ops->hw_info(unit, &type, &info, 3), sizeof(info));
	assert_int_equal(info.reg, 0);
	assert_int_equal(ops->hw_info(unit, &type, &info, sizeof(info)),
			 sizeof(info));
	assert_int_equal(type, UIOMMU_HW_INFO_TYPE_MOCK);
	assert_int_equal(info.reg, UIOMMU_MOCK_REG);
	for (i = 0; ops->counter(unit, i, &name, &value); i++)
		assert_int_equal(value, 0);
	assert_true(i > 4);
}

static void test_cache_words(void **state)
{
	struct uiommu_hwdev *dev = device(1);
	uint32_t word = 0;

	assert_int_equal(uiommu_mock_cache_word(unit, 1, 3, &word), 0);
	assert_int_equal(word, UIOMMU_MOCK_CACHE_INITIAL);
	assert_int_equal(uiommu_mock_cache_word(unit, 1, 4, &word), -EINVAL);
	assert_int_equal(uiommu_mock_cache_word(unit, 2, 0, &word), -ENOENT);
	ops->dev_remove(dev);
}

#define CASE(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(sizes),	   CASE(client_data),
		CASE(kinds),	   CASE(leaves_of_all_sizes),
		CASE(random),	   CASE(dirty),
		CASE(two_units),   CASE(pasids),
		CASE(flaky_pasid), CASE(page_requests),
		CASE(overflow),	   CASE(memory_runs_out),
		CASE(info),	   CASE(cache_words),
	};

	return cmocka_run_group_tests_name("mock driver", tests, NULL, NULL);
}
