/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IOMMU_IOAS_MAP_FILE: the order of its checks, files of the host and dma-bufs of
 * ours, what a revocation leaves, who may change process.
 */
#include "ufd_env.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/iommufd/private.h"
#include "base/atomic.h"
#include "turns.h"

#define RW (IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE)
#define FIXED IOMMU_IOAS_MAP_FIXED_IOVA

/* Files: descriptor 100 is 8 pages of env->mem from page 16 on. */
#define FILE_FD 100
#define FILE_PAGES 8

static unsigned int refs;

/* What file_pin does first: a call in the middle of a map. */
static void (*in_pin)(struct ufd_env *env);

static uint8_t *file_mem(struct ufd_env *env)
{
	return env->mem + 16 * PAGE;
}

static int file_pin(void *ctx, uint64_t off, uint64_t len, uint32_t flags,
		    struct uiommu_run *run)
{
	struct ufd_env *env = ctx;

	if (in_pin)
		in_pin(env);
	if (off + len > FILE_PAGES * PAGE)
		return -EINVAL;
	return env->mm.pin(env, (uintptr_t)file_mem(env) + off, len, flags,
			   run);
}

static void file_unpin(void *ctx, uiommu_pa_t pa, uint64_t len, uint32_t flags)
{
	struct ufd_env *env = ctx;

	env->mm.unpin(env, pa, len, flags);
}

static void file_get(void *ctx)
{
	refs++;
}

static void file_put(void *ctx)
{
	refs--;
}

static int host_file_mm(void *ctx, int fd, uint64_t start, uint64_t len,
			struct uiommu_mm *mm)
{
	struct ufd_env *env = ctx;

	if (fd != FILE_FD)
		return -EBADF;
	refs++;
	*mm = (struct uiommu_mm){
		.ctx = env,
		.pin = file_pin,
		.unpin = file_unpin,
		.copy_pinned = env->mm.copy_pinned,
		.get = file_get,
		.put = file_put,
		.kind = UIOMMU_MM_FILE,
	};
	return 0;
}

static int setup(void **state)
{
	struct ufd_env *env;

	ufd_env_setup(state);
	env = *state;
	/* The ABI has its own copy. */
	env->abi->host.file_mm = host_file_mm;
	refs = 0;
	return 0;
}

static int teardown(void **state)
{
	assert_int_equal(refs, 0);
	return ufd_env_teardown(state);
}

static int map_file(struct ufd_env *env, int fd, uint32_t ioas, int file,
		    uint32_t flags, uint64_t start, uint64_t len,
		    uint64_t *iova)
{
	struct iommu_ioas_map_file cmd = {
		.size = sizeof(cmd),
		.flags = flags,
		.ioas_id = ioas,
		.fd = file,
		.start = start,
		.length = len,
		.iova = *iova,
	};
	int rc = (int)env_ioctl(env, fd, IOMMU_IOAS_MAP_FILE, &cmd);

	*iova = cmd.iova;
	return rc;
}

static int change_process(struct ufd_env *env, int fd)
{
	struct iommu_ioas_change_process cmd = { sizeof(cmd), 0 };

	return (int)env_ioctl(env, fd, IOMMU_IOAS_CHANGE_PROCESS, &cmd);
}

static void checks(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = env_ioas(env, fd);
	uint64_t iova;
	unsigned int i;
	const struct {
		uint32_t flags, ioas;
		int file;
		uint64_t start, len, iova;
		int rc;
	} rows[] = {
		{ RW | 8, 0, -1, 0, UINT64_MAX, 0, -EOPNOTSUPP },
		{ 0, 0, -1, 0, UINT64_MAX, 0, -EOVERFLOW },
		{ 0, 0, -1, 0, PAGE, UINT64_MAX, -EOVERFLOW },
		{ FIXED, 0, -1, 0, PAGE, 0, -EINVAL },
		{ RW, 0, -1, 0, PAGE, 0, -ENOENT },
		{ RW, ioas, -1, 0, 0, 0, -EINVAL },
		{ RW, ioas, -1, UINT64_MAX, 2, 0, -EOVERFLOW },
		{ RW, ioas, -1, 0, PAGE, 0, -EBADF },
		{ RW, ioas, FILE_FD, 0, UINT64_MAX - 1, 0, -EINVAL },
		{ RW, ioas, FILE_FD, 0, UINT64_MAX / 2, 0, -EOVERFLOW },
		/* Without a domain nobody looks where it ends. */
		{ RW, ioas, FILE_FD, 100 * PAGE, PAGE, 0, 0 },
		/* A file of ours that is no memory. */
		{ RW, ioas, fd, 0, PAGE, 0, 0 },
		{ RW | FIXED, ioas, FILE_FD, 0, PAGE, 0x1000, -EEXIST },
	};

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		iova = rows[i].iova;
		assert_int_equal(map_file(env, fd, rows[i].ioas, rows[i].file,
					  rows[i].flags, rows[i].start,
					  rows[i].len, &iova),
				 rows[i].rc);
	}
	env_close(env, fd);
}

