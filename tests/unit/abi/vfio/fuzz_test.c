/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Garbage: random calls with half-sensible arguments on every kind of file.
 * Any answer will do; nothing may crash, hang or be left.  The seeds are fixed,
 * so a failure comes again.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

#define ROUNDS 40
#define CALLS 1500
#define MAX_FDS 24

struct fuzz {
	struct fx *fx;
	uint64_t seed;
	uint32_t arena[1024]; /* all that the calls may touch */
	int fds[MAX_FDS];
	unsigned int nr_fds;
	int efd;
};

static uint32_t rnd(struct fuzz *fz)
{
	fz->seed = fz->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(fz->seed >> 33);
}

static void keep(struct fuzz *fz, long fd)
{
	if (fd < 0)
		return;
	if (fz->nr_fds < MAX_FDS)
		fz->fds[fz->nr_fds++] = (int)fd;
	else
		fx_close(fz->fx, (int)fd);
}

static uint32_t word(struct fuzz *fz)
{
	switch (rnd(fz) % 8) {
	case 0:
		return rnd(fz);
	case 1:
		return UINT32_MAX;
	case 2:
		return (uint32_t)fz->efd;
	case 3:
		return (uint32_t)fz->fds[rnd(fz) % fz->nr_fds];
	case 4:
		return 0x1000u << rnd(fz) % 8;
	case 5:
		return 1u << rnd(fz) % 32;
	default:
		return rnd(fz) % 9;
	}
}

/* Sizes that pass, pointers that lead into the arena or nowhere. */
static void fill(struct fuzz *fz)
{
	for (unsigned int i = 0; i < 64; i++)
		fz->arena[i] = word(fz);
	fz->arena[0] = rnd(fz) % 4 ? 4 * (rnd(fz) % 64) : word(fz);
	for (unsigned int i = 2; i < 14; i += 2)
		if (rnd(fz) % 4 == 0) {
			uint64_t ptr = (uintptr_t)(fz->arena + rnd(fz) % 1024);

			memcpy(&fz->arena[i], &ptr, sizeof(ptr));
		}
}

static void open_one(struct fuzz *fz)
{
	static const char *const paths[] = {
		"/dev/vfio/vfio",
		"/dev/iommu",
		"/dev/vfio/0",
		"/dev/vfio/2",
		"/dev/vfio/devices/vfio0",
		"/dev/vfio/devices/vfio1",
		"/dev/vfio/devices/vfio3",
		"/dev/vfio/devices/vfio4",
	};

	keep(fz, fx_open(fz->fx, paths[rnd(fz) % ARRAY_SIZE(paths)]));
}

static void close_one(struct fuzz *fz)
{
	unsigned int i = rnd(fz) % fz->nr_fds;

	if (fz->nr_fds < 4)
		return;
	fx_close(fz->fx, fz->fds[i]);
	fz->fds[i] = fz->fds[--fz->nr_fds];
}

static void ioctl_one(struct fuzz *fz)
{
	static const char *const names[] = { "0000:01:00.0", "0000:02:00.0",
					     "0000:02:00.1 vf_token=x" };
	unsigned long cmd = _IO(';', 100 + rnd(fz) % 24);
	unsigned long arg = (unsigned long)fz->arena;
	int fd = fz->fds[rnd(fz) % fz->nr_fds];

	fill(fz);
	if (rnd(fz) % 16 == 0)
		arg = rnd(fz);
	if (cmd == VFIO_GROUP_GET_DEVICE_FD)
		strcpy((char *)fz->arena, names[rnd(fz) % 3]);
	if (cmd == VFIO_GROUP_SET_CONTAINER)
		fz->arena[0] = (uint32_t)fz->fds[rnd(fz) % fz->nr_fds];
	if (cmd == VFIO_SET_IOMMU)
		arg = rnd(fz) % 10;
	if (cmd == VFIO_DEVICE_BIND_IOMMUFD && rnd(fz) % 2) {
		fz->arena[0] = 24;
		fz->arena[1] = 0;
		fz->arena[2] = (uint32_t)fz->fds[rnd(fz) % fz->nr_fds];
	}
	if (cmd == VFIO_GROUP_GET_DEVICE_FD)
		keep(fz, uiommu_abi_ioctl(fz->fx->abi, fd, cmd, arg));
	else
		uiommu_abi_ioctl(fz->fx->abi, fd, cmd, arg);
}

