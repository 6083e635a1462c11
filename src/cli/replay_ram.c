/* SPDX-License-Identifier: BSD-2-Clause */
/* The pages come from the kernel as they are touched, and go back between
 * cases, so that a case costs what it uses and finds zeroes.
 */
#include "replay_ram.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/atomic.h"

int replay_ram_init(struct replay_ram *ram)
{
	void *bytes = mmap(NULL, REPLAY_RAM_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (bytes == MAP_FAILED)
		return -ENOMEM;
	ram->bytes = bytes;
	ram->client_write = UIOMMU_PA_INVALID;
	return 0;
}

void replay_ram_fini(struct replay_ram *ram)
{
	munmap(ram->bytes, REPLAY_RAM_SIZE);
}

void replay_ram_clear(struct replay_ram *ram)
{
	madvise(ram->bytes, REPLAY_RAM_SIZE, MADV_DONTNEED);
}

void *replay_ram_at(struct replay_ram *ram, uint64_t pa, uint64_t len)
{
	uint64_t offset = pa - REPLAY_RAM_BASE;

	if (pa < REPLAY_RAM_BASE || len > REPLAY_RAM_SIZE ||
	    offset > REPLAY_RAM_SIZE - len)
		return NULL;
	return ram->bytes + offset;
}

static int ram_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		    struct uiommu_mem_attrs attrs)
{
	void *at = replay_ram_at(ctx, pa, len);

	if (!at)
		return -EIO;
	memcpy(buf, at, len);
	return 0;
}

static int ram_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	struct replay_ram *ram = ctx;
	void *at = replay_ram_at(ram, pa, len);

	if (!at)
		return -EIO;
	memcpy(at, buf, len);
	if (!attrs.walk && !attrs.msi)
		ram->client_write = pa;
	return 0;
}

static int ram_cmpxchg64(void *ctx, uiommu_pa_t pa, uint64_t *expected,
			 uint64_t want)
{
	uint64_t *at = replay_ram_at(ctx, pa, sizeof(*at));

	if (!at)
		return -EIO;
	cmpxchg_acq_rel(at, expected, want);
	return 0;
}

static void ignore_irq(void *ctx, unsigned int line)
{
}

void replay_ram_host(struct replay_ram *ram, struct uiommu_model_host *host)
{
	*host = (struct uiommu_model_host){
		.ctx = ram,
		.read = ram_read,
		.write = ram_write,
		.cmpxchg64 = ram_cmpxchg64,
		.irq = ignore_irq,
	};
}
