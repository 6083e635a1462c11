/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Events of a guest's devices on a fake SMMU: who is told of what.
 */
#include "nested_rig.h"

static struct heard {
	unsigned int guests, hosts, lost;
	uint64_t id;
	struct uiommu_vevent_smmuv3 event;
	int rc;
} heard;

static int on_vevent(void *ctx, struct uiommu_unit *u, uint64_t id,
		     uint32_t type, const void *data, size_t len)
{
	assert_int_equal(type, UIOMMU_VEVENTQ_TYPE_ARM_SMMUV3);
	if (!data) {
		assert_int_equal(len, 0);
		heard.lost++;
		heard.id = id;
		return 0;
	}
	assert_int_equal(len, sizeof(heard.event));
	heard.guests++;
	heard.id = id;
	memcpy(&heard.event, data, len);
	return heard.rc;
}

static void on_fault(void *ctx, struct uiommu_unit *u,
		     const struct uiommu_fault *fault)
{
	heard.hosts++;
}

static const struct uiommu_host_ops host = {
	.report_fault = on_fault,
	.report_vevent = on_vevent,
};

/* Who is told: 'g', 'h', 'b' for both. */
static char report(uint64_t q0, uint64_t q1)
{
	const uint64_t record[4] = { q0 | (uint64_t)SID << 32, q1, 0x1000,
				     0x00fedcba98765000 };
	unsigned int guests = heard.guests, hosts = heard.hosts;

	assert_true(fake_smmu_event(fake, record));
	ops->irq(unit, UIOMMU_SMMUV3_IRQ_EVENTQ);
	guests = heard.guests - guests;
	hosts = heard.hosts - hosts;
	assert_in_range(guests, 0, 1);
	assert_in_range(hosts, 0, 1);
	if (guests && hosts)
		return 'b';
	assert_true(guests || hosts);
	return hosts ? 'h' : 'g';
}

/*
 * S2, and each CLASS: the guest is told, word for word, and the host.  What stalls
 * has to be answered, which an event cannot be.  An aborted fetch has a physical
 * address, at either stage.
 */
static void stage_2_is_told_to_both(void)
{
	for (uint64_t kind = 0; kind < 3; kind++)
		for (unsigned int type = 0x10; type < 0x14; type++) {
			uint64_t q1 = 1ull << 39 | kind << 40 | 1ull << 35;

			assert_int_equal(report(type, q1), 'b');
			assert_int_equal(heard.event.evt[0],
					 (uint64_t)VSID << 32 | type);
			assert_int_equal(heard.event.evt[1], q1);
			assert_int_equal(heard.event.evt[2], 0x1000);
			assert_int_equal(heard.event.evt[3],
					 0x00fedcba98765000);
			assert_int_equal(report(type, q1 | 1ull << 31), 'h');
		}
	assert_int_equal(report(0x0b, 1ull << 39), 'h');
	assert_int_equal(report(0x0b, 1ull << 40), 'h');
}

static void events_come_to_the_guest(void **state)
{
	static const uint8_t guests[] = { 0x04, 0x06, 0x08, 0x0a,
					  0x10, 0x11, 0x12, 0x13 };
	struct uiommu_hwvdev *vdev;
	struct uiommu_hwdom *dom;
	unsigned int type, i;

	unit->host = &host;
	memset(&heard, 0, sizeof(heard));
	scene();
	dom = nested(0x4321000b, 0);
	vdev = vdevice(VSID);
	assert_int_equal(report(0x10, 0), 'h');
	assert_int_equal(ops->attach(dom, dev), 0);
	for (type = 1; type < 256; type++) {
		bool is_guests = false;

		for (i = 0; i < sizeof(guests); i++)
			is_guests |= guests[i] == type;
		assert_int_equal(report(type, 0), is_guests ? 'g' : 'h');
	}
	/* The record as it was, but for the StreamID. */
	assert_int_equal(report(0x3810, 0x800000000), 'g');
	assert_int_equal(heard.id, 5);
	assert_int_equal(heard.event.evt[0], (uint64_t)VSID << 32 | 0x3810);
	assert_int_equal(heard.event.evt[1], 0x800000000);
	assert_int_equal(heard.event.evt[2], 0x1000);
	/* No IPA of stage 1's: what stands there is nobody's business. */
	assert_int_equal(heard.event.evt[3], 0);
	stage_2_is_told_to_both();
	/* Nobody takes them: the host is told. */
	heard.rc = -EOPNOTSUPP;
	assert_int_equal(report(0x10, 0), 'b');
	assert_int_equal(report(0x10, 1ull << 39), 'b');
	heard.rc = -ENOMEM;
	i = heard.hosts;
	assert_true(fake_smmu_event(
		fake, (uint64_t[4]){ 0x10 | (uint64_t)SID << 32 }));
	ops->irq(unit, UIOMMU_SMMUV3_IRQ_EVENTQ);
	assert_int_equal(heard.hosts, i);
	heard.rc = 0;
	/* The vdevice may go; the attachment has its id. */
	nops->vdev_free(vdev);
	assert_int_equal(report(0x10, 0), 'g');
	assert_int_equal(ops->attach(parent, dev), 0);
	assert_int_equal(report(0x10, 0), 'h');
	END(dom);
}

