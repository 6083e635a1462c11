/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of the core with the nth allocation or the nth pinning failing, for
 * each n, over the driver and the model: what there is and what the hardware
 * reads is the same byte for byte after the call as before it, and devices reach
 * what they reached.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <uiommu/core.h>

#include "driver_rig.h"

#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE)
#define IOVA UINT64_C(0x7f0000000)
#define BLOCK UINT64_C(0x200000)
#define FAULT 0xdeadull
#define NR_DEVS 3 /* StreamIDs 8, 9 (together) and 10 */
#define DOORBELL UINT64_C(0x9000040)

static struct rig_cfg cfg;
static struct rig *rig;
static struct uiommu_core *core;
static struct uiommu_device *dev[NR_DEVS];

/* Memory of the rig at its own addresses; the nth pinning may fail. */
static struct uiommu_mm mm;
static uint64_t pins, pins_left;

static int mm_pin(void *ctx, uint64_t uva, uint64_t len, uint32_t flags,
		  struct uiommu_run *run)
{
	if (pins_left && !--pins_left)
		return -EFAULT;
	*run = (struct uiommu_run){ .pa = uva,
				    .len = len > BLOCK ? BLOCK : len };
	pins += run->len;
	return 0;
}

static void mm_unpin(void *ctx, uiommu_pa_t pa, uint64_t len, uint32_t flags)
{
	assert_true(pins >= len);
	pins -= len;
}

static int add(uint32_t sid, struct uiommu_device *with,
	       struct uiommu_device **out)
{
	const struct uiommu_device_cfg device = {
		.hw = { .name = "dev",
			.ids = &sid,
			.nr_ids = 1,
			.pasid_bits = sid == 10 ? 20 : 0 },
		.group_with = with,
	};

	return uiommu_device_add(core, rig->unit, &device, out);
}

static int setup(void **state)
{
	struct uiommu_core_cfg config = { 0 };

	rig_default(&cfg);
	cfg.profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	cfg.ram_size = 16u << 20;
	rig = rig_create(&cfg);
	rig->unit->ops->remove(rig->unit);
	config.platform = rig->platform;
	assert_int_equal(uiommu_core_create(&config, &core), 0);
	cfg.driver.host = &uiommu_core_host_ops;
	cfg.driver.host_ctx = core;
	assert_int_equal(rig_probe(rig, &cfg), 0);
	assert_int_equal(uiommu_core_add_unit(core, rig->unit), 0);
	for (unsigned int i = 0; i < NR_DEVS; i++)
		assert_int_equal(add(8 + i, i == 1 ? dev[0] : NULL, &dev[i]),
				 0);
	mm = (struct uiommu_mm){ .pin = mm_pin, .unpin = mm_unpin };
	return 0;
}

static int teardown(void **state)
{
	for (unsigned int i = 0; i < NR_DEVS; i++)
		uiommu_device_remove(dev[i]);
	uiommu_core_destroy(core);
	rig->unit = NULL;
	assert_int_equal(pins, 0);
	rig_destroy(rig);
	return 0;
}

/* --------------------------------------------------------------- judging */

struct scene {
	struct uiommu_ioas *ioas, *from;
	struct uiommu_domain *a, *b, *made;
	struct uiommu_group *group;
	struct uiommu_device *device;
	uiommu_iova_t iova;
	uint32_t pasid;
};

struct call {
	const char *name;
	int (*run)(struct scene *s);
	void (*undo)(struct scene *s);
	unsigned int least;	 /* times that it fails for want of memory */
	unsigned int least_pins; /* and of a pin */
};

/* How often it did. */
struct tally {
	unsigned int failed, pins;
};

static void print_line(void *ctx, const char *line, size_t len)
{
	assert_int_equal(fwrite(line, 1, len, ctx), len);
}

/* Objects, tables and what devices read at IOVA. */
static char *look(void)
{
	struct uiommu_dump dump = {
		.parts = UIOMMU_DUMP_OBJECTS | UIOMMU_DUMP_TABLES,
		.write = print_line,
	};
	char *text = NULL;
	size_t len;

	dump.ctx = open_memstream(&text, &len);
	assert_non_null(dump.ctx);
	uiommu_core_dump(core, &dump);
	assert_int_equal(uiommu_smmuv3_model_dump(rig->model, &dump), 0);
	fprintf(dump.ctx, "pins %llu\n", (unsigned long long)pins);
	for (uint32_t sid = 8; sid < 8 + NR_DEVS; sid++) {
		uint64_t word = 0;

		if (rig_dma_read(rig, sid, IOVA, &word, 8))
			word = FAULT;
		fprintf(dump.ctx, "%u reads %llx\n", sid,
			(unsigned long long)word);
	}
	fclose(dump.ctx);
	return text;
}

