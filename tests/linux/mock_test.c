/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The call that Linux's tests make mock devices by, asked wrongly and with the nth
 * allocation failing; what it does when asked rightly is for those tests to say.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mock.h"
#include "nth.h"
#include "turns.h"

#define BASE UIOMMU_MOCK_APERTURE_FIRST

static struct uiommu_machine *machine;
static struct uiommu_abi *abi;
static struct test_world world;
static struct uiommu_abi_extra extra;
static int fd;

static int setup(void **state)
{
	const struct uiommu_machine_cfg cfg = {
		.log_level = UIOMMU_LOG_ERROR,
		.extra = &extra,
	};
	char err[256];

	memset(&world, 0, sizeof(world));
	test_extra_init(&extra, &world);
	assert_int_equal(
		uiommu_machine_create(&cfg, &machine, err, sizeof(err)), 0);
	abi = uiommu_machine_abi(machine);
	fd = uiommu_abi_open(abi, "/dev/iommu", O_RDWR);
	assert_true(fd >= 0);
	return 0;
}

/* Whatever a test leaves goes with the descriptor. */
static int teardown(void **state)
{
	assert_int_equal(uiommu_abi_close(abi, fd), 0);
	assert_true(list_empty(&world.devices));
	uiommu_machine_destroy(machine);
	return 0;
}

static long test(struct test_cmd *cmd)
{
	cmd->size = sizeof(*cmd);
	return client_ioctl(abi, fd, TEST_CMD, cmd);
}

static uint32_t ioas_ok(void)
{
	struct iommu_ioas_alloc cmd = { .size = sizeof(cmd) };

	assert_int_equal(client_ioctl(abi, fd, IOMMU_IOAS_ALLOC, &cmd), 0);
	return cmd.out_ioas_id;
}

static long destroy(uint32_t id)
{
	struct iommu_destroy cmd = { .size = sizeof(cmd), .id = id };

	return client_ioctl(abi, fd, IOMMU_DESTROY, &cmd);
}

static long map(uint32_t ioas, void *va, uint64_t len, uint64_t iova)
{
	struct iommu_ioas_map cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)va,
		.length = len,
		.iova = iova,
	};

	return client_ioctl(abi, fd, IOMMU_IOAS_MAP, &cmd);
}

static struct test_cmd device_ok(uint32_t ioas)
{
	struct test_cmd cmd = { .op = TEST_MOCK_DOMAIN, .id = ioas };

	assert_int_equal(test(&cmd), 0);
	return cmd;
}

static void sizes_and_ops(void **state)
{
	struct {
		struct test_cmd cmd;
		uint32_t more;
	} big = { .cmd = { .op = TEST_MEMORY_LIMIT, .memory_limit = { 99 } } };
	struct test_cmd cmd = { .op = 0 };

	guard_ok();
	assert_int_equal(test(&cmd), -EOPNOTSUPP);
	cmd.op = TEST_OPS;
	assert_int_equal(test(&cmd), -EOPNOTSUPP);
	cmd.op = UINT32_MAX;
	assert_int_equal(test(&cmd), -EOPNOTSUPP);
	big.cmd.size = 67;
	assert_int_equal(client_ioctl(abi, fd, TEST_CMD, &big), -EINVAL);
	big.cmd.size = 68;
	assert_int_equal(client_ioctl(abi, fd, TEST_CMD, &big), 0);
	big.cmd.size = sizeof(big);
	assert_int_equal(client_ioctl(abi, fd, TEST_CMD, &big), 0);
	big.more = 1;
	assert_int_equal(client_ioctl(abi, fd, TEST_CMD, &big), -E2BIG);
	assert_int_equal(client_ioctl(abi, fd, TEST_CMD, NULL), -EFAULT);
	assert_int_equal(client_ioctl(abi, fd, TEST_CMD + 1, &big), -ENOTTY);
	assert_int_equal(client_ioctl(abi, fd, TEST_CMD - 1, &big), -ENOTTY);
}

static void nobody_else_has_it(void **state)
{
	struct uiommu_machine *plain = machine_ok(NULL);
	struct uiommu_abi *other = uiommu_machine_abi(plain);
	int at = uiommu_abi_open(other, "/dev/iommu", O_RDWR);
	struct test_cmd cmd = { .size = sizeof(cmd), .op = TEST_MEMORY_LIMIT };

	assert_true(at >= 0);
	assert_int_equal(client_ioctl(other, at, TEST_CMD, &cmd), -ENOTTY);
	assert_int_equal(uiommu_abi_close(other, at), 0);
	uiommu_machine_destroy(plain);
}

