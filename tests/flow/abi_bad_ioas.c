/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi_bad_ioas.c - the calls of /dev/iommu about address spaces: what is good, and
 * what Linux answers to what is not.
 */
#include "abi_bad.h"

/* ---------------------------------------------------------------- undo -- */

void bad_destroy(struct bad_world *w, uint32_t id)
{
	struct iommu_destroy destroy = { sizeof(destroy), id };

	assert_int_equal(bad_ioctl(w, FD_A, IOMMU_DESTROY, &destroy), 0);
}

static void unmap_ok(struct bad_world *w, uint32_t ioas, uint64_t iova,
		     uint64_t len)
{
	struct iommu_ioas_unmap unmap = { sizeof(unmap), ioas, iova, len };

	assert_int_equal(bad_ioctl(w, FD_A, IOMMU_IOAS_UNMAP, &unmap), 0);
}

static void undo_destroy(struct bad_world *w, const void *answer)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	assert_int_equal(bad_ioctl(w, FD_A, IOMMU_IOAS_ALLOC, &alloc), 0);
	assert_int_equal(alloc.out_ioas_id, w->sym[ID_VICTIM]);
}

static void undo_ioas_alloc(struct bad_world *w, const void *answer)
{
	bad_destroy(w, ((const struct iommu_ioas_alloc *)answer)->out_ioas_id);
}

static void undo_allow(struct bad_world *w, const void *answer)
{
	struct iommu_ioas_allow_iovas none = {
		.size = sizeof(none), .ioas_id = (uint32_t)w->sym[ID_IOAS]
	};

	assert_int_equal(bad_ioctl(w, FD_A, IOMMU_IOAS_ALLOW_IOVAS, &none), 0);
}

static void undo_map(struct bad_world *w, const void *answer)
{
	const struct iommu_ioas_map *map = answer;

	unmap_ok(w, map->ioas_id, map->iova, map->length);
}

static void undo_map_file(struct bad_world *w, const void *answer)
{
	const struct iommu_ioas_map_file *map = answer;

	unmap_ok(w, map->ioas_id, map->iova, map->length);
}

static void undo_copy(struct bad_world *w, const void *answer)
{
	const struct iommu_ioas_copy *copy = answer;

	unmap_ok(w, copy->dst_ioas_id, copy->dst_iova, copy->length);
}

/* Both areas of ID_OTHER, as they were; also if only one is gone. */
static void undo_unmap(struct bad_world *w, const void *answer)
{
	struct iommu_ioas_unmap all = { sizeof(all), (uint32_t)w->sym[ID_OTHER],
					0, U64_MAX };
	struct iommu_ioas_map map = {
		.size = sizeof(map),
		.flags = FIXED | RW,
		.ioas_id = all.ioas_id,
		.length = 2 * PAGE,
	};

	assert_int_equal(bad_ioctl(w, FD_A, IOMMU_IOAS_UNMAP, &all), 0);
	for (unsigned int i = 0; i < 2; i++) {
		map.user_va = w->sym[P_MEM] + (4 + 2 * i) * PAGE;
		map.iova = IOVA + 2 * i * PAGE;
		assert_int_equal(bad_ioctl(w, FD_A, IOMMU_IOAS_MAP, &map), 0);
	}
}

static void undo_option(struct bad_world *w, const void *answer)
{
	struct iommu_option option = {
		.size = sizeof(option),
		.option_id = IOMMU_OPTION_HUGE_PAGES,
		.op = IOMMU_OPTION_OP_SET,
		.object_id = (uint32_t)w->sym[ID_OTHER],
		.val64 = 1,
	};

	assert_int_equal(bad_ioctl(w, FD_A, IOMMU_OPTION, &option), 0);
}

static void undo_vfio_ioas(struct bad_world *w, const void *answer)
{
	struct iommu_vfio_ioas clear = { .size = sizeof(clear),
					 .op = IOMMU_VFIO_IOAS_CLEAR };

	assert_int_equal(bad_ioctl(w, FD_A, IOMMU_VFIO_IOAS, &clear), 0);
}

