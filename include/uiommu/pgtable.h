/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pgtable.h - io page tables.
 *
 * Writes translation tables that an IOMMU walks.  Knows nothing of devices,
 * domains or invalidation commands: what must be invalidated, and which tables
 * may be freed after that, is collected in a gather that the caller passes in,
 * flushes by whatever means the hardware has, and then releases.
 *
 * Concurrency: map, unmap, protect, translate and read-and-clear of dirty state
 * may run at the same time in one table, and no lock is taken.  Map, unmap and
 * protect calls whose ranges are disjoint never disturb each other, even in one
 * leaf.  Those whose ranges overlap are kept apart by the caller, from the
 * first call to the last one after -EAGAIN (the core does so by the IOAS).
 * Translate and the dirty calls may run beside everything, trim included, and
 * see each page as it was or as it becomes; they open and close a read section
 * of the platform by themselves, the others need none.  Tables leave through
 * the gather and are reused only after its release and the end of all
 * sections.  Trim has the table to itself but for those two and the hardware.
 *
 * Arguments that are refused are told in a line of the platform's log, as
 * warnings, and that a page is mapped already (-EEXIST) at the level of
 * debugging, since who maps on demand may ask for that; what a question
 * answers (supported, translate) is not.
 */
#ifndef UIOMMU_PGTABLE_H
#define UIOMMU_PGTABLE_H

#include <uiommu/platform.h>
#include <uiommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Formats.  Which (format, granule) pairs exist: uiommu_pgtable_supported(). */
enum uiommu_pgtable_fmt {
	UIOMMU_PGTABLE_VMSAV8_S1, /* DDI 0487 D8, stage 1 */
	UIOMMU_PGTABLE_VMSAV8_S2, /* DDI 0487 D8, stage 2 */
	UIOMMU_PGTABLE_MOCK,	  /* of no hardware: uiommu/mock.h */
};

/* Entries may change size without break-before-make (SMMU_IDR3.BBML == 2). */
#define UIOMMU_PGTABLE_BBML2 (1u << 0)
/* At least their contiguous bit may (BBML >= 1); implied by BBML2. */
#define UIOMMU_PGTABLE_BBML1 (1u << 1)
/*
 * Descriptors in the layout for 52-bit addresses with 4K and 16K (CD.DS,
 * STE.S2DS = 1), with blocks of 512G and 64G; ias and oas may then be up to
 * 52, and smaller as without.  64K has 52 bits anyway and refuses the flag.
 * Shareability is then that of the walk (CD.SH0, STE.S2SH0): inner shareable.
 */
#define UIOMMU_PGTABLE_DS (1u << 2)
/*
 * Mark aligned runs of leaves as contiguous, so that the hardware may keep one
 * entry for all.  Without BBML1 an unmap that takes a part of such a run needs
 * two calls (-EAGAIN).
 */
#define UIOMMU_PGTABLE_CONTIG (1u << 3)
/*
 * Dirty state by hardware: leaves that may be written are writable-clean
 * (DBM = 1) until the first write through them.  The walker must have HD on
 * (CD.HA and HD, STE.S2HA and S2HD), or every write to a clean page faults,
 * and be coherent: -EINVAL with a platform that has clean_range.  Turns CONTIG
 * off, since a page could not be told from its neighbours.
 */
#define UIOMMU_PGTABLE_DBM (1u << 4)

struct uiommu_pgtable_cfg {
	const struct uiommu_platform *platform;
	enum uiommu_pgtable_fmt fmt;
	uint8_t granule_lg2; /* 12, 14 or 16; MOCK: 11 */
	uint8_t ias;	     /* input address bits */
	uint8_t oas;	     /* output address bits */
	uint32_t features;   /* UIOMMU_PGTABLE_* */
};

/* What whoever points the hardware at the table must know. */
struct uiommu_pgtable_info {
	uiommu_pa_t root;
	uint8_t granule_lg2;
	uint8_t ias;
	uint8_t oas;
	int8_t start_level; /* architectural level number of the root, from -1 */
	bool ds;	    /* CD.DS or STE.S2DS must be set */
	uint32_t features;  /* UIOMMU_PGTABLE_* in effect */
	/*
	 * VMSAv8 stage 1: the attribute indirection register that the AttrIndx
	 * values in the leaves assume (MAIR layout, Attr0 in bits 7:0).
	 */
	uint64_t mair;
	/* Bit n set: a leaf of 2^n bytes can be made, or a contiguous run. */
	uint64_t pgsizes;
	/* Addresses that can be mapped. */
	struct uiommu_range aperture;
};

