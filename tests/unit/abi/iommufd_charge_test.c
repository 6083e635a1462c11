/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Locked memory: what counts against RLIMIT_MEMLOCK, for whom, and that what is
 * beyond is refused and leaves nothing.
 */
#include "ufd_env.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "abi/iommufd/private.h"
#include "base/atomic.h"
#include "turns.h"

#define RW (IOMMU_IOAS_MAP_READABLE | IOMMU_IOAS_MAP_WRITEABLE)
#define LIMIT 8 /* pages */

struct scene {
	struct ufd_env *env;
	struct rlimit before;
	int fd;
	uint32_t ioas, dev;
	struct ufd_device *idev;
};

static void limit_to(uint64_t pages)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	limit.rlim_cur = pages * PAGE;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

static void attach(struct scene *s)
{
	uint32_t pt = s->ioas;

	assert_int_equal(ufd_device_attach(s->idev, &pt), 0);
}

/* A client without capabilities, of 8 pages. */
static void scene_open(struct scene *s, void **state)
{
	s->env = *state;
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &s->before), 0);
	limit_to(LIMIT);
	s->env->no_caps = true;
	s->fd = env_open(s->env);
	s->ioas = env_ioas(s->env, s->fd);
	s->idev = env_bind(s->env, s->fd, 2, &s->dev);
}

static void scene_close(struct scene *s)
{
	ufd_device_unbind(s->idev);
	env_close(s->env, s->fd);
	assert_int_equal(s->env->pinned, 0);
	for (unsigned int i = 0; i < ABI_CHARGES; i++)
		assert_int_equal(s->env->abi->locked[i], 0);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &s->before), 0);
}

static int map(struct scene *s, uint32_t ioas, unsigned int page,
	       unsigned int pages, uint64_t iova)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = RW | IOMMU_IOAS_MAP_FIXED_IOVA,
		.ioas_id = ioas,
		.user_va = (uintptr_t)s->env->mem + page * PAGE,
		.length = pages * PAGE,
		.iova = iova,
	};

	return (int)env_ioctl(s->env, s->fd, IOMMU_IOAS_MAP, &cmd);
}

static int unmap(struct scene *s, uint64_t iova, unsigned int pages)
{
	return env_unmap(s->env, s->fd, s->ioas, iova, pages * PAGE);
}

static uint64_t locked(struct scene *s, enum abi_charge whom)
{
	return s->env->abi->locked[whom] / PAGE;
}

static void up_to_the_limit(void **state)
{
	struct scene s;

	scene_open(&s, state);
	attach(&s);
	assert_int_equal(map(&s, s.ioas, 0, LIMIT + 1, 0x10000), -ENOMEM);
	assert_int_equal(s.env->pinned, 0);
	assert_int_equal(locked(&s, ABI_CHARGE_USER), 0);
	assert_null(env_dma(s.env, 2, 0x10000));
	assert_int_equal(map(&s, s.ioas, 0, LIMIT - 2, 0x10000), 0);
	assert_int_equal(map(&s, s.ioas, 10, 3, 0x20000), -ENOMEM);
	assert_int_equal(map(&s, s.ioas, 10, 2, 0x20000), 0);
	/* Each map counts by itself, though the memory is the same. */
	assert_int_equal(map(&s, s.ioas, 10, 1, 0x30000), -ENOMEM);
	assert_int_equal(locked(&s, ABI_CHARGE_USER), LIMIT);
	assert_int_equal(locked(&s, ABI_CHARGE_PROCESS), 0);
	assert_int_equal(unmap(&s, 0x20000, 2), 0);
	assert_int_equal(map(&s, s.ioas, 0, 2, 0x30000), 0);
	/* A lower limit takes nothing away. */
	limit_to(1);
	assert_int_equal(unmap(&s, 0x30000, 2), 0);
	assert_int_equal(map(&s, s.ioas, 0, 1, 0x30000), -ENOMEM);
	assert_ptr_equal(env_dma(s.env, 2, 0x10000), s.env->mem);
	scene_close(&s);
}

static void pinned_later(void **state)
{
	struct scene s;
	uint32_t pt;

	scene_open(&s, state);
	/* Nothing is pinned without a domain, so nothing counts. */
	assert_int_equal(map(&s, s.ioas, 0, LIMIT, 0x10000), 0);
	assert_int_equal(map(&s, s.ioas, 20, 1, 0x40000), 0);
	assert_int_equal(locked(&s, ABI_CHARGE_USER), 0);
	pt = s.ioas;
	assert_int_equal(ufd_device_attach(s.idev, &pt), -ENOMEM);
	assert_int_equal(locked(&s, ABI_CHARGE_USER), 0);
	assert_int_equal(unmap(&s, 0x40000, 1), 0);
	attach(&s);
	assert_int_equal(locked(&s, ABI_CHARGE_USER), LIMIT);
	assert_int_equal(ufd_device_detach(s.idev), 0);
	assert_int_equal(locked(&s, ABI_CHARGE_USER), 0);
	scene_close(&s);
}

