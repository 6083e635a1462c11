/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A look behind the ABI: which memory is mapped where, and how often it is pinned.
 */
#include "mock.h"

#include "base/overflow.h"

#define PAGE TEST_PAGE
/* The least that the kernel takes; here it has no effect. */
#define LIMIT_MIN 12

int test_add_reserved(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;
	struct ufd_ioas *ioas;
	uint64_t last;
	int rc;

	if (!cmd->add_reserved.length)
		return -EINVAL;
	if (last_overflows(cmd->add_reserved.start, cmd->add_reserved.length,
			   &last))
		return -EOVERFLOW;
	ioas = ufd_ioas_get(call->ctx, cmd->id);
	if (!ioas)
		return -ENOENT;
	rc = uiommu_ioas_reserve(ioas->ioas, cmd->add_reserved.start, last);
	ufd_object_put(&ioas->obj);
	return rc;
}

int test_memory_limit(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;

	return cmd->memory_limit.limit < LIMIT_MIN ? -EINVAL : 0;
}

/* ----------------------------------------------------------- check map -- */

int test_pa_of(struct uiommu_abi *abi, uint64_t uva, uiommu_pa_t *pa)
{
	const struct uiommu_mm *mm = abi->host.mm;
	uint64_t page = uva & ~(PAGE - 1);
	struct uiommu_run run;
	int rc = mm->pin(mm->ctx, page, PAGE, 0, &run);

	if (rc)
		return rc;
	*pa = run.pa + (uva - page);
	mm->unpin(mm->ctx, run.pa, run.len, 0);
	return 0;
}

/* Page by page, what the page table has against what the program has. */
static int compare(struct ufd_call *call, struct ufd_hwpt *hwpt,
		   const struct test_frames *frames, uint64_t page)
{
	const struct test_cmd *cmd = call->cmd;
	uiommu_pa_t want, got;
	uint64_t off;
	int rc;

	for (off = 0; off < cmd->check_map.length; off += page) {
		rc = test_pa_of(call->abi, cmd->check_map.uptr + off, &want);
		if (rc)
			return rc;
		if (uiommu_domain_iova_to_pa(hwpt->domain,
					     cmd->check_map.iova + off, &got) ||
		    !test_frames_same(frames, got, want))
			return -EINVAL;
	}
	return 0;
}

static int check_map(struct ufd_call *call, struct ufd_hwpt *hwpt)
{
	const struct test_cmd *cmd = call->cmd;
	struct uiommu_domain_geometry geometry;
	struct test_frames frames;
	uint64_t page, end;
	int rc;

	uiommu_domain_geometry(hwpt->domain, &geometry);
	page = geometry.pgsizes & -geometry.pgsizes;
	if ((cmd->check_map.iova | cmd->check_map.length |
	     cmd->check_map.uptr) &
		    (page - 1) ||
	    add_overflows(cmd->check_map.uptr, cmd->check_map.length, &end))
		return -EINVAL;
	rc = test_frames_read(&frames);
	if (!rc)
		rc = compare(call, hwpt, &frames, page);
	test_frames_free(&frames);
	return rc;
}

int test_check_map(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;
	struct ufd_hwpt *hwpt = ufd_hwpt_get(call->ctx, cmd->id);
	int rc;

	if (!hwpt)
		return -ENOENT;
	rc = check_map(call, hwpt);
	ufd_object_put(&hwpt->obj);
	return rc;
}

/* ---------------------------------------------------------- check refs -- */

static int count_refs(struct ufd_call *call, const struct test_frames *frames)
{
	const struct test_cmd *cmd = call->cmd;
	uint64_t uva = cmd->check_refs.uptr;
	uint64_t end = uva + cmd->check_refs.length;
	uint8_t byte;
	int rc;

	for (; uva < end; uva += PAGE) {
		rc = abi_copy_from(call->abi, &byte, uva, sizeof(byte));
		if (rc)
			return rc;
		if (test_frames_pins(frames, call->abi->host.ctx, uva) !=
		    cmd->check_refs.refs)
			return -EIO;
	}
	return 0;
}

int test_check_refs(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;
	struct test_frames frames;
	uint64_t end;
	int rc;

	if ((cmd->check_refs.uptr | cmd->check_refs.length) & (PAGE - 1) ||
	    add_overflows(cmd->check_refs.uptr, cmd->check_refs.length, &end))
		return -EINVAL;
	rc = test_frames_read(&frames);
	if (!rc)
		rc = count_refs(call, &frames);
	test_frames_free(&frames);
	return rc;
}

/* --------------------------------------------------------------- dirty -- */

/* The most bits that a call may have: 16 MiB of them. */
#define DIRTY_MAX (UINT64_C(16) << 23)

static int mark(struct ufd_call *call, struct ufd_hwpt *hwpt, uint8_t *bits,
		uint64_t nr)
{
	struct test_cmd *cmd = call->cmd;
	struct uiommu_hwdom *hw = uiommu_domain_hw(hwpt->domain);
	uint64_t i, count = 0;
	int rc;

	rc = abi_copy_from(call->abi, bits, cmd->dirty.uptr, (nr + 7) / 8);
	if (rc)
		return rc;
	for (i = 0; i < nr; i++) {
		if (!(bits[i / 8] >> i % 8 & 1))
			continue;
		count++;
		/* What is not mapped counts too, as in the kernel. */
		(void)uiommu_mock_set_dirty(
			hw, cmd->dirty.iova + i * cmd->dirty.page_size);
	}
	cmd->dirty.out_nr_dirty = count;
	return ufd_respond(call);
}

int test_dirty(struct ufd_call *call)
{
	const struct test_cmd *cmd = call->cmd;
	uint64_t page = cmd->dirty.page_size, nr;
	struct ufd_hwpt *hwpt;
	uint8_t *bits;
	int rc = -EINVAL;

	if (!page || !cmd->dirty.length || cmd->dirty.iova % page ||
	    cmd->dirty.length % page || !cmd->dirty.uptr)
		return -EINVAL;
	nr = cmd->dirty.length / page;
	if (nr > DIRTY_MAX)
		return -EOVERFLOW;
	hwpt = ufd_hwpt_get(call->ctx, cmd->id);
	if (!hwpt)
		return -ENOENT;
	if (uiommu_domain_dirty_tracking(hwpt->domain)) {
		bits = abi_alloc(call->abi, (nr + 7) / 8);
		rc = bits ? mark(call, hwpt, bits, nr) : -ENOMEM;
		abi_free(call->abi, bits);
	}
	ufd_object_put(&hwpt->obj);
	return rc;
}
