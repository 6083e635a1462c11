/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smmuv3_model.h - the Arm SMMUv3 model (IHI 0070, Non-secure interface).
 *
 * Thread safety: every function may be called from any thread at any time,
 * except create, destroy and reset, which want the instance to themselves.  A
 * translation that hits the TLB takes no lock.
 */
#ifndef UIOMMU_SMMUV3_MODEL_H
#define UIOMMU_SMMUV3_MODEL_H

#include <uiommu/dump.h>
#include <uiommu/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Interrupt wires: the `line` of struct uiommu_model_host.irq. */
enum uiommu_smmuv3_line {
	UIOMMU_SMMUV3_LINE_EVENTQ,
	UIOMMU_SMMUV3_LINE_PRIQ,
	UIOMMU_SMMUV3_LINE_SYNC,
	UIOMMU_SMMUV3_LINE_GERROR,
	UIOMMU_SMMUV3_NR_LINES,
};

/*
 * Size of the register window: pages 0 and 1 of 64 KiB.  With ECMDQs their
 * control pages follow, the first at 0x20000, see
 * uiommu_smmuv3_model_mmio_size().
 */
#define UIOMMU_SMMUV3_MMIO_SIZE 0x20000u

enum uiommu_smmuv3_caching {
	/* What makes translations fast. */
	UIOMMU_SMMUV3_CACHING_NORMAL,
	/*
	 * As much as the architecture allows, for as long as it allows: level-1
	 * descriptors are kept by themselves, neighbours are fetched ahead, and
	 * invalidations act only when a CMD_SYNC completes them.  For tests of
	 * software that has to invalidate.
	 */
	UIOMMU_SMMUV3_CACHING_GREEDY,
};

/* What the hardware says of itself, and how large its caches are. */
struct uiommu_smmuv3_profile {
	const char *name;
	uint32_t idr[7]; /* IDR0 to IDR6 */
	uint32_t iidr;
	uint32_t aidr;
	/* Sets x 4 ways; powers of two; 0 = cache nothing. */
	uint32_t tlb_entries;
	uint32_t config_entries;
	enum uiommu_smmuv3_caching caching;
	/* Consume commands in a thread of the model's own, not in the doorbell. */
	bool threaded_commands;
};

/* Ready-made profiles by name ("full", "qemu-8", …), or NULL. */
const struct uiommu_smmuv3_profile *
uiommu_smmuv3_profile_find(const char *name);
/* The i-th ready-made profile, NULL past the end. */
const struct uiommu_smmuv3_profile *uiommu_smmuv3_profile_get(unsigned int i);

struct uiommu_smmuv3_model;

/*
 * Make an instance in its reset state.  -EINVAL: ID registers that contradict
 * the architecture or name a feature that this model does not have (a line in
 * the host's log says which); -ENOMEM.  The profile and host are copied.
 */
int uiommu_smmuv3_model_create(const struct uiommu_smmuv3_profile *profile,
			       const struct uiommu_model_host *host,
			       struct uiommu_smmuv3_model **out);
void uiommu_smmuv3_model_destroy(struct uiommu_smmuv3_model *model);
void uiommu_smmuv3_model_reset(struct uiommu_smmuv3_model *model);

/*
 * Snapshots.  One holds all that software can see of an instance outside of
 * memory; statistics and caches are not in it.  It is versioned and carries a
 * checksum, and may be restored into any instance with the same ID registers,
 * in another process or on another machine as well; cache sizes and threads may
 * differ.
 *
 * save: writes snapshot_size() bytes, which do not change over an instance's
 * life.  May be called while other threads use the instance, though not from
 * its callbacks, and is then between two commands and two events; who wants
 * memory, interrupts and devices to match stops them first.
 *   -ENOSPC  len is less than that
 *   -EBUSY   transactions are stalled, or endpoints have not answered a
 *	      CMD_ATC_INV: those belong to devices, which have to be reset or
 *	      waited for; or another thread is delivering an interrupt, or is
 *	      about to
 *
 * restore: wants the instance to itself, in any state.  Memory must have been
 * restored before; commands that had not been consumed are consumed.
 *   -EINVAL  damaged, cut off, of an instance with other ID registers, or with
 *	      values that registers cannot have
 *   -EPROTONOSUPPORT  made by a later version
 *   -EBUSY   this instance has transactions that wait
 * An instance that refuses is as before; the host's log says what was wrong.
 */
