/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * msmmu.h - the SMMUv3 model's insides.
 *
 * Words.  A *context* is what a STE and, if stage 1 is on, a CD say about the
 * transactions of one (StreamID, SubstreamID), decoded: immutable once made,
 * shared by all threads, recycled only after a drain.  A *half* is one
 * translation table with its geometry: TTB0, TTB1, or stage 2.  A *fault* is
 * why a transaction ends; translate.c alone turns it into an event record.
 *
 * Locks, outermost first:
 *   a queue's lock  one thread at a time consumes the commands of a queue; held
 *		over the drain of CMD_SYNC, so no transaction may wait for one.
 *		No thread holds two, but a snapshot, which only tries: queues
 *		never wait for each other
 *   irq_lock	held over the writes of interrupt messages, so that turning a
 *		source off can wait for them
 *   lock	registers, event queue production, GERROR, pending interrupts,
 *		stalled transactions: that one is recorded, has its tag and can be
 *		found by it is one step
 *   atc_lock	tags of invalidations, and what queues have outstanding of them
 *   raw->lock	structures kept apart, see rawcache.c; no other is taken in it
 *   cfg_lock	table of contexts, free and retired contexts
 *   views.lock	which ASIDs may have TLB entries (tlb_views.c)
 *   a TLB set's sequence word (cache.h), for a few stores
 * A drain waits for transactions, and those take only the last four, whose
 * holders wait for no drain: so queues that are consumed at the same time, and
 * register writes, cannot wait in a circle.
 * Calls into the embedder other than memory accesses and the notifier of
 * invalidations are made with none of them held.
 */
#ifndef MODEL_SMMUV3_MSMMU_H
#define MODEL_SMMUV3_MSMMU_H

#include <pthread.h>

#include <uiommu/smmuv3_model.h>

#include "../cache.h"
#include "../drain.h"
#include "../mem.h"
#include "base/bits.h"
#include "base/list.h"
#include "hw/smmuv3/cd.h"
#include "hw/smmuv3/cmd.h"
#include "hw/smmuv3/event.h"
#include "hw/smmuv3/queue.h"
#include "hw/smmuv3/regs.h"
#include "hw/smmuv3/ste.h"
#include "view.h"

/* Counters of a thread's slot. */
enum msmmu_counter {
	/* a translation that hit context and TLB; the three below are of others */
	MSMMU_FAST_HITS,
	MSMMU_TRANSLATIONS,
	MSMMU_TLB_HITS,
	MSMMU_TLB_MISSES,
	MSMMU_WALKS,
	MSMMU_WALK_READS,
	MSMMU_CONFIG_HITS,
	MSMMU_CONFIG_MISSES,
	MSMMU_DMA_READ_BYTES,
	MSMMU_DMA_WRITE_BYTES,
	MSMMU_ABORTS,
	/* a translation that missed the TLB alone and found its table at once */
	MSMMU_FAST_MISSES,
};

/* The ID registers, taken apart once. */
struct msmmu_caps {
	bool s1p, s2p, aa64, hyp, ats, ns1ats, atsrecerr, pri, msi, sev;
	bool asid16, vmid16, cd2l, st_2lvl, term_only, pps, pasidtt;
	uint8_t httu;	     /* SMMU_IDR0_HTTU_* */
	uint8_t stall_model; /* SMMU_IDR0_STALL_MODEL_* */
	uint32_t stall_max;
	bool attr_perms_ovr, attr_types_ovr;
	bool had, xnx, fwb, stt, ril, e0pd, epan, ptwnnc, ds, vax52;
	uint8_t minor;	/* SMMUv3.<minor> */
	bool plain_out; /* client accesses leave as privileged data */
	bool vmw;
	uint8_t ttendian;
	uint8_t sid_bits, ssid_bits;
	uint8_t cmdq_lg2, evtq_lg2, priq_lg2;
	uint8_t ecmdq_pages_lg2, ecmdq_per_page_lg2;
	bool ecmdq;
	uint8_t oas, ias;
	/* by log2 of the granule, as a bit */
	uint32_t granules;
};

