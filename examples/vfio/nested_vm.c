/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nested_vm.c - what a VMM does for a guest with a virtual SMMUv3, by iommufd.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "nested.h"

void fail(const char *what)
{
	fprintf(stderr, "nested_guest: %s: %s\n", what, strerror(errno));
	exit(2);
}

void must(const struct vm *vm, unsigned long request, void *arg,
	  const char *what)
{
	if (ioctl(vm->iommufd, request, arg))
		fail(what);
}

/* --------------------------------------------------------- the device -- */

static int open_device(const char *bdf)
{
	char path[300];
	struct dirent *entry;
	DIR *dir;
	int fd = -1;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", bdf);
	dir = opendir(path);
	if (!dir)
		fail("no such device bound to vfio-pci");
	while (fd < 0 && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "vfio", 4) != 0)
			continue;
		snprintf(path, sizeof(path), "/dev/vfio/devices/%s",
			 entry->d_name);
		fd = open(path, O_RDWR);
		if (fd < 0)
			fail(path);
	}
	closedir(dir);
	errno = ENODEV;
	if (fd < 0)
		fail("no vfio character device");
	return fd;
}

static void map_memory(struct vm *vm)
{
	struct fd_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct fd_ioas_map map = {
		.size = sizeof(map),
		.flags = FD_MAP_FIXED_RW,
		.length = NR_PAGES * PAGE,
		.iova = GPA,
	};
	void *memory = mmap(NULL, NR_PAGES * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		fail("memory for the guest");
	vm->memory = memory;
	must(vm, FD_IOAS_ALLOC, &ioas, "IOMMU_IOAS_ALLOC");
	vm->ioas = ioas.id;
	map.ioas_id = vm->ioas;
	map.user_va = (uintptr_t)memory;
	must(vm, FD_IOAS_MAP, &map, "IOMMU_IOAS_MAP");
}

static void bind_device(struct vm *vm, const char *bdf)
{
	struct vdev_bind bind = {
		.argsz = sizeof(bind),
		.iommufd = vm->iommufd,
	};

	vm->bdf = bdf;
	vm->dev_fd = open_device(bdf);
	if (ioctl(vm->dev_fd, VDEV_BIND, &bind))
		fail("VFIO_DEVICE_BIND_IOMMUFD");
	vm->dev_id = bind.dev_id;
}

void vm_open(struct vm *vm, const char *bdf)
{
	vm->iommufd = open("/dev/iommu", O_RDWR);
	if (vm->iommufd < 0)
		fail("/dev/iommu");
	vm->contexts = CONTEXTS;
	bind_device(vm, bdf);
	map_memory(vm);
}

void vm_with_device(struct vm *vm, const struct vm *of, const char *bdf)
{
	*vm = *of;
	vm->vdevice = vm->nested = 0;
	vm->ats = vm->stalls = false;
	bind_device(vm, bdf);
}

void vm_attach(struct vm *vm, uint32_t pt_id)
{
	struct vdev_attach attach = {
		.argsz = sizeof(attach),
		.pt_id = pt_id,
	};

	if (ioctl(vm->dev_fd, VDEV_ATTACH, &attach))
		fail("VFIO_DEVICE_ATTACH_IOMMUFD_PT");
}

/* ---------------------------------------------------------- its tables -- */

void vm_make_parent(struct vm *vm)
{
	struct fd_hwpt_alloc alloc = {
		.size = sizeof(alloc),
		.flags = FD_HWPT_NEST_PARENT |
			 (vm->dirty ? FD_HWPT_DIRTY_TRACKING : 0),
		.dev_id = vm->dev_id,
		.pt_id = vm->ioas,
	};

	/* Not every host tracks what goes through a parent. */
	if (vm->dirty && ioctl(vm->iommufd, FD_HWPT_ALLOC, &alloc)) {
		vm->dirty = false;
		alloc.flags = FD_HWPT_NEST_PARENT;
	}
	if (!vm->dirty)
		must(vm, FD_HWPT_ALLOC, &alloc, "IOMMU_HWPT_ALLOC of a parent");
	vm->parent = alloc.id;
}

void vm_make_viommu(struct vm *vm)
{
	struct fd_viommu_alloc viommu = {
		.size = sizeof(viommu),
		.type = FD_VIOMMU_SMMUV3,
		.dev_id = vm->dev_id,
		.hwpt_id = vm->parent,
	};
	struct fd_veventq_alloc events = {
		.size = sizeof(events),
		.type = FD_VEVENTQ_SMMUV3,
		.depth = 16,
	};
	struct fd_fault_alloc faults = { .size = sizeof(faults) };

	must(vm, FD_VIOMMU_ALLOC, &viommu, "IOMMU_VIOMMU_ALLOC");
	vm->viommu = viommu.id;
	events.viommu_id = vm->viommu;
	must(vm, FD_VEVENTQ_ALLOC, &events, "IOMMU_VEVENTQ_ALLOC");
	vm->events = events.id;
	vm->events_fd = (int)events.fd;
	must(vm, FD_FAULT_QUEUE_ALLOC, &faults, "IOMMU_FAULT_QUEUE_ALLOC");
	vm->faults = faults.id;
	vm->faults_fd = (int)faults.fd;
}

void vm_make_vdevice(struct vm *vm, uint32_t vsid)
{
	struct fd_vdevice_alloc alloc = {
		.size = sizeof(alloc),
		.viommu_id = vm->viommu,
		.dev_id = vm->dev_id,
		.virt_id = vsid,
	};

	must(vm, FD_VDEVICE_ALLOC, &alloc, "IOMMU_VDEVICE_ALLOC");
	vm->vdevice = alloc.id;
}

void vm_make_nested(struct vm *vm, const uint64_t ste[2], uint32_t faults)
{
	struct fd_hwpt_alloc alloc = {
		.size = sizeof(alloc),
		.flags = faults ? FD_HWPT_FAULT_QUEUE : 0,
		.dev_id = vm->dev_id,
		.pt_id = vm->viommu,
		.data_type = FD_HWPT_DATA_SMMUV3,
		.data_len = 2 * sizeof(*ste),
		.data = (uintptr_t)ste,
		.fault_id = faults,
	};

	must(vm, FD_HWPT_ALLOC, &alloc, "IOMMU_HWPT_ALLOC of nested tables");
	vm->nested = alloc.id;
}

unsigned int vm_commands(struct vm *vm, const uint64_t (*cmd)[2],
			 unsigned int nr)
{
	struct fd_invalidate run = {
		.size = sizeof(run),
		.viommu_id = vm->viommu,
		.data = (uintptr_t)cmd,
		.data_type = FD_INVALIDATE_SMMUV3,
		.entry_len = sizeof(*cmd),
		.entry_num = nr,
	};

	errno = 0;
	(void)ioctl(vm->iommufd, FD_HWPT_INVALIDATE, &run);
	return run.entry_num;
}

void vm_destroy(struct vm *vm, uint32_t id)
{
	struct fd_destroy destroy = { sizeof(destroy), id };

	must(vm, FD_DESTROY, &destroy, "IOMMU_DESTROY");
}

void vm_close_guest(struct vm *vm)
{
	vm_destroy(vm, vm->nested);
	close(vm->faults_fd);
	vm_destroy(vm, vm->faults);
	close(vm->events_fd);
	vm_destroy(vm, vm->events);
	vm_destroy(vm, vm->vdevice);
	vm_destroy(vm, vm->viommu);
}

void vm_close(struct vm *vm)
{
	close(vm->dev_fd);
	vm_destroy(vm, vm->parent);
	vm_destroy(vm, vm->ioas);
	close(vm->iommufd);
	munmap(vm->memory, NR_PAGES * PAGE);
}

/* -------------------------------------------------------------- queues -- */

bool wait_for(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, WAIT_MS) == 1;
}