static void devices(void **state)
{
	uint32_t ioas = ioas_ok();
	struct test_cmd cmd = { .op = TEST_MOCK_DOMAIN, .id = 99 }, a, b;

	assert_int_equal(test(&cmd), -ENOENT);
	cmd = (struct test_cmd){ .op = TEST_MOCK_DOMAIN_FLAGS, .id = ioas };
	cmd.mock_domain.dev_flags = 2;
	assert_int_equal(test(&cmd), -EINVAL);
	a = device_ok(ioas);
	b = device_ok(ioas);
	assert_int_equal(a.mock_domain.out_stdev_id, ioas + 1);
	assert_int_equal(a.mock_domain.out_idev_id, ioas + 2);
	assert_int_equal(a.mock_domain.out_hwpt_id, ioas + 3);
	assert_int_equal(b.mock_domain.out_hwpt_id, ioas + 3);
	/* A device cannot be a page table, nor be destroyed by its own id. */
	cmd = (struct test_cmd){ .op = TEST_MOCK_DOMAIN,
				 .id = a.mock_domain.out_idev_id };
	assert_int_equal(test(&cmd), -EINVAL);
	assert_int_equal(destroy(a.mock_domain.out_idev_id), -EBUSY);
	assert_int_equal(destroy(ioas), -EBUSY);
	assert_int_equal(destroy(a.mock_domain.out_stdev_id), 0);
	assert_int_equal(destroy(a.mock_domain.out_stdev_id), -ENOENT);
	assert_int_equal(destroy(a.mock_domain.out_idev_id), -ENOENT);
	cmd = (struct test_cmd){ .op = TEST_MOCK_DOMAIN_REPLACE,
				 .id = b.mock_domain.out_stdev_id };
	cmd.replace.pt_id = ioas_ok();
	assert_int_equal(test(&cmd), 0);
	assert_int_not_equal(cmd.replace.pt_id, a.mock_domain.out_hwpt_id);
	assert_int_equal(destroy(a.mock_domain.out_hwpt_id), -ENOENT);
	cmd.id = b.mock_domain.out_idev_id;
	assert_int_equal(test(&cmd), -ENOENT);
}

static void reserved(void **state)
{
	uint32_t ioas = ioas_ok();
	struct test_cmd cmd = { .op = TEST_ADD_RESERVED, .id = ioas };
	void *mem = pages_ok(4096);

	assert_int_equal(test(&cmd), -EINVAL);
	cmd.add_reserved.length = 4096;
	cmd.add_reserved.start = UINT64_MAX - 4094;
	assert_int_equal(test(&cmd), -EOVERFLOW);
	cmd.add_reserved.start = BASE;
	cmd.id = ioas + 1;
	assert_int_equal(test(&cmd), -ENOENT);
	cmd.id = ioas;
	assert_int_equal(map(ioas, mem, 4096, BASE), 0);
	assert_int_equal(test(&cmd), -EADDRINUSE);
	cmd.add_reserved.start += 4096;
	assert_int_equal(test(&cmd), 0);
	cmd.add_reserved.start += 2048;
	assert_int_equal(test(&cmd), 0);
	assert_int_equal(map(ioas, mem, 4096, BASE + 4096), -EINVAL);
	assert_int_equal(destroy(ioas), 0);
	pages_free(mem, 4096);
}

