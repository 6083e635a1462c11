/* SPDX-License-Identifier: BSD-2-Clause */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/atomic.h"

/* ---------------------------------------------------- the embedder ------ */

static bool in_hole(uint64_t uva)
{
	return uva < 0x10000 ||
	       (uva >= FX_HOLE && uva < FX_HOLE + FX_AREA_SIZE);
}

static bool accessible(const struct fx *fx, uint64_t uva, size_t len)
{
	if (fx->arena[1])
		return uva >= fx->arena[0] && uva < fx->arena[1] &&
		       len <= fx->arena[1] - uva;
	return !in_hole(uva);
}

/* Strings are fetched in blocks, beyond their ends: not the sanitizer's say. */
static __attribute__((no_sanitize("address", "thread"))) int
copy_from(void *ctx, void *dst, uint64_t uva, size_t len)
{
	const volatile uint8_t *src = (const uint8_t *)(uintptr_t)uva;
	uint8_t *to = dst;

	if (!accessible(ctx, uva, len))
		return -EFAULT;
	while (len--)
		*to++ = *src++;
	return 0;
}

static int copy_to(void *ctx, uint64_t uva, const void *src, size_t len)
{
	if (!accessible(ctx, uva, len) || ((struct fx *)ctx)->fail_copy_to)
		return -EFAULT;
	memcpy((void *)(uintptr_t)uva, src, len);
	return 0;
}

static bool is_mmio(uint64_t uva)
{
	return uva >= FX_MMIO && uva < FX_MMIO + FX_AREA_SIZE;
}

static int pin(void *ctx, uint64_t uva, uint64_t len, uint32_t flags,
	       struct uiommu_run *run)
{
	struct fx *fx = ctx;

	if (in_hole(uva))
		return -EFAULT;
	if (is_mmio(uva) && !(flags & UIOMMU_PIN_MMIO_OK))
		return -EFAULT;
	run->mmio = is_mmio(uva);
	run->pa = run->mmio ? FX_MMIO_PA + (uva - FX_MMIO) : uva;
	run->len = len;
	fetch_add_relaxed(&fx->pins, len);
	return 0;
}

static void unpin(void *ctx, uiommu_pa_t pa, uint64_t len, uint32_t flags)
{
	struct fx *fx = ctx;

	fetch_add_relaxed(&fx->pins, -len);
}

static int fd_new(void *ctx, const char *path, int flags)
{
	int fd = open("/dev/null", O_RDWR | (flags & O_CLOEXEC));

	return fd < 0 ? -errno : fd;
}

static void fd_drop(void *ctx, int fd)
{
	close(fd);
}

static int msi_alloc(void *ctx, struct uiommu_device *dev,
		     void (*fire)(void *arg), void *arg,
		     struct uiommu_msi_msg *msg, unsigned int *handle)
{
	struct fx *fx = ctx;
	int rc = -ENOSPC;

	pthread_mutex_lock(&fx->lock);
	for (unsigned int i = 0; i < fx->max_vec; i++) {
		if (fx->vec[i].used || i == fx->gap)
			continue;
		fx->vec[i] = (struct fx_vector){ true, fire, arg };
		msg->addr = fx->doorbell + 0x40;
		msg->data = FX_MSI_DATA + i;
		*handle = i;
		rc = 0;
		break;
	}
	pthread_mutex_unlock(&fx->lock);
	return rc;
}

static void msi_free(void *ctx, unsigned int handle)
{
	struct fx *fx = ctx;

	pthread_mutex_lock(&fx->lock);
	assert_true(fx->vec[handle].used);
	fx->vec[handle].used = false;
	pthread_mutex_unlock(&fx->lock);
}

/* A message of a device passes through its domain and reaches its vector. */
static bool dma_write(void *ctx, struct fake_pci *pci, uint64_t addr,
		      uint32_t data)
{
	struct fx *fx = ctx;
	unsigned int dev = (unsigned int)(pci - fx->pci), i;
	uiommu_pa_t pa;
	bool hit = false;

	if (dev == 4)
		pa = addr;
	else if (!fx_translate(fx, dev, addr, &pa))
		return false;
	if (pa != fx->doorbell + 0x40)
		return false;
	i = data - FX_MSI_DATA;
	pthread_mutex_lock(&fx->lock);
	if (i < FX_VECTORS && fx->vec[i].used) {
		fx->vec[i].fire(fx->vec[i].arg);
		hit = true;
	}
	pthread_mutex_unlock(&fx->lock);
	return hit;
}