/* -------------------------------------------------------------- DESTROY -- */

static const struct bad_row destroy_rows[] = {
	ROW("filled from", -EBUSY, SET(iommu_destroy, id, SYM(ID_IOAS))),
	ROW("attached", -EBUSY, SET(iommu_destroy, id, SYM(ID_AUTO))),
	ROW("open", -EBUSY, SET(iommu_destroy, id, SYM(ID_FAULT))),
	ROW("bound", -EBUSY, SET(iommu_destroy, id, SYM(ID_DEV))),
	ROW("a guest's", -EBUSY, SET(iommu_destroy, id, SYM(ID_PARENT))),
	ROW("with a device", -EBUSY, SET(iommu_destroy, id, SYM(ID_VIOMMU))),
	ROW("open", -EBUSY, SET(iommu_destroy, id, SYM(ID_EVENTS))),
};

/* --------------------------------------------------------------- ranges -- */

static const struct iommu_iova_range one_range[] = { { 0x100000, 0x1fffff } };
static const struct iommu_iova_range overlap[] = { { 0x100000, 0x1fffff },
						   { 0x1fffff, 0x2fffff } };
static const struct iommu_iova_range same_twice[] = { { 0x100000, 0x1fffff },
						      { 0x100000, 0x1fffff } };
static const struct iommu_iova_range one_byte[] = { { 0x100000, 0x100000 } };
static const struct iommu_iova_range reversed[] = { { 0x1fffff, 0x100000 } };
static const struct iommu_iova_range msi[] = {
	{ 0x100000, 0x1fffff }, { MSI_FIRST + 0x1000, MSI_FIRST + 0x1fff }
};
static const struct iommu_iova_range beyond[] = { { TOP - 1, TOP } };
#define RANGES(array) \
	SET(iommu_ioas_allow_iovas, allowed_iovas, (uintptr_t)(array))
#define NR_RANGES(n) SET(iommu_ioas_allow_iovas, num_iovas, n)

static const struct bad_row allow_rows[] = {
	ROW("null", -EFAULT, RANGES(0)),
	ROW("not there", -EFAULT, RANGES(SYM(P_NONE))),
	ROW("half there", -EFAULT, RANGES(SYM(P_HALF)), NR_RANGES(2)),
	ROW("across the end", -EFAULT, RANGES(U64_MAX - 7)),
	ROW("too many", -EFAULT, RANGES(SYM(P_NONE)), NR_RANGES(UINT32_MAX)),
	ROW("overlap", -EINVAL, RANGES(overlap), NR_RANGES(2)),
	ROW("twice", -EINVAL, RANGES(same_twice), NR_RANGES(2)),
	ROW("one byte", -EINVAL, RANGES(one_byte)),
	ROW("reversed", -EINVAL, RANGES(reversed)),
	ROW("of MSIs", -EADDRINUSE, RANGES(msi), NR_RANGES(2)),
	ROW("beyond the tables", -EADDRINUSE, RANGES(beyond)),
	ROW("id before ranges", -ENOENT, RANGES(0),
	    SET(iommu_ioas_allow_iovas, ioas_id, SYM(ID_GONE))),
	ROW("reserved before id", -EOPNOTSUPP,
	    SET(iommu_ioas_allow_iovas, __reserved, 1),
	    SET(iommu_ioas_allow_iovas, ioas_id, SYM(ID_GONE))),
};

#define IOVAS(field, val) SET(iommu_ioas_iova_ranges, field, val)
static const struct bad_row iova_ranges_rows[] = {
	ROW("no room", -EMSGSIZE, IOVAS(num_iovas, 0), IOVAS(allowed_iovas, 0)),
	ROW("room for one", -EMSGSIZE, IOVAS(num_iovas, 1)),
	ROW("null", -EFAULT, IOVAS(allowed_iovas, 0)),
	ROW("not there", -EFAULT, IOVAS(allowed_iovas, SYM(P_NONE))),
	ROW("half there", -EFAULT, IOVAS(allowed_iovas, SYM(P_HALF))),
	ROW("read only", -EFAULT, IOVAS(allowed_iovas, SYM(P_RO))),
	ROW("read only, one", -EFAULT, IOVAS(allowed_iovas, SYM(P_RO)),
	    IOVAS(num_iovas, 1)),
};

