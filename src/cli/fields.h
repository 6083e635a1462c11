/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fields.h - the words of the SMMUv3 by the names of their fields, and what the
 * values mean.
 */
#ifndef CLI_FIELDS_H
#define CLI_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When a field matters; the caller says which of them hold. */
#define FIELD_ALWAYS (1u << 0)
#define FIELD_S1 (1u << 1)    /* stage 1 translates */
#define FIELD_S2 (1u << 2)    /* stage 2 translates */
#define FIELD_SUBST (1u << 3) /* there are substreams */
#define FIELD_TYPES (1u << 4) /* attributes may be overridden */
#define FIELD_PERMS (1u << 5) /* and privileges */
#define FIELD_HYP (1u << 6)
#define FIELD_VMID (1u << 7)
#define FIELD_TTB0 (1u << 8)
#define FIELD_TTB1 (1u << 9)
#define FIELD_ATS (1u << 10)
#define FIELD_TWO (1u << 11) /* two tables and privileges: EL1, EL2-E2H */
#define FIELD_EL2 (1u << 12) /* one of each */
#define FIELD_FWB (1u << 13)
#define FIELD_NO_FWB (1u << 14)
#define FIELD_SH (1u << 15)	   /* shareability stands in leaves (no DS) */
#define FIELD_HAFT (1u << 16)	   /* tables have access flags */
#define FIELD_TABLE (1u << 17)	   /* hierarchical attributes of FIELD_TWO */
#define FIELD_TABLE_EL2 (1u << 18) /* and of FIELD_EL2 */
/* Shown only if it is not 0. */
#define FIELD_IF_SET (1u << 31)

struct field {
	const char *name;
	uint8_t word;
	uint64_t mask;
	uint32_t when;
	/* An address stands in place, with its low bits. */
	bool address;
	const char *const *names; /* by value, NULL where there is none */
	uint8_t nr_names;
	/* Or a sentence about the value, written to buf. */
	void (*say)(uint64_t value, char *buf, size_t len);
};

struct field_table {
	const struct field *fields;
	size_t n;
};

extern const struct field_table fields_l1std, fields_ste;
extern const struct field_table fields_l1cd, fields_cd;
extern const struct field_table fields_s1_table, fields_s1_leaf;
extern const struct field_table fields_s2_table, fields_s2_leaf;

uint64_t field_value(const struct field *field, const uint64_t *words);
/* What the value means, or NULL; buf is for sentences. */
const char *field_meaning(const struct field *field, uint64_t value, char *buf,
			  size_t len);
/* Does the field matter, given what holds? */
bool field_matters(const struct field *field, const uint64_t *words,
		   uint32_t when);

/* Of a MAIR byte, a shareability. */
const char *mair_words(uint8_t mair, char *buf, size_t len);
const char *sh_words(unsigned int sh);
/* "4 KiB", "2 MiB", ... of 2^lg2 bytes. */
const char *size_words(unsigned int lg2, char *buf, size_t len);

#endif /* CLI_FIELDS_H */
