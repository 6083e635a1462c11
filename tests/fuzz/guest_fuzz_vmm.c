/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a VMM does for a guest: its memory behind stage 2, a vIOMMU, devices that
 * the guest has numbers for, queues for events and faults.
 */
#include <unistd.h>

#include "guest_fuzz.h"

long vmm_ioctl(struct vmm *g, unsigned long cmd, void *arg)
{
	return client_ioctl(g->dev[0].abi, g->dev[0].space_fd, cmd, arg);
}

int vmm_map(struct vmm *g, unsigned int area)
{
	return client_map(&g->dev[0], g->mem + area * AREA, AREA,
			  GEN_BASE + area * AREA);
}

int vmm_unmap(struct vmm *g, unsigned int area)
{
	return client_unmap(&g->dev[0], GEN_BASE + area * AREA, AREA);
}

void vmm_destroy(struct vmm *g, uint32_t *id)
{
	struct iommu_destroy cmd = { sizeof(cmd), *id };

	if (*id && !vmm_ioctl(g, IOMMU_DESTROY, &cmd))
		*id = 0;
}

int vmm_table(struct vmm *g, unsigned int dev, uint32_t flags,
	      const uint64_t ste[2], uint32_t *id)
{
	const struct iommu_hwpt_arm_smmuv3 words = { { ste[0], ste[1] } };
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dev_id = g->dev[dev].dev_id,
		.pt_id = g->viommu,
		.data_type = IOMMU_HWPT_DATA_ARM_SMMUV3,
		.data_len = sizeof(words),
		.data_uptr = (uintptr_t)&words,
		.fault_id = flags & IOMMU_HWPT_FAULT_ID_VALID ? g->faults : 0,
	};
	int rc = (int)vmm_ioctl(g, IOMMU_HWPT_ALLOC, &cmd);

	*id = rc ? 0 : cmd.out_hwpt_id;
	return rc;
}

int vmm_vdevice(struct vmm *g, unsigned int dev, uint64_t vsid)
{
	struct iommu_vdevice_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = g->viommu,
		.dev_id = g->dev[dev].dev_id,
		.virt_id = vsid,
	};
	int rc = (int)vmm_ioctl(g, IOMMU_VDEVICE_ALLOC, &cmd);

	if (!rc)
		g->vdev[dev] = cmd.out_vdevice_id;
	return rc;
}

static void make_viommu(struct vmm *g)
{
	struct iommu_viommu_alloc cmd = {
		.size = sizeof(cmd),
		.type = IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
		.dev_id = g->dev[0].dev_id,
		.hwpt_id = g->parent,
	};

	assert_int_equal(vmm_ioctl(g, IOMMU_VIOMMU_ALLOC, &cmd), 0);
	g->viommu = cmd.out_viommu_id;
}

/* --------------------------------------------------------------- queues -- */

int vmm_events(struct vmm *g, uint32_t depth)
{
	struct iommu_veventq_alloc cmd = {
		.size = sizeof(cmd),
		.viommu_id = g->viommu,
		.type = IOMMU_VEVENTQ_TYPE_ARM_SMMUV3,
		.veventq_depth = depth,
	};
	int rc = (int)vmm_ioctl(g, IOMMU_VEVENTQ_ALLOC, &cmd);

	g->events = rc ? 0 : cmd.out_veventq_id;
	g->events_fd = rc ? -1 : (int)cmd.out_veventq_fd;
	return rc;
}

static void make_faults(struct vmm *g)
{
	struct iommu_fault_alloc cmd = { .size = sizeof(cmd) };

	assert_int_equal(vmm_ioctl(g, IOMMU_FAULT_QUEUE_ALLOC, &cmd), 0);
	g->faults = cmd.out_fault_id;
	g->faults_fd = (int)cmd.out_fault_fd;
}

/* A mark of lost events comes alone, and is an event without words. */
bool vmm_event(struct vmm *g, struct vmm_event *event)
{
	ssize_t len;

	if (g->events_fd < 0)
		return false;
	memset(event, 0, sizeof(*event));
	len = uiommu_abi_read(g->dev[0].abi, g->events_fd, (uintptr_t)event,
			      sizeof(*event));
	assert_true(len == 0 || len == sizeof(event->header) ||
		    len == sizeof(*event));
	return len;
}