static void maps_and_pins(void **state)
{
	uint32_t ioas = ioas_ok();
	struct test_cmd dev = device_ok(ioas), cmd;
	uint8_t *mem = pages_ok(8192);

	guard_ok();
	assert_int_equal(map(ioas, mem + 2048, 4096, BASE), 0);
	cmd = (struct test_cmd){ .op = TEST_CHECK_MAP,
				 .id = dev.mock_domain.out_hwpt_id };
	cmd.check_map.iova = BASE;
	cmd.check_map.length = 4096;
	cmd.check_map.uptr = (uintptr_t)mem + 2048;
	assert_int_equal(test(&cmd), 0);
	cmd.check_map.uptr += 2048;
	assert_int_equal(test(&cmd), -EINVAL);
	cmd.check_map.uptr += 1;
	assert_int_equal(test(&cmd), -EINVAL);
	cmd.check_map.uptr = 4096;
	assert_int_equal(test(&cmd), -EFAULT);
	cmd.check_map.iova = BASE + 4096;
	cmd.check_map.uptr = (uintptr_t)mem;
	assert_int_equal(test(&cmd), -EINVAL);
	cmd.id = ioas;
	assert_int_equal(test(&cmd), -ENOENT);

	cmd = (struct test_cmd){ .op = TEST_CHECK_REFS };
	cmd.check_refs.uptr = (uintptr_t)mem;
	cmd.check_refs.length = 8192;
	cmd.check_refs.refs = 1;
	assert_int_equal(test(&cmd), 0);
	cmd.check_refs.refs = 2;
	assert_int_equal(test(&cmd), -EIO);
	assert_int_equal(map(ioas, mem, 8192, BASE + 8192), 0);
	assert_int_equal(test(&cmd), 0);
	cmd.check_refs.length = 4095;
	assert_int_equal(test(&cmd), -EINVAL);
	assert_int_equal(destroy(dev.mock_domain.out_stdev_id), 0);
	cmd.check_refs.length = 8192;
	cmd.check_refs.refs = 0;
	assert_int_equal(test(&cmd), 0);
	cmd.check_refs.uptr = 4096;
	assert_int_equal(test(&cmd), -EFAULT);
	pages_free(mem, 8192);
}

/* Two addresses of the same memory. */
static void shared_memory(void **state)
{
	uint32_t ioas = ioas_ok();
	struct test_cmd dev = device_ok(ioas), cmd;
	int file = memfd_create("shared", MFD_CLOEXEC);
	uint8_t *a, *b;

	assert_int_equal(ftruncate(file, 8192), 0);
	a = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	b = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 4096);
	assert_true(a != MAP_FAILED && b != MAP_FAILED);
	assert_int_equal(map(ioas, b, 4096, BASE), 0);
	cmd = (struct test_cmd){ .op = TEST_CHECK_MAP,
				 .id = dev.mock_domain.out_hwpt_id };
	cmd.check_map.iova = BASE;
	cmd.check_map.length = 4096;
	cmd.check_map.uptr = (uintptr_t)a + 4096;
	assert_int_equal(test(&cmd), 0);
	cmd.check_map.uptr = (uintptr_t)a;
	assert_int_equal(test(&cmd), -EINVAL);
	cmd = (struct test_cmd){ .op = TEST_CHECK_REFS };
	cmd.check_refs.uptr = (uintptr_t)a + 4096;
	cmd.check_refs.length = 4096;
	cmd.check_refs.refs = 1;
	assert_int_equal(test(&cmd), 0);
	cmd.check_refs.uptr = (uintptr_t)a;
	cmd.check_refs.refs = 0;
	assert_int_equal(test(&cmd), 0);
	assert_int_equal(map(ioas, a, 8192, BASE + 8192), 0);
	cmd.check_refs.uptr = (uintptr_t)b;
	cmd.check_refs.refs = 2;
	assert_int_equal(test(&cmd), 0);
	assert_int_equal(destroy(dev.mock_domain.out_stdev_id), 0);
	munmap(a, 8192);
	munmap(b, 4096);
	close(file);
}

static void device_words(void **state)
{
	struct test_cmd dev = device_ok(ioas_ok());
	struct test_cmd cmd = { .op = TEST_CHECK_DEV_CACHE,
				.id = dev.mock_domain.out_idev_id };

	cmd.dev_cache.cache = UIOMMU_MOCK_CACHE_INITIAL;
	assert_int_equal(test(&cmd), 0);
	cmd.dev_cache.id = 4;
	assert_int_equal(test(&cmd), -EINVAL);
	cmd.dev_cache.id = 3;
	cmd.dev_cache.cache++;
	assert_int_equal(test(&cmd), -EINVAL);
	cmd.id = dev.mock_domain.out_stdev_id;
	assert_int_equal(test(&cmd), -ENOENT);
}

/* ------------------------------------------------------------ dma-bufs -- */

