/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mock.h - what the files of tests/linux share: the call by which Linux's tests
 * make mock devices and look behind the ABI, in our own words.
 *
 * The numbers and layouts are facts of the kernel's test interface, which is no
 * public one: it goes with the version that the tests are from (7.3).
 */
#ifndef TESTS_LINUX_MOCK_H
#define TESTS_LINUX_MOCK_H

#include <uiommu/env.h>
#include <uiommu/machine.h>
#include <uiommu/mock.h>

#include "abi/iommufd/private.h"

/* ------------------------------------------------------------ the call -- */

#define TEST_CMD _IO(IOMMUFD_TYPE, IOMMUFD_CMD_BASE + 32)

enum test_op {
	TEST_ADD_RESERVED = 1,
	TEST_MOCK_DOMAIN = 2,
	TEST_CHECK_MAP = 3,
	TEST_CHECK_REFS = 4,
	TEST_CREATE_ACCESS = 5,
	TEST_DESTROY_ACCESS_PAGES = 6,
	TEST_ACCESS_PAGES = 7,
	TEST_ACCESS_RW = 8,
	TEST_MEMORY_LIMIT = 9,
	TEST_MOCK_DOMAIN_REPLACE = 10,
	TEST_ACCESS_REPLACE_IOAS = 11,
	TEST_MOCK_DOMAIN_FLAGS = 12,
	TEST_DIRTY = 13,
	TEST_CHECK_IOTLB = 14,
	TEST_TRIGGER_IOPF = 15,
	TEST_CHECK_DEV_CACHE = 16,
	TEST_TRIGGER_VEVENT = 17,
	TEST_PASID_ATTACH = 18,
	TEST_PASID_REPLACE = 19,
	TEST_PASID_DETACH = 20,
	TEST_PASID_CHECK_HWPT = 21,
	TEST_DMABUF_GET = 22,
	TEST_DMABUF_REVOKE = 23,
	TEST_OPS,
};

#define TEST_DEVICE_NO_DIRTY (1u << 0)
#define TEST_DEVICE_PASID (1u << 2)

/* The PASID whose second attachment in a row fails. */
#define TEST_FLAKY_PASID 1024

struct test_cmd {
	uint32_t size;
	uint32_t op;
	uint32_t id;
	uint32_t reserved;
	union {
		struct {
			uint64_t start;
			uint64_t length;
		} add_reserved;
		struct {
			uint32_t out_stdev_id;
			uint32_t out_hwpt_id;
			uint32_t out_idev_id;
			uint32_t dev_flags;
		} mock_domain;
		struct {
			uint32_t pt_id;
		} replace;
		struct {
			uint64_t iova;
			uint64_t length;
			uint64_t uptr;
		} check_map;
		struct {
			uint64_t length;
			uint64_t uptr;
			uint32_t refs;
		} check_refs;
		struct {
			uint32_t out_access_fd;
			uint32_t flags;
		} create_access;
		struct {
			uint32_t access_pages_id;
		} destroy_access_pages;
		struct {
			uint32_t flags;
			uint32_t out_access_pages_id;
			uint64_t iova;
			uint64_t length;
			uint64_t uptr;
		} access_pages;
		struct {
			uint64_t iova;
			uint64_t length;
			uint64_t uptr;
			uint32_t flags;
		} access_rw;
		struct {
			uint32_t ioas_id;
		} access_replace;
		struct {
			uint32_t limit;
		} memory_limit;
		struct {
			uint32_t flags;
			uint64_t iova;
			uint64_t length;
			uint64_t page_size;
			uint64_t uptr;
			uint64_t out_nr_dirty;
		} dirty;
		struct {
			uint32_t id;
			uint32_t iotlb;
		} check_iotlb;
		struct {
			uint32_t dev_id;
		} vevent;
		struct {
			uint32_t dev_id;
			uint32_t pasid;
			uint32_t grpid;
			uint32_t perm;
			uint64_t addr;
		} iopf;
		struct {
			uint32_t id;
			uint32_t cache;
		} dev_cache;
		struct {
			uint32_t pasid;
			uint32_t pt_id; /* or the HWPT to compare with */
		} pasid;
		struct {
			uint32_t length;
			uint32_t open_flags;
		} dmabuf_get;
		struct {
			int32_t fd;
			uint32_t revoked;
		} dmabuf_revoke;
	};
	uint32_t last;
};

