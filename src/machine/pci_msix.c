/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci_msix.c - messages of a PCI function: MSI-X table and pending bits, MSI.
 *
 * A message is a DMA write of four bytes, so the SMMU translates it like any
 * other.  A vector has one message on its way at most; what is raised
 * meanwhile is sent once more after it.  Raising where the vector or the
 * function is masked sets the pending bit.
 */
#include "pci.h"

static uint32_t ctrl16(const struct pcidev *dev, unsigned int off)
{
	return dev->config[off] | (uint32_t)dev->config[off + 1] << 8;
}

static bool msix_on(const struct pcidev *dev)
{
	return dev->cap_msix && ctrl16(dev, dev->cap_msix + PCIE_MSIX_CTRL) &
					PCIE_MSIX_CTRL_ENABLE;
}

static bool msi_on(const struct pcidev *dev)
{
	return dev->cap_msi &&
	       ctrl16(dev, dev->cap_msi + PCIE_MSI_CTRL) & PCIE_MSI_CTRL_ENABLE;
}

/* Under the lock. */
static bool masked(const struct pcidev *dev, const struct pcidev_vector *vector)
{
	return ctrl16(dev, dev->cap_msix + PCIE_MSIX_CTRL) &
		       PCIE_MSIX_CTRL_MASK_ALL ||
	       vector->ctrl & PCIE_MSIX_ENTRY_CTRL_MASK;
}

bool pcidev_messages(struct pcidev *dev)
{
	bool on;

	pthread_mutex_lock(&dev->lock);
	on = msix_on(dev) || msi_on(dev);
	pthread_mutex_unlock(&dev->lock);
	return on;
}

/* --------------------------------------------------------------- send -- */

static void sent(struct pcidev_req *req, int status);

static uint32_t ctrl32(const struct pcidev *dev, unsigned int off)
{
	return ctrl16(dev, off) | ctrl16(dev, off + 2) << 16;
}

/* Of a vector's number as many bits as software enabled go into the data. */
static void capture_msi(const struct pcidev *dev, struct pcidev_vector *vector)
{
	unsigned int cap = dev->cap_msi;
	uint32_t ctrl = ctrl16(dev, cap + PCIE_MSI_CTRL);
	uint32_t bits = ctrl >> PCIE_MSI_CTRL_MULTI_ENABLE_SHIFT & 7;
	uint32_t nr = (uint32_t)(vector - dev->vector);

	vector->target = ctrl32(dev, cap + PCIE_MSI_ADDR_LO) |
			 (uint64_t)ctrl32(dev, cap + PCIE_MSI_ADDR_HI) << 32;
	vector->message = ctrl16(dev, cap + PCIE_MSI_DATA) |
			  (nr & ((1u << bits) - 1));
}

/* What is sent is what the registers say at this moment.  Under the lock. */
static void capture(const struct pcidev *dev, struct pcidev_vector *vector)
{
	if (msi_on(dev) && !msix_on(dev)) {
		capture_msi(dev, vector);
		return;
	}
	vector->target = vector->addr_lo | (uint64_t)vector->addr_hi << 32;
	vector->message = vector->data;
}

/* A message is out: raised again meanwhile? */
static bool once_more(struct pcidev *dev, struct pcidev_vector *vector)
{
	bool more;

	pthread_mutex_lock(&dev->lock);
	more = vector->again;
	vector->again = false;
	if (more)
		capture(dev, vector);
	else
		vector->sending = false;
	pthread_mutex_unlock(&dev->lock);
	return more;
}

/* Send until nobody has raised it again; entered with `sending` ours. */
static void send(struct pcidev *dev, struct pcidev_vector *vector)
{
	do {
		vector->req.done = sent;
		if (pcidev_dma(dev, &vector->req, vector->target,
			       &vector->message, sizeof(vector->message),
			       UIOMMU_TXN_WRITE) == -EINPROGRESS)
			return;
	} while (once_more(dev, vector));
}

static void sent(struct pcidev_req *req, int status)
{
	struct pcidev_vector *vector =
		container_of(req, struct pcidev_vector, req);

	if (once_more(req->dev, vector))
		send(req->dev, vector);
}

/* Decide under the lock what to do with a raised vector: send it now? */
static bool start(struct pcidev *dev, struct pcidev_vector *vector)
{
	if (vector->sending) {
		vector->again = true;
		return false;
	}
	vector->sending = true;
	capture(dev, vector);
	return true;
}

static bool raise_msix(struct pcidev *dev, unsigned int nr)
{
	if (nr >= dev->type->nr_vectors)
		return false;
	if (masked(dev, &dev->vector[nr])) {
		dev->pba |= BIT64(nr);
		return false;
	}
	return start(dev, &dev->vector[nr]);
}

static bool raise_msi(struct pcidev *dev, unsigned int nr)
{
	return nr < 1u << dev->type->nr_msi_lg2 && start(dev, &dev->vector[nr]);
}

