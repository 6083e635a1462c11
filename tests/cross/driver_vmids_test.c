/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An SMMU with VMIDs of 8 bits, and more guests than it can tell from each other:
 * whom there is no VMID for is refused, none is shared, and one that was given back
 * brings nothing of its last owner along.
 */
#include <stdio.h>
#include <stdlib.h>

#include "nested_guest.h"

#define NR_VMIDS 255u /* 0 is that of the host's stage 1 */
#define WANTED 300u
#define SMALL_SID 0x100u
#define SMALL_PAGE(i) \
	(4u * GUEST_PAGES + (i)) /* after those of guests 0 to 3 */

/* A guest with one page, and a device that gets to it without stage 1. */
struct small {
	struct uiommu_hwdev *dev;
	struct uiommu_hwdom *parent, *passes;
	struct uiommu_hwviommu *viommu;
};

static struct {
	struct uiommu_platform platform; /* the rig's, but for the log */
	unsigned int lines, of_vmids;
} said;

static void on_log(void *ctx, enum uiommu_log_level level, const char *msg)
{
	if (level > UIOMMU_LOG_WARN)
		return;
	said.lines++;
	said.of_vmids += !!strstr(msg, "all VMIDs are in use");
}

static struct rig *open_narrow(void)
{
	struct rig_cfg cfg;
	struct rig *rig;

	rig_default(&cfg);
	cfg.profile = *uiommu_smmuv3_profile_find("full-8");
	cfg.profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	cfg.no_probe = true;
	rig = rig_create(&cfg);
	memset(&said, 0, sizeof(said));
	said.platform = *rig->platform;
	said.platform.log = on_log;
	rig->platform = &said.platform;
	assert_int_equal(rig_probe(rig, &cfg), 0);
	return rig;
}

static int small_open(struct rig *rig, struct small *s, unsigned int nr)
{
	const struct uiommu_dom_cfg s2 = { .type = UIOMMU_DOM_PAGING,
					   .stage = UIOMMU_STAGE_2,
					   .flags = UIOMMU_DOM_NEST_PARENT };
	const struct uiommu_viommu_cfg cfg = { .id = 100 + nr };
	const struct uiommu_hwpt_smmuv3 ste = { { 0x9 } };
	const struct uiommu_user_data data = {
		.type = UIOMMU_HWPT_DATA_ARM_SMMUV3,
		.len = sizeof(ste),
		.at = (uintptr_t)&ste,
	};
	int rc;

	s->dev = rig_device(rig, SMALL_SID + nr);
	assert_int_equal(rig->unit->ops->dom_alloc(rig->unit, &s2, &s->parent),
			 0);
	*rig_word(rig, SMALL_PAGE(nr)) = nr;
	rig_map(s->parent, RAM, rig_word(rig, SMALL_PAGE(nr)), RIG_PAGE, RW);
	rc = nops_of(rig)->viommu_alloc(s->dev, s->parent,
					UIOMMU_VIOMMU_TYPE_ARM_SMMUV3, &cfg,
					&s->viommu);
	if (rc) {
		rig->unit->ops->dom_free(s->parent);
		rig->unit->ops->dev_remove(s->dev);
		return rc;
	}
	assert_int_equal(nops_of(rig)->viommu_dom_alloc(s->viommu, 0, &data,
							&s->passes),
			 0);
	rig_attach(s->passes, s->dev);
	return 0;
}

static void small_close(struct rig *rig, struct small *s)
{
	rig->unit->ops->dev_remove(s->dev);
	rig->unit->ops->dom_free(s->passes);
	nops_of(rig)->viommu_free(s->viommu);
	rig->unit->ops->dom_free(s->parent);
}

/* What live entries say, a mark at each; none is there twice. */
static unsigned int live_vmids(struct rig *rig, bool used[256])
{
	static const char name[] = "S2VMID=";
	char *text = rig_dump(rig);
	unsigned int nr = 0;

	memset(used, 0, 256);
	for (const char *at = text; (at = strstr(at, name)); nr++) {
		unsigned long vmid = strtoul(at += strlen(name), NULL, 0);

		assert_in_range(vmid, 1, NR_VMIDS);
		assert_false(used[vmid]);
		used[vmid] = true;
	}
	free(text);
	return nr;
}

