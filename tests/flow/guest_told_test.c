/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_told_test.c - who is told when a guest's device fails, the guest or the host;
 * and what waits for an answer at either stage.
 */
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <uiommu/smmuv3_model.h>

#include "guest.h"

#define HOLE (GPA + NR_PAGES * PAGE)

/* At that page after IOVA, untranslated, so that there is an event. */
static void fails(struct guest *g, uint32_t pasid, unsigned int at)
{
	assert_int_equal(testep_go_as(&g->s.dev[0], 1, pasid,
				      TESTEP_READ | TESTEP_UNTRANSLATED,
				      IOVA + at * PAGE, 8),
			 TESTEP_ABORTED);
}

/* The entry of that page, by ASID 1. */
static uint64_t *entry(struct guest *g, unsigned int at)
{
	return page(g, TABLES + 2) + ((IOVA >> 12) + at) % 512;
}

/* Type of the guest's next event, 0: there is none. */
static unsigned int guest_hears(struct guest *g)
{
	struct event event;

	if (!next_event(g, &event))
		return 0;
	assert_int_equal(event.smmu.evt[0] >> 32, VSID);
	return event.smmu.evt[0] & 0xff;
}

/* How many complaints there are, of faults that the host was told of. */
static unsigned int host_heard(struct guest *g)
{
	return uiommu_machine_check(g->s.machine);
}

static void each_stage_has_its_owner(void **state)
{
	struct guest g;

	guest_open(&g);
	/* Stage 1 is the guest's. */
	fails(&g, 0, 5);
	assert_int_equal(guest_hears(&g), 0x10);
	assert_int_equal(host_heard(&g), 0);
	/* Stage 2 is the host's; the guest is told where its tables lead to. */
	*entry(&g, 6) = HOLE | 0xf43;
	fails(&g, 0, 6);
	assert_int_equal(guest_hears(&g), 0x10);
	assert_int_equal(host_heard(&g), 1);
	/* No queue: all is the host's. */
	assert_int_equal(uiommu_abi_close(g.s.abi, g.events_fd), 0);
	assert_int_equal(destroy(&g.s, g.events), 0);
	fails(&g, 0, 7);
	assert_int_equal(host_heard(&g), 2);
	*entry(&g, 8) = HOLE | 0xf43;
	fails(&g, 0, 8);
	assert_int_equal(host_heard(&g), 3);
	scene_close(&g.s);
}

/* The guest's page is there no more, so that fetches from it are aborted; or again. */
static void set_there(struct guest *g, unsigned int nr, bool there)
{
	void *at = page(g, nr);

	if (there)
		assert_ptr_equal(mmap(at, PAGE, PROT_READ | PROT_WRITE,
				      MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS,
				      -1, 0),
				 at);
	else
		assert_int_equal(munmap(at, PAGE), 0);
}

/*
 * F_WALK_EABT and F_CD_FETCH: the record has a physical address, so the guest does
 * not see it.
 */
static void an_aborted_fetch_is_the_hosts(void **state)
{
	const uint64_t types[2] = { 0x0b, 0x09 };
	struct uiommu_smmuv3_stats was, is;
	struct guest g;
	uint32_t id;

	guest_open(&g);
	/* 128 CDs in two levels; PASID 64 has its own in SPARE, which goes. */
	page(&g, SPARE + 1)[0] = gpa(0) | 1;
	page(&g, SPARE + 1)[1] = gpa(SPARE) | 1;
	assert_int_equal(nested_alloc(&g, g.viommu,
				      UINT64_C(0x380000000000001b) |
					      gpa(SPARE + 1),
				      0xd6, &id),
			 0);
	attach_ok(&g, id);
	page(&g, TABLES + 1)[(IOVA >> 21) % 512 + 1] = gpa(SPARE) | 3;
	set_there(&g, SPARE, false);
	for (unsigned int i = 0; i < 2; i++) {
		uiommu_smmuv3_model_stats(uiommu_machine_model(g.s.machine),
					  &was);
		fails(&g, i ? 64 : 0, 512 + i);
		assert_int_equal(guest_hears(&g), 0);
		assert_int_equal(host_heard(&g), i + 1);
		uiommu_smmuv3_model_stats(uiommu_machine_model(g.s.machine),
					  &is);
		assert_int_equal(is.events_by_type[types[i]],
				 was.events_by_type[types[i]] + 1);
	}
	set_there(&g, SPARE, true);
	guest_close(&g);
}

