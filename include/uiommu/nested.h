/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nested.h - the part of the contract between core and driver (driver.h, which
 * includes it) that is about guests: two stages of translation, the first of
 * which a guest writes by itself.
 *
 * A *nested domain* is a guest's configuration of a device, its "device
 * context", which may lead to a "PASID table" in the guest's memory, over a
 * *parent*: a stage-2 domain whose page table says where the guest's memory is.
 * A *vIOMMU* is the guest's part of one unit, above one parent; a *vdevice* is
 * a device under the number that the guest knows it by, its *virtual id*.
 *
 * What the guest's hardware would be told (contexts, invalidation commands,
 * events) passes through here as the bytes that the Linux ABI has for it, under
 * the number that it has for the kind: core and ABI do not look into them.
 */
#ifndef UIOMMU_NESTED_H
#define UIOMMU_NESTED_H

#include <uiommu/env.h>
#include <uiommu/types.h>

#ifdef __cplusplus
extern "C" {
#endif

struct uiommu_hwdev;
struct uiommu_hwdom;
struct uiommu_unit;

/* ----------------------------------------------------- a client's bytes -- */

/*
 * How a client's memory is reached: 0 or -EFAULT.  Both may sleep and take locks
 * of the embedder; the driver calls them with none of its own held.
 */
struct uiommu_user_mem {
	void *ctx;
	int (*read)(void *ctx, void *dst, uint64_t at, size_t len);
	int (*write)(void *ctx, uint64_t at, const void *src, size_t len);
};

/* One structure. */
struct uiommu_user_data {
	const struct uiommu_user_mem *mem; /* NULL: memory of this process */
	uint32_t type;			   /* what it claims to be */
	uint32_t len;			   /* 0: there is none */
	uint64_t at;
};

/* Several of a kind, one behind the other. */
struct uiommu_user_array {
	const struct uiommu_user_mem *mem;
	uint32_t type;
	uint32_t entry_len;
	uint32_t entry_num;
	uint64_t at;
};

static inline int uiommu_user_read(const struct uiommu_user_mem *mem, void *dst,
				   uint64_t at, size_t len)
{
	if (mem)
		return mem->read(mem->ctx, dst, at, len);
	memcpy(dst, (const void *)(uintptr_t)at, len);
	return 0;
}

static inline int uiommu_user_write(const struct uiommu_user_mem *mem,
				    uint64_t at, const void *src, size_t len)
{
	if (mem)
		return mem->write(mem->ctx, at, src, len);
	memcpy((void *)(uintptr_t)at, src, len);
	return 0;
}

/* -EINVAL: of another type, shorter than `min` or longer than `size`. */
static inline int uiommu_user_check(const struct uiommu_user_data *data,
				    uint32_t type, size_t size, size_t min)
{
	return data->type != type || data->len < min || data->len > size
		       ? -EINVAL
		       : 0;
}

/*
 * Fetch a structure of `size` bytes; what the client does not have of it is 0.
 * -EINVAL as above; -EFAULT.
 */
static inline int uiommu_user_get(const struct uiommu_user_data *data,
				  uint32_t type, void *dst, size_t size,
				  size_t min)
{
	int rc = uiommu_user_check(data, type, size, min);

	if (rc)
		return rc;
	memset(dst, 0, size);
	return uiommu_user_read(data->mem, dst, data->at, data->len);
}

/* Store as much of it as the client has.  Errors as above. */
static inline int uiommu_user_put(const struct uiommu_user_data *data,
				  uint32_t type, const void *src, size_t size,
				  size_t min)
{
	int rc = uiommu_user_check(data, type, size, min);

	return rc ? rc : uiommu_user_write(data->mem, data->at, src, data->len);
}

/* The i-th entry, under the rules of uiommu_user_get. */
static inline int uiommu_user_get_entry(const struct uiommu_user_array *array,
					uint32_t type, uint32_t i, void *dst,
					size_t size, size_t min)
{
	const struct uiommu_user_data entry = {
		.mem = array->mem,
		.type = array->type,
		.len = array->entry_len,
		.at = array->at + (uint64_t)array->entry_len * i,
	};

	return uiommu_user_get(&entry, type, dst, size, min);
}

/* -E2BIG: a byte of [at, at + len) is not 0; -EFAULT. */
static inline int uiommu_user_zero(const struct uiommu_user_mem *mem,
				   uint64_t at, uint64_t len)
{
	uint8_t buf[64];
	size_t part, i;
	int rc;

	for (; len; at += part, len -= part) {
		part = len < sizeof(buf) ? len : sizeof(buf);
		rc = uiommu_user_read(mem, buf, at, part);
		if (rc)
			return rc;
		for (i = 0; i < part; i++)
			if (buf[i])
				return -E2BIG;
	}
	return 0;
}

/*
 * Fetch all entries, each to `size` bytes of dst, which has room for them.
 * Entries that are shorter are filled with 0, of longer ones the rest must be.
 *   -EINVAL	of another type, or none
 *   -E2BIG	the rest of one is not 0
 *   -EFAULT
 */
static inline int uiommu_user_get_all(const struct uiommu_user_array *array,
				      uint32_t type, void *dst, size_t size)
{
	size_t part = array->entry_len < size ? array->entry_len : size;
	uint64_t at = array->at;
	uint32_t i;
	int rc = 0;

	if (array->type != type || !array->entry_num)
		return -EINVAL;
	if (array->entry_len == size)
		return uiommu_user_read(array->mem, dst, at,
					size * array->entry_num);
	memset(dst, 0, size * array->entry_num);
	for (i = 0; i < array->entry_num && !rc; i++) {
		rc = uiommu_user_zero(array->mem, at + part,
				      array->entry_len - part);
		if (!rc)
			rc = uiommu_user_read(array->mem,
					      (uint8_t *)dst + i * size, at,
					      part);
		at += array->entry_len;
	}
	return rc;
}

/* ------------------------------------- a guest, in words of no hardware's -- */

/* What becomes of a device's accesses at the guest's stage. */
enum uiommu_guest_state {
	UIOMMU_GUEST_TRANSLATE, /* its tables translate them */
	UIOMMU_GUEST_BYPASS,	/* they have guest physical addresses already */
	UIOMMU_GUEST_ABORT,	/* they end there */
};

enum uiommu_pasid_table_format {
	UIOMMU_PASID_TABLE_LINEAR,
	UIOMMU_PASID_TABLE_2L_4K, /* two levels, leaves of that size */
	UIOMMU_PASID_TABLE_2L_64K,
};

/* Accesses without a PASID, where there may be some with one. */
enum uiommu_pasid_none {
	UIOMMU_PASID_NONE_ABORT,
	UIOMMU_PASID_NONE_BYPASS, /* the guest's stage */
	UIOMMU_PASID_NONE_IS_0,
};

struct uiommu_pasid_table {
	enum uiommu_guest_state state;
	/* The rest counts for TRANSLATE. */
	enum uiommu_pasid_table_format format; /* with pasid_bits > 0 */
	enum uiommu_pasid_none none;	       /* with pasid_bits > 0 */
	uint8_t pasid_bits;		       /* 0: one entry, for no PASID */
	uint64_t base;			       /* guest physical */
};

/* The numbers are those of the proposal of 2018. */
enum uiommu_cache_type {
	UIOMMU_CACHE_DEVICE_TLB = 0, /* ATCs */
	UIOMMU_CACHE_TLB = 1,
	UIOMMU_CACHE_PASID = 2, /* of the PASID table */
};

enum uiommu_cache_granularity {
	UIOMMU_CACHE_ALL_PASIDS = 0, /* and what has none */
	UIOMMU_CACHE_ONE_PASID = 1,
	UIOMMU_CACHE_PAGES = 2, /* of one PASID; not of the PASID cache */
};

#define UIOMMU_CACHE_LEAF (1u << 0)    /* PAGES: tables have not changed */
#define UIOMMU_CACHE_GLOBAL (1u << 1)  /* PAGES: of all address spaces */
#define UIOMMU_CACHE_ARCH_ID (1u << 2) /* arch_id is there */

#define UIOMMU_CACHE_FLAGS \
	(UIOMMU_CACHE_LEAF | UIOMMU_CACHE_GLOBAL | UIOMMU_CACHE_ARCH_ID)

struct uiommu_cache_info {
	enum uiommu_cache_type type;
	enum uiommu_cache_granularity granularity;
	uint32_t flags; /* those that count for the row; others are nothing */
	/*
	 * PAGES: [addr, addr + (nr_pages << page_lg2)), whatever the size of the
	 * pages that the guest's tables have there.
	 */
	uint8_t page_lg2;  /* 12 or more */
	uint64_t nr_pages; /* 0 is an error */
	uint64_t addr;	   /* a multiple of the size */
	/*
	 * ONE_PASID, and PAGES without GLOBAL, of PASID and device caches.
	 * UIOMMU_NO_PASID: what has none, which is entry 0 of the table.
	 */
	uint32_t pasid;
	/*
	 * By which TLBs know the address space (Arm64: ASID): ONE_PASID, and PAGES
	 * without GLOBAL, of TLBs.  Asked for, because the guest's context may be
	 * gone already.
	 */
	uint32_t arch_id;
};

/* Does a range that is asked for end within 64 bits, and at its pages? */
static inline bool
uiommu_cache_range_is_good(const struct uiommu_cache_info *info)
{
	uint64_t pages = UINT64_MAX >> (info->page_lg2 & 63);

	return info->page_lg2 >= 12 && info->page_lg2 < 64 && info->nr_pages &&
	       !(info->addr & ((UINT64_C(1) << info->page_lg2) - 1)) &&
	       info->nr_pages - 1 <= pages - (info->addr >> info->page_lg2);
}

/*
 * What no unit can make anything of: -EINVAL.  That PASID and arch_id are in range
 * is for the unit to say.
 */
static inline int uiommu_cache_check(const struct uiommu_cache_info *info)
{
	bool pages = info->granularity == UIOMMU_CACHE_PAGES;
	bool tagged = info->granularity == UIOMMU_CACHE_ONE_PASID ||
		      (pages && !(info->flags & UIOMMU_CACHE_GLOBAL));

	if ((unsigned int)info->type > UIOMMU_CACHE_PASID ||
	    (unsigned int)info->granularity > UIOMMU_CACHE_PAGES ||
	    info->flags & ~UIOMMU_CACHE_FLAGS)
		return -EINVAL;
	if (pages && (info->type == UIOMMU_CACHE_PASID ||
		      !uiommu_cache_range_is_good(info)))
		return -EINVAL;
	if (info->type == UIOMMU_CACHE_TLB && tagged &&
	    !(info->flags & UIOMMU_CACHE_ARCH_ID))
		return -EINVAL;
	return 0;
}

/* ----------------------------------------------------- a driver's objects -- */

/* The parts that callers see; read-only for them. */
struct uiommu_hwviommu {
	struct uiommu_unit *unit;
	struct uiommu_hwdom *parent;
};

struct uiommu_hwvdev {
	struct uiommu_hwviommu *viommu;
	struct uiommu_hwdev *dev;
	uint64_t virt_id;
};

/* A queue of the guest that the hardware reads by itself. */
struct uiommu_hwqueue {
	struct uiommu_hwviommu *viommu;
	/* Another one that has to stay as long as this one is there, or NULL. */
	struct uiommu_hwqueue *needs;
	void *user; /* the caller's, who sets it right after it was made */
};

struct uiommu_viommu_cfg {
	/* Its name in events, of no other vIOMMU of the host ever. */
	uint64_t id;
	/*
	 * Devices have no virtual ids and need no vdevice, and may have several
	 * ids: the guest knows them by the host's.  Faults are the host's too, so
	 * `id` is 0.  The parent may be of another unit of the driver.
	 */
	bool host_ids;
	/* What the client gave beside the type, and may be answered in. */
	const struct uiommu_user_data *data;
	/*
	 * Let the client map [pa, pa + len), whole pages, whose accesses go where
	 * `pa` is, as long as the vIOMMU is there: *offset is for it.  Only
	 * during viommu_alloc.  -EINVAL; -ENOMEM; -EOPNOTSUPP.
	 */
	int (*add_window)(void *ctx, uiommu_pa_t pa, uint64_t len,
			  uint64_t *offset);
	void *ctx;
};

/*
 * Ops of a driver with nested domains.  Any of them may be NULL: there is no such
 * thing (-EOPNOTSUPP).  None is called beside the end of what it is given.
 *
 * A nested domain is freed by dom_free and attached by attach of driver.h, which
 * then fails also with
 *   -EINVAL	it is of another unit's vIOMMU
 *   -EBUSY	PASIDs are in use, which are the guest's from now on
 *   -ENOENT	it translates, and its vIOMMU has no vdevice for the device
 * Its parent and its vIOMMU stay as long as it.  It has no page table (pt NULL),
 * and is not flushed: a flush of the parent reaches all that the hardware has made
 * out of the parent and any guest's tables.
 */
struct uiommu_nested_ops {
	/*
	 * A nested domain for devices like `dev`, straight over a parent.  `flags`:
	 * UIOMMU_DOM_PASID, as in driver.h.
	 *   -EOPNOTSUPP  a flag, or the type, is not known
	 *   -EINVAL, -EIO  the data, or the parent, will not do
	 *   -EFAULT, -ENOMEM
	 */
	int (*dom_alloc)(struct uiommu_hwdev *dev, struct uiommu_hwdom *parent,
			 uint32_t flags, const struct uiommu_user_data *data,
			 struct uiommu_hwdom **out);
	/*
	 * Carry out a guest's invalidations of such a domain, in order.  entry_num
	 * becomes the number of those that have taken effect when it returns,
	 * after an error too.  -EINVAL, -EOPNOTSUPP, -EIO: what an entry says, or
	 * the type; -EFAULT, -E2BIG, -ENOMEM, -ETIMEDOUT.
	 */
	int (*dom_invalidate)(struct uiommu_hwdom *dom,
			      struct uiommu_user_array *array);

	/* Can there be a vIOMMU of the kernel's kind `type` for the device? */
	bool (*viommu_has)(struct uiommu_hwdev *dev, uint32_t type);
	/*
	 * One for the device's unit.  viommu_has said yes; not asked, and no type
	 * (0), with cfg->host_ids.
	 *   -EOPNOTSUPP  host_ids: the unit has no guests
	 *   -EINVAL	the parent is no stage-2 domain of the unit, or bad data
	 *   -ENOSPC	no address space id (VMID) is left
	 *   -EFAULT, -ENOMEM, others of the data
	 */
	int (*viommu_alloc)(struct uiommu_hwdev *dev,
			    struct uiommu_hwdom *parent, uint32_t type,
			    const struct uiommu_viommu_cfg *cfg,
			    struct uiommu_hwviommu **out);
	/* Nothing of it is left; its id comes in no event any more. */
	void (*viommu_free)(struct uiommu_hwviommu *viommu);
	/* As dom_alloc. */
	int (*viommu_dom_alloc)(struct uiommu_hwviommu *viommu, uint32_t flags,
				const struct uiommu_user_data *data,
				struct uiommu_hwdom **out);
	/* As dom_invalidate. */
	int (*viommu_invalidate)(struct uiommu_hwviommu *viommu,
				 struct uiommu_user_array *array);

	/*
	 * The same two in words of no hardware's, of a vIOMMU with cfg.host_ids; the
	 * driver makes of them what a guest would have said.  dom_make: -EINVAL, a
	 * value that the unit does not have; -EOPNOTSUPP, no such format; -ENOMEM.
	 */
	int (*viommu_dom_make)(struct uiommu_hwviommu *viommu,
			       const struct uiommu_pasid_table *table,
			       struct uiommu_hwdom **out);
	/*
	 * Of PASID and device caches those of `dev`, NULL: of all devices whose
	 * domain is of the vIOMMU.  -EINVAL, as uiommu_cache_invalidate();
	 * -ENOMEM, -ETIMEDOUT, -EIO as flush.
	 */
	int (*viommu_forget)(struct uiommu_hwviommu *viommu,
			     struct uiommu_hwdev *dev,
			     const struct uiommu_cache_info *info);

	/*
	 * Never beside an attach of the device; the virtual id is of no other
	 * vdevice of the vIOMMU, the device has no other one.  -EOPNOTSUPP: not
	 * of such a device; -ENOMEM.
	 */
	int (*vdev_alloc)(struct uiommu_hwviommu *viommu,
			  struct uiommu_hwdev *dev, uint64_t virt_id,
			  struct uiommu_hwvdev **out);
	/* What the device is attached to goes on as before. */
	void (*vdev_free)(struct uiommu_hwvdev *vdev);

	/* Has the vIOMMU queues of the kernel's kind `type`? */
	bool (*queue_has)(struct uiommu_hwviommu *viommu, uint32_t type);
	/*
	 * Number `index` of them, in [pa, pa + len), which is where the parent
	 * has `iova` and stays there.  Errors are the driver's: -EINVAL, -EIO,
	 * -EEXIST, -ENOMEM.
	 */
	int (*queue_alloc)(struct uiommu_hwviommu *viommu, uint32_t type,
			   uint32_t index, uiommu_iova_t iova, uiommu_pa_t pa,
			   uint64_t len, struct uiommu_hwqueue **out);
	void (*queue_free)(struct uiommu_hwqueue *queue);
};

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_NESTED_H */
