/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locked memory: what is pinned counts against RLIMIT_MEMLOCK.
 *
 * A charged address space passes on to another one and counts what that pins,
 * for the user or for the process; the caller with CAP_IPC_LOCK is not charged.
 * Who is charged is decided at the map and stays.  Copies share pins, so they cost
 * nothing.  BARs are no memory.
 */
#include "private.h"

#include <errno.h>
#include <sys/resource.h>

#include "base/atomic.h"

#define CAP_IPC_LOCK 14

static int charge(struct abi_charged *charged, uint64_t len)
{
	uint64_t now = load_relaxed(charged->locked);
	struct rlimit limit;

	if (getrlimit(RLIMIT_MEMLOCK, &limit))
		return -ENOMEM;
	do {
		/* RLIM_INFINITY is the largest number. */
		if (now + len > limit.rlim_cur)
			return -ENOMEM;
	} while (!cmpxchg_acq_rel(charged->locked, &now, now + len));
	return 0;
}

static int charged_pin(void *ctx, uint64_t uva, uint64_t len, uint32_t flags,
		       struct uiommu_run *run)
{
	struct abi_charged *charged = ctx;
	const struct uiommu_mm *mm = &charged->mm;
	int rc = mm->pin(mm->ctx, uva, len, flags, run);

	if (rc || run->mmio)
		return rc;
	rc = charge(charged, run->len);
	if (rc)
		mm->unpin(mm->ctx, run->pa, run->len, flags);
	return rc;
}

static void charged_unpin(void *ctx, uiommu_pa_t pa, uint64_t len,
			  uint32_t flags)
{
	struct abi_charged *charged = ctx;

	if (!(flags & UIOMMU_UNPIN_MMIO))
		fetch_sub_acq_rel(charged->locked, len);
	charged->mm.unpin(charged->mm.ctx, pa, len, flags);
}

static int charged_copy(void *ctx, uint64_t uva, void *buf, size_t len,
			bool write)
{
	const struct uiommu_mm *mm = &((struct abi_charged *)ctx)->mm;

	return mm->copy(mm->ctx, uva, buf, len, write);
}

static int charged_copy_pinned(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
			       bool write)
{
	const struct uiommu_mm *mm = &((struct abi_charged *)ctx)->mm;

	return mm->copy_pinned(mm->ctx, pa, buf, len, write);
}

static void charged_get(void *ctx)
{
	struct abi_charged *charged = ctx;

	abi_get(charged->abi);
	fetch_add_relaxed(&charged->refs, 1);
	charged->mm.get(charged->mm.ctx);
}

static void charged_put(void *ctx)
{
	struct abi_charged *charged = ctx;
	struct uiommu_abi *abi = charged->abi;

	charged->mm.put(charged->mm.ctx);
	if (fetch_sub_acq_rel(&charged->refs, 1) == 1)
		abi_free(abi, charged);
	abi_put(abi);
}

static void make_mm(struct abi_charged *charged, struct uiommu_mm *mm)
{
	*mm = (struct uiommu_mm){
		.ctx = charged,
		.pin = charged_pin,
		.unpin = charged_unpin,
		.copy = charged->mm.copy ? charged_copy : NULL,
		.copy_pinned = charged->mm.copy_pinned ? charged_copy_pinned
						       : NULL,
		.get = charged->mm.get ? charged_get : NULL,
		.put = charged->mm.put ? charged_put : NULL,
		.kind = charged->mm.kind,
	};
}

void abi_charge_init(struct uiommu_abi *abi)
{
	for (unsigned int i = 0; abi->host.mm && i < ABI_CHARGES; i++) {
		struct abi_charged *charged = &abi->charged[i];

		charged->abi = abi;
		charged->locked = &abi->locked[i];
		charged->mm = *abi->host.mm;
		charged->refs = 1;
	}
}

void abi_program_mm(struct uiommu_abi *abi, enum abi_charge whom,
		    struct uiommu_mm *mm)
{
	if (abi_capable(abi, CAP_IPC_LOCK))
		*mm = *abi->host.mm;
	else
		make_mm(&abi->charged[whom], mm);
}

int abi_charge_file(struct uiommu_abi *abi, enum abi_charge whom,
		    struct uiommu_mm *mm)
{
	struct abi_charged *charged;

	if (abi_capable(abi, CAP_IPC_LOCK))
		return 0;
	charged = abi_alloc(abi, sizeof(*charged));
	if (!charged)
		return -ENOMEM;
	abi_get(abi);
	charged->abi = abi;
	charged->locked = &abi->locked[whom];
	charged->mm = *mm;
	charged->refs = 1;
	make_mm(charged, mm);
	return 0;
}
