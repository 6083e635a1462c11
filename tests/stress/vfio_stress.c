/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything at once on /dev/vfio, for ThreadSanitizer and AddressSanitizer:
 * threads share one open device and its container, others open and close their
 * own.  What each call answers may be anything that is allowed; what must hold
 * is that nothing races, hangs or is left, and the invariants that are checked
 * on the way.
 */

#include "base/atomic.h"
#include "check.h"
#include "fixture.h"
#include "turns.h"

#define SECONDS 2

struct stress {
	struct fx *fx;
	unsigned long type;
	struct fx_legacy legacy; /* device 0, in a container of that type */
	int efd[8];
	bool stop;	     /* atomic */
	uint64_t rounds[16]; /* per thread, each its own */
};

static uint32_t next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33);
}

/* ------------------------------------------- on the shared device ------- */

static void one_irq_call(struct stress *st, uint64_t *seed)
{
	int dev = st->legacy.device;
	uint32_t index = next(seed) % 5, start = next(seed) % 8;
	uint32_t count = next(seed) % 4;
	int32_t fds[4];
	long rc;

	for (unsigned int i = 0; i < 4; i++)
		fds[i] = next(seed) % 8 ? st->efd[next(seed) % 8] : -1;
	if (index != VFIO_PCI_MSIX_IRQ_INDEX)
		start %= 2;
	switch (next(seed) % 4) {
	case 0:
		rc = fx_set_irqs(st->fx, dev, FX_TRIGGER_NONE, index, start,
				 count, NULL, 0);
		break;
	case 1:
		rc = fx_set_irqs(st->fx, dev, FX_TRIGGER_NONE, index, 0, 0,
				 NULL, 0);
		break;
	case 2:
		rc = fx_set_irqs(st->fx, dev,
				 VFIO_IRQ_SET_DATA_NONE |
					 VFIO_IRQ_SET_ACTION_UNMASK,
				 VFIO_PCI_INTX_IRQ_INDEX, 0, 1, NULL, 0);
		break;
	default:
		rc = fx_set_irqs(st->fx, dev, FX_TRIGGER_EVENTFD, index, start,
				 count, fds, sizeof(fds));
		break;
	}
	/* Positive: as many vectors are to be had as others left. */
	CHECK((rc >= 0 && rc < 8) || rc == -EINVAL || rc == -ERANGE ||
	      rc == -ENOSPC);
}

static void irq_thread(struct stress *st, uint64_t *seed)
{
	one_irq_call(st, seed);
}

static void access_thread(struct stress *st, uint64_t *seed)
{
	const uint64_t config = FX_REGION(VFIO_PCI_CONFIG_REGION_INDEX);
	int dev = st->legacy.device;
	uint64_t val = 6;
	ssize_t n;

	switch (next(seed) % 8) {
	case 0:
		CHECK(!fx_ioctl_val(st->fx, dev, VFIO_DEVICE_RESET, 0));
		break;
	case 1:
		val = next(seed) % 2 ? 0x406 : 2;
		n = uiommu_abi_pwrite(st->fx->abi, dev, (uintptr_t)&val, 2,
				      config + 4);
		CHECK(n == 2);
		break;
	case 2:
	case 3:
		n = uiommu_abi_pread(st->fx->abi, dev, (uintptr_t)&val, 4,
				     config);
		CHECK(n == 4 && (uint32_t)val == 0x11001234);
		break;
	default:
		n = uiommu_abi_pwrite(st->fx->abi, dev, (uintptr_t)&val, 8,
				      8 * (next(seed) % 64));
		CHECK(n == 8 || n == -EIO);
		break;
	}
}

static void map_thread(struct stress *st, uint64_t *seed)
{
	struct uiommu_map *map;
	uint64_t val;
	int rc;

	rc = uiommu_abi_mmap(st->fx->abi, st->legacy.device, 0x1000, PROT_READ,
			     MAP_SHARED, 0x1000, &map);
	CHECK(!rc);
	for (int i = 0; i < 16; i++) {
		rc = uiommu_map_write(map, 8 * i, 8, next(seed));
		CHECK(!rc || rc == -EIO);
		rc = uiommu_map_read(map, 8 * i, 8, &val);
		CHECK(!rc || rc == -EIO);
	}
	uiommu_map_put(map);
}

/* The device and the system's vectors, whoever has set them up. */
static void device_thread(struct stress *st, uint64_t *seed)
{
	struct fx *fx = st->fx;
	unsigned int i = next(seed) % FX_VECTORS;

	uiommu_vdev_intx(fx->pci[0].vdev, next(seed) % 2);
	pthread_mutex_lock(&fx->lock);
	if (fx->vec[i].used)
		fx->vec[i].fire(fx->vec[i].arg);
	pthread_mutex_unlock(&fx->lock);
	for (unsigned int k = 0; k < 8; k++)
		fx_events(st->efd[k]);
}

/* ------------------------------------------- on the shared container ---- */