static void iommufd_one(struct fuzz *fz)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	memcpy(fz->arena, &alloc, sizeof(alloc));
	fx_ioctl(fz->fx, fz->fds[rnd(fz) % fz->nr_fds], IOMMU_IOAS_ALLOC,
		 fz->arena);
}

static void access_one(struct fuzz *fz)
{
	int fd = fz->fds[rnd(fz) % fz->nr_fds];
	uint64_t off = FX_REGION(rnd(fz) % 10) + rnd(fz) % 0x5000;
	size_t len = rnd(fz) % 4 ? rnd(fz) % 64 : rnd(fz);

	fill(fz);
	if (rnd(fz) % 2)
		uiommu_abi_pread(fz->fx->abi, fd, (uintptr_t)fz->arena, len,
				 off);
	else
		uiommu_abi_pwrite(fz->fx->abi, fd, (uintptr_t)fz->arena, len,
				  off);
}

static void map_one(struct fuzz *fz)
{
	uint64_t off = FX_REGION(rnd(fz) % 8) + 0x1000u * (rnd(fz) % 5);
	struct uiommu_map *map;
	uint64_t val;

	if (uiommu_abi_mmap(fz->fx->abi, fz->fds[rnd(fz) % fz->nr_fds],
			    word(fz), PROT_READ, (int)(rnd(fz) % 4), off, &map))
		return;
	uiommu_map_read(map, rnd(fz) % 0x5000, rnd(fz) % 10, &val);
	uiommu_map_write(map, rnd(fz) % 0x5000, rnd(fz) % 10, val);
	uiommu_map_put(map);
}

static void one_call(struct fuzz *fz)
{
	switch (rnd(fz) % 16) {
	case 0:
		open_one(fz);
		break;
	case 1:
		close_one(fz);
		break;
	case 2:
		access_one(fz);
		break;
	case 3:
		map_one(fz);
		break;
	case 4:
		uiommu_vdev_intx(fz->fx->pci[rnd(fz) % 4].vdev, rnd(fz) % 2);
		fake_pci_send_msix(&fz->fx->pci[rnd(fz) % 4], rnd(fz) % 8);
		break;
	case 5:
		iommufd_one(fz);
		break;
	default:
		ioctl_one(fz);
		break;
	}
}

static void round_of_garbage(struct fuzz *fz)
{
	struct fx *fx = fz->fx;

	fz->nr_fds = 0;
	while (fz->nr_fds < 4)
		open_one(fz);
	for (unsigned int i = 0; i < CALLS; i++)
		one_call(fz);
	while (fz->nr_fds)
		fx_close(fx, fz->fds[--fz->nr_fds]);
	for (unsigned int i = 0; i < FX_DEVICES; i++)
		assert_false(uiommu_group_owned(
			uiommu_device_group(fx->pci[i].dev)));
	for (unsigned int i = 0; i < FX_VECTORS; i++)
		assert_false(fx->vec[i].used);
	assert_int_equal(fx->pins, 0);
}

static void garbage(void **state)
{
	struct fuzz *fz = calloc(1, sizeof(*fz));

	assert_non_null(fz);
	fz->fx = fx_of(state);
	fz->fx->arena[0] = (uintptr_t)fz->arena;
	fz->fx->arena[1] = (uintptr_t)fz->arena + sizeof(fz->arena);
	fz->efd = fx_eventfd();
	for (unsigned int i = 0; i < ROUNDS; i++) {
		fz->seed = i;
		round_of_garbage(fz);
	}
	close(fz->efd);
	free(fz);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(garbage, fx_setup, fx_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
