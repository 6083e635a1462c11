/* SPDX-License-Identifier: BSD-2-Clause */
/* file.h - the descriptor table, for the entry points in abi.c. */
#ifndef ABI_FILE_H
#define ABI_FILE_H

#include "private.h"

struct abi_desc;

/* Sets abi->fds.  -ENOMEM. */
int abi_fdtable_create(struct uiommu_abi *abi);
/* Close every descriptor; nobody opens or duplicates at the same time. */
void abi_fdtable_close_all(struct uiommu_abi *abi);
/* Nobody is inside a call. */
void abi_fdtable_destroy(struct uiommu_abi *abi);

/*
 * The description behind a descriptor, counted; NULL: not ours.  Keeps the
 * file for the time of a call, whatever is closed meanwhile.
 */
struct abi_desc *abi_desc_get(struct uiommu_abi *abi, int fd);
void abi_desc_put(struct uiommu_abi *abi, struct abi_desc *desc);
struct abi_file *abi_desc_file(const struct abi_desc *desc);

/* -EBADF: `from` is not ours; -EMFILE, -ENOMEM.  `to` is closed first. */
int abi_fd_dup(struct uiommu_abi *abi, int from, int to);
/* Each open file, counted for the time of the call. */
void abi_fdtable_visit(struct uiommu_abi *abi,
		       void (*fn)(void *arg, struct abi_file *file), void *arg);
/* -EBADF. */
int abi_fd_close(struct uiommu_abi *abi, int fd);

#endif /* ABI_FILE_H */
