/* SPDX-License-Identifier: BSD-2-Clause */
/* ATTACH and DETACH of the cdev with a PASID: the kernel's rules, row by row. */
#include "base/atomic.h"
#include "fixture.h"

#define PAGE UINT64_C(4096)
#define IOVA UINT64_C(0x10000)
#define PASID 5u

static struct fx *fx;

static int setup(void **state)
{
	fx_setup(state);
	fx = *state;
	return 0;
}

/* ---------------------------------------------------------------- calls -- */

static long attach(int device, uint32_t pasid, uint32_t *pt_id)
{
	struct vfio_device_attach_iommufd_pt pt = {
		.argsz = sizeof(pt),
		.flags = VFIO_DEVICE_ATTACH_PASID,
		.pt_id = *pt_id,
		.pasid = pasid,
	};
	long rc = fx_ioctl(fx, device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &pt);

	*pt_id = pt.pt_id;
	return rc;
}

static long attach_to(int device, uint32_t pasid, uint32_t pt)
{
	return attach(device, pasid, &pt);
}

static long detach(int device, uint32_t pasid)
{
	struct vfio_device_detach_iommufd_pt pt = {
		.argsz = sizeof(pt),
		.flags = VFIO_DEVICE_DETACH_PASID,
		.pasid = pasid,
	};

	return fx_ioctl(fx, device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &pt);
}

/* Without a PASID. */
static long attach_self(int device, uint32_t pt_id)
{
	struct vfio_device_attach_iommufd_pt pt = { .argsz = 12,
						    .pt_id = pt_id };

	return fx_ioctl(fx, device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &pt);
}

static long detach_self(int device)
{
	struct vfio_device_detach_iommufd_pt pt = { .argsz = 8 };

	return fx_ioctl(fx, device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &pt);
}

static long destroy(int iommufd, uint32_t id)
{
	struct iommu_destroy cmd = { .size = sizeof(cmd), .id = id };

	return fx_ioctl(fx, iommufd, IOMMU_DESTROY, &cmd);
}

static uint32_t hwpt_ok(const struct fx_cdev *cdev, uint32_t ioas,
			uint32_t flags)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dev_id = cdev->devid,
		.pt_id = ioas,
	};

	assert_int_equal(fx_ioctl(fx, cdev->iommufd, IOMMU_HWPT_ALLOC, &cmd),
			 0);
	return cmd.out_hwpt_id;
}

/* ---------------------------------------------------------------- scene -- */

/* What a row names. */
enum what {
	NOTHING,
	P0, /* page tables of IOAS 0 and 1, for PASIDs */
	P1,
	N0, /* and not */
	N1,
	IOAS0,
	IOAS1,
	DEVICE,
	MISSING,
};

struct scene {
	struct fx_cdev cdev;
	unsigned int dev;
	uint32_t id[MISSING + 1];
	uint8_t *mem;
};

static void open_scene(struct scene *s, unsigned int dev)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE,
		.iova = IOVA,
		.length = PAGE,
	};

	s->dev = dev;
	fx_cdev_open(fx, &s->cdev, dev, false);
	assert_int_equal(
		fx_ioctl(fx, s->cdev.iommufd, IOMMU_IOAS_ALLOC, &alloc), 0);
	s->id[IOAS0] = s->cdev.ioas;
	s->id[IOAS1] = alloc.out_ioas_id;
	s->id[DEVICE] = s->cdev.devid;
	s->id[MISSING] = 0x7000;
	s->mem = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (unsigned int i = 0; i < 2; i++) {
		map.ioas_id = s->id[IOAS0 + i];
		map.user_va = (uintptr_t)s->mem + i * PAGE;
		assert_int_equal(
			fx_ioctl(fx, s->cdev.iommufd, IOMMU_IOAS_MAP, &map), 0);
		s->id[P0 + i] = hwpt_ok(&s->cdev, s->id[IOAS0 + i],
					IOMMU_HWPT_ALLOC_PASID);
		s->id[N0 + i] = hwpt_ok(&s->cdev, s->id[IOAS0 + i], 0);
	}
}

