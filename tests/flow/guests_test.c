/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guests_test.c - more than one guest on one SMMU, each with a context of iommufd of
 * its own, as each VMM has: nothing that one does, suffers or is told of is the
 * other's; and more guests than the SMMU can tell from each other.
 */
#include <stdio.h>

#include "guest.h"
#include "nth.h"

#define GUESTS 2u
#define HOST GUESTS /* the device after the guests' is the host's */

struct world {
	struct uiommu_machine *machine;
	struct guest g[GUESTS];
	struct scene host;
	uint32_t own, table; /* of the host, and for its PASID */
	uint32_t queue[GUESTS], paging[GUESTS];
	int fault_fd[GUESTS];
};

static uint64_t word(unsigned int guest, unsigned int data)
{
	return UINT64_C(0x100000000) * (guest + 1) + data;
}

/* ----------------------------------------------------------------- world -- */

/* Nested tables whose faults wait, beside those whose faults are told. */
static void open_guest(struct world *w, unsigned int i)
{
	struct iommu_fault_alloc queue = { .size = sizeof(queue) };
	struct guest *g = &w->g[i];

	scene_join(&g->s, w->machine, i, 1);
	guest_start(g);
	for (unsigned int nr = DATA; nr < NR_PAGES; nr++)
		page(g, nr)[0] = word(i, nr);
	assert_int_equal(scene_ioctl(&g->s, IOMMU_FAULT_QUEUE_ALLOC, &queue),
			 0);
	w->fault_fd[i] = (int)queue.out_fault_fd;
	assert_int_equal(nested_alloc_with(g, g->viommu, STE_S1_0, STE_S1_1,
					   queue.out_fault_id, &w->paging[i]),
			 0);
}

static void close_guest(struct world *w, unsigned int i)
{
	struct guest *g = &w->g[i];

	assert_int_equal(uiommu_abi_close(g->s.abi, w->fault_fd[i]), 0);
	guest_close(g);
}

static void world_open(struct world *w)
{
	struct client *host = &w->host.dev[0];
	uint32_t ioas;

	guard_ok();
	memset(w, 0, sizeof(*w));
	w->machine = machine_ok("testep,testep,testep");
	for (unsigned int i = 0; i < GUESTS; i++)
		open_guest(w, i);
	scene_join(&w->host, w->machine, HOST, 1);
	assert_int_equal(map_fixed(&w->host, w->host.ioas, 0, 1, IOVA), 0);
	ioas = ioas_ok(&w->host);
	assert_int_equal(map_fixed(&w->host, ioas, 1, 1, IOVA), 0);
	w->own = client_hwpt_ok(host, w->host.ioas, IOMMU_HWPT_ALLOC_PASID);
	w->table = client_hwpt_ok(host, ioas, IOMMU_HWPT_ALLOC_PASID);
	assert_int_equal(client_attach(host, 0, w->own), 0);
	assert_int_equal(client_attach(host, PASID, w->table), 0);
}

static void world_close(struct world *w)
{
	assert_int_equal(client_detach(&w->host.dev[0], PASID), 0);
	scene_close(&w->host);
	for (unsigned int i = 0; i < GUESTS; i++)
		close_guest(w, i);
	uiommu_machine_destroy(w->machine);
}

static void guest_reaches_its_own(struct world *w, unsigned int i)
{
	assert_int_equal(reads(&w->g[i], 0, 0), word(i, DATA));
	assert_int_equal(reads(&w->g[i], PASID, 0), word(i, DATA + 1));
}

static void host_reaches_its_own(struct world *w)
{
	assert_int_equal(testep_read_word(&w->host.dev[0], 0, IOVA),
			 word_of(0));
	assert_int_equal(testep_read_word(&w->host.dev[0], PASID, IOVA),
			 word_of(1));
}

static void all_reach_their_own(struct world *w)
{
	for (unsigned int i = 0; i < GUESTS; i++)
		guest_reaches_its_own(w, i);
	host_reaches_its_own(w);
}

/* --------------------------------------------------------------- stories -- */