/* Where the bits of a descriptor's address are (VMSAv8-64). */
enum msmmu_oa_form {
	MSMMU_OA_48,	 /* in place, up to bit 47 */
	MSMMU_OA_64K_52, /* [51:48] in [15:12] */
	MSMMU_OA_DS,	 /* [51:50] in [9:8], shareability elsewhere */
};

struct msmmu_half {
	uint64_t ttb; /* aligned to the start table */
	uint8_t granule_lg2;
	uint8_t in_bits;
	uint8_t out_bits;
	int8_t start;
	uint8_t oa_form;
	uint8_t sh;	   /* of leaves with MSMMU_OA_DS */
	uint8_t walk_mair; /* of descriptor reads */
	uint8_t walk_sh;
	bool big_endian;
	bool off;	   /* EPDx */
	bool tbi;	   /* TBIx */
	bool had;	   /* hierarchical attributes off */
	bool e0pd;	   /* no unprivileged access to this half */
	bool affd;	   /* access flag faults off */
	bool ha, hd, haft; /* hardware updates of AF, dirty, AF of tables */
};

/* Whose translations these are; also tells TLB entries apart. */
enum msmmu_regime {
	MSMMU_REGIME_EL1,
	MSMMU_REGIME_E2H,
	MSMMU_REGIME_EL2,
	MSMMU_REGIME_IPA, /* stage 2 alone */
};

enum msmmu_mode {
	MSMMU_MODE_FAULT,  /* ctx->fault says which */
	MSMMU_MODE_ABORT,  /* without a word */
	MSMMU_MODE_BYPASS, /* Config = 100 */
	MSMMU_MODE_XLATE,
};

struct msmmu_fault {
	uint8_t type; /* event number; 0: none */
	uint8_t stage;
	uint8_t class;
	int8_t level;
	bool record;
	bool stall;  /* instead of ending: wait for software */
	bool raz;    /* ends without an abort (RAZ/WI) */
	bool mev;    /* the event may be merged */
	bool merged; /* it was: no record has been written */
	uint16_t stag;
	uint16_t code; /* Reason of the record, ours to choose */
	bool rnw, ind, pnu;
	bool tt_read; /* F_PERMISSION with CLASS TT: descriptor read */
	const char *reason;
	uint64_t ipa; /* stage 2: IPA; fetches: address */
	uint64_t desc_pa;
	uint64_t desc;
};

#define MSMMU_NO_LEVEL (-128)

/* What STE or GBPA put in place of incoming attributes. */
struct msmmu_overrides {
	bool mt; /* the type, by `mair` */
	uint8_t mair;
	uint8_t alloccfg; /* as encoded */
	uint8_t shcfg;
};

struct msmmu_ctx {
	/* hot: what a TLB hit looks at */
	uint64_t key;
	uint64_t stamp;
	/* the key if translations are by stage 1 and can be fast, else no key */
	uint64_t fast_key;
	uint64_t va_above; /* address bits that are set are looked at closer */
	uint8_t mode;
	uint8_t regime;
	bool s1, s2;		     /* stages that translate */
	bool two_halves;	     /* TTB0 and TTB1 */
	uint8_t priv_or, priv_and;   /* PRIVCFG, as masks on 0 and 1 */
	uint8_t instr_or, instr_and; /* INSTCFG */
	bool single_priv;	     /* EL2 without E2H */
	uint8_t tbi;		     /* bit 0 TBI0, bit 1 TBI1 */
	/* MSMMU_WANT_* by WRITE, SSV, PRIV and INSTR of the flags. */
	uint16_t want[16];
	const uint64_t *sid_gen;
	uint64_t *vm_gen; /* generations that count for stamps */
	uint64_t *all_gen;
	struct msmmu_view local, global, ipa;

	/* what a TLB miss looks at */
	struct msmmu_quick quick[2], quick_s2;
	uint16_t attrs[32]; /* OUT_MAIR, OUT_SH by SH and AttrIndx */