static void expect_same(const struct call *call, const char *what,
			unsigned int n, const char *was)
{
	char *is = look();

	if (strcmp(is, was))
		print_error("%s, %s %u: before\n%safter\n%s", call->name, what,
			    n, was, is);
	assert_string_equal(is, was);
	free(is);
}

/* The call fails for each n, is done in the end, and then undone. */
static unsigned int try_each(struct scene *s, const struct call *call,
			     bool pinning)
{
	char *was = look();
	unsigned int n, failed = 0;

	for (n = 1;; n++) {
		bool fired;
		int rc;

		if (pinning)
			pins_left = n;
		else
			(void)uiommu_host_fail_nth(rig->host, n);
		rc = call->run(s);
		fired = pinning ? !pins_left
				: uiommu_host_fail_nth(rig->host, 0);
		pins_left = 0;
		if (!rc && !fired)
			break;
		if (!rc) {
			call->undo(s);
		} else {
			if (!fired)
				print_error("%s: %d\n", call->name, rc);
			assert_true(fired);
			assert_int_equal(rc, pinning ? -EFAULT : -ENOMEM);
			failed++;
		}
		expect_same(call, pinning ? "pinning" : "allocation", n, was);
	}
	call->undo(s);
	free(was);
	return failed;
}

static void try(struct scene *s, const struct call *call, struct tally *tally)
{
	tally->failed += try_each(s, call, false);
	tally->pins += try_each(s, call, true);
}

static void expect_tally(const struct call *call, const struct tally *tally)
{
	if (tally->failed < call->least || tally->pins < call->least_pins)
		print_error("%s: %u failures, %u of pins\n", call->name,
			    tally->failed, tally->pins);
	assert_true(tally->failed >= call->least);
	assert_true(tally->pins >= call->least_pins);
}

static void try_at_least(struct scene *s, const struct call *call)
{
	struct tally tally = { 0 };

	try(s, call, &tally);
	expect_tally(call, &tally);
}

/* ----------------------------------------------------------- devices ----- */

static int add_alone(struct scene *s)
{
	return add(0x1234, NULL, &s->device);
}

static int add_beside(struct scene *s)
{
	return add(0x1234, dev[2], &s->device);
}

static void remove_it(struct scene *s)
{
	uiommu_device_remove(s->device);
}

static void devices(void **state)
{
	static const struct call calls[] = {
		{ "device_add", add_alone, remove_it, 5 },
		{ "device_add to a group", add_beside, remove_it, 4 },
	};
	struct scene s = { 0 };

	for (unsigned int i = 0; i < 2; i++)
		try_at_least(&s, &calls[i]);
}

/* ---------------------------------------------------------- attaching ---- */

static struct uiommu_ioas *ioas_new(void)
{
	struct uiommu_ioas *ioas;

	assert_int_equal(uiommu_ioas_create(core, &ioas), 0);
	return ioas;
}

static struct uiommu_domain *domain_new(void)
{
	struct uiommu_domain *dom;

	assert_int_equal(uiommu_domain_alloc(dev[0], &dom), 0);
	return dom;
}

static void *block(unsigned int i)
{
	uintptr_t first = ((uintptr_t)rig->ram + BLOCK - 1) & ~(BLOCK - 1);

	return (void *)(first + i * BLOCK);
}

static void map(struct uiommu_ioas *ioas, unsigned int i, uint64_t len,
		uint64_t iova)
{
	*(uint64_t *)block(i) = 0x100 + i;
	assert_int_equal(uiommu_ioas_map(ioas, &mm, (uintptr_t)block(i), len,
					 RW, UIOMMU_IOAS_FIXED_IOVA, &iova),
			 0);
}

static int alloc_it(struct scene *s)
{
	return uiommu_domain_alloc(dev[0], &s->made);
}

static void free_it(struct scene *s)
{
	uiommu_domain_free(s->made);
}

static int attach_a(struct scene *s)
{
	return uiommu_group_attach(s->group, s->a);
}

