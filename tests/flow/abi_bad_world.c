/* SPDX-License-Identifier: BSD-2-Clause */
/* abi_bad_world.c - the objects and files that bad calls are made with. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <uiommu/uapi/vfio-nesting.h>

#include "abi_bad.h"

#define DEVICES "testep,ioat,ioat,ioat,ioat,testep,testep"
#define NR_FOREIGN 40u

/* Pages of the world's memory; what is not named is not there. */
enum {
	PAGE_BUF = 1,
	PAGE_EDGE = 2,
	PAGE_SEAM = 4,
	PAGE_RO = 5,
	PAGE_MEM = 7,
	NR_MEM = 16,
	NR_PAGES = PAGE_MEM + NR_MEM + 1,
};

static void lay_out(struct bad_world *w)
{
	uint8_t *map = mmap(NULL, NR_PAGES * PAGE, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(map != MAP_FAILED);
	w->map = map;
	assert_int_equal(mprotect(map + PAGE_BUF * PAGE, 2 * PAGE,
				  PROT_READ | PROT_WRITE),
			 0);
	assert_int_equal(mprotect(map + PAGE_SEAM * PAGE, PAGE,
				  PROT_READ | PROT_WRITE),
			 0);
	assert_int_equal(mprotect(map + PAGE_RO * PAGE, PAGE, PROT_READ), 0);
	assert_int_equal(mprotect(map + PAGE_MEM * PAGE, NR_MEM * PAGE,
				  PROT_READ | PROT_WRITE),
			 0);
	w->edge = (uintptr_t)(map + (PAGE_EDGE + 1) * PAGE);
	w->ro_edge = (uintptr_t)(map + (PAGE_RO + 1) * PAGE);
	w->sym[P_NONE] = w->edge;
	w->sym[P_HALF] = w->edge - 16;
	w->sym[P_RO] = w->ro_edge - PAGE;
	w->sym[P_BUF] = (uintptr_t)(map + PAGE_BUF * PAGE);
	w->sym[P_MEM] = (uintptr_t)(map + PAGE_MEM * PAGE);
	w->sym[P_SPLIT] = w->sym[P_MEM] + (NR_MEM - 1) * PAGE;
}

/* MSI-X, there and away: the page table keeps the way to the interrupts. */
static void interrupt_once(struct bad_world *w, enum bad_sym fd)
{
	struct vfio_irq_set set = { .argsz = sizeof(set),
				    .flags = VFIO_IRQ_SET_DATA_NONE |
					     VFIO_IRQ_SET_ACTION_TRIGGER,
				    .index = VFIO_PCI_MSIX_IRQ_INDEX };
	struct client c = { .abi = w->abi, .dev_fd = (int)w->sym[fd] };
	int none = -1;

	client_msix_ok(&c, &none, 1);
	assert_int_equal(bad_ioctl(w, fd, VFIO_DEVICE_SET_IRQS, &set), 0);
}

static void open_node(struct bad_world *w, enum bad_sym fd, const char *path)
{
	int rc = uiommu_abi_open(w->abi, path, O_RDWR);

	if (rc < 0)
		fail_msg("%s: %d", path, rc);
	w->sym[fd] = (uint64_t)rc;
}

static uint32_t ioas_ok(struct bad_world *w, enum bad_sym fd)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	assert_int_equal(bad_ioctl(w, fd, IOMMU_IOAS_ALLOC, &alloc), 0);
	return alloc.out_ioas_id;
}

/* Of the device, and filled from ID_IOAS. */
static uint32_t hwpt_ok(struct bad_world *w, uint32_t flags)
{
	struct iommu_hwpt_alloc hwpt = {
		.size = sizeof(hwpt),
		.flags = flags,
		.dev_id = (uint32_t)w->sym[ID_DEV],
		.pt_id = (uint32_t)w->sym[ID_IOAS],
	};

	assert_int_equal(bad_ioctl(w, FD_A, IOMMU_HWPT_ALLOC, &hwpt), 0);
	return hwpt.out_hwpt_id;
}

