/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi_guest_test.c - guests through the ABI with an SMMUv3 underneath: what a VMM
 * with an accelerated SMMUv3 calls, and where the DMA of its devices ends.
 *
 * The guest's memory is that of the scene, from GPA on.  It has CDs in page 0, of
 * which CD 0 and CD PASID are used, and stage-1 tables in the pages after it.
 */
#include <sys/eventfd.h>
#include <unistd.h>

#include "abi_scene.h"

#define GPA UINT64_C(0x40000000)
#define IOVA UINT64_C(0x12345000)
#define VSID 0x11u
#define PASID 3u
#define TABLES 1u /* 3 pages each for ASIDs 1 and 2 */
#define DATA 16u
#define ANY_ATS 0x10000000

struct guest {
	struct scene s;
	uint32_t parent, viommu, vdev, nested, events;
	int events_fd;
};

/* -------------------------------------------------- what a guest writes -- */

static uint64_t *page(struct guest *g, unsigned int nr)
{
	return (uint64_t *)(g->s.mem + nr * PAGE);
}

static uint64_t gpa(unsigned int nr)
{
	return GPA + nr * PAGE;
}

static void write_cd(struct guest *g, unsigned int ssid, unsigned int asid)
{
	uint64_t *cd = page(g, 0) + ssid * 8;

	memset(cd, 0, 64);
	cd[1] = gpa(TABLES + 3 * (asid - 1));
	cd[3] = 0xff;
	/* 39 bits, 4K; faults abort and are recorded */
	cd[0] = 0xe205c0003519 | (uint64_t)asid << 48;
}

static void point(struct guest *g, unsigned int asid, unsigned int at,
		  unsigned int data)
{
	unsigned int top = TABLES + 3 * (asid - 1);
	uint64_t iova = IOVA + at * PAGE;

	page(g, top)[iova >> 30 & 511] = gpa(top + 1) | 3;
	page(g, top + 1)[iova >> 21 & 511] = gpa(top + 2) | 3;
	page(g, top + 2)[iova >> 12 & 511] = gpa(data) | 0xf43;
}

static uint64_t reads(struct guest *g, uint32_t pasid, unsigned int at)
{
	return testep_read_word(&g->s.dev[0], pasid, IOVA + at * PAGE);
}

/* ----------------------------------------------------------------- calls -- */

static int nested_alloc(struct guest *g, uint32_t pt, uint64_t q0, uint64_t q1,
			uint32_t *id)
{
	const struct iommu_hwpt_arm_smmuv3 ste = { { q0, q1 } };
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.dev_id = g->s.dev_id[0],
		.pt_id = pt,
		.data_type = IOMMU_HWPT_DATA_ARM_SMMUV3,
		.data_len = sizeof(ste),
		.data_uptr = (uintptr_t)&ste,
	};
	int rc = (int)scene_ioctl(&g->s, IOMMU_HWPT_ALLOC, &cmd);

	*id = cmd.out_hwpt_id;
	return rc;
}

static int viommu_alloc(struct guest *g, uint32_t type, uint32_t hwpt,
			uint32_t *id)
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