static void detach(struct scene *s)
{
	uiommu_group_detach(s->group);
}

static int replace_by_b(struct scene *s)
{
	return uiommu_group_replace(s->group, s->b);
}

static void replace_by_a(struct scene *s)
{
	assert_int_equal(uiommu_group_replace(s->group, s->a), 0);
}

static int map_doorbell(struct scene *s)
{
	return uiommu_group_msi_map(s->group, DOORBELL, &s->iova);
}

static void groups(void **state)
{
	static const struct call calls[] = {
		{ "domain_alloc", alloc_it, free_it, 4 },
		{ "group_attach", attach_a, detach, 1 },
	};
	static const struct call replace = { "group_replace", replace_by_b,
					     replace_by_a, 1 };
	struct uiommu_ioas *one = ioas_new(), *two = ioas_new();
	struct scene s = {
		.a = domain_new(),
		.b = domain_new(),
		.group = uiommu_device_group(dev[0]),
	};

	map(one, 0, BLOCK, IOVA & ~(BLOCK - 1));
	map(two, 1, BLOCK, IOVA & ~(BLOCK - 1));
	assert_int_equal(uiommu_ioas_add_domain(one, s.a), 0);
	assert_int_equal(uiommu_ioas_add_domain(two, s.b), 0);
	for (unsigned int i = 0; i < 2; i++)
		try_at_least(&s, &calls[i]);
	assert_int_equal(attach_a(&s), 0);
	try_at_least(&s, &replace);
	detach(&s);
	uiommu_ioas_remove_domain(one, s.a);
	uiommu_ioas_remove_domain(two, s.b);
	uiommu_ioas_destroy(one);
	uiommu_ioas_destroy(two);
	uiommu_domain_free(s.a);
	uiommu_domain_free(s.b);
}

/* A domain that has a doorbell keeps it, so what is done is not undone. */
static void doorbell_in(struct scene *s, const char *line)
{
	static const struct call call = { "msi_map" };
	unsigned int n;
	char *was;
	int rc;

	was = look();
	for (n = 1;; n++) {
		(void)uiommu_host_fail_nth(rig->host, n);
		rc = map_doorbell(s);
		if (!uiommu_host_fail_nth(rig->host, 0))
			break;
		assert_int_equal(rc, -ENOMEM);
		expect_same(&call, "allocation", n, was);
	}
	assert_true(n > 1);
	assert_int_equal(rc, 0);
	free(was);
	was = look();
	assert_non_null(strstr(was, line));
	free(was);
}

static void doorbells(void **state)
{
	struct scene s = {
		.a = domain_new(),
		.group = uiommu_device_group(dev[0]),
	};

	assert_int_equal(attach_a(&s), 0);
	doorbell_in(&s, "doorbell slot=0 window=0x8000000");
	detach(&s);
	uiommu_domain_free(s.a);
}

static int bind_msi(struct scene *s)
{
	return uiommu_bind_guest_msi(s->a, 0x55000, 0x9090000, 12);
}

static void unbind_msi(struct scene *s)
{
	assert_int_equal(uiommu_unbind_guest_msi(s->a, 0x55000), 0);
}

static void doorbells_of_a_guest(void **state)
{
	static const struct call bind = { "bind_guest_msi", bind_msi,
					  unbind_msi, 1 };
	static const struct uiommu_domain_cfg parent = {
		.hw = { .type = UIOMMU_DOM_PAGING,
			.stage = UIOMMU_STAGE_2,
			.flags = UIOMMU_DOM_NEST_PARENT },
	};
	struct scene s = { .group = uiommu_device_group(dev[0]) };

	assert_int_equal(uiommu_domain_alloc_cfg(dev[0], &parent, &s.a), 0);
	assert_int_equal(attach_a(&s), 0);
	try_at_least(&s, &bind);
	assert_int_equal(bind_msi(&s), 0);
	doorbell_in(&s, "guest_doorbell iova=0x55000 gpa=0x9090000 "
			"granule=12 slot=0");
	unbind_msi(&s);
	detach(&s);
	uiommu_domain_free(s.a);
}

/* -------------------------------------------------------------- PASIDs -- */

static int pasid_a(struct scene *s)
{
	return uiommu_device_pasid_attach(dev[2], s->pasid, s->a);
}