	/* cold */
	struct msmmu_half half[2];
	struct msmmu_half stage2;
	uint64_t mair;
	struct msmmu_fault fault;
	uint64_t ste_pa;
	uint64_t raw_kills; /* msmmu_raw_begin() */
	uint32_t sid;
	uint16_t asid, vmid;
	bool aset;
	bool r, s2r;  /* record faults of stage 1, 2 */
	bool s, s2s;  /* stall on them */
	bool a;	      /* faults of stage 1 abort; else RAZ/WI */
	bool mev;     /* events may be merged */
	uint8_t eats; /* effective, SMMU_STE_EATS_* */
	bool wxn, pan, epan;
	bool skip_s1; /* S1DSS: stage 1 is passed by */
	bool s2ptw, s2fwb;
	struct msmmu_overrides ovr;
	uint8_t in_mair, in_sh; /* default incoming attributes, overridden */
	bool hints;		/* in_mair says something to stage 1 */
	bool plain_out;		/* msmmu_caps.plain_out */
	uint8_t cd_mair, cd_sh; /* of CD fetches */
	struct msmmu_ctx *next; /* free or retired; under cfg_lock */
};

/* Which bit of OUT_BOTH is asked for, and how the access leaves. */
#define MSMMU_WANT_BIT 0x3fu
#define MSMMU_WANT_OUT_PRIV 0x400u /* leaves as privileged */
#define MSMMU_WANT_INSTR 0x800u	   /* leaves as an instruction fetch */
#define MSMMU_WANT_ATTRS (MSMMU_WANT_OUT_PRIV | MSMMU_WANT_INSTR)
#define MSMMU_WANT_PRIV 0x1000u /* asks as privileged */

#define MSMMU_KEY_SSV BIT64(52)
#define MSMMU_NO_KEY ~UINT64_C(0)

static inline uint64_t msmmu_key(uint32_t sid, bool ssv, uint32_t ssid)
{
	return sid |
	       (ssv ? MSMMU_KEY_SSV | (uint64_t)(ssid & 0xfffff) << 32 : 0);
}

#define MSMMU_CFG_WAYS 4u

struct msmmu_cfg_set {
	struct msmmu_ctx *way[MSMMU_CFG_WAYS];
};

/* The newest event record, for merging. */
struct msmmu_last_event {
	bool valid;
	uint32_t ptr; /* PROD behind it */
	uint64_t base;
	uint64_t rec[SMMU_EVT_QWORDS];
};

/* Transactions that wait for software; see stall.c. */
struct msmmu_stall {
	/* by STAG: the recorded ones; NULL: the tag is free */
	struct uiommu_smmuv3_dma **by_stag;
	uint16_t *free_stag; /* a ring, so that a tag rests before its reuse */
	uint32_t nr_stags, first_free, nr_free;
	struct list recorded, waiting, ready;
	uint64_t next_ticket;
	struct msmmu_runner *runners; /* threads in stall_run() */
	/* read without the lock too, as hints */
	uint32_t nr_waiting;
	uint32_t due; /* a thread inside has left work for when it leaves */
	uint64_t stalls, resumed;
};

#define MSMMU_NR_SPACES 16384u
#define MSMMU_NR_VM_GENS 4096u
#define MSMMU_NR_SID_GENS 4096u

/* As many invalidations can be under way as PCIe has tags for. */
#define MSMMU_ATC_TAGS 32u

struct msmmu_cmdq;
struct msmmu_atc_slot {
	uint32_t tag; /* index + MSMMU_ATC_TAGS times how often it was used */
	struct msmmu_cmdq *q; /* whose command it is, NULL: free */
};

/*
 * Where generations other than of spaces start over, so that three of them and
 * one of a space fit a stamp (MCACHE_STAMP_MAX), with room to spare.
 */
#define MSMMU_GEN_LAST BIT64(26)

#define MSMMU_IRQ_BIT(line) BIT32(UIOMMU_SMMUV3_LINE_##line)

struct msmmu_inval;
#define MSMMU_LATER_MAX 256u

/*
 * A command queue: that of page 0, whose registers are in the register file, or
 * an ECMDQ, whose registers are in `own`.
 */
struct msmmu_cmdq {
	uint64_t *base, *prod, *cons;
	uint64_t own[3]; /* 4-byte registers in the low halves */
	bool ecmdq;

	/*
	 * Whoever consumes holds this.  The consumer alone writes *cons while
	 * the queue is on; when it is off, software does, under m->lock.  Who
	 * turns the queue off takes this lock before it acknowledges.
	 */
	pthread_mutex_t lock;
	uintptr_t owner; /* names the thread that holds it, or 0 */
	bool was_full;	 /* room was made that nobody has been told of */
	/* a greedy model's invalidations until CMD_SYNC, see inval.c */
	struct msmmu_inval *later;
	uint32_t nr_later;

