/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts: what SET_IRQS answers, and what arrives where. */
#include "fixture.h"

#define INTX VFIO_PCI_INTX_IRQ_INDEX
#define MSI VFIO_PCI_MSI_IRQ_INDEX
#define MSIX VFIO_PCI_MSIX_IRQ_INDEX
#define ERR VFIO_PCI_ERR_IRQ_INDEX
#define REQ VFIO_PCI_REQ_IRQ_INDEX

#define MASK_NONE (VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_MASK)
#define UNMASK_NONE (VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK)

static struct fx *fx;
static struct fx_legacy legacy;
static int dev;

static int setup(void **state)
{
	fx_setup(state);
	fx = *state;
	fx_legacy_open(fx, &legacy, 0, VFIO_TYPE1v2_IOMMU);
	dev = legacy.device;
	fx_cfg_write(fx, dev, 4, 2, 6);
	return 0;
}

static int teardown(void **state)
{
	fx_legacy_close(fx, &legacy);
	return fx_teardown(state);
}

static long trigger(uint32_t index, uint32_t start, uint32_t count,
		    const int32_t *fds)
{
	return fx_set_irqs(fx, dev, FX_TRIGGER_EVENTFD, index, start, count,
			   fds, count * sizeof(*fds));
}

static long off(uint32_t index)
{
	return fx_set_irqs(fx, dev, FX_TRIGGER_NONE, index, 0, 0, NULL, 0);
}

static long loop(uint32_t index, uint32_t start, uint32_t count)
{
	return fx_set_irqs(fx, dev, FX_TRIGGER_NONE, index, start, count, NULL,
			   0);
}

static void info(void **state)
{
	static const struct {
		uint32_t index, count, flags;
	} table[] = {
		{ INTX, 1, 7 }, { MSI, 4, 9 }, { MSIX, 8, 1 },
		{ ERR, 1, 9 },	{ REQ, 1, 9 },
	};
	struct vfio_irq_info irq;

	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		irq = (struct vfio_irq_info){ .argsz = sizeof(irq),
					      .index = table[i].index };
		assert_int_equal(
			fx_ioctl(fx, dev, VFIO_DEVICE_GET_IRQ_INFO, &irq), 0);
		assert_int_equal(irq.count, table[i].count);
		assert_int_equal(irq.flags, table[i].flags);
	}
	irq.index = 5;
	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_GET_IRQ_INFO, &irq),
			 -EINVAL);
	irq.index = 0;
	irq.argsz = 15;
	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_GET_IRQ_INFO, &irq),
			 -EINVAL);
	assert_int_equal(fx_ioctl_val(fx, dev, VFIO_DEVICE_GET_IRQ_INFO,
				      FX_BAD_PTR),
			 -EFAULT);
}