static void dma_thread(struct stress *st, uint64_t *seed)
{
	static uint8_t mem[1 << 16] __attribute__((aligned(4096)));
	uint64_t iova = 0x1000000 + 0x10000 * (uint64_t)(next(seed) % 4), done;
	long rc;

	rc = fx_map(st->fx, st->legacy.container, (uintptr_t)mem, iova,
		    sizeof(mem));
	CHECK(!rc || rc == -EEXIST);
	rc = fx_unmap(st->fx, st->legacy.container, iova, sizeof(mem), &done);
	CHECK(!rc && (!done || done == sizeof(mem)));
}

/* Device 1's group joins the container that device 0 is in, and leaves. */
static void join_thread(struct stress *st, uint64_t *seed)
{
	struct fx *fx = st->fx;
	char path[64];
	int group = fx_open(fx, fx_group_path(fx, 1, path)), dev;

	if (group == -EBUSY)
		return;
	CHECK(group >= 0);
	CHECK(!fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER,
			&st->legacy.container));
	dev = (int)fx_ioctl(fx, group, VFIO_GROUP_GET_DEVICE_FD, fx->bdf[1]);
	CHECK(dev >= 0);
	if (next(seed) % 2) {
		fx_close(fx, group);
		fx_close(fx, dev);
	} else {
		fx_close(fx, dev);
		fx_close(fx, group);
	}
}

/* What a guest has, in a container of type 6. */
static void guest_thread(struct stress *st, uint64_t *seed)
{
	struct vfio_iommu_type1_bind_guest_stage stage = {
		.argsz = sizeof(stage),
		.flags = next(seed) % 4 == 0,
		.config = { .flags = VFIO_GUEST_STAGE_SMMUV3_S1,
			    .smmuv3_s1 = { .bypassed = next(seed) % 2,
					   .cdptr_dma = 0x1000000 } },
	};
	struct vfio_iommu_type1_tlb_invalidate inv = {
		.argsz = sizeof(inv),
		.info = { .hdr = { 1, next(seed) % 3 } },
	};
	struct vfio_iommu_type1_bind_msi msi = {
		.argsz = sizeof(msi),
		.flags = next(seed) % 2,
		.binding = { .iova = 0x1000 * (uint64_t)(next(seed) % 4),
			     .gpa = 0x2000000,
			     .granule = 12 },
	};
	bool guests = st->type == VFIO_TYPE1_NESTING_IOMMU;
	int con = st->legacy.container;
	long rc;

	rc = fx_ioctl(st->fx, con, VFIO_IOMMU_BIND_GUEST_STAGE, &stage);
	CHECK(rc == (guests ? 0 : -ENOTTY));
	rc = fx_ioctl(st->fx, con, VFIO_IOMMU_TLB_INVALIDATE, &inv);
	CHECK(guests ? !rc || rc == -EINVAL : rc == -ENOTTY);
	rc = fx_ioctl(st->fx, con, VFIO_IOMMU_BIND_MSI, &msi);
	CHECK(guests ? !rc || rc == -ENOENT : rc == -ENOTTY);
}

/* ------------------------------------------------- devices of one's own - */

static long attach(struct fx *fx, int dev, uint32_t id)
{
	struct vfio_device_attach_iommufd_pt pt = { .argsz = sizeof(pt),
						    .pt_id = id };

	return fx_ioctl(fx, dev, VFIO_DEVICE_ATTACH_IOMMUFD_PT, &pt);
}

/* Two threads each want device 2, 3 or the group of both. */
static void cdev_thread(struct stress *st, uint64_t *seed)
{
	struct vfio_device_bind_iommufd bind = { .argsz = sizeof(bind) };
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct fx *fx = st->fx;
	int iommufd = fx_open(fx, "/dev/iommu"), dev, group;
	unsigned int which = 2 + next(seed) % 2;
	char path[64];
	long rc;

	CHECK(iommufd >= 0);
	CHECK(!fx_ioctl(fx, iommufd, IOMMU_IOAS_ALLOC, &ioas));
	dev = fx_open(fx, fx_cdev_path(fx, which, path));
	CHECK(dev >= 0);
	bind.iommufd = iommufd;
	rc = fx_ioctl(fx, dev, VFIO_DEVICE_BIND_IOMMUFD, &bind);
	CHECK(!rc || rc == -EBUSY || rc == -EINVAL || rc == -EPERM);
	if (!rc) {
		rc = fx_set_irqs(fx, dev, FX_TRIGGER_EVENTFD,
				 VFIO_PCI_MSIX_IRQ_INDEX, 0, 2, st->efd, 8);
		CHECK(!rc || rc == 2 || rc == 1 || rc == -ENOSPC);
		CHECK(!attach(fx, dev, ioas.out_ioas_id));
		CHECK(!attach(fx, dev, ioas.out_ioas_id));
		group = fx_open(fx, fx_group_path(fx, 2, path));
		CHECK(group == -EBUSY);
	} else {
		group = fx_open(fx, fx_group_path(fx, 2, path));
		CHECK(group >= 0 || group == -EBUSY);
		if (group >= 0)
			fx_close(fx, group);
	}
	if (next(seed) % 2) {
		fx_close(fx, iommufd);
		fx_close(fx, dev);
	} else {
		fx_close(fx, dev);
		fx_close(fx, iommufd);
	}
}

