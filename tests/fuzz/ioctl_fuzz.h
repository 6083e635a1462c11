/* SPDX-License-Identifier: BSD-2-Clause */
/* ioctl_fuzz.h - what the parts of the fuzzer of system calls share. */
#ifndef TESTS_FUZZ_IOCTL_FUZZ_H
#define TESTS_FUZZ_IOCTL_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uiommu/machine.h>
#include <uiommu/uapi/iommufd.h>
#include <uiommu/uapi/vfio.h>

#include "fuzz.h"

#define PAGE 4096u
#define ARENA_SIZE 0x10000u
#define NR_FDS 16u
#define NR_MAPS 4u
#define NR_DEVICES 3u
#define NR_OBJECTS 64u
#define STRUCT_MAX 96u

/* What a context gave an id to, so that calls mostly name what there is. */
enum kind {
	KIND_IOAS,
	KIND_HWPT,
	KIND_FAULT,
	KIND_DEVICE,
	KIND_VIOMMU,
	KIND_VDEVICE,
	KIND_QUEUE,
	NR_KINDS,
};

struct object {
	enum kind kind;
	int fd; /* of the context when it was made */
	uint32_t id;
};

struct fuzz {
	struct uiommu_machine *machine;
	struct uiommu_abi *abi;
	uint8_t *arena;
	char *idle;	/* the core when nothing is open */
	int fd[NR_FDS]; /* real ones; -1: none */
	struct uiommu_map *map[NR_MAPS];
	struct uiommu_ufd_device *lib[NR_DEVICES]; /* bound by the library */
	struct object object[NR_OBJECTS];	   /* the latest */
	unsigned int nr_objects;		   /* made so far */
	struct fuzz_input in;
	bool trace;
};

static inline void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "ioctl fuzz: %s\n", what);
	abort();
}

static inline uint64_t arena_at(struct fuzz *f, uint16_t off)
{
	return (uintptr_t)f->arena + off;
}

static inline int *pick_fd(struct fuzz *f)
{
	return &f->fd[fuzz_u8(&f->in) % NR_FDS];
}

/* ioctl_fuzz.c: open a node in a slot, which is emptied first. */
void open_fd(struct fuzz *f, int *fd, const char *path);
void close_fd(struct fuzz *f, int *fd);
/* A descriptor that a call gave; closed again if there is no slot. */
void take_fd(struct fuzz *f, long fd);
/* Call, tell about it, keep the descriptor it may answer with. */
long call(struct fuzz *f, int fd, unsigned long cmd, uint64_t arg);

/* ioctl_fuzz_calls.c: a call that is good, or nearly; `which` is below STEPS_GOOD. */
#define STEPS_GOOD 0x60u
void step_good(struct fuzz *f, unsigned int which);
/* ioctl_fuzz_device.c */
void step_device(struct fuzz *f, unsigned int which);
void library_unbind(struct fuzz *f);
uint32_t pick_object(struct fuzz *f, int fd, enum kind kind);
void add_object(struct fuzz *f, int fd, enum kind kind, uint32_t id);
/* IOVAs are few, so that calls meet. */
uint64_t pick_iova(struct fuzz *f);
uint32_t pick_pasid(struct fuzz *f);

#endif /* TESTS_FUZZ_IOCTL_FUZZ_H */
