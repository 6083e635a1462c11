/* SPDX-License-Identifier: BSD-2-Clause */
/* PCIe by ECAM: the functions of bus 0, one 32-bit BAR each. */
#include "rtos.h"

#define PCI_ID 0x00
#define PCI_COMMAND 0x04
#define PCI_COMMAND_MEMORY (1u << 1)
#define PCI_COMMAND_MASTER (1u << 2)
#define PCI_HEADER 0x0c /* type in bits 23:16 */
#define PCI_HEADER_MULTIFUNCTION (1u << 23)
#define PCI_BAR0 0x10
#define PCI_BAR_ADDR 0xfffffff0u
#define PCI_NONE 0xffffffffu

static uint64_t config(uint16_t rid, uint32_t reg)
{
	return ECAM + ((uint64_t)rid << 12) + reg;
}

/* A BAR tells its size by the address bits that cannot be set. */
static bool place_bar(struct pci_dev *dev)
{
	static uint64_t next = PCI_MEM;
	uint64_t size, base;

	write32(config(dev->rid, PCI_BAR0), ~0u);
	size = read32(config(dev->rid, PCI_BAR0)) & PCI_BAR_ADDR;
	if (!size)
		return false;
	size = (uint32_t)-size;
	base = (next + size - 1) & -size;
	if (base + size > PCI_MEM_END)
		return false;
	next = base + size;
	write32(config(dev->rid, PCI_BAR0), base);
	dev->bar = base;
	return true;
}

static bool try_function(uint16_t rid, uint32_t id, struct pci_dev *dev)
{
	uint32_t command;

	if (read32(config(rid, PCI_ID)) != id)
		return false;
	dev->rid = rid;
	if (!place_bar(dev))
		return false;
	command = read32(config(rid, PCI_COMMAND)) & 0xffff;
	write32(config(rid, PCI_COMMAND),
		command | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	return true;
}

bool pci_find(uint16_t vendor, uint16_t device, struct pci_dev *dev)
{
	uint32_t id = (uint32_t)device << 16 | vendor;
	unsigned int slot, fn, fns;

	for (slot = 0; slot < 32; slot++) {
		if (read32(config(slot << 3, PCI_ID)) == PCI_NONE)
			continue;
		fns = read32(config(slot << 3, PCI_HEADER)) &
				      PCI_HEADER_MULTIFUNCTION
			      ? 8
			      : 1;
		for (fn = 0; fn < fns; fn++)
			if (try_function(slot << 3 | fn, id, dev))
				return true;
	}
	return false;
}
