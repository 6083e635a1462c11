/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access objects: what they count and who counts them, the IOAS they are attached
 * to, memory that is asked for when the client unmaps it.
 */
#include "ufd_env.h"

#include <string.h>

#include "abi/iommufd/private.h"

/* A driver that keeps one pinned range. */
struct driver {
	struct ufd_env *env;
	struct ufd_access *access;
	uint32_t id;
	uint64_t iova, len; /* 0: none */
	unsigned int asked;
	uint32_t replace_by; /* when it is asked; 0: not */
	int replaced;	     /* what that gave */
};

static void on_unmap(void *ctx, uiommu_iova_t iova, uint64_t len)
{
	struct driver *drv = ctx;

	drv->asked++;
	if (drv->replace_by)
		drv->replaced =
			ufd_access_replace(drv->access, drv->replace_by);
	if (drv->len)
		uiommu_access_unpin_pages(drv->access->core, drv->iova,
					  drv->len);
	drv->len = 0;
}

static const struct uiommu_access_ops ops = { true, on_unmap };

static int create(struct driver *drv, struct ufd_env *env, int fd)
{
	struct abi_file *file = abi_fd_get(env->abi, fd);
	int rc;

	*drv = (struct driver){ .env = env };
	rc = ufd_access_create(ufd_ctx_of(file), &ops, drv, &drv->access,
			       &drv->id);
	abi_file_put(file);
	return rc;
}

static int pin(struct driver *drv, uint64_t iova, uint64_t len)
{
	uiommu_pa_t pages[ENV_MEM_PAGES];
	int rc = uiommu_access_pin_pages(drv->access->core, iova, len,
					 UIOMMU_ACCESS_WRITE, pages);

	if (rc)
		return rc;
	drv->iova = iova;
	drv->len = len;
	/* Physical addresses are those of the process here. */
	for (uint64_t i = 0; i < len / PAGE; i++)
		assert_int_equal(pages[i], (uintptr_t)drv->env->mem + iova -
						   0x10000 + i * PAGE);
	return 0;
}

static void counts(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = env_ioas(env, fd);
	struct driver drv;

	assert_int_equal(create(&drv, env, fd), 0);
	assert_int_equal(drv.id, ioas + 1);
	/* It is no other kind of object, and the driver's alone. */
	assert_int_equal(env_destroy(env, fd, drv.id), -EBUSY);
	assert_int_equal(ufd_access_attach(drv.access, drv.id), -ENOENT);
	assert_int_equal(ufd_access_replace(drv.access, ioas), -ENOENT);
	assert_int_equal(ufd_access_attach(drv.access, ioas), 0);
	assert_int_equal(ufd_access_attach(drv.access, ioas), -EINVAL);
	assert_int_equal(env_destroy(env, fd, ioas), -EBUSY);
	assert_int_equal(ufd_access_detach(drv.access), 0);
	assert_int_equal(env_destroy(env, fd, ioas), 0);
	assert_int_equal(ufd_access_attach(drv.access, ioas), -ENOENT);
	ufd_access_destroy(drv.access);
	assert_int_equal(env_destroy(env, fd, drv.id), -ENOENT);
	env_close(env, fd);
}

static void unmap_asks(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = env_ioas(env, fd);
	struct driver drv;

	assert_int_equal(create(&drv, env, fd), 0);
	assert_int_equal(ufd_access_attach(drv.access, ioas), 0);
	env_map(env, fd, ioas, env->mem, 8 * PAGE, 0x10000);
	assert_int_equal(env->pinned, 0);
	assert_int_equal(pin(&drv, 0x12000, 3 * PAGE), 0);
	assert_int_equal(env->pinned, 3);
	assert_int_equal(env_unmap(env, fd, ioas, 0x10000, 8 * PAGE), 0);
	assert_int_equal(drv.asked, 1);
	assert_int_equal(env->pinned, 0);
	assert_int_equal(pin(&drv, 0x12000, 3 * PAGE), -ENOENT);
	ufd_access_destroy(drv.access);
	env_close(env, fd);
}

