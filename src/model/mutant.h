/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mutant.h - behaviours that a test build can drop one at a time.
 *
 * MUTANT("name") is false in every ordinary build.  With -DUIOMMU_MUTANTS it is
 * true for the one name that the environment variable UIOMMU_MUTANT holds, so
 * that scripts/mutate can ask of each whether a test notices.
 */
#ifndef MODEL_MUTANT_H
#define MODEL_MUTANT_H

#ifdef UIOMMU_MUTANTS
#include <stdlib.h>
#include <string.h>

/* Names stand in a section of their own, where scripts/mutate finds them. */
#define MUTANT(name)                                                      \
	(__extension__({                                                  \
		static const char mutant_[]                               \
			__attribute__((section("model_mutants"), used)) = \
				name;                                     \
		model_is_mutant(mutant_);                                 \
	}))

/* For tables of behaviours: a name put there, and asked by its text. */
#define MUTANT_NAME(var, name)  \
	static const char var[] \
		__attribute__((section("model_mutants"), used)) = name
#define MUTANT_IS(text) model_is_mutant(text)

static inline int model_is_mutant(const char *name)
{
	const char *wanted = getenv("UIOMMU_MUTANT");

	return wanted && !strcmp(wanted, name);
}
#else
#define MUTANT(name) 0
#define MUTANT_NAME(var, name) _Static_assert(sizeof(name) > 1, "a name")
#define MUTANT_IS(text) 0
#endif

#endif /* MODEL_MUTANT_H */