static long map_file(uint32_t ioas, int file, uint64_t len, uint64_t iova)
{
	struct iommu_ioas_map_file cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE,
		.ioas_id = ioas,
		.fd = file,
		.length = len,
		.iova = iova,
	};

	return client_ioctl(abi, fd, IOMMU_IOAS_MAP_FILE, &cmd);
}

static void dmabufs(void **state)
{
	uint32_t ioas = ioas_ok();
	struct test_cmd dev = device_ok(ioas);
	struct test_cmd get = { .op = TEST_DMABUF_GET },
			revoke = { .op = TEST_DMABUF_REVOKE };
	long buf;

	assert_int_equal(test(&get), -EINVAL);
	get.dmabuf_get.length = 512 * 4096 + 1;
	assert_int_equal(test(&get), -EINVAL);
	get.dmabuf_get.length = 4097;
	buf = test(&get);
	assert_true(buf > 0);
	assert_int_equal(map_file(ioas, (int)buf, 8192, BASE), 0);
	revoke.dmabuf_revoke.fd = fd;
	assert_int_equal(test(&revoke), -EINVAL);
	revoke.dmabuf_revoke.fd = -1;
	assert_int_equal(test(&revoke), -EBADF);
	revoke.dmabuf_revoke.fd = (int)buf;
	revoke.dmabuf_revoke.revoked = 1;
	assert_int_equal(test(&revoke), 0);
	assert_int_equal(map_file(ioas, (int)buf, 8192, BASE + 8192), -ENODEV);
	revoke.dmabuf_revoke.revoked = 0;
	assert_int_equal(test(&revoke), 0);
	assert_int_equal(map_file(ioas, (int)buf, 8192, BASE + 8192), 0);
	assert_int_equal(uiommu_abi_close(abi, (int)buf), 0);
	assert_int_equal(destroy(dev.mock_domain.out_stdev_id), 0);
}

/* ------------------------------------------------------------- guests --- */

struct guest {
	struct test_cmd dev;
	uint32_t parent;
	struct uiommu_mock_viommu_data data;
	uint32_t viommu;
};

static long viommu(struct guest *g)
{
	struct iommu_viommu_alloc cmd = {
		.size = sizeof(cmd),
		.type = UIOMMU_MOCK_VIOMMU_TYPE,
		.dev_id = g->dev.mock_domain.out_idev_id,
		.hwpt_id = g->parent,
		.data_len = sizeof(g->data),
		.data_uptr = (uintptr_t)&g->data,
	};
	long rc = client_ioctl(abi, fd, IOMMU_VIOMMU_ALLOC, &cmd);

	g->viommu = cmd.out_viommu_id;
	return rc;
}

static struct guest guest_ok(void)
{
	uint32_t ioas = ioas_ok();
	struct guest g = { .dev = device_ok(ioas), .data = { .in = 0xbeef } };
	struct iommu_hwpt_alloc cmd = {
		.size = sizeof(cmd),
		.flags = IOMMU_HWPT_ALLOC_NEST_PARENT,
		.dev_id = g.dev.mock_domain.out_idev_id,
		.pt_id = ioas,
	};

	assert_int_equal(client_ioctl(abi, fd, IOMMU_HWPT_ALLOC, &cmd), 0);
	g.parent = cmd.out_hwpt_id;
	return g;
}

static int window(const struct guest *g, size_t len, int prot, int flags,
		  uint64_t past, struct uiommu_map **map)
{
	return uiommu_abi_mmap(abi, fd, len, prot, flags,
			       g->data.out_mmap_offset + past, map);
}