static void map_ok(struct bad_world *w, enum bad_sym ioas, unsigned int page,
		   unsigned int nr, uint64_t iova)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = (uint32_t)w->sym[ioas],
		.user_va = w->sym[P_MEM] + page * PAGE,
		.length = nr * PAGE,
		.iova = iova,
	};

	assert_int_equal(bad_ioctl(w, FD_A, IOMMU_IOAS_MAP, &map), 0);
}

/*
 * A device that has been in use is not as it was at power on, nor is a page
 * table that has been attached.
 */
static void use_once(struct bad_world *w, struct vfio_device_bind_iommufd *bind)
{
	static const enum bad_sym tables[] = { ID_HWPT, ID_PASID };
	struct vfio_device_attach_iommufd_pt attach = { .argsz = sizeof(
								attach) };

	open_node(w, FD_UNBOUND, "/dev/vfio/devices/vfio3");
	assert_int_equal(
		bad_ioctl(w, FD_UNBOUND, VFIO_DEVICE_BIND_IOMMUFD, bind), 0);
	for (unsigned int i = 0; i < 2; i++) {
		attach.pt_id = (uint32_t)w->sym[tables[i]];
		assert_int_equal(bad_ioctl(w, FD_UNBOUND,
					   VFIO_DEVICE_ATTACH_IOMMUFD_PT,
					   &attach),
				 0);
	}
	assert_int_equal(uiommu_abi_close(w->abi, (int)w->sym[FD_UNBOUND]), 0);
	close((int)w->sym[FD_UNBOUND]);
}

/* A guest that has been given the device that nothing is attached to. */
static void open_guest(struct bad_world *w)
{
	struct iommu_viommu_alloc viommu = {
		.size = sizeof(viommu),
		.type = IOMMU_VIOMMU_TYPE_ARM_SMMUV3,
		.dev_id = (uint32_t)w->sym[ID_LOOSE],
		.hwpt_id = (uint32_t)w->sym[ID_PARENT],
	};
	struct iommu_vdevice_alloc vdev = {
		.size = sizeof(vdev),
		.dev_id = (uint32_t)w->sym[ID_LOOSE],
		.virt_id = VIRT_ID,
	};
	struct iommu_veventq_alloc events = {
		.size = sizeof(events),
		.type = IOMMU_VEVENTQ_TYPE_ARM_SMMUV3,
		.veventq_depth = 4,
	};

	assert_int_equal(bad_ioctl(w, FD_A, IOMMU_VIOMMU_ALLOC, &viommu), 0);
	w->sym[ID_VIOMMU] = vdev.viommu_id = viommu.out_viommu_id;
	assert_int_equal(bad_ioctl(w, FD_A, IOMMU_VDEVICE_ALLOC, &vdev), 0);
	events.viommu_id = viommu.out_viommu_id;
	assert_int_equal(bad_ioctl(w, FD_A, IOMMU_VEVENTQ_ALLOC, &events), 0);
	w->sym[ID_EVENTS] = events.out_veventq_id;
	w->sym[FD_EVENTS] = events.out_veventq_fd;
	w->sym[ID_VDEV] = vdev.out_vdevice_id;
}

