/* SPDX-License-Identifier: BSD-2-Clause */
/* See nesting_scene.h. */
#include "nesting_scene.h"

struct fx *fx;
struct fx_legacy legacy;
int con, far;
uint64_t mem;

int open_group(unsigned int dev)
{
	char path[64];

	return fx_open(fx, fx_group_path(fx, dev, path));
}

int nest_setup(void **state)
{
	fx_setup(state);
	fx = *state;
	fx->unit[0].guests = fx->unit[1].guests = true;
	fx_legacy_open(fx, &legacy, 0, VFIO_TYPE1_NESTING_IOMMU);
	con = legacy.container;
	far = -1;
	mem = (uintptr_t)mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return 0;
}

int nest_teardown(void **state)
{
	if (far >= 0)
		fx_close(fx, far);
	fx_legacy_close(fx, &legacy);
	munmap((void *)(uintptr_t)mem, MEM_SIZE);
	return fx_teardown(state);
}

long add_far(void)
{
	if (far < 0)
		far = open_group(4);
	return fx_ioctl(fx, far, VFIO_GROUP_SET_CONTAINER, &con);
}

void add_far_ok(void)
{
	assert_int_equal(add_far(), 0);
	assert_int_equal(fx->unit[1].parents, 1);
}

const struct uiommu_pasid_table *table_of(unsigned int dev)
{
	return fake_unit_table(&fx->unit[dev == 4], fx->bdf[dev]);
}

uint64_t base_of(unsigned int dev)
{
	return table_of(dev) ? table_of(dev)->base : 0;
}

/* ----------------------------------------------------------------- calls -- */

bind_call table_call(uint64_t base)
{
	return (bind_call){
		.argsz = sizeof(bind_call),
		.config = { .flags = VFIO_GUEST_STAGE_PASID_TABLE |
				     VFIO_GUEST_STAGE_EXT,
			    .pasid_table = { .version = 1,
					     .bytes = 20,
					     .base_ptr = base,
					     .pasid_bits = 6,
					     .s1fmt = VFIO_GUEST_S1FMT_4K_L2,
					     .s1dss =
						     VFIO_GUEST_S1DSS_BYPASS } },
	};
}

long bind(bind_call call)
{
	return fx_ioctl(fx, con, VFIO_IOMMU_BIND_GUEST_STAGE, &call);
}

long unbind(void)
{
	return bind((bind_call){ .argsz = sizeof(bind_call),
				 .flags = VFIO_GUEST_STAGE_UNBIND });
}

inv_call inv_pages(void)
{
	return (inv_call){
		.argsz = sizeof(inv_call),
		.info = { .hdr = { 1, VFIO_GUEST_INVALIDATE_TLB },
			  .granularity = VFIO_GUEST_INVALIDATE_PAGES,
			  .flags = VFIO_GUEST_INVALIDATE_LEAF |
				   VFIO_GUEST_INVALIDATE_ARCH_ID,
			  .size = 9,
			  .nr_pages = 3,
			  .pasid = 5,
			  .arch_id = 77,
			  .addr = 0x12200000 },
	};
}

long invalidate(inv_call call)
{
	return fx_ioctl(fx, con, VFIO_IOMMU_TLB_INVALIDATE, &call);
}

long msi(uint32_t flags, uint64_t iova, uint64_t gpa, uint32_t granule)
{
	msi_call call = {
		.argsz = sizeof(call),
		.flags = flags,
		.binding = { .iova = iova, .gpa = gpa, .granule = granule },
	};

	return fx_ioctl(fx, con, VFIO_IOMMU_BIND_MSI, &call);
}

void each_bad(unsigned long nr, const void *good, size_t size,
	      const struct bad *bad, unsigned int nr_bad)
{
	uint8_t call[64];

	for (unsigned int i = 0; i < nr_bad; i++) {
		long rc;

		memcpy(call, good, size);
		memcpy(call + bad[i].at, &bad[i].val, bad[i].len);
		rc = fx_ioctl(fx, con, nr, call);
		if (rc != bad[i].rc)
			fail_msg("row %u: %ld, not %ld", i, rc, bad[i].rc);
	}
	assert_int_equal(fx_ioctl_val(fx, con, nr, FX_BAD_PTR), -EFAULT);
	/* What it would do is done by nothing of it. */
	memcpy(call, good, size);
	fx->arena[0] = (uintptr_t)call;
	fx->arena[1] = (uintptr_t)call + size - 1;
	assert_int_equal(fx_ioctl(fx, con, nr, call), -EFAULT);
	fx->arena[0] = fx->arena[1] = 0;
}
