/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioas.h - the core's IO address spaces and the memory in them; part of core.h,
 * which says what holds of threads, errors and lifetimes.
 */
#ifndef UIOMMU_IOAS_H
#define UIOMMU_IOAS_H

#include <stddef.h>

#include <uiommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uiommu_access;
struct uiommu_core;
struct uiommu_device;
struct uiommu_domain;
struct uiommu_ioas;

/* ------------------------------------------------- memory of a process -- */

/* Part of a pinned range: physically contiguous. */
struct uiommu_run {
	uiommu_pa_t pa;
	uint64_t len;
	bool mmio; /* device memory: a BAR that the process has mapped */
};

#define UIOMMU_PIN_WRITE (1u << 0)
#define UIOMMU_PIN_MMIO_OK (1u << 1) /* else -EFAULT on device memory */
#define UIOMMU_UNPIN_MMIO (1u << 2)  /* the run was device memory */

enum uiommu_mm_kind {
	UIOMMU_MM_PROGRAM,
	UIOMMU_MM_FILE, /* addresses are offsets in a file */
	/*
	 * Can be taken away by uiommu_mm_revoke().  Accesses do not use it (-EINVAL),
	 * and areas of it are not cut (-EOPNOTSUPP).
	 */
	UIOMMU_MM_REVOCABLE,
};

/*
 * The address space that user addresses belong to; the embedder's.  No function
 * may call the core.
 */
struct uiommu_mm {
	void *ctx;
	/*
	 * Pin the first run of [uva, uva+len), both multiples of the page size.
	 * *run says how far it got, at least one page.  -EFAULT: not accessible
	 * as asked; -ENOMEM: limit reached.
	 */
	int (*pin)(void *ctx, uint64_t uva, uint64_t len, uint32_t flags,
		   struct uiommu_run *run);
	/* Undo one pin for [pa, pa+len), part of a run or all of it. */
	void (*unpin)(void *ctx, uiommu_pa_t pa, uint64_t len, uint32_t flags);
	/*
	 * For uiommu_access_rw: move bytes between `buf` and user memory as the
	 * program sees it now; -EFAULT.  NULL: the program does not, the memory
	 * is reached pinned only.
	 */
	int (*copy)(void *ctx, uint64_t uva, void *buf, size_t len, bool write);
	/* The same for pinned memory.  NULL: the CPU cannot reach it. */
	int (*copy_pinned)(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
			   bool write);
	/*
	 * One more, one less that uses it: maps and copies do, until all of them
	 * are unmapped.  NULL: it lives longer than that.
	 */
	void (*get)(void *ctx);
	void (*put)(void *ctx);
	enum uiommu_mm_kind kind;
};

/*
 * The revocable memory with this ctx, as mapped until now, is gone: when this
 * returns no domain maps it.  The areas stay, with nothing behind them for good;
 * what is mapped of it from now on is not concerned.  -EIO: a domain is lost and
 * may still use it.
 */
int uiommu_mm_revoke(struct uiommu_core *core, const void *ctx);

/* ---------------------------------------------------------------- IOAS -- */

/*
 * An IO address space: areas of IOVA backed by user memory, replicated in all
 * domains of the IOAS.  Reading calls run in parallel; map and unmap of
 * disjoint ranges do their pinning and page table work side by side.  Adding
 * and removing a domain, cutting and set_huge_pages wait for them.
 */
/* -ENOMEM. */
int uiommu_ioas_create(struct uiommu_core *core, struct uiommu_ioas **out);
/* No domain is in it; unmaps everything.  NULL is nothing. */
void uiommu_ioas_destroy(struct uiommu_ioas *ioas);

#define UIOMMU_IOAS_FIXED_IOVA (1u << 0)
#define UIOMMU_IOAS_MMIO_OK (1u << 1) /* user memory may be a mapped BAR */

/*
 * Map user memory: pinned now, if the IOAS has a domain, or when it gets one.
 * Errors, and their order, are those of IOMMU_IOAS_MAP.  Without FIXED_IOVA the
 * place is chosen, the lowest that suits, and stored.  `mm` is copied.  `prot`: of
 * UIOMMU_PROT_READ, _WRITE, _EXEC, _PRIV, and _CACHE, which has no effect; what is
 * device memory of it is never executable.
 *   -EOPNOTSUPP  unknown flags
 *   -EINVAL	neither read nor write, or another right; len 0, or within a page
 *		of 2^64; uva, len or a fixed iova not aligned as
 *		uiommu_ioas_iova_ranges() tells; a fixed place that is reserved
 *   -EOVERFLOW	[uva, +len) or [iova, +len) wraps
 *   -EEXIST	an area is in the fixed place, or is being mapped or unmapped
 *   -ENOSPC	there is no place
 *   -EFAULT	memory is not there, or not as writable as asked; or device memory
 *		without MMIO_OK; what else mm->pin returns
 *   -ENOMEM
 *   -ETIMEDOUT, -EIO  a domain is lost
 */