/* Nothing is enabled before any row. */
static void refused(void **state)
{
	static const struct {
		uint32_t flags, index, start, count;
		unsigned int size; /* of the data */
		long rc;
	} table[] = {
		{ FX_TRIGGER_EVENTFD, 5, 0, 1, 4, -EINVAL },
		{ FX_TRIGGER_EVENTFD, MSIX, 0, UINT32_MAX, 4, -EINVAL },
		{ FX_TRIGGER_EVENTFD, MSIX, UINT32_MAX, 1, 4, -EINVAL },
		{ FX_TRIGGER_EVENTFD | 64, MSIX, 0, 1, 4, -EINVAL },
		{ FX_TRIGGER_EVENTFD, MSIX, 8, 0, 4, -EINVAL },
		{ FX_TRIGGER_EVENTFD, MSIX, 7, 2, 8, -EINVAL },
		{ FX_TRIGGER_EVENTFD, MSI, 0, 5, 20, -EINVAL },
		{ VFIO_IRQ_SET_ACTION_TRIGGER, MSIX, 0, 1, 4, -EINVAL },
		{ FX_TRIGGER_EVENTFD | VFIO_IRQ_SET_DATA_BOOL, MSIX, 0, 1, 4,
		  -EINVAL },
		{ VFIO_IRQ_SET_DATA_EVENTFD, MSIX, 0, 1, 4, -ENOTTY },
		{ FX_TRIGGER_NONE | VFIO_IRQ_SET_ACTION_MASK, MSIX, 0, 1, 0,
		  -ENOTTY },
		{ FX_TRIGGER_EVENTFD, MSIX, 0, 2, 7, -EINVAL },
		{ FX_TRIGGER_BOOL, MSIX, 0, 2, 1, -EINVAL },
		{ MASK_NONE, MSI, 0, 1, 0, -ENOTTY },
		{ UNMASK_NONE, MSIX, 0, 1, 0, -ENOTTY },
		{ MASK_NONE, REQ, 0, 1, 0, -ENOTTY },
		{ UNMASK_NONE, ERR, 0, 1, 0, -ENOTTY },
		/* Off or looped back while it is not on. */
		{ FX_TRIGGER_NONE, INTX, 0, 0, 0, -EINVAL },
		{ FX_TRIGGER_NONE, MSI, 0, 0, 0, -EINVAL },
		{ FX_TRIGGER_NONE, MSIX, 0, 0, 0, -EINVAL },
		{ FX_TRIGGER_NONE, ERR, 0, 0, 0, -EINVAL },
		{ FX_TRIGGER_NONE, REQ, 0, 1, 0, -EINVAL },
		{ FX_TRIGGER_NONE, MSIX, 0, 1, 0, -EINVAL },
		{ FX_TRIGGER_NONE, INTX, 0, 1, 0, -EINVAL },
		{ FX_TRIGGER_BOOL, MSI, 0, 1, 1, -EINVAL },
		{ MASK_NONE, INTX, 0, 1, 0, -EINVAL },
		{ UNMASK_NONE, INTX, 0, 1, 0, -EINVAL },
		{ FX_TRIGGER_EVENTFD, INTX, 0, 0, 0, -EINVAL },
		{ FX_TRIGGER_EVENTFD, REQ, 0, 0, 0, -EINVAL },
		{ FX_TRIGGER_EVENTFD, MSIX, 0, 0, 0, -ERANGE },
		{ FX_TRIGGER_BOOL, ERR, 0, 0, 0, -EINVAL },
	};
	int32_t fds[8] = { -1, -1, -1, -1, -1, -1, -1, -1 };
	struct vfio_irq_set set = { .argsz = 19 };

	for (unsigned int i = 0; i < ARRAY_SIZE(table); i++) {
		long rc = fx_set_irqs(fx, dev, table[i].flags, table[i].index,
				      table[i].start, table[i].count, fds,
				      table[i].size);

		if (rc != table[i].rc)
			fail_msg("row %u: %ld", i, rc);
	}
	assert_int_equal(fx_ioctl(fx, dev, VFIO_DEVICE_SET_IRQS, &set),
			 -EINVAL);
	assert_int_equal(fx_ioctl_val(fx, dev, VFIO_DEVICE_SET_IRQS,
				      FX_BAD_PTR),
			 -EFAULT);
}

static void msix_delivers_through_the_domain(void **state)
{
	int32_t fds[3] = { fx_eventfd(), fx_eventfd(), fx_eventfd() };
	struct fake_pci *pci = &fx->pci[0];
	uint64_t addr;

	memset(pci->bar[0] + FAKE_MSIX_TABLE, 0xff, 12);
	assert_int_equal(trigger(MSIX, 0, 3, fds), 0);
	assert_int_equal(fake_pci_cfg(pci, FAKE_MSIX + 2, 2) & 0xc000, 0x8000);
	/* The device writes to the window, not to the doorbell itself. */
	memcpy(&addr, pci->bar[0] + FAKE_MSIX_TABLE, 8);
	assert_int_equal(addr, FX_WINDOW + 0x40);
	for (unsigned int i = 0; i < 3; i++) {
		assert_true(fake_pci_send_msix(pci, i));
		for (unsigned int k = 0; k < 3; k++)
			assert_int_equal(fx_events(fds[k]), k == i);
	}
	assert_false(fake_pci_send_msix(pci, 3));
	/* No bus mastering, no interrupt. */
	fx_cfg_write(fx, dev, 4, 2, 2);
	assert_false(fake_pci_send_msix(pci, 0));
	fx_cfg_write(fx, dev, 4, 2, 6);

	assert_int_equal(off(MSIX), 0);
	assert_false(fake_pci_send_msix(pci, 0));
	assert_int_equal(fake_pci_cfg(pci, FAKE_MSIX + 2, 2) & 0x8000, 0);
	assert_int_equal(off(MSIX), -EINVAL);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(fx_events(fds[i]), 0);
		close(fds[i]);
	}
}

