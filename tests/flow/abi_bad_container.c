/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi_bad_container.c - the calls of groups and containers, of the contexts of
 * iommufd that play one too, and what Linux answers.
 */
#include <unistd.h>

#include "abi_bad.h"

/* ---------------------------------------------------------------- groups -- */

static void undo_join(struct bad_world *w, const void *answer)
{
	assert_int_equal(
		bad_ioctl(w, FD_FREE, VFIO_GROUP_UNSET_CONTAINER, NULL), 0);
}

static void undo_device(struct bad_world *w, const void *answer)
{
	int fd = (int)*(const long *)answer;

	assert_int_equal(uiommu_abi_close(w->abi, fd), 0);
	close(fd);
}

struct join {
	int32_t fd;
};
#define JOIN(file) SET(join, fd, file)
static const struct bad_row join_rows[] = {
	ROW("closed", -EBADF, JOIN(SYM(FD_CLOSED))),
	ROW("negative", -EBADF, JOIN(-1)),
	ROW("of others", -EBADFD, JOIN(SYM(FD_EVENT))),
	ROW("of others", -EBADFD, JOIN(SYM(FD_NULL))),
	ROW("itself", -EBADFD, JOIN(SYM(FD_FREE))),
	ROW("a device", -EBADFD, JOIN(SYM(FD_CDEV))),
	ROW("a fault queue", -EBADFD, JOIN(SYM(FD_QUEUE))),
};

static const struct bad_row joined_rows[] = {
	/* It is in one, whatever else there is; but it must be something. */
	ROW("of others", -EINVAL, JOIN(SYM(FD_EVENT))),
	ROW("closed", -EBADF, JOIN(SYM(FD_CLOSED))),
};

#define NAME(text) ARG((uintptr_t)(text))
static const struct bad_row name_rows[] = {
	ROW("null", -EFAULT, ARG(0)),
	ROW("not there", -EFAULT, ARG(SYM(P_NONE))),
	ROW("empty", -ENODEV, NAME("")),
	ROW("no such device", -ENODEV, NAME("0000:77:00.0")),
	ROW("of another group", -ENODEV, NAME("0000:01:00.0")),
	ROW("a part", -ENODEV, NAME("0000:02:00")),
	ROW("more", -ENODEV, NAME("0000:02:00.00")),
	ROW("an option", -EINVAL, NAME("0000:02:00.0 fast=1")),
	ROW("no token", -EINVAL, NAME("0000:02:00.0 vf_token=")),
	ROW("a token for a function without", -EINVAL,
	    NAME("0000:02:00.0 "
		 "vf_token=00112233-4455-6677-8899-aabbccddeeff")),
	ROW("a token, no device", -ENODEV,
	    NAME("0000:77:00.0 "
		 "vf_token=00112233-4455-6677-8899-aabbccddeeff")),
};

/* ------------------------------------------------------- map and unmap -- */

static void unmap_dma(struct bad_world *w, enum bad_sym fd, const void *answer)
{
	const struct vfio_iommu_type1_dma_map *map = answer;
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap),
						    .iova = map->iova,
						    .size = map->size };

	assert_int_equal(bad_ioctl(w, fd, VFIO_IOMMU_UNMAP_DMA, &unmap), 0);
	assert_int_equal(unmap.size, map->size);
}

/* The mapping that all start with, whatever is left of it. */
static void remap_dma(struct bad_world *w, enum bad_sym fd)
{
	const struct vfio_iommu_type1_dma_map map = {
		sizeof(map), VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		w->sym[P_MEM], IOVA, 4 * PAGE
	};
	struct vfio_iommu_type1_dma_unmap all = {
		.argsz = sizeof(all), .flags = VFIO_DMA_UNMAP_FLAG_ALL
	};

	assert_int_equal(bad_ioctl(w, fd, VFIO_IOMMU_UNMAP_DMA, &all), 0);
	assert_int_equal(bad_ioctl(w, fd, VFIO_IOMMU_MAP_DMA, &map), 0);
}