int uiommu_ioas_map(struct uiommu_ioas *ioas, const struct uiommu_mm *mm,
		    uint64_t uva, uint64_t len, uint32_t prot, uint32_t flags,
		    uiommu_iova_t *iova);
/*
 * As IOMMU_IOAS_COPY: shares the pages of [src_iova, +len) in src, which may be
 * dst and of which the range has no holes.  `flags`: UIOMMU_IOAS_FIXED_IOVA.
 *   -ENOENT	nothing in src at an address of the range
 *   -EPERM	write, of memory that was mapped without
 *   others	as uiommu_ioas_map(), for [src_iova, +len) in place of uva
 */
int uiommu_ioas_copy(struct uiommu_ioas *dst, struct uiommu_ioas *src,
		     uiommu_iova_t src_iova, uint64_t len, uint32_t prot,
		     uint32_t flags, uiommu_iova_t *dst_iova);
/*
 * As IOMMU_IOAS_UNMAP: whole areas only, in ascending order, up to the first
 * that may not go.  *unmapped is what went, also on error.
 *   -EINVAL	len 0
 *   -EOVERFLOW	the range wraps
 *   -ENOENT	nothing there, or an area that reaches out of the range
 *   -EBUSY	an area that another thread is mapping or unmapping, or that an
 *		access without operations has pinned
 *   -EDEADLK	an access does not let go of an area; it cannot be pinned any
 *		more
 *   -ENOMEM	a leaf across a cut could not be split; nothing went
 * Hardware that does not answer is no error here: areas go, memory stays pinned.
 */
int uiommu_ioas_unmap(struct uiommu_ioas *ioas, uiommu_iova_t iova,
		      uint64_t len, uint64_t *unmapped);
/*
 * Unmap everything; 0 also when there is nothing.  -EBUSY: another thread is
 * mapping or unmapping, or an access has locked; the walk stopped at its area.
 * -EDEADLK, -ENOMEM as above.
 */
int uiommu_ioas_unmap_all(struct uiommu_ioas *ioas, uint64_t *unmapped);
/*
 * Cut the area that lies across `iova` in two there (type1's v1 unmap and
 * carve-outs).  0 also when none does; -EINVAL: `iova` is not a multiple of the
 * alignment, or an access has pages of it pinned; -EBUSY: it could not be unmapped
 * for that (-EDEADLK); -ENOMEM.
 */
int uiommu_ioas_cut(struct uiommu_ioas *ioas, uiommu_iova_t iova);

struct uiommu_area_info {
	struct uiommu_range range;
	uint64_t uva;		  /* of range.first */
	enum uiommu_mm_kind kind; /* of uva */
	uint32_t prot;
};
/* The first area that ends at or after `iova`: 0 or -ENOENT. */
int uiommu_ioas_next_area(struct uiommu_ioas *ioas, uiommu_iova_t iova,
			  struct uiommu_area_info *info);
/*
 * Is all that is mapped memory of that kind?  The first area that is not as it
 * should be decides: -EINVAL, it is of another kind; -EBUSY, another thread is mapping
 * or unmapping it.  O(n).
 */
int uiommu_ioas_check_kind(struct uiommu_ioas *ioas, enum uiommu_mm_kind kind);

/*
 * Usable ranges (complement of what is reserved), ascending: stores up to
 * `max`, returns how many there are.  *alignment: what iova, length and user
 * address must be multiples of.
 */
unsigned int uiommu_ioas_iova_ranges(struct uiommu_ioas *ioas,
				     struct uiommu_range *ranges,
				     unsigned int max, uint64_t *alignment);
/*
 * As IOMMU_IOAS_ALLOW_IOVAS: choose places in these `nr` ranges only; 0: anywhere.
 * -EINVAL: last is not above first, or two overlap; -EADDRINUSE: one is partly
 * reserved; -ENOMEM.
 */
int uiommu_ioas_allow_iovas(struct uiommu_ioas *ioas,
			    const struct uiommu_range *ranges, unsigned int nr);
/*
 * IOMMU_OPTION_HUGE_PAGES, on at first.  Off: leaves and the alignment are pages.
 * -EINVAL: areas are mapped in domains; -EADDRINUSE: one is not aligned.
 */
int uiommu_ioas_set_huge_pages(struct uiommu_ioas *ioas, bool enable);
bool uiommu_ioas_huge_pages(struct uiommu_ioas *ioas);

/*
 * Put a domain into the IOAS: its aperture becomes reserved outside, its page
 * size the alignment, and all areas are mapped into it; from here on nobody else
 * maps in it.  Two calls for one domain do not run at the same time.
 *   -EEXIST	it is in an IOAS; or something was mapped in it where an area is
 *   -EINVAL	no paging domain, or its smallest leaf is larger than a page
 *   -EADDRINUSE  areas or allowed ranges do not fit
 *   -EFAULT, -ENOMEM  pages cannot be pinned; what else mm->pin returns
 *   -ETIMEDOUT, -EIO  it is lost
 */