static void windows(void **state)
{
	struct guest g = guest_ok(), other;
	const int rw = PROT_READ | PROT_WRITE;
	struct uiommu_map *map;
	uint64_t word;

	guard_ok();
	assert_int_equal(viommu(&g), 0);
	assert_int_equal(g.data.out, 0xbeef);
	assert_int_equal(g.data.out_mmap_length, 8192);
	other = g;
	other.data.in = 0xcafe;
	assert_int_equal(viommu(&other), 0);
	assert_true(other.data.out_mmap_offset >=
		    g.data.out_mmap_offset + 8192);
	assert_int_equal(window(&g, 0, rw, MAP_SHARED, 0, &map), -EINVAL);
	assert_int_equal(window(&g, 8192, rw, MAP_SHARED, 8, &map), -EINVAL);
	assert_int_equal(window(&g, SIZE_MAX, rw, MAP_SHARED, 0, &map),
			 -ENOMEM);
	/* A part of a page is a page, as for mmap(2). */
	assert_int_equal(window(&g, 4095, rw, MAP_SHARED, 0, &map), -ENXIO);
	assert_int_equal(window(&g, 8191, rw, MAP_SHARED, 0, &map), 0);
	assert_int_equal(uiommu_map_read(map, 8184, 8, &word), 0);
	uiommu_map_put(map);
	assert_int_equal(window(&g, 8192, rw, MAP_PRIVATE, 0, &map), -EINVAL);
	assert_int_equal(window(&g, 8192, rw | PROT_EXEC, MAP_SHARED, 0, &map),
			 -EPERM);
	assert_int_equal(window(&g, 4096, rw, MAP_SHARED, 0, &map), -ENXIO);
	assert_int_equal(window(&g, 16384, rw, MAP_SHARED, 0, &map), -ENXIO);
	assert_int_equal(window(&g, 8192, rw, MAP_SHARED, 4096, &map), -ENXIO);
	assert_int_equal(window(&g, 8192, rw, MAP_SHARED, 0, &map), 0);
	assert_int_equal(uiommu_map_read(map, 0, 4, &word), 0);
	assert_int_equal(word, 0xbeef);
	assert_int_equal(uiommu_map_write(map, 8184, 8, ~UINT64_C(5)), 0);
	assert_int_equal(uiommu_map_read(map, 8184, 8, &word), 0);
	assert_true(word == ~UINT64_C(5));
	assert_int_equal(uiommu_map_read(map, 8192, 1, &word), -EINVAL);
	assert_int_equal(destroy(g.viommu), -EBUSY);
	assert_int_equal(destroy(other.viommu), 0);
	assert_int_equal(window(&other, 8192, rw, MAP_SHARED, 0, &map), -ENXIO);
	uiommu_map_put(uiommu_map_get(map));
	assert_int_equal(destroy(g.viommu), -EBUSY);
	uiommu_map_put(map);
	assert_int_equal(destroy(g.viommu), 0);
}

/* A window is mapped while its vIOMMU is made and destroyed all the time. */
struct race {
	struct guest guest;
	uint64_t offset; /* atomic: of a window that was there just now */
	uint64_t made, mapped, missed;
	uint32_t stop, wrong; /* atomic */
};

static void *mapper(void *arg)
{
	struct race *race = arg;
	struct uiommu_map *map;
	uint64_t word;
	int rc;

	while (!load_relaxed(&race->stop)) {
		rc = uiommu_abi_mmap(abi, fd, 8192, PROT_READ, MAP_SHARED,
				     load_acquire(&race->offset), &map);
		turn(rc ? &race->missed : &race->mapped);
		if (rc == -ENXIO)
			continue;
		if (rc || uiommu_map_read(map, 0, 4, &word) || word != 0xbeef)
			fetch_add_relaxed(&race->wrong, 1);
		if (!rc)
			uiommu_map_put(map);
	}
	return NULL;
}

static void *maker(void *arg)
{
	struct race *race = arg;
	long rc;

	while (!load_relaxed(&race->stop)) {
		if (viommu(&race->guest)) {
			fetch_add_relaxed(&race->wrong, 1);
			break;
		}
		store_release(&race->offset, race->guest.data.out_mmap_offset);
		do
			rc = destroy(race->guest.viommu);
		while (rc == -EBUSY);
		if (rc)
			fetch_add_relaxed(&race->wrong, 1);
		turn(&race->made);
	}
	return NULL;
}

static void windows_come_and_go(void **state)
{
	static struct race race;
	const uint64_t *counts[] = { &race.made, &race.mapped, &race.missed };
	pthread_t threads[2];
	bool fought;

	guard_ok();
	race = (struct race){ .guest = guest_ok() };
	assert_int_equal(pthread_create(&threads[0], NULL, mapper, &race), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, maker, &race), 0);
	fought = let_fight(stress_ms(200), counts, ARRAY_SIZE(counts));
	store_relaxed(&race.stop, 1u);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	assert_true(fought);
	assert_int_equal(race.wrong, 0);
}

static long run_viommu(void *ctx)
{
	return viommu(ctx);
}