static void no_pasid(struct scene *s)
{
	uiommu_device_pasid_detach(dev[2], s->pasid);
}

static int pasid_b(struct scene *s)
{
	return uiommu_device_pasid_replace(dev[2], s->pasid, s->b);
}

static void pasid_a_again(struct scene *s)
{
	assert_int_equal(uiommu_device_pasid_replace(dev[2], s->pasid, s->a),
			 0);
}

static int attach_aux(struct scene *s)
{
	return uiommu_aux_attach(s->made, dev[2]);
}

static void detach_aux(struct scene *s)
{
	uiommu_aux_detach(s->made, dev[2]);
}

/* Each PASID brings the device's table, or the group's, to a new size. */
static void pasids(void **state)
{
	static const uint32_t numbers[] = { 1, 2, 3, 4, 64, 1000, 0x80000 };
	static const struct call attach = { "pasid_attach", pasid_a, no_pasid,
					    0 };
	static const struct call replace = { "pasid_replace", pasid_b,
					     pasid_a_again, 0 };
	static const struct call aux = { "aux_attach", attach_aux, detach_aux,
					 1 };
	struct scene s = {
		.a = domain_new(),
		.b = domain_new(),
		.made = domain_new(),
		.group = uiommu_device_group(dev[2]),
	};
	struct tally all = { 0 }, of_aux = { 0 };

	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < 7; i++) {
			s.pasid = numbers[i];
			try(&s, &attach, &all);
			assert_int_equal(pasid_a(&s), 0);
			try(&s, &replace, &all);
		}
		for (unsigned int i = 0; i < 7; i++)
			uiommu_device_pasid_detach(dev[2], numbers[i]);
		/* Once more beside a domain of the device's own. */
		if (!round)
			assert_int_equal(uiommu_group_attach(s.group, s.b), 0);
	}
	assert_int_equal(uiommu_dev_enable_feature(dev[2], UIOMMU_DEV_FEAT_AUX),
			 0);
	try(&s, &aux, &of_aux);
	expect_tally(&aux, &of_aux);
	assert_int_equal(
		uiommu_dev_disable_feature(dev[2], UIOMMU_DEV_FEAT_AUX), 0);
	assert_true(all.failed + of_aux.failed >= 10);
	detach(&s);
	uiommu_domain_free(s.made);
	uiommu_domain_free(s.a);
	uiommu_domain_free(s.b);
}

/* ------------------------------------------------------- address spaces -- */

static int create_it(struct scene *s)
{
	return uiommu_ioas_create(core, &s->from);
}

static void destroy_it(struct scene *s)
{
	uiommu_ioas_destroy(s->from);
}

/* Over the end of a table at two levels. */
static int map_across(struct scene *s)
{
	s->iova = (UINT64_C(3) << 39) - BLOCK / 2;
	return uiommu_ioas_map(s->ioas, &mm, (uintptr_t)block(2), 2 * BLOCK, RW,
			       UIOMMU_IOAS_FIXED_IOVA, &s->iova);
}

static int map_anywhere(struct scene *s)
{
	return uiommu_ioas_map(s->ioas, &mm, (uintptr_t)block(2), 2 * BLOCK, RW,
			       0, &s->iova);
}

static int copy_there(struct scene *s)
{
	return uiommu_ioas_copy(s->ioas, s->ioas, IOVA & ~(BLOCK - 1), BLOCK,
				RW, 0, &s->iova);
}

static void unmap_it(struct scene *s)
{
	uint64_t unmapped;

	assert_int_equal(uiommu_ioas_unmap(s->ioas, s->iova, 1, &unmapped),
			 -ENOENT);
	assert_int_equal(
		uiommu_ioas_unmap(s->ioas, s->iova, 2 * BLOCK, &unmapped), 0);
}

static int join_b(struct scene *s)
{
	return uiommu_ioas_add_domain(s->ioas, s->b);
}

static void leave_b(struct scene *s)
{
	uiommu_ioas_remove_domain(s->ioas, s->b);
}

static int reserve(struct scene *s)
{
	return uiommu_ioas_reserve_device(s->ioas, dev[2]);
}

static void unreserve(struct scene *s)
{
	uiommu_ioas_unreserve_device(s->ioas, dev[2]);
}

static int allow(struct scene *s)
{
	const struct uiommu_range ranges[] = {
		{ 0x100000, UINT64_C(0xffffffffff) },
	};

	return uiommu_ioas_allow_iovas(s->ioas, ranges, 1);
}