/*
 * The doorbell of interrupts, which the guest may reach, is Device memory: tables
 * there are refused (S2PTW), and the guest is told.
 */
static void a_doorbell_is_no_table(void **state)
{
	int efd = eventfd(0, EFD_NONBLOCK);
	struct event event;
	struct guest g;

	guest_open(&g);
	client_msix_ok(&g.s.dev[0], &efd, 1);
	page(&g, TABLES + 1)[(IOVA >> 21) % 512 + 1] = MSI_FIRST | 3;
	fails(&g, 0, 512);
	assert_int_equal(next_event(&g, &event), sizeof(event));
	/* F_PERMISSION; S2, CLASS TT, of a read */
	assert_int_equal(event.smmu.evt[0], 0x0000001100000013);
	assert_int_equal(event.smmu.evt[1], 0x0000118800000000);
	assert_int_equal(event.smmu.evt[3], MSI_FIRST);
	close(efd);
	guest_close(&g);
}

/* A guest that does not read: what does not fit is counted; the host hears its part. */
static void events_that_do_not_fit(void **state)
{
	struct event event;
	struct guest g;

	guest_open(&g);
	for (unsigned int i = 0; i < 11; i++) {
		*entry(&g, 20 + i) = HOLE | 0xf43;
		fails(&g, 0, 20 + i);
	}
	assert_int_equal(host_heard(&g), 11);
	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(next_event(&g, &event), sizeof(event));
		assert_int_equal(event.header.flags, 0);
		assert_int_equal(event.header.sequence, i);
		assert_int_equal(event.smmu.evt[2], IOVA + (20 + i) * PAGE);
	}
	assert_int_equal(next_event(&g, &event), sizeof(event.header));
	assert_int_equal(event.header.flags, IOMMU_VEVENTQ_FLAG_LOST_EVENTS);
	assert_int_equal(event.header.sequence, 10);
	fails(&g, 0, 31);
	assert_int_equal(next_event(&g, &event), sizeof(event));
	assert_int_equal(event.header.sequence, 11);
	guest_close(&g);
}

/* ------------------------------------------------------------ what waits */

struct waiting {
	struct guest g;
	struct uiommu_machine *machine;
	int fd;
};

static uint32_t queue_ok(struct waiting *w)
{
	struct iommu_fault_alloc queue = { .size = sizeof(queue) };

	assert_int_equal(scene_ioctl(&w->g.s, IOMMU_FAULT_QUEUE_ALLOC, &queue),
			 0);
	w->fd = (int)queue.out_fault_fd;
	return queue.out_fault_id;
}

/* CDs whose faults stall, or are asked about by PRI; with a queue or not. */
static void waiting_open(struct waiting *w, bool stalls, bool queue)
{
	struct guest *g = &w->g;
	uint32_t id;

	w->machine =
		machine_ok(stalls ? "testep:stall,testep" : "testep,testep");
	scene_join(&g->s, w->machine, 0, 2);
	guest_start(g);
	w->fd = -1;
	if (stalls) {
		page(g, 0)[0] |= UINT64_C(1) << 44;
		page(g, 0)[8 * PASID] |= UINT64_C(1) << 44;
	}
	assert_int_equal(nested_alloc_with(g, g->viommu, STE_S1_0,
					   stalls ? 0xd6 : 0x100000d6,
					   queue ? queue_ok(w) : 0, &id),
			 0);
	attach_ok(g, id);
}