/* Answer of a look-up. */
struct uiommu_pgtable_leaf {
	uiommu_pa_t pa;	  /* of the very address asked for */
	uint32_t prot;	  /* UIOMMU_PROT_* */
	uint8_t size_lg2; /* of the leaf it lies in, contiguous runs included */
	int8_t level;	  /* architectural level the leaf stands at */
};

/*
 * What an operation leaves for the hardware to forget, in ascending order.
 * Ranges that overlap, or touch with equal stride and level, are joined; when
 * there are too many, the two that lie closest become one that covers both, so
 * the gather never fails and never allocates.  Tables wait on
 * a list that runs through their own first words: such a word is an aligned
 * CPU address, which every format reads as an invalid entry.
 */
#define UIOMMU_GATHER_RANGES 8

struct uiommu_gather_range {
	uiommu_iova_t first;
	uiommu_iova_t last;
	/*
	 * The stride to invalidate at: the smallest leaf that was in the range,
	 * or the reach of the smallest table that left it.
	 */
	uint8_t stride_lg2;
	/* Architectural level of the leaves if all stood at one, else -128. */
	int8_t level;
	/* Only leaves changed: cached table entries may be kept. */
	bool leaf_only;
};

struct uiommu_gather {
	uint32_t nr_ranges;
	struct uiommu_gather_range range[UIOMMU_GATHER_RANGES];
	void *tables; /* detached tables, private to pgtable/ */
	const struct uiommu_platform *platform;
};

#define UIOMMU_GATHER_LEVEL_MIXED (-128)

static inline void uiommu_gather_init(struct uiommu_gather *gather)
{
	gather->nr_ranges = 0;
	gather->tables = NULL;
	gather->platform = NULL;
}

/* Nothing to invalidate and nothing to free? */
static inline bool uiommu_gather_empty(const struct uiommu_gather *gather)
{
	return gather->nr_ranges == 0 && gather->tables == NULL;
}

/*
 * Free the gathered tables after all readers have left, and empty the gather.
 * Call it after the hardware has completed the invalidation, never before.
 */
void uiommu_gather_release(struct uiommu_gather *gather);

struct uiommu_pgtable;

/* Does this build have the instance, with these widths? */
bool uiommu_pgtable_supported(const struct uiommu_pgtable_cfg *cfg);

/*
 * Make an empty table.  -EINVAL: widths or granule out of the format's range,
 * unknown features or ones that do not go together; -EOPNOTSUPP: no such
 * instance in this build; -ENOMEM.  The root is aligned to its size, and at
 * least to 64 bytes.
 */
int uiommu_pgtable_create(const struct uiommu_pgtable_cfg *cfg,
			  struct uiommu_pgtable **out);

/*
 * Free every table.  The hardware must no longer walk it, no call may be under
 * way and every gather that took tables of it must have been released.  What
 * waits for readers is freed when they have left.  NULL is allowed.
 */
void uiommu_pgtable_destroy(struct uiommu_pgtable *pt);

void uiommu_pgtable_info(const struct uiommu_pgtable *pt,
			 struct uiommu_pgtable_info *info);

/*
 * Map [iova, iova+len) to [pa, pa+len) with the largest leaves that alignment
 * allows, contiguous runs included (UIOMMU_PGTABLE_CONTIG).  All three are
 * multiples of the granule.  All or nothing: on error the table maps what it
 * mapped before; tables that were added for the call may stay, empty.
 *   -EINVAL	unaligned, len 0, prot without read and write, with both
 *		CACHE and MMIO, or with PRIV at stage 2
 *   -ERANGE	beyond the aperture or the output size
 *   -EEXIST	a page of the range is mapped already
 *   -ENOMEM	no memory for a table
 *   -EAGAIN	the hardware must forget something first: flush and release
 *		the gather and call again; this second call allocates nothing
 * On success, too, the gather may have something to flush: an empty table that
 * a block has replaced.  Where the format cannot express write without read
 * (VMSAv8 stage 1) the hardware allows both; translate returns what was asked.
 */