size_t uiommu_smmuv3_model_snapshot_size(struct uiommu_smmuv3_model *model);
int uiommu_smmuv3_model_save(struct uiommu_smmuv3_model *model, void *buf,
			     size_t len);
int uiommu_smmuv3_model_restore(struct uiommu_smmuv3_model *model,
				const void *buf, size_t len);

/*
 * Register access at byte `offset` of the window, little-endian value, size 4
 * or 8.  An access the architecture does not define reads 0 and is ignored on
 * write (a permitted choice everywhere it is CONSTRAINED UNPREDICTABLE).
 */
uint64_t uiommu_smmuv3_model_read(struct uiommu_smmuv3_model *model,
				  uint32_t offset, unsigned int size);
void uiommu_smmuv3_model_write(struct uiommu_smmuv3_model *model,
			       uint32_t offset, unsigned int size,
			       uint64_t value);

/* Size of the window with the optional pages that the profile has. */
uint32_t uiommu_smmuv3_model_mmio_size(const struct uiommu_smmuv3_model *model);

/*
 * Flags of a transaction.  Any other bit makes it one of a kind that the SMMU
 * does not know: F_UUT.
 */
#define UIOMMU_TXN_WRITE (1u << 0)
#define UIOMMU_TXN_SSV (1u << 1)  /* ssid is valid */
#define UIOMMU_TXN_PRIV (1u << 2) /* privileged */
#define UIOMMU_TXN_INSTR (1u << 3)
#define UIOMMU_TXN_TRANSLATED (1u << 4) /* ATS: the address is a PA already */
#define UIOMMU_TXN_ATOMIC (1u << 5)	/* read and write in one */
/* Say what would happen; record no event and change no descriptor. */
#define UIOMMU_TXN_PROBE (1u << 6)
/* The client cannot be stalled (PCIe): a fault that would stall aborts. */
#define UIOMMU_TXN_NO_STALL (1u << 7)
/* `attrs` tell the access's memory type and shareability; else the default:
 * Normal write-back, non-shareable.
 */
#define UIOMMU_TXN_ATTRS (1u << 8)
/* PCIe No Snoop: cacheable memory is accessed as non-cacheable. */
#define UIOMMU_TXN_NO_SNOOP (1u << 9)

/* A client device's access. */
struct uiommu_smmuv3_txn {
	uint32_t sid;
	uint32_t ssid;
	uint32_t flags;
	uiommu_iova_t iova;
	struct uiommu_mem_attrs attrs; /* mair and sh, with UIOMMU_TXN_ATTRS */
};

/* Where an access goes. */
struct uiommu_smmuv3_xlate {
	uiommu_pa_t pa;
	struct uiommu_mem_attrs attrs;
	/* [iova & ~(2^size_lg2 - 1), …] has the same answer with these rights. */
	uint8_t size_lg2;
	bool readable, writable, executable;
};

/*
 * Translate one address.
 *   0		*out is valid
 *   -EFAULT	terminated with an abort; the event, if the architecture wants
 *		one, has been recorded
 *   -ENODATA	terminated without an abort (RAZ/WI, CD.A = 0): a read gets
 *		zeroes, a write is dropped; recorded as above
 *   -EINPROGRESS  would stall; nothing was recorded, uiommu_smmuv3_model_dma()
 *		is the call that can wait
 */
int uiommu_smmuv3_model_translate(struct uiommu_smmuv3_model *model,
				  const struct uiommu_smmuv3_txn *txn,
				  struct uiommu_smmuv3_xlate *out);

/* What an atomic access does with the operand; what was there is returned. */
enum uiommu_atomic {
	UIOMMU_ATOMIC_NONE,
	UIOMMU_ATOMIC_FETCH_ADD,
	UIOMMU_ATOMIC_SWAP,
	UIOMMU_ATOMIC_CAS, /* swap if `compare` is there */
};

/*
 * A device's DMA: `len` bytes at txn.iova, from or into buf, split at page
 * ends.  Owned by the caller; buf and req must stay while it is pending.
 */
struct uiommu_smmuv3_dma {
	struct uiommu_smmuv3_txn txn;
	void *buf;
	size_t len;
	/* Bytes that were moved before an abort stopped the rest. */
	size_t done_len;
	/*
	 * With UIOMMU_TXN_ATOMIC: 4 or 8 bytes, naturally aligned, little-endian.
	 * buf holds the operand, and in the end what memory held before.  NONE:
	 * an access that only needs the rights of an atomic one.
	 */
	enum uiommu_atomic atomic;
	uint64_t compare; /* of CAS */
	/*
	 * Called once with 0 or -EFAULT when the DMA was pending; see below.
	 */
	void (*done)(struct uiommu_smmuv3_dma *req, int status);
	void *opaque[8]; /* the model's, while pending */
};

