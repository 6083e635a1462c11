/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors, contexts and objects: ids, who keeps whom, closing and
 * destroying in any order, also against calls under way.
 */
#include "ufd_env.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/file.h"
#include "base/atomic.h"

/* --------------------------------------------------------- descriptors -- */

static void open_dup_close(void **state)
{
	struct ufd_env *env = *state;
	struct iommu_destroy cmd = { sizeof(cmd), 0 };
	int fd = env_open(env), other = env_open(env);
	uint32_t id = env_ioas(env, fd);

	assert_true(uiommu_abi_owns(env->abi, fd));
	assert_false(uiommu_abi_owns(env->abi, 40));
	assert_false(uiommu_abi_owns(env->abi, -1));
	assert_false(uiommu_abi_owns(env->abi, INT32_MAX));
	/* Contexts know nothing of each other. */
	assert_int_equal(env_destroy(env, other, id), -ENOENT);

	assert_int_equal(uiommu_abi_dup(env->abi, 40, 41), -EBADF);
	assert_int_equal(uiommu_abi_dup(env->abi, fd, -1), -24);
	assert_int_equal(uiommu_abi_dup(env->abi, fd, INT32_MAX), -24);
	/* A far number has a table of its own. */
	assert_int_equal(uiommu_abi_dup(env->abi, fd, 100000), 0);
	assert_int_equal(env_close(env, fd), 0);
	assert_int_equal(env_ioctl(env, fd, IOMMU_DESTROY, &cmd), -EBADF);
	assert_int_equal(env_close(env, fd), -EBADF);
	assert_int_equal(env_destroy(env, 100000, id), 0);

	/* Over a descriptor of ours: that one is closed. */
	assert_int_equal(uiommu_abi_dup(env->abi, 100000, other), 0);
	assert_int_equal(uiommu_abi_dup(env->abi, other, other), 0);
	assert_int_equal(env_ioas(env, other), id);
	assert_int_equal(uiommu_abi_close(env->abi, 100000), 0);
	assert_int_equal(env_destroy(env, other, id), 0);
	env_close(env, other);

	assert_int_equal(uiommu_abi_open(env->abi, "/dev/null", 0), -ENOENT);
	assert_int_equal(uiommu_abi_read(env->abi, other, 0, 0), -EBADF);
	assert_int_equal(uiommu_abi_write(env->abi, other, 0, 0), -EBADF);
	assert_int_equal(uiommu_abi_pread(env->abi, other, 0, 0, 0), -EBADF);
	assert_int_equal(uiommu_abi_pwrite(env->abi, other, 0, 0, 0), -EBADF);
	assert_int_equal(uiommu_abi_mmap(env->abi, other, PAGE, 0, 0, 0, NULL),
			 -EBADF);
}

/* A descriptor whose close we never saw is given out again by the system. */
static void number_reused(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t id = env_ioas(env, fd);

	env->fd_used[fd] = false;
	assert_int_equal(env_open(env), fd);
	assert_int_equal(env_destroy(env, fd, id), -ENOENT);
	env_close(env, fd);
}

static void no_descriptor_left(void **state)
{
	struct ufd_env *env = *state;

	env->fd_limit = 0;
	assert_int_equal(uiommu_abi_open(env->abi, "/dev/iommu", 0), -24);
	env->fd_limit = ENV_FDS;
}

/* The host hears of the end of each call, and of none that is not ours. */
static void leaving(void **state)
{
	struct ufd_env *env = *state;
	unsigned int n = env->leaves;
	int fd = env_open(env);

	assert_int_equal(env->leaves, n + 1);
	env_ioctl(env, fd, 0, NULL);
	assert_int_equal(env->leaves, n + 2);
	uiommu_abi_read(env->abi, fd, 0, 0);
	assert_int_equal(env->leaves, n + 3);
	uiommu_abi_dup(env->abi, fd, 30);
	env_close(env, 30);
	env_close(env, fd);
	assert_int_equal(env->leaves, n + 6);
}

/* What abi_fd_get counts lives on when the descriptor is gone. */
static void file_outlives_descriptor(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	struct abi_file *file = abi_fd_get(env->abi, fd);
	uint32_t id;

	env_close(env, fd);
	assert_null(abi_fd_get(env->abi, fd));
	assert_non_null(ufd_ctx_of(file));
	assert_int_equal(ufd_compat_ioas_id(ufd_ctx_of(file), true, &id), 0);
	assert_int_equal(id, 1);
	abi_file_put(file);
}