static void their_tables_are_theirs(void **state)
{
	struct world w;
	uint32_t pt;

	world_open(&w);
	all_reach_their_own(&w);
	for (unsigned int i = 0; i < GUESTS; i++) {
		/* It says that it forgets all; its own was not changed. */
		command(&w.g[i], 0x30, 0);
		command(&w.g[i], (uint64_t)VSID << 32 | 6, 0);
		command(&w.g[i], (uint64_t)VSID << 32 | 0x40, 52);
		all_reach_their_own(&w);
		/* It is stopped, and the others go on. */
		pt = w.g[i].parent;
		assert_int_equal(attach(&w.g[i].s, 0, &pt), 0);
		assert_int_equal(reads(&w.g[i], 0, 0), 0);
		guest_reaches_its_own(&w, !i);
		host_reaches_its_own(&w);
		pt = w.g[i].nested;
		assert_int_equal(attach(&w.g[i].s, 0, &pt), 0);
		/* Its memory is taken away. */
		assert_int_equal(unmap_len(&w.g[i].s, w.g[i].s.ioas, GPA,
					   NR_PAGES * PAGE),
				 0);
		assert_int_equal(reads(&w.g[i], 0, 0), 0);
		guest_reaches_its_own(&w, !i);
		host_reaches_its_own(&w);
		assert_int_equal(map_fixed(&w.g[i].s, w.g[i].s.ioas, 0,
					   NR_PAGES, GPA),
				 0);
		all_reach_their_own(&w);
	}
	world_close(&w);
}

/* Who is told that PASID of guest i has no page 7? */
static void a_fault_of(struct world *w, unsigned int i, uint32_t pasid)
{
	struct event event;

	assert_int_equal(testep_go_as(&w->g[i].s.dev[0], 1, pasid,
				      TESTEP_READ | TESTEP_UNTRANSLATED,
				      IOVA + 7 * PAGE, 8),
			 TESTEP_ABORTED);
	assert_int_equal(next_event(&w->g[!i], &event), 0);
	assert_int_equal(next_event(&w->g[i], &event), sizeof(event));
	assert_int_equal(event.header.flags, 0);
	assert_int_equal(event.smmu.evt[0] & 0xff, 0x10);
	assert_int_equal(event.smmu.evt[0] >> 32, VSID);
	assert_int_equal(event.smmu.evt[2], IOVA + 7 * PAGE);
	assert_int_equal(next_event(&w->g[i], &event), 0);
}

static ssize_t next_fault(struct world *w, unsigned int i,
			  struct iommu_hwpt_pgfault *f)
{
	return uiommu_abi_read(w->g[i].s.abi, w->fault_fd[i], (uintptr_t)f,
			       sizeof(*f));
}

static int answer(struct world *w, unsigned int i, uint32_t cookie)
{
	const struct iommu_hwpt_page_response resp = {
		cookie, IOMMUFD_PAGE_RESP_SUCCESS
	};
	ssize_t n = uiommu_abi_write(w->g[i].s.abi, w->fault_fd[i],
				     (uintptr_t)&resp, sizeof(resp));

	return n < 0 ? (int)n : 0;
}

/* Both wait for the same page of the same PASID, and one is answered. */
static void page_faults_of_both(struct world *w, unsigned int first)
{
	struct iommu_hwpt_pgfault f[GUESTS];

	for (unsigned int i = 0; i < GUESTS; i++) {
		assert_int_equal(testep_go_as(&w->g[i].s.dev[0], 2, PASID,
					      TESTEP_READ, IOVA + 9 * PAGE, 8),
				 TESTEP_WORKING);
		assert_int_equal(next_fault(w, i, &f[i]), sizeof(f[i]));
		assert_int_equal(f[i].addr, IOVA + 9 * PAGE);
		assert_int_equal(f[i].dev_id, w->g[i].s.dev_id[0]);
		for (unsigned int j = 0; j < GUESTS; j++)
			assert_int_equal(next_fault(w, j, &f[j != i]), 0);
	}
	for (unsigned int n = 0; n < GUESTS; n++) {
		unsigned int i = (first + n) % GUESTS;

		point(&w->g[i], 2, 9, DATA + 20);
		assert_int_equal(answer(w, i, f[i].cookie), 0);
		assert_int_equal(answer(w, i, f[i].cookie), -EINVAL);
		assert_int_equal(testep_status(&w->g[i].s.dev[0], 2),
				 TESTEP_OK);
		assert_int_equal(testep_word(&w->g[i].s.dev[0], 2),
				 word(i, DATA + 20));
		if (!n)
			assert_int_equal(testep_status(&w->g[!i].s.dev[0], 2),
					 TESTEP_WORKING);
	}
	for (unsigned int i = 0; i < GUESTS; i++) {
		point(&w->g[i], 2, 9, 0);
		command(&w->g[i], 0x10, 0);
		command(&w->g[i], (uint64_t)VSID << 32 | 0xa40, 52);
	}
}

