/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * copy_test.c - DMA through the whole stack, by both doors: a copy arrives, an
 * interrupt follows, what is not mapped is reported, spaces are apart, unmap
 * ends access.
 */
#include "client.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/eventfd.h>

#define IOVA UINT64_C(0x10000000)
#define LEN 0x10000u

struct world {
	struct uiommu_machine *machine;
	struct client c;
	uint8_t *mem;
	struct ioat_desc *desc;
};

typedef void (*open_fn)(struct client *c, struct uiommu_machine *machine,
			unsigned int index);

static void setup(struct world *w, open_fn open)
{
	w->machine = machine_ok("ioat,ioat");
	open(&w->c, w->machine, 0);
	w->mem = pages_ok(LEN);
	w->desc = (struct ioat_desc *)w->mem;
	client_map_ok(&w->c, w->mem, LEN, IOVA);
	ioat_init(&w->c);
}

static void teardown(struct world *w)
{
	client_close(&w->c);
	assert_int_equal(uiommu_machine_check(w->machine), 0);
	uiommu_machine_destroy(w->machine);
	pages_free(w->mem, LEN);
}

static void fill(uint8_t *p, size_t len, unsigned int seed)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 7 + seed);
}

static void copies(open_fn open)
{
	struct world w;

	setup(&w, open);
	fill(w.mem + 0x1000, 0x3000, 1);
	assert_int_equal(ioat_copy(&w.c, w.desc, IOVA, IOVA + 0x8123,
				   IOVA + 0x1045, 0x2222),
			 IOAT_STS_DONE);
	assert_memory_equal(w.mem + 0x8123, w.mem + 0x1045, 0x2222);
	/* Not a byte more. */
	assert_int_equal(w.mem[0x8122], 0);
	assert_int_equal(w.mem[0x8123 + 0x2222], 0);
	teardown(&w);
}

static void copy_by_type1(void **state)
{
	copies(client_open_type1);
}

static void copy_by_iommufd(void **state)
{
	copies(client_open_iommufd);
}

static void interrupt(open_fn open)
{
	int efd = eventfd(0, EFD_NONBLOCK);
	uint64_t count = 0;
	struct world w;

	setup(&w, open);
	client_msix_ok(&w.c, &efd, 1);
	w.desc->size = 64;
	w.desc->ctl = IOAT_CTL_INT | IOAT_CTL_UPDATE;
	w.desc->src = IOVA + 0x1000;
	w.desc->dst = IOVA + 0x2000;
	w.desc->next = IOVA;
	bar_write(&w.c, IOAT_CHANCMP, 8, IOVA + 0x3000);
	assert_int_equal(read(efd, &count, 8), -1);
	assert_int_equal(ioat_run(&w.c, IOVA, 1), IOAT_STS_DONE);
	assert_int_equal(read(efd, &count, 8), 8);
	assert_int_equal(count, 1);
	/* The completion word: address of the descriptor, DONE. */
	assert_int_equal(*(uint64_t *)(w.mem + 0x3000), IOVA | IOAT_STS_DONE);
	teardown(&w);
	close(efd);
}

static void interrupt_by_type1(void **state)
{
	interrupt(client_open_type1);
}

static void interrupt_by_iommufd(void **state)
{
	interrupt(client_open_iommufd);
}

/* The report names IOVA and level; the device says what was wrong. */
static void unmapped_is_reported(void **state)
{
	char *text = NULL;
	size_t len = 0;
	struct world w;
	FILE *out;

	setup(&w, client_open_iommufd);
	assert_int_equal(ioat_copy(&w.c, w.desc, IOVA, IOVA + 0x1000,
				   0x7654321000, 64),
			 IOAT_STS_HALTED);
	assert_int_equal(bar_read(&w.c, IOAT_CHANERR, 4), 1);

	out = open_memstream(&text, &len);
	uiommu_machine_report(w.machine,
			      UIOMMU_REPORT_EXPLAIN | UIOMMU_REPORT_CHECK, out);
	fclose(out);
	assert_non_null(strstr(text, "IOVA 0x7654321000"));
	assert_non_null(strstr(text, "level"));
	assert_non_null(strstr(text, "0000:01:00.0"));
	free(text);
	assert_int_not_equal(uiommu_machine_check(w.machine), 0);

	/* Reset brings it back. */
	ioat_init(&w.c);
	assert_int_equal(ioat_copy(&w.c, w.desc, IOVA, IOVA + 0x1000,
				   IOVA + 0x2000, 64),
			 IOAT_STS_DONE);
	client_close(&w.c);
	uiommu_machine_destroy(w.machine);
	pages_free(w.mem, LEN);
}