/*
 * 0: all bytes moved (what ended as RAZ/WI counts as moved: zeroes were read,
 * writes were dropped).  -EFAULT: aborted.  -EINPROGRESS: stalled, done() will
 * be called.  -EINVAL: len is 0, or an atomic operation without
 * UIOMMU_TXN_ATOMIC, of another size or misaligned.  A request without done() cannot wait: it is
 * as if UIOMMU_TXN_NO_STALL were set, as with UIOMMU_TXN_PROBE.
 *
 * Stalls (IHI 0070 3.12.2): each piece of a DMA is a transaction of its own and
 * may stall.  The request then waits for CMD_RESUME, CMD_STALL_TERM or
 * CR0.SMMUEN = 0, first of all, if IDR5.STALL_MAX are recorded already or the
 * event queue cannot be written, for its turn to be recorded; any number may
 * wait.  CMD_SYNC does not wait for a stalled DMA.  It goes on, and done() is
 * called, in a thread that is in a register write, reset or destroy of the
 * model or in a DMA, or in the model's own thread (threaded_commands), outside
 * the model's locks and outside of what CMD_SYNC waits for.  That may be
 * another thread, and before the call that got -EINPROGRESS has returned: with
 * -EINPROGRESS the request belongs to done().  done() may free the request, use
 * it again and call any function of the model but reset and destroy.
 * uiommu_smmuv3_model_{reset,destroy}() call done() with -EFAULT.
 *
 * Drain: CMD_SYNC after an invalidation returns only when every DMA that had
 * begun earlier has finished its memory accesses (IHI 0070 3.21.1), or is
 * stalled, or has had a piece end as RAZ/WI: what follows is translated anew.
 */
int uiommu_smmuv3_model_dma(struct uiommu_smmuv3_model *model,
			    struct uiommu_smmuv3_dma *req);

/* --------------------------------------------------------- ATS and PRI --- */

/* Flag of a translation request besides UIOMMU_TXN_{SSV,PRIV,INSTR}. */
#define UIOMMU_ATS_NO_WRITE (1u << 31)

/*
 * A PCIe ATS Translation Request for the page at `iova` (IHI 0070 3.9).  Of
 * txn->flags count UIOMMU_TXN_SSV (PASID prefix), with it UIOMMU_TXN_PRIV and
 * UIOMMU_TXN_INSTR (Execute requested), and UIOMMU_ATS_NO_WRITE (NW).
 *   0		  Success: *out is valid; it may grant nothing
 *   -EOPNOTSUPP  Unsupported Request: the endpoint must not use ATS
 *   -ECONNABORTED  Completer Abort
 */
struct uiommu_ats_translation {
	uint64_t addr;	  /* of the region's first byte: a PA, or an IPA with
			   * split-stage ATS */
	uint8_t size_lg2; /* of the region */
	bool read, write, exec;
	bool priv; /* the rights are those of privileged accesses */
	/* What PCIe has besides; this SMMU never sets them. */
	bool global; /* the same in all PASIDs */
	bool untranslated_only;
};

int uiommu_smmuv3_model_ats_translate(struct uiommu_smmuv3_model *model,
				      const struct uiommu_smmuv3_txn *txn,
				      struct uiommu_ats_translation *out);

/*
 * The endpoint has carried out an invalidation that ats_invalidate() answered
 * with -EINPROGRESS.  status: 0, or -ETIMEDOUT if the link gave up on it.  May
 * be called from any thread, also before ats_invalidate() has returned; consumes
 * commands that waited for it.  A tag that nobody waits for (any more) is
 * ignored.
 */
void uiommu_smmuv3_model_ats_inval_done(struct uiommu_smmuv3_model *model,
					uint32_t tag, int status);

/*
 * A PRI Page Request or, with last and neither read nor write and a PASID, a
 * Stop Marker.  Every request with `last` gets one response by the host's
 * pri_response(), from CMD_PRI_RESP or at once from here (IHI 0070 8).  While
 * nobody takes requests each one is answered with Failure at once, also one
 * without `last`: the rest of its group should not be sent then.
 */
void uiommu_smmuv3_model_page_request(struct uiommu_smmuv3_model *model,
				      const struct uiommu_pri_request *req);