static void their_faults_are_theirs(void **state)
{
	struct world w;
	uint32_t pt;

	world_open(&w);
	for (unsigned int n = 0; n < 4; n++)
		a_fault_of(&w, n % GUESTS, n / GUESTS ? PASID : 0);
	for (unsigned int i = 0; i < GUESTS; i++) {
		pt = w.paging[i];
		assert_int_equal(attach(&w.g[i].s, 0, &pt), 0);
	}
	for (unsigned int first = 0; first < GUESTS; first++)
		page_faults_of_both(&w, first);
	all_reach_their_own(&w);
	world_close(&w);
}

/* One goes with all it has, and comes again. */
static void one_goes(void **state)
{
	struct event event;
	struct world w;

	world_open(&w);
	for (unsigned int n = 0; n < 6; n++) {
		unsigned int i = n % GUESTS;

		all_reach_their_own(&w);
		close_guest(&w, i);
		guest_reaches_its_own(&w, !i);
		host_reaches_its_own(&w);
		open_guest(&w, i);
		a_fault_of(&w, i, 0);
		assert_int_equal(next_event(&w.g[!i], &event), 0);
	}
	world_close(&w);
}

/* ----------------------------------------------------------- scarce VMIDs -- */

#define NR_VMIDS 255u /* of 8 bits; 0 is the host's stage 1 */
#define WANTED 300u

struct many {
	struct guest g; /* the one whose turn it is, and the scene of all */
	uint32_t parent[WANTED], viommu[WANTED], passes[WANTED];
	unsigned int nr;
};

/* One more that passes through to its memory; what the vIOMMU was answered. */
static int one_more(struct many *m)
{
	struct guest *g = &m->g;
	unsigned int i = m->nr;
	int rc;

	assert_int_equal(hwpt_alloc(&g->s, 0, g->s.ioas,
				    IOMMU_HWPT_ALLOC_NEST_PARENT,
				    &m->parent[i]),
			 0);
	rc = viommu_alloc(g, IOMMU_VIOMMU_TYPE_ARM_SMMUV3, m->parent[i],
			  &m->viommu[i]);
	if (rc) {
		assert_int_equal(destroy(&g->s, m->parent[i]), 0);
		return rc;
	}
	assert_int_equal(nested_alloc(g, m->viommu[i], 0x9, 0, &m->passes[i]),
			 0);
	m->nr++;
	return 0;
}

static void one_less(struct many *m)
{
	struct scene *s = &m->g.s;
	unsigned int i = --m->nr;

	assert_int_equal(destroy(s, m->passes[i]), 0);
	assert_int_equal(destroy(s, m->viommu[i]), 0);
	assert_int_equal(destroy(s, m->parent[i]), 0);
}

/* Which one the device has while it is guest i's. */
static unsigned int vmid_of(struct many *m, unsigned int i)
{
	uint32_t pt = m->passes[i];
	unsigned int vmid;
	char *text, *at;

	assert_int_equal(attach(&m->g.s, 0, &pt), 0);
	assert_int_equal(testep_read_word(&m->g.s.dev[0], 0, gpa(DATA)),
			 word_of(DATA));
	text = machine_text(m->g.s.machine);
	at = strstr(text, "S2VMID=");
	assert_non_null(at);
	vmid = (unsigned int)strtoul(at + strlen("S2VMID="), NULL, 0);
	assert_null(strstr(at + 1, "S2VMID="));
	free(text);
	return vmid;
}

/* Nor for a device that would have stage 2 alone; it stays where it is. */
static int one_more_parent(struct many *m)
{
	struct scene *s = &m->g.s;
	uint32_t id, pt;
	int rc;

	assert_int_equal(hwpt_alloc(s, 0, s->ioas, IOMMU_HWPT_ALLOC_NEST_PARENT,
				    &id),
			 0);
	pt = id;
	rc = attach(s, 0, &pt);
	assert_int_equal(testep_read_word(&s->dev[0], 0, gpa(DATA)),
			 word_of(DATA));
	assert_int_equal(destroy(s, id), 0);
	return rc;
}