static void close_scene(struct scene *s)
{
	fx_cdev_close(fx, &s->cdev);
	munmap(s->mem, 2 * PAGE);
}

/* Which of the IOASes a PASID shows, 0: without; -1: none. */
static int shows(struct scene *s, uint32_t pasid)
{
	uiommu_pa_t pa;

	if (pasid ? !fx_translate_pasid(fx, s->dev, pasid, IOVA, &pa)
		  : !fx_translate(fx, s->dev, IOVA, &pa))
		return -1;
	return (int)((pa - (uintptr_t)s->mem) / PAGE);
}

/* ----------------------------------------------------- clause by clause -- */

static const struct clause {
	enum what self;	  /* what the device has without PASID */
	enum what before; /* and PASID 5 */
	uint32_t pasid;	  /* what is attached then */
	enum what to;
	long rc;
	int after; /* which IOAS PASID 5 shows then; -1: none */
} clauses[] = {
	/* Nothing there: attach. */
	{ NOTHING, NOTHING, PASID, P0, 0, 0 },
	{ NOTHING, NOTHING, PASID, P1, 0, 1 },
	{ NOTHING, NOTHING, PASID, N0, -EINVAL, -1 },
	{ NOTHING, NOTHING, PASID, IOAS0, -EINVAL, -1 },
	{ NOTHING, NOTHING, PASID, DEVICE, -EINVAL, -1 },
	{ NOTHING, NOTHING, PASID, MISSING, -ENOENT, -1 },
	/* Beside what the device has itself, which must be for PASIDs too. */
	{ P0, NOTHING, PASID, P0, 0, 0 },
	{ P1, NOTHING, PASID, P0, 0, 0 },
	{ N0, NOTHING, PASID, P0, -EINVAL, -1 },
	{ IOAS0, NOTHING, PASID, P0, -EINVAL, -1 },
	{ P0, NOTHING, PASID, IOAS0, -EINVAL, -1 },
	{ IOAS0, NOTHING, PASID, IOAS0, -EINVAL, -1 },
	/* Something there: replace. */
	{ NOTHING, P0, PASID, P0, 0, 0 },
	{ NOTHING, P0, PASID, P1, 0, 1 },
	{ P1, P0, PASID, P1, 0, 1 },
	{ NOTHING, P0, PASID, N0, -EINVAL, 0 },
	{ NOTHING, P0, PASID, N1, -EINVAL, 0 },
	{ NOTHING, P0, PASID, IOAS0, -EINVAL, 0 },
	{ NOTHING, P0, PASID, IOAS1, -EINVAL, 0 },
	{ NOTHING, P0, PASID, DEVICE, -EINVAL, 0 },
	{ NOTHING, P0, PASID, MISSING, -ENOENT, 0 },
	/* Numbers that the device has not got, in the kernel's order. */
	{ NOTHING, NOTHING, 256, P0, -EINVAL, -1 },
	{ NOTHING, NOTHING, 1u << 20, P0, -EINVAL, -1 },
	{ NOTHING, NOTHING, INT32_MAX, P0, -EINVAL, -1 },
	{ NOTHING, NOTHING, INT32_MAX, MISSING, -ENOENT, -1 },
	{ NOTHING, NOTHING, 1u << 31, P0, -ENOSPC, -1 },
	{ NOTHING, NOTHING, UINT32_MAX, MISSING, -ENOSPC, -1 },
	{ NOTHING, NOTHING, 255, P0, 0, -1 },
	{ NOTHING, P1, 4, P0, 0, 1 },
};

