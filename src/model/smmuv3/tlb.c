/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlb.c - what a TLB entry is marked with, and what invalidations reach.
 *
 * Entries that can only die together share a *space*: the non-global ones of
 * one (regime, VMID, ASID), the global ones of a VMID and ASET, the stage-2
 * ones of a VMID.  A space has a generation and a bitmap of the leaf sizes in
 * use, so a look-up probes only sizes that exist.  An entry's stamp is the sum
 * of its space's generation, its VMID's and its world's.  All of them only
 * grow, so the sum is the same only while none has moved: TLBI by ASID, by
 * VMID and of everything are one increment each.
 *
 * Spaces and VMID generations are found by hashing into fixed arrays; two that
 * share a slot die together, which the architecture allows.
 *
 * Invalidation by address probes the sets the range can be in, for each size in
 * use, or goes through the whole cache once if that is less work.
 */
#include "../mutant.h"
#include "msmmu.h"
#include "tlb_inline.h"

/* The cache of tables is smaller than the TLB by this. */
#define TLB_PER_TABLE 8u

/* Spaces of entries that no ASID marks stand behind those with. */
#define NR_SHARED_SPACES 4096u

int msmmu_tlb_init(msmmu *m)
{
	uint32_t entries = m->profile.tlb_entries;
	int rc = mcache_init(&m->tlb, &m->host, entries);

	if (!rc)
		rc = mcache_init(&m->pwc, &m->host, entries / TLB_PER_TABLE);
	if (rc)
		return rc;
	m->spaces = model_alloc(&m->host, (MSMMU_NR_SPACES + NR_SHARED_SPACES) *
						  sizeof(*m->spaces));
	m->vm_gens =
		model_alloc(&m->host, MSMMU_NR_VM_GENS * sizeof(*m->vm_gens));
	if (!m->spaces || !m->vm_gens)
		return -ENOMEM;
	return msmmu_views_init(m);
}

void msmmu_tlb_fini(msmmu *m)
{
	msmmu_views_fini(m);
	model_free(&m->host, m->vm_gens);
	model_free(&m->host, m->spaces);
	mcache_fini(&m->pwc, &m->host);
	mcache_fini(&m->tlb, &m->host);
}

void msmmu_tlb_reset(msmmu *m)
{
	mcache_clear(&m->tlb);
	mcache_clear(&m->pwc);
	msmmu_tlb_inval_non_el2(m);
	msmmu_tlb_inval_el2(m);
}

/* ---------------------------------------------------------------- views -- */

enum {
	SHARED_G0,
	SHARED_G1,
	SHARED_IPA,
	SHARED_EL2
};

static uint64_t owner_meta(uint8_t regime, uint16_t vmid, uint16_t asid,
			   bool global, bool aset)
{
	return FIELD_PREP(META_ASID, global ? 0 : asid) |
	       FIELD_PREP(META_VMID, vmid) | FIELD_PREP(META_REGIME, regime) |
	       (global ? META_GLOBAL | (aset ? META_ASET : 0) : 0);
}

static struct msmmu_space *shared_space(msmmu *m, uint16_t vmid,
					unsigned int kind, uint8_t regime)
{
	uint32_t i = vmid * 8u + kind + (regime == MSMMU_REGIME_E2H ? 4 : 0);

	return &m->spaces[MSMMU_NR_SPACES + i % NR_SHARED_SPACES];
}

static struct msmmu_space *asid_space(msmmu *m, uint8_t regime, uint16_t vmid,
				      uint16_t asid)
{
	uint32_t i = asid + vmid * 0x9e37u +
		     (regime == MSMMU_REGIME_E2H ? 0x1357u : 0);

	return &m->spaces[i % MSMMU_NR_SPACES];
}

static struct msmmu_view view(struct msmmu_space *space, uint64_t meta)
{
	uint64_t h = meta * UINT64_C(0x9e3779b97f4a7c15);

	return (struct msmmu_view){
		.meta = meta,
		.tag = MCACHE_TAG_VALID | FIELD_PREP(TAG_HASH, h >> 50),
		.salt = (uint32_t)(h >> 20),
		.space = space,
	};
}

static struct msmmu_view local_view(msmmu *m, uint8_t regime, uint16_t vmid,
				    uint16_t asid)
{
	if (regime == MSMMU_REGIME_EL2)
		return view(shared_space(m, 0, SHARED_EL2, regime),
			    owner_meta(regime, 0, 0, false, false));
	return view(asid_space(m, regime, vmid, asid),
		    owner_meta(regime, vmid, asid, false, false));
}