static void loop_back(void **state)
{
	int32_t fds[4] = { fx_eventfd(), -1, fx_eventfd(), fx_eventfd() };
	uint8_t bools[4] = { 1, 1, 0, 2 };

	assert_int_equal(trigger(MSIX, 0, 4, fds), 0);
	assert_int_equal(fx_events(fds[0]), 0);
	assert_int_equal(loop(MSIX, 0, 4), 0);
	assert_int_equal(fx_events(fds[0]), 1);
	assert_int_equal(fx_events(fds[2]), 1);
	assert_int_equal(fx_events(fds[3]), 1);
	assert_int_equal(
		fx_set_irqs(fx, dev, FX_TRIGGER_BOOL, MSIX, 0, 4, bools, 4), 0);
	assert_int_equal(fx_events(fds[0]), 1);
	assert_int_equal(fx_events(fds[2]), 0);
	assert_int_equal(fx_events(fds[3]), 1);
	/* Start and count that wrap. */
	assert_int_equal(loop(MSIX, 1, UINT32_MAX), -EINVAL);
	assert_int_equal(loop(MSIX, 1, UINT32_MAX - 1), -EINVAL);
	/* Vectors that were never set up are skipped. */
	assert_int_equal(loop(MSIX, 0, 8), 0);
	assert_int_equal(fx_events(fds[0]), 1);
	close(fds[0]);
	close(fds[2]);
	close(fds[3]);
}

static void types_exclude_each_other(void **state)
{
	int32_t efd = fx_eventfd();
	const uint32_t types[] = { INTX, MSI, MSIX };

	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(trigger(types[i], 0, 1, &efd), 0);
		for (unsigned int k = 0; k < 3; k++)
			if (k != i) {
				assert_int_equal(trigger(types[k], 0, 1, &efd),
						 -EINVAL);
				assert_int_equal(off(types[k]), -EINVAL);
				assert_int_equal(loop(types[k], 0, 1), -EINVAL);
			}
		assert_int_equal(off(types[i]), 0);
	}
	close(efd);
}

static void eventfds_that_are_none(void **state)
{
	int32_t fds[3] = { fx_eventfd(), 99999, fx_eventfd() };
	int null = open("/dev/null", O_RDWR);

	/* The first call enabled the type, so a failure disables it. */
	assert_int_equal(trigger(MSIX, 0, 3, fds), -EBADF);
	assert_int_equal(off(MSIX), -EINVAL);
	fds[1] = null;
	assert_int_equal(trigger(MSIX, 0, 3, fds), -EINVAL);
	assert_int_equal(trigger(MSI, 0, 2, fds), -EINVAL);
	assert_int_equal(trigger(INTX, 0, 1, &fds[1]), -EINVAL);
	assert_int_equal(trigger(REQ, 0, 1, &fds[1]), -EINVAL);
	assert_int_equal(off(MSI), -EINVAL);
	assert_int_equal(off(INTX), -EINVAL);
	/* A later failure unassigns its block only. */
	assert_int_equal(trigger(MSIX, 2, 1, &fds[2]), 0);
	assert_int_equal(trigger(MSIX, 0, 2, fds), -EINVAL);
	assert_int_equal(loop(MSIX, 0, 3), 0);
	assert_int_equal(fx_events(fds[0]), 0);
	assert_int_equal(fx_events(fds[2]), 1);
	assert_int_equal(off(MSIX), 0);
	close(fds[0]);
	close(fds[2]);
	close(null);
}

static void vectors_come_and_go(void **state)
{
	int32_t efd = fx_eventfd(), other = fx_eventfd(), none = -1;
	struct fake_pci *pci = &fx->pci[0];

	/* As a DSA driver does: the first call names vector 1 only. */
	assert_int_equal(trigger(MSIX, 1, 1, &efd), 0);
	assert_false(fake_pci_send_msix(pci, 0));
	assert_true(fake_pci_send_msix(pci, 1));
	assert_int_equal(fx_events(efd), 1);
	/* Beyond the first allocation: MSI-X grows. */
	assert_int_equal(trigger(MSIX, 6, 1, &other), 0);
	assert_true(fake_pci_send_msix(pci, 6));
	assert_int_equal(fx_events(other), 1);
	/* Change of eventfd, then none. */
	assert_int_equal(trigger(MSIX, 1, 1, &other), 0);
	assert_true(fake_pci_send_msix(pci, 1));
	assert_int_equal(fx_events(efd), 0);
	assert_int_equal(fx_events(other), 1);
	assert_int_equal(trigger(MSIX, 1, 1, &none), 0);
	assert_false(fake_pci_send_msix(pci, 1));
	assert_true(fake_pci_send_msix(pci, 6));
	assert_int_equal(fx_events(other), 1);
	assert_int_equal(off(MSIX), 0);
	close(efd);
	close(other);
}