/* Device 0 attached to an IOAS of context A, and one object of each type. */
static void open_context(struct bad_world *w)
{
	struct vfio_device_attach_iommufd_pt attach = { .argsz = sizeof(
								attach) };
	struct iommu_fault_alloc fault = { .size = sizeof(fault) };
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };

	open_node(w, FD_A, "/dev/iommu");
	open_node(w, FD_CDEV, "/dev/vfio/devices/vfio0");
	bind.iommufd = (int)w->sym[FD_A];
	assert_int_equal(bad_ioctl(w, FD_CDEV, VFIO_DEVICE_BIND_IOMMUFD, &bind),
			 0);
	w->sym[ID_DEV] = bind.out_devid;
	w->sym[ID_IOAS] = attach.pt_id = ioas_ok(w, FD_A);
	assert_int_equal(bad_ioctl(w, FD_CDEV, VFIO_DEVICE_ATTACH_IOMMUFD_PT,
				   &attach),
			 0);
	w->sym[ID_AUTO] = attach.pt_id;
	interrupt_once(w, FD_CDEV);
	w->sym[ID_HWPT] = hwpt_ok(w, 0);
	w->sym[ID_DIRTY] = hwpt_ok(w, IOMMU_HWPT_ALLOC_DIRTY_TRACKING);
	w->sym[ID_PASID] = hwpt_ok(w, IOMMU_HWPT_ALLOC_PASID);
	w->sym[ID_PARENT] = hwpt_ok(w, IOMMU_HWPT_ALLOC_NEST_PARENT);
	assert_int_equal(bad_ioctl(w, FD_A, IOMMU_FAULT_QUEUE_ALLOC, &fault),
			 0);
	w->sym[ID_FAULT] = fault.out_fault_id;
	w->sym[FD_QUEUE] = fault.out_fault_fd;
	w->sym[ID_OTHER] = ioas_ok(w, FD_A);
	w->sym[ID_EMPTY] = ioas_ok(w, FD_A);
	map_ok(w, ID_IOAS, 0, 4, IOVA);
	map_ok(w, ID_OTHER, 4, 2, IOVA);
	map_ok(w, ID_OTHER, 6, 2, IOVA + 2 * PAGE);

	open_node(w, FD_LOOSE, "/dev/vfio/devices/vfio5");
	assert_int_equal(
		bad_ioctl(w, FD_LOOSE, VFIO_DEVICE_BIND_IOMMUFD, &bind), 0);

	w->sym[ID_LOOSE] = bind.out_devid;
	use_once(w, &bind);
	open_guest(w);

	open_node(w, FD_B, "/dev/iommu");
	for (unsigned int i = 0; i < NR_FOREIGN; i++)
		w->sym[ID_FOREIGN] = ioas_ok(w, FD_B);
	open_node(w, FD_COMPAT, "/dev/iommu");
}

static void set_container(struct bad_world *w, enum bad_sym group,
			  enum bad_sym container, unsigned long type)
{
	int fd = (int)w->sym[container];

	assert_int_equal(bad_ioctl(w, group, VFIO_GROUP_SET_CONTAINER, &fd), 0);
	assert_int_equal(bad_ioctl(w, container, VFIO_SET_IOMMU, (void *)type),
			 0);
}

static void map_dma_ok(struct bad_world *w, enum bad_sym fd)
{
	const struct vfio_iommu_type1_dma_map map = {
		sizeof(map), VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		w->sym[P_MEM], IOVA, 4 * PAGE
	};

	assert_int_equal(bad_ioctl(w, fd, VFIO_IOMMU_MAP_DMA, &map), 0);
}

void bad_bind_guest(struct bad_world *w)
{
	struct vfio_iommu_type1_bind_guest_stage call = {
		.argsz = sizeof(call),
		.config = { .flags = VFIO_GUEST_STAGE_PASID_TABLE,
			    .pasid_table = { .version = 1,
					     .bytes = 24,
					     .base_ptr = IOVA,
					     .pasid_bits = 6 } },
	};

	assert_int_equal(
		bad_ioctl(w, FD_T6, VFIO_IOMMU_BIND_GUEST_STAGE, &call), 0);
}

void bad_bind_msi(struct bad_world *w)
{
	const struct vfio_iommu_type1_bind_msi call = {
		.argsz = sizeof(call),
		.binding = { .iova = IOVA + 4 * PAGE,
			     .gpa = 0x30000000,
			     .granule = 13 },
	};

	assert_int_equal(bad_ioctl(w, FD_T6, VFIO_IOMMU_BIND_MSI, &call), 0);
}

