/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ATCs of devices on a fake SMMU, which here has devices behind it that cache all
 * they may: whenever ATS is on, an ATC holds every translation that the SMMU can
 * give it, and keeps it until a CMD_ATC_INV that the device obeys.  After each
 * call of the driver no ATC that can be used holds what is not in force.
 *
 * The SMMU gives what its tables say, and, until a CFGI, what they said before.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver/smmuv3/unit.h"
#include "dom_rig.h"
#include "hw/smmuv3/regs.h"
#include "hw_view.h"

#define NR_SIDS 2
#define NR_SSIDS 5 /* none, 0 to 3 */
#define NR_DOMS 5

static const uint32_t sids[NR_SIDS] = { 7, 9 };
static const uint32_t ssids[NR_SSIDS] = { HW_NO_SSID, 0, 1, 2, 3 };

/* Sets of page tables that a translation is of: a bit for each root. */
static struct {
	uint64_t key[64];
	unsigned int nr_keys;
	uint64_t given[NR_SIDS][NR_SSIDS]; /* by what the SMMU may have cached */
	uint64_t held[NR_SIDS][NR_SSIDS];  /* by the ATC */
	bool believed[NR_SIDS]; /* by the SMMU, which may have a former STE */
	uint32_t seen;		/* commands */
	/* The device's own enable bit, and how often it was turned. */
	bool on;
	unsigned int turned[2];
	uint32_t deaf;	    /* StreamID that does not obey; 0: none */
	unsigned int naps;  /* obeys again after so many failures; 0: never */
	bool failed;	    /* its CMD_ATC_INV is outstanding */
	unsigned int wrong; /* found where a test cannot end */
} atc;

static struct uiommu_hwdev *dev;
static struct uiommu_hwdom *dom[NR_DOMS]; /* identity, blocked, 2 x s1, s2 */

static uint64_t bit_of(uint64_t key)
{
	unsigned int i;

	for (i = 0; i < atc.nr_keys && atc.key[i] != key; i++)
		;
	if (i == atc.nr_keys)
		atc.key[atc.nr_keys++] = key;
	return 1ull << i;
}

/* Where a translation request ends by the tables in memory; 0: nowhere. */
static uint64_t look(unsigned int s, unsigned int n)
{
	uint64_t ste[8], cd[8];

	switch (hw_look(fake, sids[s], ssids[n], ste, cd)) {
	case HW_BYPASS:
		/* Without stage 1 there is no ATS at all. */
		return ste[0] >> 1 & 1 ? bit_of(1) : 0;
	case HW_STAGE2:
		return bit_of(ste[3]);
	case HW_TRANSLATED:
		return bit_of(cd[1]);
	default:
		return 0;
	}
}

static bool has_eats(unsigned int s)
{
	uint64_t ste[8];

	assert_true(fake_smmu_ste(fake, sids[s], ste));
	return (ste[0] >> 1 & 7) > 4 && (ste[1] >> 28 & 3) == 1;
}

static void fill(void)
{
	for (unsigned int s = 0; s < NR_SIDS; s++) {
		atc.believed[s] |= has_eats(s);
		for (unsigned int n = 0; n < NR_SSIDS; n++) {
			atc.given[s][n] |= look(s, n);
			if (atc.on)
				atc.held[s][n] |= atc.given[s][n];
		}
	}
}

static void obey(const struct smmu_cmd *cmd)
{
	uint32_t sid = (uint32_t)(cmd->q[0] >> 32);
	bool ssv = cmd->q[0] >> 11 & 1, global = cmd->q[0] >> 9 & 1;
	uint32_t ssid = cmd->q[0] >> 12 & 0xfffff;

	/* Nothing but everything is asked of it here. */
	atc.wrong += cmd->q[1] != 0x34;
	for (unsigned int s = 0; s < NR_SIDS; s++)
		for (unsigned int n = 0; n < NR_SSIDS; n++)
			if (sids[s] == sid &&
			    (ssv ? n && (global || ssids[n] == ssid) : !n))
				atc.held[s][n] = 0;
}

static void forget(const struct smmu_cmd *cmd, unsigned int op)
{
	uint32_t sid = (uint32_t)(cmd->q[0] >> 32);
	uint32_t ssid = cmd->q[0] >> 12 & 0xfffff;

	for (unsigned int s = 0; s < NR_SIDS; s++)
		for (unsigned int n = 0; n < NR_SSIDS; n++)
			if (sids[s] == sid &&
			    (op != SMMU_CMD_OP_CFGI_CD || ssids[n] == ssid ||
			     (!n && !ssid)))
				atc.given[s][n] = 0;
}