	/* under atc_lock */
	uint32_t atc_waiting; /* ATC_INVs that endpoints have not answered */
	bool atc_failed;      /* one has timed out since the last CMD_SYNC */
	bool atc_starved;     /* found no tag */

	bool kicked; /* under kick_lock, see thread.c */
};

struct uiommu_smmuv3_model {
	/* what every transaction reads; all but fixed after create */
	struct model_drain drain;
	uint32_t enabled; /* CR0.SMMUEN, published with release */
	uint32_t fast;	  /* enabled, and both caches exist */
	uint32_t irq_pending;
	/*
	 * Threads that are carrying interrupts or outcomes of commands to the
	 * embedder: raised before irq_pending is emptied, so who has seen that
	 * empty (acquire) sees them here.
	 */
	uint32_t leaving;
	struct mcache tlb;
	struct mcache pwc; /* where level-3 tables are, see walk.c */
	struct msmmu_cfg_set *cfg_sets;
	uint32_t cfg_mask;
	uint64_t cfg_all_gen;
	uint64_t *cfg_sid_gen;
	struct msmmu_space *spaces;
	uint64_t *vm_gens;
	uint64_t tlb_all_gen __attribute__((aligned(64)));
	uint64_t tlb_el2_gen;
	uint64_t gen_zero;   /* where no second generation counts */
	uint64_t tables_gen; /* counts invalidations that reach tables */
	struct msmmu_views views;

	struct msmmu_caps caps;
	struct uiommu_model_host host;
	struct msmmu_explain *explain; /* only in the view of explain.c */
	struct uiommu_smmuv3_profile profile;
	void (*observe)(void *ctx, const struct uiommu_smmuv3_fault_info *info);
	void *observe_ctx;
	void (*notify)(void *ctx, const struct uiommu_smmuv3_inval *inval);
	void *notify_ctx;
	void (*trace)(void *ctx, const struct uiommu_smmuv3_trace *what);
	void *trace_ctx;

	/* registers and queues: lock */
	pthread_mutex_t lock;
	uint64_t reg[SMMU_NR_REGISTERS];
	uint32_t gbpa;
	uint32_t cr2; /* as of the last time that SMMUEN was set */
	uint64_t events;
	uint64_t events_lost;
	uint64_t events_merged;
	uint64_t events_by_type[256];
	struct msmmu_last_event last_event;
	struct msmmu_stall stall;

	/* messages under way: irq_lock */
	pthread_mutex_t irq_lock;

	/* invalidations that endpoints have to carry out */
	pthread_mutex_t atc_lock;
	struct msmmu_atc_slot atc_slot[MSMMU_ATC_TAGS];
	uint32_t atc_starved; /* queues that found no tag */

	/* command queues; the counters are added to by several of them */
	struct msmmu_cmdq cmdq;
	struct msmmu_cmdq *ecmdqs;
	uint32_t nr_ecmdqs;
	uint64_t commands;
	uint64_t syncs;
	uint64_t commands_by_opcode[256];

	/* contexts: cfg_lock */
	pthread_mutex_t cfg_lock;
	struct msmmu_ctx *ctx_pool;
	struct msmmu_ctx *ctx_free;
	struct msmmu_ctx *ctx_retired;
	uint32_t nr_retired;
	uint32_t cfg_victim;
	uint64_t cfg_kills; /* as mcache.kills */

	struct msmmu_raw *raw; /* greedy caching only */

	/* the thread of threaded_commands: kick_lock */
	pthread_mutex_t kick_lock;
	pthread_cond_t kick_cond;
	pthread_t thread;
	bool thread_runs, thread_stop, kicked;
};

typedef struct uiommu_smmuv3_model msmmu;

static inline uint64_t msmmu_reg(const msmmu *m, unsigned int idx)
{
	return load_relaxed(&m->reg[idx]);
}

static inline void msmmu_set_reg(msmmu *m, unsigned int idx, uint64_t val)
{
	store_relaxed(&m->reg[idx], val);
}