static void try_clause(struct scene *s, const struct clause *c, size_t row)
{
	uint32_t pt = s->id[c->to];
	unsigned int was;
	long rc;

	if (c->self != NOTHING)
		assert_int_equal(attach_self(s->cdev.device, s->id[c->self]),
				 0);
	if (c->before != NOTHING)
		assert_int_equal(
			attach_to(s->cdev.device, PASID, s->id[c->before]), 0);
	was = load_acquire(&fx->unit[0].set_pasids);
	rc = attach(s->cdev.device, c->pasid, &pt);
	if (rc != c->rc || shows(s, PASID) != c->after)
		fail_msg("clause %zu: %ld, shows %d", row, rc, shows(s, PASID));
	/* A page table says itself; what failed did nothing. */
	assert_int_equal(pt, s->id[c->to]);
	if (rc)
		assert_int_equal(load_acquire(&fx->unit[0].set_pasids), was);
	else
		assert_int_equal(destroy(s->cdev.iommufd, pt), -EBUSY);
	assert_int_equal(detach(s->cdev.device, c->pasid), 0);
	assert_int_equal(detach(s->cdev.device, c->pasid), 0);
	assert_int_equal(detach(s->cdev.device, PASID), 0);
	assert_int_equal(shows(s, PASID), -1);
	assert_int_equal(detach_self(s->cdev.device), 0);
	assert_int_equal(uiommu_device_nr_pasids(fx->pci[s->dev].dev), 0);
}

static void every_clause(void **state)
{
	struct scene s;

	open_scene(&s, 0);
	for (size_t i = 0; i < ARRAY_SIZE(clauses); i++)
		try_clause(&s, &clauses[i], i);
	/* Nobody uses them any more. */
	for (enum what w = P0; w <= IOAS1; w++)
		assert_int_equal(destroy(s.cdev.iommufd, s.id[w]), 0);
	close_scene(&s);
}

/* The other way round: what the device itself may have beside a PASID. */
static void without_a_pasid_beside_one(void **state)
{
	static const struct {
		enum what self, to;
		long rc;
		int after;
	} rows[] = {
		{ NOTHING, P0, 0, 0 },
		{ NOTHING, P1, 0, 1 },
		{ NOTHING, N0, -EINVAL, -1 },
		{ NOTHING, IOAS0, -EINVAL, -1 },
		{ P0, P1, 0, 1 },
		{ P0, N0, -EINVAL, 0 },
		{ P0, N1, -EINVAL, 0 },
		{ P0, IOAS1, -EINVAL, 0 },
		{ P0, P0, 0, 0 },
	};
	struct iommu_ioas_iova_ranges ranges = { .size = sizeof(ranges) };
	struct scene s;

	open_scene(&s, 0);
	assert_int_equal(attach_to(s.cdev.device, PASID, s.id[P1]), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].self != NOTHING)
			assert_int_equal(attach_self(s.cdev.device,
						     s.id[rows[i].self]),
					 0);
		if (attach_self(s.cdev.device, s.id[rows[i].to]) !=
			    rows[i].rc ||
		    shows(&s, 0) != rows[i].after)
			fail_msg("row %zu: shows %d", i, shows(&s, 0));
		assert_int_equal(shows(&s, PASID), 1);
		assert_int_equal(detach_self(s.cdev.device), 0);
	}
	/* No reserved region was left behind: one range, the page tables'. */
	for (unsigned int i = 0; i < 2; i++) {
		ranges.ioas_id = s.id[IOAS0 + i];
		assert_int_equal(fx_ioctl(fx, s.cdev.iommufd,
					  IOMMU_IOAS_IOVA_RANGES, &ranges),
				 -EMSGSIZE);
		assert_int_equal(ranges.num_iovas, 1);
		ranges.num_iovas = 0;
	}
	/* With the last PASID the rule goes. */
	assert_int_equal(detach(s.cdev.device, PASID), 0);
	assert_int_equal(attach_self(s.cdev.device, s.id[N1]), 0);
	close_scene(&s);
}

/* ------------------------------------------------------- the structures -- */

