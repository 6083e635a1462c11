/* SPDX-License-Identifier: BSD-2-Clause */
/* guest.c - see guest.h. */
#include "base/atomic.h"

#include "guest.h"

/* -------------------------------------------------- what a guest writes -- */

uint64_t *page(struct guest *g, unsigned int nr)
{
	return (uint64_t *)(void *)(g->s.mem + nr * PAGE);
}

uint64_t gpa(unsigned int nr)
{
	return GPA + nr * PAGE;
}

void write_cd(struct guest *g, unsigned int ssid, unsigned int asid)
{
	uint64_t *cd = page(g, 0) + ssid * 8;

	for (unsigned int i = 0; i < 8; i++)
		store_release(&cd[i], 0);
	store_release(&cd[1], gpa(TABLES + 3 * (asid - 1)));
	store_release(&cd[3], 0xff);
	store_release(&cd[0], 0xe205c0003519 | (uint64_t)asid << 48);
}

void point(struct guest *g, unsigned int asid, unsigned int at,
	   unsigned int data)
{
	unsigned int top = TABLES + 3 * (asid - 1);
	uint64_t iova = IOVA + at * PAGE;

	store_release(&page(g, top + 2)[iova >> 12 & 511],
		      data ? gpa(data) | 0xf43 : 0);
	store_release(&page(g, top + 1)[iova >> 21 & 511], gpa(top + 2) | 3);
	store_release(&page(g, top)[iova >> 30 & 511], gpa(top + 1) | 3);
}

uint64_t reads(struct guest *g, uint32_t pasid, unsigned int at)
{
	return testep_read_word(&g->s.dev[0], pasid, IOVA + at * PAGE);
}

/* ----------------------------------------------------------------- calls -- */

int nested_alloc_with(struct guest *g, uint32_t pt, uint64_t q0, uint64_t q1,
		      uint32_t fault, uint32_t *id)
{
	const struct iommu_hwpt_arm_smmuv3 ste = { { q0, q1 } };
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = fault ? IOMMU_HWPT_FAULT_ID_VALID : 0,
		.dev_id = g->s.dev_id[0],
		.pt_id = pt,
		.data_type = IOMMU_HWPT_DATA_ARM_SMMUV3,
		.data_len = sizeof(ste),
		.data_uptr = (uintptr_t)&ste,
		.fault_id = fault,
	};
	int rc = (int)scene_ioctl(&g->s, IOMMU_HWPT_ALLOC, &cmd);

	*id = cmd.out_hwpt_id;
	return rc;
}

int nested_alloc(struct guest *g, uint32_t pt, uint64_t q0, uint64_t q1,
		 uint32_t *id)
{
	return nested_alloc_with(g, pt, q0, q1, 0, id);
}

void attach_ok(struct guest *g, uint32_t pt)
{
	uint32_t id = pt;

	assert_int_equal(attach(&g->s, 0, &id), 0);
	assert_int_equal(id, pt);
}

int viommu_alloc(struct guest *g, uint32_t type, uint32_t hwpt, uint32_t *id)
{
	struct iommu_viommu_alloc cmd = {
		.size = sizeof(cmd),
		.type = type,
		.dev_id = g->s.dev_id[0],
		.hwpt_id = hwpt,
	};
	int rc = (int)scene_ioctl(&g->s, IOMMU_VIOMMU_ALLOC, &cmd);

	*id = cmd.out_viommu_id;
	return rc;
}

int vdevice_alloc(struct guest *g, unsigned int dev, uint64_t vsid,
		  uint32_t *id)
{
	struct iommu_vdevice_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = g->viommu,
		.dev_id = g->s.dev_id[dev],
		.virt_id = vsid,
	};
	int rc = (int)scene_ioctl(&g->s, IOMMU_VDEVICE_ALLOC, &cmd);

	*id = cmd.out_vdevice_id;
	return rc;
}

int veventq_alloc(struct guest *g, uint32_t depth, uint32_t *id, int *fd)
{
	struct iommu_veventq_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = g->viommu,
		.type = IOMMU_VEVENTQ_TYPE_ARM_SMMUV3,
		.veventq_depth = depth,
	};
	int rc = (int)scene_ioctl(&g->s, IOMMU_VEVENTQ_ALLOC, &cmd);

	*id = cmd.out_veventq_id;
	*fd = (int)cmd.out_veventq_fd;
	return rc;
}

int commands(struct guest *g, const uint64_t (*cmds)[2], uint32_t nr,
	     uint32_t *done)
{
	struct iommu_hwpt_invalidate cmd = {
		.size = sizeof(cmd),
		.hwpt_id = load_acquire(&g->viommu),
		.data_uptr = (uintptr_t)cmds,
		.data_type = IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
		.entry_len = 16,
		.entry_num = nr,
	};
	int rc = (int)scene_ioctl(&g->s, IOMMU_HWPT_INVALIDATE, &cmd);

	*done = cmd.entry_num;
	return rc;
}

void command(struct guest *g, uint64_t q0, uint64_t q1)
{
	const uint64_t cmd[1][2] = { { q0, q1 } };
	uint32_t done;

	assert_int_equal(commands(g, cmd, 1, &done), 0);
	assert_int_equal(done, 1);
}

ssize_t next_event(struct guest *g, struct event *event)
{
	return uiommu_abi_read(g->s.abi, load_acquire(&g->events_fd),
			       (uintptr_t)event, sizeof(*event));
}

/* ------------------------------------------------------- coming and going -- */

void guest_boot(struct guest *g)
{
	write_cd(g, 0, 1);
	write_cd(g, PASID, 2);
	point(g, 1, 0, DATA);
	point(g, 2, 0, DATA + 1);
}

void guest_start_with(struct guest *g, uint32_t parent_flags)
{
	assert_int_equal(map_fixed(&g->s, g->s.ioas, 0, NR_PAGES, GPA), 0);
	assert_int_equal(hwpt_alloc(&g->s, 0, g->s.ioas,
				    IOMMU_HWPT_ALLOC_NEST_PARENT | parent_flags,
				    &g->parent),
			 0);
	attach_ok(g, g->parent);
	assert_int_equal(viommu_alloc(g, IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
				      g->parent, &g->viommu),
			 0);
	assert_int_equal(veventq_alloc(g, 8, &g->events, &g->events_fd), 0);
	assert_int_equal(vdevice_alloc(g, 0, VSID, &g->vdev), 0);
	guest_boot(g);
	assert_int_equal(
		nested_alloc(g, g->viommu, STE_S1_0, STE_S1_1, &g->nested), 0);
	attach_ok(g, g->nested);
}

void guest_start(struct guest *g)
{
	guest_start_with(g, 0);
}

void guest_open(struct guest *g)
{
	scene_open(&g->s, 2);
	guest_start(g);
}

void guest_close(struct guest *g)
{
	assert_int_equal(uiommu_abi_close(g->s.abi, g->events_fd), 0);
	scene_close(&g->s);
}