static void undo_viommu(void *ctx)
{
	assert_int_equal(destroy(((struct guest *)ctx)->viommu), 0);
}

static void memory_runs_out_for_guests(void **state)
{
	const struct nth_call call = {
		.name = "VIOMMU_ALLOC",
		.run = run_viommu,
		.undo = undo_viommu,
		.least = 4,
	};
	struct guest g = guest_ok();

	guard_ok();
	nth_each(machine, &call, &g);
}

/* ------------------------------------------------ with nothing left ----- */

struct scene {
	uint32_t ioas;
	struct test_cmd dev;
};

static long run_device(void *ctx)
{
	struct scene *s = ctx;

	s->dev = (struct test_cmd){ .op = TEST_MOCK_DOMAIN, .id = s->ioas };
	return test(&s->dev);
}

static void undo_device(void *ctx)
{
	struct scene *s = ctx;

	assert_int_equal(destroy(s->dev.mock_domain.out_stdev_id), 0);
}

static void memory_runs_out(void **state)
{
	const struct nth_call call = {
		.name = "MOCK_DOMAIN",
		.run = run_device,
		.undo = undo_device,
		.least = 6,
	};
	struct scene s = { .ioas = ioas_ok() };

	/* The units are made by the first. */
	assert_int_equal(run_device(&s), 0);
	undo_device(&s);
	nth_each(machine, &call, &s);
}

/* --------------------------------------------------------- fail-nth ----- */

static ssize_t arm(int at, const char *text)
{
	return uiommu_abi_pwrite(abi, at, (uintptr_t)text, strlen(text), 0);
}

/* The calls to go, by the file. */
static long left(int at)
{
	char text[24] = "";
	ssize_t n = uiommu_abi_pread(abi, at, (uintptr_t)text, sizeof(text), 0);

	assert_true(n > 1 && text[n - 1] == '\n');
	return strtol(text, NULL, 10);
}

static void fail_nth_counts_down(void **state)
{
	int at = uiommu_abi_open(abi, "/proc/self/task/1/fail-nth", O_RDWR);
	struct test_cmd cmd = { .op = TEST_MOCK_DOMAIN };
	unsigned int n, nomem = 0, fault = 0;
	uint32_t ioas;
	long rc = -1;

	guard_ok();
	assert_true(at >= 0);
	ioas = ioas_ok();
	assert_int_equal(left(at), 0);
	assert_int_equal(arm(at, "x"), -EINVAL);
	assert_int_equal(arm(at, "1234567890123456789012345"), -EINVAL);
	assert_int_equal(uiommu_abi_pwrite(abi, at, 4096, 1, 0), -EFAULT);
	for (n = 1; n < 1000; n++) {
		char text[16];

		cmd = (struct test_cmd){ .op = TEST_MOCK_DOMAIN, .id = ioas };
		snprintf(text, sizeof(text), "%u", n);
		assert_int_equal(arm(at, text), strlen(text));
		assert_int_equal(left(at), n);
		rc = test(&cmd);
		if (left(at))
			break;
		assert_true(rc == -ENOMEM || rc == -EFAULT);
		nomem += rc == -ENOMEM;
		fault += rc == -EFAULT;
	}
	/* Its structure's size, the structure and the answer. */
	assert_int_equal(fault, 3);
	assert_true(nomem > 6);
	assert_int_equal(rc, 0);
	assert_int_equal(arm(at, "0"), 1);
	assert_int_equal(left(at), 0);
	/* The file is closed, and nothing fails any more. */
	assert_int_equal(arm(at, "1"), 1);
	assert_int_equal(uiommu_abi_close(abi, at), 0);
	assert_int_equal(destroy(cmd.mock_domain.out_stdev_id), 0);
	assert_int_equal(uiommu_abi_open(abi, "/proc/self/task/1/status",
					 O_RDWR),
			 -ENOENT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(sizes_and_ops),
		CASE(nobody_else_has_it),
		CASE(devices),
		CASE(reserved),
		CASE(maps_and_pins),
		CASE(shared_memory),
		CASE(device_words),
		CASE(dmabufs),
		CASE(windows),
		CASE(windows_come_and_go),
		CASE(memory_runs_out_for_guests),
		CASE(memory_runs_out),
		CASE(fail_nth_counts_down),
	};

	return cmocka_run_group_tests_name("linux", tests, NULL, NULL);
}
