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
 * VMID and of everything are one increment each.  A generation that has come to
 * its last number starts over, with everything forgotten.
 *
 * Spaces and VMID generations are found by hashing into fixed arrays; two that
 * share a slot die together, which the architecture allows.
 *
 * Invalidation by address probes the sets the range can be in, for each size in
 * use, or goes through the whole cache once if that is less work.  A block of
 * stage 1 that stage 2 maps in pieces has an entry for each of them, and an
 * address in the block means them all: for spaces that have such entries the
 * range is widened to whole blocks.
 */
#include "../mutant.h"
#include "msmmu.h"
#include "tlb_inline.h"

/* The cache of tables is smaller than the TLB by this. */
#define TLB_PER_TABLE 8u

_Static_assert(3 * MSMMU_GEN_LAST + 2 * SPACE_GEN_LAST < MCACHE_STAMP_MAX,
	       "a sum of generations is one number only");

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

static uint64_t owner_key(uint8_t regime, uint16_t vmid, uint16_t asid,
			  bool global, bool aset)
{
	return FIELD_PREP(KEY_ASID, global ? 0 : asid) |
	       FIELD_PREP(KEY_VMID, vmid) | FIELD_PREP(KEY_REGIME, regime) |
	       (global ? KEY_GLOBAL | (aset ? KEY_ASET : 0) : 0);
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

static struct msmmu_view view(const msmmu *m, struct msmmu_space *space,
			      uint64_t owner)
{
	uint64_t h = owner * UINT64_C(0x9e3779b97f4a7c15);

	return (struct msmmu_view){
		.owner = owner,
		.salt = (uint32_t)(h >> 20),
		.space = space,
		.first_note = msmmu_view_first_note(m, space),
	};
}

static struct msmmu_view local_view(msmmu *m, uint8_t regime, uint16_t vmid,
				    uint16_t asid)
{
	if (regime == MSMMU_REGIME_EL2)
		return view(m, shared_space(m, 0, SHARED_EL2, regime),
			    owner_key(regime, 0, 0, false, false));
	return view(m, asid_space(m, regime, vmid, asid),
		    owner_key(regime, vmid, asid, false, false));
}

static struct msmmu_view global_view(msmmu *m, uint8_t regime, uint16_t vmid,
				     bool aset)
{
	return view(m,
		    shared_space(m, vmid, aset ? SHARED_G1 : SHARED_G0, regime),
		    owner_key(regime, vmid, 0, true, aset));
}

static struct msmmu_view ipa_view(msmmu *m, uint16_t vmid)
{
	return view(m, shared_space(m, vmid, SHARED_IPA, MSMMU_REGIME_IPA),
		    owner_key(MSMMU_REGIME_IPA, vmid, 0, false, false));
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
	ticket->table_kills = mcache_kills(&m->pwc);
	ticket->vm = load_acquire(ctx->vm_gen);
	ticket->all = load_acquire(ctx->all_gen);
	ticket->tables = load_acquire(&m->tables_gen);
	ticket->local = load_acquire(&ctx->local.space->word);
	ticket->global = load_acquire(&ctx->global.space->word);
	ticket->ipa = ctx->s2 ? load_acquire(&ctx->ipa.space->word) : 0;
}

static void fill(msmmu *m, const struct msmmu_view *view, uint64_t in,
		 const struct msmmu_result *res, uint64_t word, uint64_t gens,
		 uint64_t kills)
{
	struct mcache_entry e = {
		.tag = tlb_tag(in, res->size_lg2),
		.key = mcache_key(view->owner,
				  (word >> SPACE_GEN_SHIFT) + gens),
		.out = (align_down_lg2(res->pa, res->size_lg2) & OUT_PA) |
		       FIELD_PREP(OUT_MAIR, res->mair) |
		       FIELD_PREP(OUT_SH, res->sh) |
		       (res->clean ? OUT_CLEAN : 0) |
		       FIELD_PREP(OUT_BOTH, tlb_both(res->rights)) |
		       FIELD_PREP(OUT_LEVEL1, tlb_level_code(res->level1)) |
		       FIELD_PREP(OUT_LEVEL2, tlb_level_code(res->level2)),
		.aux = FIELD_PREP(AUX_IPA,
				  align_down_lg2(res->ipa, res->size_lg2) >>
					  12) |
		       FIELD_PREP(AUX_S1, res->rights & MSMMU_S1_ALL) |
		       FIELD_PREP(AUX_GRANULE,
				  tlb_granule_code(res->granule_lg2)),
	};

	tlb_fill_entry(m, view, in, res->size_lg2,
		       tlb_uses(res->size_lg2, res->granule_lg2, res->level1),
		       &e, word, kills);
}

void msmmu_tlb_fill(msmmu *m, const struct msmmu_ctx *ctx, uint64_t va,
		    const struct msmmu_result *res,
		    const struct msmmu_tlb_ticket *ticket)
{
	bool global = res->global && ctx->regime != MSMMU_REGIME_EL2;
	uint64_t word = global ? ticket->global : ticket->local;

	if (!m->tlb.set)
		return;
	fill(m, global ? &ctx->global : &ctx->local, va, res, word,
	     ticket->vm + ticket->all, ticket->kills);
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
	fill(m, &ctx->ipa, ipa, res, ticket->ipa, ticket->all, ticket->kills);
}

/* ------------------------------------------------------- generations ---- */

/*
 * A generation has reached its last number, with which nobody finds what is
 * older.  Drop that before zero is taken for the zero there was; and what is
 * made of the last number, before the number comes again.  Whoever counts on
 * meanwhile has its effect at once, and loses nothing when zero comes: all is
 * dropped after it.
 */
static void start_over(msmmu *m, uint64_t *word)
{
	mcache_clear(&m->tlb);
	mcache_clear(&m->pwc);
	store_release(word, 0);
	mcache_clear(&m->tlb);
	mcache_clear(&m->pwc);
}

void msmmu_gen_bump(msmmu *m, uint64_t *gen)
{
	if (unlikely(fetch_add_acq_rel(gen, 1) + 1 == MSMMU_GEN_LAST))
		start_over(m, gen);
}

static void space_kill(msmmu *m, struct msmmu_space *space)
{
	uint64_t word = load_acquire(&space->word);
	uint64_t gen;

	if (MUTANT("tlb-space-generation"))
		return;
	do {
		gen = (word >> SPACE_GEN_SHIFT) + 1;
	} while (!cmpxchg_acq_rel(&space->word, &word, gen << SPACE_GEN_SHIFT));
	if (unlikely(gen == SPACE_GEN_LAST))
		start_over(m, &space->word);
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
	struct mcache_kill of;
	uint64_t first, last;
	uint64_t granule; /* code, 0 any */
	uint64_t level;	  /* code, 15 any */
};

/* log2 of the leaf that an entry is of, or of the entry if it is no smaller. */
static unsigned int kill_leaf_lg2(const struct mcache_entry *e)
{
	unsigned int lg2 = tlb_tag_lg2(e->tag), leaf;
	int level = tlb_level(FIELD_GET(OUT_LEVEL1, e->out));

	if (level == MSMMU_NO_LEVEL || MUTANT("tlb-range-split-match"))
		return lg2;
	leaf = msmmu_level_shift(
		tlb_granule_lg2(FIELD_GET(AUX_GRANULE, e->aux)), level);
	return leaf > lg2 ? leaf : lg2;
}

static bool kill_match(const struct mcache_kill *of,
		       const struct mcache_entry *e)
{
	const struct kill *k = (const void *)of; /* its first member */
	uint64_t inside = mask_lg2(kill_leaf_lg2(e));
	uint64_t first = tlb_tag_first(e->tag);
	uint64_t leaf = FIELD_GET(OUT_LEVEL1, e->out);

	if ((first & ~inside) > k->last || (first | inside) < k->first)
		return false;
	if (k->granule && FIELD_GET(AUX_GRANULE, e->aux) != k->granule &&
	    !MUTANT("tlb-range-granule"))
		return false;
	if (leaf == 7)
		leaf = FIELD_GET(OUT_LEVEL2, e->out);
	return k->level == 15 || leaf == k->level || MUTANT("tlb-range-ttl");
}

/* log2 of the largest leaf that is meant and is there in pieces, or 0. */
static unsigned int kill_split_lg2(const struct kill *k, uint64_t word)
{
	unsigned int max = 0;

	for (uint64_t split = word & SPACE_SPLIT; split; split &= split - 1) {
		unsigned int i = (unsigned int)__builtin_ctzll(split) -
				 SPACE_SPLIT_SHIFT;
		unsigned int granule = 12 + i / 3 * 2;
		int level = (int)(i % 3) + (i >= 3);
		unsigned int lg2 = msmmu_level_shift(granule, level);

		if (k->granule && k->granule != tlb_granule_code(granule))
			continue;
		if (k->level != 15 && k->level != tlb_level_code(level))
			continue;
		if (lg2 > max)
			max = lg2;
	}
	return MUTANT("tlb-range-split") ? 0 : max;
}

/* Where entries of one size may begin that the range reaches. */
struct kill_part {
	unsigned int lg2;
	uint64_t first;
	uint64_t probes; /* sets to visit, at most one more than there are */
};

static struct kill_part kill_part(const msmmu *m, const struct kill *k,
				  unsigned int lg2, unsigned int split_lg2)
{
	uint64_t inside = mask_lg2(split_lg2 > lg2 ? split_lg2 : lg2);
	uint64_t first = k->first & ~inside;
	uint64_t n = ((k->last | inside) >> lg2) - (first >> lg2);

	return (struct kill_part){
		.lg2 = lg2,
		.first = first,
		.probes = min_u64(n, m->tlb.mask + UINT64_C(1)) + 1,
	};
}

/* What there is to search for; the other half stands in msmmu_view_use(). */
static uint64_t space_look(const struct msmmu_space *space)
{
	return __atomic_load_n(&space->word, __ATOMIC_SEQ_CST);
}

/* Sets to visit for all sizes of a view. */
static uint64_t view_probes(const msmmu *m, uint64_t word, const struct kill *k)
{
	unsigned int split_lg2 = kill_split_lg2(k, word);
	uint64_t work = 0;

	for (uint64_t sizes = word & SPACE_SIZES; sizes; sizes &= sizes - 1)
		work += kill_part(m, k,
				  12 + (unsigned int)__builtin_ctzll(sizes),
				  split_lg2)
				.probes;
	return work;
}

static void kill_view(msmmu *m, const struct msmmu_view *view,
		      const struct kill *k)
{
	uint64_t word = space_look(view->space);
	unsigned int split_lg2 = kill_split_lg2(k, word);

	if (view_probes(m, word, k) > m->tlb.mask) {
		mcache_kill_all(&m->tlb, &k->of);
		return;
	}
	for (uint64_t sizes = word & SPACE_SIZES; sizes; sizes &= sizes - 1) {
		struct kill_part part = kill_part(
			m, k, 12 + (unsigned int)__builtin_ctzll(sizes),
			split_lg2);

		for (uint64_t i = 0; i < part.probes; i++)
			mcache_kill_set(&m->tlb,
					tlb_index(view,
						  part.first + (i << part.lg2),
						  part.lg2),
					&k->of);
	}
}

static void kill_owner(msmmu *m, struct kill *k, struct msmmu_view view)
{
	k->of.owner = view.owner;
	k->of.mask = MCACHE_OWNER;
	kill_view(m, &view, k);
}

struct kill_asids {
	struct kill *k;
	uint64_t room; /* sets that may be visited still */
};

static bool count_view(msmmu *m, struct msmmu_space *space, uint64_t owner,
		       void *arg)
{
	struct kill_asids *a = arg;
	uint64_t work = view_probes(m, space_look(space), a->k);

	if (work > a->room)
		return false;
	a->room -= work;
	return true;
}

static bool kill_asid(msmmu *m, struct msmmu_space *space, uint64_t owner,
		      void *arg)
{
	struct kill_asids *a = arg;

	kill_owner(m, a->k, view(m, space, owner));
	return true;
}

/*
 * Entries of all ASIDs of a VMID: view by view, or all at once if that is less
 * work or not all of them are known.
 */
static void kill_any_asid(msmmu *m, struct kill *k,
			  const struct msmmu_tlb_range *r)
{
	uint64_t owner = owner_key(r->regime, r->vmid, 0, false, false);
	uint64_t mask = KEY_REGIME | KEY_VMID;
	struct kill_asids a = { .k = k, .room = m->tlb.mask };

	if (msmmu_views_each(m, owner, mask, count_view, &a) &&
	    msmmu_views_each(m, owner, mask, kill_asid, &a)) {
		kill_owner(m, k, global_view(m, r->regime, r->vmid, false));
		kill_owner(m, k, global_view(m, r->regime, r->vmid, true));
		return;
	}
	k->of.owner = owner;
	k->of.mask = mask;
	mcache_kill_all(&m->tlb, &k->of);
}

void msmmu_tlb_inval_range(msmmu *m, const struct msmmu_tlb_range *r)
{
	struct kill k = {
		.of.match = kill_match,
		.first = r->first & TLB_VA,
		.last = r->last & TLB_VA,
		.granule = r->granule_lg2 ? tlb_granule_code(r->granule_lg2)
					  : 0,
		.level = r->level == MSMMU_NO_LEVEL ? 15
						    : tlb_level_code(r->level),
	};

	if (!m->tlb.set)
		return;
	if (k.last < k.first)
		k.last = TLB_VA;
	if (!r->leaf_only && !MUTANT("tlb-tables-generation"))
		msmmu_gen_bump(m, &m->tables_gen);
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