#define UNDO(file)                                                             \
	static void undo_map_##file(struct bad_world *w, const void *answer)   \
	{                                                                      \
		unmap_dma(w, file, answer);                                    \
	}                                                                      \
	static void undo_unmap_##file(struct bad_world *w, const void *answer) \
	{                                                                      \
		remap_dma(w, file);                                            \
	}
UNDO(FD_T1)
UNDO(FD_T1V1)
UNDO(FD_T6)
UNDO(FD_COMPAT)

#define DMA(field, val) SET(vfio_iommu_type1_dma_map, field, val)
/* Both back ends. */
#define MAP_ROWS                                                           \
	ROW("no size", -EINVAL, DMA(size, 0)),                             \
		ROW("across the end", -EOVERFLOW,                          \
		    DMA(iova, U64_MAX - PAGE + 1), DMA(size, 2 * PAGE)),   \
		ROW("memory across the end", -EOVERFLOW,                   \
		    DMA(vaddr, U64_MAX - PAGE + 1), DMA(size, 2 * PAGE)),  \
		ROW("where something is", -EEXIST, DMA(iova, IOVA)),       \
		ROW("its last page", -EEXIST, DMA(iova, IOVA + 3 * PAGE)), \
		ROW("around it", -EEXIST, DMA(iova, IOVA - PAGE),          \
		    DMA(size, 6 * PAGE))

static const struct bad_row map_rows[] = {
	MAP_ROWS,
	ROW("neither read nor write", -EINVAL, DMA(flags, 0)),
	ROW("all bytes", -EINVAL, DMA(size, U64_MAX), DMA(iova, 0),
	    DMA(vaddr, 0)),
	ROW("not at a page", -EINVAL, DMA(iova, 0x20000800)),
	ROW("part of a page", -EINVAL, DMA(size, 0x800)),
	ROW("memory not at a page", -EINVAL, DMA(vaddr, 0x800)),
	ROW("of MSIs", -EINVAL, DMA(iova, MSI_FIRST)),
	ROW("beyond the tables", -EINVAL, DMA(iova, TOP)),
	ROW("across their end", -EINVAL, DMA(iova, TOP - PAGE),
	    DMA(size, 2 * PAGE)),
	ROW("no memory", -EFAULT, DMA(vaddr, 0)),
	ROW("not there", -EFAULT, DMA(vaddr, SYM(P_NONE))),
	ROW("half there", -EFAULT, DMA(vaddr, SYM(P_SPLIT)),
	    DMA(size, 2 * PAGE)),
	ROW("read only", -EFAULT, DMA(vaddr, SYM(P_RO))),
	ROW("an address and rights", -EINVAL,
	    DMA(flags, VFIO_DMA_MAP_FLAG_VADDR | VFIO_DMA_MAP_FLAG_READ)),
	ROW("an address for nothing", -ENOENT,
	    DMA(flags, VFIO_DMA_MAP_FLAG_VADDR)),
	ROW("an address for what has one", -EINVAL,
	    DMA(flags, VFIO_DMA_MAP_FLAG_VADDR), DMA(iova, IOVA),
	    DMA(size, 4 * PAGE)),
};

static const struct bad_row compat_map_rows[] = {
	MAP_ROWS,
	ROW("all bytes", -EOVERFLOW, DMA(size, U64_MAX)),
	/* Nobody looks at memory before there is a page table. */
	ROW("not there", 0, DMA(vaddr, SYM(P_NONE))),
};

#define UNDMA(field, val) SET(vfio_iommu_type1_dma_unmap, field, val)
#define UNDMA_ROW(text, rc, at, bytes) \
	ROW(text, rc, UNDMA(iova, at), UNDMA(size, bytes))
#define UNMAP_ROWS                                                             \
	UNDMA_ROW("no size", -EINVAL, IOVA, 0),                                \
		UNDMA_ROW("across the end", -EOVERFLOW, U64_MAX - PAGE + 1,    \
			  2 * PAGE),                                           \
		UNDMA_ROW("nothing there", 0, 0x20000000, PAGE),               \
		ROW("all of a range", -EINVAL,                                 \
		    UNDMA(flags, VFIO_DMA_UNMAP_FLAG_ALL), UNDMA(size, PAGE)), \
		ROW("all from there", -EINVAL,                                 \
		    UNDMA(flags, VFIO_DMA_UNMAP_FLAG_ALL), UNDMA(iova, PAGE),  \
		    UNDMA(size, 0)),                                           \
		ROW("all", 0, UNDMA(flags, VFIO_DMA_UNMAP_FLAG_ALL),           \
		    UNDMA(iova, 0), UNDMA(size, 0))