/* The same IOVA leads each device to its own memory. */
static void two_spaces_are_apart(void **state)
{
	struct uiommu_machine *machine = machine_ok("ioat*2");
	uint8_t *mem[2];
	struct client c[2];

	client_open_type1(&c[0], machine, 0);
	client_open_iommufd(&c[1], machine, 1);
	for (unsigned int i = 0; i < 2; i++) {
		mem[i] = pages_ok(LEN);
		memset(mem[i] + 0x1000, 0xa0 + (int)i, 0x1000);
		client_map_ok(&c[i], mem[i], LEN, IOVA);
		ioat_init(&c[i]);
	}
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(ioat_copy(&c[i], (struct ioat_desc *)mem[i],
					   IOVA, IOVA + 0x2000, IOVA + 0x1000,
					   0x1000),
				 IOAT_STS_DONE);
	for (unsigned int i = 0; i < 2; i++) {
		assert_memory_equal(mem[i] + 0x2000, mem[i] + 0x1000, 0x1000);
		assert_int_equal(mem[i][0x2000], 0xa0 + i);
	}
	for (unsigned int i = 0; i < 2; i++)
		client_close(&c[i]);
	uiommu_machine_destroy(machine);
	for (unsigned int i = 0; i < 2; i++)
		pages_free(mem[i], LEN);
}

static void unmap_ends_access(open_fn open)
{
	uint8_t *other = pages_ok(0x1000);
	struct world w;

	setup(&w, open);
	client_map_ok(&w.c, other, 0x1000, 2 * IOVA);
	memset(w.mem + 0x1000, 0x55, 0x1000);
	assert_int_equal(ioat_copy(&w.c, w.desc, IOVA, 2 * IOVA, IOVA + 0x1000,
				   0x1000),
			 IOAT_STS_DONE);
	assert_int_equal(other[0], 0x55);
	assert_int_equal(client_unmap(&w.c, 2 * IOVA, 0x1000), 0);
	memset(other, 0, 0x1000);
	assert_int_equal(ioat_copy(&w.c, w.desc, IOVA, 2 * IOVA, IOVA + 0x1000,
				   0x1000),
			 IOAT_STS_HALTED);
	assert_int_equal(bar_read(&w.c, IOAT_CHANERR, 4), 2);
	assert_int_equal(other[0], 0);
	assert_int_equal(other[0xfff], 0);
	client_close(&w.c);
	uiommu_machine_destroy(w.machine);
	pages_free(w.mem, LEN);
	pages_free(other, 0x1000);
}

static void unmap_ends_access_type1(void **state)
{
	unmap_ends_access(client_open_type1);
}

static void unmap_ends_access_iommufd(void **state)
{
	unmap_ends_access(client_open_iommufd);
}

static void no_bus_master_no_dma(void **state)
{
	struct world w;

	setup(&w, client_open_type1);
	client_master(&w.c, false);
	assert_int_equal(ioat_copy(&w.c, w.desc, IOVA, IOVA + 0x2000,
				   IOVA + 0x1000, 64),
			 IOAT_STS_HALTED);
	client_master(&w.c, true);
	teardown(&w);
}

static void many_mappings(void **state)
{
	const unsigned int n = 2000;
	uint8_t *many = pages_ok(n * 0x1000ul);
	struct world w;

	setup(&w, client_open_iommufd);
	/* Backwards, so that no two are neighbours on both sides. */
	for (unsigned int i = 0; i < n; i++)
		client_map_ok(&w.c, many + i * 0x1000ul, 0x1000,
			      UINT64_C(0x40000000) + (n - i) * 0x2000ul);
	for (unsigned int i = 0; i < n; i += 97) {
		memset(w.mem + 0x1000, (int)i, 0x1000);
		assert_int_equal(
			ioat_copy(&w.c, w.desc, IOVA,
				  UINT64_C(0x40000000) + (n - i) * 0x2000ul,
				  IOVA + 0x1000, 0x1000),
			IOAT_STS_DONE);
		assert_int_equal(many[i * 0x1000ul], (uint8_t)i);
	}
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(
			client_unmap(&w.c,
				     UINT64_C(0x40000000) + (n - i) * 0x2000ul,
				     0x1000),
			0);
	teardown(&w);
	pages_free(many, n * 0x1000ul);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_by_type1),
		cmocka_unit_test(copy_by_iommufd),
		cmocka_unit_test(interrupt_by_type1),
		cmocka_unit_test(interrupt_by_iommufd),
		cmocka_unit_test(unmapped_is_reported),
		cmocka_unit_test(two_spaces_are_apart),
		cmocka_unit_test(unmap_ends_access_type1),
		cmocka_unit_test(unmap_ends_access_iommufd),
		cmocka_unit_test(no_bus_master_no_dma),
		cmocka_unit_test(many_mappings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