static void sizes_and_flags(void **state)
{
	static const struct {
		uint32_t argsz, flags;
		long attach, detach;
	} rows[] = {
		{ 7, 1, -EINVAL, -EINVAL },  { 8, 1, -EINVAL, -EINVAL },
		{ 11, 1, -EINVAL, -EINVAL }, { 12, 1, -EINVAL, 0 },
		{ 15, 1, -EINVAL, 0 },	     { 16, 1, 0, 0 },
		{ 16, 3, -EINVAL, -EINVAL }, { 16, 2, -EINVAL, -EINVAL },
		{ 1000, 1, 0, 0 },	     { UINT32_MAX, 1, 0, 0 },
	};
	struct vfio_device_attach_iommufd_pt pt;
	struct vfio_device_detach_iommufd_pt un;
	struct scene s;
	char *end;

	open_scene(&s, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		pt = (struct vfio_device_attach_iommufd_pt){ rows[i].argsz,
							     rows[i].flags,
							     s.id[P0], PASID };
		un = (struct vfio_device_detach_iommufd_pt){ rows[i].argsz,
							     rows[i].flags,
							     PASID };
		if (fx_ioctl(fx, s.cdev.device, VFIO_DEVICE_ATTACH_IOMMUFD_PT,
			     &pt) != rows[i].attach ||
		    fx_ioctl(fx, s.cdev.device, VFIO_DEVICE_DETACH_IOMMUFD_PT,
			     &un) != rows[i].detach)
			fail_msg("row %zu", i);
		assert_int_equal(detach(s.cdev.device, PASID), 0);
	}

	/* The PASID is not there, though the rest is. */
	end = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	fx->arena[0] = (uintptr_t)end;
	fx->arena[1] = (uintptr_t)end + PAGE;
	pt = (struct vfio_device_attach_iommufd_pt){ 16, 1, s.id[P0], PASID };
	memcpy(end + PAGE - 12, &pt, 12);
	assert_int_equal(fx_ioctl(fx, s.cdev.device,
				  VFIO_DEVICE_ATTACH_IOMMUFD_PT,
				  end + PAGE - 12),
			 -EFAULT);
	un = (struct vfio_device_detach_iommufd_pt){ 12, 1, PASID };
	memcpy(end + PAGE - 8, &un, 8);
	assert_int_equal(fx_ioctl(fx, s.cdev.device,
				  VFIO_DEVICE_DETACH_IOMMUFD_PT,
				  end + PAGE - 8),
			 -EFAULT);
	fx->arena[0] = fx->arena[1] = 0;
	munmap(end, 2 * PAGE);
	close_scene(&s);
}

/* The kernel then detaches what the device itself has, and the PASID stays. */
static void answer_cannot_be_written(void **state)
{
	struct scene s;

	open_scene(&s, 0);
	assert_int_equal(attach_self(s.cdev.device, s.id[P1]), 0);
	fx->fail_copy_to = true;
	assert_int_equal(attach_to(s.cdev.device, PASID, s.id[P0]), -EFAULT);
	fx->fail_copy_to = false;
	assert_int_equal(shows(&s, PASID), 0);
	assert_int_equal(shows(&s, 0), -1);
	close_scene(&s);
}

/* -------------------------------------------------------------- PASID 0 -- */

/* It is the device itself, under another name than without the flag. */
static void the_device_by_number(void **state)
{
	struct scene s;
	uint32_t pt;

	open_scene(&s, 0);
	pt = s.id[IOAS0];
	assert_int_equal(attach(s.cdev.device, 0, &pt), 0);
	assert_int_not_equal(pt, s.id[IOAS0]);
	assert_int_equal(shows(&s, 0), 0);
	assert_int_equal(attach_self(s.cdev.device, s.id[IOAS0]), -EBUSY);
	assert_int_equal(detach_self(s.cdev.device), 0);
	assert_int_equal(shows(&s, 0), 0);
	assert_int_equal(attach_to(s.cdev.device, 0, s.id[N1]), 0);
	assert_int_equal(shows(&s, 0), 1);
	assert_int_equal(destroy(s.cdev.iommufd, pt), -ENOENT);
	/* Its page table counts for PASIDs. */
	assert_int_equal(attach_to(s.cdev.device, PASID, s.id[P0]), -EINVAL);
	assert_int_equal(detach(s.cdev.device, 0), 0);
	assert_int_equal(shows(&s, 0), -1);

	assert_int_equal(attach_self(s.cdev.device, s.id[P0]), 0);
	assert_int_equal(attach_to(s.cdev.device, 0, s.id[P0]), -EBUSY);
	assert_int_equal(detach(s.cdev.device, 0), 0);
	assert_int_equal(shows(&s, 0), 0);
	assert_int_equal(detach_self(s.cdev.device), 0);
	assert_int_equal(attach_to(s.cdev.device, 0, s.id[P1]), 0);
	/* And goes with the file. */
	close_scene(&s);
	assert_null(uiommu_group_domain(uiommu_device_group(fx->pci[0].dev)));
}