static void pinned_in_a_domain(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = env_ioas(env, fd), dev, pt = ioas;
	uint64_t iova = 0;
	struct ufd_device *idev = env_bind(env, fd, 2, &dev);

	assert_int_equal(ufd_device_attach(idev, &pt), 0);
	/* The place has the alignment of the offset. */
	assert_int_equal(map_file(env, fd, ioas, FILE_FD, RW, 2 * PAGE,
				  4 * PAGE, &iova),
			 0);
	assert_int_equal(iova % (2 * PAGE), 0);
	assert_ptr_equal(env_dma(env, 2, iova + PAGE),
			 file_mem(env) + 3 * PAGE);
	assert_int_equal(env->pinned, 4);
	assert_int_equal(refs, 1);
	assert_int_equal(change_process(env, fd), 0);
	/* Behind its end, and what is no memory. */
	iova = 0;
	assert_int_equal(map_file(env, fd, ioas, FILE_FD, RW, 7 * PAGE,
				  2 * PAGE, &iova),
			 -EINVAL);
	assert_int_equal(map_file(env, fd, ioas, fd, RW, 0, PAGE, &iova),
			 -EINVAL);
	assert_int_equal(env->pinned, 4);
	assert_int_equal(refs, 1);
	iova = env_map_anywhere(env, fd, ioas, env->mem, PAGE);
	assert_int_equal(change_process(env, fd), -EINVAL);
	assert_int_equal(env_unmap(env, fd, ioas, iova, PAGE), 0);
	assert_int_equal(change_process(env, fd), 0);
	ufd_device_unbind(idev);
	assert_int_equal(env->pinned, 0);
	env_close(env, fd);
}

static int busy_fd, busy_rc;

static void *changer(void *env)
{
	busy_rc = change_process(env, busy_fd);
	return NULL;
}

/* By another thread: what pins may not call the core. */
static void change_in_pin(struct ufd_env *env)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, changer, env), 0);
	pthread_join(thread, NULL);
}

/* An area that is still being built has no owner yet that could change. */
static void change_process_in_a_map(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = env_ioas(env, fd), dev, pt = ioas;
	uint64_t iova = 0;
	struct ufd_device *idev = env_bind(env, fd, 2, &dev);

	assert_int_equal(ufd_device_attach(idev, &pt), 0);
	busy_fd = fd;
	busy_rc = 1;
	in_pin = change_in_pin;
	assert_int_equal(map_file(env, fd, ioas, FILE_FD, RW, 0, PAGE, &iova),
			 0);
	in_pin = NULL;
	assert_int_equal(busy_rc, -EBUSY);
	assert_int_equal(change_process(env, fd), 0);
	ufd_device_unbind(idev);
	env_close(env, fd);
}

/* An answer that cannot be written takes the map back. */
static void unanswered(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = env_ioas(env, fd);
	struct iommu_ioas_map_file cmd = {
		.size = sizeof(cmd),
		.flags = RW,
		.ioas_id = ioas,
		.fd = FILE_FD,
		.length = PAGE,
	};
	struct iommu_ioas_map_file *ro =
		mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	*ro = cmd;
	assert_int_equal(mprotect(ro, PAGE, PROT_READ), 0);
	assert_int_equal(env_ioctl(env, fd, IOMMU_IOAS_MAP_FILE, ro), -EFAULT);
	assert_int_equal(refs, 0);
	munmap(ro, PAGE);
	env_close(env, fd);
}

