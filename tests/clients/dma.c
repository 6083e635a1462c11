/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DMA into memory that the program still has, or has no more.  The argument
 * names what it does wrong:
 *   good	nothing
 *   free	frees the buffer, takes a new one, then lets the device write
 *   small	frees blocks that share pages, then lets the device write them
 *   munmap	the same with mmap and munmap
 *   replace	maps something else in the buffer's place
 *   protect	takes its own rights to a buffer away
 *   detached	lets a device write that has no address space
 *   unmapped	lets the device write where nothing is mapped
 *   left	leaves a mapping to its end
 */
#include "client.h"

#define IOVA 0x10000000u
#define LEN 0x4000u

static void fill(void *mem, uint8_t byte)
{
	memset(mem, byte, LEN);
}

static int is_filled(const void *mem, uint8_t byte)
{
	const uint8_t *at = mem;

	for (unsigned int i = 0; i < LEN; i++)
		if (at[i] != byte)
			return 0;
	return 1;
}

static void *anonymous(void *at, int flags)
{
	void *mem = mmap(at, LEN, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	CHECK(mem != MAP_FAILED);
	return mem;
}

struct work {
	struct client c;
	uint8_t *own; /* descriptor and source, mapped at IOVA */
};

static unsigned int dma(struct work *w, uint64_t to, uint8_t byte)
{
	fill(w->own, byte);
	return client_copy(&w->c, (struct ioat_desc *)w->own, IOVA, to,
			   IOVA + 0x1000, 0x3000);
}

static void good(struct work *w)
{
	uint8_t *buf = aligned_alloc(4096, LEN);

	fill(buf, 1);
	client_map(&w->c, 2 * IOVA, buf, LEN);
	CHECK(dma(w, 2 * IOVA, 0x5a) == STS_DONE);
	CHECK(buf[0] == 0x5a && buf[0x2fff] == 0x5a && buf[0x3000] == 1);
	client_unmap(&w->c, 2 * IOVA, LEN);
	free(buf);
}

static void freed(struct work *w)
{
	uint8_t *buf = aligned_alloc(4096, LEN), *again[8];

	fill(buf, 1);
	client_map(&w->c, 2 * IOVA, buf, LEN);
	free(buf);
	for (int i = 0; i < 8; i++) {
		again[i] = aligned_alloc(4096, LEN);
		CHECK(again[i] != buf);
		fill(again[i], 7);
	}
	CHECK(dma(w, 2 * IOVA, 0x5a) == STS_DONE);
	for (int i = 0; i < 8; i++)
		CHECK(is_filled(again[i], 7));
	client_unmap(&w->c, 2 * IOVA, LEN);
	/* Now the block is really free. */
	for (int i = 0; i < 8; i++)
		free(again[i]);
	buf = realloc(aligned_alloc(4096, LEN), 2 * LEN);
	free(buf);
}

/* Blocks less than a page, in pages that other blocks live in. */
static void freed_small(struct work *w)
{
	static const size_t sizes[] = { 40, 2000, 4096, 5000 };

	for (unsigned int i = 0; i < 4; i++) {
		size_t size = sizes[i], off;
		uint8_t *buf = malloc(size), *rest = malloc(LEN), *again[64];

		off = (uintptr_t)buf & 4095;
		client_map(&w->c, 2 * IOVA, buf - off, LEN);
		free(buf);
		for (int k = 0; k < 64; k++) {
			again[k] = malloc(size);
			memset(again[k], 7, size);
		}
		fill(w->own, 0x5a);
		CHECK(client_copy(&w->c, (struct ioat_desc *)w->own, IOVA,
				  2 * IOVA + off, IOVA + 0x1000,
				  (uint32_t)size) == STS_DONE);
		for (int k = 0; k < 64; k++)
			for (size_t at = 0; at < size; at++)
				CHECK(again[k][at] == 7);
		client_unmap(&w->c, 2 * IOVA, LEN);
		for (int k = 0; k < 64; k++)
			free(again[k]);
		free(rest);
	}
}

static void unmapped_memory(struct work *w)
{
	uint8_t *buf = anonymous(NULL, 0), *again[8];

	fill(buf, 1);
	client_map(&w->c, 2 * IOVA, buf, LEN);
	CHECK(!munmap(buf, LEN));
	for (int i = 0; i < 8; i++) {
		again[i] = anonymous(i ? NULL : buf, 0);
		CHECK(again[i] + LEN <= buf || again[i] >= buf + LEN);
		fill(again[i], 7);
	}
	CHECK(dma(w, 2 * IOVA, 0x5a) == STS_DONE);
	for (int i = 0; i < 8; i++)
		CHECK(is_filled(again[i], 7));
	client_unmap(&w->c, 2 * IOVA, LEN);
	/* Its addresses can be had again. */
	CHECK(anonymous(buf, MAP_FIXED_NOREPLACE) == buf);
}

static void replaced(struct work *w)
{
	uint8_t *buf = anonymous(NULL, 0);

	client_map(&w->c, 2 * IOVA, buf, LEN);
	CHECK(anonymous(buf, MAP_FIXED) == buf);
	fill(buf, 7);
	CHECK(dma(w, 2 * IOVA, 0x5a) == STS_HALTED);
	CHECK(is_filled(buf, 7));
	client_unmap(&w->c, 2 * IOVA, LEN);
	/* A new mapping of the new memory works. */
	client_map(&w->c, 2 * IOVA, buf, LEN);
	client_start_ioat(&w->c);
	CHECK(dma(w, 2 * IOVA, 0x33) == STS_DONE);
	CHECK(buf[5] == 0x33);
	client_unmap(&w->c, 2 * IOVA, LEN);
}

/* Rights of the CPU: the device's are those of its mapping. */
static void protected(struct work *w)
{
	static const int rights[] = { PROT_READ, PROT_NONE };

	for (int i = 0; i < 2; i++) {
		uint8_t *buf = anonymous(NULL, 0);

		client_map(&w->c, 2 * IOVA, buf, LEN);
		fill(buf, 7);
		CHECK(!mprotect(buf, LEN, rights[i]));
		CHECK(dma(w, 2 * IOVA, 0x5a) == STS_DONE);
		CHECK(!mprotect(buf, LEN, PROT_READ));
		CHECK(buf[0] == 0x5a && buf[0x2fff] == 0x5a &&
		      buf[LEN - 1] == 7);
		client_unmap(&w->c, 2 * IOVA, LEN);
		CHECK(!munmap(buf, LEN));
	}
}

static void detached(struct work *w)
{
	struct vfio_device_detach_iommufd_pt detach = {
		.argsz = sizeof(detach),
	};

	CHECK(!ioctl(w->c.device, VFIO_DEVICE_DETACH_IOMMUFD_PT, &detach));
	CHECK(dma(w, IOVA, 0x5a) == STS_HALTED);
}

static void nowhere(struct work *w)
{
	CHECK(dma(w, 3 * (uint64_t)IOVA, 0x5a) == STS_HALTED);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "good";
	struct work w;

	client_open(&w.c);
	client_start_ioat(&w.c);
	w.own = anonymous(NULL, 0);
	client_map(&w.c, IOVA, w.own, LEN);
	if (!strcmp(what, "good"))
		good(&w);
	else if (!strcmp(what, "free"))
		freed(&w);
	else if (!strcmp(what, "small"))
		freed_small(&w);
	else if (!strcmp(what, "munmap"))
		unmapped_memory(&w);
	else if (!strcmp(what, "replace"))
		replaced(&w);
	else if (!strcmp(what, "protect"))
	protected(&w);
	else if (!strcmp(what, "detached")) detached(&w);
	else if (!strcmp(what, "unmapped")) nowhere(&w);
	else if (strcmp(what, "left")) return 3;
	if (strcmp(what, "left"))
		client_unmap(&w.c, IOVA, LEN);
	return 0;
}
