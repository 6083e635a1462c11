/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sva_rules_test.c - who may be bound to the process's addresses on a whole
 * machine and who may not, behind one SMMU and behind several.  What is refused
 * leaves the machine as it was, byte for byte.
 */
#include <errno.h>
#include <sys/mman.h>

#include "aux_scene.h"
#include "sva.h"

#define PAGE 4096u
#define UNITS 3u
#define FREE_ID 0x7000u /* StreamIDs from here on are nobody's */
#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE)

struct scene {
	struct uiommu_machine *machine;
	struct uiommu_device *dev;
	struct uiommu_sva *sva; /* of who should not have got it */
	uint64_t *word;
};

static void scene_open(struct scene *s, struct uiommu_machine *machine)
{
	guard_ok();
	*s = (struct scene){ .machine = machine };
	s->dev = uiommu_machine_core_device(s->machine, 0);
	s->word = pages_ok(PAGE);
	*s->word = 0x5a;
}

static void scene_close(struct scene *s)
{
	assert_null(s->sva);
	uiommu_machine_destroy(s->machine);
	pages_free(s->word, PAGE);
}

/* What a device reads in the page by the PASID; 0: nothing. */
static uint64_t look(struct scene *s, struct sva_client *d, uint32_t pasid)
{
	testep_fill(&d->c, 0, 0xdead);
	sva_start_as(d, 0, pasid, TESTEP_READ, s->word, 8);
	return sva_end(d, 0) == TESTEP_OK ? testep_word(&d->c, 0) : 0;
}

static int bind(struct scene *s, struct uiommu_device *dev)
{
	return uiommu_sva_bind(dev, uiommu_process_mm(), &s->sva);
}

/* A device of the core's alone, beside those of the machine. */
static struct uiommu_device *add(struct scene *s, uint32_t id,
				 const struct uiommu_device_cfg *like)
{
	struct uiommu_device_cfg cfg = *like;
	struct uiommu_device *dev;

	cfg.hw.name = "added";
	cfg.hw.ids = &id;
	cfg.hw.nr_ids = 1;
	assert_int_equal(uiommu_device_add(uiommu_machine_core(s->machine),
					   uiommu_device_unit(s->dev), &cfg,
					   &dev),
			 0);
	return dev;
}

/* ------------------------------------------------------------------ rules -- */

static void who_may_not(void **state)
{
	struct uiommu_device_cfg cfg = { .hw = { .pasid_bits = 8 } };
	struct uiommu_device *dev, *mate;
	struct scene s;

	scene_open(&s, machine_ok("testep,ioat"));
	REFUSED(&s, uiommu_sva_bind(s.dev, NULL, &s.sva), -EINVAL);
	/* No PASIDs. */
	dev = uiommu_machine_core_device(s.machine, 1);
	REFUSED(&s, bind(&s, dev), -EOPNOTSUPP);
	/* It cannot wait. */
	dev = add(&s, FREE_ID, &cfg);
	REFUSED(&s, bind(&s, dev), -ENODEV);
	uiommu_device_remove(dev);
	/* The fabric looks at addresses. */
	cfg.hw.stall = true;
	cfg.routes_by_address = true;
	dev = add(&s, FREE_ID, &cfg);
	REFUSED(&s, bind(&s, dev), -EINVAL);
	uiommu_device_remove(dev);
	/* It is not alone. */
	cfg.routes_by_address = false;
	dev = add(&s, FREE_ID, &cfg);
	cfg.group_with = dev;
	mate = add(&s, FREE_ID + 1, &cfg);
	REFUSED(&s, bind(&s, dev), -EINVAL);
	REFUSED(&s, bind(&s, mate), -EINVAL);
	uiommu_device_remove(mate);
	uiommu_device_remove(dev);
	uiommu_sva_unbind(NULL);
	scene_close(&s);
}

/* Alone it may, and then it stays alone. */
static void no_second_one_comes(void **state)
{
	uint32_t id = FREE_ID + 1;
	struct uiommu_device_cfg cfg = {
		.hw = { .pasid_bits = 8, .stall = true },
	};
	struct uiommu_device *dev, *mate = NULL;
	struct scene s;

	scene_open(&s, machine_ok("testep"));
	dev = add(&s, FREE_ID, &cfg);
	assert_int_equal(bind(&s, dev), 0);
	cfg.group_with = dev;
	cfg.hw.name = "late";
	cfg.hw.ids = &id;
	cfg.hw.nr_ids = 1;
	REFUSED(&s,
		uiommu_device_add(uiommu_machine_core(s.machine),
				  uiommu_device_unit(s.dev), &cfg, &mate),
		-EBUSY);
	assert_null(mate);
	uiommu_sva_unbind(s.sva);
	s.sva = NULL;
	assert_int_equal(uiommu_device_add(uiommu_machine_core(s.machine),
					   uiommu_device_unit(s.dev), &cfg,
					   &mate),
			 0);
	REFUSED(&s, bind(&s, dev), -EINVAL);
	uiommu_device_remove(mate);
	uiommu_device_remove(dev);
	scene_close(&s);
}