/* -------------------------------------------------------------- set-up -- */

static const char *const bdfs[FX_DEVICES] = {
	"0000:01:00.0", "0000:01:00.1", "0000:02:00.0",
	"0000:02:00.1", "0000:00:03.0", "0000:03:00.0",
};

static const uint8_t pasid_bits[FX_DEVICES] = { 8, 0, 8, 4, 8, 8 };

static void add_device(struct fx *fx, unsigned int i)
{
	const struct uiommu_resv_region resv = {
		.range = { FX_RESERVED, FX_RESERVED + 0xfff },
		.type = UIOMMU_RESV_RESERVED,
	};
	uint32_t id = 0x100 + i;
	struct fake_unit *fake = &fx->unit[i < 4 ? 0 : i - 3];
	struct uiommu_device_cfg cfg = {
		.hw = { .name = bdfs[i],
			.ids = &id,
			.nr_ids = 1,
			.pasid_bits = pasid_bits[i] },
		.group_with = i == 3 ? fx->pci[2].dev : NULL,
		.resv = &resv,
		.nr_resv = i == 4,
	};
	struct uiommu_vdev_cfg vcfg = {
		.bdf = bdfs[i],
		.ops = i == 5 ? &fake_pci_ops_no_reset : &fake_pci_ops,
		.ctx = &fx->pci[i],
	};
	struct fake_pci *pci = &fx->pci[i];

	fake_pci_init(pci, (uint16_t)(0x1100 + i));
	if (i == 1 || i == 4)
		fake_pci_narrow_msi(pci);
	pci->dma_write = dma_write;
	pci->ctx = fx;
	fake_pci_bars(vcfg.bar, FX_MMIO_PA + i * 0x100000u);
	for (unsigned int b = 0; b < 6; b++)
		if (vcfg.bar[b].size)
			fake_pci_ops.config_write(pci, 0x10 + 4 * b, 4,
						  (uint32_t)vcfg.bar[b].pa);
	assert_int_equal(
		uiommu_device_add(fx->core, &fake->unit, &cfg, &pci->dev), 0);
	assert_int_equal(
		uiommu_abi_add_device(fx->abi, pci->dev, &vcfg, &pci->vdev), 0);
	snprintf(fx->bdf[i], sizeof(fx->bdf[i]), "%s", bdfs[i]);
}

static void create_abi(struct fx *fx)
{
	struct uiommu_abi_host host = {
		.ctx = fx,
		.copy_from = copy_from,
		.copy_to = copy_to,
		.mm = &fx->mm,
		.fd_new = fd_new,
		.fd_drop = fd_drop,
		.msi_alloc = msi_alloc,
		.msi_free = msi_free,
		.platform = &fx->tp.platform,
	};

	fx->mm = (struct uiommu_mm){ .ctx = fx, .pin = pin, .unpin = unpin };
	assert_int_equal(uiommu_abi_create(fx->core, &host, &fx->abi), 0);
}

static unsigned int count_fds(void)
{
	unsigned int nr = 0;

	for (int fd = 0; fd < 2048; fd++)
		nr += fcntl(fd, F_GETFD) >= 0;
	return nr;
}

