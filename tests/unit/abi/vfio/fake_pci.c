/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_pci.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"

static uint64_t get(const uint8_t *p, unsigned int size)
{
	uint64_t val = 0;

	memcpy(&val, p, size);
	return val;
}

static void put(uint8_t *p, unsigned int size, uint64_t val)
{
	memcpy(p, &val, size);
}

/* ------------------------------------------------------------- set-up --- */

static void reg(struct fake_pci *pci, unsigned int off, unsigned int size,
		uint32_t val, uint32_t mask)
{
	put(pci->cfg + off, size, val);
	put(pci->cfg_mask + off, size, mask);
}

static void init_header(struct fake_pci *pci, uint16_t device_id)
{
	reg(pci, 0x00, 4, 0x1234u | (uint32_t)device_id << 16, 0);
	reg(pci, 0x04, 2, 0, 0x0507);
	reg(pci, 0x06, 2, 0x0010, 0);
	put(pci->cfg_w1c + 0x06, 2, 0xf900);
	reg(pci, 0x08, 4, 0x08800003, 0);
	reg(pci, 0x0c, 4, 0, 0xff);
	reg(pci, 0x10, 4, 0xc, ~(FAKE_BAR0_SIZE - 1));
	reg(pci, 0x14, 4, 0, ~0u);
	reg(pci, 0x18, 4, 0, ~0xfffu);
	reg(pci, 0x1c, 4, 1, ~31u);
	reg(pci, 0x20, 4, 0, ~0xffu);
	reg(pci, 0x2c, 4, 0x00011af4, 0);
	reg(pci, 0x34, 1, FAKE_PM, 0);
	reg(pci, 0x3c, 2, 0x010b, 0xff);
}

void fake_pci_narrow_msi(struct fake_pci *pci)
{
	reg(pci, FAKE_MSI, 4, 0x01040005 | FAKE_ODD << 8, 0x00710000);
	reg(pci, FAKE_MSI + 8, 4, 0, 0xffff);
	reg(pci, FAKE_MSI + 12, 4, 0, 0xf);
	reg(pci, FAKE_MSI + 16, 4, 0, 0);
}

static void init_caps(struct fake_pci *pci)
{
	reg(pci, FAKE_PM, 4, 0x00030001 | FAKE_MSI << 8, 0);
	reg(pci, FAKE_PM + 4, 4, 0x0008, 0x0103);
	reg(pci, FAKE_MSI, 4, 0x01840005 | FAKE_ODD << 8, 0x00710000);
	reg(pci, FAKE_MSI + 4, 4, 0, ~3u);
	reg(pci, FAKE_MSI + 8, 4, 0, ~0u);
	reg(pci, FAKE_MSI + 12, 4, 0, 0xffff);
	reg(pci, FAKE_MSI + 16, 4, 0, 0xf);
	reg(pci, FAKE_ODD, 4, 0x0000006c | FAKE_EXP << 8, 0);
	reg(pci, FAKE_EXP, 4, 0x00020010 | FAKE_MSIX << 8, 0);
	reg(pci, FAKE_EXP + 4, 4, 0x10008002, 0);
	reg(pci, FAKE_EXP + 8, 2, 0x2810, 0x7fff);
	reg(pci, FAKE_EXP + 0x28, 2, 0, 0x001f);
	reg(pci, FAKE_MSIX, 4, 0x00000011 | (FAKE_NR_MSIX - 1) << 16,
	    0xc0000000);
	reg(pci, FAKE_MSIX + 4, 4, FAKE_MSIX_TABLE, 0);
	reg(pci, FAKE_MSIX + 8, 4, 0x3000, 0);

	reg(pci, 0x100, 4, 0x14010001, 0);
	put(pci->cfg_w1c + 0x104, 4, ~0u);
	reg(pci, 0x108, 4, 0, ~0u);
	reg(pci, 0x140, 4, 0x1501001b, 0);
	reg(pci, 0x144, 4, 0x00001406, 0x00070000);
	reg(pci, 0x150, 4, 0x0001000f, 0);
	reg(pci, 0x154, 4, 0x00000020, 0x801f0000);
	put(pci->cfg_w1c + 0x180, 4, ~0u);
}

void fake_pci_init(struct fake_pci *pci, uint16_t device_id)
{
	memset(pci, 0, sizeof(*pci));
	pthread_mutex_init(&pci->lock, NULL);
	init_header(pci, device_id);
	init_caps(pci);
	for (unsigned int i = 0; i < FAKE_NR_MSIX; i++)
		put(pci->bar[0] + FAKE_MSIX_TABLE + 16 * i + 12, 4, 1);
}

void fake_pci_bars(struct uiommu_vdev_bar bar[6], uiommu_pa_t base)
{
	memset(bar, 0, 6 * sizeof(bar[0]));
	bar[0] = (struct uiommu_vdev_bar){ FAKE_BAR0_SIZE, UIOMMU_BAR_MMAP,
					   base };
	bar[2] = (struct uiommu_vdev_bar){ 0x1000, 0, base + 0x10000 };
	bar[3] = (struct uiommu_vdev_bar){ 32, UIOMMU_BAR_IO, 0xc000 };
	bar[4] = (struct uiommu_vdev_bar){ 256, UIOMMU_BAR_MMAP,
					   base + 0x20000 };
}

/* ---------------------------------------------------------- accesses ---- */