static void waiting_close(struct waiting *w)
{
	attach_ok(&w->g, w->g.parent);
	if (w->fd >= 0)
		assert_int_equal(uiommu_abi_close(w->g.s.abi, w->fd), 0);
	guest_close(&w->g);
	uiommu_machine_destroy(w->machine);
}

/* A fault of that access is in the queue, and nothing anywhere else. */
static uint32_t expect_fault(struct waiting *w, uint32_t op, uint32_t pasid,
			     uint64_t at)
{
	struct iommu_hwpt_pgfault f;

	assert_int_equal(testep_go_as(&w->g.s.dev[0], 1, pasid, op, at, 8),
			 TESTEP_WORKING);
	assert_int_equal(uiommu_abi_read(w->g.s.abi, w->fd, (uintptr_t)&f,
					 sizeof(f)),
			 sizeof(f));
	assert_int_equal(f.addr, at);
	assert_int_equal(f.perm, op == TESTEP_READ ? IOMMU_PGFAULT_PERM_READ
						   : IOMMU_PGFAULT_PERM_WRITE);
	assert_int_equal(f.flags & IOMMU_PGFAULT_FLAGS_PASID_VALID,
			 pasid ? IOMMU_PGFAULT_FLAGS_PASID_VALID : 0);
	assert_int_equal(f.pasid, pasid);
	assert_int_equal(f.dev_id, w->g.s.dev_id[0]);
	assert_int_equal(guest_hears(&w->g), 0);
	assert_int_equal(host_heard(&w->g), 0);
	return f.cookie;
}

static void answer(struct waiting *w, uint32_t cookie, uint32_t code)
{
	const struct iommu_hwpt_page_response r = { cookie, code };

	assert_int_equal(uiommu_abi_write(w->g.s.abi, w->fd, (uintptr_t)&r,
					  sizeof(r)),
			 sizeof(r));
}

/*
 * A page that stage 1 does not have; one that it has, at an address without memory;
 * and a table at such an address, for which the host finds memory.  With and without
 * PASID, reads and writes; answered with success, and not.
 */
static void waits_at_both_stages(bool stalls)
{
	uint64_t at = HOLE, far = IOVA + 512 * PAGE;
	struct waiting w;
	struct guest *g = &w.g;
	uint32_t cookie;

	waiting_open(&w, stalls, true);
	for (unsigned int i = 0; i < 4; i++) {
		const uint32_t op = i & 1 ? TESTEP_WRITE : TESTEP_READ;
		const uint32_t pasid = i & 2 ? PASID : 0;

		cookie = expect_fault(&w, op, pasid, IOVA + (5 + i) * PAGE);
		point(g, pasid ? 2 : 1, 5 + i, DATA + 20 + i);
		answer(&w, cookie, IOMMUFD_PAGE_RESP_SUCCESS);
		assert_int_equal(testep_status(&g->s.dev[0], 1), TESTEP_OK);
		cookie = expect_fault(&w, op, pasid, IOVA + 10 * PAGE);
		answer(&w, cookie, IOMMUFD_PAGE_RESP_INVALID);
		assert_int_equal(testep_status(&g->s.dev[0], 1),
				 TESTEP_ABORTED);
	}
	*entry(g, 11) = HOLE | 0xf43;
	cookie = expect_fault(&w, TESTEP_READ, 0, IOVA + 11 * PAGE);
	assert_int_equal(map_at(&g->s, g->s.ioas, (uintptr_t)page(g, DATA + 3),
				PAGE, FIXED | RW, &at),
			 0);
	answer(&w, cookie, IOMMUFD_PAGE_RESP_SUCCESS);
	assert_int_equal(testep_status(&g->s.dev[0], 1), TESTEP_OK);
	assert_int_equal(testep_word(&g->s.dev[0], 1), word_of(DATA + 3));
	assert_int_equal(unmap_len(&g->s, g->s.ioas, HOLE, PAGE), 0);
	/* A table there; the CD says which. */
	page(g, TABLES + 1)[(IOVA >> 21) % 512 + 1] = HOLE | 3;
	page(g, SPARE)[(IOVA >> 12) % 512] = gpa(DATA + 4) | 0xf43;
	cookie = expect_fault(&w, TESTEP_READ, 0, far);
	assert_int_equal(map_at(&g->s, g->s.ioas, (uintptr_t)page(g, SPARE),
				PAGE, FIXED | RW, &at),
			 0);
	answer(&w, cookie, IOMMUFD_PAGE_RESP_SUCCESS);
	assert_int_equal(testep_status(&g->s.dev[0], 1), TESTEP_OK);
	assert_int_equal(testep_word(&g->s.dev[0], 1), word_of(DATA + 4));
	assert_int_equal(unmap_len(&g->s, g->s.ioas, HOLE, PAGE), 0);
	waiting_close(&w);
}

