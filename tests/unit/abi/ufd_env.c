/* SPDX-License-Identifier: BSD-2-Clause */
#include "ufd_env.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/atomic.h"
#include "small_unit.h"

/* ------------------------------------------------------------ the host -- */

static int copy(struct ufd_env *env, void *dst, const void *src, size_t len,
		bool from_user)
{
	struct iovec local = { from_user ? dst : (void *)(uintptr_t)src, len };
	struct iovec user = { from_user ? (void *)(uintptr_t)src : dst, len };
	ssize_t n;

	if (env->fast_copies) {
		memcpy(dst, src, len);
		return 0;
	}
	/* The kernel looks whether the addresses are there. */
	n = from_user ? process_vm_readv(getpid(), &local, 1, &user, 1, 0)
		      : process_vm_writev(getpid(), &local, 1, &user, 1, 0);
	return n == (ssize_t)len ? 0 : -EFAULT;
}

static int host_copy_from(void *ctx, void *dst, uint64_t uva, size_t len)
{
	return copy(ctx, dst, (const void *)(uintptr_t)uva, len, true);
}

static int host_copy_to(void *ctx, uint64_t uva, const void *src, size_t len)
{
	return copy(ctx, (void *)(uintptr_t)uva, src, len, false);
}

static int host_fd_new(void *ctx, const char *path, int flags)
{
	struct ufd_env *env = ctx;
	int fd, rc = -24; /* EMFILE */

	pthread_mutex_lock(&env->lock);
	for (fd = 3; fd < env->fd_limit; fd++) {
		if (env->fd_used[fd])
			continue;
		env->fd_used[fd] = true;
		rc = fd;
		break;
	}
	pthread_mutex_unlock(&env->lock);
	return rc;
}

static int host_fd_new_event(void *ctx, const char *path, int flags, int *event)
{
	struct ufd_env *env = ctx;
	int fd = host_fd_new(ctx, path, flags);

	if (fd < 0)
		return fd;
	pthread_mutex_lock(&env->lock);
	env->readable[fd] = false;
	env->woken[fd] = 0;
	env->events++;
	pthread_mutex_unlock(&env->lock);
	*event = fd;
	return fd;
}

static void host_event_set(void *ctx, int event, bool readable)
{
	struct ufd_env *env = ctx;

	pthread_mutex_lock(&env->lock);
	env->readable[event] = readable;
	env->woken[event] += readable;
	pthread_mutex_unlock(&env->lock);
}

static void host_event_end(void *ctx, int event)
{
	struct ufd_env *env = ctx;

	pthread_mutex_lock(&env->lock);
	env->events--;
	pthread_mutex_unlock(&env->lock);
}

static void host_fd_drop(void *ctx, int fd)
{
	struct ufd_env *env = ctx;

	pthread_mutex_lock(&env->lock);
	env->fd_used[fd] = false;
	pthread_mutex_unlock(&env->lock);
}

static void host_leave(void *ctx)
{
	struct ufd_env *env = ctx;

	fetch_add_relaxed(&env->leaves, 1);
	if (env->watch)
		env->watched = load_acquire(env->watch);
}

static bool host_capable(void *ctx, int cap)
{
	return !((struct ufd_env *)ctx)->no_caps;
}

static int mm_pin(void *ctx, uint64_t uva, uint64_t len, uint32_t flags,
		  struct uiommu_run *run)
{
	struct ufd_env *env = ctx;
	uint64_t base = (uintptr_t)env->mem;

	if (uva < base || uva >= base + ENV_MEM_PAGES * PAGE)
		return -EFAULT;
	/* At most 3 pages at a time, so that runs are seen to be joined. */
	if (len > 3 * PAGE)
		len = 3 * PAGE;
	if (len > base + ENV_MEM_PAGES * PAGE - uva)
		len = base + ENV_MEM_PAGES * PAGE - uva;
	*run = (struct uiommu_run){ .pa = uva, .len = len };
	fetch_add_relaxed(&env->pinned, (int64_t)(len / PAGE));
	return 0;
}

static void mm_unpin(void *ctx, uiommu_pa_t pa, uint64_t len, uint32_t flags)
{
	struct ufd_env *env = ctx;

	fetch_add_relaxed(&env->pinned, -(int64_t)(len / PAGE));
}

/* Physical addresses are those of the process: one for both. */
static int mm_copy(void *ctx, uint64_t addr, void *buf, size_t len, bool write)
{
	return write ? host_copy_to(ctx, addr, buf, len)
		     : host_copy_from(ctx, buf, addr, len);
}

/* --------------------------------------- no /dev/vfio in these programs -- */

int abi_vfio_create(struct uiommu_abi *abi, struct abi_vfio **out)
{
	*out = NULL;
	return 0;
}

void abi_vfio_destroy(struct abi_vfio *vfio)
{
}

int abi_vfio_open(struct abi_vfio *vfio, const char *path, int flags,
		  struct abi_file **out)
{
	return -ENOENT;
}

