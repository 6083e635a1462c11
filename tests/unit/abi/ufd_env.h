/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ufd_env.h - what the tests of iommufd stand on: the real core over a small
 * IOMMU driver, a host whose descriptors are numbers of its own, and user
 * memory that is this process's.
 *
 * Devices 0 and 1 share a group, 2 has its own, 3 is behind another unit; 4 and
 * 5 cannot be used: their units do not snoop caches, do not isolate interrupts.
 * Those of the first unit have page faults; the other one of the usable has stage
 * 2 and dirty tracking.
 */
#ifndef TESTS_UFD_ENV_H
#define TESTS_UFD_ENV_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>

#include <uiommu/abi.h>
#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>

#include "abi/private.h"
#include "test_platform.h"

#define PAGE UINT64_C(4096)
#define ENV_FDS 64
#define ENV_DEVICES 6
#define ENV_UNITS 4
/* Memory that may be pinned; in front of it and behind it none may. */
#define ENV_MEM_PAGES 64

/* A unit without hardware: page tables of ours, no walker. */
struct small_unit {
	struct uiommu_unit unit; /* first */
	struct uiommu_unit_caps caps;
	int attach_rc; /* what attaching to a paging domain returns */
	/* The nth attach to one from now on fails with nth_rc; 0: none. */
	unsigned int attach_nth;
	int nth_rc;
	int pasid_rc; /* and a domain to a PASID */
	/* Of an address: how often a PASID got a domain that maps it, and not. */
	uint64_t probe;
	unsigned int mapped, unmapped;
	bool takes_all; /* domains of other units too */
	unsigned int flushes;
	int flush_rc;
	int dirty_rc;		   /* what reading dirty state returns */
	unsigned int dirty_reads;  /* atomic */
	struct uiommu_hwdom *used; /* the paging domain attached last; atomic */
	bool page_faults;	   /* of devices added from now on */

	/* Protects the rest: devices by id, and answers to page faults. */
	pthread_mutex_t lock;
	struct {
		uint32_t id;
		void *cookie;
	} known[ENV_DEVICES];
	unsigned int nr_known;
	unsigned int answers;		    /* since ever */
	struct uiommu_page_response answer; /* the last */
};

struct ufd_env {
	struct test_platform tp;
	struct uiommu_core *core;
	struct uiommu_abi *abi;
	struct uiommu_abi_host host;
	struct uiommu_mm mm;
	struct small_unit *unit[ENV_UNITS];
	struct uiommu_device *dev[ENV_DEVICES];
	uint8_t *mem;

	pthread_mutex_t lock; /* descriptors */
	bool fd_used[ENV_FDS];
	bool readable[ENV_FDS]; /* by number of a descriptor with an event */
	unsigned int woken[ENV_FDS]; /* times that it was set */
	int events;		     /* live */
	int64_t pinned;		     /* pages; atomic */
	unsigned int leaves;	     /* atomic */
	/* What it held at the last leave; NULL: nothing is watched. */
	const unsigned int *watch;
	unsigned int watched;
	bool fast_copies; /* every address is good: no check */
	bool no_caps;	  /* the client has no capabilities */
	int fd_limit;	  /* descriptors from here on are refused */
};

void ufd_env_init(struct ufd_env *env);
/* Checks that nothing is left: pins, descriptors, memory. */
void ufd_env_fini(struct ufd_env *env);
/* cmocka fixture. */
int ufd_env_setup(void **state);
int ufd_env_teardown(void **state);

/* Open /dev/iommu; the descriptor. */
int env_open(struct ufd_env *env);
/* Close, and give the number back. */
int env_close(struct ufd_env *env, int fd);
long env_ioctl(struct ufd_env *env, int fd, unsigned long cmd, void *arg);

/* Calls that must succeed. */
uint32_t env_ioas(struct ufd_env *env, int fd);
void env_map(struct ufd_env *env, int fd, uint32_t ioas, const void *mem,
	     uint64_t len, uint64_t iova);
uint64_t env_map_anywhere(struct ufd_env *env, int fd, uint32_t ioas,
			  const void *mem, uint64_t len);
struct ufd_device *env_bind(struct ufd_env *env, int fd, unsigned int dev,
			    uint32_t *id);
/* The others: 0 or the error. */
int env_destroy(struct ufd_env *env, int fd, uint32_t id);
int env_unmap(struct ufd_env *env, int fd, uint32_t ioas, uint64_t iova,
	      uint64_t len);
int env_hwpt(struct ufd_env *env, int fd, uint32_t dev, uint32_t pt,
	     uint32_t *id);
/* With flags: IOMMU_HWPT_ALLOC_*. */
int env_hwpt_of(struct ufd_env *env, int fd, uint32_t dev, uint32_t pt,
		uint32_t flags, uint32_t *id);

/* A fault queue; its id.  *queue: its descriptor. */
uint32_t env_queue(struct ufd_env *env, int fd, int *queue);
/* A page table with this fault queue: 0 or the error. */
int env_fault_hwpt(struct ufd_env *env, int fd, uint32_t dev, uint32_t pt,
		   uint32_t queue, uint32_t *id);
/* Device `dev` asks for a page: UIOMMU_PAGE_*. */
void env_ask(struct ufd_env *env, unsigned int dev, uint32_t pasid,
	     uint32_t token, uint64_t iova, uint32_t flags);

/* What a DMA of device `dev` to `iova` would reach; NULL: nothing. */
void *env_dma(struct ufd_env *env, unsigned int dev, uint64_t iova);
/* The same with a PASID. */
void *env_dma_pasid(struct ufd_env *env, unsigned int dev, uint32_t pasid,
		    uint64_t iova);

/* An address that no access survives, `n` bytes behind a good one. */
void *env_edge(struct ufd_env *env, size_t n);

#endif /* TESTS_UFD_ENV_H */
