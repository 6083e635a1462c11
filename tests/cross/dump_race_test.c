/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dumps while a driver changes what is dumped and frees tables, and a device
 * moves data: nothing that was freed is read, and nobody waits for ever.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver_rig.h"
#include "turns.h"

#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define IOVA UINT64_C(0x7f0000000)
#define SID 8u

static struct rig *rig;
static uint64_t changes, dumps, accesses;
static bool stop; /* atomic */

static void *change(void *arg)
{
	struct uiommu_hwdom *a = rig_domain(rig, UIOMMU_DOM_PAGING);

	while (!load_acquire(&stop)) {
		struct uiommu_hwdev *dev = rig_pasid_device(rig, SID, 10);
		struct uiommu_hwdom *b = rig_domain(rig, UIOMMU_DOM_PAGING);

		rig_map(a, IOVA, rig->ram, 0x400000, RW);
		rig_map(b, IOVA, rig->ram, 0x3000, RW);
		rig_attach(a, dev);
		rig_set_pasid(a, dev, 70, NULL);
		rig_set_pasid(b, dev, 70, a);
		rig_attach(b, dev);
		/* Tables go while a dump may be in them. */
		rig_unmap(a, IOVA, 0x400000);
		rig->unit->ops->dev_remove(dev);
		rig->unit->ops->dom_free(b);
		turn(&changes);
	}
	rig->unit->ops->dom_free(a);
	return NULL;
}

static void *watch(void *arg)
{
	while (!load_acquire(&stop)) {
		char *text = rig_dump(rig);

		/* The driver's own tables can always be read. */
		assert_non_null(strstr(text, "stream-table"));
		assert_null(strstr(text, "unreadable"));
		assert_null(strstr(text, "illegal"));
		free(text);
		turn(&dumps);
	}
	return NULL;
}

static void *access_memory(void *arg)
{
	uint64_t word;

	while (!load_acquire(&stop)) {
		(void)rig_dma_read(rig, SID, IOVA, &word, 8);
		turn(&accesses);
	}
	return NULL;
}

static void dumps_under_fire(void **state)
{
	const uint64_t *counts[] = { &changes, &dumps, &accesses };
	void *(*const run[])(void *arg) = { change, watch, access_memory };
	struct rig_cfg cfg;
	pthread_t threads[3];

	rig_default(&cfg);
	rig = rig_create(&cfg);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, run[i], NULL), 0);
	assert_true(let_fight(500, counts, 3));
	store_release(&stop, true);
	for (unsigned int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	rig_irqs(rig);
	rig_destroy(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dumps_under_fire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