static void allow_all(struct scene *s)
{
	assert_int_equal(uiommu_ioas_allow_iovas(s->ioas, NULL, 0), 0);
}

static void address_spaces(void **state)
{
	static const struct call calls[] = {
		{ "ioas_create", create_it, destroy_it, 1 },
		{ "map", map_across, unmap_it, 5, 1 },
		{ "map anywhere", map_anywhere, unmap_it, 3, 1 },
		{ "copy", copy_there, unmap_it, 1 },
		{ "add_domain", join_b, leave_b, 3, 1 },
		{ "reserve", reserve, unreserve, 1 },
		{ "allow", allow, allow_all, 1 },
	};
	enum {
		NR_CALLS = sizeof(calls) / sizeof(calls[0])
	};
	struct tally tally[NR_CALLS] = { 0 };
	struct scene s = {
		.ioas = ioas_new(),
		.a = domain_new(),
		.b = domain_new(),
		.group = uiommu_device_group(dev[0]),
	};

	map(s.ioas, 0, 2 * BLOCK, IOVA & ~(BLOCK - 1));
	/* Without a domain, and with one. */
	for (unsigned int round = 0; round < 2; round++) {
		for (unsigned int i = 0; i < NR_CALLS; i++)
			try(&s, &calls[i], &tally[i]);
		if (round)
			break;
		assert_int_equal(uiommu_ioas_add_domain(s.ioas, s.a), 0);
		assert_int_equal(attach_a(&s), 0);
	}
	for (unsigned int i = 0; i < NR_CALLS; i++)
		expect_tally(&calls[i], &tally[i]);
	detach(&s);
	uiommu_ioas_remove_domain(s.ioas, s.a);
	uiommu_ioas_destroy(s.ioas);
	uiommu_domain_free(s.a);
	uiommu_domain_free(s.b);
}

/* An area cut in two while a block lies across: to unmap half splits it. */
static void unmapping_half_a_block(void **state)
{
	static const struct call name = { .name = "unmap" };
	struct scene s = {
		.ioas = ioas_new(),
		.a = domain_new(),
		.b = domain_new(),
		.group = uiommu_device_group(dev[0]),
	};
	unsigned int failed = 0;
	uint64_t at = IOVA & ~(BLOCK - 1), unmapped;
	char *was;
	int rc;

	map(s.ioas, 0, BLOCK, at);
	assert_int_equal(uiommu_ioas_add_domain(s.ioas, s.a), 0);
	assert_int_equal(uiommu_ioas_add_domain(s.ioas, s.b), 0);
	assert_int_equal(attach_a(&s), 0);
	was = look();
	for (unsigned int n = 1;; n++) {
		(void)uiommu_host_fail_nth(rig->host, n);
		rc = uiommu_ioas_cut(s.ioas, at + BLOCK / 2);
		if (!uiommu_host_fail_nth(rig->host, 0))
			break;
		assert_int_equal(rc, -ENOMEM);
		failed++;
		expect_same(&name, "cut", n, was);
	}
	assert_int_equal(rc, 0);
	assert_true(failed >= 1);
	failed = 0;
	free(was);
	was = look();
	for (unsigned int n = 1;; n++) {
		(void)uiommu_host_fail_nth(rig->host, n);
		rc = uiommu_ioas_unmap(s.ioas, at, BLOCK / 2, &unmapped);
		if (!uiommu_host_fail_nth(rig->host, 0))
			break;
		assert_int_equal(rc, -ENOMEM);
		assert_int_equal(unmapped, 0);
		failed++;
		/* It may have been split, which is no change to a device. */
		free(was);
		was = look();
		assert_non_null(strstr(was, "8 reads 100\n"));
	}
	assert_int_equal(rc, 0);
	assert_true(failed >= 1);
	free(was);
	detach(&s);
	uiommu_ioas_remove_domain(s.ioas, s.a);
	uiommu_ioas_remove_domain(s.ioas, s.b);
	uiommu_ioas_destroy(s.ioas);
	uiommu_domain_free(s.a);
	uiommu_domain_free(s.b);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(devices),
		T(groups),
		T(doorbells),
		T(doorbells_of_a_guest),
		T(pasids),
		T(address_spaces),
		T(unmapping_half_a_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
