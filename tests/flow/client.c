/* SPDX-License-Identifier: BSD-2-Clause */
/* client.c - see client.h. */
#include <errno.h>
#include <stdio.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <uiommu/host.h>
#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>

#include "client.h"

static struct uiommu_machine *create_ok(const char *devices,
					const char *topology,
					enum uiommu_log_level log_level)
{
	const struct uiommu_machine_cfg cfg = {
		.devices = devices,
		.topology = topology,
		.log_level = log_level,
		/* Who wants to be told of accesses must not be noticed. */
		.explain = true,
	};
	struct uiommu_machine *machine = NULL;
	char err[256];

	if (uiommu_machine_create(&cfg, &machine, err, sizeof(err)))
		fail_msg("machine: %s", err);
	return machine;
}

struct uiommu_machine *machine_ok(const char *devices)
{
	return create_ok(devices, NULL, UIOMMU_LOG_ERROR);
}

struct uiommu_machine *machine_warning_ok(const char *devices)
{
	return create_ok(devices, NULL, UIOMMU_LOG_WARN);
}

struct uiommu_machine *machine_of_ok(const char *topology)
{
	const char *root = getenv("UIOMMU_BUILD_ROOT");
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", root ? root : ".", topology);
	return create_ok(NULL, path, UIOMMU_LOG_ERROR);
}

static void on_fault(int sig, siginfo_t *info, void *uc)
{
	if (!uiommu_guard_fixup(uc))
		signal(sig, SIG_DFL);
}

void guard_ok(void)
{
	struct sigaction sa = {
		.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_NODEFER,
	};

	assert_int_equal(sigaction(SIGSEGV, &sa, NULL), 0);
	assert_int_equal(sigaction(SIGBUS, &sa, NULL), 0);
}

void log_begin(struct logged *l)
{
	l->fd = memfd_create("log", 0);
	l->stderr_fd = dup(STDERR_FILENO);
	assert_true(l->fd >= 0 && l->stderr_fd >= 0);
	assert_true(dup2(l->fd, STDERR_FILENO) >= 0);
}

void log_end(struct logged *l, char *text, size_t size)
{
	ssize_t n;

	dup2(l->stderr_fd, STDERR_FILENO);
	n = pread(l->fd, text, size - 1, 0);
	text[n > 0 ? n : 0] = '\0';
	close(l->fd);
	close(l->stderr_fd);
}

long client_ioctl(struct uiommu_abi *abi, int fd, unsigned long cmd, void *arg)
{
	return uiommu_abi_ioctl(abi, fd, cmd, (unsigned long)(uintptr_t)arg);
}

static void begin(struct client *c, struct uiommu_machine *machine,
		  unsigned int index)
{
	const char *bdf, *type;

	memset(c, 0, sizeof(*c));
	c->machine = machine;
	c->abi = uiommu_machine_abi(machine);
	c->index = index;
	c->group_fd = -1;
	assert_true(uiommu_machine_device(machine, index, &bdf, &type));
	snprintf(c->bdf, sizeof(c->bdf), "%s", bdf);
}

static uint64_t region_offset(struct client *c, unsigned int index)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = index,
	};

	assert_int_equal(client_ioctl(c->abi, c->dev_fd,
				      VFIO_DEVICE_GET_REGION_INFO, &info),
			 0);
	return info.offset;
}

static void regions(struct client *c)
{
	c->bar_off = region_offset(c, VFIO_PCI_BAR0_REGION_INDEX);
	c->cfg_off = region_offset(c, VFIO_PCI_CONFIG_REGION_INDEX);
}

static int open_ok(struct client *c, const char *path)
{
	int fd = uiommu_abi_open(c->abi, path, O_RDWR);

	if (fd < 0)
		fail_msg("%s: %s", path, strerror(-fd));
	return fd;
}

struct find {
	const char *prefix;
	const char *skip;
	unsigned int left;
	char path[64];
};