/* ------------------------------------------------------------- dma-bufs -- */

static unsigned int released;

static void on_release(void *owner)
{
	released++;
}

/* 8 pages from the start of env->mem, as a descriptor. */
static struct abi_dmabuf *dmabuf(struct ufd_env *env, int *fd)
{
	struct abi_dmabuf *buf;
	int rc;

	released = 0;
	rc = abi_dmabuf_create(env->abi, &env->mm, (uintptr_t)env->mem,
			       8 * PAGE, on_release, NULL, &buf);
	assert_int_equal(rc, 0);
	*fd = abi_fd_install(env->abi, abi_dmabuf_file(buf),
			     "anon_inode:[dmabuf]", 0);
	assert_true(*fd >= 0);
	return buf;
}

static void dmabufs(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env), file;
	uint32_t ioas = env_ioas(env, fd);
	struct abi_dmabuf *buf = dmabuf(env, &file);
	uint64_t iova = 0, at = 0;

	assert_ptr_equal(abi_dmabuf_of(abi_dmabuf_file(buf)), buf);
	assert_int_equal(map_file(env, fd, ioas, file, RW, 0, 0, &iova),
			 -EINVAL);
	assert_int_equal(map_file(env, fd, ioas, file, RW, 8 * PAGE, PAGE,
				  &iova),
			 -EINVAL);
	assert_int_equal(map_file(env, fd, ioas, file, RW, 0, 8 * PAGE + 1,
				  &iova),
			 -EINVAL);
	assert_int_equal(
		map_file(env, fd, ioas, file, RW, PAGE, 7 * PAGE, &iova), 0);
	/* The map keeps it. */
	env_close(env, file);
	assert_int_equal(released, 0);
	assert_int_equal(change_process(env, fd), -EINVAL);
	assert_int_equal(env_unmap(env, fd, ioas, iova, 7 * PAGE), 0);
	assert_int_equal(released, 1);
	/* Closed, the number means nothing. */
	assert_int_equal(map_file(env, fd, ioas, file, RW, 0, PAGE, &at),
			 -EBADF);
	env_close(env, fd);
}

static void revoked(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env), file;
	uint32_t ioas = env_ioas(env, fd), dev, pt = ioas, hwpt;
	struct ufd_device *idev = env_bind(env, fd, 2, &dev);
	struct abi_dmabuf *buf = dmabuf(env, &file);
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy),
		.flags = RW,
		.dst_ioas_id = ioas,
		.src_ioas_id = ioas,
		.length = 2 * PAGE,
	};
	uint64_t iova = 0, second = 0;

	assert_int_equal(ufd_device_attach(idev, &pt), 0);
	assert_int_equal(map_file(env, fd, ioas, file, RW, 0, 8 * PAGE, &iova),
			 0);
	env_map(env, fd, ioas, env->mem, PAGE, 0x40000000);
	copy.src_iova = iova + 2 * PAGE;
	assert_int_equal(env_ioctl(env, fd, IOMMU_IOAS_COPY, &copy), 0);
	assert_ptr_equal(env_dma(env, 2, iova), env->mem);
	assert_ptr_equal(env_dma(env, 2, copy.dst_iova), env->mem + 2 * PAGE);

	abi_dmabuf_revoke(buf, true);
	assert_null(env_dma(env, 2, iova));
	assert_null(env_dma(env, 2, iova + 7 * PAGE));
	assert_null(env_dma(env, 2, copy.dst_iova));
	assert_ptr_equal(env_dma(env, 2, 0x40000000), env->mem);
	/* What comes later has nothing of it either. */
	assert_int_equal(map_file(env, fd, ioas, file, RW, 0, PAGE, &second),
			 -ENODEV);
	assert_int_equal(env_hwpt(env, fd, dev, ioas, &hwpt), 0);
	assert_int_equal(ufd_device_replace(idev, &hwpt), 0);
	assert_null(env_dma(env, 2, iova));
	assert_ptr_equal(env_dma(env, 2, 0x40000000), env->mem);
	assert_int_equal(env_ioctl(env, fd, IOMMU_IOAS_COPY, &copy), 0);
	assert_null(env_dma(env, 2, copy.dst_iova));

	/* Given back: for new maps. */
	abi_dmabuf_revoke(buf, false);
	assert_null(env_dma(env, 2, iova));
	assert_int_equal(
		map_file(env, fd, ioas, file, RW, 0, 8 * PAGE, &second), 0);
	assert_ptr_equal(env_dma(env, 2, second), env->mem);
	assert_int_equal(env_unmap(env, fd, ioas, iova, 8 * PAGE), 0);
	assert_int_equal(map_file(env, fd, ioas, file, RW | FIXED, 0, 8 * PAGE,
				  &iova),
			 0);
	assert_ptr_equal(env_dma(env, 2, iova + PAGE), env->mem + PAGE);
	env_close(env, file);
	ufd_device_unbind(idev);
	assert_int_equal(env_destroy(env, fd, hwpt), 0);
	assert_int_equal(env->pinned, 0);
	env_close(env, fd);
	assert_int_equal(released, 1);
}

