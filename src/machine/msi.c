/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msi.c - the system's interrupt vectors behind one doorbell page.
 *
 * A vector's number is the data of its message, and a vector is of one device:
 * whatever others write, they cannot raise it.  A store to the doorbell
 * happens inside the model, where nobody may be called, so the vector is noted
 * in the thread's scope and fires when the thread has left the model; a thread
 * without a scope, or one that came from inside the driver, leaves a mark that
 * the next machine_settle() finds.
 *
 * Freeing: the vector stops being live, then the caller waits until no fire()
 * runs.  fire() announces itself before it looks whether the vector is live,
 * so one of the two sees the other.
 */
#include <sched.h>

#include "pci.h"

int msi_init(struct uiommu_machine *machine)
{
	return -pthread_mutex_init(&machine->msi.lock, NULL);
}

void msi_fini(struct uiommu_machine *machine)
{
	for (unsigned int i = 0; i < MSI_CHUNKS; i++)
		machine_free(machine, machine->msi.chunk[i]);
	pthread_mutex_destroy(&machine->msi.lock);
}

static struct msi_vector *vector_at(struct msi *msi, unsigned int index)
{
	struct msi_vector *chunk;

	if (index >= MSI_CHUNK * MSI_CHUNKS)
		return NULL;
	chunk = load_acquire(&msi->chunk[index / MSI_CHUNK]);
	return chunk ? &chunk[index % MSI_CHUNK] : NULL;
}

/* A free vector's number, made if need be; under the lock. */
static int find_free(struct uiommu_machine *machine)
{
	struct msi *msi = &machine->msi;
	unsigned int total = MSI_CHUNK * MSI_CHUNKS;

	for (unsigned int i = 0; i < total; i++) {
		unsigned int index = (msi->hint + i) % total;
		struct msi_vector *vector = vector_at(msi, index);

		if (!vector) {
			struct msi_vector *chunk = machine_alloc(
				machine, MSI_CHUNK * sizeof(*chunk));

			if (!chunk)
				return -ENOSPC;
			store_release(&msi->chunk[index / MSI_CHUNK], chunk);
			vector = &chunk[index % MSI_CHUNK];
		}
		if (!vector->fire) {
			msi->hint = index + 1;
			return (int)index;
		}
	}
	return -ENOSPC;
}

int msi_alloc(void *ctx, struct uiommu_device *dev, void (*fire)(void *arg),
	      void *arg, struct uiommu_msi_msg *msg, unsigned int *handle)
{
	struct uiommu_machine *machine = ctx;
	struct msi_vector *vector;
	int index;

	pthread_mutex_lock(&machine->msi.lock);
	index = find_free(machine);
	if (index >= 0) {
		vector = vector_at(&machine->msi, (unsigned int)index);
		vector->fire = fire;
		vector->arg = arg;
		store_relaxed(&vector->dev, dev);
		store_relaxed(&vector->pending, 0);
		store_release(&vector->live, true);
	}
	pthread_mutex_unlock(&machine->msi.lock);
	if (index < 0)
		return index;
	msg->addr = machine->carve.base + CARVE_MSI + MSI_DOORBELL;
	msg->data = (uint32_t)index;
	*handle = (unsigned int)index;
	return 0;
}

void msi_free(void *ctx, unsigned int handle)
{
	struct uiommu_machine *machine = ctx;
	struct msi_vector *vector = vector_at(&machine->msi, handle);

	if (!vector)
		return;
	store_relaxed(&vector->live, false);
	fence_full();
	while (load_acquire(&vector->running))
		sched_yield();
	pthread_mutex_lock(&machine->msi.lock);
	vector->fire = NULL;
	vector->arg = NULL;
	pthread_mutex_unlock(&machine->msi.lock);
}

void msi_fire(struct uiommu_machine *machine, unsigned int index)
{
	struct msi_vector *vector = vector_at(&machine->msi, index);

	if (!vector)
		return;
	fetch_add_acq_rel(&vector->running, 1);
	fence_full();
	if (load_acquire(&vector->live))
		vector->fire(vector->arg);
	fetch_sub_acq_rel(&vector->running, 1);
}

/* One that may have ended, and be somebody else's, is found as either. */
static bool is_of(const struct msi_vector *vector, const struct pcidev *dev)
{
	return vector && load_acquire(&vector->live) && dev &&
	       load_relaxed(&vector->dev) == dev->core_dev;
}

int msi_store(struct uiommu_machine *machine, const struct pcidev *dev,
	      uint64_t offset, const void *buf, size_t len)
{
	struct dma_scope *scope = dma_scope(machine->scope_key);
	struct msi_vector *vector;
	uint32_t index;

	if (offset != MSI_DOORBELL || len != sizeof(index))
		return -EIO;
	memcpy(&index, buf, sizeof(index));
	vector = vector_at(&machine->msi, index);
	/* As an interrupt controller: a number of nobody goes nowhere. */
	if (!is_of(vector, dev)) {
		fetch_add_relaxed(&machine->msi.strays, 1);
		return 0;
	}
	if (scope && !scope->resumed && scope->nr_vectors < DMA_SCOPE_VECTORS) {
		scope->vector[scope->nr_vectors++] = index;
		return 0;
	}
	store_release(&vector->pending, 1);
	store_release(&machine->msi.pending, 1);
	return 0;
}

void msi_deliver(struct uiommu_machine *machine)
{
	struct msi *msi = &machine->msi;

	if (!load_relaxed(&msi->pending) || !exchange_acq_rel(&msi->pending, 0))
		return;
	for (unsigned int c = 0; c < MSI_CHUNKS; c++) {
		struct msi_vector *chunk = load_acquire(&msi->chunk[c]);

		for (unsigned int i = 0; chunk && i < MSI_CHUNK; i++)
			if (load_relaxed(&chunk[i].pending) &&
			    exchange_acq_rel(&chunk[i].pending, 0))
				msi_fire(machine, c * MSI_CHUNK + i);
	}
}
