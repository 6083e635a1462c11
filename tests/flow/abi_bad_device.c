/* SPDX-License-Identifier: BSD-2-Clause */
/* abi_bad_device.c - the calls of device files, and what Linux answers. */
#include <fcntl.h>
#include <unistd.h>

#include "abi_bad.h"

static const uint8_t uuid[16];

/* ---------------------------------------------------- bind and attach -- */

/* What is bound is bound until it is closed. */
static void undo_bind(struct bad_world *w, const void *answer)
{
	int fd = (int)w->sym[FD_UNBOUND];

	assert_int_equal(uiommu_abi_close(w->abi, fd), 0);
	close(fd);
	assert_int_equal(
		uiommu_abi_open(w->abi, "/dev/vfio/devices/vfio3", O_RDWR), fd);
}

static void undo_attach(struct bad_world *w, const void *answer)
{
	struct vfio_device_detach_iommufd_pt detach = { .argsz = sizeof(
								detach) };

	assert_int_equal(bad_ioctl(w, FD_LOOSE, VFIO_DEVICE_DETACH_IOMMUFD_PT,
				   &detach),
			 0);
}

static void undo_pasid(struct bad_world *w, const void *answer)
{
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = sizeof(detach),
		.flags = VFIO_DEVICE_DETACH_PASID,
		.pasid = ((const struct vfio_device_attach_iommufd_pt *)answer)
				 ->pasid,
	};

	assert_int_equal(bad_ioctl(w, FD_LOOSE, VFIO_DEVICE_DETACH_IOMMUFD_PT,
				   &detach),
			 0);
}

#define ATTACH(field, val) SET(vfio_device_attach_iommufd_pt, field, val)
static const struct bad_row pasid_rows[] = {
	ROW("beyond the device's", -EINVAL, ATTACH(pasid, 1u << 20)),
	ROW("beyond all", -EINVAL, ATTACH(pasid, 0x7fffffff)),
	ROW("beyond numbers", -ENOSPC, ATTACH(pasid, 0x80000000)),
	ROW("beyond numbers", -ENOSPC, ATTACH(pasid, UINT32_MAX)),
	ROW("not for PASIDs", -EINVAL, ATTACH(pt_id, SYM(ID_HWPT))),
	ROW("not for PASIDs", -EINVAL, ATTACH(pt_id, SYM(ID_DIRTY))),
	ROW("no page table", -EINVAL, ATTACH(pt_id, SYM(ID_IOAS))),
	ROW("no page table", -EINVAL, ATTACH(pt_id, SYM(ID_EMPTY))),
};

#define BIND(field, val) SET(vfio_device_bind_iommufd, field, val)
static const struct bad_row bind_rows[] = {
	ROW("negative", -EINVAL, BIND(iommufd, -1)),
	ROW("negative", -EINVAL, BIND(iommufd, 0x80000000)),
	ROW("closed", -EBADF, BIND(iommufd, SYM(FD_CLOSED))),
	ROW("large", -EBADF, BIND(iommufd, 0x7fffffff)),
	ROW("of others", -EBADFD, BIND(iommufd, SYM(FD_EVENT))),
	ROW("of others", -EBADFD, BIND(iommufd, SYM(FD_NULL))),
	ROW("itself", -EBADFD, BIND(iommufd, SYM(FD_UNBOUND))),
	ROW("a container", -EBADFD, BIND(iommufd, SYM(FD_T1))),
	ROW("a fault queue", -EBADFD, BIND(iommufd, SYM(FD_QUEUE))),
	ROW("a token that is not there", -EFAULT,
	    BIND(flags, VFIO_DEVICE_BIND_FLAG_TOKEN)),
	ROW("a token half there", -EFAULT,
	    BIND(flags, VFIO_DEVICE_BIND_FLAG_TOKEN),
	    BIND(token_uuid_ptr, SYM(P_NONE))),
	ROW("a token for a function without", -EINVAL,
	    BIND(flags, VFIO_DEVICE_BIND_FLAG_TOKEN),
	    BIND(token_uuid_ptr, (uintptr_t)uuid)),
	/* Not looked at. */
	ROW("a token without its flag", 0, BIND(token_uuid_ptr, U64_MAX)),
};

/* ----------------------------------------------------------- interrupts -- */

/* With room for one descriptor. */
struct irqs {
	uint32_t argsz, flags, index, start, count;
	int32_t fd;
};

