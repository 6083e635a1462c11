/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program that gives a device two address spaces by PASID beside its own, and
 * asks which pages of one the device has written to.  The device is the test
 * endpoint.
 */
#include "client.h"

#define IOVA UINT64_C(0x40000000)
#define PAGE 4096u
#define PAGES 8u

/* Registers of the device's first slot, in BAR 0. */
#define SLOT 0x4000
#define DATA 0x40000
#define ADDR (SLOT + 0x00)
#define COMMAND (SLOT + 0x08)
#define SSID (SLOT + 0x0c)
#define STATUS (SLOT + 0x10)
#define LEN (SLOT + 0x14)
#define START 0x1u
#define READ 0x10u
#define WITH_PASID 0x100u

struct work {
	struct client c;
	uint32_t dev_id;
	uint32_t ioas[2], hwpt[2];
	uint8_t *mem[2];
};

static void wr(struct work *w, unsigned int off, uint64_t val, unsigned int n)
{
	CHECK(pwrite(w->c.device, &val, n, off) == n);
}

static uint64_t rd(struct work *w, unsigned int off, unsigned int n)
{
	uint64_t val = 0;

	CHECK(pread(w->c.device, &val, n, off) == n);
	return val;
}

/* A word from or to IOVA + off; 0: done. */
static uint32_t dma(struct work *w, uint32_t pasid, uint32_t ctrl, uint64_t off)
{
	wr(w, ADDR, IOVA + off, 8);
	wr(w, LEN, 8, 4);
	wr(w, SSID, pasid, 4);
	wr(w, COMMAND, ctrl | (pasid ? WITH_PASID : 0) | START, 4);
	return (uint32_t)rd(w, STATUS, 4);
}

/* What it reads; 0: nothing. */
static uint64_t sees(struct work *w, uint32_t pasid)
{
	wr(w, DATA, 0xdead, 8);
	return dma(w, pasid, READ, 0) ? 0 : rd(w, DATA, 8);
}

static int attach(struct work *w, uint32_t pasid, uint32_t pt)
{
	struct vfio_device_attach_iommufd_pt cmd = {
		.argsz = sizeof(cmd),
		.flags = pasid ? VFIO_DEVICE_ATTACH_PASID : 0,
		.pt_id = pt,
		.pasid = pasid,
	};

	return ioctl(w->c.device, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd);
}

static int detach(struct work *w, uint32_t pasid)
{
	struct vfio_device_detach_iommufd_pt cmd = {
		.argsz = sizeof(cmd),
		.flags = VFIO_DEVICE_DETACH_PASID,
		.pasid = pasid,
	};

	return ioctl(w->c.device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &cmd);
}

/* The device's object is the only one that GET_HW_INFO knows. */
static void look(struct work *w)
{
	struct iommu_hw_info_arm_smmuv3 smmu;
	struct iommu_hw_info info = {
		.size = sizeof(info),
		.flags = IOMMU_HW_INFO_FLAG_INPUT_TYPE,
		.data_len = sizeof(smmu),
		.data_uptr = (uintptr_t)&smmu,
	};

	for (info.dev_id = 1; info.dev_id < 16; info.dev_id++) {
		info.in_data_type = IOMMU_HW_INFO_TYPE_ARM_SMMUV3;
		if (!ioctl(w->c.iommufd, IOMMU_GET_HW_INFO, &info))
			break;
	}
	CHECK(info.dev_id < 16);
	CHECK(info.out_max_pasid_log2 == 20);
	CHECK(info.out_capabilities & IOMMU_HW_CAP_DIRTY_TRACKING);
	CHECK(info.data_len == sizeof(smmu) && smmu.idr[0]);
	w->dev_id = info.dev_id;
}