#define TYPE1_UNMAP_ROWS                                                     \
	UNMAP_ROWS,                                                          \
		UNDMA_ROW("not at a page", -EINVAL, IOVA + 0x800, 4 * PAGE), \
		UNDMA_ROW("part of a page", -EINVAL, IOVA, 0x800),           \
		ROW("dirty pages of all", -EINVAL,                           \
		    UNDMA(flags, VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP |      \
					 VFIO_DMA_UNMAP_FLAG_ALL)),          \
		ROW("dirty pages of what stays", -EINVAL,                    \
		    UNDMA(flags, VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP |      \
					 VFIO_DMA_UNMAP_FLAG_VADDR)),        \
		ROW("no room for dirty pages", -EINVAL,                      \
		    UNDMA(flags, VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP))

static const struct bad_row unmap_rows[] = {
	TYPE1_UNMAP_ROWS,
	UNDMA_ROW("its first page", -EINVAL, IOVA, PAGE),
	UNDMA_ROW("its last page", -EINVAL, IOVA + 3 * PAGE, PAGE),
	UNDMA_ROW("its middle", -EINVAL, IOVA + PAGE, PAGE),
};

/* Version 1 takes what starts in the range, and stops at what started before. */
static const struct bad_row unmap_v1_rows[] = {
	TYPE1_UNMAP_ROWS,
	UNDMA_ROW("its first page takes all", 0, IOVA, PAGE),
	UNDMA_ROW("its middle takes nothing", 0, IOVA + PAGE, PAGE),
};

static const struct bad_row compat_unmap_rows[] = {
	UNMAP_ROWS,
	UNDMA_ROW("its first page", -ENOENT, IOVA, PAGE),
	UNDMA_ROW("its last page", -ENOENT, IOVA + 3 * PAGE, PAGE),
	UNDMA_ROW("its middle", -ENOENT, IOVA + PAGE, PAGE),
};

/* ---------------------------------------------------------- dirty pages -- */

struct dirty {
	uint32_t argsz, flags;
	uint64_t iova, size, pgsize, bytes, data;
};
#define DIRTY(field, val) SET(dirty, field, val)
static const struct bad_row dirty_rows[] = {
	ROW("nothing", -EINVAL, DIRTY(flags, 0)),
	ROW("two things", -EINVAL, DIRTY(flags, 3)),
	ROW("all three", -EINVAL, DIRTY(flags, 7)),
	ROW("no size", -EINVAL, DIRTY(size, 0)),
	ROW("across the end", -EOVERFLOW, DIRTY(iova, U64_MAX - PAGE + 1),
	    DIRTY(size, 2 * PAGE)),
	ROW("no page size", -EINVAL, DIRTY(pgsize, 0)),
	ROW("no bitmap", -EINVAL, DIRTY(bytes, 0)),
	ROW("off, which it is", 0,
	    DIRTY(flags, VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP)),
};

/* ---------------------------------------------------------------- table -- */

#define VALUE(nr, file, val, answer)                                     \
	{                                                                \
		.name = #nr, .cmd = nr, .fd = (file), .kind = BAD_VALUE, \
		.set = { ARG(val) }, .good = (answer)                    \
	}
#define MAP_CALL(file, known, table)                                       \
	{                                                                  \
		CALL(VFIO_IOMMU_MAP_DMA, vfio_iommu_type1_dma_map, size),  \
			.fd = (file), .kind = BAD_ARGSZ,                   \
			.set = { DMA(flags, 3), DMA(vaddr, SYM(P_MEM)),    \
				 DMA(iova, 0x20000000), DMA(size, PAGE) }, \
			.undo = undo_map_##file,                           \
			.bits = { { AT(vfio_iommu_type1_dma_map, flags),   \
				    known, -EINVAL } },                    \
			ROWS(table),                                       \
	}