static bool take(int fd, void *record, size_t size)
{
	return wait_for(fd) && read(fd, record, size) == (ssize_t)size;
}

bool vm_event(struct vm *vm, struct fd_vevent_smmuv3 *event)
{
	return take(vm->events_fd, event, sizeof(*event));
}

bool vm_fault(struct vm *vm, struct fd_fault *fault)
{
	return take(vm->faults_fd, fault, sizeof(*fault));
}

void vm_answer(struct vm *vm, uint32_t cookie, uint32_t code)
{
	const struct fd_response response = { cookie, code };

	if (write(vm->faults_fd, &response, sizeof(response)) !=
	    sizeof(response))
		fail("answering a page fault");
}

/* ----------------------------------------------------------- migration -- */

void vm_track_dirty(struct vm *vm)
{
	struct fd_dirty_tracking track = {
		.size = sizeof(track),
		.flags = 1,
		.hwpt_id = vm->parent,
	};

	must(vm, FD_SET_DIRTY_TRACKING, &track,
	     "IOMMU_HWPT_SET_DIRTY_TRACKING");
}

uint64_t vm_dirty(struct vm *vm)
{
	uint64_t bits = 0;
	struct fd_dirty_bitmap get = {
		.size = sizeof(get),
		.hwpt_id = vm->parent,
		.iova = GPA,
		.length = NR_PAGES * PAGE,
		.page_size = PAGE,
		.data = (uintptr_t)&bits,
	};

	must(vm, FD_GET_DIRTY_BITMAP, &get, "IOMMU_HWPT_GET_DIRTY_BITMAP");
	return bits;
}