static int vdevice_alloc(struct guest *g, unsigned int dev, uint64_t vsid,
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

static int commands(struct guest *g, const uint64_t (*cmds)[2], uint32_t nr,
		    uint32_t *done)
{
	struct iommu_hwpt_invalidate cmd = {
		.size = sizeof(cmd),
		.hwpt_id = g->viommu,
		.data_uptr = (uintptr_t)cmds,
		.data_type = IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
		.entry_len = 16,
		.entry_num = nr,
	};
	int rc = (int)scene_ioctl(&g->s, IOMMU_HWPT_INVALIDATE, &cmd);

	*done = cmd.entry_num;
	return rc;
}

static void command(struct guest *g, uint64_t q0, uint64_t q1)
{
	const uint64_t cmd[1][2] = { { q0, q1 } };
	uint32_t done;

	assert_int_equal(commands(g, cmd, 1, &done), 0);
	assert_int_equal(done, 1);
}

struct event {
	struct iommufd_vevent_header header;
	struct iommu_vevent_arm_smmuv3 smmu;
};

static ssize_t next_event(struct guest *g, struct event *event)
{
	return uiommu_abi_read(g->s.abi, g->events_fd, (uintptr_t)event,
			       sizeof(*event));
}

/* ------------------------------------------------------- coming and going -- */

/* As QEMU does when the guest's SMMU and its device come up. */
static void guest_open(struct guest *g)
{
	struct iommu_veventq_alloc events = {
		.size = sizeof(events),
		.type = IOMMU_VEVENTQ_TYPE_ARM_SMMUV3,
		.veventq_depth = 8,
	};
	uint32_t pt;

	scene_open(&g->s, 2);
	assert_int_equal(map_fixed(&g->s, g->s.ioas, 0, NR_PAGES, GPA), 0);
	assert_int_equal(hwpt_alloc(&g->s, 0, g->s.ioas,
				    IOMMU_HWPT_ALLOC_NEST_PARENT, &g->parent),
			 0);
	pt = g->parent;
	assert_int_equal(attach(&g->s, 0, &pt), 0);
	assert_int_equal(viommu_alloc(g, IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
				      g->parent, &g->viommu),
			 0);
	events.viommu_id = g->viommu;
	assert_int_equal(scene_ioctl(&g->s, IOMMU_VEVENTQ_ALLOC, &events), 0);
	g->events = events.out_veventq_id;
	g->events_fd = (int)events.out_veventq_fd;
	assert_int_equal(vdevice_alloc(g, 0, VSID, &g->vdev), 0);
	write_cd(g, 0, 1);
	write_cd(g, PASID, 2);
	point(g, 1, 0, DATA);
	point(g, 2, 0, DATA + 1);
	assert_int_equal(nested_alloc(g, g->viommu, 0x300000000000000b | GPA,
				      ANY_ATS | 0xd6, &g->nested),
			 0);
	pt = g->nested;
	assert_int_equal(attach(&g->s, 0, &pt), 0);
	assert_int_equal(pt, g->nested);
}

static void guest_close(struct guest *g)
{
	assert_int_equal(uiommu_abi_close(g->s.abi, g->events_fd), 0);
	scene_close(&g->s);
}

/* ----------------------------------------------------------------- stories -- */

static void a_guest_translates(void **state)
{
	struct guest g;
	uint32_t id, pt;

	guest_open(&g);
	assert_int_equal(reads(&g, 0, 0), word_of(DATA));
	assert_int_equal(reads(&g, PASID, 0), word_of(DATA + 1));
	/* Its own tables, then none, then nothing at all, and again. */
	assert_int_equal(nested_alloc(&g, g.viommu, 0x9, 0, &id), 0);
	pt = id;
	assert_int_equal(attach(&g.s, 0, &pt), 0);
	assert_int_equal(testep_read_word(&g.s.dev[0], 0, gpa(DATA + 2)),
			 word_of(DATA + 2));
	assert_int_equal(reads(&g, 0, 0), 0);
	assert_int_equal(destroy(&g.s, id), -EBUSY);
	pt = g.nested;
	assert_int_equal(attach(&g.s, 0, &pt), 0);
	assert_int_equal(destroy(&g.s, id), 0);
	assert_int_equal(nested_alloc(&g, g.viommu, 0x1, 0, &id), 0);
	pt = id;
	assert_int_equal(attach(&g.s, 0, &pt), 0);
	assert_int_equal(reads(&g, 0, 0), 0);
	assert_int_equal(testep_read_word(&g.s.dev[0], 0, gpa(DATA + 2)), 0);
	pt = g.nested;
	assert_int_equal(attach(&g.s, 0, &pt), 0);
	assert_int_equal(reads(&g, 0, 0), word_of(DATA));
	/* The other device is the host's as before. */
	assert_int_equal(testep_read_word(&g.s.dev[1], 0, gpa(DATA)),
			 word_of(DATA));
	guest_close(&g);
}

static void a_guest_invalidates(void **state)
{
	const uint64_t cmds[3][2] = {
		{ 0x0001000000000012, IOVA | 1 },
		{ (uint64_t)VSID << 32 | 0x40, IOVA },
		{ (uint64_t)(VSID + 1) << 32 | 0x40, IOVA },
	};
	struct guest g;
	uint32_t done;

	guest_open(&g);
	assert_int_equal(reads(&g, 0, 0), word_of(DATA));
	point(&g, 1, 0, DATA + 5);
	assert_int_equal(commands(&g, cmds, 3, &done), -EIO);
	assert_int_equal(done, 2);
	assert_int_equal(reads(&g, 0, 0), word_of(DATA + 5));
	/* The other device, once the guest has it, has a number too. */
	write_cd(&g, 0, 2);
	command(&g, (uint64_t)VSID << 32 | 6, 0);
	command(&g, (uint64_t)VSID << 32 | 0x40, 52);
	assert_int_equal(reads(&g, 0, 0), word_of(DATA + 1));
	assert_int_equal(commands(&g, cmds, 0, &done), -EINVAL);
	guest_close(&g);
}

static void a_guest_is_told_of_faults(void **state)
{
	struct event event;
	struct guest g;

	guest_open(&g);
	assert_int_equal(next_event(&g, &event), 0);
	/* An access that is untranslated, as ATS tells of nothing. */
	assert_int_equal(testep_go(&g.s.dev[0], 1,
				   TESTEP_READ | TESTEP_UNTRANSLATED,
				   IOVA + 7 * PAGE, 8),
			 TESTEP_ABORTED);
	assert_int_equal(next_event(&g, &event), sizeof(event));
	assert_int_equal(event.header.flags, 0);
	assert_int_equal(event.header.sequence, 0);
	assert_int_equal(event.smmu.evt[0] & 0xff, 0x10);
	assert_int_equal(event.smmu.evt[0] >> 32, VSID);
	assert_int_equal(event.smmu.evt[2], IOVA + 7 * PAGE);
	assert_int_equal(next_event(&g, &event), 0);
	guest_close(&g);
}

/*
 * A page that the guest has not mapped yet, of a PASID that it gave out: the device
 * waits, the guest maps and answers.
 */
static void a_guest_answers_page_faults(void **state)
{
	struct iommu_fault_alloc queue = { .size = sizeof(queue) };
	const struct iommu_hwpt_arm_smmuv3 ste = { { 0x300000000000000b | GPA,
						     ANY_ATS | 0xd6 } };
	struct iommu_hwpt_page_response answer;
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_HWPT_FAULT_ID_VALID,
		.data_type = IOMMU_HWPT_DATA_ARM_SMMUV3,
		.data_len = sizeof(ste),
		.data_uptr = (uintptr_t)&ste,
	};
	struct iommu_hwpt_pgfault f;
	struct guest g;
	uint32_t pt;
	int fd;

	guest_open(&g);
	assert_int_equal(scene_ioctl(&g.s, IOMMU_FAULT_QUEUE_ALLOC, &queue), 0);
	fd = (int)queue.out_fault_fd;
	cmd.dev_id = g.s.dev_id[0];
	cmd.pt_id = g.viommu;
	cmd.fault_id = queue.out_fault_id;
	assert_int_equal(scene_ioctl(&g.s, IOMMU_HWPT_ALLOC, &cmd), 0);
	pt = cmd.out_hwpt_id;
	assert_int_equal(attach(&g.s, 0, &pt), 0);
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t pasid = i ? PASID : 0;

		assert_int_equal(testep_go_as(&g.s.dev[0], 2, pasid,
					      TESTEP_READ, IOVA + 9 * PAGE, 8),
				 TESTEP_WORKING);
		assert_int_equal(uiommu_abi_read(g.s.abi, fd, (uintptr_t)&f,
						 sizeof(f)),
				 sizeof(f));
		assert_int_equal(f.addr, IOVA + 9 * PAGE);
		assert_int_equal(f.dev_id, g.s.dev_id[0]);
		assert_int_equal(f.flags & IOMMU_PGFAULT_FLAGS_PASID_VALID,
				 i ? IOMMU_PGFAULT_FLAGS_PASID_VALID : 0);
		assert_int_equal(f.pasid, pasid);
		point(&g, i + 1, 9, DATA + 20 + i);
		answer = (struct iommu_hwpt_page_response){
			f.cookie, IOMMUFD_PAGE_RESP_SUCCESS
		};
		assert_int_equal(uiommu_abi_write(g.s.abi, fd,
						  (uintptr_t)&answer,
						  sizeof(answer)),
				 sizeof(answer));
		assert_int_equal(testep_status(&g.s.dev[0], 2), TESTEP_OK);
		assert_int_equal(testep_word(&g.s.dev[0], 2),
				 word_of(DATA + 20 + i));
	}
	/* One that waits when the guest loses the device is over. */
	assert_int_equal(testep_go_as(&g.s.dev[0], 2, PASID, TESTEP_READ,
				      IOVA + 10 * PAGE, 8),
			 TESTEP_WORKING);
	pt = g.parent;
	assert_int_equal(attach(&g.s, 0, &pt), 0);
	assert_int_equal(testep_status(&g.s.dev[0], 2), TESTEP_ABORTED);
	assert_int_equal(uiommu_abi_read(g.s.abi, fd, (uintptr_t)&f, sizeof(f)),
			 0);
	assert_int_equal(uiommu_abi_close(g.s.abi, fd), 0);
	guest_close(&g);
}