/* What has been consumed since the last call; then what may be asked anew. */
static void catch_up(void)
{
	for (; atc.seen < fake->nr; atc.seen++) {
		const struct smmu_cmd *cmd = &fake->log[atc.seen % FAKE_LOG];
		unsigned int op = FIELD_GET(SMMU_CMD_0_OP, cmd->q[0]);

		if (op == SMMU_CMD_OP_ATC_INV && cmd->q[0] >> 32 != atc.deaf)
			obey(cmd);
		for (unsigned int s = 0; s < NR_SIDS; s++)
			if (op == SMMU_CMD_OP_CFGI_STE &&
			    cmd->q[0] >> 32 == sids[s])
				atc.believed[s] = false;
		if (op == SMMU_CMD_OP_CFGI_STE || op == SMMU_CMD_OP_CFGI_CD ||
		    op == SMMU_CMD_OP_CFGI_CD_ALL)
			forget(cmd, op);
	}
	fill();
}

/*
 * Before each doorbell: while ATS is on at the device, the SMMU has it too; and
 * flushes tell whoever holds what the SMMU believes.
 */
static void before_write(struct fake_smmu *f, uint32_t off, uint64_t val)
{
	if (off != SMMU_REG_CMDQ_PROD)
		return;
	catch_up();
	for (unsigned int s = 0; s < NR_SIDS; s++) {
		atc.wrong += atc.on && !has_eats(s);
		for (unsigned int n = 0; n < NR_SSIDS; n++)
			atc.wrong += atc.believed[s] && atc.held[s][n] &&
				     !to_smmuv3_dev(dev)->ats_on;
	}
}

static void set_ats(void *ctx, struct uiommu_unit *u, void *cookie, bool enable)
{
	catch_up();
	/* Only an empty ATC is turned on. */
	for (unsigned int s = 0; s < NR_SIDS; s++) {
		atc.wrong += !has_eats(s);
		for (unsigned int n = 0; n < NR_SSIDS && enable; n++)
			atc.wrong += atc.held[s][n] != 0;
	}
	atc.wrong += atc.on == enable;
	atc.on = enable;
	atc.turned[enable]++;
	catch_up();
}

/* A CMD_SYNC finds that the deaf one has not obeyed. */
static uint32_t refuse(struct fake_smmu *f, const struct smmu_cmd *cmd)
{
	unsigned int op = FIELD_GET(SMMU_CMD_0_OP, cmd->q[0]);

	if (op == SMMU_CMD_OP_ATC_INV && cmd->q[0] >> 32 == atc.deaf &&
	    atc.deaf)
		atc.failed = true;
	if (op != SMMU_CMD_OP_SYNC || !atc.failed)
		return 0;
	atc.failed = false;
	if (atc.naps && !--atc.naps)
		atc.deaf = 0;
	return SMMU_CERROR_ATC_INV_SYNC;
}

static const struct uiommu_host_ops host_ops = { .set_ats = set_ats };

static int begin(void **state)
{
	struct uiommu_hwdev_cfg cfg = {
		.name = "d",
		.ids = sids,
		.nr_ids = NR_SIDS,
		.pasid_bits = 8,
		.ats = true,
	};
	struct uiommu_dom_cfg s2 = { .type = UIOMMU_DOM_PAGING,
				     .stage = UIOMMU_STAGE_2 };

	setup(state);
	memset(&atc, 0, sizeof(atc));
	unit->host = &host_ops;
	assert_int_equal(unit->ops->dev_add(unit, &cfg, &dev), 0);
	dom[0] = domain(UIOMMU_DOM_IDENTITY);
	dom[1] = domain(UIOMMU_DOM_BLOCKED);
	dom[2] = domain(UIOMMU_DOM_PAGING);
	dom[3] = domain(UIOMMU_DOM_PAGING);
	assert_int_equal(unit->ops->dom_alloc(unit, &s2, &dom[4]), 0);
	atc.seen = fake->nr;
	fake->before_write = before_write;
	fake->refuse = refuse;
	return 0;
}

static int end(void **state)
{
	unit->ops->dev_remove(dev);
	assert_false(atc.on);
	fake->before_write = NULL;
	for (unsigned int i = 2; i < NR_DOMS; i++)
		unit->ops->dom_free(dom[i]);
	return teardown(state);
}