/* The nth character node below a prefix; devices come in order. */
static int find_node(void *ctx, const struct uiommu_node *node)
{
	struct find *find = ctx;

	if (node->type != UIOMMU_NODE_CHAR ||
	    strncmp(node->path, find->prefix, strlen(find->prefix)) ||
	    strchr(node->path + strlen(find->prefix), '/') ||
	    (find->skip && !strcmp(node->path, find->skip)))
		return 0;
	if (find->left--)
		return 0;
	snprintf(find->path, sizeof(find->path), "%s", node->path);
	return 1;
}

static void find_ok(struct client *c, struct find *find)
{
	assert_int_equal(uiommu_abi_visit_nodes(c->abi, find_node, find), 1);
}

/* SET_CONTAINER's answer. */
static int join(struct client *c)
{
	struct find find = { .prefix = "/dev/vfio/",
			     .skip = "/dev/vfio/vfio",
			     .left = c->index };
	struct vfio_group_status status = { .argsz = sizeof(status) };

	find_ok(c, &find);
	c->group_fd = open_ok(c, find.path);
	assert_int_equal(client_ioctl(c->abi, c->group_fd,
				      VFIO_GROUP_GET_STATUS, &status),
			 0);
	assert_true(status.flags & VFIO_GROUP_FLAGS_VIABLE);
	return (int)client_ioctl(c->abi, c->group_fd, VFIO_GROUP_SET_CONTAINER,
				 &c->space_fd);
}

static void device_ok(struct client *c)
{
	c->dev_fd = (int)client_ioctl(c->abi, c->group_fd,
				      VFIO_GROUP_GET_DEVICE_FD, c->bdf);
	assert_true(c->dev_fd >= 0);
	regions(c);
}

int client_try_container(struct client *c, struct uiommu_machine *machine,
			 unsigned int index, unsigned long type)
{
	int rc;

	begin(c, machine, index);
	c->space_fd = open_ok(c, "/dev/vfio/vfio");
	assert_int_equal(join(c), 0);
	rc = (int)uiommu_abi_ioctl(c->abi, c->space_fd, VFIO_SET_IOMMU, type);
	if (rc) {
		assert_int_equal(uiommu_abi_close(c->abi, c->group_fd), 0);
		assert_int_equal(uiommu_abi_close(c->abi, c->space_fd), 0);
	} else {
		device_ok(c);
	}
	return rc;
}

void client_open_container(struct client *c, struct uiommu_machine *machine,
			   unsigned int index, unsigned long type)
{
	assert_int_equal(client_try_container(c, machine, index, type), 0);
}

void client_open_type1(struct client *c, struct uiommu_machine *machine,
		       unsigned int index)
{
	client_open_container(c, machine, index, VFIO_TYPE1v2_IOMMU);
}

int client_join(struct client *c, const struct client *other,
		unsigned int index)
{
	int rc;

	begin(c, other->machine, index);
	c->space_fd = other->space_fd;
	rc = join(c);
	if (rc)
		assert_int_equal(uiommu_abi_close(c->abi, c->group_fd), 0);
	else
		device_ok(c);
	return rc;
}

void client_leave(struct client *c)
{
	assert_int_equal(uiommu_abi_close(c->abi, c->dev_fd), 0);
	assert_int_equal(uiommu_abi_close(c->abi, c->group_fd), 0);
}

/* Open the device and bind it to space_fd. */
static void bind_ok(struct client *c)
{
	struct vfio_device_bind_iommufd bind = {
		.argsz = sizeof(bind),
		.iommufd = c->space_fd,
	};
	struct find find = {
		.prefix = "/dev/vfio/devices/",
		.left = c->index,
	};

	find_ok(c, &find);
	c->dev_fd = open_ok(c, find.path);
	assert_int_equal(client_ioctl(c->abi, c->dev_fd,
				      VFIO_DEVICE_BIND_IOMMUFD, &bind),
			 0);
	c->dev_id = bind.out_devid;
}

