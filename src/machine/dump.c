/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dump.c - the machine's state as text (uiommu/dump.h): the parts it is made of,
 * one after the other, and words for addresses that are the same in every run.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "pci.h"

/* ----------------------------------------------------------- addresses -- */

#define PIECES_MAX 8192u

/* A piece of the program's memory, as it was first met. */
struct piece {
	uint64_t first, last;
	unsigned int number;
};

struct words {
	struct uiommu_machine *machine;
	const struct uiommu_dump *to; /* the caller's */
	struct piece *piece;	      /* ascending by first */
	unsigned int nr_pieces;
};

static void pass_on(void *ctx, const char *line, size_t len)
{
	const struct words *words = ctx;

	words->to->write(words->to->ctx, line, len);
}

/* The last piece that begins at or below `addr`, or -1. */
static int find_piece(const struct words *words, uint64_t addr)
{
	int low = 0, high = (int)words->nr_pieces;

	while (low < high) {
		int mid = (low + high) / 2;

		if (words->piece[mid].first <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low - 1;
}

static const struct piece *piece_of(struct words *words, uint64_t addr,
				    uint64_t size)
{
	int at = find_piece(words, addr);
	struct piece *piece = &words->piece[at + 1];

	if (at >= 0 && words->piece[at].last >= addr)
		return &words->piece[at];
	if (words->nr_pieces == PIECES_MAX)
		return NULL;
	memmove(piece + 1, piece,
		(words->nr_pieces - (unsigned int)(at + 1)) * sizeof(*piece));
	*piece = (struct piece){
		.first = addr,
		.last = addr + (size ? size - 1 : 0),
		.number = ++words->nr_pieces,
	};
	return piece;
}

static void say_address(void *ctx, uint64_t addr, uint64_t size, char *buf,
			size_t len)
{
	struct words *words = ctx;
	struct uiommu_machine *machine = words->machine;
	const struct uiommu_range *arena = &machine->arena;
	uint64_t carve = machine->carve.base;
	const struct piece *piece;

	/* Another place of the program's memory. */
	addr = pins_uva(&machine->pins, addr);
	if (addr >= arena->first && addr <= arena->last) {
		snprintf(buf, len, "tables+0x%" PRIx64, addr - arena->first);
	} else if (addr >= carve && addr - carve < CARVE_SIZE) {
		snprintf(buf, len, "window+0x%" PRIx64, addr - carve);
	} else if ((piece = piece_of(words, addr, size))) {
		snprintf(buf, len, "mem%u+0x%" PRIx64, piece->number,
			 addr - piece->first);
	} else {
		snprintf(buf, len, "mem");
	}
}

/* ----------------------------------------------------------- functions -- */

#define line(...) uiommu_dump_line(__VA_ARGS__)

static const char *flag(bool on, const char *word)
{
	return on ? word : "";
}

static uint32_t control(struct pcidev *dev, unsigned int cap, unsigned int off)
{
	return cap ? pci_config_get(dev, cap + off, 2) : 0;
}

static void dump_interrupts(const struct uiommu_dump *to, struct pcidev *dev)
{
	uint32_t msix = control(dev, dev->cap_msix, PCIE_MSIX_CTRL);
	uint32_t msi = control(dev, dev->cap_msi, PCIE_MSI_CTRL);
	struct pcidev_vector vector;

	if (msi & PCIE_MSI_CTRL_ENABLE)
		line(to, 1, "msi address=0x%x%08x data=0x%x",
		     pci_config_get(dev, dev->cap_msi + PCIE_MSI_ADDR_HI, 4),
		     pci_config_get(dev, dev->cap_msi + PCIE_MSI_ADDR_LO, 4),
		     pci_config_get(dev, dev->cap_msi + PCIE_MSI_DATA, 2));
	if (!(msix & PCIE_MSIX_CTRL_ENABLE))
		return;
	line(to, 1, "msix%s", flag(msix & PCIE_MSIX_CTRL_MASK_ALL, " masked"));
	for (unsigned int i = 0; i < dev->type->nr_vectors; i++) {
		pthread_mutex_lock(&dev->lock);
		vector = dev->vector[i];
		pthread_mutex_unlock(&dev->lock);
		if (vector.addr_lo | vector.addr_hi)
			line(to, 2, "vector %u address=0x%x%08x data=0x%x%s", i,
			     vector.addr_hi, vector.addr_lo, vector.data,
			     flag(vector.ctrl & PCIE_MSIX_ENTRY_CTRL_MASK,
				  " masked"));
	}
}

static void dump_function(const struct uiommu_dump *to, struct pcidev *dev)
{
	uint32_t command = pci_config_get(dev, PCIE_CFG_COMMAND, 2);
	uint32_t pasid = control(dev, dev->cap_pasid, PCIE_PASID_CTRL);

	line(to, 0, "function %s type=%s smmu=%s StreamID=0x%x%s%s%s%s%s%s%s%s",
	     dev->bdf, dev->type->info.name, dev->smmu->name, dev->sid,
	     flag(command & PCIE_COMMAND_MEMORY, " memory"),
	     flag(command & PCIE_COMMAND_BUS_MASTER, " bus_master"),
	     flag(command & PCIE_COMMAND_INTX_DISABLE, " intx_disable"),
	     flag(control(dev, dev->cap_ats, PCIE_ATS_CTRL) &
			  PCIE_ATS_CTRL_ENABLE,
		  " ats"),
	     flag(control(dev, dev->cap_pri, PCIE_PRI_CTRL) &
			  PCIE_PRI_CTRL_ENABLE,
		  " pri"),
	     flag(pasid & PCIE_PASID_CTRL_ENABLE, " pasid"),
	     flag(pasid & PCIE_PASID_CTRL_EXEC, " pasid_exec"),
	     flag(pasid & PCIE_PASID_CTRL_PRIV, " pasid_priv"));
	dump_interrupts(to, dev);
}

/* ---------------------------------------------------------------- pins -- */

static void count_gone(void *ctx, const struct pin_gone *gone)
{
	++*(unsigned int *)ctx;
}

static void dump_pins(struct uiommu_machine *machine,
		      const struct uiommu_dump *to)
{
	struct pins *pins = &machine->pins;
	unsigned int gone = 0;

	pins_visit_gone(pins, count_gone, &gone);
	line(to, 0, "pins pages=%" PRIu64 " aliases=%" PRIu64 " gone=%u",
	     load_relaxed(&pins->busy_pages), load_relaxed(&pins->nr_aliases),
	     gone);
}

/* --------------------------------------------------------------- whole -- */

static int dump_parts(struct uiommu_machine *machine,
		      const struct uiommu_dump *to)
{
	struct uiommu_dump below = *to;

	uiommu_core_dump(machine->core, to);
	uiommu_abi_dump(machine->abi, to);
	if (to->parts & UIOMMU_DUMP_OBJECTS) {
		for (unsigned int i = 0; i < machine->nr_devs; i++)
			dump_function(to, machine->dev[i]);
		dump_pins(machine, to);
	}
	below.depth++;
	for (unsigned int i = 0; i < machine->nr_smmus; i++) {
		int rc;

		if (!(to->parts & (UIOMMU_DUMP_TABLES | UIOMMU_DUMP_QUEUES)))
			break;
		line(to, 0, "smmu %s", machine->smmu[i].name);
		rc = uiommu_smmuv3_model_dump(machine->smmu[i].model, &below);
		if (rc)
			return rc;
	}
	return 0;
}

int uiommu_machine_dump(struct uiommu_machine *machine,
			const struct uiommu_dump *dump)
{
	struct words words = { .machine = machine, .to = dump };
	const struct uiommu_dump named = {
		.ctx = &words,
		.parts = dump->parts,
		.depth = dump->depth,
		.write = pass_on,
		.address = say_address,
	};
	int rc;

	if (dump->address)
		return dump_parts(machine, dump);
	words.piece = machine_alloc(machine, PIECES_MAX * sizeof(struct piece));
	if (!words.piece)
		return -ENOMEM;
	rc = dump_parts(machine, &named);
	machine_free(machine, words.piece);
	return rc;
}