static void msi_block(void **state)
{
	int32_t fds[3] = { fx_eventfd(), fx_eventfd(), fx_eventfd() };
	struct fake_pci *pci = &fx->pci[0];

	/* Three are wanted: four are allocated, and written as such. */
	assert_int_equal(trigger(MSI, 0, 3, fds), 0);
	assert_int_equal(FIELD_GET(0x70, fake_pci_cfg(pci, FAKE_MSI + 2, 2)),
			 2);
	for (unsigned int i = 0; i < 3; i++) {
		assert_true(fake_pci_send_msi(pci, i));
		assert_int_equal(fx_events(fds[i]), 1);
	}
	/* The fourth has no eventfd and is masked; it may get one. */
	assert_false(fake_pci_send_msi(pci, 3));
	assert_int_equal(trigger(MSI, 3, 1, fds), 0);
	assert_true(fake_pci_send_msi(pci, 3));
	assert_int_equal(fx_events(fds[0]), 1);
	assert_int_equal(off(MSI), 0);
	assert_false(fake_pci_send_msi(pci, 0));

	/* MSI does not grow. */
	assert_int_equal(trigger(MSI, 0, 1, fds), 0);
	assert_int_equal(trigger(MSI, 1, 1, fds), -EINVAL);
	assert_true(fake_pci_send_msi(pci, 0));
	assert_int_equal(off(MSI), 0);
	for (unsigned int i = 0; i < 3; i++)
		close(fds[i]);
}

/* Messages of one capability are aligned, whatever else is in use. */
static void msi_block_is_aligned(void **state)
{
	int32_t fds[4] = { fx_eventfd(), fx_eventfd(), fx_eventfd(),
			   fx_eventfd() };
	struct fake_pci *pci = &fx->pci[0];

	fx->gap = 0;
	assert_int_equal(trigger(MSI, 0, 4, fds), 0);
	assert_int_equal(fake_pci_cfg(pci, FAKE_MSI + 12, 2), FX_MSI_DATA + 4);
	for (unsigned int i = 0; i < 4; i++) {
		assert_true(fake_pci_send_msi(pci, i));
		assert_int_equal(fx_events(fds[i]), 1);
		close(fds[i]);
	}
	for (unsigned int i = 0; i < FX_VECTORS; i++)
		assert_int_equal(fx->vec[i].used, i >= 4 && i < 8);
	assert_int_equal(off(MSI), 0);
}

/* COMMAND of the last client does not keep the next one's pin quiet. */
static void intx_of_the_next_client(void **state)
{
	int32_t efd = fx_eventfd();

	fx_cfg_write(fx, dev, 4, 2, 0x406);
	fx_close(fx, dev);
	dev = (int)fx_ioctl(fx, legacy.group, VFIO_GROUP_GET_DEVICE_FD,
			    fx->bdf[0]);
	legacy.device = dev;
	assert_int_equal(trigger(INTX, 0, 1, &efd), 0);
	assert_int_equal(fake_pci_cfg(&fx->pci[0], 4, 2) & 0x400, 0);
	uiommu_vdev_intx(fx->pci[0].vdev, true);
	assert_int_equal(fx_events(efd), 1);
	uiommu_vdev_intx(fx->pci[0].vdev, false);
	close(efd);
}

/* Every allocation may fail; then nothing is enabled and nothing held. */
static void vectors_without_memory(void **state)
{
	int32_t fds[3] = { fx_eventfd(), fx_eventfd(), fx_eventfd() };
	uint64_t n = 0;
	long rc;

	do {
		test_platform_fail_nth(&fx->tp, ++n);
		rc = trigger(MSIX, 0, 3, fds);
		if (rc) {
			assert_int_equal(rc, -ENOMEM);
			for (unsigned int i = 0; i < FX_VECTORS; i++)
				assert_false(fx->vec[i].used);
			assert_int_equal(off(MSIX), -EINVAL);
		}
		assert_true(n < 50);
	} while (rc);
	test_platform_fail_nth(&fx->tp, 0);
	assert_true(n > 2);
	assert_int_equal(off(MSIX), 0);
	for (unsigned int i = 0; i < 3; i++)
		close(fds[i]);
}