static void open_spaces(struct work *w)
{
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.length = PAGES * PAGE,
		.iova = IOVA,
	};
	struct iommu_hwpt_alloc hwpt = {
		.size = sizeof(hwpt),
		.flags = IOMMU_HWPT_ALLOC_PASID |
			 IOMMU_HWPT_ALLOC_DIRTY_TRACKING,
		.dev_id = w->dev_id,
	};

	for (unsigned int i = 0; i < 2; i++) {
		CHECK(!ioctl(w->c.iommufd, IOMMU_IOAS_ALLOC, &ioas));
		w->mem[i] = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(w->mem[i] != MAP_FAILED);
		*(uint64_t *)(void *)w->mem[i] = 0xa0 + i;
		map.ioas_id = hwpt.pt_id = w->ioas[i] = ioas.out_ioas_id;
		map.user_va = (uintptr_t)w->mem[i];
		CHECK(!ioctl(w->c.iommufd, IOMMU_IOAS_MAP, &map));
		CHECK(!ioctl(w->c.iommufd, IOMMU_HWPT_ALLOC, &hwpt));
		w->hwpt[i] = hwpt.out_hwpt_id;
	}
}

static void two_spaces(struct work *w)
{
	/* What the device has was made for an IOAS, and is for no PASIDs. */
	CHECK_FAILS(attach(w, 7, w->hwpt[0]), EINVAL);
	CHECK(!attach(w, 0, w->hwpt[0]));
	CHECK(!attach(w, 7, w->hwpt[0]));
	CHECK(!attach(w, 9, w->hwpt[1]));
	CHECK_FAILS(attach(w, 9, w->ioas[0]), EINVAL);
	CHECK(sees(w, 0) == 0xa0 && sees(w, 7) == 0xa0);
	CHECK(sees(w, 9) == 0xa1 && sees(w, 8) == 0);
	CHECK(!attach(w, 7, w->hwpt[1]));
	CHECK(sees(w, 7) == 0xa1);
	CHECK(!detach(w, 7));
	CHECK(sees(w, 7) == 0 && sees(w, 9) == 0xa1);
}

static uint8_t dirty_pages(struct work *w)
{
	uint8_t bits = 0;
	struct iommu_hwpt_get_dirty_bitmap cmd = {
		.size = sizeof(cmd),
		.hwpt_id = w->hwpt[1],
		.iova = IOVA,
		.length = PAGES * PAGE,
		.page_size = PAGE,
		.data = (uintptr_t)&bits,
	};

	CHECK(!ioctl(w->c.iommufd, IOMMU_HWPT_GET_DIRTY_BITMAP, &cmd));
	return bits;
}

static void writes_are_told(struct work *w)
{
	struct iommu_hwpt_set_dirty_tracking on = {
		.size = sizeof(on),
		.flags = IOMMU_HWPT_DIRTY_TRACKING_ENABLE,
		.hwpt_id = w->hwpt[1],
	};

	CHECK(!ioctl(w->c.iommufd, IOMMU_HWPT_SET_DIRTY_TRACKING, &on));
	CHECK(dirty_pages(w) == 0);
	CHECK(!dma(w, 9, 0, 3 * PAGE));
	CHECK(!dma(w, 9, 0, 7 * PAGE));
	/* Those of another page table are not its. */
	CHECK(!dma(w, 0, 0, 4 * PAGE));
	CHECK(dirty_pages(w) == 0x88);
	CHECK(dirty_pages(w) == 0);
}

int main(void)
{
	struct iommu_destroy destroy = { .size = sizeof(destroy) };
	struct work w;

	client_open_any(&w.c);
	client_master(&w.c);
	look(&w);
	open_spaces(&w);
	two_spaces(&w);
	writes_are_told(&w);
	destroy.id = w.hwpt[1];
	CHECK_FAILS(ioctl(w.c.iommufd, IOMMU_DESTROY, &destroy), EBUSY);
	/* PASIDs end with the device's file. */
	if (w.c.bar)
		CHECK(!munmap((void *)(uintptr_t)w.c.bar, BAR_SIZE));
	close(w.c.device);
	CHECK(!ioctl(w.c.iommufd, IOMMU_DESTROY, &destroy));
	destroy.id = w.hwpt[0];
	CHECK(!ioctl(w.c.iommufd, IOMMU_DESTROY, &destroy));
	return 0;
}