/* Whoever may use what its ATC holds gets where it would get without. */
static void check(void)
{
	catch_up();
	for (unsigned int s = 0; s < NR_SIDS; s++)
		for (unsigned int n = 0; n < NR_SSIDS; n++) {
			assert_int_equal(atc.given[s][n], look(s, n));
			if (has_eats(s))
				assert_int_equal(atc.held[s][n] & ~look(s, n),
						 0);
		}
	if (dev->ats)
		assert_true(has_eats(0) && has_eats(1));
	assert_int_equal(dev->ats, atc.on);
	assert_int_equal(atc.wrong, 0);
}

static void attach(unsigned int i)
{
	assert_int_equal(unit->ops->attach(dom[i], dev), 0);
	check();
}

static void set_pasid(uint32_t pasid, struct uiommu_hwdom *new,
		      struct uiommu_hwdom *old)
{
	assert_int_equal(unit->ops->set_pasid(new, dev, pasid, old), 0);
	check();
}

/* ---------------------------------------------------------------- tests -- */

/* Beside PASIDs an identity domain has ATS, and the ATC holds it. */
static void identity_is_cached_too(void **state)
{
	set_pasid(1, dom[2], NULL);
	attach(0);
	assert_true(atc.on);
	assert_int_equal(atc.held[0][0], bit_of(1));
	attach(2);
	attach(0);
	attach(1);
	attach(3);
}

/* The way from stage 1 to 2 leads through an entry without ATS. */
static void stages_change_without_ats(void **state)
{
	attach(2);
	assert_int_equal(atc.turned[1], 1);
	attach(4);
	assert_true(atc.on);
	assert_int_equal(atc.turned[0], 1);
	assert_int_equal(atc.turned[1], 2);
	attach(3);
	assert_true(atc.on);
	assert_int_equal(atc.turned[1], 3);
	/* and from one stage-1 domain to another it stays on */
	attach(2);
	assert_int_equal(atc.turned[0], 2);
}

static void random_changes(void)
{
	static unsigned int seed = 1;
	struct uiommu_hwdom *at[4] = { NULL };
	unsigned int nr = 0, s2 = 0;

	for (unsigned int i = 0; i < 2000; i++) {
		unsigned int pasid = (unsigned int)rand_r(&seed) % 4;
		unsigned int to = (unsigned int)rand_r(&seed) % NR_DOMS;
		struct uiommu_hwdom *new = to < 2 ? NULL : dom[to];

		if (!pasid) {
			if (to == 4 && nr)
				continue;
			attach(to);
			s2 = to == 4;
			continue;
		}
		if (to == 4 || (new &&s2) || new == at[pasid])
			continue;
		set_pasid(pasid, new, at[pasid]);
		nr += (new != NULL) - (at[pasid] != NULL);
		at[pasid] = new;
	}
	for (unsigned int pasid = 1; pasid < 4; pasid++)
		if (at[pasid])
			set_pasid(pasid, NULL, at[pasid]);
}

static void nothing_old_is_held(void **state)
{
	random_changes();
	assert_true(atc.turned[1] > 10);
}

/* One that does not obey has no ATS from then on, whatever is attached. */
static void deaf_devices(void **state)
{
	attach(2);
	atc.deaf = 9;
	attach(3);
	assert_false(atc.on);
	assert_false(has_eats(0) || has_eats(1));
	random_changes();
	assert_int_equal(atc.turned[1], 1);
}

/* One time-out may be another device's: it is asked again, for itself. */
static void one_time_out_is_not_enough(void **state)
{
	attach(2);
	atc.deaf = 9;
	atc.naps = 1;
	attach(3);
	assert_true(atc.on);
	assert_int_equal(atc.deaf, 0);
	random_changes();
}

/* What could not be emptied when ATS went off is not turned on again. */
static void deaf_when_turned_off(void **state)
{
	attach(2);
	atc.deaf = 7;
	attach(1);
	assert_false(atc.on);
	attach(3);
	assert_false(atc.on);
	assert_false(has_eats(0));
	atc.deaf = 0;
	attach(2);
	assert_false(atc.on);
}

static unsigned int bells;

/* The SMMU takes in the second doorbell's commands, and goes no further. */
static void stop_at_the_second(struct fake_smmu *f, uint32_t off, uint64_t val)
{
	if (off == SMMU_REG_CMDQ_PROD && ++bells == 2)
		f->hold = true;
}

