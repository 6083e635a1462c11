/* SPDX-License-Identifier: BSD-2-Clause */
/* records.h - commands and event records by name (IHI 0070 chapters 4, 7.3). */
#ifndef CLI_RECORDS_H
#define CLI_RECORDS_H

#include "fields.h"

/* To be shown with what the functions below say of opcode and event number. */
extern const struct field_table fields_cmd, fields_event;

uint32_t cmd_when(const uint64_t words[2]);
uint32_t event_when(const uint64_t words[4]);
/* "TLBI_NH_VA", "F_TRANSLATION"; "?" if there is no such thing. */
const char *cmd_name(const uint64_t words[2]);
const char *event_name(unsigned int type);

/* One line of "NAME=value" for all fields that matter, meanings in brackets. */
void record_line(const struct field_table *table, const uint64_t *words,
		 uint32_t when, char *buf, size_t len);

#endif /* CLI_RECORDS_H */