/*
 * The doorbell is in the host's stage 2; the guest's tables have to lead there.
 * Until they do an interrupt is a fault of the guest's, not one without trace.
 */
static void interrupts_pass_both_stages(void **state)
{
	int efd = eventfd(0, EFD_NONBLOCK);
	struct event event;
	struct guest g;
	uint64_t count;

	guest_open(&g);
	client_msix_ok(&g.s.dev[0], &efd, 1);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(testep_go(&g.s.dev[0], 2,
					   TESTEP_READ | TESTEP_IRQ_VECTOR(0),
					   IOVA, 8),
				 TESTEP_OK);
		if (i) {
			assert_int_equal(read(efd, &count, 8), 8);
			assert_int_equal(count, 1);
			assert_int_equal(next_event(&g, &event), 0);
			continue;
		}
		assert_int_equal(read(efd, &count, 8), -1);
		assert_int_equal(next_event(&g, &event), sizeof(event));
		assert_int_equal(event.smmu.evt[0] & 0xff, 0x10);
		assert_int_equal(event.smmu.evt[2] & ~(PAGE - 1), MSI_FIRST);
		/* A table for 2 MiB from the window on, of ASID 1. */
		page(&g, TABLES + 1)[MSI_FIRST >> 21 & 511] = gpa(8) | 3;
		page(&g, 8)[MSI_FIRST >> 12 & 511] = MSI_FIRST | 0xf43;
	}
	close(efd);
	guest_close(&g);
}