#define MSMMU_REG(m, name) msmmu_reg(m, SMMU_REGIDX_##name)
#define MSMMU_SET_REG(m, name, val) msmmu_set_reg(m, SMMU_REGIDX_##name, val)

/* CR2 as it is in effect. */
static inline uint32_t msmmu_cr2(const msmmu *m)
{
	return load_relaxed(&m->cr2);
}

/* Queue 0 is that of page 0. */
static inline struct msmmu_cmdq *msmmu_queue(msmmu *m, uint32_t i)
{
	return i ? &m->ecmdqs[i - 1] : &m->cmdq;
}

/* One transaction on its way. */
struct msmmu_txn {
	msmmu *m;
	struct model_slot *slot;
	const struct uiommu_smmuv3_txn *in;
	const struct msmmu_ctx *ctx;
	bool priv, instr; /* after overrides */
	bool write, read; /* what is asked for; an atomic wants both */
	bool missed;	  /* the local view has been searched */
	/*
	 * An ATS translation request: no right is asked for (`write` and
	 * `read` do not count, `instr` tells whether execute is of interest), the answer says
	 * which there are.  Access flags are set; a clean page is marked dirty
	 * unless ats_nw.
	 */
	bool ats, ats_nw;
	bool was_stalled; /* tried again; not a new transaction */
	/*
	 * A descriptor was not marked that a translation in a cache has to be
	 * marked in (UIOMMU_TXN_PROBE, and accesses that fault): keep nothing.
	 */
	bool dry;
	uint16_t races;	   /* descriptor updates that came too late */
	uint64_t first_pa; /* of a DMA, for the tracer */
	struct msmmu_fault fault;
};

/* profile.c */
int msmmu_caps_from_profile(const struct uiommu_smmuv3_profile *profile,
			    struct msmmu_caps *caps, char *why, size_t why_len);

#include "queues.h"

/* cfgcache.c */
int msmmu_cfg_init(msmmu *m);
void msmmu_cfg_fini(msmmu *m);
void msmmu_cfg_reset(msmmu *m);
void msmmu_cfgi_all(msmmu *m);
void msmmu_cfgi_ste(msmmu *m, uint32_t sid);
void msmmu_cfgi_ste_range(msmmu *m, uint32_t sid, unsigned int range);
void msmmu_cfgi_cd(msmmu *m, uint32_t sid, uint32_t ssid);
/* After a drain: contexts retired before it may be used again. */
struct msmmu_ctx *msmmu_cfg_take_retired(msmmu *m);
void msmmu_cfg_give_free(msmmu *m, struct msmmu_ctx *list);
/*
 * The context of the transaction, from the cache or made of memory; `spare` is
 * used when nothing can be cached.
 */
const struct msmmu_ctx *msmmu_cfg_get(struct msmmu_txn *t, uint64_t key,
				      struct msmmu_ctx *spare);

/* rawcache.c */
enum msmmu_raw_kind {
	MSMMU_RAW_L1STD, /* index: its place in the table; no StreamID */
	MSMMU_RAW_STE,
	MSMMU_RAW_L1CD, /* index: its place */
	MSMMU_RAW_CD,	/* index: SubstreamID */
};
struct msmmu_raw_key {
	uint8_t kind, split; /* split: log2 of what a level-1 entry covers */
	uint32_t sid, index;
};
int msmmu_raw_init(msmmu *m);
void msmmu_raw_fini(msmmu *m);
void msmmu_raw_forked(msmmu *m);
void msmmu_raw_reset(msmmu *m);
/* Before the first structure of a look-up; for all that it puts in. */
uint64_t msmmu_raw_begin(const msmmu *m);
/* False: not kept. */
bool msmmu_raw_get(msmmu *m, const struct msmmu_raw_key *key, uint64_t *words,
		   unsigned int n, uint64_t *pa);
void msmmu_raw_put(msmmu *m, const struct msmmu_raw_key *key,
		   const uint64_t *words, unsigned int n, uint64_t pa,
		   uint64_t kills);
/* A CFGI command takes effect, before contexts are dropped for it. */
void msmmu_raw_cfgi(msmmu *m, const struct msmmu_inval *inval);