/* ------------------------------------------------------- other hardware -- */

/* A device without PASIDs: nothing is programmed, and the rules are the same. */
static void a_device_without(void **state)
{
	struct scene s;

	open_scene(&s, 1);
	assert_int_equal(attach_to(s.cdev.device, PASID, s.id[N0]), -EINVAL);
	assert_int_equal(attach_to(s.cdev.device, INT32_MAX, s.id[P0]), 0);
	assert_int_equal(attach_to(s.cdev.device, INT32_MAX, s.id[P1]), 0);
	assert_int_equal(attach_self(s.cdev.device, s.id[N0]), -EINVAL);
	assert_int_equal(destroy(s.cdev.iommufd, s.id[P1]), -EBUSY);
	assert_int_equal(destroy(s.cdev.iommufd, s.id[P0]), 0);
	assert_int_equal(load_acquire(&fx->unit[0].set_pasids), 0);
	assert_int_equal(detach(s.cdev.device, INT32_MAX), 0);
	assert_int_equal(destroy(s.cdev.iommufd, s.id[P1]), 0);
	close_scene(&s);
}

static void a_driver_without(void **state)
{
	struct scene s;

	open_scene(&s, 4);
	assert_int_equal(attach_to(s.cdev.device, PASID, s.id[N0]), -EINVAL);
	assert_int_equal(attach_to(s.cdev.device, PASID, s.id[P0]),
			 -EOPNOTSUPP);
	assert_int_equal(attach_to(s.cdev.device, 1u << 20, s.id[P0]),
			 -EOPNOTSUPP);
	assert_int_equal(destroy(s.cdev.iommufd, s.id[P0]), 0);
	close_scene(&s);
}

/* What the driver says is told, and nothing has changed. */
static void the_driver_refuses(void **state)
{
	static const int errors[] = { -EINVAL, -ENOSPC, -EBUSY, -ENOMEM };
	struct scene s;

	open_scene(&s, 0);
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		store_release(&fx->unit[0].fail_pasid, errors[i]);
		assert_int_equal(attach_to(s.cdev.device, PASID, s.id[P0]),
				 errors[i]);
		assert_int_equal(shows(&s, PASID), -1);
		assert_int_equal(attach_to(s.cdev.device, PASID, s.id[P0]), 0);
		store_release(&fx->unit[0].fail_pasid, errors[i]);
		assert_int_equal(attach_to(s.cdev.device, PASID, s.id[P1]),
				 errors[i]);
		assert_int_equal(shows(&s, PASID), 0);
		assert_int_equal(destroy(s.cdev.iommufd, s.id[P0]), -EBUSY);
		assert_int_equal(detach(s.cdev.device, PASID), 0);
	}
	assert_int_equal(destroy(s.cdev.iommufd, s.id[P0]), 0);
	assert_int_equal(destroy(s.cdev.iommufd, s.id[P1]), 0);
	close_scene(&s);
}

/* A number that somebody else of the process gave out on the device. */
static void somebody_else_has_it(void **state)
{
	struct uiommu_domain *dom;
	struct scene s;

	open_scene(&s, 0);
	assert_int_equal(uiommu_domain_alloc(fx->pci[0].dev, &dom), 0);
	assert_int_equal(uiommu_device_pasid_attach(fx->pci[0].dev, PASID, dom),
			 0);
	assert_int_equal(attach_to(s.cdev.device, PASID, s.id[P0]), -EBUSY);
	assert_int_equal(detach(s.cdev.device, PASID), 0);
	assert_ptr_equal(uiommu_device_pasid_domain(fx->pci[0].dev, PASID),
			 dom);
	uiommu_device_pasid_detach(fx->pci[0].dev, PASID);
	uiommu_domain_free(dom);
	close_scene(&s);
}

/* ------------------------------------------------------------- the group -- */