static void flush_late(void)
{
	bells = 0;
	fake->before_write = stop_at_the_second;
	assert_int_equal(unit->ops->flush_all(dom[2]), -ETIMEDOUT);
	fake->before_write = NULL;
	fake->hold = false;
}

/*
 * PCIe gives a device longer than we wait: the flush has failed, and the device
 * is found when the SMMU gives it up.
 */
static void too_late_for_a_flush(void **state)
{
	attach(2);
	atc.deaf = 7;
	flush_late();
	assert_true(atc.on);
	fake_smmu_run(fake, 16);
	unit->ops->irq(unit, UIOMMU_SMMUV3_IRQ_GERROR);
	assert_false(atc.on);
	assert_false(has_eats(0));
	assert_int_equal(unit->ops->flush_all(dom[2]), 0);
}

/* One that obeys in the end keeps it. */
static void late_but_obedient(void **state)
{
	attach(2);
	flush_late();
	fake_smmu_run(fake, 16);
	fake->before_write = before_write;
	unit->ops->irq(unit, UIOMMU_SMMUV3_IRQ_GERROR);
	assert_true(atc.on);
	check();
	fake->nr = atc.seen = 0;
	unit->ops->irq(unit, UIOMMU_SMMUV3_IRQ_GERROR);
	assert_int_equal(fake->nr, 0);
}

/*
 * The SMMU did not say that it forgot the old entry: a domain that it may lead
 * to is flushed together with it, as the ATC is told by nobody any more.
 */
static void doubtful_entries_go_with_a_flush(void **state)
{
	attach(2);
	fake->before_write = NULL;
	fake->hold = true;
	assert_int_equal(unit->ops->attach(dom[3], dev), -ETIMEDOUT);
	assert_false(atc.on);
	fake->hold = false;
	fake_smmu_run(fake, 1000);
	fake->nr = atc.seen = 0;
	assert_int_equal(unit->ops->flush_all(dom[2]), 0);
	assert_int_equal(count(SMMU_CMD_OP_CFGI_STE_RANGE), 1);
	attach(3);
	assert_true(atc.on);
}

/* The next CMD_CFGI_CD is refused. */
static uint32_t refuse_a_cd(struct fake_smmu *f, const struct smmu_cmd *cmd)
{
	if (FIELD_GET(SMMU_CMD_0_OP, cmd->q[0]) != SMMU_CMD_OP_CFGI_CD)
		return 0;
	f->refuse = refuse;
	return SMMU_CERROR_ILL;
}

/* As before_write; and whoever has a domain keeps it. */
static void before_write_and_on(struct fake_smmu *f, uint32_t off, uint64_t val)
{
	before_write(f, off, val);
	for (unsigned int s = 0; s < NR_SIDS; s++)
		atc.wrong += !look(s, 0) || !look(s, 2);
}

/*
 * After a change that failed the device goes on with what is left, and without
 * ATS: nobody tells its ATC of anything, so its entry must not believe it.  The
 * next change turns ATS on, though entry and table are two words.
 */
static void an_entry_without_ats_after_a_failure(void **state)
{
	struct uiommu_hwdom *all[2] = { dom[3], dom[2] };

	attach(2);
	set_pasid(1, dom[3], NULL);
	assert_true(atc.on && to_smmuv3_dev(dev)->ats_on);
	fake->refuse = refuse_a_cd;
	assert_int_equal(unit->ops->set_pasid(dom[2], dev, 2, NULL), -EIO);
	assert_ptr_equal(fake->refuse, refuse);
	assert_false(atc.on);
	assert_true(look(0, 0) && look(1, 2));
	assert_false(has_eats(0) || has_eats(1));
	check();

	/* A flush of what they use has no ATC to tell. */
	fake->nr = atc.seen = 0;
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(unit->ops->flush_all(all[i]), 0);
	assert_int_equal(count(SMMU_CMD_OP_ATC_INV), 0);

	/* One that needs a larger table. */
	fake->before_write = before_write_and_on;
	set_pasid(100, dom[2], NULL);
	assert_true(atc.on);
	set_pasid(100, NULL, dom[2]);
	fake->before_write = before_write;
	set_pasid(1, NULL, dom[3]);
}

/* Which commands from here on are refused: the nth, and one after that. */
static struct {
	unsigned int nth, next;
	uint32_t code;
	unsigned int seed;
} refusals;