static uint64_t misses(struct rig *rig)
{
	return rig_stats(rig).tlb_misses;
}

static void each_reaches_its_own(struct rig *rig, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(
			rig_peek(rig, SMALL_SID + i, UIOMMU_NO_PASID, RAM), i);
}

static void the_next_is_refused(void **state)
{
	struct small *s = calloc(WANTED, sizeof(*s));
	struct rig *rig = open_narrow();
	bool used[256], again[256];
	unsigned int nr = 0;
	uint64_t before;

	assert_non_null(s);
	for (unsigned int i = 0; i < WANTED; i++) {
		int rc = small_open(rig, &s[nr], nr);

		assert_int_equal(rc, i < NR_VMIDS ? 0 : -ENOSPC);
		nr += !rc;
	}
	assert_int_equal(nr, NR_VMIDS);
	assert_int_equal(said.of_vmids, WANTED - NR_VMIDS);
	assert_int_equal(said.lines, said.of_vmids);
	assert_int_equal(live_vmids(rig, used), NR_VMIDS);
	each_reaches_its_own(rig, nr);
	before = misses(rig);
	each_reaches_its_own(rig, nr);
	assert_int_equal(misses(rig), before);
	/* One that goes makes room for one. */
	for (unsigned int i = 0; i < 3; i++) {
		small_close(rig, &s[nr - 1]);
		assert_int_equal(live_vmids(rig, again), NR_VMIDS - 1);
		assert_int_equal(small_open(rig, &s[nr - 1], nr - 1), 0);
		assert_int_equal(small_open(rig, &s[nr], nr), -ENOSPC);
		assert_int_equal(live_vmids(rig, again), NR_VMIDS);
		assert_memory_equal(used, again, sizeof(used));
		each_reaches_its_own(rig, nr);
	}
	while (nr)
		small_close(rig, &s[--nr]);
	nothing_reported(rig);
	rig_destroy(rig);
	free(s);
}

/*
 * There is but one VMID left; guests with the same contexts at the same addresses
 * have it by turns, with the device of before and with another one.
 */
static void nothing_of_the_last_owner_is_found(void **state)
{
	struct small *s = calloc(NR_VMIDS, sizeof(*s));
	struct rig *rig = open_narrow();
	uint64_t before;
	struct guest g;

	assert_non_null(s);
	for (unsigned int i = 0; i < NR_VMIDS - 1; i++)
		assert_int_equal(small_open(rig, &s[i], i), 0);
	for (unsigned int i = 0; i < 4; i++) {
		guest_open(&g, rig, i % 2);
		assert_int_equal(small_open(rig, &s[NR_VMIDS - 1],
					    NR_VMIDS - 1),
				 -ENOSPC);
		if (i >= 2) {
			/* This time its tables say something else. */
			map(&g, 1, 0, 20 + i);
			map(&g, 2, 0, 30 + i);
		}
		before = misses(rig);
		assert_int_equal(peek(&g, 0), word(&g, i < 2 ? 0 : 20 + i));
		assert_int_equal(peek_pasid(&g, PASID, 0),
				 word(&g, i < 2 ? 10 : 30 + i));
		assert_int_equal(misses(rig), before + 2);
		assert_int_equal(peek(&g, 0), word(&g, i < 2 ? 0 : 20 + i));
		assert_int_equal(misses(rig), before + 2);
		guest_close(&g);
	}
	each_reaches_its_own(rig, NR_VMIDS - 1);
	for (unsigned int i = 0; i < NR_VMIDS - 1; i++)
		small_close(rig, &s[i]);
	nothing_reported(rig);
	rig_destroy(rig);
	free(s);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(the_next_is_refused),
		cmocka_unit_test(nothing_of_the_last_owner_is_found),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
