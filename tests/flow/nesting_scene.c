/* SPDX-License-Identifier: BSD-2-Clause */
/* nesting_scene.c - see nesting_scene.h. */
#include "nesting_scene.h"

/* ------------------------------------------------------- coming and going -- */

void nest_open_machine(struct guest *g, struct uiommu_machine *machine,
		       unsigned int nr)
{
	struct scene *s = &g->s;

	memset(g, 0, sizeof(*g));
	s->machine = machine;
	s->abi = uiommu_machine_abi(machine);
	s->mem = pages_ok(NR_PAGES * PAGE);
	for (unsigned int i = 0; i < NR_PAGES; i++)
		*(uint64_t *)(void *)(s->mem + i * PAGE) = word_of(i);
	client_open_container(&s->dev[0], machine, 0, VFIO_TYPE1_NESTING_IOMMU);
	s->fd = s->dev[0].space_fd;
	client_master(&s->dev[0], true);
	for (s->nr = 1; s->nr < nr; s->nr++) {
		struct client *c = &s->dev[s->nr];

		assert_int_equal(client_join(c, &s->dev[0], s->nr), 0);
		client_master(c, true);
	}
	guest_boot(g);
}

void nest_map_ok(struct guest *g)
{
	client_map_ok(&g->s.dev[0], g->s.mem, NR_PAGES * PAGE, GPA);
}

void nest_open(struct guest *g, unsigned int nr)
{
	guard_ok();
	nest_open_machine(g, machine_ok("testep,testep"), nr);
	nest_map_ok(g);
}

void nest_close(struct guest *g)
{
	struct scene *s = &g->s;

	while (s->nr > 1)
		client_leave(&s->dev[--s->nr]);
	client_close(&s->dev[0]);
	expect_pinned(s, 0);
	uiommu_machine_destroy(s->machine);
	pages_free(s->mem, NR_PAGES * PAGE);
}

/* ----------------------------------------------------------------- calls -- */

struct vfio_iommu_type1_bind_guest_stage nest_table(unsigned int page_nr,
						    uint8_t bits, uint8_t fmt)
{
	return (struct vfio_iommu_type1_bind_guest_stage){
		.argsz = sizeof(struct vfio_iommu_type1_bind_guest_stage),
		.config = { .flags = VFIO_GUEST_STAGE_PASID_TABLE |
				     VFIO_GUEST_STAGE_EXT,
			    .pasid_table = { .version = 1,
					     .bytes = 24,
					     .base_ptr = gpa(page_nr),
					     .pasid_bits = bits,
					     .s1fmt = fmt,
					     .s1dss = VFIO_GUEST_S1DSS_SSID0 } },
	};
}

int nest_bind(struct guest *g,
	      const struct vfio_iommu_type1_bind_guest_stage *call)
{
	struct vfio_iommu_type1_bind_guest_stage copy = *call;

	return (int)scene_ioctl(&g->s, VFIO_IOMMU_BIND_GUEST_STAGE, &copy);
}

int nest_bind_table(struct guest *g)
{
	const struct vfio_iommu_type1_bind_guest_stage call =
		nest_table(0, 6, VFIO_GUEST_S1FMT_LINEAR);

	return nest_bind(g, &call);
}

int nest_bind_v1(struct guest *g, uint16_t asid)
{
	const struct vfio_iommu_type1_bind_guest_stage call = {
		.argsz = sizeof(call),
		.config = { .flags = VFIO_GUEST_STAGE_SMMUV3_S1,
			    .smmuv3_s1 = { .cdptr_dma = gpa(0),
					   .asid = asid } },
	};

	return nest_bind(g, &call);
}

int nest_bind_state(struct guest *g, uint8_t state)
{
	struct vfio_iommu_type1_bind_guest_stage call =
		nest_table(0, 6, VFIO_GUEST_S1FMT_LINEAR);

	call.config.pasid_table.state = state;
	return nest_bind(g, &call);
}

int nest_unbind(struct guest *g)
{
	const struct vfio_iommu_type1_bind_guest_stage call = {
		.argsz = sizeof(call),
		.flags = VFIO_GUEST_STAGE_UNBIND,
	};

	return nest_bind(g, &call);
}

int nest_forget(struct guest *g, const struct vfio_guest_invalidate_info *info)
{
	struct vfio_iommu_type1_tlb_invalidate call = {
		.argsz = sizeof(call),
		.info = *info,
	};

	return (int)scene_ioctl(&g->s, VFIO_IOMMU_TLB_INVALIDATE, &call);
}

int nest_invalidate(struct guest *g, uint32_t type, uint32_t granularity,
		    uint32_t flags, uint32_t pasid, uint32_t asid,
		    unsigned int at, uint64_t nr_pages)
{
	const struct vfio_guest_invalidate_info info = {
		.hdr = { 1, type },
		.granularity = granularity,
		.flags = flags | (asid ? VFIO_GUEST_INVALIDATE_ARCH_ID : 0),
		.nr_pages = nr_pages,
		.pasid = pasid,
		.arch_id = asid,
		.addr = IOVA + at * PAGE,
	};

	return nest_forget(g, &info);
}

void nest_forget_all(struct guest *g)
{
	static const uint32_t types[] = { VFIO_GUEST_INVALIDATE_PASID_CACHE,
					  VFIO_GUEST_INVALIDATE_TLB,
					  VFIO_GUEST_INVALIDATE_DEVICE_TLB };

	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(
			nest_invalidate(g, types[i],
					VFIO_GUEST_INVALIDATE_ALL_PASIDS, 0, 0,
					0, 0, 0),
			0);
}

int nest_msi(struct guest *g, uint32_t flags)
{
	struct vfio_iommu_type1_bind_msi call = {
		.argsz = sizeof(call),
		.flags = flags,
		.binding = { .iova = IOVA + AT_DOORBELL * PAGE,
			     .gpa = gpa(DOORBELL),
			     .granule = 12 },
	};

	return (int)scene_ioctl(&g->s, VFIO_IOMMU_BIND_MSI, &call);
}

/* ------------------------------------------------------- what devices see -- */

uint64_t reads_tlb(struct guest *g, uint32_t pasid, unsigned int at)
{
	return testep_read_how(&g->s.dev[0], TESTEP_UNTRANSLATED, pasid,
			       IOVA + at * PAGE);
}

uint64_t reads_gpa(struct guest *g, unsigned int page_nr)
{
	return testep_read_word(&g->s.dev[0], 0, gpa(page_nr));
}

uint64_t reads_of(struct guest *g, unsigned int dev, unsigned int at)
{
	return testep_read_word(&g->s.dev[dev], 0, IOVA + at * PAGE);
}
