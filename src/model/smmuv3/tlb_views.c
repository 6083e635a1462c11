/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlb_views.c - which ASIDs may have entries in the TLB, for invalidations by
 * address that mean all of them.
 *
 * Entries of one address lie in other sets for each ASID, so TLBI_NH_VAA and
 * TLBI_EL2_VAA must know which there are.  A *note* says that a view (regime,
 * VMID, ASID) may have entries.  Notes hang in two chains: one for each space, to
 * find a view's own, and one for each group of VMIDs that share a generation, to
 * go through them.  A group whose views could not all be noted is marked, and
 * then the whole TLB is searched once.
 *
 * Who fills notes the view first, if it is not noted.  An invalidation counts in
 * mcache.kills, and then goes through the notes: a filler that it does not see
 * takes views.lock later, so it finds another count, and does not fill.
 *
 * Notes go when all entries of their view are dead: with the generation of their
 * group, in one critical section, and before the generation moves, so that a
 * filler with the new generation finds no note of before; or, to make room, when
 * their space has no sizes in use.  A filler that saw a size in use after that
 * also sees that the note is gone; one that saw it before fills with a generation
 * that is over.
 */
#include <errno.h>
#include <string.h>

#include "msmmu.h"
#include "tlb_inline.h"

/* E2H entries have a group of their own. */
#define NR_GROUPS (MSMMU_NR_VM_GENS + 1)
#define GROUP_E2H MSMMU_NR_VM_GENS

/* In by_vmid: not all of the group are noted. */
#define MORE BIT32(31)

static void start(struct msmmu_views *v)
{
	v->free = 0;
	for (uint32_t i = 1; i <= v->nr; i++) {
		v->note[i] =
			(struct msmmu_view_note){ .next_of_group = v->free };
		v->free = i;
	}
}

int msmmu_views_init(msmmu *m)
{
	struct msmmu_views *v = &m->views;

	/* More than this are no faster to go through than the TLB itself. */
	v->nr = m->tlb.set ? m->tlb.mask + 1 : 0;
	if (!v->nr)
		return 0;
	v->note = model_alloc(&m->host, (v->nr + 1) * sizeof(*v->note));
	v->by_space =
		model_alloc(&m->host, MSMMU_NR_SPACES * sizeof(*v->by_space));
	v->by_vmid = model_alloc(&m->host, NR_GROUPS * sizeof(*v->by_vmid));
	if (!v->note || !v->by_space || !v->by_vmid)
		return -ENOMEM;
	start(v);
	return 0;
}

/* Another thread may have been at the notes: all over again. */
void msmmu_views_forked(msmmu *m)
{
	struct msmmu_views *v = &m->views;

	pthread_mutex_init(&v->lock, NULL);
	if (v->nr) {
		memset(v->by_space, 0, MSMMU_NR_SPACES * sizeof(*v->by_space));
		memset(v->by_vmid, 0, NR_GROUPS * sizeof(*v->by_vmid));
		start(v);
	}
	msmmu_gen_bump(m, &m->tlb_all_gen);
	msmmu_gen_bump(m, &m->tlb_el2_gen);
}

void msmmu_views_fini(msmmu *m)
{
	model_free(&m->host, m->views.by_vmid);
	model_free(&m->host, m->views.by_space);
	model_free(&m->host, m->views.note);
}

static uint32_t group_of(uint64_t owner)
{
	if (FIELD_GET(KEY_REGIME, owner) == MSMMU_REGIME_E2H)
		return GROUP_E2H;
	return (uint32_t)FIELD_GET(KEY_VMID, owner) % MSMMU_NR_VM_GENS;
}

/* ------------------------------------------------- under views.lock ----- */

static void unlink_of_space(struct msmmu_views *v, uint32_t i)
{
	uint32_t *at = &v->by_space[v->note[i].space];

	while (*at != i)
		at = &v->note[*at].next_of_space;
	store_release(at, v->note[i].next_of_space);
}

static void drop(struct msmmu_views *v, uint32_t i)
{
	unlink_of_space(v, i);
	store_release(&v->note[i].owner, 0);
	v->note[i].next_of_group = v->free;
	v->free = i;
}

static void drop_group(struct msmmu_views *v, uint32_t group)
{
	uint32_t i = v->by_vmid[group] & ~MORE;

	while (i) {
		uint32_t next = v->note[i].next_of_group;

		drop(v, i);
		i = next;
	}
	v->by_vmid[group] = 0;
	v->patience = 0;
}

/* Notes of spaces without entries, in one group; returns how many went. */
static uint32_t purge_group(msmmu *m, uint32_t group)
{
	struct msmmu_views *v = &m->views;
	uint32_t more = v->by_vmid[group] & MORE, dropped = 0;
	uint32_t head = v->by_vmid[group] & ~MORE, *at = &head;

	while (*at) {
		uint32_t i = *at;

		if (load_acquire(&m->spaces[v->note[i].space].word) &
		    SPACE_SIZES) {
			at = &v->note[i].next_of_group;
			continue;
		}
		*at = v->note[i].next_of_group;
		drop(v, i);
		dropped++;
	}
	v->by_vmid[group] = head | more;
	return dropped;
}