static int open_sibling(const struct scene *s, unsigned int dev)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind),
						 .iommufd = s->cdev.iommufd };
	char path[64];
	int device = fx_open(fx, fx_cdev_path(fx, dev, path));

	assert_int_equal(fx_ioctl(fx, device, VFIO_DEVICE_BIND_IOMMUFD, &bind),
			 0);
	return device;
}

/* Devices 2 and 3: the first moves both, the second joins. */
static void two_of_a_group(void **state)
{
	unsigned int calls;
	struct scene s;
	int mate;

	open_scene(&s, 2);
	mate = open_sibling(&s, 3);
	assert_int_equal(attach_to(s.cdev.device, PASID, s.id[P0]), 0);
	calls = load_acquire(&fx->unit[0].set_pasids);
	assert_int_equal(calls, 2);
	/* The group's narrowest device has 16. */
	assert_int_equal(attach_to(s.cdev.device, 16, s.id[P0]), -EINVAL);
	assert_int_equal(attach_to(mate, PASID, s.id[P1]), -EINVAL);
	assert_int_equal(attach_to(mate, PASID, s.id[N0]), -EINVAL);
	assert_int_equal(attach_to(mate, PASID, s.id[IOAS0]), -EINVAL);
	assert_int_equal(detach(mate, PASID), 0);
	assert_int_equal(shows(&s, PASID), 0);
	assert_int_equal(attach_to(mate, PASID, s.id[P0]), 0);
	assert_int_equal(load_acquire(&fx->unit[0].set_pasids), calls);

	/* Both move, whoever asks. */
	assert_int_equal(attach_to(mate, PASID, s.id[P1]), 0);
	assert_int_equal(shows(&s, PASID), 1);
	assert_int_equal(destroy(s.cdev.iommufd, s.id[P0]), 0);
	assert_int_equal(detach(s.cdev.device, PASID), 0);
	assert_int_equal(shows(&s, PASID), 1);
	assert_int_equal(destroy(s.cdev.iommufd, s.id[P1]), -EBUSY);
	/* The rule for accesses without PASID is the group's too. */
	assert_int_equal(attach_self(s.cdev.device, s.id[N0]), -EINVAL);
	assert_int_equal(detach(mate, PASID), 0);
	assert_int_equal(shows(&s, PASID), -1);
	assert_int_equal(destroy(s.cdev.iommufd, s.id[P1]), 0);
	fx_close(fx, mate);
	close_scene(&s);
}

/* One is closed with what it has; the other keeps it. */
static void one_of_a_group_goes(void **state)
{
	struct scene s;
	int mate;

	open_scene(&s, 2);
	mate = open_sibling(&s, 3);
	for (uint32_t pasid = 1; pasid < 16; pasid++) {
		assert_int_equal(attach_to(mate, pasid, s.id[P0]), 0);
		if (pasid & 1)
			assert_int_equal(
				attach_to(s.cdev.device, pasid, s.id[P0]), 0);
	}
	fx_close(fx, mate);
	for (uint32_t pasid = 1; pasid < 16; pasid++)
		assert_int_equal(shows(&s, pasid), pasid & 1 ? 0 : -1);
	assert_int_equal(uiommu_device_nr_pasids(fx->pci[2].dev), 8);
	close_scene(&s);
	assert_int_equal(uiommu_device_nr_pasids(fx->pci[2].dev), 0);
}

/* ------------------------------------------------------------- the end --- */