static int count_nodes(void *ctx, const struct uiommu_node *node)
{
	assert_string_equal(node->path, "/dev/iommu");
	assert_int_equal(node->type, UIOMMU_NODE_CHAR);
	return ++*(int *)ctx == 2 ? 7 : 0;
}

static void nodes(void **state)
{
	struct ufd_env *env = *state;
	int n = 0;

	assert_int_equal(uiommu_abi_visit_nodes(env->abi, count_nodes, &n), 0);
	assert_int_equal(uiommu_abi_visit_nodes(env->abi, count_nodes, &n), 7);
}

/* ----------------------------------------------------------------- ids -- */

static void lowest_free_id(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t i;

	for (i = 1; i <= 40; i++)
		assert_int_equal(env_ioas(env, fd), i);
	assert_int_equal(env_destroy(env, fd, 0), -ENOENT);
	assert_int_equal(env_destroy(env, fd, 41), -ENOENT);
	assert_int_equal(env_destroy(env, fd, UINT32_MAX), -ENOENT);
	assert_int_equal(env_destroy(env, fd, 30), 0);
	assert_int_equal(env_destroy(env, fd, 30), -ENOENT);
	assert_int_equal(env_destroy(env, fd, 7), 0);
	assert_int_equal(env_ioas(env, fd), 7);
	assert_int_equal(env_ioas(env, fd), 30);
	assert_int_equal(env_ioas(env, fd), 41);
	env_close(env, fd);
}

static void kinds_are_told_apart(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = env_ioas(env, fd), dev, hwpt, id;
	struct ufd_device *idev = env_bind(env, fd, 0, &dev);

	assert_int_equal(env_hwpt(env, fd, dev, ioas, &hwpt), 0);
	assert_int_equal(env_unmap(env, fd, dev, 0, PAGE), -ENOENT);
	assert_int_equal(env_unmap(env, fd, hwpt, 0, PAGE), -ENOENT);
	assert_int_equal(env_hwpt(env, fd, ioas, ioas, &id), -ENOENT);
	assert_int_equal(env_hwpt(env, fd, hwpt, ioas, &id), -ENOENT);
	assert_int_equal(env_hwpt(env, fd, 99, 99, &id), -ENOENT);
	assert_int_equal(env_hwpt(env, fd, dev, 99, &id), -EINVAL);
	assert_int_equal(env_hwpt(env, fd, dev, dev, &id), -EINVAL);
	/* Page table on page table: nesting, which no driver here has. */
	assert_int_equal(env_hwpt(env, fd, dev, hwpt, &id), -EOPNOTSUPP);
	id = dev;
	assert_int_equal(ufd_device_attach(idev, &id), -EINVAL);
	id = 0;
	assert_int_equal(ufd_device_attach(idev, &id), -ENOENT);
	id = 99;
	assert_int_equal(ufd_device_replace(idev, &id), -ENOENT);
	ufd_device_unbind(idev);
	env_close(env, fd);
}

/* ------------------------------------------------------- who uses whom -- */

static void busy(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = env_ioas(env, fd), dev, hwpt, pt;
	struct ufd_device *idev = env_bind(env, fd, 0, &dev);

	assert_int_equal(env_destroy(env, fd, dev), -EBUSY);
	assert_int_equal(env_hwpt(env, fd, dev, ioas, &hwpt), 0);
	assert_int_equal(env_destroy(env, fd, ioas), -EBUSY);
	pt = hwpt;
	assert_int_equal(ufd_device_attach(idev, &pt), 0);
	assert_int_equal(pt, hwpt);
	assert_int_equal(env_destroy(env, fd, hwpt), -EBUSY);
	ufd_device_detach(idev);
	ufd_device_detach(idev);
	/* One that was asked for stays until it is destroyed. */
	assert_int_equal(env_destroy(env, fd, hwpt), 0);
	assert_int_equal(env_destroy(env, fd, ioas), 0);
	assert_int_equal(env_destroy(env, fd, dev), -EBUSY);
	ufd_device_unbind(idev);
	assert_int_equal(env_destroy(env, fd, dev), -ENOENT);
	env_close(env, fd);
}

