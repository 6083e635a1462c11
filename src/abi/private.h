/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * private.h - what the parts of abi/ share: open files, user memory, and the
 * calls that vfio/ makes into iommufd/.
 */
#ifndef ABI_PRIVATE_H
#define ABI_PRIVATE_H

#include <pthread.h>

#include <uiommu/abi.h>

#include "base/list.h"

/* ----------------------------------------------------------- open files -- */

struct abi_file;

/* A missing member means what the kernel answers then: ENOTTY, EINVAL. */
struct abi_file_ops {
	const char *name;
	long (*ioctl)(struct abi_file *file, unsigned int cmd,
		      unsigned long arg);
	ssize_t (*read)(struct abi_file *file, uint64_t uva, size_t len);
	ssize_t (*write)(struct abi_file *file, uint64_t uva, size_t len);
	ssize_t (*pread)(struct abi_file *file, uint64_t uva, size_t len,
			 uint64_t off);
	ssize_t (*pwrite)(struct abi_file *file, uint64_t uva, size_t len,
			  uint64_t off);
	int (*mmap)(struct abi_file *file, size_t len, int prot, int flags,
		    uint64_t off, struct uiommu_map **out);
	/* The last reference is gone. */
	void (*release)(struct abi_file *file);
};

/* Embedded as the first member of each kind of file. */
struct abi_file {
	const struct abi_file_ops *ops;
	struct uiommu_abi *abi;
	unsigned int refs; /* atomic */
};

void abi_file_init(struct abi_file *file, struct uiommu_abi *abi,
		   const struct abi_file_ops *ops);
struct abi_file *abi_file_get(struct abi_file *file);
void abi_file_put(struct abi_file *file);

/* The file behind a descriptor of the client, counted; NULL: not ours. */
struct abi_file *abi_fd_get(struct uiommu_abi *abi, int fd);
/*
 * Give a file a new descriptor named `path`.  Takes over the caller's
 * reference on success only.
 */
int abi_fd_install(struct uiommu_abi *abi, struct abi_file *file,
		   const char *path, int flags);
/*
 * The same in two steps, for who has to tell the number before the file may be
 * found.  `event` not NULL: of a file whose readiness poll(2) waits for; stores
 * what abi_event_set and _end take, ABI_NO_EVENT where the host has none.
 * Commit takes over the caller's reference of the file; abandon leaves it.
 */
struct abi_desc;
#define ABI_NO_EVENT (-1)
int abi_fd_prepare(struct uiommu_abi *abi, struct abi_file *file,
		   const char *path, int flags, struct abi_desc **desc,
		   int *event);
void abi_fd_commit(struct uiommu_abi *abi, int fd, struct abi_desc *desc);
void abi_fd_abandon(struct uiommu_abi *abi, int fd, struct abi_desc *desc,
		    int event);
void abi_event_set(struct uiommu_abi *abi, int event, bool readable);
void abi_event_end(struct uiommu_abi *abi, int event);

/* Has the caller this capability? */
bool abi_capable(struct uiommu_abi *abi, int cap);

/* ------------------------------------------------------- locked memory -- */

/* Whose count of locked memory grows. */
enum abi_charge {
	ABI_CHARGE_USER,
	ABI_CHARGE_PROCESS,
	ABI_CHARGES,
};

/* Memory that is charged: the program's, for each enum abi_charge, or a file's. */
struct abi_charged {
	struct uiommu_abi *abi;
	uint64_t *locked; /* bytes; atomic */
	struct uiommu_mm mm;
	uint64_t refs; /* atomic; the instance has one of the program's */
};

/* Of a new instance, whose host is known. */
void abi_charge_init(struct uiommu_abi *abi);
/*
 * The program's memory, charged if the caller is not beyond limits: more than
 * RLIMIT_MEMLOCK cannot be pinned (-ENOMEM).
 */
void abi_program_mm(struct uiommu_abi *abi, enum abi_charge whom,
		    struct uiommu_mm *mm);
/* The same for memory of which the caller has a count: takes it over.  -ENOMEM. */
int abi_charge_file(struct uiommu_abi *abi, enum abi_charge whom,
		    struct uiommu_mm *mm);

/* ------------------------------------------------------------ dma-bufs -- */

struct abi_dmabuf;

/*
 * The memory [addr, +size) of mem, whole pages, as a file that can be given a
 * descriptor.  `release` is called when the last descriptor and the last map are
 * gone, and must not call the core; or NULL.  -ENOMEM.
 */
int abi_dmabuf_create(struct uiommu_abi *abi, const struct uiommu_mm *mem,
		      uint64_t addr, uint64_t size,
		      void (*release)(void *owner), void *owner,
		      struct abi_dmabuf **out);
struct abi_file *abi_dmabuf_file(struct abi_dmabuf *buf);
/* NULL: the file is none. */
struct abi_dmabuf *abi_dmabuf_of(struct abi_file *file);
/* As uiommu_ioas_map.  -EINVAL: beyond its end; -ENODEV: it is revoked. */
int abi_dmabuf_map(struct abi_dmabuf *buf, struct uiommu_ioas *ioas,
		   uint64_t start, uint64_t len, uint32_t prot, uint32_t flags,
		   uiommu_iova_t *iova);
/*
 * What is mapped of it has nothing behind it any more, for good; true: nor can it
 * be mapped again, until a call with false.
 */
void abi_dmabuf_revoke(struct abi_dmabuf *buf, bool revoked);

/* -------------------------------------------------------------- mappings -- */

/* Of what the client maps by an open file: begins each kind's own structure. */
struct uiommu_map {
	const struct abi_map_ops *ops;
	struct abi_file *file; /* counted */
	unsigned int refs;     /* atomic */
	uint64_t len;
};

