/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * In builds with mutants: which one of the driver is active.  Linked into every
 * program that has the driver, since it cannot ask the environment itself.
 */
#include <stdlib.h>
#include <string.h>

int uiommu_driver_mutant(const char *name);
int uiommu_driver_mutant(const char *name)
{
	const char *wanted = getenv("UIOMMU_MUTANT");

	return wanted && !strcmp(wanted, name);
}