static void fewer_than_wanted(void **state)
{
	int32_t fds[8];

	for (unsigned int i = 0; i < 8; i++)
		fds[i] = fx_eventfd();
	fx->max_vec = 3;
	assert_int_equal(trigger(MSIX, 0, 8, fds), 3);
	assert_int_equal(off(MSIX), -EINVAL);
	assert_int_equal(trigger(MSI, 0, 4, fds), 2);
	assert_int_equal(trigger(MSI, 0, 2, fds), 0);
	assert_int_equal(off(MSI), 0);
	/* Not in one piece: one vector can always be had. */
	fx->max_vec = FX_VECTORS;
	fx->gap = 1;
	assert_int_equal(trigger(MSI, 0, 4, fds), 1);
	assert_int_equal(trigger(MSI, 0, 1, fds), 0);
	assert_int_equal(off(MSI), 0);
	fx->max_vec = 0;
	assert_int_equal(trigger(MSIX, 0, 1, fds), -ENOSPC);
	for (unsigned int i = 0; i < 8; i++)
		close(fds[i]);
}

static void reset_keeps_interrupts(void **state)
{
	int32_t efd = fx_eventfd();
	struct fake_pci *pci = &fx->pci[0];

	assert_int_equal(trigger(MSIX, 0, 1, &efd), 0);
	assert_int_equal(fx_ioctl_val(fx, dev, VFIO_DEVICE_RESET, 0), 0);
	assert_true(fake_pci_send_msix(pci, 0));
	assert_int_equal(fx_events(efd), 1);
	assert_int_equal(off(MSIX), 0);
	assert_int_equal(trigger(MSI, 0, 1, &efd), 0);
	assert_int_equal(fx_ioctl_val(fx, dev, VFIO_DEVICE_RESET, 0), 0);
	assert_true(fake_pci_send_msi(pci, 0));
	assert_int_equal(fx_events(efd), 1);
	close(efd);
}

static void memory_decoding_off_meanwhile(void **state)
{
	int32_t efd = fx_eventfd();

	fx_cfg_write(fx, dev, 4, 2, 0);
	assert_int_equal(trigger(MSIX, 0, 1, &efd), 0);
	assert_int_equal(fx_cfg_read(fx, dev, 4, 2), 0);
	fx_cfg_write(fx, dev, 4, 2, 4);
	assert_true(fake_pci_send_msix(&fx->pci[0], 0));
	assert_int_equal(fx_events(efd), 1);
	close(efd);
}

/* Ours is a descriptor of its own. */
static void client_closes_its_eventfd(void **state)
{
	int32_t efd = fx_eventfd();
	int copy = dup(efd);

	assert_int_equal(trigger(MSIX, 0, 1, &efd), 0);
	close(efd);
	assert_true(fake_pci_send_msix(&fx->pci[0], 0));
	assert_int_equal(fx_events(copy), 1);
	close(copy);
}

/* A full counter does not stop the device. */
static void eventfd_is_full(void **state)
{
	uint64_t full = UINT64_MAX - 1;
	int32_t efd = eventfd(0, 0);

	assert_int_equal(trigger(MSIX, 0, 1, &efd), 0);
	assert_int_equal(write(efd, &full, 8), 8);
	assert_true(fake_pci_send_msix(&fx->pci[0], 0));
	assert_int_equal(read(efd, &full, 8), 8);
	assert_int_equal(full, UINT64_MAX - 1);
	close(efd);
}