_Static_assert(sizeof(struct test_cmd) == 72, "as the kernel's");

/* ------------------------------------------------------------ the world -- */

/* What one machine has of it. */
struct test_world {
	/* Protects all below; taken inside nothing and around the core. */
	pthread_mutex_t lock;
	/* Of the core: one that keeps dirty state, one that does not. */
	struct uiommu_unit *unit[2];
	uint32_t next_id;    /* of a device */
	struct list devices; /* test_device.node */
};

/* A mock device: an object of its context, and the driver of another. */
struct test_device {
	struct ufd_object obj; /* first */
	struct list node;
	struct uiommu_device *dev;
	struct ufd_device *idev;
	uint32_t id; /* for the unit */
	char name[24];
};

static inline struct test_world *test_world_of(const struct ufd_call *call)
{
	return call->abi->host.extra->ctx;
}

/* The kernel's files for fault injection: failnth.c. */
bool test_is_fail_nth(const char *path);
int test_fail_nth_open(struct uiommu_abi *abi, const char *path, int flags,
		       struct abi_file **out);
extern const struct uiommu_node test_debugfs[];
extern const unsigned int test_nr_debugfs;

/* The extra calls of a machine with mock devices; `world` lives with it. */
void test_extra_init(struct uiommu_abi_extra *extra, struct test_world *world);

#define TEST_PAGE UINT64_C(4096)

/* The physical address of a byte of the program's.  Errors of pinning it. */
int test_pa_of(struct uiommu_abi *abi, uint64_t uva, uiommu_pa_t *pa);

/* What shared memory stands where in this process, as it was when it was read. */
struct test_frames {
	struct test_frame_map *map;
	unsigned int nr;
};

/* -ENOENT, -ENOMEM; to be freed after an error too. */
int test_frames_read(struct test_frames *frames);
void test_frames_free(struct test_frames *frames);
/* Is it the same byte? */
bool test_frames_same(const struct test_frames *frames, uint64_t a, uint64_t b);
/* How often the page is pinned, at whatever address. */
unsigned int test_frames_pins(const struct test_frames *frames,
			      struct uiommu_machine *machine, uint64_t va);

int test_dmabuf_get(struct ufd_call *call);
int test_dmabuf_revoke(struct ufd_call *call);
int test_create_access(struct ufd_call *call);
int test_destroy_access_pages(struct ufd_call *call);
int test_access_pages(struct ufd_call *call);
int test_access_rw(struct ufd_call *call);
int test_access_replace_ioas(struct ufd_call *call);
int test_dirty(struct ufd_call *call);
int test_pasid_attach(struct ufd_call *call);
int test_pasid_replace(struct ufd_call *call);
int test_pasid_detach(struct ufd_call *call);
int test_pasid_check_hwpt(struct ufd_call *call);
int test_add_reserved(struct ufd_call *call);
int test_check_map(struct ufd_call *call);
int test_check_refs(struct ufd_call *call);
int test_memory_limit(struct ufd_call *call);
int test_mock_domain(struct ufd_call *call);
int test_mock_domain_replace(struct ufd_call *call);
int test_check_dev_cache(struct ufd_call *call);
int test_check_iotlb(struct ufd_call *call);
int test_trigger_vevent(struct ufd_call *call);
int test_trigger_iopf(struct ufd_call *call);

#endif /* TESTS_LINUX_MOCK_H */