/*
 * The memory behind [pa, pa+len) changed its place or went away: forget
 * direct pointers into it.  Returns when no access through one is under way.
 */
void uiommu_smmuv3_model_memory_changed(struct uiommu_smmuv3_model *model,
					uiommu_pa_t pa, uint64_t len);

/* Counters since creation, summed over threads; monotonic, not a snapshot. */
struct uiommu_smmuv3_stats {
	uint64_t translations;
	uint64_t tlb_hits;
	uint64_t tlb_misses;
	uint64_t walks;
	uint64_t walk_reads; /* descriptors fetched */
	uint64_t config_hits;
	uint64_t config_misses;
	uint64_t dma_read_bytes;
	uint64_t dma_write_bytes;
	uint64_t aborts;
	uint64_t events;
	uint64_t events_lost;
	uint64_t events_merged; /* with one that is still in the queue */
	uint64_t stalls;	/* transactions that began to wait */
	uint64_t resumed;	/* by CMD_RESUME */
	uint64_t commands;
	uint64_t syncs;
	uint64_t commands_by_opcode[256];
	uint64_t events_by_type[256];
};

void uiommu_smmuv3_model_stats(struct uiommu_smmuv3_model *model,
			       struct uiommu_smmuv3_stats *stats);

/*
 * Observe faults as they happen, whether or not an event is recorded: for
 * reports to people, not for the driver.  Called from the faulting thread,
 * outside the model's locks.  Set before the first transaction; NULL to stop.
 */
struct uiommu_smmuv3_fault_info {
	struct uiommu_smmuv3_txn txn;
	uint8_t event_type;  /* architectural event number, 0: none (silent) */
	const char *reason;  /* "translation", "permission", … static text */
	uint8_t stage;	     /* 1, 2, or 0 before any stage */
	int8_t level;	     /* table level that ended the walk, or -128 */
	uiommu_pa_t desc_pa; /* descriptor or structure that ended it, or ~0 */
	uint64_t desc;	     /* its first word */
	/* an event record was written, or one that stands in the queue says it */
	bool recorded;
	/*
	 * Not an end: the DMA waits for software.  Told when it begins to wait
	 * and, if there was no room for a record then, again with the record.
	 */
	bool stalled;
	uint16_t stag;	   /* with stalled and recorded */
	uint8_t evt_class; /* CLASS of the event: 0 CD, 1 TT, 2 IN */
	uint64_t ipa;	   /* of a fault of stage 2 */
};

void uiommu_smmuv3_model_set_fault_observer(
	struct uiommu_smmuv3_model *model,
	void (*fn)(void *ctx, const struct uiommu_smmuv3_fault_info *info),
	void *ctx);

/* ------------------------------------------------------- invalidations --- */

enum uiommu_smmuv3_inval_kind {
	/* Anything may have changed: SMMU turned on or off, or GBPA written. */
	UIOMMU_SMMUV3_INVAL_ALL,
	UIOMMU_SMMUV3_INVAL_CONFIG, /* CMD_CFGI_* */
	UIOMMU_SMMUV3_INVAL_TLB,    /* CMD_TLBI_* */
};

enum uiommu_smmuv3_regime {
	UIOMMU_SMMUV3_REGIME_EL1,
	UIOMMU_SMMUV3_REGIME_EL2,     /* no ASIDs; with CR2.E2H = 0 */
	UIOMMU_SMMUV3_REGIME_EL2_E2H, /* with CR2.E2H = 1 */
	UIOMMU_SMMUV3_REGIME_EL2_ANY, /* both of EL2 */
};

#define UIOMMU_SMMUV3_STAGE_1 (1u << 0) /* stage 1, stage 2 behind it or not */
#define UIOMMU_SMMUV3_STAGE_2 (1u << 1) /* stage 2 alone */

/* What software has told the SMMU to forget. */
struct uiommu_smmuv3_inval {
	enum uiommu_smmuv3_inval_kind kind;
	uint8_t opcode; /* of the command; 0 with INVAL_ALL */
	bool leaf_only; /* tables above the last level did not change */

	/* INVAL_CONFIG: these StreamIDs (both included) */
	uint32_t first_sid, last_sid;
	/*
	 * and all their SubstreamIDs, or this one, where 0 is also what has no
	 * SubstreamID.
	 */
	bool all_ssids;
	uint32_t ssid;

