/* SPDX-License-Identifier: BSD-2-Clause */
/* The DMA engine of QEMU's `edu` device (docs/specs/edu in its manual). */
#include "rtos.h"

#define EDU_ID 0x00
#define EDU_LIVENESS 0x04
#define EDU_DMA_SRC 0x80
#define EDU_DMA_DST 0x88
#define EDU_DMA_COUNT 0x90
#define EDU_DMA_CMD 0x98
#define EDU_DMA_START (1u << 0)
#define EDU_DMA_TO_RAM (1u << 1)
#define EDU_BUFFER 0x40000

#define EDU_PATIENCE_NS UINT64_C(5000000000)

bool edu_init(struct pci_dev *dev)
{
	if ((read32(dev->bar + EDU_ID) & 0xff) != 0xed)
		return false;
	/* It answers with the complement. */
	write32(dev->bar + EDU_LIVENESS, 0x12345678);
	return read32(dev->bar + EDU_LIVENESS) == ~UINT32_C(0x12345678);
}

static bool run(const struct pci_dev *dev, uint64_t src, uint64_t dst,
		uint32_t len, uint32_t cmd)
{
	uint64_t start = now_ns();

	write64(dev->bar + EDU_DMA_SRC, src);
	write64(dev->bar + EDU_DMA_DST, dst);
	write64(dev->bar + EDU_DMA_COUNT, len);
	write64(dev->bar + EDU_DMA_CMD, cmd | EDU_DMA_START);
	while (read64(dev->bar + EDU_DMA_CMD) & EDU_DMA_START)
		if (now_ns() - start > EDU_PATIENCE_NS)
			return false;
	return true;
}

bool edu_fetch(const struct pci_dev *dev, uint64_t iova, uint32_t len)
{
	return run(dev, iova, EDU_BUFFER, len, 0);
}

bool edu_store(const struct pci_dev *dev, uint64_t iova, uint32_t len)
{
	return run(dev, EDU_BUFFER, iova, len, EDU_DMA_TO_RAM);
}