/* While TLBs and an ATC hold what both stages made. */
static void the_host_takes_memory_back(void **state)
{
	struct guest g;

	guest_open(&g);
	assert_int_equal(reads(&g, 0, 0), word_of(DATA));
	assert_int_equal(reads(&g, PASID, 0), word_of(DATA + 1));
	assert_int_equal(unmap_len(&g.s, g.s.ioas, GPA, NR_PAGES * PAGE), 0);
	expect_pinned(&g.s, 0);
	assert_int_equal(reads(&g, 0, 0), 0);
	assert_int_equal(reads(&g, PASID, 0), 0);
	assert_int_equal(map_fixed(&g.s, g.s.ioas, 0, NR_PAGES, GPA), 0);
	assert_int_equal(reads(&g, 0, 0), word_of(DATA));
	guest_close(&g);
}

/* The device is taken out while the guest has it. */
static void the_device_goes_first(void **state)
{
	struct guest g;

	guest_open(&g);
	assert_int_equal(destroy(&g.s, g.viommu), -EBUSY);
	assert_int_equal(uiommu_abi_close(g.s.abi, g.s.dev[0].dev_fd), 0);
	assert_int_equal(destroy(&g.s, g.vdev), -ENOENT);
	assert_int_equal(destroy(&g.s, g.nested), 0);
	assert_int_equal(uiommu_abi_close(g.s.abi, g.events_fd), 0);
	assert_int_equal(destroy(&g.s, g.events), 0);
	assert_int_equal(destroy(&g.s, g.viommu), 0);
	assert_int_equal(destroy(&g.s, g.parent), 0);
	g.s.dev[0] = g.s.dev[1];
	g.s.nr = 1;
	g.s.dev_id[0] = g.s.dev_id[1];
	scene_close(&g.s);
}

static void what_the_SMMU_refuses(void **state)
{
	uint32_t id, plain, pt;
	struct guest g;

	guest_open(&g);
	assert_int_equal(viommu_alloc(&g, IOMMU_VIOMMU_TYPE_TEGRA241_CMDQV,
				      g.parent, &id),
			 -EOPNOTSUPP);
	assert_int_equal(hwpt_alloc(&g.s, 0, g.s.ioas, 0, &plain), 0);
	assert_int_equal(viommu_alloc(&g, IOMMU_VIOMMU_TYPE_ARM_SMMUV3, plain,
				      &id),
			 -EINVAL);
	/* Only by way of the vIOMMU. */
	assert_int_equal(nested_alloc(&g, g.parent, 0xb, 0, &id), -EOPNOTSUPP);
	/* Stage 2 is not the guest's. */
	assert_int_equal(nested_alloc(&g, g.viommu, 0xd, 0, &id), -EIO);
	assert_int_equal(nested_alloc(&g, g.viommu, 0xb, 1ull << 44, &id),
			 -EIO);
	/* A device that the guest does not know. */
	pt = g.nested;
	assert_int_equal(attach(&g.s, 1, &pt), -ENOENT);
	assert_int_equal(testep_read_word(&g.s.dev[1], 0, gpa(DATA)),
			 word_of(DATA));
	assert_int_equal(vdevice_alloc(&g, 1, VSID, &id), -EEXIST);
	assert_int_equal(vdevice_alloc(&g, 1, VSID + 1, &id), 0);
	assert_int_equal(attach(&g.s, 1, &pt), 0);
	assert_int_equal(testep_read_word(&g.s.dev[1], 0, IOVA), word_of(DATA));
	assert_int_equal(destroy(&g.s, plain), 0);
	guest_close(&g);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(a_guest_translates),
		cmocka_unit_test(a_guest_invalidates),
		cmocka_unit_test(a_guest_is_told_of_faults),
		cmocka_unit_test(a_guest_answers_page_faults),
		cmocka_unit_test(interrupts_pass_both_stages),
		cmocka_unit_test(the_host_takes_memory_back),
		cmocka_unit_test(the_device_goes_first),
		cmocka_unit_test(what_the_SMMU_refuses),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