static struct msmmu_view global_view(msmmu *m, uint8_t regime, uint16_t vmid,
				     bool aset)
{
	return view(shared_space(m, vmid, aset ? SHARED_G1 : SHARED_G0, regime),
		    owner_meta(regime, vmid, 0, true, aset));
}

static struct msmmu_view ipa_view(msmmu *m, uint16_t vmid)
{
	return view(shared_space(m, vmid, SHARED_IPA, MSMMU_REGIME_IPA),
		    owner_meta(MSMMU_REGIME_IPA, vmid, 0, false, false));
}

static uint64_t *vm_gen(msmmu *m, uint16_t vmid)
{
	return &m->vm_gens[vmid % MSMMU_NR_VM_GENS];
}

void msmmu_ctx_set_views(msmmu *m, struct msmmu_ctx *ctx)
{
	bool el1 = ctx->regime == MSMMU_REGIME_EL1 ||
		   ctx->regime == MSMMU_REGIME_IPA;
	uint16_t vmid = el1 ? ctx->vmid : 0;

	ctx->vm_gen = el1 ? vm_gen(m, vmid) : &m->tlb_el2_gen;
	ctx->all_gen = el1 ? &m->tlb_all_gen : &m->gen_zero;
	ctx->local = local_view(m, ctx->regime, vmid, ctx->asid);
	ctx->global = global_view(m, ctx->regime, vmid, ctx->aset);
	if (ctx->s2)
		ctx->ipa = ipa_view(m, ctx->vmid);
}

/* -------------------------------------------------------- fill and find -- */

void msmmu_tlb_ticket(const msmmu *m, const struct msmmu_ctx *ctx,
		      struct msmmu_tlb_ticket *ticket)
{
	ticket->kills = mcache_kills(&m->tlb);
	ticket->vm = load_acquire(ctx->vm_gen);
	ticket->all = load_acquire(ctx->all_gen);
	ticket->tables = load_acquire(&m->tables_gen);
	ticket->local = load_acquire(&ctx->local.space->word);
	ticket->global = load_acquire(&ctx->global.space->word);
	ticket->ipa = ctx->s2 ? load_acquire(&ctx->ipa.space->word) : 0;
}

/* Rights of both stages together: for the unprivileged 2:0, privileged 5:3. */
static uint64_t both_rights(uint32_t rights)
{
	uint32_t s2 = rights / MSMMU_S2_R;
	uint32_t rw = s2 & 3;
	uint32_t unpriv = rw | (s2 >> 2 & 1) << 2;
	uint32_t priv = rw | (s2 >> 3 & 1) << 2;

	return (unpriv | priv << 3) & rights & MSMMU_S1_ALL;
}

static uint64_t level_code(int level)
{
	return level == MSMMU_NO_LEVEL ? 7 : (uint64_t)(level + 1);
}

static void fill(msmmu *m, const struct msmmu_view *view, uint64_t in,
		 const struct msmmu_result *res, uint64_t stamp,
		 const struct msmmu_tlb_ticket *ticket)
{
	uint64_t size_bit = BIT64(res->size_lg2 - 12);
	struct mcache_entry e;

	e.meta = view->meta | FIELD_PREP(META_RIGHTS, res->rights) |
		 FIELD_PREP(META_LEVEL1, level_code(res->level1)) |
		 FIELD_PREP(META_LEVEL2, level_code(res->level2)) |
		 FIELD_PREP(META_GRANULE, (res->granule_lg2 - 10) / 2) |
		 FIELD_PREP(META_BOTH, both_rights(res->rights)) |
		 (res->clean ? META_CLEAN : 0);
	e.stamp = stamp;
	e.out = align_down_lg2(res->pa, res->size_lg2) |
		FIELD_PREP(OUT_MAIR, res->mair) | FIELD_PREP(OUT_SH, res->sh);
	e.aux = align_down_lg2(res->ipa, res->size_lg2);
	msmmu_view_use(m, view, size_bit);
	mcache_fill(&m->tlb, tlb_index(view, in, res->size_lg2),
		    tlb_tag(view, in, res->size_lg2), &e, META_OWNER,
		    ticket->kills);
}