static void intx_is_level(void **state)
{
	int32_t efd = fx_eventfd(), none = -1;
	struct uiommu_vdev *vdev = fx->pci[0].vdev;

	uiommu_vdev_intx(vdev, true);
	uiommu_vdev_intx(vdev, false);
	assert_int_equal(trigger(INTX, 0, 1, &efd), 0);
	assert_int_equal(fx_events(efd), 0);
	uiommu_vdev_intx(vdev, true);
	assert_int_equal(fx_events(efd), 1);
	/* Masked by itself. */
	uiommu_vdev_intx(vdev, false);
	uiommu_vdev_intx(vdev, true);
	assert_int_equal(fx_events(efd), 0);
	/* Still up: again. */
	assert_int_equal(fx_set_irqs(fx, dev, UNMASK_NONE, INTX, 0, 1, NULL, 0),
			 0);
	assert_int_equal(fx_events(efd), 1);
	uiommu_vdev_intx(vdev, false);
	assert_int_equal(fx_set_irqs(fx, dev, UNMASK_NONE, INTX, 0, 1, NULL, 0),
			 0);
	assert_int_equal(fx_events(efd), 0);
	/* Masked by the client. */
	assert_int_equal(fx_set_irqs(fx, dev, MASK_NONE, INTX, 0, 1, NULL, 0),
			 0);
	uiommu_vdev_intx(vdev, true);
	assert_int_equal(fx_events(efd), 0);
	assert_int_equal(fx_set_irqs(fx, dev, UNMASK_NONE, INTX, 0, 1, NULL, 0),
			 0);
	assert_int_equal(fx_events(efd), 1);
	uiommu_vdev_intx(vdev, false);
	/* Off in COMMAND. */
	fx_set_irqs(fx, dev, UNMASK_NONE, INTX, 0, 1, NULL, 0);
	fx_cfg_write(fx, dev, 4, 2, 0x406);
	uiommu_vdev_intx(vdev, true);
	assert_int_equal(fx_events(efd), 0);
	fx_cfg_write(fx, dev, 4, 2, 6);
	assert_int_equal(fx_events(efd), 1);
	/* Looped back, no eventfd, ranges. */
	assert_int_equal(loop(INTX, 0, 1), 0);
	assert_int_equal(fx_events(efd), 1);
	assert_int_equal(trigger(INTX, 0, 1, &none), 0);
	assert_int_equal(loop(INTX, 0, 1), 0);
	assert_int_equal(fx_events(efd), 0);
	assert_int_equal(fx_set_irqs(fx, dev,
				     VFIO_IRQ_SET_DATA_EVENTFD |
					     VFIO_IRQ_SET_ACTION_UNMASK,
				     INTX, 0, 1, &efd, 4),
			 -ENOTTY);
	assert_int_equal(off(INTX), 0);
	uiommu_vdev_intx(vdev, false);
	close(efd);
}

static void intx_changes_its_eventfd(void **state)
{
	int32_t efd = fx_eventfd(), other = fx_eventfd(), none = -1, bad = 9999;
	struct uiommu_vdev *vdev = fx->pci[0].vdev;

	/* Up before anybody listens: told at once, then masked. */
	uiommu_vdev_intx(vdev, true);
	assert_int_equal(trigger(INTX, 0, 1, &none), 0);
	assert_int_equal(trigger(INTX, 0, 1, &efd), 0);
	assert_int_equal(fx_events(efd), 1);
	/* Another listener does not unmask. */
	assert_int_equal(trigger(INTX, 0, 1, &other), 0);
	assert_int_equal(fx_events(other), 0);
	assert_int_equal(fx_set_irqs(fx, dev, UNMASK_NONE, INTX, 0, 1, NULL, 0),
			 0);
	assert_int_equal(fx_events(other), 1);
	assert_int_equal(fx_events(efd), 0);
	/* A bad one leaves none, but INTx on. */
	assert_int_equal(trigger(INTX, 0, 1, &bad), -EBADF);
	assert_int_equal(loop(INTX, 0, 1), 0);
	assert_int_equal(fx_events(other), 0);
	assert_int_equal(off(INTX), 0);
	uiommu_vdev_intx(vdev, false);
	close(efd);
	close(other);
}

static void err_and_req(void **state)
{
	int32_t efd = fx_eventfd(), none = -1, less = -2;
	uint8_t yes = 1, no = 0;

	for (uint32_t index = ERR; index <= REQ; index++) {
		assert_int_equal(trigger(index, 0, 1, &efd), 0);
		assert_int_equal(loop(index, 0, 1), 0);
		assert_int_equal(fx_events(efd), 1);
		assert_int_equal(fx_set_irqs(fx, dev, FX_TRIGGER_BOOL, index, 0,
					     1, &yes, 1),
				 0);
		assert_int_equal(fx_events(efd), 1);
		assert_int_equal(fx_set_irqs(fx, dev, FX_TRIGGER_BOOL, index, 0,
					     1, &no, 1),
				 0);
		assert_int_equal(fx_events(efd), 0);
		assert_int_equal(trigger(index, 0, 1, &less), -EINVAL);
		assert_int_equal(off(index), 0);
		assert_int_equal(off(index), -EINVAL);
		assert_int_equal(trigger(index, 0, 1, &efd), 0);
		assert_int_equal(trigger(index, 0, 1, &none), 0);
		assert_int_equal(loop(index, 0, 1), -EINVAL);
	}
	close(efd);
}