/* prefetch.c; after a walk for `va` has found a region of this size */
void msmmu_prefetch_next(const struct msmmu_txn *t, uint64_t va,
			 unsigned int size_lg2);

/* strtab.c: find and check the entries; fills ctx, a fault included.  False:
 * do not cache it.
 */
bool msmmu_ctx_make(struct msmmu_txn *t, uint64_t key, struct msmmu_ctx *ctx);
/*
 * The STE of ctx->sid, legal; false: ctx->fault says why not.  *cacheable: what
 * was found may be kept.
 */
bool msmmu_ste_load(msmmu *m, struct msmmu_ctx *ctx, struct smmu_ste *ste,
		    uint64_t *pa, bool *cacheable);
/*
 * The CD with this index of the stream whose STE and context these are, legal;
 * else as above.  *pa is set once it is known where it is.
 */
bool msmmu_cd_load(struct msmmu_txn *t, const struct smmu_ste *ste,
		   struct msmmu_ctx *ctx, uint32_t index, struct smmu_cd *cd,
		   uint64_t *pa, bool *cacheable);
/* log2 of the StreamIDs in the table, and of those of a level-1 descriptor (0:
 * linear).
 */
void msmmu_strtab_shape(const msmmu *m, unsigned int *sid_lg2,
			unsigned int *split);
/* ste.c, cd.c: NULL, or why it is ILLEGAL */
const char *msmmu_ste_check(const msmmu *m, const struct smmu_ste *ste);
void msmmu_ste_decode(msmmu *m, const struct smmu_ste *ste,
		      struct msmmu_ctx *ctx);
const char *msmmu_cd_check(const msmmu *m, const struct smmu_ste *ste,
			   const struct msmmu_ctx *ctx,
			   const struct smmu_cd *cd);
void msmmu_cd_decode(msmmu *m, const struct smmu_cd *cd, struct msmmu_ctx *ctx);
/* STE.STRW and CR2 say which regime a stage-1 stream is in. */
uint8_t msmmu_ste_regime(const msmmu *m, const struct smmu_ste *ste);
/* tlb.c: how the context's TLB entries are marked. */
void msmmu_ctx_set_views(msmmu *m, struct msmmu_ctx *ctx);
unsigned int msmmu_granule_tg0(unsigned int tg0);
unsigned int msmmu_granule_tg1(unsigned int tg1);
/* log2 of the bytes of the first table, concatenated ones together. */
unsigned int msmmu_start_table_lg2(const struct msmmu_half *half);

static inline unsigned int msmmu_level_shift(unsigned int granule_lg2,
					     int level)
{
	return granule_lg2 + (unsigned int)(3 - level) * (granule_lg2 - 3);
}

static inline bool msmmu_has_granule(const struct msmmu_caps *caps,
				     unsigned int granule_lg2)
{
	return granule_lg2 && (caps->granules & BIT32(granule_lg2));
}

/* attrs.c */
/* What comes in without being told of: write-back, with all hints. */
#define MSMMU_MAIR_DEFAULT 0xffu
uint8_t msmmu_memattr_to_mair(unsigned int memattr);
/* Cacheability is coded by where it stands. */
enum msmmu_cache_codes {
	MSMMU_CODES_CR1,   /* TABLE_IC, QUEUE_OC, ... */
	MSMMU_CODES_S1C,   /* STE.S1CIR, S1COR */
	MSMMU_CODES_TABLE, /* CD.IR0, OR0, ...; STE.S2IR0, S2OR0 */
};
uint8_t msmmu_cache_to_mair(enum msmmu_cache_codes codes, unsigned int inner,
			    unsigned int outer);
/*
 * Of the SMMU's accesses to the stream table, and to the queue whose base
 * register says `base`: CR1, with RA or WA of the base register.
 */
struct uiommu_mem_attrs msmmu_strtab_attrs(const msmmu *m);
struct uiommu_mem_attrs msmmu_queue_attrs(const msmmu *m, uint64_t base);
/* MAIR byte as the SMMU takes it, reserved values replaced. */
uint8_t msmmu_mair_clean(uint8_t mair);
/* Overrides applied to a type and shareability. */
void msmmu_attrs_override(const struct msmmu_overrides *ovr, uint8_t *mair,
			  uint8_t *sh);