void msmmu_tlb_fill(msmmu *m, const struct msmmu_ctx *ctx, uint64_t va,
		    const struct msmmu_result *res,
		    const struct msmmu_tlb_ticket *ticket)
{
	bool global = res->global && ctx->regime != MSMMU_REGIME_EL2;
	uint64_t word = global ? ticket->global : ticket->local;

	if (!m->tlb.set)
		return;
	fill(m, global ? &ctx->global : &ctx->local, va, res,
	     (word >> SPACE_GEN_SHIFT) + ticket->vm + ticket->all, ticket);
}

bool msmmu_tlb_find_ipa(msmmu *m, const struct msmmu_ctx *ctx, uint64_t ipa,
			struct msmmu_result *res)
{
	if (!m->tlb.set)
		return false;
	return tlb_find_view(m, &ctx->ipa, load_acquire(ctx->all_gen), ipa,
			     res);
}

void msmmu_tlb_fill_ipa(msmmu *m, const struct msmmu_ctx *ctx, uint64_t ipa,
			const struct msmmu_result *res,
			const struct msmmu_tlb_ticket *ticket)
{
	if (!m->tlb.set)
		return;
	fill(m, &ctx->ipa, ipa, res,
	     (ticket->ipa >> SPACE_GEN_SHIFT) + ticket->all, ticket);
}

/* ------------------------------------------------------- generations ---- */

static void space_kill(msmmu *m, struct msmmu_space *space)
{
	uint64_t word = load_acquire(&space->word);
	uint64_t next;

	if (MUTANT("tlb-space-generation"))
		return;
	do {
		next = ((word >> SPACE_GEN_SHIFT) + 1) << SPACE_GEN_SHIFT;
	} while (!cmpxchg_acq_rel(&space->word, &word, next));
	/* The generation came around: nothing old may look new. */
	if (!next) {
		mcache_clear(&m->tlb);
		mcache_clear(&m->pwc);
	}
}

void msmmu_tlb_inval_asid(msmmu *m, uint8_t regime, uint16_t vmid,
			  uint16_t asid)
{
	space_kill(m, asid_space(m, regime, vmid, asid));
}

void msmmu_tlb_inval_vmid_s1(msmmu *m, uint16_t vmid)
{
	if (!MUTANT("tlb-vmid-generation"))
		msmmu_views_end_vmid(m, vmid, vm_gen(m, vmid));
}

void msmmu_tlb_inval_vmid_s2(msmmu *m, uint16_t vmid)
{
	space_kill(m, ipa_view(m, vmid).space);
}

void msmmu_tlb_inval_el2(msmmu *m)
{
	if (!MUTANT("tlb-el2-generation"))
		msmmu_views_end_el2(m, &m->tlb_el2_gen);
}

void msmmu_tlb_inval_non_el2(msmmu *m)
{
	if (!MUTANT("tlb-all-generation"))
		msmmu_views_end_el1(m, &m->tlb_all_gen);
}

/* ----------------------------------------------------- by address ------- */

struct kill {
	uint64_t meta, mask; /* owner */
	uint64_t first, last;
	uint64_t granule; /* code, 0 any */
	uint64_t level;	  /* code, 15 any */
};

static bool kill_match(const void *arg, uint64_t tag, uint64_t meta,
		       const struct mcache_entry *entry)
{
	const struct kill *k = arg;
	unsigned int lg2 = 12 + (unsigned int)FIELD_GET(TAG_SIZE, tag);
	uint64_t first = (tag & TAG_PAGE) << 12;
	uint64_t leaf = FIELD_GET(META_LEVEL1, meta);

	if ((meta ^ k->meta) & k->mask)
		return false;
	if (first > k->last || (first | mask_lg2(lg2)) < k->first)
		return false;
	if (k->granule && FIELD_GET(META_GRANULE, meta) != k->granule &&
	    !MUTANT("tlb-range-granule"))
		return false;
	if (leaf == 7)
		leaf = FIELD_GET(META_LEVEL2, meta);
	return k->level == 15 || leaf == k->level || MUTANT("tlb-range-ttl");
}

/* Sets to visit for one size, at most one more than there are. */
static uint64_t probes(const msmmu *m, const struct kill *k, unsigned int lg2)
{
	uint64_t n = (k->last >> lg2) - (k->first >> lg2);

	return min_u64(n, m->tlb.mask + UINT64_C(1)) + 1;
}

