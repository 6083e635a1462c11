/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * abi_bad.h - every call with every kind of bad input, on a whole machine.
 *
 * A call is described by one good structure; what its fields are (an id, bits,
 * reserved) makes most of the bad ones by itself, and rows tell the rest: what
 * differs from the good one, and the kernel's answer.  After each bad call the
 * machine, its ids and the pinned memory are what they were before it.
 */
#ifndef TESTS_FLOW_ABI_BAD_H
#define TESTS_FLOW_ABI_BAD_H

#include <errno.h>
#include <stddef.h>

#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>

#include "client.h"

#define PAGE UINT64_C(4096)
#define U64_MAX UINT64_MAX

/* --------------------------------------------------------------- world -- */

/*
 * Values that are known when the world stands.  Ids are those of the context
 * behind FD_A, where device 0 is attached to ID_IOAS; ID_FOREIGN is one of the
 * context behind FD_B only.
 */
enum bad_sym {
	ID_IOAS,
	ID_OTHER,  /* an IOAS with mappings and no page table */
	ID_EMPTY,  /* an IOAS */
	ID_HWPT,   /* of ID_IOAS, not attached */
	ID_DIRTY,  /* one with dirty tracking */
	ID_PASID,  /* one for PASIDs */
	ID_PARENT, /* one that others may be nested in */
	ID_VIOMMU, /* over ID_PARENT */
	ID_VDEV,   /* of ID_LOOSE in ID_VIOMMU, which calls it VIRT_ID */
	ID_EVENTS, /* a queue of it */
	ID_LOOSE,  /* the device of FD_LOOSE */
	ID_AUTO,   /* the page table that device 0 is attached to */
	ID_FAULT,
	ID_DEV,
	ID_VICTIM, /* an IOAS that nothing needs */
	ID_GONE,   /* was one */
	ID_FOREIGN,
	NR_IDS,

	FD_A = NR_IDS,
	FD_B,
	FD_COMPAT,  /* a context with an IOAS for VFIO's calls */
	FD_CDEV,    /* device 0, bound to A */
	FD_LOOSE,   /* device 5, as 0, but attached to nothing */
	FD_UNBOUND, /* device 3 */
	FD_GROUP,   /* of device 1, in FD_T1 */
	FD_GDEV,    /* device 1 by it */
	FD_T1,	    /* container, type1 v2 */
	FD_GROUP1,  /* of device 2, in FD_T1V1 */
	FD_T1V1,    /* container, type1 v1 */
	FD_GROUP6,  /* of device 6, in FD_T6 */
	FD_T6,	    /* container of type 6; a guest's table at IOVA is bound */
	FD_FREE,    /* a group in no container: device 4 */
	FD_EMPTY,   /* a container without groups */
	FD_QUEUE,   /* of ID_FAULT */
	FD_EVENTS,  /* of ID_EVENTS */
	FD_EVENT,   /* an eventfd, none of ours */
	FD_NULL,    /* /dev/null */
	FD_MEMFD,   /* of 4 pages */
	FD_CLOSED,

	P_NONE,	 /* memory that is not there */
	P_HALF,	 /* 16 bytes in front of it */
	P_MEM,	 /* 16 pages that can be mapped; mapped at IOVA */
	P_SPLIT, /* one page before memory that is not there */
	P_RO,	 /* a page that can only be read */
	P_BUF,	 /* a page to write to */
	P_PATH,	 /* name of device 1 */
	NR_SYMS,
};
#define SYM_TAG UINT64_C(0x5afe5afe00000000)
#define SYM(name) (SYM_TAG | (name))

/* ID_IOAS has P_MEM at IOVA, 4 pages; ID_OTHER two areas of 2 pages, adjacent. */
#define IOVA UINT64_C(0x10000000)

/* Where software MSIs are: no mapping may be there once a device is attached. */
#define MSI_FIRST UINT64_C(0x08000000)
#define TOP (UINT64_C(1) << 48) /* what the page tables cover */

#define FIXED IOMMU_IOAS_MAP_FIXED_IOVA
#define READABLE IOMMU_IOAS_MAP_READABLE
#define RW (IOMMU_IOAS_MAP_WRITEABLE | IOMMU_IOAS_MAP_READABLE)

struct bad_world {
	struct uiommu_machine *machine;
	struct uiommu_abi *abi;
	uint64_t sym[NR_SYMS];
	uint8_t *map;	  /* all memory of the world */
	uint64_t edge;	  /* the first address behind a writable page */
	uint64_t ro_edge; /* the same of a page that can only be read */
};

/* A value or what a symbol stands for. */
uint64_t bad_resolve(const struct bad_world *w, uint64_t val);
void bad_open(struct bad_world *w);
void bad_close(struct bad_world *w);
long bad_ioctl(struct bad_world *w, enum bad_sym fd, unsigned long cmd,
	       const void *arg);