/* ------------------------------------------------------------------ map -- */

#define MAP(field, val) SET(iommu_ioas_map, field, val)
static const struct bad_row map_rows[] = {
	ROW("neither read nor write", -EINVAL, MAP(flags, FIXED)),
	ROW("no flag at all", -EINVAL, MAP(flags, 0)),
	ROW("flags before the id", -EOPNOTSUPP, MAP(flags, 8 | RW),
	    MAP(ioas_id, SYM(ID_GONE))),
	ROW("end before use", -EOVERFLOW, MAP(flags, 0), MAP(iova, U64_MAX)),
	ROW("use before the id", -EINVAL, MAP(flags, 0),
	    MAP(ioas_id, SYM(ID_GONE))),
	ROW("id before memory", -ENOENT, MAP(ioas_id, SYM(ID_GONE)),
	    MAP(user_va, U64_MAX)),
	ROW("no length", -EINVAL, MAP(length, 0)),
	ROW("all lengths", -EOVERFLOW, MAP(length, U64_MAX)),
	ROW("one byte", -EINVAL, MAP(length, 1)),
	ROW("part of a page", -EINVAL, MAP(length, PAGE + 0x800)),
	ROW("the last address", -EOVERFLOW, MAP(iova, U64_MAX)),
	ROW("also where it is chosen", -EOVERFLOW, MAP(flags, RW),
	    MAP(iova, U64_MAX)),
	ROW("not at a page", -EINVAL, MAP(iova, 0x20000800)),
	ROW("across the end", -EOVERFLOW, MAP(iova, U64_MAX - PAGE + 1),
	    MAP(length, 2 * PAGE)),
	ROW("up to the end", -EINVAL, MAP(iova, U64_MAX - PAGE + 1)),
	ROW("where something is", -EEXIST, MAP(iova, IOVA)),
	ROW("its last page", -EEXIST, MAP(iova, IOVA + 3 * PAGE)),
	ROW("into it", -EEXIST, MAP(iova, IOVA - PAGE), MAP(length, 2 * PAGE)),
	ROW("around it", -EEXIST, MAP(iova, IOVA - PAGE),
	    MAP(length, 6 * PAGE)),
	ROW("of MSIs", -EINVAL, MAP(iova, MSI_FIRST)),
	ROW("into the MSIs", -EINVAL, MAP(iova, MSI_FIRST - PAGE),
	    MAP(length, 2 * PAGE)),
	ROW("beyond the tables", -EINVAL, MAP(iova, TOP)),
	ROW("across their end", -EINVAL, MAP(iova, TOP - PAGE),
	    MAP(length, 2 * PAGE)),
	ROW("memory across the end", -EOVERFLOW, MAP(user_va, U64_MAX - 1)),
	ROW("memory not at a page", -EINVAL, MAP(user_va, 0x800)),
	ROW("no memory", -EFAULT, MAP(user_va, 0)),
	ROW("not there", -EFAULT, MAP(user_va, SYM(P_NONE))),
	ROW("half there", -EFAULT, MAP(user_va, SYM(P_SPLIT)),
	    MAP(length, 2 * PAGE)),
	ROW("read only", -EFAULT, MAP(user_va, SYM(P_RO))),
	ROW("of the kernel", -EFAULT, MAP(user_va, UINT64_C(1) << 63)),
	ROW("half of all", -EOVERFLOW, MAP(flags, RW), MAP(user_va, 0),
	    MAP(length, UINT64_C(1) << 63)),
	ROW("no such gap", -ENOSPC, MAP(flags, RW), MAP(user_va, 0),
	    MAP(length, TOP)),
};