/* Sets to visit for all sizes of a view. */
static uint64_t view_probes(const msmmu *m, const struct msmmu_space *space,
			    const struct kill *k)
{
	uint64_t sizes = load_acquire(&space->word) & SPACE_SIZES;
	uint64_t work = 0;

	for (; sizes; sizes &= sizes - 1)
		work += probes(m, k, 12 + (unsigned int)__builtin_ctzll(sizes));
	return work;
}

static void kill_view(msmmu *m, const struct msmmu_view *view,
		      const struct kill *k)
{
	uint64_t sizes = load_acquire(&view->space->word) & SPACE_SIZES;

	if (view_probes(m, view->space, k) > m->tlb.mask) {
		mcache_kill_all(&m->tlb, kill_match, k);
		return;
	}
	for (; sizes; sizes &= sizes - 1) {
		unsigned int lg2 = 12 + (unsigned int)__builtin_ctzll(sizes);
		uint64_t n = probes(m, k, lg2);

		for (uint64_t i = 0; i < n; i++)
			mcache_kill_set(&m->tlb,
					tlb_index(view, k->first + (i << lg2),
						  lg2),
					kill_match, k);
	}
}

static void kill_owner(msmmu *m, struct kill *k, struct msmmu_view view)
{
	k->meta = view.meta;
	k->mask = META_OWNER;
	kill_view(m, &view, k);
}

struct kill_asids {
	struct kill *k;
	uint64_t room; /* sets that may be visited still */
};

static bool count_view(msmmu *m, struct msmmu_space *space, uint64_t meta,
		       void *arg)
{
	struct kill_asids *a = arg;
	uint64_t work = view_probes(m, space, a->k);

	if (work > a->room)
		return false;
	a->room -= work;
	return true;
}

static bool kill_asid(msmmu *m, struct msmmu_space *space, uint64_t meta,
		      void *arg)
{
	struct kill_asids *a = arg;

	kill_owner(m, a->k, view(space, meta));
	return true;
}

/*
 * Entries of all ASIDs of a VMID: view by view, or all at once if that is less
 * work or not all of them are known.
 */
static void kill_any_asid(msmmu *m, struct kill *k,
			  const struct msmmu_tlb_range *r)
{
	uint64_t meta = owner_meta(r->regime, r->vmid, 0, false, false);
	uint64_t mask = META_REGIME | META_VMID;
	struct kill_asids a = { .k = k, .room = m->tlb.mask };

	if (msmmu_views_each(m, meta, mask, count_view, &a) &&
	    msmmu_views_each(m, meta, mask, kill_asid, &a)) {
		kill_owner(m, k, global_view(m, r->regime, r->vmid, false));
		kill_owner(m, k, global_view(m, r->regime, r->vmid, true));
		return;
	}
	k->meta = meta;
	k->mask = mask;
	mcache_kill_all(&m->tlb, kill_match, k);
}

void msmmu_tlb_inval_range(msmmu *m, const struct msmmu_tlb_range *r)
{
	struct kill k = {
		.first = r->first & TLB_VA,
		.last = r->last & TLB_VA,
		.granule = r->granule_lg2 ? (r->granule_lg2 - 10u) / 2 : 0,
		.level = r->level == MSMMU_NO_LEVEL ? 15 : level_code(r->level),
	};

	if (!m->tlb.set)
		return;
	if (k.last < k.first)
		k.last = TLB_VA;
	if (!r->leaf_only && !MUTANT("tlb-tables-generation"))
		fetch_add_acq_rel(&m->tables_gen, 1);
	mcache_kill_begin(&m->tlb);
	if (r->regime == MSMMU_REGIME_IPA) {
		kill_owner(m, &k, ipa_view(m, r->vmid));
	} else if (r->regime == MSMMU_REGIME_EL2) {
		kill_owner(m, &k, local_view(m, r->regime, 0, 0));
	} else if (r->any_asid) {
		kill_any_asid(m, &k, r);
	} else {
		kill_owner(m, &k, local_view(m, r->regime, r->vmid, r->asid));
		if (!MUTANT("tlb-range-global"))
			kill_owner(m, &k,
				   global_view(m, r->regime, r->vmid, false));
		if (!MUTANT("tlb-range-global-aset"))
			kill_owner(m, &k,
				   global_view(m, r->regime, r->vmid, true));
	}
}
