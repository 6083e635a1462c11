/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nesting.c - the guest of a container of type 6: calls of uapi/vfio-nesting.h.
 *
 * The core has a guest's tables and doorbells by domain; here they are the
 * container's, which remembers them for domains that are made later.
 */
#include <uiommu/uapi/vfio-nesting.h>

#include "type1.h"

/* A doorbell of the guest's. */
struct guest_msi {
	struct list node; /* type1_guest.msis */
	uint64_t iova;	  /* rounded down */
	uint64_t gpa;
	uint8_t granule_lg2;
};

#define SAME(ours, theirs) \
	_Static_assert((unsigned int)(ours) == (theirs), #theirs)
SAME(UIOMMU_GUEST_TRANSLATE, VFIO_GUEST_STATE_TRANSLATE);
SAME(UIOMMU_GUEST_BYPASS, VFIO_GUEST_STATE_BYPASS);
SAME(UIOMMU_GUEST_ABORT, VFIO_GUEST_STATE_ABORT);
SAME(UIOMMU_PASID_TABLE_LINEAR, VFIO_GUEST_S1FMT_LINEAR);
SAME(UIOMMU_PASID_TABLE_2L_4K, VFIO_GUEST_S1FMT_4K_L2);
SAME(UIOMMU_PASID_TABLE_2L_64K, VFIO_GUEST_S1FMT_64K_L2);
SAME(UIOMMU_PASID_NONE_ABORT, VFIO_GUEST_S1DSS_TERMINATE);
SAME(UIOMMU_PASID_NONE_BYPASS, VFIO_GUEST_S1DSS_BYPASS);
SAME(UIOMMU_PASID_NONE_IS_0, VFIO_GUEST_S1DSS_SSID0);
SAME(UIOMMU_CACHE_DEVICE_TLB, VFIO_GUEST_INVALIDATE_DEVICE_TLB);
SAME(UIOMMU_CACHE_TLB, VFIO_GUEST_INVALIDATE_TLB);
SAME(UIOMMU_CACHE_PASID, VFIO_GUEST_INVALIDATE_PASID_CACHE);
SAME(UIOMMU_CACHE_ALL_PASIDS, VFIO_GUEST_INVALIDATE_ALL_PASIDS);
SAME(UIOMMU_CACHE_ONE_PASID, VFIO_GUEST_INVALIDATE_ONE_PASID);
SAME(UIOMMU_CACHE_PAGES, VFIO_GUEST_INVALIDATE_PAGES);
SAME(UIOMMU_CACHE_LEAF, VFIO_GUEST_INVALIDATE_LEAF);
SAME(UIOMMU_CACHE_GLOBAL, VFIO_GUEST_INVALIDATE_GLOBAL);
SAME(UIOMMU_CACHE_ARCH_ID, VFIO_GUEST_INVALIDATE_ARCH_ID);
SAME(UIOMMU_NO_PASID, VFIO_GUEST_NO_PASID);

/* ----------------------------------------------------------- arguments -- */

/* -EFAULT; -EINVAL: argsz, or a flag that is not in `flags`. */
static int read_call(struct uvfio_type1 *t1, unsigned long arg, uint32_t flags,
		     void *call, size_t size)
{
	const uint32_t *head = call; /* argsz, flags */
	int rc = abi_copy_from(t1->abi, call, arg, size);

	if (rc)
		return rc;
	return head[0] < size || head[1] & ~flags ? -EINVAL : 0;
}

static bool is_zero(const uint8_t *bytes, size_t len)
{
	while (len)
		if (bytes[--len])
			return false;
	return true;
}

/* What v1 does not have; -EINVAL. */
static int read_shape(struct uiommu_pasid_table *table, uint8_t s1fmt,
		      uint8_t s1dss)
{
	if (s1fmt > VFIO_GUEST_S1FMT_64K_L2 || s1dss > VFIO_GUEST_S1DSS_SSID0)
		return -EINVAL;
	table->format = s1fmt;
	table->none = s1dss;
	return 0;
}

static int read_pasid_table(const struct vfio_guest_pasid_table *in, bool ext,
			    struct uiommu_pasid_table *table)
{
	size_t min = ext ? offsetof(struct vfio_guest_pasid_table, padding)
			 : offsetof(struct vfio_guest_pasid_table, s1fmt);

	if (in->version != VFIO_GUEST_PASID_TABLE_VERSION || in->bytes < min ||
	    in->bytes > sizeof(*in))
		return -EINVAL;
	table->base = in->base_ptr;
	table->pasid_bits = in->pasid_bits;
	if (!ext)
		return 0;
	if (in->state > VFIO_GUEST_STATE_ABORT ||
	    !is_zero(in->padding, sizeof(in->padding)))
		return -EINVAL;
	table->state = in->state;
	return read_shape(table, in->s1fmt, in->s1dss);
}

static int read_smmuv3_s1(const struct vfio_guest_smmuv3_s1 *in, bool ext,
			  struct uiommu_pasid_table *table)
{
	table->base = in->cdptr_dma;
	if (in->aborted)
		table->state = UIOMMU_GUEST_ABORT;
	else if (in->disabled || in->bypassed)
		table->state = UIOMMU_GUEST_BYPASS;
	if (!ext)
		return 0;
	if (!is_zero(in->padding, sizeof(in->padding)) ||
	    !is_zero(in->padding2, sizeof(in->padding2)))
		return -EINVAL;
	table->pasid_bits = in->s1cdmax;
	return read_shape(table, in->s1fmt, in->s1dss);
}

static int read_stage(const struct vfio_guest_stage_config *in,
		      struct type1_stage *stage)
{
	bool ext = in->flags & VFIO_GUEST_STAGE_EXT;

	if (ext && in->padding)
		return -EINVAL;
	*stage = (struct type1_stage){
		.table = { .state = UIOMMU_GUEST_TRANSLATE,
			   .format = UIOMMU_PASID_TABLE_LINEAR,
			   .none = UIOMMU_PASID_NONE_IS_0 },
	};
	switch (in->flags & ~(uint32_t)VFIO_GUEST_STAGE_EXT) {
	case VFIO_GUEST_STAGE_PASID_TABLE:
		return read_pasid_table(&in->pasid_table, ext, &stage->table);
	case VFIO_GUEST_STAGE_SMMUV3_S1:
		/* With several contexts it could be any's. */
		stage->has_asid = !ext;
		stage->asid = in->smmuv3_s1.asid;
		return read_smmuv3_s1(&in->smmuv3_s1, ext, &stage->table);
	default:
		return -EINVAL;
	}
}

/* ------------------------------------------------------ the guest's stage -- */

static void unbind_all(struct uvfio_type1 *t1)
{
	struct uvfio_domain *dom;

	list_for_each(dom, &t1->domains, node)
		uiommu_unbind_pasid_table(dom->core);
	t1->guest.bound = false;
}

static int bind_all(struct uvfio_type1 *t1, const struct type1_stage *stage)
{
	struct uiommu_domain **domains;
	struct uvfio_domain *dom;
	unsigned int nr = 0;
	int rc;

	list_for_each(dom, &t1->domains, node)
		nr++;
	domains = abi_alloc(t1->abi, nr * sizeof(*domains));
	if (!domains)
		return -ENOMEM;
	nr = 0;
	list_for_each(dom, &t1->domains, node)
		domains[nr++] = dom->core;
	rc = uiommu_bind_pasid_tables(domains, nr, &stage->table);
	abi_free(t1->abi, domains);
	if (rc)
		return rc;
	t1->guest.bound = true;
	t1->guest.stage = *stage;
	return 0;
}

static int bind_guest_stage(struct uvfio_type1 *t1, unsigned long arg)
{
	struct vfio_iommu_type1_bind_guest_stage call;
	struct type1_stage stage;
	int rc;

	rc = read_call(t1, arg, VFIO_GUEST_STAGE_UNBIND, &call, sizeof(call));
	if (rc)
		return rc;
	if (call.flags & VFIO_GUEST_STAGE_UNBIND) {
		unbind_all(t1);
		return 0;
	}
	rc = read_stage(&call.config, &stage);
	return rc ? rc : bind_all(t1, &stage);
}

/* ----------------------------------------------------------- invalidation -- */

static int read_invalidate(const struct vfio_guest_invalidate_info *in,
			   const struct type1_stage *stage,
			   struct uiommu_cache_info *info)
{
	bool pages = in->granularity == VFIO_GUEST_INVALIDATE_PAGES;

	/* The core looks at the rest. */
	if (in->hdr.version != VFIO_GUEST_INVALIDATE_VERSION ||
	    (pages && in->size > 63 - 12))
		return -EINVAL;
	*info = (struct uiommu_cache_info){
		.type = in->hdr.type,
		.granularity = in->granularity,
		.flags = in->flags,
		.page_lg2 = pages ? (uint8_t)(12 + in->size) : 12,
		.nr_pages = in->nr_pages,
		.addr = in->addr,
		.pasid = in->pasid,
		.arch_id = in->arch_id,
	};
	/* Who has one context told its ASID with it. */
	if (stage->has_asid && !(in->flags & VFIO_GUEST_INVALIDATE_ARCH_ID)) {
		info->flags |= UIOMMU_CACHE_ARCH_ID;
		info->arch_id = stage->asid;
	}
	return 0;
}

/* All are told, also if the hardware of one does not answer. */
static int tlb_invalidate(struct uvfio_type1 *t1, unsigned long arg)
{
	struct vfio_iommu_type1_tlb_invalidate call;
	struct uiommu_cache_info info;
	struct uvfio_domain *dom;
	int rc, err;

	rc = read_call(t1, arg, 0, &call, sizeof(call));
	if (rc)
		return rc;
	rc = read_invalidate(&call.info, &t1->guest.stage, &info);
	if (rc)
		return rc;
	list_for_each(dom, &t1->domains, node) {
		err = uiommu_cache_invalidate(dom->core, NULL, &info);
		rc = rc ? rc : err;
	}
	return rc;
}

/* ------------------------------------------------------------- interrupts -- */

/* The one whose page has this address. */
static struct guest_msi *find_msi(struct uvfio_type1 *t1, uint64_t iova)
{
	struct guest_msi *msi;

	list_for_each(msi, &t1->guest.msis, node)
		if (align_down_lg2(iova, msi->granule_lg2) == msi->iova)
			return msi;
	return NULL;
}

/* From the domains before `end`, also if the hardware of one does not answer. */
static int unbind_msi(struct uvfio_type1 *t1, const struct guest_msi *msi,
		      const struct uvfio_domain *end)
{
	struct uvfio_domain *dom;
	int rc = 0, err;

	list_for_each(dom, &t1->domains, node) {
		if (dom == end)
			break;
		err = uiommu_unbind_guest_msi(dom->core, msi->iova);
		rc = rc ? rc : err;
	}
	return rc;
}

static int bind_msi_in(struct uvfio_domain *dom, const struct guest_msi *msi)
{
	return uiommu_bind_guest_msi(dom->core, msi->iova, msi->gpa,
				     msi->granule_lg2);
}

/* The core says whether it is one, also of one that is known already. */
static int bind_msi_everywhere(struct uvfio_type1 *t1,
			       const struct guest_msi *msi, bool known)
{
	struct uvfio_domain *dom;
	int rc;

	list_for_each(dom, &t1->domains, node) {
		rc = bind_msi_in(dom, msi);
		if (rc) {
			if (!known)
				(void)unbind_msi(t1, msi, dom);
			return rc;
		}
	}
	return 0;
}

static int add_msi(struct uvfio_type1 *t1, const struct guest_msi *what)
{
	struct guest_msi *msi = abi_alloc(t1->abi, sizeof(*msi));
	int rc;

	if (!msi)
		return -ENOMEM;
	*msi = *what;
	rc = bind_msi_everywhere(t1, msi, false);
	if (rc)
		abi_free(t1->abi, msi);
	else
		list_add_tail(&t1->guest.msis, &msi->node);
	return rc;
}

static void drop_msi(struct uvfio_type1 *t1, struct guest_msi *msi)
{
	list_del(&msi->node);
	abi_free(t1->abi, msi);
}

/* -ENOENT; else it is gone, also if the hardware of a domain does not answer. */
static int remove_msi(struct uvfio_type1 *t1, uint64_t iova)
{
	struct guest_msi *msi = find_msi(t1, iova);
	int rc;

	if (!msi)
		return -ENOENT;
	rc = unbind_msi(t1, msi, NULL);
	drop_msi(t1, msi);
	return rc;
}

static int bind_msi(struct uvfio_type1 *t1, unsigned long arg)
{
	struct vfio_iommu_type1_bind_msi call;
	const struct guest_msi *known;
	struct guest_msi msi;
	uint32_t granule;
	int rc;

	rc = read_call(t1, arg, VFIO_GUEST_MSI_UNBIND, &call, sizeof(call));
	if (rc)
		return rc;
	if (call.flags & VFIO_GUEST_MSI_UNBIND)
		return remove_msi(t1, call.binding.iova);
	granule = call.binding.granule;
	if (granule > 63)
		return -EINVAL;
	msi = (struct guest_msi){
		.iova = align_down_lg2(call.binding.iova, granule),
		.gpa = align_down_lg2(call.binding.gpa, granule),
		.granule_lg2 = (uint8_t)granule,
	};
	known = find_msi(t1, msi.iova);
	return known && known->iova == msi.iova
		       ? bind_msi_everywhere(t1, &msi, true)
		       : add_msi(t1, &msi);
}

/* ---------------------------------------------------------- the container -- */

/* v1's word for what a driver does not do. */
static int told(int rc)
{
	return rc == -EOPNOTSUPP ? -ENODEV : rc;
}

int type1_guest_join(struct uvfio_type1 *t1, struct uvfio_domain *dom,
		     struct uiommu_group *group)
{
	const struct type1_guest *guest = &t1->guest;
	struct guest_msi *msi;
	int rc = 0;

	list_for_each(msi, &guest->msis, node) {
		rc = bind_msi_in(dom, msi);
		if (rc)
			return rc;
	}
	if (guest->bound)
		rc = uiommu_bind_pasid_table(dom->core, &guest->stage.table);
	if (!rc)
		rc = uiommu_group_attach(group, dom->core);
	return guest->bound ? told(rc) : rc;
}

void type1_guest_end(struct uvfio_type1 *t1)
{
	while (!list_empty(&t1->guest.msis))
		drop_msi(t1,
			 list_first(&t1->guest.msis, struct guest_msi, node));
}

long type1_guest_ioctl(struct uvfio_type1 *t1, unsigned int cmd,
		       unsigned long arg)
{
	switch (cmd) {
	case VFIO_IOMMU_BIND_GUEST_STAGE:
		return told(bind_guest_stage(t1, arg));
	case VFIO_IOMMU_TLB_INVALIDATE:
		return told(tlb_invalidate(t1, arg));
	case VFIO_IOMMU_BIND_MSI:
		return told(bind_msi(t1, arg));
	default:
		return -ENOTTY;
	}
}