static void compat_ioas_is_not_counted(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	struct iommu_vfio_ioas cmd = { sizeof(cmd), env_ioas(env, fd),
				       IOMMU_VFIO_IOAS_SET, 0 };
	struct iommu_vfio_ioas get = { .size = sizeof(get) };
	uint32_t id;

	assert_int_equal(env_ioctl(env, fd, IOMMU_VFIO_IOAS, &get), -ENODEV);
	assert_int_equal(env_ioctl(env, fd, IOMMU_VFIO_IOAS, &cmd), 0);
	assert_int_equal(env_ioctl(env, fd, IOMMU_VFIO_IOAS, &get), 0);
	assert_int_equal(get.ioas_id, cmd.ioas_id);
	assert_int_equal(env_destroy(env, fd, cmd.ioas_id), 0);
	assert_int_equal(env_ioctl(env, fd, IOMMU_VFIO_IOAS, &get), -ENODEV);
	assert_int_equal(env_ioctl(env, fd, IOMMU_VFIO_IOAS, &cmd), -ENOENT);

	cmd.ioas_id = env_ioas(env, fd);
	assert_int_equal(env_ioctl(env, fd, IOMMU_VFIO_IOAS, &cmd), 0);
	cmd.op = IOMMU_VFIO_IOAS_CLEAR;
	assert_int_equal(env_ioctl(env, fd, IOMMU_VFIO_IOAS, &cmd), 0);
	assert_int_equal(env_ioctl(env, fd, IOMMU_VFIO_IOAS, &cmd), 0);
	assert_int_equal(env_ioctl(env, fd, IOMMU_VFIO_IOAS, &get), -ENODEV);
	cmd.op = 3;
	assert_int_equal(env_ioctl(env, fd, IOMMU_VFIO_IOAS, &cmd),
			 -EOPNOTSUPP);
	cmd.op = IOMMU_VFIO_IOAS_CLEAR;
	cmd.__reserved = 1;
	assert_int_equal(env_ioctl(env, fd, IOMMU_VFIO_IOAS, &cmd),
			 -EOPNOTSUPP);

	/* Made when VFIO asks, once. */
	struct abi_file *file = abi_fd_get(env->abi, fd);

	assert_int_equal(ufd_compat_ioas_id(ufd_ctx_of(file), false, &id),
			 -ENODEV);
	assert_int_equal(ufd_compat_ioas_id(ufd_ctx_of(file), true, &id), 0);
	assert_int_equal(ufd_compat_ioas_id(ufd_ctx_of(file), true, &cmd.size),
			 0);
	assert_int_equal(cmd.size, id);
	abi_file_put(file);
	env_close(env, fd);
}

/*
 * All orders of closing the descriptor, detaching, unbinding and destroying:
 * the fixture checks that nothing is left.
 */
static void close_in_any_order(void **state)
{
	struct ufd_env *env = *state;
	unsigned int order, step;
	struct ufd_device *idev;
	uint32_t ioas, dev, pt;
	int fd, i;

	for (order = 0; order < 24; order++) {
		unsigned int left[4] = { 0, 1, 2, 3 }, rest = order;
		bool bound = true, open = true;

		fd = env_open(env);
		ioas = env_ioas(env, fd);
		idev = env_bind(env, fd, order % 4, &dev);
		env_map(env, fd, ioas, env->mem, 5 * PAGE, 0x10000);
		pt = ioas;
		assert_int_equal(ufd_device_attach(idev, &pt), 0);
		for (i = 4; i > 0; i--) {
			step = left[rest % (unsigned int)i];
			left[rest % (unsigned int)i] = left[i - 1];
			rest /= (unsigned int)i;
			if (step == 0 && open) {
				assert_int_equal(env_close(env, fd), 0);
				open = false;
			} else if (step == 1 && bound) {
				ufd_device_detach(idev);
			} else if (step == 2) {
				ufd_device_unbind(idev);
				bound = false;
			} else if (step == 3 && open) {
				env_destroy(env, fd, ioas);
			}
		}
		assert_int_equal(env->pinned, 0);
	}
}

/* The device keeps the context and its translations after the close. */
static void device_keeps_context(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = env_ioas(env, fd), dev, pt = ioas;
	struct ufd_device *idev = env_bind(env, fd, 2, &dev);

	env_map(env, fd, ioas, env->mem, PAGE, 0x10000);
	assert_int_equal(ufd_device_attach(idev, &pt), 0);
	env_close(env, fd);
	assert_ptr_equal(env_dma(env, 2, 0x10010), env->mem + 0x10);
	ufd_device_unbind(idev);
	assert_null(env_dma(env, 2, 0x10010));
}

