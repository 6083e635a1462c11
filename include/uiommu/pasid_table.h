/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pasid_table.h - guests by the interface that was proposed in 2018: part of core.h,
 * which includes it and says what holds for all its functions.
 *
 * A domain made with UIOMMU_DOM_NEST_PARENT is where a guest's memory is.  A guest's
 * PASID table is *bound* to it: from then on the guest's tables translate the accesses
 * of all its devices first, those that come later included, and the domain what these
 * say.  The guest knows devices by the host's names for them, and speaks of caches in
 * words that no hardware owns (nested.h).  What viommu.h has is the same below, for
 * guests with names of their own and in the words of their hardware; a domain is used
 * by one of both.
 */
#ifndef UIOMMU_PASID_TABLE_H
#define UIOMMU_PASID_TABLE_H

#include <uiommu/nested.h>
#include <uiommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uiommu_device;
struct uiommu_domain;
struct uiommu_fault;

/*
 * Let a guest's table translate for the domain's devices, behind whichever units they
 * are; bound again, with another table or state, it replaces the one before.
 * Accesses find the old or the new state at every instant, or, where the hardware
 * cannot change from one to the other at once, are aborted meanwhile.  On error all
 * devices have what they had.  Nothing of what the table says is checked: a wrong
 * one the hardware reports, as a fault of the device; and so it does one that lets
 * accesses wait, of a device that may not (uiommu_hwdev_cfg.stall).
 * PASIDs of the domain's devices are the guest's from then on, and page faults with
 * any of them come to the domain's handler.  What TLBs have of a table before is
 * forgotten.  A unit that a device of the domain is behind stays in the binding,
 * with all that takes (a VMID), until that ends, though the device leaves or its attach
 * fails in the end: invalidations are on their way to it by then.  Attaching a group
 * to the domain may then fail with these errors too: a domain without devices takes
 * what the first one's unit may refuse.
 *   -EINVAL	the domain was not made for it; an unknown state or format; more
 *		PASIDs than a unit has, a base that no unit can reach or that is not
 *		aligned
 *   -EBUSY	vIOMMUs or domains of viommu.h rest on it, which cannot be made
 *		either while a table is bound; PASIDs of a device, or of others
 *		with the domain, are in use
 *   -EOPNOTSUPP  a unit has only one stage, or not such tables
 *   -EIO	the domain is lost (core.h)
 *   -ENOSPC, -ENOMEM, -ETIMEDOUT, -EIO  as attach of driver.h
 */
int uiommu_bind_pasid_table(struct uiommu_domain *domain,
			    const struct uiommu_pasid_table *table);
/*
 * The same for several domains of one core, each named once: on error none has
 * changed.
 */
int uiommu_bind_pasid_tables(struct uiommu_domain *const *domains,
			     unsigned int nr,
			     const struct uiommu_pasid_table *table);
/*
 * The domain alone translates again, as before the first bind.  Nothing bound is
 * nothing; it does not fail: hardware that does not answer blocks its devices, with a
 * line in the log.  A domain that is freed is unbound by that.  Page faults of
 * the guest's PASIDs still wait for their answers, and whoever tries again finds the
 * domain.
 */
void uiommu_unbind_pasid_table(struct uiommu_domain *domain);

/*
 * The guest has changed its tables or contexts: returns when what it names is
 * forgotten, by all units of the domain.  `dev`: of one device of the domain, which
 * counts for PASID and device caches alone; NULL: of all.
 * More may go than what is named, never less: all that TLBs have of the domain's guest
 * where the parts are too many to tell, and of ATCs less than a hundredth beside a range
 * of more than 256 pages of 4 KiB.
 *   -EINVAL	nothing is bound; an unknown type, granularity or flag; pages of the
 *		PASID cache; nr_pages 0 with PAGES; a range or size that wraps or is
 *		not aligned to its pages; a PASID, or arch_id, beyond the unit's; TLB
 *		of one PASID without arch_id; `dev` is not of the domain
 *   -ENOMEM, -ETIMEDOUT, -EIO  as flush of driver.h
 */