/* Destroy an object of FD_A. */
void bad_destroy(struct bad_world *w, uint32_t id);
/*
 * What is bound in FD_T6 from the start: a table, and a doorbell, whose page is 8 KiB
 * from IOVA + 4 * PAGE on.
 */
void bad_bind_guest(struct bad_world *w);
void bad_bind_msi(struct bad_world *w);

/* All that a failed call leaves alone, as text; to be freed. */
char *bad_state(struct bad_world *w);
void bad_expect_state(struct bad_world *w, const char *what, const char *was);

/* --------------------------------------------------------------- tables -- */

struct bad_field {
	uint16_t off, len;
};

struct bad_set {
	struct bad_field at;
	uint64_t val; /* or SYM() */
};

#define AT(type, field)                                   \
	{                                                 \
		offsetof(struct type, field),             \
			sizeof(((struct type *)0)->field) \
	}
#define SET(type, field, val)                    \
	{                                        \
		AT(type, field), (uint64_t)(val) \
	}

/* A field that names objects: what is missing or of another type. */
struct bad_id {
	struct bad_field at;
	unsigned int good; /* bits of ids that are no mistake */
	int missing, wrong;
};
#define IS(id) (1u << (id))
#define IS_ANY (~0u)
#define VIRT_ID 3
#define IS_DEV (IS(ID_DEV) | IS(ID_LOOSE))
#define IS_HWPT                                                      \
	(IS(ID_PARENT) | IS(ID_HWPT) | IS(ID_DIRTY) | IS(ID_PASID) | \
	 IS(ID_AUTO))
#define IS_IOAS (IS(ID_IOAS) | IS(ID_OTHER) | IS(ID_EMPTY) | IS(ID_VICTIM))

/* A field of which only these bits may be set. */
struct bad_bits {
	struct bad_field at;
	uint64_t good;
	int rc;
};

#define RESERVED(type, field)                   \
	{                                       \
		AT(type, field), 0, -EOPNOTSUPP \
	}

#define BAD_SETS 6
struct bad_row {
	const char *what;
	long rc;
	struct bad_set set[BAD_SETS];
	/* The good answer takes its place: it did something, which is undone. */
	bool done;
};

enum bad_kind {
	BAD_SIZE,  /* structures of iommufd: the first word is the size */
	BAD_ARGSZ, /* of VFIO: what is beyond is not looked at */
	BAD_GROWS, /* of VFIO: what is beyond must be zero */
	BAD_PLAIN, /* no size */
	BAD_VALUE, /* the argument is a number */
};

struct bad_call {
	const char *name;
	enum bad_sym fd;
	unsigned long cmd;
	enum bad_kind kind;
	uint16_t size, min;
	struct bad_set set[10]; /* the good structure; ends with a length 0 */
	long good;		/* its answer */
	long good_min;		/* the same cut to `min` */
	/* Takes back what it did; the structure as it came back, else what the
	 * call returned (a long). */
	void (*undo)(struct bad_world *w, const void *answer);
	bool writes; /* an answer, or some of it, which read-only memory refuses */
	bool keeps; /* what was done when the answer cannot be written */
	bool chain; /* what is beyond is answer, as far as there is room */
	struct bad_id id[4];
	struct bad_bits bits[5];
	const struct bad_row *rows;
	unsigned int nr_rows;
};

#define ROWS(table) \
	.rows = (table), .nr_rows = sizeof(table) / sizeof((table)[0])
#define CALL(nr, type, last)                                 \
	.name = #nr, .cmd = nr, .size = sizeof(struct type), \
	.min = offsetof(struct type, last) + sizeof(((struct type *)0)->last)

/* Of a BAD_VALUE. */
struct bad_arg {
	uint64_t arg;
};
#define ARG(val) SET(bad_arg, arg, val)

#define ROW(text, rc, ...)          \
	{                           \
		text, rc,           \
		{                   \
			__VA_ARGS__ \
		}                   \
	}

/* All bad input of a call; fails the test. */
void bad_call(struct bad_world *w, const struct bad_call *call);

/* Numbers that are no calls; reads, writes and mappings. */
void bad_numbers(struct bad_world *w);
void bad_files(struct bad_world *w);

extern const struct bad_call bad_ioas[], bad_hwpt[], bad_viommu[],
	bad_devices[], bad_containers[], bad_nesting[];
extern const unsigned int bad_nr_ioas, bad_nr_hwpt, bad_nr_viommu,
	bad_nr_devices, bad_nr_containers, bad_nr_nesting;

#endif /* TESTS_FLOW_ABI_BAD_H */