/* A transaction's attributes as it comes in, after its STE's overrides. */
void msmmu_attrs_input(const struct msmmu_txn *t, uint8_t *mair, uint8_t *sh);
/*
 * On the way out: what came in limits the allocation hints of stage 1, and No
 * Snoop the type.
 */
void msmmu_attrs_output(const struct msmmu_txn *t, uint8_t *mair, uint8_t *sh);
/* Allocation hints of a cacheable type, limited by those of another. */
uint8_t msmmu_mair_limit(uint8_t mair, uint8_t by);
/* The type and shareability that the transaction itself tells, or defaults. */
void msmmu_attrs_told(const struct uiommu_smmuv3_txn *in, uint8_t *mair,
		      uint8_t *sh);
void msmmu_attrs_combine(const struct msmmu_ctx *ctx, unsigned int s2_memattr,
			 uint8_t s2_sh, uint8_t *mair, uint8_t *sh);
uint8_t msmmu_sh_fix(uint8_t mair, uint8_t sh);
bool msmmu_mair_is_device(uint8_t mair);

/* Rights of an answer: which privilege may do what at stage 1, at stage 2. */
#define MSMMU_S1_UR BIT32(0)
#define MSMMU_S1_UW BIT32(1)
#define MSMMU_S1_UX BIT32(2)
#define MSMMU_S1_PR BIT32(3)
#define MSMMU_S1_PW BIT32(4)
#define MSMMU_S1_PX BIT32(5)
#define MSMMU_S1_ALL 0x3fu
#define MSMMU_S2_R BIT32(6)
#define MSMMU_S2_W BIT32(7)
#define MSMMU_S2_UX BIT32(8)
#define MSMMU_S2_PX BIT32(9)
#define MSMMU_S2_ALL 0x3c0u

/* An answer of the tables, or of the TLB. */
struct msmmu_result {
	uint64_t pa;	  /* of the input address */
	uint64_t ipa;	  /* stage 2: its input */
	uint32_t rights;  /* MSMMU_S1_*, MSMMU_S2_* */
	uint8_t size_lg2; /* of the region with the same answer */
	uint8_t mair, sh;
	bool global;
	int8_t level1, level2; /* of the leaves */
	uint8_t granule_lg2;   /* of the first stage in use */
	/*
	 * Write is missing from rights only because a descriptor has not been
	 * marked dirty: a write has to go through the tables.
	 */
	bool clean;
};

/*
 * walk.c: false: t->fault says why.  What a translation request (t->ats) finds
 * may lack every right; stage 2 has been asked only if stage 1 grants one.  If
 * t->dry is set the answer must not be put into the TLB.
 */
struct msmmu_tlb_ticket;
bool msmmu_walk(struct msmmu_txn *t, uint64_t va,
		const struct msmmu_tlb_ticket *ticket,
		struct msmmu_result *res);
/*
 * Stage 2 for an access of the SMMU's own to `ipa` (CD or descriptor), `write`
 * for the update of a descriptor.  Stores the PA and the attributes to access
 * it with.
 */
bool msmmu_walk_own(struct msmmu_txn *t, uint64_t ipa, unsigned int class,
		    bool write, uint8_t mair, uint8_t sh, uint64_t *pa,
		    struct uiommu_mem_attrs *attrs);
/* Rights against what the transaction wants; fills t->fault. */
bool msmmu_check_rights(struct msmmu_txn *t, const struct msmmu_result *res);

/* fault.c */
void msmmu_fault(struct msmmu_txn *t, uint8_t type, uint8_t stage,
		 const char *reason);
/* Inside, after a failed translation; returns whether an event was written. */
bool msmmu_abort(struct msmmu_txn *t);
/* Is the client of the faulted transaction to wait? */
bool msmmu_stalls(const struct msmmu_txn *t);
/*
 * Inside, after a failed translation: what the client is told.  -EINPROGRESS:
 * it would stall, and nothing was done.
 */
int msmmu_end(struct msmmu_txn *t, bool *recorded);
/* The same, outside. */
void msmmu_after_abort(struct msmmu_txn *t, bool recorded);
/* What is told of the fault. */
struct uiommu_smmuv3_fault_info msmmu_fault_info(const struct msmmu_txn *t,
						 bool recorded);