struct abi_map_ops {
	/* `size` is a power of two up to 8, [off, +size) aligned and inside. */
	int (*read)(struct uiommu_map *map, uint64_t off, unsigned int size,
		    uint64_t *val);
	int (*write)(struct uiommu_map *map, uint64_t off, unsigned int size,
		     uint64_t val);
	uiommu_pa_t (*pa)(const struct uiommu_map *map);
	/* The last reference is gone, the file's is still there; or NULL. */
	void (*release)(struct uiommu_map *map);
};

/* `len` becomes whole pages. */
void abi_map_init(struct uiommu_map *map, struct abi_file *file,
		  const struct abi_map_ops *ops, uint64_t len);

/* ------------------------------------------------------------- memory ---- */

/* Zeroed, through the host's platform; NULL when there is none. */
void *abi_alloc(struct uiommu_abi *abi, size_t size);
/* NULL is fine. */
void abi_free(struct uiommu_abi *abi, void *obj);
/*
 * The instance stays for abi_free after its end: memory that a stuck IOMMU may still
 * use is put by the core when that ends.
 */
void abi_get(struct uiommu_abi *abi);
void abi_put(struct uiommu_abi *abi);

/* ---------------------------------------------------------- user memory -- */

int abi_copy_from(struct uiommu_abi *abi, void *dst, uint64_t uva, size_t len);
int abi_copy_to(struct uiommu_abi *abi, uint64_t uva, const void *src,
		size_t len);
/*
 * A structure whose user size may be older or newer than ours: a short one is
 * filled with zeroes, a long one must be zero beyond ours (-E2BIG).
 */
int abi_copy_struct_from(struct uiommu_abi *abi, void *dst, size_t size,
			 uint64_t uva, size_t user_size);
/* A string with its NUL; -EFAULT, -ENAMETOOLONG (36). */
int abi_copy_string(struct uiommu_abi *abi, char *dst, size_t size,
		    uint64_t uva);

/* ------------------------------------------------- iommufd for vfio/ ------ */

struct ufd_ctx;
struct ufd_device;

/* A new context as an open file: what opening /dev/iommu makes. */
int ufd_open(struct uiommu_abi *abi, struct abi_file **out);
/* NULL: the file is not an iommufd.  Not counted beyond the file. */
struct ufd_ctx *ufd_ctx_of(struct abi_file *file);

/*
 * Make a device an object of the context (takes DMA ownership; keeps the
 * context's file).  Errors: reference 2.4.
 */
int ufd_device_bind(struct abi_file *iommufd, struct uiommu_device *dev,
		    struct ufd_device **out, uint32_t *id);
/* Detaches what is attached first. */
void ufd_device_unbind(struct ufd_device *idev);
/*
 * Attach where nothing is attached, replace where something is; pt_id in: IOAS
 * or HWPT, out: the HWPT.  Errors: reference 2.5, 2.6.
 */
int ufd_device_attach(struct ufd_device *idev, uint32_t *pt_id);
int ufd_device_replace(struct ufd_device *idev, uint32_t *pt_id);
/* Nothing attached: nothing happens.  -EBUSY: auxiliary domains are. */
int ufd_device_detach(struct ufd_device *idev);
/*
 * The same for accesses with a PASID, which is not 0.  Errors: reference 3.1.
 * attach: -EBUSY: the device has the PASID; -EINVAL: another of its group has it
 * with another HWPT; an IOAS, or a HWPT without IOMMU_HWPT_ALLOC_PASID.
 */
bool ufd_device_has_pasid(struct ufd_device *idev, uint32_t pasid);
int ufd_device_pasid_attach(struct ufd_device *idev, uint32_t pasid,
			    uint32_t *pt_id);
int ufd_device_pasid_replace(struct ufd_device *idev, uint32_t pasid,
			     uint32_t *pt_id);
void ufd_device_pasid_detach(struct ufd_device *idev, uint32_t pasid);

/* Each area of the context's IOASes but that of VFIO's container calls. */
void ufd_visit_areas(struct ufd_ctx *ctx, uiommu_abi_area_fn *fn, void *arg);
/* The context's objects; nothing of iommufd is called. */
void ufd_dump(struct ufd_ctx *ctx, const struct uiommu_dump *to);

/* The IOAS that VFIO's container calls on this context use; made if missing. */
int ufd_compat_ioas_id(struct ufd_ctx *ctx, bool create, uint32_t *id);

/* ------------------------------------------------ vfio for file.c -------- */

struct abi_vfio;

int abi_vfio_create(struct uiommu_abi *abi, struct abi_vfio **out);
void abi_vfio_destroy(struct abi_vfio *vfio);
/* Open /dev/vfio/vfio, /dev/vfio/<group>, /dev/vfio/devices/vfio<n>. */
int abi_vfio_open(struct abi_vfio *vfio, const char *path, int flags,
		  struct abi_file **out);
int abi_vfio_visit_nodes(struct abi_vfio *vfio,
			 int (*fn)(void *ctx, const struct uiommu_node *node),
			 void *ctx);

/*
 * Type1 calls that container and iommufd share: GET_INFO, MAP_DMA, UNMAP_DMA,
 * CHECK_EXTENSION... on an IOAS.  iommufd/vfio_compat.c.
 */
long ufd_vfio_ioctl(struct ufd_ctx *ctx, unsigned int cmd, unsigned long arg);

struct uiommu_abi {
	struct uiommu_core *core;
	struct uiommu_abi_host host;
	struct abi_vfio *vfio;
	struct abi_fdtable *fds;
	struct abi_charged charged[ABI_CHARGES];
	uint64_t locked[ABI_CHARGES]; /* bytes; atomic */
	uint64_t refs; /* atomic; the embedder's, and of memory in use */
};

#endif /* ABI_PRIVATE_H */
