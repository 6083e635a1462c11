/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutant.h - commands and stores that a test build can drop one at a time.
 *
 * DRIVER_MUTANT("name") is false in every ordinary build.  With
 * -DUIOMMU_MUTANTS the program that links the driver says for each name whether
 * it is the one to be dropped, so that the tests can be asked whether one of
 * them notices.
 */
#ifndef DRIVER_MUTANT_H
#define DRIVER_MUTANT_H

#ifdef UIOMMU_MUTANTS
/* Provided by the test program; the driver knows no environment. */
int uiommu_driver_mutant(const char *name);

/* Names stand in a section of their own, so that they can be listed. */
#define DRIVER_MUTANT(name)                                                \
	(__extension__({                                                   \
		static const char mutant_[]                                \
			__attribute__((section("driver_mutants"), used)) = \
				name;                                      \
		uiommu_driver_mutant(mutant_);                             \
	}))
#else
#define DRIVER_MUTANT(name) 0
#endif

#endif /* DRIVER_MUTANT_H */