bool vmm_fault(struct vmm *g, struct iommu_hwpt_pgfault *fault)
{
	ssize_t len = uiommu_abi_read(g->dev[0].abi, g->faults_fd,
				      (uintptr_t)fault, sizeof(*fault));

	assert_true(len == 0 || len == sizeof(*fault));
	return len;
}

/* ------------------------------------------------------- coming and going -- */

static void put_word(void *arg, uint64_t pa, uint64_t word)
{
	memcpy((uint8_t *)arg + (pa - GEN_BASE), &word, sizeof(word));
}

/* There are CDs 0 and PASID, which has the pages the other way. */
static void make_world(struct vmm *g)
{
	gen_world(put_word, g->mem);
	memset(g->mem + GEN_CDS - GEN_BASE + 64, 0, 7 * 64);
	put_word(g->mem, GEN_CDS + PASID * 64u, 0x00026205c0000010ull);
	put_word(g->mem, GEN_CDS + PASID * 64u + 8, gen_table(8));
	put_word(g->mem, GEN_CDS + PASID * 64u + 24, 0xff);
	for (unsigned int i = 8; i < 11; i++)
		put_word(g->mem, gen_table((uint8_t)i),
			 gen_table((uint8_t)(i + 1)) | 3);
	for (unsigned int i = 0; i < 16; i++)
		put_word(g->mem, gen_table(11) + 8 * i,
			 (GEN_DATA + (15 - i) * (uint64_t)PAGE) | 0xc43);
	/* The doorbell, for CD 0. */
	put_word(g->mem, gen_table(2) + 8 * (MSI_FIRST >> 21),
		 gen_table(12) | 3);
	put_word(g->mem, gen_table(12), MSI_FIRST | 0xc43);
}

void vmm_open(struct vmm *g, struct uiommu_machine *machine, uint8_t *mem,
	      unsigned int first, unsigned int nr)
{
	/* 8 CDs, S1DSS = SSID0, ATS */
	static const uint64_t ste[2] = { 0x180000000000000bull | GEN_CDS,
					 0x100000d6 };

	memset(g, 0, sizeof(*g));
	g->mem = mem;
	g->nr = nr;
	make_world(g);
	client_open_iommufd(&g->dev[0], machine, first);
	for (unsigned int i = 1; i < nr; i++)
		client_open_beside(&g->dev[i], &g->dev[0], first + i);
	for (unsigned int i = 0; i < NR_AREAS; i++)
		assert_int_equal(vmm_map(g, i), 0);
	g->parent = client_hwpt_ok(&g->dev[0], g->dev[0].ioas_id,
				   IOMMU_HWPT_ALLOC_NEST_PARENT |
					   IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	make_viommu(g);
	make_faults(g);
	assert_int_equal(vmm_events(g, 8), 0);
	assert_int_equal(vmm_table(g, 0, IOMMU_HWPT_FAULT_ID_VALID, ste,
				   &g->table[0]),
			 0);
	for (unsigned int i = 0; i < nr; i++) {
		assert_int_equal(client_attach(&g->dev[i], 0, g->parent), 0);
		assert_int_equal(vmm_vdevice(g, i, VSID + i), 0);
		assert_int_equal(client_attach(&g->dev[i], 0, g->table[0]), 0);
		client_master(&g->dev[i], true);
	}
}

void close_file(struct uiommu_abi *abi, int fd)
{
	if (fd < 0)
		return;
	assert_int_equal(uiommu_abi_close(abi, fd), 0);
	close(fd);
}

void vmm_close(struct vmm *g)
{
	struct uiommu_abi *abi = g->dev[0].abi;

	close_file(abi, g->events_fd);
	close_file(abi, g->faults_fd);
	for (unsigned int i = 0; i < g->nr; i++)
		close_file(abi, g->dev[i].dev_fd);
	close_file(abi, g->dev[0].space_fd);
}