/* Going through all notes must pay: after a failure only now and then. */
static void purge(msmmu *m)
{
	struct msmmu_views *v = &m->views;
	uint32_t dropped = 0;

	if (v->patience) {
		v->patience--;
		return;
	}
	for (uint32_t group = 0; group < NR_GROUPS; group++)
		dropped += purge_group(m, group);
	if (dropped < v->nr / 8)
		v->patience = v->nr;
}

static uint32_t find(const struct msmmu_views *v, uint32_t space,
		     uint64_t owner)
{
	uint32_t i = v->by_space[space];

	while (i && v->note[i].owner != owner)
		i = v->note[i].next_of_space;
	return i;
}

static void put_first(struct msmmu_views *v, uint32_t i)
{
	v->note[i].next_of_space = v->by_space[v->note[i].space];
	store_release(&v->by_space[v->note[i].space], i);
}

static void note(msmmu *m, uint32_t space, uint64_t owner)
{
	struct msmmu_views *v = &m->views;
	uint32_t group = group_of(owner), i = find(v, space, owner);

	if (i) {
		unlink_of_space(v, i);
		put_first(v, i);
		return;
	}
	if (group != GROUP_E2H)
		v->el1_used = true;
	if (!v->free)
		purge(m);
	i = v->free;
	if (!i) {
		v->by_vmid[group] |= MORE;
		return;
	}
	v->free = v->note[i].next_of_group;
	v->note[i].space = space;
	v->note[i].next_of_group = v->by_vmid[group] & ~MORE;
	v->by_vmid[group] = i | (v->by_vmid[group] & MORE);
	store_release(&v->note[i].owner, owner);
	put_first(v, i);
}

/* --------------------------------------------------------------- doors -- */

const uint32_t *msmmu_view_first_note(const msmmu *m,
				      const struct msmmu_space *space)
{
	if (!m->views.nr || space >= m->spaces + MSMMU_NR_SPACES)
		return NULL;
	return &m->views.by_space[space - m->spaces];
}

/*
 * The filler says here what it will fill and looks at mcache.kills afterwards; an
 * invalidation counts in those and looks here afterwards.  All four are in the
 * one order of sequential consistency, so one of the two sees the other.
 */
static void space_use(struct msmmu_space *space, uint64_t uses)
{
	__atomic_fetch_or(&space->word, uses, __ATOMIC_SEQ_CST);
}

void msmmu_view_use(msmmu *m, const struct msmmu_view *view, uint64_t uses)
{
	if (!view->first_note) {
		space_use(view->space, uses);
		return;
	}
	pthread_mutex_lock(&m->views.lock);
	note(m, (uint32_t)(view->space - m->spaces), view->owner);
	space_use(view->space, uses);
	pthread_mutex_unlock(&m->views.lock);
}

void msmmu_views_end_vmid(msmmu *m, uint16_t vmid, uint64_t *gen)
{
	pthread_mutex_lock(&m->views.lock);
	if (m->views.note)
		drop_group(&m->views, vmid % MSMMU_NR_VM_GENS);
	msmmu_gen_bump(m, gen);
	pthread_mutex_unlock(&m->views.lock);
}

void msmmu_views_end_el2(msmmu *m, uint64_t *gen)
{
	pthread_mutex_lock(&m->views.lock);
	if (m->views.note)
		drop_group(&m->views, GROUP_E2H);
	msmmu_gen_bump(m, gen);
	pthread_mutex_unlock(&m->views.lock);
}

void msmmu_views_end_el1(msmmu *m, uint64_t *gen)
{
	pthread_mutex_lock(&m->views.lock);
	for (uint32_t group = 0; m->views.el1_used && group < GROUP_E2H;
	     group++) {
		if (m->views.by_vmid[group])
			drop_group(&m->views, group);
	}
	m->views.el1_used = false;
	msmmu_gen_bump(m, gen);
	pthread_mutex_unlock(&m->views.lock);
}

bool msmmu_views_each(msmmu *m, uint64_t owner, uint64_t mask,
		      bool (*fn)(msmmu *m, struct msmmu_space *space,
				 uint64_t owner, void *arg),
		      void *arg)
{
	struct msmmu_views *v = &m->views;
	uint32_t i;
	bool all;

	pthread_mutex_lock(&v->lock);
	i = v->by_vmid[group_of(owner)];
	all = !(i & MORE);
	for (i &= ~MORE; all && i; i = v->note[i].next_of_group) {
		if (!((v->note[i].owner ^ owner) & mask))
			all = fn(m, &m->spaces[v->note[i].space],
				 v->note[i].owner, arg);
	}
	pthread_mutex_unlock(&v->lock);
	return all;
}