void pcidev_notify(struct pcidev *dev, unsigned int nr)
{
	struct pcidev_vector *vector = NULL;

	pthread_mutex_lock(&dev->lock);
	if (msix_on(dev)) {
		if (raise_msix(dev, nr))
			vector = &dev->vector[nr];
	} else if (msi_on(dev)) {
		if (raise_msi(dev, nr))
			vector = &dev->vector[nr];
	}
	pthread_mutex_unlock(&dev->lock);
	if (vector)
		send(dev, vector);
}

/* One pending vector that may go, or NULL.  Under the lock. */
static struct pcidev_vector *next_pending(struct pcidev *dev)
{
	uint64_t left = msix_on(dev) ? dev->pba : 0;

	while (left) {
		unsigned int nr = ffs_u64(left);

		left &= left - 1;
		if (masked(dev, &dev->vector[nr]))
			continue;
		dev->pba &= ~BIT64(nr);
		if (start(dev, &dev->vector[nr]))
			return &dev->vector[nr];
	}
	return NULL;
}

void msix_flush(struct pcidev *dev)
{
	struct pcidev_vector *vector;

	do {
		pthread_mutex_lock(&dev->lock);
		vector = next_pending(dev);
		pthread_mutex_unlock(&dev->lock);
		if (vector)
			send(dev, vector);
	} while (vector);
}

/* ------------------------------------------------- table and PBA in BAR - */

static uint64_t table_bytes(const struct pcidev *dev)
{
	return (uint64_t)dev->type->nr_vectors * PCIE_MSIX_ENTRY_SIZE;
}

static bool in_table(const struct pcidev *dev, uint64_t off)
{
	return off >= dev->type->msix_table &&
	       off - dev->type->msix_table < table_bytes(dev);
}

static bool in_pba(const struct pcidev *dev, uint64_t off)
{
	return off >= dev->type->msix_pba && off - dev->type->msix_pba < 8;
}

bool msix_covers(const struct pcidev *dev, unsigned int bar, uint64_t off,
		 unsigned int size)
{
	return dev->type->nr_vectors && bar == dev->type->msix_bar &&
	       (in_table(dev, off) || in_pba(dev, off));
}

static uint32_t *table_word(struct pcidev *dev, uint64_t off)
{
	uint64_t at = off - dev->type->msix_table;
	struct pcidev_vector *vector = &dev->vector[at / PCIE_MSIX_ENTRY_SIZE];

	switch (at % PCIE_MSIX_ENTRY_SIZE) {
	case PCIE_MSIX_ENTRY_ADDR_LO:
		return &vector->addr_lo;
	case PCIE_MSIX_ENTRY_ADDR_HI:
		return &vector->addr_hi;
	case PCIE_MSIX_ENTRY_DATA:
		return &vector->data;
	default:
		return &vector->ctrl;
	}
}

/* Accesses of 4 and 8 bytes are defined; others read 0, write nothing. */
int msix_read(struct pcidev *dev, uint64_t off, unsigned int size,
	      uint64_t *val)
{
	*val = 0;
	if (size < 4)
		return 0;
	pthread_mutex_lock(&dev->lock);
	if (in_pba(dev, off)) {
		*val = dev->pba >> (off & 4 ? 32 : 0);
		if (size == 4)
			*val = (uint32_t)*val;
	} else {
		*val = *table_word(dev, off);
		if (size == 8)
			*val |= (uint64_t)*table_word(dev, off + 4) << 32;
	}
	pthread_mutex_unlock(&dev->lock);
	return 0;
}

static void store_word(struct pcidev *dev, uint64_t off, uint32_t val)
{
	uint32_t *word = table_word(dev, off);

	switch ((off - dev->type->msix_table) % PCIE_MSIX_ENTRY_SIZE) {
	case PCIE_MSIX_ENTRY_ADDR_LO:
		*word = val & ~UINT32_C(3);
		break;
	case PCIE_MSIX_ENTRY_CTRL:
		*word = val & PCIE_MSIX_ENTRY_CTRL_MASK;
		break;
	default:
		*word = val;
	}
}

int msix_write(struct pcidev *dev, uint64_t off, unsigned int size,
	       uint64_t val)
{
	if (size < 4 || !in_table(dev, off))
		return 0;
	pthread_mutex_lock(&dev->lock);
	store_word(dev, off, (uint32_t)val);
	if (size == 8)
		store_word(dev, off + 4, (uint32_t)(val >> 32));
	pthread_mutex_unlock(&dev->lock);
	pcidev_kick(dev);
	return 0;
}

/* Under the lock. */
void msix_reset(struct pcidev *dev)
{
	for (unsigned int i = 0; i < PCIDEV_VECTORS_MAX; i++) {
		struct pcidev_vector *vector = &dev->vector[i];

		vector->addr_lo = 0;
		vector->addr_hi = 0;
		vector->data = 0;
		vector->ctrl = PCIE_MSIX_ENTRY_CTRL_MASK;
		vector->again = false;
	}
	dev->pba = 0;
}
