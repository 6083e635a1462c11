/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * extend.h - what a program that is built from the launcher's sources adds to its
 * machines.  extend.c adds nothing; tests/linux has another one.
 */
#ifndef LAUNCH_EXTEND_H
#define LAUNCH_EXTEND_H

#include <uiommu/machine.h>

void launch_extend(struct uiommu_machine_cfg *cfg);
/* Is it a device of an extended machine?  Of absolute paths, stripped or not. */
bool launch_extends(const char *path);

#endif /* LAUNCH_EXTEND_H */