#define FILE_MAP(field, val) SET(iommu_ioas_map_file, field, val)
static const struct bad_row map_file_rows[] = {
	ROW("neither read nor write", -EINVAL, FILE_MAP(flags, FIXED)),
	ROW("no length", -EINVAL, FILE_MAP(length, 0)),
	ROW("the length before the file", -EINVAL, FILE_MAP(length, 0),
	    FILE_MAP(fd, SYM(FD_CLOSED))),
	ROW("all lengths", -EOVERFLOW, FILE_MAP(length, U64_MAX)),
	ROW("the last address", -EOVERFLOW, FILE_MAP(iova, U64_MAX)),
	ROW("the id before the file", -ENOENT, FILE_MAP(ioas_id, SYM(ID_GONE)),
	    FILE_MAP(fd, SYM(FD_CLOSED))),
	ROW("part of a page", -EINVAL, FILE_MAP(length, 0x800)),
	ROW("not at a page", -EINVAL, FILE_MAP(iova, 0x20000800)),
	ROW("from within a page", -EINVAL, FILE_MAP(start, 0x800)),
	ROW("across the end", -EOVERFLOW, FILE_MAP(start, U64_MAX - 1)),
	ROW("closed", -EBADF, FILE_MAP(fd, SYM(FD_CLOSED))),
	ROW("negative", -EBADF, FILE_MAP(fd, -1)),
	ROW("no memory", -EINVAL, FILE_MAP(fd, SYM(FD_NULL))),
	ROW("no memory", -EINVAL, FILE_MAP(fd, SYM(FD_EVENT))),
	ROW("one of ours", -EINVAL, FILE_MAP(fd, SYM(FD_A))),
	ROW("behind its end", -EINVAL, FILE_MAP(start, 4 * PAGE)),
	ROW("across its end", -EINVAL, FILE_MAP(start, 3 * PAGE),
	    FILE_MAP(length, 2 * PAGE)),
	ROW("where something is", -EEXIST, FILE_MAP(iova, IOVA)),
	ROW("of MSIs", -EINVAL, FILE_MAP(iova, MSI_FIRST)),
	ROW("beyond the tables", -EINVAL, FILE_MAP(iova, TOP)),
};

#define COPY(field, val) SET(iommu_ioas_copy, field, val)
static const struct bad_row copy_rows[] = {
	ROW("neither read nor write", -EINVAL, COPY(flags, FIXED)),
	ROW("flags before the rest", -EOPNOTSUPP, COPY(flags, 8),
	    COPY(length, U64_MAX)),
	ROW("no length", -EINVAL, COPY(length, 0)),
	ROW("all lengths", -EOVERFLOW, COPY(length, U64_MAX)),
	ROW("the last address", -EOVERFLOW, COPY(dst_iova, U64_MAX)),
	ROW("from the last address", -EOVERFLOW, COPY(src_iova, U64_MAX)),
	ROW("from across the end", -EOVERFLOW, COPY(src_iova, U64_MAX - 1)),
	ROW("the source first", -ENOENT, COPY(src_ioas_id, SYM(ID_GONE)),
	    COPY(length, 0)),
	ROW("then its range", -EINVAL, COPY(dst_ioas_id, SYM(ID_GONE)),
	    COPY(length, 0)),
	ROW("nothing there", -ENOENT, COPY(src_iova, 0)),
	ROW("in front of it", -ENOENT, COPY(src_iova, IOVA - PAGE),
	    COPY(length, 2 * PAGE)),
	ROW("behind it", -ENOENT, COPY(src_iova, IOVA + 3 * PAGE),
	    COPY(length, 2 * PAGE)),
	ROW("to where something is", -EEXIST, COPY(dst_iova, IOVA)),
	ROW("not to a page", -EINVAL, COPY(dst_iova, 0x20000800)),
	ROW("part of a page", -EINVAL, COPY(length, 0x800)),
	ROW("from within a page", -EINVAL, COPY(src_iova, IOVA + 0x800)),
	ROW("to the MSIs", -EINVAL, COPY(dst_iova, MSI_FIRST)),
	ROW("beyond the tables", -EINVAL, COPY(dst_iova, TOP)),
	ROW("across the end", -EOVERFLOW, COPY(dst_iova, U64_MAX - PAGE + 1),
	    COPY(length, 2 * PAGE)),
};