int abi_vfio_visit_nodes(struct abi_vfio *vfio,
			 int (*fn)(void *ctx, const struct uiommu_node *node),
			 void *ctx)
{
	return 0;
}

/* ---------------------------------------------------------- up and down -- */

static void add_devices(struct ufd_env *env)
{
	static const uint32_t ids[ENV_DEVICES] = { 8, 9, 16, 8, 8, 8 };
	static const char *const names[ENV_DEVICES] = { "a", "b", "c",
							"d", "e", "f" };
	static const unsigned int units[ENV_DEVICES] = { 0, 0, 0, 1, 2, 3 };
	struct uiommu_device_cfg cfg = {
		.hw = { .nr_ids = 1, .pasid_bits = 8 },
	};
	unsigned int i;
	int rc;

	for (i = 0; i < ENV_UNITS; i++) {
		env->unit[i] = small_unit_create(&env->tp.platform, env->core);
		env->unit[i]->caps.coherent = i != 2;
		env->unit[i]->caps.msi_isolated = i != 3;
		env->unit[i]->page_faults = !i;
		env->unit[i]->caps.stage2 = i == 1;
		env->unit[i]->caps.dirty_tracking = i == 1;
		rc = uiommu_core_add_unit(env->core, &env->unit[i]->unit);
		assert_int_equal(rc, 0);
	}
	for (i = 0; i < ENV_DEVICES; i++) {
		cfg.hw.name = names[i];
		cfg.hw.ids = &ids[i];
		cfg.group_with = i == 1 ? env->dev[0] : NULL;
		rc = uiommu_device_add(env->core, &env->unit[units[i]]->unit,
				       &cfg, &env->dev[i]);
		assert_int_equal(rc, 0);
	}
}

void ufd_env_init(struct ufd_env *env)
{
	struct uiommu_core_cfg cfg = { .platform = &env->tp.platform };
	size_t size = (ENV_MEM_PAGES + 2) * PAGE;
	uint8_t *mem;

	memset(env, 0, sizeof(*env));
	pthread_mutex_init(&env->lock, NULL);
	env->fd_limit = ENV_FDS;
	mem = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(mem != MAP_FAILED);
	env->mem = mem + PAGE;
	assert_int_equal(mprotect(env->mem, ENV_MEM_PAGES * PAGE,
				  PROT_READ | PROT_WRITE),
			 0);

	test_platform_init(&env->tp);
	assert_int_equal(uiommu_core_create(&cfg, &env->core), 0);
	add_devices(env);
	env->mm = (struct uiommu_mm){ env, mm_pin, mm_unpin, mm_copy, mm_copy };
	env->host = (struct uiommu_abi_host){
		.ctx = env,
		.copy_from = host_copy_from,
		.copy_to = host_copy_to,
		.mm = &env->mm,
		.fd_new = host_fd_new,
		.fd_drop = host_fd_drop,
		.fd_new_event = host_fd_new_event,
		.event_set = host_event_set,
		.event_end = host_event_end,
		.leave = host_leave,
		.capable = host_capable,
		.platform = &env->tp.platform,
	};
	assert_int_equal(uiommu_abi_create(env->core, &env->host, &env->abi),
			 0);
}

void ufd_env_fini(struct ufd_env *env)
{
	unsigned int i;

	uiommu_abi_destroy(env->abi);
	assert_int_equal(env->pinned, 0);
	assert_int_equal(env->events, 0);
	for (i = ENV_DEVICES; i-- > 0;)
		uiommu_device_remove(env->dev[i]);
	uiommu_core_destroy(env->core);
	test_platform_fini(&env->tp);
	pthread_mutex_destroy(&env->lock);
	munmap(env->mem - PAGE, (ENV_MEM_PAGES + 2) * PAGE);
}

int ufd_env_setup(void **state)
{
	struct ufd_env *env = malloc(sizeof(*env));

	if (!env)
		return -1;
	ufd_env_init(env);
	*state = env;
	return 0;
}

int ufd_env_teardown(void **state)
{
	ufd_env_fini(*state);
	free(*state);
	return 0;
}

/* --------------------------------------------------------------- calls -- */

int env_open(struct ufd_env *env)
{
	int fd = uiommu_abi_open(env->abi, "/dev/iommu", 0);

	assert_true(fd >= 0);
	return fd;
}

int env_close(struct ufd_env *env, int fd)
{
	int rc = uiommu_abi_close(env->abi, fd);

	host_fd_drop(env, fd);
	return rc;
}

long env_ioctl(struct ufd_env *env, int fd, unsigned long cmd, void *arg)
{
	return uiommu_abi_ioctl(env->abi, fd, cmd, (unsigned long)arg);
}

uint32_t env_ioas(struct ufd_env *env, int fd)
{
	struct iommu_ioas_alloc cmd = { .size = sizeof(cmd) };

	assert_int_equal(env_ioctl(env, fd, IOMMU_IOAS_ALLOC, &cmd), 0);
	return cmd.out_ioas_id;
}