static void not_for_accesses(void **state)
{
	static const struct uiommu_access_ops ops = { true, NULL };
	struct ufd_env *env = *state;
	int fd = env_open(env), file;
	uint32_t ioas = env_ioas(env, fd), id;
	struct abi_file *ctx = abi_fd_get(env->abi, fd);
	uint64_t iova = 0x10000, other = 0x20000;
	struct ufd_access *access;
	uiommu_pa_t page;
	uint8_t byte;

	dmabuf(env, &file);
	assert_int_equal(ufd_access_create(ufd_ctx_of(ctx), &ops, NULL, &access,
					   &id),
			 0);
	abi_file_put(ctx);
	assert_int_equal(ufd_access_attach(access, ioas), 0);
	assert_int_equal(
		map_file(env, fd, ioas, file, RW | FIXED, 0, PAGE, &iova), 0);
	assert_int_equal(uiommu_access_pin_pages(access->core, iova, PAGE, 0,
						 &page),
			 -EINVAL);
	assert_int_equal(uiommu_access_rw(access->core, iova, &byte, 1, 0),
			 -EINVAL);
	/* A file is reached by its pages. */
	assert_int_equal(map_file(env, fd, ioas, FILE_FD, RW | FIXED, PAGE,
				  PAGE, &other),
			 0);
	file_mem(env)[PAGE + 5] = 0x5a;
	assert_int_equal(uiommu_access_rw(access->core, other + 5, &byte, 1, 0),
			 0);
	assert_int_equal(byte, 0x5a);
	assert_int_equal(uiommu_access_pin_pages(access->core, other, PAGE, 0,
						 &page),
			 0);
	assert_int_equal(page, (uintptr_t)file_mem(env) + PAGE);
	uiommu_access_unpin_pages(access->core, other, PAGE);
	ufd_access_destroy(access);
	env_close(env, file);
	env_close(env, fd);
}

/* Parts of type1's first version: a dma-buf is not cut. */
static void not_cut(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env), file;
	uint32_t ioas = env_ioas(env, fd);
	struct ufd_ioas *obj;
	struct abi_file *ctx = abi_fd_get(env->abi, fd);
	uint64_t iova = 0x10000;

	dmabuf(env, &file);
	assert_int_equal(map_file(env, fd, ioas, file, RW | FIXED, 0, 4 * PAGE,
				  &iova),
			 0);
	obj = ufd_ioas_get(ufd_ctx_of(ctx), ioas);
	assert_int_equal(uiommu_ioas_cut(obj->ioas, 0x12000), -EOPNOTSUPP);
	assert_int_equal(uiommu_ioas_cut(obj->ioas, 0x10000), 0);
	ufd_object_put(&obj->obj);
	abi_file_put(ctx);
	env_close(env, file);
	env_close(env, fd);
}

/* ---------------------------------------------------------------- races -- */

struct race {
	struct ufd_env *env;
	int fd, file;
	uint32_t ioas;
	uint32_t stop; /* atomic */
	uint64_t mapped, copied;
};