#define UNMAP(field, val) SET(iommu_ioas_unmap, field, val)
#define UNMAP_ROW(text, rc, at, len) \
	ROW(text, rc, UNMAP(iova, at), UNMAP(length, len))
static const struct bad_row unmap_rows[] = {
	UNMAP_ROW("no length", -EINVAL, IOVA, 0),
	UNMAP_ROW("all lengths", -EOVERFLOW, IOVA, U64_MAX),
	UNMAP_ROW("the last address", -EOVERFLOW, U64_MAX, PAGE),
	UNMAP_ROW("across the end", -EOVERFLOW, U64_MAX - PAGE + 1, 2 * PAGE),
	UNMAP_ROW("nothing there", -ENOENT, 0, PAGE),
	UNMAP_ROW("behind it", -ENOENT, IOVA + 4 * PAGE, PAGE),
	UNMAP_ROW("its first page", -ENOENT, IOVA, PAGE),
	UNMAP_ROW("its last page", -ENOENT, IOVA + PAGE, PAGE),
	UNMAP_ROW("a byte less", -ENOENT, IOVA, 2 * PAGE - 1),
	UNMAP_ROW("from its middle to the next", -ENOENT, IOVA + PAGE,
		  3 * PAGE),
	ROW("the id first", -ENOENT, UNMAP(ioas_id, SYM(ID_GONE)),
	    UNMAP(length, 0)),
	/* Not bad, but seldom. */
	{ "one, and half of the next",
	  -ENOENT,
	  { UNMAP(iova, IOVA), UNMAP(length, 3 * PAGE) },
	  .done = true },
	{ "everything", 0, { UNMAP(iova, 0), UNMAP(length, U64_MAX) } },
	{ "around both", 0, { UNMAP(iova, 0), UNMAP(length, TOP) } },
};

/* -------------------------------------------------------------- options -- */

#define OPTION(field, val) SET(iommu_option, field, val)
static const struct bad_row option_rows[] = {
	ROW("no such option", -EOPNOTSUPP, OPTION(option_id, 2)),
	ROW("no such option", -EOPNOTSUPP, OPTION(option_id, UINT32_MAX)),
	ROW("no such operation", -EOPNOTSUPP, OPTION(op, 2)),
	ROW("no such operation", -EOPNOTSUPP, OPTION(op, 0xffff)),
	ROW("the id before the operation", -ENOENT, OPTION(op, 2),
	    OPTION(object_id, SYM(ID_GONE))),
	ROW("value", -EINVAL, OPTION(val64, 2)),
	ROW("value", -EINVAL, OPTION(val64, U64_MAX)),
	ROW("value", -EINVAL, OPTION(val64, UINT64_C(1) << 32)),
	ROW("with page tables and areas", -EINVAL,
	    OPTION(object_id, SYM(ID_IOAS))),
	ROW("of the context, with objects", -EBUSY,
	    OPTION(option_id, IOMMU_OPTION_RLIMIT_MODE), OPTION(object_id, 0)),
	ROW("of the context, of an object", -EOPNOTSUPP,
	    OPTION(option_id, IOMMU_OPTION_RLIMIT_MODE)),
	ROW("of the context, no such operation", -EOPNOTSUPP,
	    OPTION(option_id, IOMMU_OPTION_RLIMIT_MODE), OPTION(object_id, 0),
	    OPTION(op, 2)),
};