/* In the queue; nobody has read it yet. */
static void is_written(void)
{
	assert_true(fake_smmu_event(
		fake, (uint64_t[4]){ 0x10 | (uint64_t)SID << 32, 0, 0x1000 }));
}

/* Who hears of what was written. */
static char read_now(void)
{
	unsigned int guests = heard.guests, hosts = heard.hosts;

	ops->irq(unit, UIOMMU_SMMUV3_IRQ_EVENTQ);
	assert_int_equal(heard.guests + heard.hosts - guests - hosts, 1);
	return heard.guests != guests ? 'g' : 'h';
}

/* What stands in the queue from before is of whoever had the device then. */
static void a_guest_hears_nothing_of_the_one_before(void **state)
{
	struct uiommu_hwdom *dom, *again, *others;
	struct uiommu_hwviommu *first = NULL, *second;
	struct uiommu_hwvdev *vdev;

	unit->host = &host;
	memset(&heard, 0, sizeof(heard));
	scene();
	first = viommu;
	dom = nested(0x4321000b, 0);
	again = nested(0x8765000b, 0);
	assert_int_equal(new_viommu(parent, 9, &second), 0);
	viommu = second;
	others = nested(0x4321000b, 0);
	viommu = first;
	vdev = vdevice(VSID);
	assert_int_equal(ops->attach(parent, dev), 0);
	is_written();
	assert_int_equal(ops->attach(dom, dev), 0);
	assert_int_equal(read_now(), 'h');
	/* Its own it hears of, though its entry is another one now. */
	is_written();
	assert_int_equal(ops->attach(again, dev), 0);
	assert_int_equal(read_now(), 'g');
	assert_int_equal(heard.id, 5);
	is_written();
	nops->vdev_free(vdev);
	viommu = second;
	vdev = vdevice(VSID);
	assert_int_equal(ops->attach(others, dev), 0);
	assert_int_equal(read_now(), 'h');
	is_written();
	assert_int_equal(read_now(), 'g');
	assert_int_equal(heard.id, 9);
	is_written();
	assert_int_equal(ops->attach(parent, dev), 0);
	assert_int_equal(read_now(), 'h');
	nops->vdev_free(vdev);
	viommu = first;
	ops->dom_free(others);
	nops->viommu_free(second);
	END(dom, again);
}

/* It may have been anybody's. */
static void lost_events_are_told_to_all_guests(void **state)
{
	const uint64_t record[4] = { 0x10 | (uint64_t)SID << 32 };
	struct uiommu_hwviommu *second, *third;

	unit->host = &host;
	memset(&heard, 0, sizeof(heard));
	scene();
	assert_int_equal(new_viommu(parent, 9, &second), 0);
	assert_int_equal(new_viommu(parent, 7, &third), 0);
	while (fake_smmu_event(fake, record))
		;
	assert_int_equal(heard.lost, 0);
	ops->irq(unit, UIOMMU_SMMUV3_IRQ_EVENTQ);
	assert_int_equal(heard.lost, 3);
	assert_int_equal(heard.id, 9);
	nops->viommu_free(second);
	while (fake_smmu_event(fake, record))
		;
	ops->irq(unit, UIOMMU_SMMUV3_IRQ_EVENTQ);
	assert_int_equal(heard.lost, 5);
	assert_int_equal(heard.id, 7);
	nops->viommu_free(third);
	end();
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest cases[] = {
		CASE(events_come_to_the_guest),
		CASE(a_guest_hears_nothing_of_the_one_before),
		CASE(lost_events_are_told_to_all_guests),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