static void no_vmid_is_left(struct many *m, int (*more)(struct many *m))
{
	struct uiommu_machine *machine = m->g.s.machine;
	char *was = machine_text(machine), text[256];
	struct logged l;
	int rc;

	log_begin(&l);
	rc = more(m);
	log_end(&l, text, sizeof(text));
	assert_int_equal(rc, -ENOSPC);
	assert_non_null(strstr(text, "all VMIDs are in use"));
	expect_text(machine, was, "no VMID", m->nr);
	free(was);
}

static void many_open(struct many *m)
{
	guard_ok();
	memset(m, 0, sizeof(*m));
	scene_join(&m->g.s, machine_of_ok("tests/flow/vmids.dtb"), 0, 1);
	m->g.s.joined = false;
	assert_int_equal(map_fixed(&m->g.s, m->g.s.ioas, 0, NR_PAGES, GPA), 0);
	while (m->nr < NR_VMIDS)
		assert_int_equal(one_more(m), 0);
}

static void many_close(struct many *m)
{
	uint32_t pt = m->g.s.ioas;

	assert_int_equal(attach(&m->g.s, 0, &pt), 0);
	while (m->nr)
		one_less(m);
	scene_close(&m->g.s);
}

static void more_guests_than_vmids(void **state)
{
	struct many *m = calloc(1, sizeof(*m));
	bool used[256] = { true };
	unsigned int vmid, last;
	uint32_t pt;

	assert_non_null(m);
	many_open(m);
	for (unsigned int i = m->nr; i < WANTED; i++)
		no_vmid_is_left(m, one_more);
	no_vmid_is_left(m, one_more_parent);
	for (unsigned int i = 0; i < m->nr; i++) {
		vmid = vmid_of(m, i);
		assert_in_range(vmid, 1, NR_VMIDS);
		assert_false(used[vmid]);
		used[vmid] = true;
	}
	/* One that goes makes room for one. */
	last = vmid_of(m, m->nr - 1);
	pt = m->g.s.ioas;
	assert_int_equal(attach(&m->g.s, 0, &pt), 0);
	for (unsigned int i = 0; i < 3; i++) {
		one_less(m);
		assert_int_equal(one_more(m), 0);
		no_vmid_is_left(m, one_more);
	}
	assert_int_equal(vmid_of(m, m->nr - 1), last);
	many_close(m);
	free(m);
}

/* By turns, with the same contexts at the same addresses, one VMID for all. */
static void a_vmid_brings_nothing_along(void **state)
{
	struct many *m = calloc(1, sizeof(*m));
	struct guest *g = &m->g;
	uint32_t pt;

	assert_non_null(m);
	many_open(m);
	one_less(m);
	guest_boot(g);
	for (unsigned int i = 0; i < 4; i++) {
		point(g, 1, 0, DATA + i);
		point(g, 2, 0, DATA + 10 + i);
		assert_int_equal(one_more(m), 0);
		g->viommu = m->viommu[m->nr - 1];
		assert_int_equal(vdevice_alloc(g, 0, VSID, &g->vdev), 0);
		assert_int_equal(nested_alloc(g, g->viommu, STE_S1_0, STE_S1_1,
					      &g->nested),
				 0);
		pt = g->nested;
		assert_int_equal(attach(&g->s, 0, &pt), 0);
		assert_int_equal(reads(g, 0, 0), word_of(DATA + i));
		assert_int_equal(reads(g, PASID, 0), word_of(DATA + 10 + i));
		pt = g->s.ioas;
		assert_int_equal(attach(&g->s, 0, &pt), 0);
		assert_int_equal(destroy(&g->s, g->nested), 0);
		assert_int_equal(destroy(&g->s, g->vdev), 0);
		one_less(m);
	}
	many_close(m);
	free(m);
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(their_tables_are_theirs),
		cmocka_unit_test(their_faults_are_theirs),
		cmocka_unit_test(one_goes),
		cmocka_unit_test(more_guests_than_vmids),
		cmocka_unit_test(a_vmid_brings_nothing_along),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