/* What is still open when the instance goes is closed by it. */
static void destroyed_while_open(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env);
	uint32_t ioas = env_ioas(env, fd);

	env_map(env, fd, ioas, env->mem, PAGE, 0x10000);
	assert_int_equal(uiommu_abi_dup(env->abi, fd, 2000), 0);
	env_open(env);
}

/* ------------------------------------------------------ calls under way -- */

/* A call that stays inside until the test lets it go. */
struct held {
	struct abi_file file;
	unsigned int inside, go, released;
};

static long held_ioctl(struct abi_file *file, unsigned int cmd,
		       unsigned long arg)
{
	struct held *held = (struct held *)file;

	store_release(&held->inside, 1);
	while (!load_acquire(&held->go))
		;
	/* The file is still there. */
	return load_acquire(&held->released) ? -EIO : 0;
}

static void held_release(struct abi_file *file)
{
	store_release(&((struct held *)file)->released, 1);
}

static const struct abi_file_ops held_ops = {
	.name = "held",
	.ioctl = held_ioctl,
	.release = held_release,
};

struct held_call {
	struct ufd_env *env;
	int fd;
	long rc;
};

static void *held_thread(void *arg)
{
	struct held_call *call = arg;

	call->rc = uiommu_abi_ioctl(call->env->abi, call->fd, 0, 0);
	return NULL;
}

static void close_during_call(void **state)
{
	struct ufd_env *env = *state;
	struct held held = { .inside = 0 };
	struct held_call call = { env, 0, -1 };
	struct abi_desc *desc;
	pthread_t thread;
	int event;

	abi_file_init(&held.file, env->abi, &held_ops);
	call.fd = abi_fd_install(env->abi, &held.file, "held", 0);
	assert_true(call.fd >= 0);
	assert_int_equal(pthread_create(&thread, NULL, held_thread, &call), 0);
	while (!load_acquire(&held.inside))
		;
	env_close(env, call.fd);
	assert_int_equal(load_acquire(&held.released), 0);
	env->watch = &held.released;
	store_release(&held.go, 1);
	pthread_join(thread, NULL);
	assert_int_equal(call.rc, 0);
	assert_int_equal(load_acquire(&held.released), 1);
	/* The host is told last, when all is done. */
	assert_int_equal(env->watched, 1);
	env->watch = NULL;

	/* Prepared and given up: the number is free, the file its maker's. */
	held.released = 0;
	abi_file_init(&held.file, env->abi, &held_ops);
	call.fd =
		abi_fd_prepare(env->abi, &held.file, "held", 0, &desc, &event);
	assert_true(call.fd >= 0);
	assert_false(uiommu_abi_owns(env->abi, call.fd));
	abi_fd_abandon(env->abi, call.fd, desc, event);
	assert_int_equal(held.released, 0);
	assert_false(env->fd_used[call.fd]);
	abi_file_put(&held.file);
	assert_int_equal(held.released, 1);
}

/*
 * The look-up of a descriptor is held up between its first look at the slot
 * and its first look at what stands there: the description lies on a page that
 * faults, and the handler closes the file and puts another one, at another
 * number, in the place of the description.
 */
struct kind {
	struct abi_file file;
	long answer;
};

static long kind_ioctl(struct abi_file *file, unsigned int cmd,
		       unsigned long arg)
{
	return ((struct kind *)file)->answer;
}

static void kind_release(struct abi_file *file)
{
}

static const struct abi_file_ops kind_ops = {
	.name = "kind",
	.ioctl = kind_ioctl,
	.release = kind_release,
};

/* For the handler. */
static struct recycling {
	struct uiommu_abi *abi;
	struct kind kind[2];
	int fd[2];
	void *page; /* the one description there is */
	unsigned int faults;
} recycling;

static void *page_alloc(void *ctx, size_t size)
{
	const struct uiommu_platform *platform =
		&((struct ufd_env *)ctx)->tp.platform;

	/* A description; other objects of that size do no harm. */
	if (size != 64 || recycling.page)
		return platform->obj_alloc(platform->ctx, size);
	recycling.page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return recycling.page == MAP_FAILED ? NULL : recycling.page;
}

static void page_free(void *ctx, void *obj)
{
	const struct uiommu_platform *platform =
		&((struct ufd_env *)ctx)->tp.platform;

	if (obj != recycling.page)
		platform->obj_free(platform->ctx, obj);
	else
		munmap(obj, PAGE);
}