	/* INVAL_TLB */
	uint8_t stages; /* UIOMMU_SMMUV3_STAGE_* */
	enum uiommu_smmuv3_regime regime;
	uint16_t first_vmid, last_vmid; /* EL1 and stage 2 */
	/* Mappings of all ASIDs, or of this one; then also global ones or not. */
	bool all_asids, globals;
	uint16_t asid;
	/*
	 * Addresses (both included); VAs are sign-extended from bit 55, IPAs are
	 * not.  A block or page is meant whole if any of it is among them.
	 */
	uint64_t first, last;
	uint8_t granule_lg2; /* of tables with this granule; 0: all */
	int8_t level;	     /* of leaves at this level; -128: all */
};

/*
 * Be told of invalidations, for instance to keep another IOMMU's tables in step
 * with the guest's: what was read from guest memory before and is reached by
 * `inval` has to be read again.
 *
 * fn is called once for each invalidation when it has taken effect in the
 * model, before the CMD_SYNC that completes it; for changes of SMMUEN and of
 * GBPA before they are acknowledged; and for a reset and a restore, the latter
 * before commands are consumed.  It runs in the thread that does any of these,
 * several at a time if several do.  It may call
 * uiommu_smmuv3_model_translate() with UIOMMU_TXN_PROBE, and read registers; it
 * must not write registers, nor wait for a thread that does.  Set before the
 * first command; NULL to stop.
 */
void uiommu_smmuv3_model_set_notifier(
	struct uiommu_smmuv3_model *model,
	void (*fn)(void *ctx, const struct uiommu_smmuv3_inval *inval),
	void *ctx);

/* -------------------------------------------------------------- traces --- */

/* What happened, one thing at a time. */
enum uiommu_smmuv3_trace_kind {
	UIOMMU_SMMUV3_TRACE_DMA,
	UIOMMU_SMMUV3_TRACE_COMMAND,  /* consumed, or stopped at */
	UIOMMU_SMMUV3_TRACE_EVENT,    /* a record was written */
	UIOMMU_SMMUV3_TRACE_REGISTER, /* written by software */
	UIOMMU_SMMUV3_TRACE_IRQ,      /* an interrupt went out */
};

struct uiommu_smmuv3_trace {
	enum uiommu_smmuv3_trace_kind kind;
	/* DMA: what model_dma() returns; COMMAND: 0 or CMDQ_CONS.ERR */
	int result;
	union {
		/*
		 * A stalled one is told when it stalls, and again, from the
		 * byte where it stopped, when it goes on.
		 */
		struct {
			const struct uiommu_smmuv3_txn *txn;
			size_t len, done_len;
			/* of the first byte; UIOMMU_PA_INVALID if none moved */
			uiommu_pa_t pa;
		} dma;
		uint64_t words[4]; /* COMMAND: 2, EVENT: 4 */
		struct {
			uint32_t offset;
			uint32_t size;
			uint64_t value;
		} reg;
		struct {
			uint32_t line; /* UIOMMU_SMMUV3_LINE_* */
			uint32_t data; /* of the message */
			uint64_t addr; /* 0: by wire alone */
		} irq;
	};
};

/*
 * Observe all of that, for a trace.  Called outside the model's locks by the
 * thread in which it happened, so what several threads do may be told in
 * another order.  fn must not call this model.  Set before the first use; NULL
 * to stop.  Translations by uiommu_smmuv3_model_translate() are not told.
 */
void uiommu_smmuv3_model_set_tracer(
	struct uiommu_smmuv3_model *model,
	void (*fn)(void *ctx, const struct uiommu_smmuv3_trace *what),
	void *ctx);

/* ------------------------------------------------------- explanations --- */

/* What one step of a translation looked at. */
enum uiommu_smmuv3_step_kind {
	UIOMMU_SMMUV3_STEP_L1STD,  /* level-1 stream table descriptor */
	UIOMMU_SMMUV3_STEP_STE,	   /* stream table entry */
	UIOMMU_SMMUV3_STEP_L1CD,   /* level-1 CD table descriptor */
	UIOMMU_SMMUV3_STEP_CD,	   /* context descriptor */
	UIOMMU_SMMUV3_STEP_STAGE1, /* a walk of a stage begins: no words */
	UIOMMU_SMMUV3_STEP_STAGE2,
	UIOMMU_SMMUV3_STEP_S1_DESC, /* table descriptors of the stages */
	UIOMMU_SMMUV3_STEP_S2_DESC,
};