int fx_setup(void **state)
{
	struct fx *fx = calloc(1, sizeof(*fx));
	struct uiommu_core_cfg cfg;

	assert_non_null(fx);
	test_platform_init(&fx->tp);
	pthread_mutex_init(&fx->lock, NULL);
	fx->doorbell = FX_DOORBELL;
	fx->max_vec = FX_VECTORS;
	fx->gap = FX_VECTORS;
	cfg = (struct uiommu_core_cfg){ .platform = &fx->tp.platform };
	assert_int_equal(uiommu_core_create(&cfg, &fx->core), 0);
	for (unsigned int i = 0; i < 3; i++) {
		fake_unit_init(&fx->unit[i], &fx->tp.platform,
			       &uiommu_core_host_ops, fx->core);
		fx->unit[i].caps.msi_isolated = i < 2;
		fx->unit[i].caps.msi_translated = i != 1;
		if (i == 1)
			fake_unit_without_pasids(&fx->unit[i]);
		assert_int_equal(
			uiommu_core_add_unit(fx->core, &fx->unit[i].unit), 0);
	}
	create_abi(fx);
	for (unsigned int i = 0; i < FX_DEVICES; i++)
		add_device(fx, i);
	fx->open_fds = count_fds();
	*state = fx;
	return 0;
}

int fx_teardown(void **state)
{
	struct fx *fx = *state;

	uiommu_abi_destroy(fx->abi);
	for (unsigned int i = FX_DEVICES; i--;) {
		assert_false(fake_pci_cfg(&fx->pci[i], 4, 2) & 4);
		uiommu_device_remove(fx->pci[i].dev);
		pthread_mutex_destroy(&fx->pci[i].lock);
	}
	uiommu_core_destroy(fx->core);
	for (unsigned int i = 0; i < FX_VECTORS; i++)
		assert_false(fx->vec[i].used);
	assert_int_equal(fx->pins, 0);
	assert_int_equal(count_fds(), fx->open_fds);
	test_platform_fini(&fx->tp);
	pthread_mutex_destroy(&fx->lock);
	free(fx);
	return 0;
}

/* ---------------------------------------------------------- the client -- */

int fx_open(struct fx *fx, const char *path)
{
	return uiommu_abi_open(fx->abi, path, O_RDWR | O_CLOEXEC);
}

void fx_close(struct fx *fx, int fd)
{
	assert_int_equal(uiommu_abi_close(fx->abi, fd), 0);
	close(fd);
}

long fx_ioctl(struct fx *fx, int fd, unsigned long cmd, void *arg)
{
	return uiommu_abi_ioctl(fx->abi, fd, cmd, (unsigned long)arg);
}

long fx_ioctl_val(struct fx *fx, int fd, unsigned long cmd, unsigned long arg)
{
	return uiommu_abi_ioctl(fx->abi, fd, cmd, arg);
}

const char *fx_group_path(struct fx *fx, unsigned int dev, char *buf)
{
	struct uiommu_group *group = uiommu_device_group(fx->pci[dev].dev);

	sprintf(buf, "/dev/vfio/%u", uiommu_group_id(group));
	return buf;
}

const char *fx_cdev_path(struct fx *fx, unsigned int dev, char *buf)
{
	sprintf(buf, "/dev/vfio/devices/vfio%u", dev);
	return buf;
}

void fx_legacy_open(struct fx *fx, struct fx_legacy *legacy, unsigned int dev,
		    unsigned long type)
{
	char path[64];

	legacy->container = fx_open(fx, "/dev/vfio/vfio");
	assert_true(legacy->container >= 0);
	legacy->group = fx_open(fx, fx_group_path(fx, dev, path));
	assert_true(legacy->group >= 0);
	assert_int_equal(fx_ioctl(fx, legacy->group, VFIO_GROUP_SET_CONTAINER,
				  &legacy->container),
			 0);
	assert_int_equal(
		fx_ioctl_val(fx, legacy->container, VFIO_SET_IOMMU, type), 0);
	legacy->device = (int)fx_ioctl(fx, legacy->group,
				       VFIO_GROUP_GET_DEVICE_FD, fx->bdf[dev]);
	assert_true(legacy->device >= 0);
}

void fx_legacy_close(struct fx *fx, struct fx_legacy *legacy)
{
	fx_close(fx, legacy->device);
	fx_close(fx, legacy->group);
	fx_close(fx, legacy->container);
}