static void recycle(int sig)
{
	struct recycling *r = &recycling;

	r->faults++;
	mprotect(r->page, PAGE, PROT_READ | PROT_WRITE);
	uiommu_abi_close(r->abi, r->fd[0]);
	r->fd[1] = abi_fd_install(r->abi, &r->kind[1].file, "two", 0);
}

static void recycled_description(void **state)
{
	struct sigaction sa = { .sa_handler = recycle }, old;
	struct ufd_env *env = *state;
	struct uiommu_platform platform = { .ctx = env,
					    .obj_alloc = page_alloc,
					    .obj_free = page_free };
	struct uiommu_abi_host host = env->host;
	struct recycling *r = &recycling;
	void *page;

	memset(r, 0, sizeof(*r));
	host.platform = &platform;
	assert_int_equal(uiommu_abi_create(env->core, &host, &r->abi), 0);
	r->kind[0].answer = 1;
	r->kind[1].answer = 2;
	abi_file_init(&r->kind[0].file, r->abi, &kind_ops);
	abi_file_init(&r->kind[1].file, r->abi, &kind_ops);
	r->fd[0] = abi_fd_install(r->abi, &r->kind[0].file, "one", 0);
	page = r->page;
	assert_non_null(page);
	assert_int_equal(uiommu_abi_ioctl(r->abi, r->fd[0], 0, 0), 1);

	sigaction(SIGSEGV, &sa, &old);
	mprotect(page, PAGE, PROT_NONE);
	assert_int_equal(uiommu_abi_ioctl(r->abi, r->fd[0], 0, 0), -EBADF);
	sigaction(SIGSEGV, &old, NULL);
	/* It was as told: the same description, another number. */
	assert_int_equal(r->faults, 1);
	assert_ptr_equal(r->page, page);
	assert_int_not_equal(r->fd[1], r->fd[0]);
	assert_int_equal(uiommu_abi_ioctl(r->abi, r->fd[1], 0, 0), 2);
	assert_int_equal(r->kind[0].file.refs, 0);
	uiommu_abi_close(r->abi, r->fd[1]);
	assert_int_equal(r->kind[1].file.refs, 0);
	uiommu_abi_destroy(r->abi);
}

/* ---------------------------------------------------------------- dumps -- */

static void add_line(void *ctx, const char *line, size_t len)
{
	strncat(ctx, line, len);
}

static void dumped(void **state)
{
	struct ufd_env *env = *state;
	int fd = env_open(env), queue;
	uint32_t ioas = env_ioas(env, fd), dev, pt = ioas, id;
	struct ufd_device *idev = env_bind(env, fd, 2, &dev);
	char text[1024] = "";
	struct uiommu_dump dump = {
		.ctx = text,
		.parts = UIOMMU_DUMP_OBJECTS,
		.write = add_line,
	};

	assert_int_equal(ufd_device_attach(idev, &pt), 0);
	env_queue(env, fd, &queue);
	assert_int_equal(env_hwpt(env, fd, dev, ioas, &id), 0);
	uiommu_abi_dump(env->abi, &dump);
	assert_string_equal(text, "iommufd ids=5 charge=user\n"
				  "  ioas id=1 users=3\n"
				  "  device id=2 users=3 name=c\n"
				  "  hwpt id=3 users=2 ioas=1 auto\n"
				  "  fault id=4 users=2\n"
				  "  hwpt id=5 users=1 ioas=1\n");
	/* Other parts have nothing of them. */
	text[0] = '\0';
	dump.parts = UIOMMU_DUMP_TABLES;
	uiommu_abi_dump(env->abi, &dump);
	assert_string_equal(text, "");
	env_close(env, queue);
	ufd_device_unbind(idev);
	env_close(env, fd);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, ufd_env_setup, ufd_env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(open_dup_close),
		TEST(number_reused),
		TEST(no_descriptor_left),
		TEST(leaving),
		TEST(file_outlives_descriptor),
		TEST(nodes),
		TEST(lowest_free_id),
		TEST(kinds_are_told_apart),
		TEST(busy),
		TEST(compat_ioas_is_not_counted),
		TEST(close_in_any_order),
		TEST(device_keeps_context),
		TEST(destroyed_while_open),
		TEST(close_during_call),
		TEST(recycled_description),
		TEST(dumped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