void client_open_beside(struct client *c, const struct client *other,
			unsigned int index)
{
	begin(c, other->machine, index);
	c->space_fd = other->space_fd;
	c->ioas_id = other->ioas_id;
	bind_ok(c);
	regions(c);
}

uint32_t client_ioas_ok(struct client *c)
{
	struct iommu_ioas_alloc cmd = { .size = sizeof(cmd) };

	assert_int_equal(
		client_ioctl(c->abi, c->space_fd, IOMMU_IOAS_ALLOC, &cmd), 0);
	return cmd.out_ioas_id;
}

uint32_t client_hwpt_ok(struct client *c, uint32_t ioas, uint32_t flags)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dev_id = c->dev_id,
		.pt_id = ioas,
	};

	assert_int_equal(
		client_ioctl(c->abi, c->space_fd, IOMMU_HWPT_ALLOC, &cmd), 0);
	return cmd.out_hwpt_id;
}

int client_attach(struct client *c, uint32_t pasid, uint32_t pt_id)
{
	struct vfio_device_attach_iommufd_pt cmd = {
		.argsz = sizeof(cmd),
		.flags = pasid ? VFIO_DEVICE_ATTACH_PASID : 0,
		.pt_id = pt_id,
		.pasid = pasid,
	};

	return (int)client_ioctl(c->abi, c->dev_fd,
				 VFIO_DEVICE_ATTACH_IOMMUFD_PT, &cmd);
}

int client_detach(struct client *c, uint32_t pasid)
{
	struct vfio_device_detach_iommufd_pt cmd = {
		.argsz = sizeof(cmd),
		.flags = pasid ? VFIO_DEVICE_DETACH_PASID : 0,
		.pasid = pasid,
	};

	return (int)client_ioctl(c->abi, c->dev_fd,
				 VFIO_DEVICE_DETACH_IOMMUFD_PT, &cmd);
}

void client_open_iommufd(struct client *c, struct uiommu_machine *machine,
			 unsigned int index)
{
	begin(c, machine, index);
	c->space_fd = open_ok(c, "/dev/iommu");
	bind_ok(c);
	c->ioas_id = client_ioas_ok(c);
	assert_int_equal(client_attach(c, 0, c->ioas_id), 0);
	regions(c);
}

void client_close(struct client *c)
{
	assert_int_equal(uiommu_abi_close(c->abi, c->dev_fd), 0);
	if (c->group_fd >= 0)
		assert_int_equal(uiommu_abi_close(c->abi, c->group_fd), 0);
	assert_int_equal(uiommu_abi_close(c->abi, c->space_fd), 0);
}

int client_map(struct client *c, void *va, uint64_t len, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map t1 = {
		.argsz = sizeof(t1),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)va,
		.iova = iova,
		.size = len,
	};
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = c->ioas_id,
		.user_va = (uintptr_t)va,
		.length = len,
		.iova = iova,
	};

	if (c->group_fd >= 0)
		return (int)client_ioctl(c->abi, c->space_fd,
					 VFIO_IOMMU_MAP_DMA, &t1);
	return (int)client_ioctl(c->abi, c->space_fd, IOMMU_IOAS_MAP, &map);
}

void client_map_ok(struct client *c, void *va, uint64_t len, uint64_t iova)
{
	int rc = client_map(c, va, len, iova);

	if (rc)
		fail_msg("map: %s", strerror(-rc));
}

int client_unmap(struct client *c, uint64_t iova, uint64_t len)
{
	struct vfio_iommu_type1_dma_unmap t1 = {
		.argsz = sizeof(t1),
		.iova = iova,
		.size = len,
	};
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap),
		.ioas_id = c->ioas_id,
		.iova = iova,
		.length = len,
	};

	if (c->group_fd >= 0)
		return (int)client_ioctl(c->abi, c->space_fd,
					 VFIO_IOMMU_UNMAP_DMA, &t1);
	return (int)client_ioctl(c->abi, c->space_fd, IOMMU_IOAS_UNMAP, &unmap);
}