#define COMPAT(field, val) SET(iommu_vfio_ioas, field, val)
static const struct bad_row vfio_ioas_rows[] = {
	ROW("no such operation", -EOPNOTSUPP, COMPAT(op, 3)),
	ROW("no such operation", -EOPNOTSUPP, COMPAT(op, 0xffff)),
	ROW("none set", -ENODEV, COMPAT(op, IOMMU_VFIO_IOAS_GET)),
	/* Good without one. */
	ROW("none to clear", 0, COMPAT(op, IOMMU_VFIO_IOAS_CLEAR),
	    COMPAT(ioas_id, UINT32_MAX)),
};

/* ---------------------------------------------------------------- table -- */

const struct bad_call bad_ioas[] = {
	{
		CALL(IOMMU_DESTROY, iommu_destroy, id),
		.fd = FD_A,
		.set = { SET(iommu_destroy, id, SYM(ID_VICTIM)) },
		.undo = undo_destroy,
		.id = { { AT(iommu_destroy, id),
			  IS_ANY & ~(IS(ID_GONE) | IS(ID_FOREIGN)), -ENOENT,
			  0 } },
		ROWS(destroy_rows),
	},
	{
		CALL(IOMMU_IOAS_ALLOC, iommu_ioas_alloc, out_ioas_id),
		.fd = FD_A,
		.writes = true,
		.undo = undo_ioas_alloc,
		.bits = { RESERVED(iommu_ioas_alloc, flags) },
	},
	{
		CALL(IOMMU_IOAS_ALLOW_IOVAS, iommu_ioas_allow_iovas,
		     allowed_iovas),
		.fd = FD_A,
		.set = { SET(iommu_ioas_allow_iovas, ioas_id, SYM(ID_IOAS)),
			 NR_RANGES(1), RANGES(one_range) },
		.undo = undo_allow,
		.id = { { AT(iommu_ioas_allow_iovas, ioas_id), IS_IOAS, -ENOENT,
			  -ENOENT } },
		.bits = { RESERVED(iommu_ioas_allow_iovas, __reserved) },
		ROWS(allow_rows),
	},
	{
		CALL(IOMMU_IOAS_IOVA_RANGES, iommu_ioas_iova_ranges,
		     out_iova_alignment),
		.fd = FD_A,
		.set = { IOVAS(ioas_id, SYM(ID_IOAS)), IOVAS(num_iovas, 4),
			 IOVAS(allowed_iovas, SYM(P_BUF)) },
		.writes = true,
		.id = { { AT(iommu_ioas_iova_ranges, ioas_id), IS_IOAS, -ENOENT,
			  -ENOENT } },
		.bits = { RESERVED(iommu_ioas_iova_ranges, __reserved) },
		ROWS(iova_ranges_rows),
	},
	{
		CALL(IOMMU_IOAS_MAP, iommu_ioas_map, iova),
		.fd = FD_A,
		.set = { MAP(ioas_id, SYM(ID_IOAS)), MAP(flags, FIXED | RW),
			 MAP(user_va, SYM(P_MEM)), MAP(length, PAGE),
			 MAP(iova, 0x20000000) },
		.writes = true,
		.undo = undo_map,
		.id = { { AT(iommu_ioas_map, ioas_id), IS_IOAS, -ENOENT,
			  -ENOENT } },
		.bits = { { AT(iommu_ioas_map, flags), FIXED | RW, -EOPNOTSUPP },
			  RESERVED(iommu_ioas_map, __reserved) },
		ROWS(map_rows),
	},
	{
		CALL(IOMMU_IOAS_MAP_FILE, iommu_ioas_map_file, iova),
		.fd = FD_A,
		.set = { FILE_MAP(ioas_id, SYM(ID_IOAS)),
			 FILE_MAP(flags, FIXED | RW),
			 FILE_MAP(fd, SYM(FD_MEMFD)), FILE_MAP(length, PAGE),
			 FILE_MAP(iova, 0x20000000) },
		.writes = true,
		.undo = undo_map_file,
		.id = { { AT(iommu_ioas_map_file, ioas_id), IS_IOAS, -ENOENT,
			  -ENOENT } },
		.bits = { { AT(iommu_ioas_map_file, flags), FIXED | RW,
			    -EOPNOTSUPP } },
		ROWS(map_file_rows),
	},
	{
		CALL(IOMMU_IOAS_COPY, iommu_ioas_copy, src_iova),
		.fd = FD_A,
		.set = { COPY(flags, FIXED | READABLE),
			 COPY(dst_ioas_id, SYM(ID_IOAS)),
			 COPY(src_ioas_id, SYM(ID_OTHER)), COPY(length, PAGE),
			 COPY(dst_iova, 0x20000000), COPY(src_iova, IOVA) },
		.writes = true,
		.undo = undo_copy,
		.id = { { AT(iommu_ioas_copy, dst_ioas_id), IS_IOAS, -ENOENT,
			  -ENOENT },
			{ AT(iommu_ioas_copy, src_ioas_id), IS_IOAS, -ENOENT,
			  -ENOENT } },
		.bits = { { AT(iommu_ioas_copy, flags), FIXED | RW,
			    -EOPNOTSUPP } },
		ROWS(copy_rows),
	},
	{
		CALL(IOMMU_IOAS_UNMAP, iommu_ioas_unmap, length),
		.fd = FD_A,
		.set = { UNMAP(ioas_id, SYM(ID_OTHER)), UNMAP(iova, IOVA),
			 UNMAP(length, 2 * PAGE) },
		.writes = true,
		.keeps = true,
		.undo = undo_unmap,
		.id = { { AT(iommu_ioas_unmap, ioas_id), IS_IOAS, -ENOENT,
			  -ENOENT } },
		ROWS(unmap_rows),
	},
	{
		CALL(IOMMU_OPTION, iommu_option, val64),
		.fd = FD_A,
		.set = { OPTION(option_id, IOMMU_OPTION_HUGE_PAGES),
			 OPTION(object_id, SYM(ID_OTHER)) },
		.writes = true,
		.keeps = true,
		.undo = undo_option,
		.id = { { AT(iommu_option, object_id), IS_IOAS, -ENOENT,
			  -ENOENT } },
		.bits = { RESERVED(iommu_option, __reserved) },
		ROWS(option_rows),
	},
	{
		CALL(IOMMU_VFIO_IOAS, iommu_vfio_ioas, __reserved),
		.fd = FD_A,
		.set = { COMPAT(ioas_id, SYM(ID_EMPTY)),
			 COMPAT(op, IOMMU_VFIO_IOAS_SET) },
		.undo = undo_vfio_ioas,
		.id = { { AT(iommu_vfio_ioas, ioas_id), IS_IOAS, -ENOENT,
			  -ENOENT } },
		.bits = { RESERVED(iommu_vfio_ioas, __reserved) },
		ROWS(vfio_ioas_rows),
	},
	{
		/* There is memory that is no file's. */
		CALL(IOMMU_IOAS_CHANGE_PROCESS, iommu_ioas_change_process,
		     __reserved),
		.fd = FD_A,
		.good = -EINVAL,
		.bits = { RESERVED(iommu_ioas_change_process, __reserved) },
	},
	{
		/* As a kernel without no-IOMMU mode. */
		CALL(IOMMU_IOAS_NOIOMMU_GET_PA, iommu_ioas_noiommu_get_pa,
		     out_phys),
		.fd = FD_A,
		.set = { SET(iommu_ioas_noiommu_get_pa, ioas_id, SYM(ID_IOAS)),
			 SET(iommu_ioas_noiommu_get_pa, length, PAGE) },
		.good = -EOPNOTSUPP,
		.id = { { AT(iommu_ioas_noiommu_get_pa, ioas_id), IS_IOAS,
			  -EOPNOTSUPP, -EOPNOTSUPP } },
	},
};
const unsigned int bad_nr_ioas = sizeof(bad_ioas) / sizeof(bad_ioas[0]);