/* Maps at 0x10000, copies that to 0x20000, unmaps both. */
static void *mapper(void *arg)
{
	struct race *r = arg;
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy),
		.flags = RW | FIXED,
		.dst_ioas_id = r->ioas,
		.src_ioas_id = r->ioas,
		.length = 2 * PAGE,
		.dst_iova = 0x20000,
		.src_iova = 0x11000,
	};
	uint64_t iova;
	int rc;

	while (!load_acquire(&r->stop)) {
		iova = 0x10000;
		rc = map_file(r->env, r->fd, r->ioas, r->file, RW | FIXED, 0,
			      4 * PAGE, &iova);
		if (rc == -ENODEV)
			continue;
		if (rc || env_ioctl(r->env, r->fd, IOMMU_IOAS_COPY, &copy))
			abort();
		turn(&r->mapped);
		if (env_unmap(r->env, r->fd, r->ioas, 0x10000, 0x20000))
			abort();
	}
	return NULL;
}

/* Copies, if there is something, to 0x40000. */
static void *copier(void *arg)
{
	struct race *r = arg;
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy),
		.flags = RW | FIXED,
		.dst_ioas_id = r->ioas,
		.src_ioas_id = r->ioas,
		.length = PAGE,
		.dst_iova = 0x40000,
		.src_iova = 0x10000,
	};

	while (!load_acquire(&r->stop)) {
		if (env_ioctl(r->env, r->fd, IOMMU_IOAS_COPY, &copy))
			continue;
		turn(&r->copied);
		if (env_unmap(r->env, r->fd, r->ioas, 0x40000, PAGE))
			abort();
	}
	return NULL;
}

static void no_map_slips_through(void **state)
{
	struct ufd_env *env = *state;
	struct race r = { .env = env, .fd = env_open(env) };
	struct abi_dmabuf *buf = dmabuf(env, &r.file);
	const uint64_t *const counts[] = { &r.mapped, &r.copied };
	uint32_t dev, pt;
	struct ufd_device *idev = env_bind(env, r.fd, 2, &dev);
	uint64_t from = now_ms();
	pthread_t thread[2];
	bool late;

	env->fast_copies = true;
	pt = r.ioas = env_ioas(env, r.fd);
	assert_int_equal(ufd_device_attach(idev, &pt), 0);
	pthread_create(&thread[0], NULL, mapper, &r);
	pthread_create(&thread[1], NULL, copier, &r);
	do {
		abi_dmabuf_revoke(buf, true);
		for (unsigned int i = 0; i < 20; i++) {
			assert_null(env_dma(env, 2, 0x10000));
			assert_null(env_dma(env, 2, 0x20000));
			assert_null(env_dma(env, 2, 0x40000));
		}
		abi_dmabuf_revoke(buf, false);
		sched_yield();
		late = now_ms() - from > TURNS_PATIENCE_MS;
	} while (!late && (now_ms() - from < 300 || !all_had_turns(counts, 2)));
	store_release(&r.stop, 1);
	pthread_join(thread[0], NULL);
	pthread_join(thread[1], NULL);
	assert_false(late);
	ufd_device_unbind(idev);
	env_close(env, r.file);
	env_close(env, r.fd);
	assert_int_equal(env->pinned, 0);
}

static void without_memory(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env), file;
	uint32_t ioas = env_ioas(env, fd);
	struct abi_dmabuf *buf;
	unsigned int failed = 0;
	uint64_t iova;
	int rc;

	env->tp.fail_in = 1;
	assert_int_equal(abi_dmabuf_create(env->abi, &env->mm, 0, PAGE, NULL,
					   NULL, &buf),
			 -ENOMEM);
	dmabuf(env, &file);
	for (unsigned int i = 0; i < 2; i++) {
		for (unsigned int nth = 1;; nth++) {
			iova = 0;
			env->tp.fail_in = nth;
			rc = map_file(env, fd, ioas, i ? FILE_FD : file, RW, 0,
				      PAGE, &iova);
			env->tp.fail_in = 0;
			if (rc != -ENOMEM)
				break;
			assert_int_equal(refs, 0);
			failed++;
		}
		assert_int_equal(rc, 0);
	}
	assert_true(failed >= 4);
	env_close(env, file);
	env_close(env, fd);
	assert_int_equal(released, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(checks),	   T(pinned_in_a_domain),
		T(unanswered),	   T(dmabufs),
		T(revoked),	   T(not_for_accesses),
		T(not_cut),	   T(no_map_slips_through),
		T(without_memory), T(change_process_in_a_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