/* translate.c: between model_enter() and model_leave() */
int msmmu_translate(struct msmmu_txn *t, struct uiommu_smmuv3_xlate *out);
/* The same for a context that has been found already. */
int msmmu_translate_by(struct msmmu_txn *t, const struct msmmu_ctx *ctx,
		       struct uiommu_smmuv3_xlate *out);
/* Steps 10 to 19 with the context that t->ctx is; or its fault. */
int msmmu_by_context(struct msmmu_txn *t, struct msmmu_result *res);
/* The fault of a context becomes the transaction's; returns -EFAULT. */
int msmmu_config_fault(struct msmmu_txn *t);
/* The address as it is. */
int msmmu_bypass(const struct msmmu_txn *t, uint8_t mair, uint8_t sh,
		 struct msmmu_result *res);
int msmmu_abort_silently(struct msmmu_txn *t, const char *reason);
/* What the transaction is after the STE's overrides; t->ctx is decoded. */
void msmmu_txn_rights(struct msmmu_txn *t);

/* How the access leaves, in MSMMU_WANT_*. */
static inline unsigned int msmmu_want_out(const struct msmmu_ctx *ctx,
					  const struct msmmu_txn *t)
{
	if (ctx->plain_out)
		return MSMMU_WANT_OUT_PRIV;
	return (t->priv ? MSMMU_WANT_OUT_PRIV : 0) |
	       (t->instr ? MSMMU_WANT_INSTR : 0);
}

/* quick.c */
void msmmu_ctx_set_quick(const msmmu *m, struct msmmu_ctx *ctx);
struct tlb_hit;
/* quick_walk() with both stages. */
bool msmmu_quick_nested(msmmu *m, struct model_slot *slot,
			const struct msmmu_ctx *ctx, uint64_t va,
			unsigned int bit, struct tlb_hit *hit);

/* ats.c; the next two between model_enter() and model_leave() */
/* An access whose address is translated already; `on`: the SMMU is. */
int msmmu_translated(struct msmmu_txn *t, bool on, struct msmmu_result *res);
/*
 * A translation request; t has m, slot, ats_nw and in, which is of
 * msmmu_ats_txn().  Not 0: after leaving, msmmu_after_abort() is due.
 */
int msmmu_ats_request(struct msmmu_txn *t, struct uiommu_ats_translation *out,
		      bool *recorded);
/* What counts of a translation request. */
struct uiommu_smmuv3_txn msmmu_ats_txn(const struct uiommu_smmuv3_txn *txn);
/* Does an access with a translated address have a PASID? */
bool msmmu_translated_ssv(const msmmu *m, const struct uiommu_smmuv3_txn *in);

/* dma.c; between model_enter() and model_leave() */
/* A device's bytes to or from where a translation says. */
int msmmu_move(msmmu *m, uint32_t sid, const struct uiommu_smmuv3_xlate *x,
	       uint8_t *buf, size_t len, bool write);
/*
 * atomic.c, inside too: the whole of req, whose `atomic` is not NONE and which
 * is valid.  0 or -EIO.
 */
int msmmu_atomic(msmmu *m, const struct uiommu_smmuv3_xlate *x,
		 struct uiommu_smmuv3_dma *req);
bool msmmu_atomic_valid(const struct uiommu_smmuv3_dma *req);
/* The fault of a transaction whose bytes could not be moved. */
void msmmu_memory_abort(struct msmmu_txn *t, uint64_t pa);

/* fast.c */
/* Inside.  True: answered, and counted; false: nothing has been decided. */
bool msmmu_translate_fast(msmmu *m, struct model_slot *slot,
			  const struct uiommu_smmuv3_txn *txn,
			  struct uiommu_smmuv3_xlate *out);
/* Prepare a finished context for the common case. */
void msmmu_ctx_set_want(struct msmmu_ctx *ctx);
/* Use retired contexts again if the caller is outside. */
void msmmu_reclaim(msmmu *m, const struct model_slot *slot);
/* Retired contexts that make a thread do so. */
#define MSMMU_RECLAIM 48u

#include "tlb.h"

#endif /* MODEL_SMMUV3_MSMMU_H */