static void closing_ends_all(void **state)
{
	int32_t fds[2] = { fx_eventfd(), fx_eventfd() };

	assert_int_equal(trigger(MSIX, 0, 2, fds), 0);
	assert_int_equal(trigger(REQ, 0, 1, fds), 0);
	fx_close(fx, dev);
	assert_false(fx->vec[0].used);
	assert_int_equal(fake_pci_cfg(&fx->pci[0], FAKE_MSIX + 2, 2) & 0x8000,
			 0);
	legacy.device = (int)fx_ioctl(fx, legacy.group,
				      VFIO_GROUP_GET_DEVICE_FD, fx->bdf[0]);
	dev = legacy.device;
	assert_int_equal(loop(REQ, 0, 1), -EINVAL);
	assert_int_equal(off(MSIX), -EINVAL);
	close(fds[0]);
	close(fds[1]);
}

/* cdev: vectors before, between and across domains. */
static void vectors_before_a_domain(void **state)
{
	struct vfio_device_attach_iommufd_pt pt = { .argsz = sizeof(pt) };
	struct vfio_device_detach_iommufd_pt un = { .argsz = sizeof(un) };
	struct iommu_ioas_alloc ioas = { .size = sizeof(ioas) };
	struct fake_pci *pci = &fx->pci[1];
	int32_t efd = fx_eventfd();
	struct fx_cdev cdev;

	fx_cdev_open(fx, &cdev, 1, false);
	fx_cfg_write(fx, cdev.device, 4, 2, 6);
	assert_int_equal(fx_set_irqs(fx, cdev.device, FX_TRIGGER_EVENTFD, MSIX,
				     0, 1, &efd, 4),
			 0);
	assert_false(fake_pci_send_msix(pci, 0));
	pt.pt_id = cdev.ioas;
	assert_int_equal(fx_ioctl(fx, cdev.device,
				  VFIO_DEVICE_ATTACH_IOMMUFD_PT, &pt),
			 0);
	assert_true(fake_pci_send_msix(pci, 0));
	assert_int_equal(fx_events(efd), 1);
	assert_int_equal(fx_ioctl(fx, cdev.iommufd, IOMMU_IOAS_ALLOC, &ioas),
			 0);
	pt.pt_id = ioas.out_ioas_id;
	assert_int_equal(fx_ioctl(fx, cdev.device,
				  VFIO_DEVICE_ATTACH_IOMMUFD_PT, &pt),
			 0);
	assert_true(fake_pci_send_msix(pci, 0));
	assert_int_equal(fx_ioctl(fx, cdev.device,
				  VFIO_DEVICE_DETACH_IOMMUFD_PT, &un),
			 0);
	assert_false(fake_pci_send_msix(pci, 0));
	pt.pt_id = cdev.ioas;
	assert_int_equal(fx_ioctl(fx, cdev.device,
				  VFIO_DEVICE_ATTACH_IOMMUFD_PT, &pt),
			 0);
	assert_true(fake_pci_send_msix(pci, 0));
	assert_int_equal(fx_events(efd), 2);
	fx_cdev_close(fx, &cdev);
	close(efd);
}

/* The window's first page is another doorbell's: attaching moves the vector. */
static void doorbell_is_not_the_first(void **state)
{
	struct vfio_device_attach_iommufd_pt pt = { .argsz = sizeof(pt) };
	struct fake_pci *pci = &fx->pci[1];
	int32_t efd = fx_eventfd();
	struct fx_cdev cdev;
	uint64_t addr, iova;

	assert_int_equal(
		uiommu_group_msi_map(uiommu_device_group(fx->pci[0].dev),
				     FX_DOORBELL + 0x5000, &iova),
		0);
	fx_cdev_open(fx, &cdev, 1, false);
	fx_cfg_write(fx, cdev.device, 4, 2, 6);
	assert_int_equal(fx_set_irqs(fx, cdev.device, FX_TRIGGER_EVENTFD, MSIX,
				     2, 1, &efd, 4),
			 0);
	pt.pt_id = cdev.ioas;
	assert_int_equal(fx_ioctl(fx, cdev.device,
				  VFIO_DEVICE_ATTACH_IOMMUFD_PT, &pt),
			 0);
	memcpy(&addr, pci->bar[0] + FAKE_MSIX_TABLE + 32, 8);
	assert_int_equal(addr, FX_WINDOW + 0x1040);
	assert_true(fake_pci_send_msix(pci, 2));
	assert_int_equal(fx_events(efd), 1);
	fx_cdev_close(fx, &cdev);
	close(efd);
}

