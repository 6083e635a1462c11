/* SPDX-License-Identifier: BSD-2-Clause */
/* guest_msi.c - see guest_msi.h. */
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/atomic.h"

#include "guest_msi.h"

#define TESTEP_IRQ 0x18
#define PAGE_ASID1 UINT64_C(0x0001000000000012)

int eventfd_ok(void)
{
	int efd = eventfd(0, EFD_NONBLOCK);

	assert_true(efd >= 0);
	return efd;
}

uint64_t fired(int efd)
{
	uint64_t count = 0;

	return read(efd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

void send_msi(struct client *c)
{
	bar_write(c, TESTEP_IRQ, 4, 0);
}

unsigned int writes_as(struct guest *g, uint32_t how, uint64_t iova,
		       uint64_t what, uint32_t len)
{
	testep_fill(&g->s.dev[0], 5, what);
	return testep_go(&g->s.dev[0], 5, TESTEP_WRITE | how, iova, len);
}

unsigned int writes(struct guest *g, uint64_t iova, uint64_t what, uint32_t len)
{
	return writes_as(g, TESTEP_UNTRANSLATED, iova, what, len);
}

void expect_fires(struct guest *g, int efd)
{
	struct event event;

	send_msi(&g->s.dev[0]);
	assert_int_equal(fired(efd), 1);
	assert_int_equal(next_event(g, &event), 0);
}

/* The one event that is left of an interrupt; it is of a write of data. */
static void expect_lost(struct guest *g, int efd, uint8_t type, uint64_t iova,
			bool s2, uint64_t ipa)
{
	struct event event;

	send_msi(&g->s.dev[0]);
	assert_int_equal(fired(efd), 0);
	assert_int_equal(next_event(g, &event), sizeof(event));
	assert_int_equal(event.header.flags, 0);
	assert_int_equal(event.smmu.evt[0] & 0xff, type);
	/* Without a PASID; not stalled. */
	assert_int_equal(event.smmu.evt[0] >> 11 & 1, 0);
	assert_int_equal(event.smmu.evt[0] >> 32, VSID);
	assert_int_equal(event.smmu.evt[1] >> 31 & 1, 0);
	assert_int_equal(event.smmu.evt[1] >> 34 & 3, 0);
	assert_int_equal(event.smmu.evt[1] >> 39 & 7, 2 << 1 | s2);
	assert_int_equal(event.smmu.evt[2], iova);
	assert_int_equal(event.smmu.evt[3], ipa);
	assert_int_equal(next_event(g, &event), 0);
}

void expect_event(struct guest *g, int efd, uint8_t type, uint64_t iova)
{
	expect_lost(g, efd, type, iova, false, 0);
}

void expect_unmapped(struct guest *g, int efd, uint64_t iova, uint64_t ipa)
{
	unsigned int before = uiommu_machine_check(g->s.machine);

	expect_lost(g, efd, F_TRANSLATION, iova, true, ipa);
	assert_int_equal(uiommu_machine_check(g->s.machine), before + 1);
}

void lead(struct guest *g, uint64_t iova, uint64_t leaf)
{
	store_release(&page(g, SPARE)[iova >> 12 & 511], leaf);
	store_release(&page(g, TABLES + 1)[MSI_FIRST >> 21 & 511],
		      gpa(SPARE) | 3);
}

void forget(struct guest *g, uint64_t iova)
{
	command(g, PAGE_ASID1, (iova & ~(PAGE - 1)) | 1);
}

void attach_ioas(struct guest *g)
{
	uint32_t pt = g->s.ioas;

	assert_int_equal(attach(&g->s, 0, &pt), 0);
}

void open_with_vector(struct guest *g, int *efd)
{
	guest_open(g);
	*efd = eventfd_ok();
	client_msix_ok(&g->s.dev[0], efd, 1);
}

void close_with_vector(struct guest *g, int efd)
{
	close(efd);
	guest_close(g);
}

void two_open(struct two *t)
{
	guard_ok();
	t->machine = machine_ok("testep,testep");
	for (unsigned int i = 0; i < 2; i++) {
		scene_join(&t->g[i].s, t->machine, i, 1);
		guest_start(&t->g[i]);
		t->efd[i] = eventfd_ok();
		client_msix_ok(&t->g[i].s.dev[0], &t->efd[i], 1);
	}
}

void two_close(struct two *t)
{
	for (unsigned int i = 0; i < 2; i++)
		close_with_vector(&t->g[i], t->efd[i]);
	uiommu_machine_destroy(t->machine);
}

void only_fires(struct two *t, unsigned int i)
{
	struct event event;

	expect_fires(&t->g[i], t->efd[i]);
	assert_int_equal(fired(t->efd[!i]), 0);
	assert_int_equal(next_event(&t->g[!i], &event), 0);
}

void only_faults(struct two *t, unsigned int i, uint64_t iova)
{
	struct event event;

	expect_event(&t->g[i], t->efd[i], F_TRANSLATION, iova);
	assert_int_equal(fired(t->efd[!i]), 0);
	assert_int_equal(next_event(&t->g[!i], &event), 0);
}

struct uiommu_group *group_of(struct guest *g)
{
	return uiommu_device_group(
		uiommu_machine_core_device(g->s.machine, g->s.first));
}

struct uiommu_domain *parent_of(struct guest *g)
{
	struct uiommu_domain *dom;

	attach_ok(g, g->parent);
	dom = uiommu_group_domain(group_of(g));
	attach_ok(g, g->nested);
	return dom;
}