static int count_node(void *ctx, const struct uiommu_node *node)
{
	++*(unsigned int *)ctx;
	return 0;
}

static void visit_thread(struct stress *st, uint64_t *seed)
{
	unsigned int nr = 0;

	CHECK(!uiommu_abi_visit_nodes(st->fx->abi, count_node, &nr));
	CHECK(nr > 100);
	usleep(1000);
}

/* -------------------------------------------------------------- running - */

static void (*const bodies[])(struct stress *st, uint64_t *seed) = {
	irq_thread,   irq_thread,   access_thread, map_thread,	device_thread,
	dma_thread,   dma_thread,   join_thread,   cdev_thread, cdev_thread,
	visit_thread, guest_thread, guest_thread,
};

struct worker {
	struct stress *st;
	unsigned int nr;
	pthread_t thread;
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct stress *st = worker->st;
	uint64_t seed = worker->nr + 1;

	while (!load_relaxed(&st->stop)) {
		bodies[worker->nr](st, &seed);
		turn(&st->rounds[worker->nr]);
	}
	return NULL;
}

static void everything_at_once(struct fx *fx, unsigned long type)
{
	struct worker workers[ARRAY_SIZE(bodies)];
	struct stress st = { .fx = fx, .type = type };
	const uint64_t *turns[ARRAY_SIZE(bodies)];

	for (unsigned int i = 0; i < 8; i++)
		st.efd[i] = fx_eventfd();
	fx_legacy_open(st.fx, &st.legacy, 0, type);
	for (unsigned int i = 0; i < ARRAY_SIZE(bodies); i++) {
		turns[i] = &st.rounds[i];
		workers[i] = (struct worker){ .st = &st, .nr = i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work,
						&workers[i]),
				 0);
	}
	let_fight(SECONDS * 1000, turns, ARRAY_SIZE(bodies));
	store_relaxed(&st.stop, true);
	for (unsigned int i = 0; i < ARRAY_SIZE(bodies); i++) {
		pthread_join(workers[i].thread, NULL);
		print_message("# thread %u: %llu rounds\n", i,
			      (unsigned long long)st.rounds[i]);
	}
	assert_true(all_had_turns(turns, ARRAY_SIZE(bodies)));
	fx_legacy_close(st.fx, &st.legacy);
	for (unsigned int i = 0; i < 8; i++)
		close(st.efd[i]);
}

static void in_one_container(void **state)
{
	everything_at_once(fx_of(state), VFIO_TYPE1v2_IOMMU);
}

static void with_a_guest(void **state)
{
	fx_of(state)->unit[0].guests = true;
	everything_at_once(fx_of(state), VFIO_TYPE1_NESTING_IOMMU);
}

/* Threads open the same devices at once; SET_IOMMU is won by one. */
struct racer {
	struct fx *fx;
	int container;
	unsigned int dev;
	pthread_t thread;
};

static void *race(void *arg)
{
	struct racer *racer = arg;
	struct fx *fx = racer->fx;
	char path[64];
	int group, dev;
	long rc;

	group = fx_open(fx, fx_group_path(fx, racer->dev, path));
	CHECK(group >= 0);
	CHECK(!fx_ioctl(fx, group, VFIO_GROUP_SET_CONTAINER,
			&racer->container));
	rc = fx_ioctl_val(fx, racer->container, VFIO_SET_IOMMU,
			  VFIO_TYPE1v2_IOMMU);
	CHECK(!rc || rc == -EINVAL);
	dev = (int)fx_ioctl(fx, group, VFIO_GROUP_GET_DEVICE_FD,
			    fx->bdf[racer->dev]);
	CHECK(dev >= 0);
	/* Groups leave while others come: the last takes the IOMMU along. */
	pthread_exit((void *)(intptr_t)(group << 16 | dev));
}

static void devices_opened_together(void **state)
{
	static const unsigned int devs[] = { 0, 1, 2, 4 };
	struct racer racers[ARRAY_SIZE(devs)];
	struct fx *fx = fx_of(state);
	void *fds;

	for (int round = 0; round < 100; round++) {
		int container = fx_open(fx, "/dev/vfio/vfio");

		for (unsigned int i = 0; i < ARRAY_SIZE(devs); i++) {
			racers[i] = (struct racer){ .fx = fx,
						    .container = container,
						    .dev = devs[i] };
			assert_int_equal(pthread_create(&racers[i].thread, NULL,
							race, &racers[i]),
					 0);
		}
		for (unsigned int i = 0; i < ARRAY_SIZE(devs); i++) {
			pthread_join(racers[i].thread, &fds);
			fx_close(fx, (int)(intptr_t)fds & 0xffff);
			fx_close(fx, (int)((intptr_t)fds >> 16));
		}
		fx_close(fx, container);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_one_container, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(with_a_guest, fx_setup,
						fx_teardown),
		cmocka_unit_test_setup_teardown(devices_opened_together,
						fx_setup, fx_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