/* What the ABI promises its devices. */
static void check_access(uint64_t off, unsigned int size, uint64_t limit)
{
	if (!is_pow2(size) || size > 8 || (off & (size - 1)) ||
	    off + size > limit)
		abort();
}

static int bar_read(void *ctx, unsigned int bar, uint64_t off,
		    unsigned int size, uint64_t *val)
{
	struct fake_pci *pci = ctx;

	check_access(off, size, FAKE_BAR0_SIZE);
	pthread_mutex_lock(&pci->lock);
	*val = get(pci->bar[bar] + off, size);
	pthread_mutex_unlock(&pci->lock);
	return 0;
}

static int bar_write(void *ctx, unsigned int bar, uint64_t off,
		     unsigned int size, uint64_t val)
{
	struct fake_pci *pci = ctx;

	check_access(off, size, FAKE_BAR0_SIZE);
	pthread_mutex_lock(&pci->lock);
	put(pci->bar[bar] + off, size, val);
	pthread_mutex_unlock(&pci->lock);
	return 0;
}

static uint32_t config_read(void *ctx, unsigned int off, unsigned int size)
{
	struct fake_pci *pci = ctx;
	uint32_t val;

	check_access(off, size > 4 ? 3 : size, sizeof(pci->cfg));
	pthread_mutex_lock(&pci->lock);
	val = (uint32_t)get(pci->cfg + off, size);
	pthread_mutex_unlock(&pci->lock);
	return val;
}

static void config_write(void *ctx, unsigned int off, unsigned int size,
			 uint32_t val)
{
	struct fake_pci *pci = ctx;

	check_access(off, size > 4 ? 3 : size, sizeof(pci->cfg));
	pthread_mutex_lock(&pci->lock);
	for (unsigned int i = 0; i < size; i++) {
		uint8_t byte = (uint8_t)(val >> (8 * i));
		uint8_t mask = pci->cfg_mask[off + i];
		uint8_t *at = &pci->cfg[off + i];

		*at = (uint8_t)((*at & ~mask) | (byte & mask));
		*at &= (uint8_t) ~(byte & pci->cfg_w1c[off + i]);
	}
	pthread_mutex_unlock(&pci->lock);
}

/* A reset forgets everything that can be written. */
static int reset(void *ctx)
{
	struct fake_pci *pci = ctx;
	int rc;

	pthread_mutex_lock(&pci->lock);
	rc = pci->reset_rc;
	if (!rc) {
		pci->resets++;
		pci->command_at_reset = (uint32_t)get(pci->cfg + 4, 2);
		for (unsigned int i = 0; i < sizeof(pci->cfg); i++)
			pci->cfg[i] &= (uint8_t)~pci->cfg_mask[i];
		memset(pci->bar[0], 0, sizeof(pci->bar[0]));
		for (unsigned int i = 0; i < FAKE_NR_MSIX; i++)
			put(pci->bar[0] + FAKE_MSIX_TABLE + 16 * i + 12, 4, 1);
	}
	pthread_mutex_unlock(&pci->lock);
	if (pci->in_reset)
		pci->in_reset(pci);
	return rc;
}

const struct uiommu_vdev_ops fake_pci_ops = {
	.bar_read = bar_read,
	.bar_write = bar_write,
	.config_read = config_read,
	.config_write = config_write,
	.reset = reset,
};

const struct uiommu_vdev_ops fake_pci_ops_no_reset = {
	.bar_read = bar_read,
	.bar_write = bar_write,
	.config_read = config_read,
	.config_write = config_write,
};

uint32_t fake_pci_cfg(struct fake_pci *pci, unsigned int off, unsigned int size)
{
	return config_read(pci, off, size);
}

/* -------------------------------------------------------- interrupts ---- */

static bool send(struct fake_pci *pci, uint64_t addr, uint32_t data)
{
	if (!(fake_pci_cfg(pci, 4, 2) & 4))
		return false;
	return pci->dma_write(pci->ctx, pci, addr, data);
}

bool fake_pci_send_msix(struct fake_pci *pci, unsigned int vec)
{
	uint64_t addr, data, ctrl;

	if ((fake_pci_cfg(pci, FAKE_MSIX + 2, 2) & 0xc000) != 0x8000)
		return false;
	bar_read(pci, 0, FAKE_MSIX_TABLE + 16 * vec, 8, &addr);
	bar_read(pci, 0, FAKE_MSIX_TABLE + 16 * vec + 8, 4, &data);
	bar_read(pci, 0, FAKE_MSIX_TABLE + 16 * vec + 12, 4, &ctrl);
	return !(ctrl & 1) && send(pci, addr, (uint32_t)data);
}

bool fake_pci_send_msi(struct fake_pci *pci, unsigned int vec)
{
	uint32_t ctrl = fake_pci_cfg(pci, FAKE_MSI + 2, 2);
	uint64_t addr;

	if (!(ctrl & 1) || vec >> FIELD_GET(0x70, ctrl) ||
	    (fake_pci_cfg(pci, FAKE_MSI + 16, 4) & BIT32(vec)))
		return false;
	addr = fake_pci_cfg(pci, FAKE_MSI + 4, 4) |
	       (uint64_t)fake_pci_cfg(pci, FAKE_MSI + 8, 4) << 32;
	return send(pci, addr, fake_pci_cfg(pci, FAKE_MSI + 12, 2) | vec);
}