static uint64_t map(struct ufd_env *env, int fd, uint32_t ioas, const void *mem,
		    uint64_t len, uint64_t iova, uint32_t flags)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = flags | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)mem,
		.length = len,
		.iova = iova,
	};

	assert_int_equal(env_ioctl(env, fd, IOMMU_IOAS_MAP, &cmd), 0);
	return cmd.iova;
}

void env_map(struct ufd_env *env, int fd, uint32_t ioas, const void *mem,
	     uint64_t len, uint64_t iova)
{
	map(env, fd, ioas, mem, len, iova, IOMMU_IOAS_MAP_FIXED_IOVA);
}

uint64_t env_map_anywhere(struct ufd_env *env, int fd, uint32_t ioas,
			  const void *mem, uint64_t len)
{
	return map(env, fd, ioas, mem, len, 0, 0);
}

struct ufd_device *env_bind(struct ufd_env *env, int fd, unsigned int dev,
			    uint32_t *id)
{
	struct abi_file *file = abi_fd_get(env->abi, fd);
	struct ufd_device *idev;
	int rc;

	rc = ufd_device_bind(file, env->dev[dev], &idev, id);
	abi_file_put(file);
	assert_int_equal(rc, 0);
	return idev;
}

int env_destroy(struct ufd_env *env, int fd, uint32_t id)
{
	struct iommu_destroy cmd = { .size = sizeof(cmd), .id = id };

	return (int)env_ioctl(env, fd, IOMMU_DESTROY, &cmd);
}

int env_unmap(struct ufd_env *env, int fd, uint32_t ioas, uint64_t iova,
	      uint64_t len)
{
	struct iommu_ioas_unmap cmd = {
		.size = sizeof(cmd),
		.ioas_id = ioas,
		.iova = iova,
		.length = len,
	};

	return (int)env_ioctl(env, fd, IOMMU_IOAS_UNMAP, &cmd);
}

int env_hwpt(struct ufd_env *env, int fd, uint32_t dev, uint32_t pt,
	     uint32_t *id)
{
	return env_hwpt_of(env, fd, dev, pt, 0, id);
}

int env_hwpt_of(struct ufd_env *env, int fd, uint32_t dev, uint32_t pt,
		uint32_t flags, uint32_t *id)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.dev_id = dev,
		.pt_id = pt,
	};
	int rc = (int)env_ioctl(env, fd, IOMMU_HWPT_ALLOC, &cmd);

	*id = cmd.out_hwpt_id;
	return rc;
}

uint32_t env_queue(struct ufd_env *env, int fd, int *queue)
{
	struct iommu_fault_alloc cmd = { .size = sizeof(cmd) };

	assert_int_equal(env_ioctl(env, fd, IOMMU_FAULT_QUEUE_ALLOC, &cmd), 0);
	*queue = (int)cmd.out_fault_fd;
	return cmd.out_fault_id;
}

int env_fault_hwpt(struct ufd_env *env, int fd, uint32_t dev, uint32_t pt,
		   uint32_t queue, uint32_t *id)
{
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_HWPT_FAULT_ID_VALID,
		.dev_id = dev,
		.pt_id = pt,
		.fault_id = queue,
	};
	int rc = (int)env_ioctl(env, fd, IOMMU_HWPT_ALLOC, &cmd);

	*id = cmd.out_hwpt_id;
	return rc;
}

void env_ask(struct ufd_env *env, unsigned int dev, uint32_t pasid,
	     uint32_t token, uint64_t iova, uint32_t flags)
{
	static const uint32_t ids[] = { 8, 9, 16 };
	struct small_unit *su = env->unit[0];
	struct uiommu_page_request req = {
		.flags = flags,
		.id = ids[dev],
		.pasid = pasid,
		.token = token,
		.iova = iova,
	};

	pthread_mutex_lock(&su->lock);
	for (unsigned int i = 0; i < su->nr_known; i++)
		if (su->known[i].id == req.id)
			req.cookie = su->known[i].cookie;
	pthread_mutex_unlock(&su->lock);
	su->unit.host->report_page_request(su->unit.host_ctx, &su->unit, &req);
}

static void *reach(struct uiommu_domain *domain, uint64_t iova)
{
	uiommu_pa_t pa;

	if (!domain || uiommu_domain_iova_to_pa(domain, iova, &pa))
		return NULL;
	return (void *)(uintptr_t)pa;
}

void *env_dma(struct ufd_env *env, unsigned int dev, uint64_t iova)
{
	return reach(uiommu_group_domain(uiommu_device_group(env->dev[dev])),
		     iova);
}

void *env_dma_pasid(struct ufd_env *env, unsigned int dev, uint32_t pasid,
		    uint64_t iova)
{
	return reach(uiommu_device_pasid_domain(env->dev[dev], pasid), iova);
}

void *env_edge(struct ufd_env *env, size_t n)
{
	return env->mem + ENV_MEM_PAGES * PAGE - n;
}