/* Interrupts that no IOMMU translates go to the doorbell itself. */
static void untranslated(void **state)
{
	struct fake_pci *pci = &fx->pci[4];
	int32_t efd = fx_eventfd();
	struct fx_cdev cdev;
	uint64_t addr;

	fx_cdev_open(fx, &cdev, 4, false);
	fx_cfg_write(fx, cdev.device, 4, 2, 6);
	assert_int_equal(fx_set_irqs(fx, cdev.device, FX_TRIGGER_EVENTFD, MSIX,
				     0, 1, &efd, 4),
			 0);
	memcpy(&addr, pci->bar[0] + FAKE_MSIX_TABLE, 8);
	assert_int_equal(addr, FX_DOORBELL + 0x40);
	assert_true(fake_pci_send_msix(pci, 0));
	assert_int_equal(fx_events(efd), 1);
	fx_cdev_close(fx, &cdev);
	close(efd);
}

/* A doorbell that half of the device's capabilities cannot name. */
static void out_of_reach(void **state)
{
	struct fake_pci *pci = &fx->pci[4];
	int32_t efd = fx_eventfd();
	struct fx_cdev cdev;
	uint64_t addr;

	fx_cdev_open(fx, &cdev, 4, false);
	fx_cfg_write(fx, cdev.device, 4, 2, 6);
	fx->doorbell = FX_DOORBELL + (UINT64_C(1) << 32);
	assert_int_equal(fx_set_irqs(fx, cdev.device, FX_TRIGGER_EVENTFD, MSI,
				     0, 1, &efd, 4),
			 -EIO);
	assert_int_equal(fake_pci_cfg(pci, FAKE_MSI + 2, 2) & 1, 0);
	assert_int_equal(fake_pci_cfg(pci, FAKE_MSI + 4, 4), 0);
	assert_int_equal(fx_set_irqs(fx, cdev.device, FX_TRIGGER_EVENTFD, MSIX,
				     0, 1, &efd, 4),
			 0);
	memcpy(&addr, pci->bar[0] + FAKE_MSIX_TABLE, 8);
	assert_int_equal(addr, fx->doorbell + 0x40);
	assert_true(fake_pci_send_msix(pci, 0));
	assert_int_equal(fx_events(efd), 1);
	assert_int_equal(fx_set_irqs(fx, cdev.device, FX_TRIGGER_NONE, MSIX, 0,
				     0, NULL, 0),
			 0);
	fx->doorbell = FX_DOORBELL;
	assert_int_equal(fx_set_irqs(fx, cdev.device, FX_TRIGGER_EVENTFD, MSI,
				     0, 1, &efd, 4),
			 0);
	assert_int_equal(fake_pci_cfg(pci, FAKE_MSI + 2, 2) & 1, 1);
	assert_int_equal(fake_pci_cfg(pci, FAKE_MSI + 4, 4),
			 FX_DOORBELL + 0x40);
	assert_int_equal(fake_pci_cfg(pci, FAKE_MSI + 8, 2), FX_MSI_DATA);
	fx_cdev_close(fx, &cdev);
	close(efd);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(info),
		T(refused),
		T(msix_delivers_through_the_domain),
		T(loop_back),
		T(types_exclude_each_other),
		T(eventfds_that_are_none),
		T(vectors_come_and_go),
		T(msi_block),
		T(msi_block_is_aligned),
		T(intx_of_the_next_client),
		T(vectors_without_memory),
		T(fewer_than_wanted),
		T(reset_keeps_interrupts),
		T(memory_decoding_off_meanwhile),
		T(client_closes_its_eventfd),
		T(eventfd_is_full),
		T(intx_is_level),
		T(intx_changes_its_eventfd),
		T(err_and_req),
		T(closing_ends_all),
		T(vectors_before_a_domain),
		T(doorbell_is_not_the_first),
		T(untranslated),
		T(out_of_reach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