static void stalls(void **state)
{
	struct waiting w;
	uint64_t at = HOLE;
	uint32_t cookie, id;

	waits_at_both_stages(true);
	/* The same on the way to a context. */
	waiting_open(&w, true, false);
	assert_int_equal(nested_alloc_with(&w.g, w.g.viommu,
					   STE_S1_0 - GPA + HOLE, 0xd6,
					   queue_ok(&w), &id),
			 0);
	attach_ok(&w.g, id);
	cookie = expect_fault(&w, TESTEP_READ, PASID, IOVA);
	assert_int_equal(map_at(&w.g.s, w.g.s.ioas, (uintptr_t)page(&w.g, 0),
				PAGE, FIXED | RW, &at),
			 0);
	answer(&w, cookie, IOMMUFD_PAGE_RESP_SUCCESS);
	assert_int_equal(testep_status(&w.g.s.dev[0], 1), TESTEP_OK);
	assert_int_equal(testep_word(&w.g.s.dev[0], 1), word_of(DATA + 1));
	assert_int_equal(unmap_len(&w.g.s, w.g.s.ioas, HOLE, PAGE), 0);
	waiting_close(&w);
}

static void page_requests(void **state)
{
	waits_at_both_stages(false);
}

/* Nobody would answer: it is over, and the host is told. */
static void stalls_without_a_queue(void **state)
{
	struct waiting w;

	waiting_open(&w, true, false);
	for (unsigned int i = 0; i < 2; i++) {
		if (i)
			*entry(&w.g, 6) = HOLE | 0xf43;
		assert_int_equal(testep_go(&w.g.s.dev[0], 1, TESTEP_READ,
					   IOVA + (5 + i) * PAGE, 8),
				 TESTEP_ABORTED);
		assert_int_equal(guest_hears(&w.g), 0);
		assert_int_equal(host_heard(&w.g), i + 1);
	}
	waiting_close(&w);
}

/* The guest's own choice: what its contexts do not stall is an event. */
static void a_guest_that_does_not_stall(void **state)
{
	struct waiting w;

	waiting_open(&w, true, true);
	page(&w.g, 0)[8 * PASID] &= ~(UINT64_C(1) << 44);
	command(&w.g, (uint64_t)VSID << 32 | 6, 0);
	assert_int_equal(testep_go_as(&w.g.s.dev[0], 1, PASID, TESTEP_WRITE,
				      IOVA + 5 * PAGE, 8),
			 TESTEP_ABORTED);
	assert_int_equal(guest_hears(&w.g), 0x10);
	answer(&w, expect_fault(&w, TESTEP_WRITE, 0, IOVA + 5 * PAGE),
	       IOMMUFD_PAGE_RESP_INVALID);
	waiting_close(&w);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(each_stage_has_its_owner),
		cmocka_unit_test(an_aborted_fetch_is_the_hosts),
		cmocka_unit_test(a_doorbell_is_no_table),
		cmocka_unit_test(events_that_do_not_fit),
		cmocka_unit_test(stalls),
		cmocka_unit_test(page_requests),
		cmocka_unit_test(stalls_without_a_queue),
		cmocka_unit_test(a_guest_that_does_not_stall),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