int uiommu_ioas_add_domain(struct uiommu_ioas *ioas,
			   struct uiommu_domain *domain);
/* It is in this IOAS.  With the last domain the areas' memory is unpinned. */
void uiommu_ioas_remove_domain(struct uiommu_ioas *ioas,
			       struct uiommu_domain *domain);
/*
 * Keep a device's reserved regions out of the IOAS while it is attached
 * (once for each call).  -EADDRINUSE: areas or allowed ranges lie there; -EINVAL:
 * it has both MSI and SW_MSI regions, or two of SW_MSI; -ENOMEM.  Relaxable
 * regions are skipped.
 */
int uiommu_ioas_reserve_device(struct uiommu_ioas *ioas,
			       struct uiommu_device *dev);
/* Undo one uiommu_ioas_reserve_device(). */
void uiommu_ioas_unreserve_device(struct uiommu_ioas *ioas,
				  struct uiommu_device *dev);
/*
 * Keep [first, last] out of the IOAS for good, for nobody in particular.
 * -EADDRINUSE: areas or allowed ranges lie there; -EINVAL: first > last; -ENOMEM.
 */
int uiommu_ioas_reserve(struct uiommu_ioas *ioas, uint64_t first,
			uint64_t last);
/* Leaf sizes that all domains have, a bit for each; all bits without a domain. */
uint64_t uiommu_ioas_pgsizes(struct uiommu_ioas *ioas);

/* ------------------------------------------------------------ accesses -- */

/*
 * An access uses the memory in an IOAS by the CPU, for a device that is emulated
 * or mediated: it copies, or pins pages and keeps their addresses.  Memory that a
 * domain or another access has pinned is shared; else it is pinned for this one.
 */
struct uiommu_access_ops {
	/* Else pages are not pinned, and areas need not begin at pages. */
	bool needs_pin_pages;
	/*
	 * [iova, +len) is about to go: by the time this returns the pages there
	 * are unpinned, from this or another thread.  Called in the thread that
	 * unmaps, or changes or destroys the access, with no lock of the core
	 * held; what is not pinned is told of as well.  It may be called on for
	 * the IOAS before a change, until the access is destroyed.
	 */
	void (*unmap)(void *ctx, uiommu_iova_t iova, uint64_t len);
};

/*
 * `ops` NULL: for the owner of the IOAS, who locks what it pins.  -ENOMEM.
 */
int uiommu_access_create(struct uiommu_core *core,
			 const struct uiommu_access_ops *ops, void *ctx,
			 struct uiommu_access **out);
/*
 * Detaches; waits for ops->unmap, which so must not need a lock that the caller
 * holds.  No other call for the access is under way.  NULL is nothing.
 */
void uiommu_access_destroy(struct uiommu_access *access);

/*
 * Use this IOAS from now on, in place of the one before; NULL: none.  Pages
 * that are pinned in that one are asked for by ops->unmap, from 0 on with a
 * length of UINT64_MAX, and all have to be given back.  Two changes of one access
 * do not run at the same time.
 *   -EADDRINUSE  areas are not aligned to pages, for an access that pins them;
 *		the access is attached as before
 */
int uiommu_access_attach(struct uiommu_access *access,
			 struct uiommu_ioas *ioas);

#define UIOMMU_ACCESS_WRITE (1u << 0) /* else to read */
#define UIOMMU_ACCESS_SLOW \
	(1u << 2) /* copy through pins, by physical address */

/*
 * Pin the pages of [iova, +len), which must begin at the start of one, and store
 * their physical addresses, one for each page.  An unmap that finds them pinned
 * asks for them.
 *   -EINVAL	the access was not made for it, or is unmapped in vain; len 0; pages
 *		are cut into: [iova, +len) does not show whole ones
 *   -EOVERFLOW	the range wraps
 *   -ENOENT	nothing attached; or nothing mapped at an address of the range
 *   -EPERM	mapped without the right
 *   -EFAULT	memory is not there, or is a device's; what else mm->pin returns
 *   -ENOMEM
 */
int uiommu_access_pin_pages(struct uiommu_access *access, uiommu_iova_t iova,
			    uint64_t len, uint32_t flags, uiommu_pa_t *pages);
/* Undo one uiommu_access_pin_pages() with this range. */
void uiommu_access_unpin_pages(struct uiommu_access *access, uiommu_iova_t iova,
			       uint64_t len);
/*
 * Copy between `buf` and [iova, +len).  Errors as above, but for the alignment; of
 * what comes before the address that is wrong a part is copied.
 */
int uiommu_access_rw(struct uiommu_access *access, uiommu_iova_t iova,
		     void *buf, size_t len, uint32_t flags);

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_IOAS_H */
