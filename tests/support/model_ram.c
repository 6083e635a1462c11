/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_ram.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/atomic.h"
#include "base/le.h"

int model_ram_init(struct model_ram *ram, uint64_t base, uint64_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		return -ENOMEM;
	*ram = (struct model_ram){
		.base = base,
		.size = size,
		.mem = mem,
		.use_direct = true,
		.poison_first = 1,
	};
	return 0;
}

void model_ram_fini(struct model_ram *ram)
{
	munmap(ram->mem, ram->size);
}

static uint8_t *at(struct model_ram *ram, uint64_t pa, uint64_t len)
{
	uint64_t off = pa - ram->base;
	uint64_t last = pa + len - 1;

	if (pa < ram->base || off >= ram->size || len > ram->size - off)
		return NULL;
	if (ram->poison_first <= ram->poison_last && pa <= ram->poison_last &&
	    last >= ram->poison_first)
		return NULL;
	return ram->mem + off;
}

static void copy(void *dst, const void *src, size_t len)
{
	if (len == 8 && !((uintptr_t)dst % 8) && !((uintptr_t)src % 8))
		store_release((uint64_t *)dst,
			      load_acquire((uint64_t *)(uintptr_t)src));
	else if (len == 4 && !((uintptr_t)dst % 4) && !((uintptr_t)src % 4))
		store_release((uint32_t *)dst,
			      load_acquire((uint32_t *)(uintptr_t)src));
	else
		memcpy(dst, src, len);
}

static int ram_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		    struct uiommu_mem_attrs attrs)
{
	struct model_ram *ram = ctx;
	const uint8_t *mem = at(ram, pa, len);

	fetch_add_relaxed(&ram->reads, 1);
	if (!mem)
		return -EIO;
	copy(buf, mem, len);
	if (ram->on_read)
		ram->on_read(ram->on_read_arg, pa);
	return 0;
}

static int ram_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	struct model_ram *ram = ctx;
	uint8_t *mem = at(ram, pa, len);
	uint32_t data;

	fetch_add_relaxed(&ram->writes, 1);
	if (!mem)
		return -EIO;
	copy(mem, buf, len);
	if (attrs.msi) {
		memcpy(&data, buf, 4);
		/* several queues may signal at a time */
		store_relaxed(&ram->msi_addr, pa);
		store_relaxed(&ram->msi_data, data);
		__atomic_store(&ram->msi_attrs, &attrs, __ATOMIC_RELAXED);
		fetch_add_relaxed(&ram->msi_count, 1);
	}
	return 0;
}

static int ram_cmpxchg(void *ctx, uiommu_pa_t pa, uint64_t *expected,
		       uint64_t want)
{
	uint64_t *word = (uint64_t *)(void *)at(ctx, pa, 8);

	if (!word)
		return -EIO;
	(void)cmpxchg_acq_rel(word, expected, want);
	return 0;
}

static void *ram_direct(void *ctx, uiommu_pa_t pa, size_t len, bool write)
{
	struct model_ram *ram = ctx;

	/* May change while the model is in use. */
	return ram->use_direct ? at(ctx, pa, len) : NULL;
}

static void ram_irq(void *ctx, unsigned int line)
{
	struct model_ram *ram = ctx;

	fetch_add_relaxed(&ram->irqs[line], 1);
	if (ram->on_irq)
		ram->on_irq(ram->on_irq_arg, line);
}

static void ram_wake(void *ctx)
{
	struct model_ram *ram = ctx;

	fetch_add_relaxed(&ram->wakes, 1);
}

static void ram_log(void *ctx, const char *msg)
{
	struct model_ram *ram = ctx;

	snprintf(ram->last_log, sizeof(ram->last_log), "%s", msg);
}

static int ram_ats_invalidate(void *ctx, const struct uiommu_ats_inval *inval)
{
	struct model_ram *ram = ctx;

	return ram->on_ats_inval ? ram->on_ats_inval(ram->endpoint_arg, inval)
				 : 0;
}

static void ram_pri_response(void *ctx, const struct uiommu_pri_response *resp)
{
	struct model_ram *ram = ctx;

	if (ram->on_pri_response)
		ram->on_pri_response(ram->endpoint_arg, resp);
}

struct uiommu_model_host model_ram_host(struct model_ram *ram)
{
	return (struct uiommu_model_host){
		.ctx = ram,
		.read = ram_read,
		.write = ram_write,
		.cmpxchg64 = ram_cmpxchg,
		.direct = ram->use_direct ? ram_direct : NULL,
		.irq = ram_irq,
		.wake = ram_wake,
		.ats_invalidate = ram_ats_invalidate,
		.pri_response = ram_pri_response,
		.log = ram_log,
	};
}

void ram_w64(struct model_ram *ram, uint64_t pa, uint64_t val)
{
	uint64_t *word = (uint64_t *)(void *)(ram->mem + (pa - ram->base));

	store_release(word, cpu_to_le64(val).raw);
}

uint64_t ram_r64(struct model_ram *ram, uint64_t pa)
{
	const uint64_t *word =
		(const uint64_t *)(const void *)(ram->mem + (pa - ram->base));

	return le64_to_cpu((le64_t){ load_acquire(word) });
}

uint32_t ram_r32(struct model_ram *ram, uint64_t pa)
{
	const uint32_t *word =
		(const uint32_t *)(const void *)(ram->mem + (pa - ram->base));

	return le32_to_cpu((le32_t){ load_acquire(word) });
}

void ram_zero(struct model_ram *ram, uint64_t pa, uint64_t len)
{
	memset(ram->mem + (pa - ram->base), 0, len);
}

void ram_poison(struct model_ram *ram, uint64_t first, uint64_t last)
{
	ram->poison_first = first;
	ram->poison_last = last;
}