static void no_op(void *ctx, uiommu_iova_t iova, uint64_t len)
{
}

/* Copies and accesses share what is pinned. */
static void shared_once(void **state)
{
	static const struct uiommu_access_ops ops = { true, no_op };
	struct scene s;
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy),
		.flags = RW | IOMMU_IOAS_MAP_FIXED_IOVA,
		.length = LIMIT * PAGE,
		.dst_iova = 0x40000,
		.src_iova = 0x10000,
	};
	uiommu_pa_t pages[LIMIT];
	struct ufd_access *access;
	struct abi_file *file;
	uint8_t byte;
	uint32_t id;

	scene_open(&s, state);
	file = abi_fd_get(s.env->abi, s.fd);
	copy.dst_ioas_id = copy.src_ioas_id = s.ioas;
	assert_int_equal(ufd_access_create(ufd_ctx_of(file), &ops, NULL,
					   &access, &id),
			 0);
	abi_file_put(file);
	assert_int_equal(ufd_access_attach(access, s.ioas), 0);
	assert_int_equal(map(&s, s.ioas, 0, LIMIT, 0x10000), 0);
	assert_int_equal(map(&s, s.ioas, 20, 1, 0x20000), 0);
	assert_int_equal(uiommu_access_pin_pages(access->core, 0x10000,
						 LIMIT * PAGE, 0, pages),
			 0);
	assert_int_equal(locked(&s, ABI_CHARGE_USER), LIMIT);
	assert_int_equal(uiommu_access_pin_pages(access->core, 0x20000, PAGE, 0,
						 pages),
			 -ENOMEM);
	/* To copy by the program's addresses needs no pin. */
	assert_int_equal(uiommu_access_rw(access->core, 0x20000, &byte, 1, 0),
			 0);
	assert_int_equal(uiommu_access_rw(access->core, 0x20000, &byte, 1,
					  UIOMMU_ACCESS_SLOW),
			 -ENOMEM);
	assert_int_equal(unmap(&s, 0x20000, 1), 0);
	attach(&s);
	assert_int_equal(env_ioctl(s.env, s.fd, IOMMU_IOAS_COPY, &copy), 0);
	assert_int_equal(locked(&s, ABI_CHARGE_USER), LIMIT);
	uiommu_access_unpin_pages(access->core, 0x10000, LIMIT * PAGE);
	assert_int_equal(unmap(&s, 0x10000, LIMIT), 0);
	assert_int_equal(locked(&s, ABI_CHARGE_USER), LIMIT);
	assert_int_equal(unmap(&s, 0x40000, LIMIT), 0);
	assert_int_equal(locked(&s, ABI_CHARGE_USER), 0);
	ufd_access_destroy(access);
	scene_close(&s);
}