int uiommu_cache_invalidate(struct uiommu_domain *domain,
			    struct uiommu_device *dev,
			    const struct uiommu_cache_info *info);

/*
 * The guest has mapped, in its own tables, `iova` to a doorbell of its own at guest
 * physical address `gpa`, both rounded down to pages of 2^granule_lg2 bytes, whatever
 * size the guest's pages have.  The next doorbell of the host's that a device of the
 * domain needs takes the oldest free binding at whose gpa no other doorbell is: its
 * page, always one of 4 KiB and nothing beside it, is mapped at gpa, the start of the
 * guest's page, and the device is given `iova` to write to, from
 * uiommu_group_msi_map().  The same doorbell has the same binding from then on.
 *
 * While a domain has bindings no doorbell takes a place in its software window any
 * more, nor is one given out; what had one before is still there for devices that
 * were given it.  So a device has its doorbell
 *   in a domain with stage 1 alone, or stage 2 alone: in the window;
 *   behind a guest's tables, without bindings: in the window, as guest physical
 *   addresses, where the guest's tables have to lead themselves;
 *   with bindings: at the guest's IOVA, where the guest's tables lead already.
 * Devices that come to the domain have theirs under the same rules.  None free:
 * -ENOSPC there, with a line in the log.  Something else mapped at gpa: -EEXIST
 * there.
 *
 * The same iova again is 0 and changes nothing.  Any thread may call these two.
 *   -EINVAL	the domain was not made for guests; granule_lg2 is not 12 to 39; gpa is
 *		beyond the domain's addresses
 *   -EEXIST	the page overlaps another binding's
 *   -ENOSPC	the domain has 1024 bindings
 *   -ENOMEM
 */
int uiommu_bind_guest_msi(struct uiommu_domain *domain, uiommu_iova_t iova,
			  uint64_t gpa, uint8_t granule_lg2);
/*
 * The binding whose page has `iova` goes.  Its doorbell is unmapped, if it has one,
 * from TLBs and ATCs, too, when it returns: interrupts that devices go on to send
 * there fault.  They are given another place by uiommu_group_msi_map().
 *   -ENOENT	there is no such binding
 *   -ETIMEDOUT, -EIO  it is gone, but hardware that does not answer may go on to
 *		reach the doorbell
 */
int uiommu_unbind_guest_msi(struct uiommu_domain *domain, uiommu_iova_t iova);

/*
 * Who takes the faults of the domain's devices that wait for no answer, with a PASID
 * or without, bound or not: `fn` says whether it did, which keeps it from
 * core_cfg.fault, where those go that devices have caused before they came from, or
 * to, a domain for guests, or from none, and those that are read while they come or go;
 * an access under way in that instant may be told to the next.  With no lock of the
 * core held, from the
 * driver's op `irq`; it may wait for nothing that a thread holds while it removes a
 * device of the domain, frees the domain, or changes the handler (fn NULL: none).
 * When these return, no call of a handler from before is under way.
 *
 * `fn` is the host's own code, and is told all that the hardware says: raw[] of an
 * EXTERNAL_ABORT has the physical address of the fetch (SMMUv3: F_STE_FETCH,
 * F_CD_FETCH, F_WALK_EABT), and where a record says nothing, as an SMMUv3's fourth
 * word does without STAGE2, may be anything of the host's.  What a guest may be given
 * of a fault is its kind, flags, pasid, iova and ipa, and the id if it knows the device
 * by that.
 */
typedef bool uiommu_domain_fault_fn(void *ctx, struct uiommu_device *dev,
				    const struct uiommu_fault *fault);
void uiommu_domain_set_fault_handler(struct uiommu_domain *domain,
				     uiommu_domain_fault_fn *fn, void *ctx);

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_PASID_TABLE_H */