static uint32_t refuse_nth(struct fake_smmu *f, const struct smmu_cmd *cmd)
{
	if (!refusals.nth || --refusals.nth)
		return refuse(f, cmd);
	refusals.nth = refusals.next;
	refusals.next = 0;
	return refusals.code;
}

static unsigned int below(unsigned int n)
{
	return (unsigned int)rand_r(&refusals.seed) % n;
}

/* Where accesses end that find `d`: their set, or nowhere. */
static uint64_t leads_to(struct uiommu_hwdom *d)
{
	struct uiommu_pgtable_info info;

	if (!d || !d->pt)
		return 0;
	uiommu_pgtable_info(d->pt, &info);
	return bit_of(info.root);
}

/* `at`: the domains, by PASID, [0]: without.  True: stopped altogether. */
static bool check_remains(struct uiommu_hwdom *const at[4])
{
	bool stopped = to_smmuv3_dev(dev)->stopped;

	catch_up();
	assert_int_equal(atc.wrong, 0);
	assert_int_equal(dev->ats, atc.on);
	for (unsigned int s = 0; s < NR_SIDS; s++) {
		for (unsigned int n = 0; n < NR_SSIDS; n++) {
			uint64_t found = look(s, n);

			/* PASID 0 is nobody's; identity: by whatever entry. */
			if (n != 1 && (n || at[0] != dom[0]) &&
			    (!n || at[0] != dom[4]))
				assert_int_equal(
					found,
					stopped ? 0
						: leads_to(at[n ? n - 1 : 0]));
			if (!stopped)
				assert_int_equal(atc.given[s][n] & ~found, 0);
			if (has_eats(s))
				assert_int_equal(atc.held[s][n] & ~found, 0);
		}
		assert_true(!has_eats(s) || to_smmuv3_dev(dev)->ats_on);
	}
	return stopped;
}

/* One change, which may fail; `at` is what is left then. */
static bool change_or_fail(struct uiommu_hwdom *at[4], unsigned int pasid,
			   struct uiommu_hwdom *to)
{
	int rc;

	if (pasid)
		rc = unit->ops->set_pasid(to, dev, pasid, at[pasid]);
	else
		rc = unit->ops->attach(to, dev);
	at[pasid] = rc ? NULL : to;
	assert_true(!rc || rc == -EIO);
	assert_true(!rc || pasid || !dev->dom);
	/* In this test the device is not to blame. */
	to_smmuv3_dev(dev)->ats_lost = false;
	return rc;
}

/*
 * Commands of a change that the SMMU refuses, one or two: whatever becomes of
 * the change, the others find what they found, or all are stopped; and no ATC
 * holds what is not in force, unless its entry does not believe it.
 */
static void commands_that_are_refused(void **state)
{
	struct uiommu_hwdom *at[4] = { NULL };
	unsigned int failed = 0, stopped = 0;

	fake->refuse = refuse_nth;
	refusals.seed = 7;
	for (unsigned int i = 0; i < 5000; i++) {
		unsigned int pasid = below(4), to = below(NR_DOMS);
		struct uiommu_hwdom *new = pasid &&to < 2 ? NULL : dom[to];

		if (pasid ? to == 4 || at[0] == dom[4] || new == at[pasid]
			  : to == 4 && (at[1] || at[2] || at[3]))
			continue;
		refusals.nth = below(12);
		refusals.next = below(3) ? 0 : 1 + below(4);
		refusals.code = below(2) ? SMMU_CERROR_ILL : SMMU_CERROR_ABT;
		failed += change_or_fail(at, pasid, new);
		refusals.nth = refusals.next = 0;
		stopped += check_remains(at);
		fake->nr = atc.seen = 0;
	}
	assert_true(failed > 200 && stopped > 20 && atc.turned[1] > 200);
	for (unsigned int pasid = 1; pasid < 4; pasid++)
		if (at[pasid])
			assert_false(change_or_fail(at, pasid, NULL));
}

#define D(t) cmocka_unit_test_setup_teardown(t, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		D(identity_is_cached_too),
		D(stages_change_without_ats),
		D(nothing_old_is_held),
		D(deaf_devices),
		D(one_time_out_is_not_enough),
		D(deaf_when_turned_off),
		D(too_late_for_a_flush),
		D(late_but_obedient),
		D(doubtful_entries_go_with_a_flush),
		D(an_entry_without_ats_after_a_failure),
		D(commands_that_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
