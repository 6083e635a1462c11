/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pasid.c - two PASIDs of one device: each has an address space of its own, and
 * changes it while the device goes on.  Exit status 0: all as it is claimed.
 *	cc pasid.c board.c $(pkg-config --cflags --libs uiommu)
 */
#include <pthread.h>
#include <stdio.h>

#include "board.h"

#define IOVA UINT64_C(0x10000)
#define ALICE 7u
#define BOB 9u

enum {
	OF_ALICE = 0xa11ce,
	OF_BOB = 0xb0b,
	OLD = 1,
	NEW = 2
};

static void isolation(const struct endpoint *nic, uint64_t *alice,
		      uint64_t *bob)
{
	claim(dma_reads(nic, ALICE, IOVA, OF_ALICE) &&
		      dma_reads(nic, BOB, IOVA, OF_BOB),
	      "one address, two PASIDs, two memories");
	claim(!dma_write(nic, ALICE, IOVA, OF_ALICE + 1) &&
		      *alice == OF_ALICE + 1 && *bob == OF_BOB,
	      "what the device writes for one the other does not see");
	claim(dma_stopped(nic, ALICE, IOVA + PAGE),
	      "what is not mapped is not reached");
	claim(dma_stopped(nic, UIOMMU_NO_PASID, IOVA),
	      "nor is any of it without a PASID");
	claim(dma_stopped(nic, ALICE + 1, IOVA), "nor with another one");
}

/* The device, in a thread of its own. */
struct device {
	const struct endpoint *ep;
	bool stop;
	uint64_t reads, gaps, strange;
};

static void *keep_reading(void *arg)
{
	struct device *device = arg;
	uint64_t value;

	while (!__atomic_load_n(&device->stop, __ATOMIC_ACQUIRE)) {
		if (dma_read(device->ep, BOB, IOVA, &value))
			device->gaps++;
		else if (value != OLD && value != NEW)
			device->strange++;
		__atomic_fetch_add(&device->reads, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static uint64_t reads(struct device *device)
{
	return __atomic_load_n(&device->reads, __ATOMIC_ACQUIRE);
}

/* From one to the other and back, at least `n` times and over many reads. */
static uint64_t replace_under(struct device *device, unsigned int n,
			      struct uiommu_domain *space[2])
{
	uint64_t now, replaced = 0, wrong = 0;

	while (replaced < n || reads(device) < n) {
		now = ++replaced % 2;
		must(uiommu_device_pasid_replace(device->ep->dev, BOB,
						 space[now]),
		     "replace");
		/* What begins now finds the new one only. */
		wrong += !dma_reads(device->ep, BOB, IOVA, now ? NEW : OLD);
	}
	printf("%llu replaced, %llu reads meanwhile\n",
	       (unsigned long long)replaced, (unsigned long long)reads(device));
	return wrong;
}

static void replacing(const struct endpoint *nic,
		      struct uiommu_domain *space[2])
{
	struct device device = { .ep = nic };
	pthread_t thread;
	uint64_t late;

	must(-pthread_create(&thread, NULL, keep_reading, &device), "thread");
	late = replace_under(&device, 1000, space);
	__atomic_store_n(&device.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	claim(!device.gaps, "no access found neither the old nor the new");
	claim(!device.strange, "nor anything else");
	claim(!late, "and none found the old one after replace had returned");
}

int main(void)
{
	struct uiommu_domain *alice, *bob, *space[2];
	uint64_t *page[2];
	struct endpoint nic;
	struct board board;

	board_open(&board, 1);
	board_add(&board, &nic, 0, 0x100, "nic");
	page[0] = board_page(&board, OF_ALICE);
	page[1] = board_page(&board, OF_BOB);
	alice = board_space(&nic, IOVA, page[0]);
	bob = board_space(&nic, IOVA, page[1]);
	must(uiommu_device_pasid_attach(nic.dev, ALICE, alice), "attach");
	must(uiommu_device_pasid_attach(nic.dev, BOB, bob), "attach");
	isolation(&nic, page[0], page[1]);

	space[0] = board_space(&nic, IOVA, board_page(&board, OLD));
	space[1] = board_space(&nic, IOVA, board_page(&board, NEW));
	must(uiommu_device_pasid_replace(nic.dev, BOB, space[0]), "replace");
	replacing(&nic, space);

	uiommu_device_pasid_detach(nic.dev, BOB);
	claim(dma_stopped(&nic, BOB, IOVA) &&
		      dma_reads(&nic, ALICE, IOVA, OF_ALICE + 1),
	      "a PASID that is detached reaches nothing, the other goes on");
	uiommu_device_pasid_detach(nic.dev, ALICE);
	uiommu_device_remove(nic.dev);
	uiommu_domain_free(alice);
	uiommu_domain_free(bob);
	uiommu_domain_free(space[0]);
	uiommu_domain_free(space[1]);
	board_close(&board);
	return 0;
}
