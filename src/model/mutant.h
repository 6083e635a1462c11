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
#define MUTANT_NAME(var, name)  \
	static const char var[] \
		__attribute__((section("model_mutants"), used)) = name

#define MUTANT(name)                                  \
	(__extension__({                              \
		MUTANT_NAME(mutant_, name);           \
		static int decision_;                 \
		model_is_mutant(mutant_, &decision_); \
	}))

/* For tables of behaviours: MUTANT_NAME() for each, and then by its text. */
#define MUTANT_IS(text) model_mutant_wanted(text)

static inline int model_mutant_wanted(const char *name)
{
	const char *wanted = getenv("UIOMMU_MUTANT");

	return wanted && !strcmp(wanted, name);
}

/*
 * The environment is asked once per place: it does not change, so whoever races
 * to decide decides the same.
 */
static inline int model_is_mutant(const char *name, int *decision)
{
	int d = __atomic_load_n(decision, __ATOMIC_RELAXED);

	if (!d) {
		d = model_mutant_wanted(name) ? 2 : 1;
		__atomic_store_n(decision, d, __ATOMIC_RELAXED);
	}
	return d == 2;
}
#else
#define MUTANT(name) 0
#define MUTANT_NAME(var, name) _Static_assert(sizeof(name) > 1, "a name")
#define MUTANT_IS(text) 0
#endif

#endif /* MODEL_MUTANT_H */