#define UNMAP_CALL(file, known, table)                                        \
	{                                                                     \
		CALL(VFIO_IOMMU_UNMAP_DMA, vfio_iommu_type1_dma_unmap, size), \
			.fd = (file), .kind = BAD_ARGSZ,                      \
			.set = { UNDMA(iova, IOVA), UNDMA(size, 4 * PAGE) },  \
			.undo = undo_unmap_##file, .writes = true,            \
			.keeps = true,                                        \
			.bits = { { AT(vfio_iommu_type1_dma_unmap, flags),    \
				    known, -EINVAL } },                       \
			ROWS(table),                                          \
	}
#define INFO_CALL(file)                                                  \
	{                                                                \
		CALL(VFIO_IOMMU_GET_INFO, vfio_iommu_type1_info,         \
		     iova_pgsizes),                                      \
			.fd = (file), .kind = BAD_ARGSZ, .writes = true, \
			.chain = true,                                   \
	}

const struct bad_call bad_containers[] = {
	{
		CALL(VFIO_GROUP_GET_STATUS, vfio_group_status, flags),
		.fd = FD_GROUP,
		.kind = BAD_ARGSZ,
		.writes = true,
	},
	{
		CALL(VFIO_GROUP_SET_CONTAINER, join, fd),
		.fd = FD_FREE,
		.kind = BAD_PLAIN,
		.set = { JOIN(SYM(FD_EMPTY)) },
		.undo = undo_join,
		ROWS(join_rows),
	},
	{
		CALL(VFIO_GROUP_SET_CONTAINER, join, fd),
		.fd = FD_GROUP,
		.kind = BAD_PLAIN,
		.set = { JOIN(SYM(FD_EMPTY)) },
		.good = -EINVAL,
		ROWS(joined_rows),
	},
	VALUE(VFIO_GROUP_UNSET_CONTAINER, FD_FREE, 0, -EINVAL),
	VALUE(VFIO_GROUP_UNSET_CONTAINER, FD_GROUP, 0, -EBUSY),
	{
		.name = "VFIO_GROUP_GET_DEVICE_FD",
		.cmd = VFIO_GROUP_GET_DEVICE_FD,
		.fd = FD_GROUP,
		.kind = BAD_VALUE,
		.set = { ARG(SYM(P_PATH)) },
		.good = 1,
		.undo = undo_device,
		ROWS(name_rows),
	},
	VALUE(VFIO_GROUP_GET_DEVICE_FD, FD_FREE, (uintptr_t) "0000:05:00.0",
	      -EINVAL),

	VALUE(VFIO_GET_API_VERSION, FD_EMPTY, U64_MAX, 0),
	VALUE(VFIO_CHECK_EXTENSION, FD_EMPTY, 0, 0),
	VALUE(VFIO_CHECK_EXTENSION, FD_EMPTY, 11, 0),
	VALUE(VFIO_CHECK_EXTENSION, FD_EMPTY, U64_MAX, 0),
	VALUE(VFIO_CHECK_EXTENSION, FD_EMPTY, UINT64_C(1) << 32 | 1, 0),
	VALUE(VFIO_CHECK_EXTENSION, FD_A, VFIO_DMA_CC_IOMMU, -ENODEV),
	VALUE(VFIO_CHECK_EXTENSION, FD_A, U64_MAX, 0),
	VALUE(VFIO_CHECK_EXTENSION, FD_COMPAT,
	      __VFIO_RESERVED_TYPE1_NESTING_IOMMU, 0),
	VALUE(VFIO_SET_IOMMU, FD_EMPTY, VFIO_TYPE1v2_IOMMU, -EINVAL),
	VALUE(VFIO_SET_IOMMU, FD_EMPTY, __VFIO_RESERVED_TYPE1_NESTING_IOMMU,
	      -EINVAL),
	VALUE(VFIO_SET_IOMMU, FD_EMPTY, U64_MAX, -EINVAL),
	VALUE(VFIO_SET_IOMMU, FD_T6, __VFIO_RESERVED_TYPE1_NESTING_IOMMU,
	      -EINVAL),
	VALUE(VFIO_SET_IOMMU, FD_T1, VFIO_TYPE1v2_IOMMU, -EINVAL),
	VALUE(VFIO_SET_IOMMU, FD_T1, U64_MAX, -EINVAL),
	VALUE(VFIO_SET_IOMMU, FD_COMPAT, VFIO_TYPE1v2_IOMMU, 0),
	VALUE(VFIO_SET_IOMMU, FD_COMPAT, 0, -EINVAL),
	VALUE(VFIO_SET_IOMMU, FD_COMPAT, __VFIO_RESERVED_TYPE1_NESTING_IOMMU,
	      -EINVAL),
	VALUE(VFIO_SET_IOMMU, FD_COMPAT, VFIO_NOIOMMU_IOMMU, -EINVAL),
	VALUE(VFIO_SET_IOMMU, FD_COMPAT, UINT64_C(1) << 32 | 3, -EINVAL),
	VALUE(VFIO_SET_IOMMU, FD_A, VFIO_TYPE1v2_IOMMU, -ENODEV),
	VALUE(VFIO_SET_IOMMU, FD_A, 2, -EINVAL),

	INFO_CALL(FD_T1),
	INFO_CALL(FD_T1V1),
	INFO_CALL(FD_T6),
	INFO_CALL(FD_COMPAT),
	MAP_CALL(FD_T1, 7, map_rows),
	MAP_CALL(FD_T1V1, 7, map_rows),
	MAP_CALL(FD_T6, 7, map_rows),
	MAP_CALL(FD_COMPAT, 3, compat_map_rows),
	UNMAP_CALL(FD_T1, 7, unmap_rows),
	UNMAP_CALL(FD_T1V1, 7, unmap_v1_rows),
	UNMAP_CALL(FD_T6, 7, unmap_rows),
	UNMAP_CALL(FD_COMPAT, 2, compat_unmap_rows),
	{
		/* Nothing is tracked. */
		CALL(VFIO_IOMMU_DIRTY_PAGES, dirty, flags),
		.fd = FD_T1,
		.kind = BAD_ARGSZ,
		.set = { DIRTY(flags, VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP),
			 DIRTY(iova, IOVA), DIRTY(size, 4 * PAGE),
			 DIRTY(pgsize, PAGE), DIRTY(bytes, 8),
			 DIRTY(data, SYM(P_BUF)) },
		.good = -EINVAL,
		.good_min = -EINVAL,
		.bits = { { AT(dirty, flags), 7, -EINVAL } },
		ROWS(dirty_rows),
	},
	VALUE(VFIO_IOMMU_DIRTY_PAGES, FD_T1V1, 0, -EACCES),
	VALUE(VFIO_IOMMU_DIRTY_PAGES, FD_COMPAT, 0, -ENOTTY),
	/* No container yet, no IOAS that plays one. */
	VALUE(VFIO_IOMMU_GET_INFO, FD_EMPTY, 0, -EINVAL),
	VALUE(VFIO_IOMMU_MAP_DMA, FD_EMPTY, 0, -EINVAL),
	VALUE(VFIO_IOMMU_UNMAP_DMA, FD_EMPTY, 0, -EINVAL),
	VALUE(VFIO_IOMMU_DIRTY_PAGES, FD_EMPTY, 0, -EINVAL),
	{
		CALL(VFIO_IOMMU_GET_INFO, vfio_iommu_type1_info, iova_pgsizes),
		.fd = FD_A,
		.kind = BAD_ARGSZ,
		.good = -ENODEV,
		.good_min = -ENODEV,
	},
	{
		CALL(VFIO_IOMMU_MAP_DMA, vfio_iommu_type1_dma_map, size),
		.fd = FD_A,
		.kind = BAD_ARGSZ,
		.good = -ENODEV,
	},
	{
		CALL(VFIO_IOMMU_UNMAP_DMA, vfio_iommu_type1_dma_unmap, size),
		.fd = FD_A,
		.kind = BAD_ARGSZ,
		.good = -ENODEV,
	},
};
const unsigned int bad_nr_containers =
	sizeof(bad_containers) / sizeof(bad_containers[0]);