/* For what stage 2 is walked: as CLASS in event records. */
enum uiommu_smmuv3_step_class {
	UIOMMU_SMMUV3_CLASS_CD, /* to reach a CD or a level-1 CD descriptor */
	UIOMMU_SMMUV3_CLASS_TT, /* to reach a descriptor of stage 1 */
	UIOMMU_SMMUV3_CLASS_IN, /* for the access itself */
};

/* What a table descriptor is, by bits 1:0 and its level. */
enum uiommu_smmuv3_desc {
	UIOMMU_SMMUV3_DESC_INVALID,
	UIOMMU_SMMUV3_DESC_RESERVED, /* level 3 without bit 1 */
	UIOMMU_SMMUV3_DESC_TABLE,
	UIOMMU_SMMUV3_DESC_BLOCK,
	UIOMMU_SMMUV3_DESC_PAGE,
};

struct uiommu_smmuv3_step {
	enum uiommu_smmuv3_step_kind kind;
	enum uiommu_smmuv3_step_class walk_class; /* STAGE2, S2_DESC */
	/* STAGE1 and STAGE2: what is translated; else StreamID or SSID */
	uint64_t input;
	uiommu_pa_t pa; /* of the structure; STAGE*: of the first table */
	int8_t level;	/* STAGE*, *_DESC */
	bool aborted;	/* memory did not answer: there are no words */
	/* STAGE2, S2_DESC: to write a flag into the descriptor of stage 1 */
	bool to_write;
	/* STAGE*, *_DESC: the geometry of the walk */
	uint8_t granule_lg2;
	uint8_t in_bits;  /* of input addresses */
	uint8_t out_bits; /* of output addresses */
	uint8_t half;	  /* STAGE1, S1_DESC: 0 TTB0, 1 TTB1 */
	uint8_t size_lg2; /* *_DESC: of what one entry of this level covers */
	/* *_DESC: the address in the descriptor, 52-bit forms put together */
	uint64_t output;
	enum uiommu_smmuv3_desc desc; /* *_DESC */
	/*
	 * Of a block or page: what its stage lets this access do, the tables
	 * above it counted, and pages that a write marks dirty as writable.
	 */
	bool readable, writable, executable;
	uint8_t stages; /* STE: UIOMMU_SMMUV3_STAGE_*, 0: it translates nothing */
	uint16_t vmid;	   /* STE that translates: S2VMID, 0 without stage 2 */
	uint16_t asid;	   /* CD */
	uint8_t nr_words;  /* 0, 1 or 8 */
	uint64_t words[8]; /* in the CPU's order */
};

/* How a translation ended that was only explained. */
struct uiommu_smmuv3_explanation {
	struct uiommu_smmuv3_xlate xlate; /* answer 0 */
	/* other answers; fault.recorded: the architecture wants a record */
	struct uiommu_smmuv3_fault_info fault;
	uint64_t event[4]; /* that record */
};

/*
 * Translate as uiommu_smmuv3_model_translate() would with UIOMMU_TXN_PROBE and
 * nothing cached, and call fn for each structure that is read, in that order.
 * The caches are neither used nor filled, nothing is counted; memory is only read.
 * fn must not call this model.  Returns what translate() would, with *out filled in.
 */
int uiommu_smmuv3_model_explain(
	struct uiommu_smmuv3_model *model, const struct uiommu_smmuv3_txn *txn,
	void (*fn)(void *ctx, const struct uiommu_smmuv3_step *step), void *ctx,
	struct uiommu_smmuv3_explanation *out);

/* --------------------------------------------------------------- dumps -- */

/*
 * The instance's state as text (dump.h).  TABLES: registers, every valid STE and
 * CD, and each translation table as ranges, neighbours that are alike in one
 * line; a table that is met again is named by its number, "above".  QUEUES:
 * PROD and CONS, entries between them, stalled transactions.  Structures that
 * are ILLEGAL are told with the reason, memory that does not answer as
 * "unreadable".
 *
 * Reads memory as translations do but uses and fills no cache, marks no
 * descriptor and counts nothing.  It is bounded: 2^25 words are read, of which a
 * line counts for 64, and when that was not enough the last line is
 * "unfinished"; of one table 16384 lines are told, and of the rest their number
 * and a digest.  While it runs, CMD_SYNC waits.  Other threads may change what is
 * read, and then it is no state that ever was.  0 or -ENOMEM.
 */
int uiommu_smmuv3_model_dump(struct uiommu_smmuv3_model *model,
			     const struct uiommu_dump *dump);

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_SMMUV3_MODEL_H */