#define IRQS(field, val) SET(irqs, field, val)
#define TRIGGER(data) \
	IRQS(flags, VFIO_IRQ_SET_DATA_##data | VFIO_IRQ_SET_ACTION_TRIGGER)
static const struct bad_row irqs_rows[] = {
	ROW("no such index", -EINVAL, IRQS(index, VFIO_PCI_NUM_IRQS)),
	ROW("no such index", -EINVAL, IRQS(index, UINT32_MAX)),
	ROW("beyond the last", -EINVAL, IRQS(start, 1)),
	ROW("beyond the last, none", -EINVAL, IRQS(start, 1), IRQS(count, 0)),
	ROW("too many", -EINVAL, IRQS(count, 2), IRQS(argsz, 28)),
	ROW("far too many", -EINVAL, IRQS(count, UINT32_MAX)),
	ROW("across the end", -EINVAL, IRQS(start, UINT32_MAX)),
	ROW("none", -EINVAL, IRQS(count, 0)),
	ROW("no kind of data", -EINVAL,
	    IRQS(flags, VFIO_IRQ_SET_ACTION_TRIGGER)),
	ROW("two kinds of data", -EINVAL,
	    IRQS(flags, VFIO_IRQ_SET_ACTION_TRIGGER |
				VFIO_IRQ_SET_DATA_EVENTFD |
				VFIO_IRQ_SET_DATA_BOOL)),
	ROW("no action", -ENOTTY, IRQS(flags, VFIO_IRQ_SET_DATA_EVENTFD)),
	ROW("two actions", -ENOTTY,
	    IRQS(flags, VFIO_IRQ_SET_DATA_EVENTFD |
				VFIO_IRQ_SET_ACTION_TRIGGER |
				VFIO_IRQ_SET_ACTION_MASK)),
	ROW("cannot be masked", -ENOTTY,
	    IRQS(flags, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK)),
	ROW("a descriptor below -1", -EINVAL, IRQS(fd, -2)),
	ROW("closed", -EBADF, IRQS(fd, SYM(FD_CLOSED))),
	ROW("no eventfd", -EINVAL, IRQS(fd, SYM(FD_NULL))),
	ROW("one of ours", -EINVAL, IRQS(fd, SYM(FD_A))),
	ROW("none to trigger", -EINVAL, TRIGGER(NONE)),
	ROW("MSI-X, none to trigger", -EINVAL, TRIGGER(NONE),
	    IRQS(index, VFIO_PCI_MSIX_IRQ_INDEX)),
	ROW("MSI-X, none to disable", -EINVAL, TRIGGER(NONE),
	    IRQS(index, VFIO_PCI_MSIX_IRQ_INDEX), IRQS(count, 0)),
	ROW("MSI-X, closed", -EBADF, IRQS(index, VFIO_PCI_MSIX_IRQ_INDEX),
	    IRQS(fd, SYM(FD_CLOSED))),
	ROW("MSI-X, no eventfd", -EINVAL, IRQS(index, VFIO_PCI_MSIX_IRQ_INDEX),
	    IRQS(fd, SYM(FD_NULL))),
	ROW("MSI-X, beyond the table", -EINVAL,
	    IRQS(index, VFIO_PCI_MSIX_IRQ_INDEX), IRQS(start, 2048)),
	ROW("MSI-X, cannot be masked", -ENOTTY,
	    IRQS(index, VFIO_PCI_MSIX_IRQ_INDEX),
	    IRQS(flags, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK)),
};

/* --------------------------------------------------- information, reset -- */

#define REGION(field, val) SET(vfio_region_info, field, val)
static const struct bad_row region_rows[] = {
	ROW("no VGA", -EINVAL, REGION(index, VFIO_PCI_VGA_REGION_INDEX)),
	ROW("no such region", -EINVAL, REGION(index, VFIO_PCI_NUM_REGIONS)),
	ROW("no such region", -EINVAL, REGION(index, UINT32_MAX)),
};

static const struct bad_row irq_info_rows[] = {
	ROW("no such index", -EINVAL,
	    SET(vfio_irq_info, index, VFIO_PCI_NUM_IRQS)),
	ROW("no such index", -EINVAL, SET(vfio_irq_info, index, UINT32_MAX)),
};

/* A device that is alone on its bus. */
struct bus_info {
	uint32_t argsz, flags, count;
	struct vfio_pci_dependent_device device;
};

struct bus_reset {
	uint32_t argsz, flags, count;
	int32_t fd;
};

#define HOT(field, val) SET(bus_reset, field, val)
static const struct bad_row hot_cdev_rows[] = {
	ROW("groups, for a device's own file", -EINVAL, HOT(count, 1),
	    HOT(fd, SYM(FD_GROUP))),
};

static const struct bad_row hot_group_rows[] = {
	ROW("no groups", -EINVAL, HOT(count, 0)),
	ROW("more than devices", -EINVAL, HOT(count, 2)),
	ROW("far more", -EINVAL, HOT(count, UINT32_MAX)),
	ROW("closed", -EBADF, HOT(fd, SYM(FD_CLOSED))),
	ROW("negative", -EBADF, HOT(fd, -1)),
	ROW("of others", -EINVAL, HOT(fd, SYM(FD_EVENT))),
	ROW("no group", -EINVAL, HOT(fd, SYM(FD_T1))),
	ROW("another group", -EINVAL, HOT(fd, SYM(FD_GROUP1))),
};

#define FEATURE(val) SET(vfio_device_feature, flags, val)
static const struct bad_row feature_rows[] = {
	ROW("get and set", -EINVAL,
	    FEATURE(VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET)),
	ROW("get and set, to ask", -ENOTTY,
	    FEATURE(VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET |
		    VFIO_DEVICE_FEATURE_PROBE)),
	ROW("of no number", -ENOTTY,
	    FEATURE(VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MASK)),
};

/* ---------------------------------------------------------------- table -- */

#define BIND_CALL(file, answer)                                              \
	CALL(VFIO_DEVICE_BIND_IOMMUFD, vfio_device_bind_iommufd, out_devid), \
		.fd = (file), .kind = BAD_GROWS, .good = (answer),           \
		.good_min = (answer), .set = { BIND(iommufd, SYM(FD_A)) },   \
		.bits = { { AT(vfio_device_bind_iommufd, flags),             \
			    VFIO_DEVICE_BIND_FLAG_TOKEN, -EINVAL } }
/* A call that is refused before it looks at anything. */
#define REFUSED(nr, file, answer)                                        \
	{                                                                \
		.name = #nr, .cmd = nr, .fd = (file), .kind = BAD_VALUE, \
		.good = (answer)                                         \
	}

const struct bad_call bad_devices[] = {
	{
		BIND_CALL(FD_UNBOUND, 0),
		.undo = undo_bind,
		.writes = true,
		ROWS(bind_rows),
	},
	{ BIND_CALL(FD_CDEV, -EINVAL) },
	{ BIND_CALL(FD_GDEV, -EINVAL) },
	{
		CALL(VFIO_DEVICE_ATTACH_IOMMUFD_PT,
		     vfio_device_attach_iommufd_pt, pt_id),
		.fd = FD_LOOSE,
		.kind = BAD_ARGSZ,
		.set = { SET(vfio_device_attach_iommufd_pt, pt_id,
			     SYM(ID_HWPT)) },
		.undo = undo_attach,
		.writes = true,
		.id = { { AT(vfio_device_attach_iommufd_pt, pt_id),
			  IS_IOAS | IS_HWPT, -ENOENT, -EINVAL } },
		.bits = { { AT(vfio_device_attach_iommufd_pt, flags),
			    VFIO_DEVICE_ATTACH_PASID, -EINVAL } },
	},
	{
		CALL(VFIO_DEVICE_ATTACH_IOMMUFD_PT,
		     vfio_device_attach_iommufd_pt, pt_id),
		.fd = FD_LOOSE,
		.kind = BAD_ARGSZ,
		.set = { ATTACH(flags, VFIO_DEVICE_ATTACH_PASID),
			 ATTACH(pasid, 5), ATTACH(pt_id, SYM(ID_PASID)) },
		.good_min = -EINVAL,
		.undo = undo_pasid,
		.writes = true,
		.keeps = true, /* Linux detaches what has no PASID */
		.id = { { AT(vfio_device_attach_iommufd_pt, pt_id),
			  IS_IOAS | IS_HWPT, -ENOENT, -EINVAL } },
		.bits = { { AT(vfio_device_attach_iommufd_pt, flags),
			    VFIO_DEVICE_ATTACH_PASID, -EINVAL } },
		ROWS(pasid_rows),
	},
	REFUSED(VFIO_DEVICE_ATTACH_IOMMUFD_PT, FD_GDEV, -ENOTTY),
	{
		/* Nothing is attached. */
		CALL(VFIO_DEVICE_DETACH_IOMMUFD_PT,
		     vfio_device_detach_iommufd_pt, flags),
		.fd = FD_LOOSE,
		.kind = BAD_ARGSZ,
		.bits = { { AT(vfio_device_detach_iommufd_pt, flags),
			    VFIO_DEVICE_DETACH_PASID, -EINVAL } },
	},
	{
		CALL(VFIO_DEVICE_DETACH_IOMMUFD_PT,
		     vfio_device_detach_iommufd_pt, flags),
		.fd = FD_LOOSE,
		.kind = BAD_ARGSZ,
		.set = { SET(vfio_device_detach_iommufd_pt, flags,
			     VFIO_DEVICE_DETACH_PASID),
			 SET(vfio_device_detach_iommufd_pt, pasid, UINT32_MAX) },
		.good_min = -EINVAL,
		.bits = { { AT(vfio_device_detach_iommufd_pt, flags),
			    VFIO_DEVICE_DETACH_PASID, -EINVAL } },
	},
	REFUSED(VFIO_DEVICE_DETACH_IOMMUFD_PT, FD_GDEV, -ENOTTY),
	{
		CALL(VFIO_DEVICE_GET_INFO, vfio_device_info, num_irqs),
		.fd = FD_CDEV,
		.kind = BAD_ARGSZ,
		.writes = true,
	},
	{
		CALL(VFIO_DEVICE_GET_REGION_INFO, vfio_region_info, offset),
		.fd = FD_CDEV,
		.kind = BAD_ARGSZ,
		.set = { REGION(index, VFIO_PCI_CONFIG_REGION_INDEX) },
		.writes = true,
		ROWS(region_rows),
	},
	{
		CALL(VFIO_DEVICE_GET_IRQ_INFO, vfio_irq_info, count),
		.fd = FD_CDEV,
		.kind = BAD_ARGSZ,
		.writes = true,
		ROWS(irq_info_rows),
	},
	{
		/* No eventfd for errors, where there is none. */
		CALL(VFIO_DEVICE_SET_IRQS, irqs, count),
		.fd = FD_CDEV,
		.kind = BAD_ARGSZ,
		.set = { TRIGGER(EVENTFD), IRQS(index, VFIO_PCI_ERR_IRQ_INDEX),
			 IRQS(count, 1), IRQS(fd, -1) },
		.good_min = -EINVAL,
		.bits = { { AT(irqs, flags), 0x3f, -EINVAL } },
		ROWS(irqs_rows),
	},
	REFUSED(VFIO_DEVICE_RESET, FD_CDEV, 0),
	{
		CALL(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, bus_info, count),
		.fd = FD_CDEV,
		.kind = BAD_ARGSZ,
		.good_min = -ENOSPC,
		.writes = true,
	},
	{
		CALL(VFIO_DEVICE_PCI_HOT_RESET, bus_reset, count),
		.fd = FD_CDEV,
		.kind = BAD_ARGSZ,
		.bits = { { AT(bus_reset, flags), 0, -EINVAL } },
		ROWS(hot_cdev_rows),
	},
	{
		CALL(VFIO_DEVICE_PCI_HOT_RESET, bus_reset, count),
		.fd = FD_GDEV,
		.kind = BAD_ARGSZ,
		.set = { HOT(count, 1), HOT(fd, SYM(FD_GROUP)) },
		.good_min = -EFAULT, /* argsz does not count, the array does */
		.bits = { { AT(bus_reset, flags), 0, -EINVAL } },
		ROWS(hot_group_rows),
	},
	{
		CALL(VFIO_DEVICE_FEATURE, vfio_device_feature, flags),
		.fd = FD_CDEV,
		.kind = BAD_ARGSZ,
		.set = { FEATURE(VFIO_DEVICE_FEATURE_PROBE |
				 VFIO_DEVICE_FEATURE_GET |
				 VFIO_DEVICE_FEATURE_MIGRATION) },
		.good = -ENOTTY,
		.bits = { { AT(vfio_device_feature, flags), 0x7ffff, -EINVAL } },
		ROWS(feature_rows),
	},
	/* Before it is bound, a device's file takes one call. */
	REFUSED(VFIO_DEVICE_ATTACH_IOMMUFD_PT, FD_UNBOUND, -EINVAL),
	REFUSED(VFIO_DEVICE_DETACH_IOMMUFD_PT, FD_UNBOUND, -EINVAL),
	REFUSED(VFIO_DEVICE_GET_INFO, FD_UNBOUND, -EINVAL),
	REFUSED(VFIO_DEVICE_GET_REGION_INFO, FD_UNBOUND, -EINVAL),
	REFUSED(VFIO_DEVICE_GET_IRQ_INFO, FD_UNBOUND, -EINVAL),
	REFUSED(VFIO_DEVICE_SET_IRQS, FD_UNBOUND, -EINVAL),
	REFUSED(VFIO_DEVICE_RESET, FD_UNBOUND, -EINVAL),
	REFUSED(VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, FD_UNBOUND, -EINVAL),
	REFUSED(VFIO_DEVICE_PCI_HOT_RESET, FD_UNBOUND, -EINVAL),
	REFUSED(VFIO_DEVICE_FEATURE, FD_UNBOUND, -EINVAL),
	/* Of graphics cards. */
	REFUSED(VFIO_DEVICE_QUERY_GFX_PLANE, FD_CDEV, -ENOTTY),
	REFUSED(VFIO_DEVICE_GET_GFX_DMABUF, FD_CDEV, -ENOTTY),
};
const unsigned int bad_nr_devices =
	sizeof(bad_devices) / sizeof(bad_devices[0]);