static void replacing(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t a = env_ioas(env, fd), b = env_ioas(env, fd);
	uint32_t c = env_ioas(env, fd);
	struct driver drv;

	assert_int_equal(create(&drv, env, fd), 0);
	assert_int_equal(ufd_access_attach(drv.access, a), 0);
	env_map(env, fd, a, env->mem, 4 * PAGE, 0x10000);
	assert_int_equal(pin(&drv, 0x10000, PAGE), 0);
	/* What does not fit, or is not there, changes nothing. */
	env_map(env, fd, b, env->mem + 0x800, PAGE, 0x10800);
	assert_int_equal(ufd_access_replace(drv.access, b), -EADDRINUSE);
	assert_int_equal(ufd_access_replace(drv.access, 77), -ENOENT);
	assert_int_equal(env_destroy(env, fd, a), -EBUSY);
	assert_int_equal(drv.asked, 0);
	assert_int_equal(env->pinned, 1);
	/* One change at a time. */
	assert_int_equal(env_unmap(env, fd, b, 0x10800, PAGE), 0);
	drv.replace_by = c;
	assert_int_equal(ufd_access_replace(drv.access, b), 0);
	assert_int_equal(drv.replaced, -EBUSY);
	drv.replace_by = 0;
	assert_int_equal(drv.asked, 1);
	assert_int_equal(env->pinned, 0);
	assert_int_equal(env_destroy(env, fd, a), 0);
	assert_int_equal(env_destroy(env, fd, c), 0);
	assert_int_equal(env_destroy(env, fd, b), -EBUSY);
	/* The same one again. */
	env_map(env, fd, b, env->mem, 4 * PAGE, 0x10000);
	assert_int_equal(pin(&drv, 0x11000, PAGE), 0);
	assert_int_equal(ufd_access_replace(drv.access, b), 0);
	assert_int_equal(drv.asked, 1);
	ufd_access_destroy(drv.access);
	assert_int_equal(drv.asked, 2);
	assert_int_equal(env->pinned, 0);
	assert_int_equal(env_destroy(env, fd, b), 0);
	env_close(env, fd);
}

/* The context lives as long as its accesses. */
static void after_close(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = env_ioas(env, fd);
	struct driver drv;
	uint32_t word = 0;

	assert_int_equal(create(&drv, env, fd), 0);
	assert_int_equal(ufd_access_attach(drv.access, ioas), 0);
	env_map(env, fd, ioas, env->mem, 4 * PAGE, 0x10000);
	assert_int_equal(pin(&drv, 0x10000, 4 * PAGE), 0);
	env_close(env, fd);
	memcpy(env->mem + PAGE - 2, "word", 4);
	assert_int_equal(
		uiommu_access_rw(drv.access->core, 0x10ffe, &word, 4, 0), 0);
	assert_memory_equal(&word, "word", 4);
	assert_int_equal(env->pinned, 4);
	ufd_access_destroy(drv.access);
	assert_int_equal(env->pinned, 0);
}

/* In a domain, and by an access in another IOAS: pinned once. */
static void shared_with_a_device(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t a = env_ioas(env, fd), b = env_ioas(env, fd), dev;
	struct ufd_device *idev = env_bind(env, fd, 2, &dev);
	struct iommu_ioas_copy copy = {
		.size = sizeof(copy),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.dst_ioas_id = b,
		.src_ioas_id = a,
		.length = 4 * PAGE,
		.dst_iova = 0x90000000,
		.src_iova = 0x10000,
	};
	struct driver drv;
	uint32_t pt = b;

	assert_int_equal(create(&drv, env, fd), 0);
	assert_int_equal(ufd_access_attach(drv.access, a), 0);
	env_map(env, fd, a, env->mem, 4 * PAGE, 0x10000);
	assert_int_equal(pin(&drv, 0x10000, 2 * PAGE), 0);
	assert_int_equal(ufd_device_attach(idev, &pt), 0);
	assert_int_equal(env_ioctl(env, fd, IOMMU_IOAS_COPY, &copy), 0);
	assert_int_equal(env->pinned, 4);
	assert_int_equal(env_unmap(env, fd, a, 0x10000, 4 * PAGE), 0);
	assert_int_equal(env->pinned, 4);
	assert_ptr_equal(env_dma(env, 2, 0x90001000), env->mem + PAGE);
	ufd_device_unbind(idev);
	assert_int_equal(env->pinned, 0);
	ufd_access_destroy(drv.access);
	env_close(env, fd);
}

static void without_memory(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	struct driver drv;
	unsigned int failed = 0;
	int rc;

	for (;; failed++) {
		env->tp.fail_in = failed + 1;
		rc = create(&drv, env, fd);
		env->tp.fail_in = 0;
		if (rc != -ENOMEM)
			break;
		/* No id is lost. */
		assert_int_equal(env_destroy(env, fd, 1), -ENOENT);
	}
	assert_int_equal(rc, 0);
	assert_true(failed > 1);
	assert_int_equal(drv.id, 1);
	ufd_access_destroy(drv.access);
	env_close(env, fd);
}

int main(void)
{
#define T(name) \
	cmocka_unit_test_setup_teardown(name, ufd_env_setup, ufd_env_teardown)
	const struct CMUnitTest tests[] = {
		T(counts),	T(unmap_asks),		 T(replacing),
		T(after_close), T(shared_with_a_device), T(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