int uiommu_pgtable_map(struct uiommu_pgtable *pt, uiommu_iova_t iova,
		       uiommu_pa_t pa, uint64_t len, uint32_t prot,
		       struct uiommu_gather *gather);

/*
 * Unmap what is mapped in [iova, iova+len), both multiples of the granule, and
 * store in *unmapped how many bytes that were (holes do not count).  A leaf
 * that reaches beyond the range is split, and a contiguous run taken apart, so
 * that the rest stays mapped; what the hardware may have kept of the whole run
 * is then in the gather.
 *   -EINVAL	unaligned, len 0
 *   -ERANGE	beyond the aperture
 *   -ENOMEM	no memory to split a leaf at an end of the range; nothing done
 *   -EAGAIN	as for map (only without UIOMMU_PGTABLE_BBML2, or for a
 *		contiguous run BBML1); the gather may be empty, when a neighbour
 *		is splitting the same leaf.  The second call allocates only if
 *		one did so in between.
 * On any error *unmapped is 0.  After -EAGAIN the hardware sees nothing mapped
 * in the leaf until the second call: do make it.
 */
int uiommu_pgtable_unmap(struct uiommu_pgtable *pt, uiommu_iova_t iova,
			 uint64_t len, struct uiommu_gather *gather,
			 uint64_t *unmapped);

/*
 * Look one address up, as the hardware would.  0, -ENOENT when nothing is
 * mapped there, -ERANGE beyond the aperture.
 */
int uiommu_pgtable_translate(struct uiommu_pgtable *pt, uiommu_iova_t iova,
			     struct uiommu_pgtable_leaf *leaf);

/*
 * Change what may be done in [iova, iova+len): `rights` of UIOMMU_PROT_READ,
 * WRITE and EXEC replace those of every page mapped there, holes are left
 * alone; memory type and PRIV stay.  A leaf that reaches beyond the range is
 * split.  What changed is in the gather: until that is flushed the hardware may
 * go by the rights of before.  Errors are those of unmap, and -EINVAL for
 * rights without read and write.
 *
 * With UIOMMU_PGTABLE_DBM a page that stays writable keeps its dirty state, one
 * that becomes writable is clean, and one that no longer is has none: read it
 * before.  Without DBM this is what tracking of dirty pages by faults needs:
 * take the right away, give it back page by page.
 */
int uiommu_pgtable_protect(struct uiommu_pgtable *pt, uiommu_iova_t iova,
			   uint64_t len, uint32_t rights,
			   struct uiommu_gather *gather);

/* Read only; the state stays. */
#define UIOMMU_DIRTY_NO_CLEAR (1u << 0)

/*
 * Report each leaf in [iova, iova+len) that was written to since it was mapped
 * or cleared, in ascending order, by fn(ctx, iova, size), and clear it.  A leaf
 * that reaches beyond the range is reported, and cleared, as a whole.  fn is
 * called in a read section and must not call into this table.  What was
 * cleared is in the gather: a write before that is flushed may leave no trace,
 * so flush first, then look at the pages' contents.
 *
 * May run beside everything, hardware included; a page that is being unmapped
 * or mapped is reported or not.  Writing is not lost by a split that runs at
 * the same time.
 *   -EOPNOTSUPP	a table without UIOMMU_PGTABLE_DBM
 *   -EINVAL		unaligned, len 0, unknown flags, no fn
 *   -ERANGE		beyond the aperture
 */
int uiommu_pgtable_read_and_clear_dirty(
	struct uiommu_pgtable *pt, uiommu_iova_t iova, uint64_t len,
	uint32_t flags,
	void (*fn)(void *ctx, uiommu_iova_t iova, uint64_t size), void *ctx,
	struct uiommu_gather *gather);

/*
 * Take out every table that holds nothing: unmap leaves a table when it does
 * not cover all of it.  Cannot fail.
 *
 * No map, unmap or protect may be under way in this table, nor be between
 * -EAGAIN and its second call; translate, the dirty calls and the hardware may
 * go on.  Were it otherwise, a map on its way into an empty table would have to
 * announce itself there, and each map would pay for it.
 */
void uiommu_pgtable_trim(struct uiommu_pgtable *pt,
			 struct uiommu_gather *gather);

/* Bytes of table memory in use, the root included (statistics; not exact
 * while others map).
 */
uint64_t uiommu_pgtable_table_bytes(const struct uiommu_pgtable *pt);

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_PGTABLE_H */