static void whom(void **state)
{
	struct iommu_option option = {
		.size = sizeof(option),
		.option_id = IOMMU_OPTION_RLIMIT_MODE,
		.op = IOMMU_OPTION_OP_SET,
		.val64 = 1,
	};
	struct vfio_iommu_type1_dma_map dma = {
		.argsz = sizeof(dma),
		.flags = VFIO_DMA_MAP_FLAG_READ,
		.size = (LIMIT + 1) * PAGE,
		.iova = 0x40000,
	};
	struct iommu_vfio_ioas compat = {
		.size = sizeof(compat),
		.op = IOMMU_VFIO_IOAS_SET,
	};
	struct scene s, other;
	uint32_t pt;

	scene_open(&s, state);
	attach(&s);
	other = s;
	other.fd = env_open(s.env);
	s.env->no_caps = false;
	assert_int_equal(env_ioctl(s.env, other.fd, IOMMU_OPTION, &option), 0);
	s.env->no_caps = true;
	other.ioas = pt = env_ioas(s.env, other.fd);
	other.idev = env_bind(s.env, other.fd, 3, &other.dev);
	assert_int_equal(ufd_device_attach(other.idev, &pt), 0);
	/* One count for each, whatever the context. */
	assert_int_equal(map(&s, s.ioas, 0, LIMIT, 0x10000), 0);
	assert_int_equal(map(&other, other.ioas, 0, LIMIT - 1, 0x10000), 0);
	assert_int_equal(locked(&s, ABI_CHARGE_USER), LIMIT);
	assert_int_equal(locked(&s, ABI_CHARGE_PROCESS), LIMIT - 1);
	assert_int_equal(map(&other, other.ioas, 0, 2, 0x20000), -ENOMEM);
	/* The calls of a VFIO container go the same way. */
	compat.ioas_id = other.ioas;
	dma.vaddr = (uintptr_t)s.env->mem;
	assert_int_equal(env_ioctl(s.env, other.fd, IOMMU_VFIO_IOAS, &compat),
			 0);
	assert_int_equal(env_ioctl(s.env, other.fd, VFIO_IOMMU_MAP_DMA, &dma),
			 -ENOMEM);
	dma.size = PAGE;
	assert_int_equal(env_ioctl(s.env, other.fd, VFIO_IOMMU_MAP_DMA, &dma),
			 0);
	assert_int_equal(locked(&s, ABI_CHARGE_PROCESS), LIMIT);
	/* Who may lock memory has no limit, and is not counted. */
	s.env->no_caps = false;
	assert_int_equal(map(&s, s.ioas, 0, 2 * LIMIT, 0x40000), 0);
	assert_int_equal(locked(&s, ABI_CHARGE_USER), LIMIT);
	/* That stays with the map. */
	s.env->no_caps = true;
	assert_int_equal(unmap(&s, 0x40000, 2 * LIMIT), 0);
	assert_int_equal(locked(&s, ABI_CHARGE_USER), LIMIT);
	ufd_device_unbind(other.idev);
	env_close(s.env, other.fd);
	scene_close(&s);
}

/* ---------------------------------------------------------------- files -- */

static unsigned int refs;

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

	refs++;
	*mm = env->mm;
	mm->get = file_get;
	mm->put = file_put;
	mm->kind = UIOMMU_MM_FILE;
	return 0;
}

static void files(void **state)
{
	struct scene s;
	struct iommu_ioas_map_file cmd = {
		.size = sizeof(cmd),
		.flags = RW,
		.length = LIMIT * PAGE,
	};
	struct iommu_ioas_change_process change = { sizeof(change), 0 };
	unsigned int failed = 0;
	int rc;

	scene_open(&s, state);
	attach(&s);
	s.env->abi->host.file_mm = host_file_mm;
	cmd.ioas_id = s.ioas;
	/* Of this host files are memory at any address. */
	cmd.start = (uintptr_t)s.env->mem;
	for (unsigned int nth = 1;; nth++) {
		s.env->tp.fail_in = nth;
		rc = (int)env_ioctl(s.env, s.fd, IOMMU_IOAS_MAP_FILE, &cmd);
		s.env->tp.fail_in = 0;
		if (rc != -ENOMEM)
			break;
		assert_int_equal(refs, 0);
		assert_int_equal(locked(&s, ABI_CHARGE_USER), 0);
		failed++;
	}
	assert_int_equal(rc, 0);
	assert_true(failed > 2);
	assert_int_equal(locked(&s, ABI_CHARGE_USER), LIMIT);
	assert_int_equal(refs, 1);
	assert_int_equal(
		env_ioctl(s.env, s.fd, IOMMU_IOAS_CHANGE_PROCESS, &change), 0);
	assert_int_equal(locked(&s, ABI_CHARGE_USER), LIMIT);
	cmd.length = PAGE;
	assert_int_equal(env_ioctl(s.env, s.fd, IOMMU_IOAS_MAP_FILE, &cmd),
			 -ENOMEM);
	assert_int_equal(refs, 1);
	assert_int_equal(unmap(&s, cmd.iova, LIMIT), 0);
	assert_int_equal(refs, 0);
	scene_close(&s);
}

/* What a stuck IOMMU may still use is put by the core's end, after ours. */
static void outlives_the_instance(void **state)
{
	struct ufd_env env, *at = &env;
	struct iommu_ioas_map_file cmd = {
		.size = sizeof(cmd),
		.flags = RW | IOMMU_IOAS_MAP_FIXED_IOVA,
		.length = PAGE,
		.iova = 0x10000,
	};
	struct scene s;

	ufd_env_init(&env);
	scene_open(&s, (void **)&at);
	attach(&s);
	env.abi->host.file_mm = host_file_mm;
	cmd.start = (uintptr_t)env.mem;
	cmd.ioas_id = s.ioas;
	assert_int_equal(env_ioctl(&env, s.fd, IOMMU_IOAS_MAP_FILE, &cmd), 0);
	assert_true(refs > 0);
	env.unit[0]->flush_rc = -ETIMEDOUT;
	(void)unmap(&s, cmd.iova, 1);
	ufd_device_unbind(s.idev);
	env_close(&env, s.fd);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &s.before), 0);
	assert_int_equal(refs, 1);
	assert_int_equal(env.pinned, 1);
	env.pinned = 0;
	/* A driver keeps it until its hardware is off. */
	env.unit[0]->unit.ops->dom_free(env.unit[0]->used);
	ufd_env_fini(&env);
	assert_int_equal(refs, 0);
}