static void open_containers(struct bad_world *w)
{
	struct iommu_vfio_ioas compat = { .size = sizeof(compat),
					  .op = IOMMU_VFIO_IOAS_SET };
	const char *bdf, *type;

	open_node(w, FD_T1, "/dev/vfio/vfio");
	open_node(w, FD_GROUP, "/dev/vfio/1");
	set_container(w, FD_GROUP, FD_T1, VFIO_TYPE1v2_IOMMU);
	assert_true(uiommu_machine_device(w->machine, 1, &bdf, &type));
	w->sym[P_PATH] = (uintptr_t)bdf;
	w->sym[FD_GDEV] =
		(uint64_t)bad_ioctl(w, FD_GROUP, VFIO_GROUP_GET_DEVICE_FD, bdf);
	assert_true((int64_t)w->sym[FD_GDEV] >= 0);
	open_node(w, FD_T1V1, "/dev/vfio/vfio");
	open_node(w, FD_GROUP1, "/dev/vfio/2");
	set_container(w, FD_GROUP1, FD_T1V1, VFIO_TYPE1_IOMMU);
	open_node(w, FD_T6, "/dev/vfio/vfio");
	open_node(w, FD_GROUP6, "/dev/vfio/6");
	set_container(w, FD_GROUP6, FD_T6, VFIO_TYPE1_NESTING_IOMMU);
	open_node(w, FD_UNBOUND, "/dev/vfio/devices/vfio3");
	open_node(w, FD_FREE, "/dev/vfio/4");
	open_node(w, FD_EMPTY, "/dev/vfio/vfio");
	compat.ioas_id = ioas_ok(w, FD_COMPAT);
	assert_int_equal(bad_ioctl(w, FD_COMPAT, IOMMU_VFIO_IOAS, &compat), 0);
	map_dma_ok(w, FD_T1);
	map_dma_ok(w, FD_T1V1);
	map_dma_ok(w, FD_T6);
	bad_bind_guest(w);
	bad_bind_msi(w);
	map_dma_ok(w, FD_COMPAT);
}

/* The last of all, so that one made in its place is too: dumps have an order. */
static void make_victim(struct bad_world *w)
{
	struct iommu_destroy destroy = { .size = sizeof(destroy) };

	w->sym[ID_VICTIM] = ioas_ok(w, FD_A);
	w->sym[ID_GONE] = destroy.id = ioas_ok(w, FD_A);
	assert_int_equal(bad_ioctl(w, FD_A, IOMMU_DESTROY, &destroy), 0);
}

void bad_open(struct bad_world *w)
{
	memset(w, 0, sizeof(*w));
	guard_ok();
	w->machine = machine_ok(DEVICES);
	w->abi = uiommu_machine_abi(w->machine);
	lay_out(w);
	open_context(w);
	open_containers(w);
	make_victim(w);
	w->sym[FD_EVENT] = (uint64_t)eventfd(0, EFD_NONBLOCK);
	w->sym[FD_NULL] = (uint64_t)open("/dev/null", O_RDWR);
	w->sym[FD_MEMFD] = (uint64_t)memfd_create("bad", MFD_CLOEXEC);
	assert_int_equal(ftruncate((int)w->sym[FD_MEMFD], 4 * PAGE), 0);
	w->sym[FD_CLOSED] = 1000;
}

void bad_close(struct bad_world *w)
{
	struct uiommu_core_stats stats;

	for (unsigned int fd = FD_A; fd < FD_EVENT; fd++) {
		assert_int_equal(uiommu_abi_close(w->abi, (int)w->sym[fd]), 0);
		close((int)w->sym[fd]);
	}
	close((int)w->sym[FD_EVENT]);
	close((int)w->sym[FD_NULL]);
	close((int)w->sym[FD_MEMFD]);
	uiommu_core_stats(uiommu_machine_core(w->machine), &stats);
	assert_int_equal(stats.areas, 0);
	assert_int_equal(stats.pinned_bytes, 0);
	uiommu_machine_destroy(w->machine);
	munmap(w->map, NR_PAGES * PAGE);
}
