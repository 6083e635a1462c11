/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_pci.h - a PCI function that a test drives by hand: registers are plain
 * words, interrupts are sent when the test says so.
 *
 * BAR 0: 16 KiB, 64 bit, mappable, with the MSI-X table at 0x2000; BAR 2: 4
 * KiB, not mappable; BAR 3: IO, 32 bytes; BAR 4: 256 bytes, mappable.
 * Capabilities: power management 0x40, MSI (4 vectors, 64 bit, maskable) 0x50,
 * one that no standard names (0x6c) 0x70, PCI Express 0x80, MSI-X (8) 0xc0;
 * extended: AER 0x100, PASID 0x140, ATS 0x150; 0x180 is a word of the device's
 * own that is cleared by writing ones.
 */
#ifndef TESTS_ABI_VFIO_FAKE_PCI_H
#define TESTS_ABI_VFIO_FAKE_PCI_H

#include <pthread.h>

#include <uiommu/abi.h>

#define FAKE_BAR0_SIZE 0x4000u
#define FAKE_MSIX_TABLE 0x2000u
#define FAKE_NR_MSIX 8u
#define FAKE_NR_MSI 4u
#define FAKE_PM 0x40u
#define FAKE_MSI 0x50u
#define FAKE_ODD 0x70u
#define FAKE_EXP 0x80u
#define FAKE_MSIX 0xc0u

struct fake_pci {
	pthread_mutex_t lock; /* protects all; innermost */
	uint8_t cfg[4096];
	uint8_t cfg_mask[4096]; /* writable bits */
	uint8_t cfg_w1c[4096];	/* cleared by ones */
	uint8_t bar[6][FAKE_BAR0_SIZE];
	unsigned int resets;
	uint32_t command_at_reset;
	int reset_rc;				/* what reset answers */
	void (*in_reset)(struct fake_pci *pci); /* NULL: nothing */

	/* The device's writes to memory: false: aborted. */
	bool (*dma_write)(void *ctx, struct fake_pci *pci, uint64_t addr,
			  uint32_t data);
	void *ctx;
	struct uiommu_device *dev;
	struct uiommu_vdev *vdev;
};

extern const struct uiommu_vdev_ops fake_pci_ops;
/* The same without reset. */
extern const struct uiommu_vdev_ops fake_pci_ops_no_reset;

void fake_pci_init(struct fake_pci *pci, uint16_t device_id);
/* Before anybody looks: its MSI capability has addresses of 32 bits. */
void fake_pci_narrow_msi(struct fake_pci *pci);
void fake_pci_bars(struct uiommu_vdev_bar bar[6], uiommu_pa_t base);

/* What the device does; false: not enabled, masked or aborted. */
bool fake_pci_send_msix(struct fake_pci *pci, unsigned int vec);
bool fake_pci_send_msi(struct fake_pci *pci, unsigned int vec);

uint32_t fake_pci_cfg(struct fake_pci *pci, unsigned int off,
		      unsigned int size);

#endif /* TESTS_ABI_VFIO_FAKE_PCI_H */