uint64_t bar_read(struct client *c, uint64_t off, unsigned int size)
{
	uint64_t val = 0;

	assert_int_equal(uiommu_abi_pread(c->abi, c->dev_fd, (uintptr_t)&val,
					  size, c->bar_off + off),
			 size);
	return val;
}

void bar_write(struct client *c, uint64_t off, unsigned int size, uint64_t val)
{
	assert_int_equal(uiommu_abi_pwrite(c->abi, c->dev_fd, (uintptr_t)&val,
					   size, c->bar_off + off),
			 size);
}

uint32_t cfg_read(struct client *c, uint64_t off, unsigned int size)
{
	uint32_t val = 0;

	assert_int_equal(uiommu_abi_pread(c->abi, c->dev_fd, (uintptr_t)&val,
					  size, c->cfg_off + off),
			 size);
	return val;
}

void cfg_write(struct client *c, uint64_t off, unsigned int size, uint32_t val)
{
	assert_int_equal(uiommu_abi_pwrite(c->abi, c->dev_fd, (uintptr_t)&val,
					   size, c->cfg_off + off),
			 size);
}

void client_master(struct client *c, bool on)
{
	uint32_t command = cfg_read(c, 4, 2) & ~4u;

	cfg_write(c, 4, 2, command | 2 | (on ? 4 : 0));
}

int client_msix(struct client *c, const int *efd, unsigned int n)
{
	size_t len = sizeof(struct vfio_irq_set) + n * sizeof(*efd);
	struct vfio_irq_set *set = calloc(1, len);
	long rc;

	assert_non_null(set);
	set->argsz = (uint32_t)len;
	set->flags = VFIO_IRQ_SET_ACTION_TRIGGER |
		     (n ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE);
	set->index = VFIO_PCI_MSIX_IRQ_INDEX;
	set->count = n;
	if (n)
		memcpy(set->data, efd, n * sizeof(*efd));
	rc = client_ioctl(c->abi, c->dev_fd, VFIO_DEVICE_SET_IRQS, set);
	free(set);
	return (int)rc;
}

void client_msix_ok(struct client *c, const int *efd, unsigned int n)
{
	assert_int_equal(client_msix(c, efd, n), 0);
}

void *pages_ok(size_t len)
{
	void *va = mmap(NULL, len, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(va != MAP_FAILED);
	return va;
}

void pages_free(void *va, size_t len)
{
	munmap(va, len);
}

/* -------------------------------------------------------------- I/OAT -- */

void ioat_init(struct client *c)
{
	client_master(c, true);
	bar_write(c, IOAT_CHANCMD, 1, 0x20);
	assert_int_equal(bar_read(c, IOAT_CHANCMD, 1), 0);
	assert_int_equal(bar_read(c, IOAT_CHANSTS, 8) & 7, IOAT_STS_HALTED);
	bar_write(c, 0x03, 1, 0x08);
}

unsigned int ioat_run(struct client *c, uint64_t chain, unsigned int count)
{
	unsigned int state;

	bar_write(c, IOAT_CHAINADDR, 8, chain);
	bar_write(c, IOAT_CHANCTRL, 2, 0x9);
	bar_write(c, IOAT_DMACOUNT, 2, count);
	do {
		state = bar_read(c, IOAT_CHANSTS, 8) & 7;
	} while (!state);
	return state;
}

unsigned int ioat_copy(struct client *c, struct ioat_desc *desc,
		       uint64_t desc_iova, uint64_t dst, uint64_t src,
		       uint32_t len)
{
	memset(desc, 0, sizeof(*desc));
	desc->size = len;
	desc->src = src;
	desc->dst = dst;
	desc->next = desc_iova;
	return ioat_run(c, desc_iova, 1);
}
