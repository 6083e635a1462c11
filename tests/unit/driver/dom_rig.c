/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dom_rig.h"

struct fake_smmu *fake;
struct uiommu_unit *unit;
const struct uiommu_driver_ops *ops;
bool patient;
uint8_t domain_oas;

void start(void (*tweak)(void))
{
	struct uiommu_smmuv3_cfg cfg;

	fake = malloc(sizeof(*fake));
	fake_smmu_init(fake);
	if (tweak)
		tweak();
	cfg = fake_smmu_cfg(fake);
	cfg.domain_oas = domain_oas;
	if (patient)
		cfg.timeout_ns = UINT64_C(60000000000);
	assert_int_equal(uiommu_smmuv3_probe(&cfg, &unit), 0);
	ops = unit->ops;
	fake->nr = 0;
}

int setup(void **state)
{
	start(NULL);
	return 0;
}

int teardown(void **state)
{
	ops->remove(unit);
	assert_int_equal(fake->bad_writes, 0);
	assert_int_equal(fake->bad_commands, 0);
	assert_int_equal(fake->tp.live_tables, 0);
	assert_int_equal(fake->tp.live_objs, 0);
	fake_smmu_fini(fake);
	free(fake);
	return 0;
}

int add(const uint32_t *ids, unsigned int nr, struct uiommu_hwdev **dev)
{
	struct uiommu_hwdev_cfg cfg = { .name = "d", .ids = ids, .nr_ids = nr };

	return ops->dev_add(unit, &cfg, dev);
}

struct uiommu_hwdev *pasid_device(uint32_t sid, uint8_t pasid_bits)
{
	struct uiommu_hwdev_cfg cfg = {
		.name = "d", .ids = &sid, .nr_ids = 1, .pasid_bits = pasid_bits
	};
	struct uiommu_hwdev *dev;

	assert_int_equal(ops->dev_add(unit, &cfg, &dev), 0);
	return dev;
}

struct uiommu_hwdev *device(uint32_t sid)
{
	return pasid_device(sid, 0);
}

struct uiommu_hwdom *domain_of(const struct uiommu_dom_cfg *cfg)
{
	struct uiommu_hwdom *dom;

	assert_int_equal(ops->dom_alloc(unit, cfg, &dom), 0);
	assert_int_equal(dom->type, cfg->type);
	assert_ptr_equal(dom->unit, unit);
	return dom;
}

struct uiommu_hwdom *domain(enum uiommu_dom_type type)
{
	struct uiommu_dom_cfg cfg = { type };

	return domain_of(&cfg);
}

uint64_t ste0(uint32_t sid)
{
	uint64_t ste[8];

	assert_true(fake_smmu_ste(fake, sid, ste));
	return ste[0];
}

/* Word i of the CD that the STE leads to. */
uint64_t cd_word(uint32_t sid, unsigned int i)
{
	assert_int_equal(ste0(sid) & 0xf, 0xb);
	return fake_smmu_mem(fake, (ste0(sid) & 0x00ffffffffffffc0) + i * 8);
}

uint32_t count(unsigned int op)
{
	return fake_smmu_count(fake, 0, op);
}