/* Everything attached, closed in this order: device, /dev/iommu; or the other. */
static void closed_with_everything_attached(void **state)
{
	for (int iommufd_first = 0; iommufd_first < 2; iommufd_first++) {
		struct scene s;

		open_scene(&s, 0);
		assert_int_equal(attach_self(s.cdev.device, s.id[P1]), 0);
		for (uint32_t pasid = 255; pasid; pasid--)
			assert_int_equal(attach_to(s.cdev.device, pasid,
						   s.id[P0 + (pasid & 1)]),
					 0);
		assert_int_equal(uiommu_device_nr_pasids(fx->pci[0].dev), 255);
		if (iommufd_first) {
			fx_close(fx, s.cdev.iommufd);
			assert_int_equal(shows(&s, 7), 1);
			assert_int_equal(attach_to(s.cdev.device, 7, s.id[P0]),
					 0);
			assert_int_equal(shows(&s, 7), 0);
			fx_close(fx, s.cdev.device);
		} else {
			fx_close(fx, s.cdev.device);
			/* All of them are free. */
			for (enum what w = P0; w <= IOAS1; w++)
				assert_int_equal(
					destroy(s.cdev.iommufd, s.id[w]), 0);
			fx_close(fx, s.cdev.iommufd);
		}
		assert_int_equal(uiommu_device_nr_pasids(fx->pci[0].dev), 0);
		assert_int_equal(fx->pins, 0);
		munmap(s.mem, 2 * PAGE);
	}
}

/* A call that runs out of memory leaves all as it was. */
static void out_of_memory(void **state)
{
	struct scene s;
	uint64_t n = 0;
	long rc;

	open_scene(&s, 0);
	do {
		test_platform_fail_nth(&fx->tp, ++n);
		rc = attach_to(s.cdev.device, PASID, s.id[P0]);
		test_platform_fail_nth(&fx->tp, 0);
		if (rc)
			assert_int_equal(rc, -ENOMEM);
		assert_int_equal(shows(&s, PASID), rc ? -1 : 0);
		assert_true(n < 100);
	} while (rc);
	assert_true(n > 2);
	n = 0;
	do {
		test_platform_fail_nth(&fx->tp, ++n);
		rc = attach_to(s.cdev.device, PASID, s.id[IOAS1]);
		test_platform_fail_nth(&fx->tp, 0);
		assert_int_equal(shows(&s, PASID), 0);
		assert_true(n < 100);
	} while (rc == -ENOMEM);
	assert_int_equal(rc, -EINVAL);
	assert_true(n > 2);
	assert_int_equal(attach_to(s.cdev.device, PASID, s.id[P1]), 0);
	close_scene(&s);
}

/* Replacing needs a page table that is filled: errors of that come first. */
static void errors_of_the_trial_come_first(void **state)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE,
		.iova = IOVA,
		.length = PAGE,
		.user_va = FX_HOLE,
	};
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct scene s;

	open_scene(&s, 0);
	assert_int_equal(fx_ioctl(fx, s.cdev.iommufd, IOMMU_IOAS_ALLOC, &alloc),
			 0);
	map.ioas_id = alloc.out_ioas_id;
	assert_int_equal(fx_ioctl(fx, s.cdev.iommufd, IOMMU_IOAS_MAP, &map), 0);
	/* Attaching asks the device first. */
	assert_int_equal(attach_to(s.cdev.device, PASID, map.ioas_id), -EINVAL);
	assert_int_equal(attach_to(s.cdev.device, PASID, s.id[P0]), 0);
	assert_int_equal(attach_to(s.cdev.device, PASID, map.ioas_id), -EFAULT);
	assert_int_equal(shows(&s, PASID), 0);
	assert_int_equal(destroy(s.cdev.iommufd, map.ioas_id), 0);
	close_scene(&s);
}

/* A device that came through its group has no such calls. */
static void not_through_the_group(void **state)
{
	struct fx_legacy legacy;

	fx_legacy_open(fx, &legacy, 0, VFIO_TYPE1v2_IOMMU);
	assert_int_equal(attach_to(legacy.device, PASID, 1), -ENOTTY);
	assert_int_equal(detach(legacy.device, PASID), -ENOTTY);
	fx_legacy_close(fx, &legacy);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, fx_teardown)
	const struct CMUnitTest tests[] = {
		T(every_clause),	  T(without_a_pasid_beside_one),
		T(sizes_and_flags),	  T(answer_cannot_be_written),
		T(the_device_by_number),  T(a_device_without),
		T(a_driver_without),	  T(the_driver_refuses),
		T(somebody_else_has_it),  T(two_of_a_group),
		T(one_of_a_group_goes),	  T(closed_with_everything_attached),
		T(out_of_memory),	  T(errors_of_the_trial_come_first),
		T(not_through_the_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