/* The PASID is bind's, and a number that others have is not bind's. */
static void beside_pasids_by_number(void **state)
{
	struct uiommu_domain *plain;
	struct sva_client d;
	uint32_t pasid;
	struct scene s;

	scene_open(&s, machine_ok("testep"));
	sva_open_unbound_ok(&d, s.machine, 0);
	assert_int_equal(uiommu_domain_alloc(d.dev, &plain), 0);
	assert_int_equal(uiommu_device_pasid_attach(d.dev, 1, plain), 0);
	REFUSED(&s, bind(&s, d.dev), -EBUSY);
	uiommu_device_pasid_detach(d.dev, 1);

	assert_int_equal(bind(&s, d.dev), 0);
	pasid = uiommu_sva_pasid(s.sva);
	assert_int_equal(look(&s, &d, pasid), 0x5a);
	REFUSED(&s, uiommu_device_pasid_attach(d.dev, pasid, plain), -EBUSY);
	REFUSED(&s, uiommu_device_pasid_replace(d.dev, pasid, plain), -EBUSY);
	REFUSED(&s,
		uiommu_group_pasid_replace(uiommu_device_group(d.dev), pasid,
					   plain),
		-EBUSY);
	NOTHING(&s, uiommu_device_pasid_detach(d.dev, pasid));
	/* Nobody maps there, nor uses it without a PASID. */
	{
		struct uiommu_domain *dom =
			uiommu_device_pasid_domain(d.dev, pasid);
		uint64_t n;

		REFUSED(&s, uiommu_domain_map(dom, 0, 0, PAGE, RW), -EINVAL);
		REFUSED(&s, uiommu_domain_unmap(dom, 0, PAGE, &n), -EINVAL);
		REFUSED(&s,
			uiommu_group_replace(uiommu_device_group(d.dev), dom),
			-EINVAL);
		REFUSED(&s, uiommu_sva_invalidate(dom, 0, PAGE), -EINVAL);
	}
	assert_int_equal(look(&s, &d, pasid), 0x5a);
	/* Another PASID of the device is another matter. */
	assert_int_equal(uiommu_device_pasid_attach(d.dev, pasid + 1, plain),
			 0);
	uiommu_sva_unbind(s.sva);
	s.sva = NULL;
	assert_int_equal(look(&s, &d, pasid), 0);
	uiommu_device_pasid_detach(d.dev, pasid + 1);
	uiommu_domain_free(plain);
	client_close(&d.c);
	scene_close(&s);
}

/* Its owner leaves and has not unbound; the next one starts anew. */
static void an_owner_leaves(void **state)
{
	struct uiommu_sva *old;
	struct sva_client d;
	struct scene s;
	uint32_t pasid;

	scene_open(&s, machine_ok("testep"));
	sva_open_ok(&d, s.machine, 0);
	old = d.sva;
	pasid = uiommu_sva_pasid(old);
	assert_int_equal(look(&s, &d, pasid), 0x5a);
	client_close(&d.c);
	assert_int_equal(uiommu_device_nr_pasids(d.dev), 0);
	sva_open_ok(&d, s.machine, 0);
	assert_int_equal(look(&s, &d, pasid), 0x5a);
	uiommu_sva_unbind(old);
	assert_int_equal(look(&s, &d, pasid), 0x5a);
	uiommu_sva_unbind(d.sva);
	assert_int_equal(look(&s, &d, pasid), 0);
	client_close(&d.c);
	scene_close(&s);
}

/* ---------------------------------------------------------- several SMMUs -- */

/* One domain behind all of them; whoever goes does not disturb the others. */
static void behind_several_smmus(void **state)
{
	struct sva_client d[UNITS];
	struct scene s;
	uint32_t pasid;

	scene_open(&s, machine_of_ok("tests/flow/units.dtb"));
	for (unsigned int i = 0; i < UNITS; i++)
		sva_open_ok(&d[i], s.machine, i);
	pasid = uiommu_sva_pasid(d[0].sva);
	for (unsigned int i = 0; i < UNITS; i++) {
		assert_int_equal(uiommu_sva_pasid(d[i].sva), pasid);
		assert_ptr_equal(uiommu_device_pasid_domain(d[i].dev, pasid),
				 uiommu_device_pasid_domain(d[0].dev, pasid));
	}
	/* The one whose SMMU the domain was made for is the first to go. */
	for (unsigned int gone = 0; gone <= UNITS; gone++) {
		*s.word = 0x50 + gone;
		for (unsigned int i = 0; i < UNITS; i++)
			assert_int_equal(look(&s, &d[i], pasid),
					 i < gone ? 0 : 0x50 + gone);
		/* The page goes from all of them, out of ATC and TLB. */
		assert_int_equal(mprotect(s.word, PAGE, PROT_NONE), 0);
		for (unsigned int i = 0; i < UNITS; i++)
			assert_int_equal(look(&s, &d[i], pasid), 0);
		assert_int_equal(mprotect(s.word, PAGE, PROT_READ | PROT_WRITE),
				 0);
		if (gone < UNITS)
			uiommu_sva_unbind(d[gone].sva);
	}
	for (unsigned int i = 0; i < UNITS; i++)
		client_close(&d[i].c);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_may_not),
		cmocka_unit_test(no_second_one_comes),
		cmocka_unit_test(beside_pasids_by_number),
		cmocka_unit_test(an_owner_leaves),
		cmocka_unit_test(behind_several_smmus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