void fx_cdev_open(struct fx *fx, struct fx_cdev *cdev, unsigned int dev,
		  bool attach)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };
	struct vfio_device_attach_iommufd_pt pt = { .argsz = sizeof(pt) };
	char path[64];

	cdev->iommufd = fx_open(fx, "/dev/iommu");
	assert_true(cdev->iommufd >= 0);
	cdev->device = fx_open(fx, fx_cdev_path(fx, dev, path));
	assert_true(cdev->device >= 0);
	bind.iommufd = cdev->iommufd;
	assert_int_equal(
		fx_ioctl(fx, cdev->device, VFIO_DEVICE_BIND_IOMMUFD, &bind), 0);
	cdev->devid = bind.out_devid;
	assert_int_equal(fx_ioctl(fx, cdev->iommufd, IOMMU_IOAS_ALLOC, &alloc),
			 0);
	cdev->ioas = alloc.out_ioas_id;
	if (!attach)
		return;
	pt.pt_id = cdev->ioas;
	assert_int_equal(fx_ioctl(fx, cdev->device,
				  VFIO_DEVICE_ATTACH_IOMMUFD_PT, &pt),
			 0);
	cdev->pt = pt.pt_id;
}

void fx_cdev_close(struct fx *fx, struct fx_cdev *cdev)
{
	fx_close(fx, cdev->device);
	fx_close(fx, cdev->iommufd);
}

uint32_t fx_cfg_read(struct fx *fx, int device, unsigned int off,
		     unsigned int size)
{
	uint32_t val = 0;

	assert_int_equal(
		uiommu_abi_pread(fx->abi, device, (uintptr_t)&val, size,
				 FX_REGION(VFIO_PCI_CONFIG_REGION_INDEX) + off),
		size);
	return val;
}

void fx_cfg_write(struct fx *fx, int device, unsigned int off,
		  unsigned int size, uint32_t val)
{
	assert_int_equal(uiommu_abi_pwrite(
				 fx->abi, device, (uintptr_t)&val, size,
				 FX_REGION(VFIO_PCI_CONFIG_REGION_INDEX) + off),
			 size);
}

long fx_set_irqs(struct fx *fx, int device, uint32_t flags, uint32_t index,
		 uint32_t start, uint32_t count, const void *data, size_t size)
{
	union {
		struct vfio_irq_set set;
		uint8_t bytes[4096];
	} buf = { .set = {
			  .argsz = (uint32_t)(sizeof(buf.set) + size),
			  .flags = flags,
			  .index = index,
			  .start = start,
			  .count = count,
		  } };

	if (size)
		memcpy(buf.bytes + sizeof(buf.set), data, size);
	return fx_ioctl(fx, device, VFIO_DEVICE_SET_IRQS, &buf);
}

int fx_eventfd(void)
{
	int efd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	assert_true(efd >= 0);
	return efd;
}

uint64_t fx_events(int efd)
{
	uint64_t val;

	return read(efd, &val, sizeof(val)) == sizeof(val) ? val : 0;
}

long fx_map(struct fx *fx, int container, uint64_t uva, uint64_t iova,
	    uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = uva,
		.iova = iova,
		.size = size,
	};

	return fx_ioctl(fx, container, VFIO_IOMMU_MAP_DMA, &map);
}

long fx_unmap(struct fx *fx, int container, uint64_t iova, uint64_t size,
	      uint64_t *unmapped)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = size,
	};
	long rc = fx_ioctl(fx, container, VFIO_IOMMU_UNMAP_DMA, &unmap);

	if (unmapped)
		*unmapped = unmap.size;
	return rc;
}

bool fx_translate_pasid(struct fx *fx, unsigned int dev, uint32_t pasid,
			uint64_t iova, uiommu_pa_t *pa)
{
	struct uiommu_group *group = uiommu_device_group(fx->pci[dev].dev);
	struct uiommu_domain *domain = uiommu_group_pasid_domain(group, pasid);

	return domain && !uiommu_domain_iova_to_pa(domain, iova, pa);
}

bool fx_translate(struct fx *fx, unsigned int dev, uint64_t iova,
		  uiommu_pa_t *pa)
{
	struct uiommu_group *group = uiommu_device_group(fx->pci[dev].dev);
	struct uiommu_domain *domain = uiommu_group_domain(group);

	return domain && !uiommu_domain_iova_to_pa(domain, iova, pa);
}