/* ---------------------------------------------------------------- races -- */

struct race {
	struct scene *s;
	uint64_t iova;
	uint32_t stop; /* atomic */
	uint64_t mapped, refused;
};

static void *mapper(void *arg)
{
	struct race *r = arg;

	while (!load_acquire(&r->stop)) {
		int rc = map(r->s, r->s->ioas, 0, LIMIT - 1, r->iova);

		if (rc == -ENOMEM)
			turn(&r->refused);
		else if (rc)
			abort();
		if (rc)
			continue;
		turn(&r->mapped);
		if (load_acquire(&r->s->env->abi->locked[ABI_CHARGE_USER]) >
		    LIMIT * PAGE)
			abort();
		if (unmap(r->s, r->iova, LIMIT - 1))
			abort();
	}
	return NULL;
}

static void never_beyond(void **state)
{
	struct scene s;
	struct race r[2] = { { .s = &s, .iova = 0x10000 },
			     { .s = &s, .iova = 0x40000 } };
	const uint64_t *const counts[] = { &r[0].mapped, &r[1].mapped };
	pthread_t thread[2];
	bool all;

	scene_open(&s, state);
	attach(&s);
	s.env->fast_copies = true;
	for (unsigned int i = 0; i < 2; i++)
		pthread_create(&thread[i], NULL, mapper, &r[i]);
	all = let_fight(200, counts, 2);
	for (unsigned int i = 0; i < 2; i++)
		store_release(&r[i].stop, 1);
	for (unsigned int i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	assert_true(all);
	scene_close(&s);
}

struct counted {
	struct ufd_env *env;
	unsigned int uses;
};

static void one_more(void *ctx)
{
	((struct counted *)ctx)->uses++;
}

static void one_less(void *ctx)
{
	struct counted *c = ctx;

	assert_true(c->uses);
	c->uses--;
}

static int counted_pin(void *ctx, uint64_t uva, uint64_t len, uint32_t flags,
		       struct uiommu_run *run)
{
	const struct uiommu_mm *mm = &((struct counted *)ctx)->env->mm;

	return mm->pin(mm->ctx, uva, len, flags, run);
}

static void counted_unpin(void *ctx, uiommu_pa_t pa, uint64_t len,
			  uint32_t flags)
{
	const struct uiommu_mm *mm = &((struct counted *)ctx)->env->mm;

	mm->unpin(mm->ctx, pa, len, flags);
}

/* A program's memory that wants to know whether it is used, as a file's does. */
static void who_uses_it(void **state)
{
	struct ufd_env *env = *state;
	struct counted c = { .env = env };
	const struct uiommu_mm mm = {
		.ctx = &c,
		.pin = counted_pin,
		.unpin = counted_unpin,
		.get = one_more,
		.put = one_less,
	};
	struct scene s;

	uiommu_abi_destroy(env->abi);
	env->host.mm = &mm;
	assert_int_equal(uiommu_abi_create(env->core, &env->host, &env->abi),
			 0);
	scene_open(&s, state);
	for (unsigned int i = 0; i < 4; i++) {
		env->no_caps = i % 2;
		assert_int_equal(map(&s, s.ioas, 0, 2, 0x10000), 0);
		assert_int_equal(map(&s, s.ioas, 2, 2, 0x20000), 0);
		assert_int_equal(c.uses, 2);
		assert_int_equal(unmap(&s, 0x10000, 2), 0);
		assert_int_equal(c.uses, 1);
		assert_int_equal(unmap(&s, 0x20000, 2), 0);
		assert_int_equal(c.uses, 0);
	}
	scene_close(&s);
}

int main(void)
{
#define T(name) \
	cmocka_unit_test_setup_teardown(name, ufd_env_setup, ufd_env_teardown)
	const struct CMUnitTest tests[] = {
		T(up_to_the_limit), T(pinned_later),
		T(shared_once),	    T(whom),
		T(files),	    T(never_beyond),
		T(who_uses_it),	    cmocka_unit_test(outlives_the_instance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
