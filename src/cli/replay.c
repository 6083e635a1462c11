/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One case on a fresh model: memory, registers, then step by step.
 *
 * The harness reads the event queue after every step that can cause a record,
 * as the software of the recording did, and consumes what it has read, unless
 * the case says that nobody does.
 */
#include "replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "hw/smmuv3/event.h"
#include "hw/smmuv3/queue.h"
#include "hw/smmuv3/regs.h"
#include "replay_json.h"
#include "replay_ram.h"

#define MAX_DMA 64u

struct replay {
	struct replay_ram ram;
	struct uiommu_smmuv3_profile profile;
	struct uiommu_smmuv3_model *model;
	struct replay_error error;
};

/* What the recordings were made with, if their header does not say. */
static const struct uiommu_smmuv3_profile default_profile = {
	.name = "recording",
	.idr = { 0x0d44101b, 0x02730010, 0, 0x1414, 0, 0x74 },
	.aidr = 1,
	.tlb_entries = 1024,
	.config_entries = 256,
};

int replay_create(struct replay **out)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	int rc;

	if (!replay)
		return -ENOMEM;
	rc = replay_ram_init(&replay->ram);
	if (rc) {
		free(replay);
		return rc;
	}
	replay->profile = default_profile;
	*out = replay;
	return 0;
}

void replay_destroy(struct replay *replay)
{
	replay_ram_fini(&replay->ram);
	free(replay);
}

int replay_set_id_regs(struct replay *replay, const json_t *id_regs, char *err,
		       size_t err_len)
{
	struct replay_error error = { err, err_len };
	static const char *const names[] = { "IDR0", "IDR1", "IDR2",
					     "IDR3", "IDR4", "IDR5" };
	uint64_t value;
	int rc;

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		rc = replay_get(id_regs, names[i], UINT32_MAX, &value, &error);
		if (rc)
			return rc;
		replay->profile.idr[i] = (uint32_t)value;
	}
	rc = replay_get(id_regs, "IIDR", UINT32_MAX, &value, &error);
	if (rc)
		return rc;
	replay->profile.iidr = (uint32_t)value;
	rc = replay_get(id_regs, "AIDR", UINT32_MAX, &value, &error);
	if (rc)
		return rc;
	replay->profile.aidr = (uint32_t)value;
	return 0;
}

static uint64_t reg_read(struct replay *replay, uint32_t offset)
{
	return uiommu_smmuv3_model_read(replay->model, offset, 4);
}

static uint64_t reg_read64(struct replay *replay, uint32_t offset)
{
	return uiommu_smmuv3_model_read(replay->model, offset, 8);
}

static void reg_write(struct replay *replay, uint32_t offset, uint64_t value)
{
	uiommu_smmuv3_model_write(replay->model, offset, 4, value);
}

/* -------------------------------------------------------------- events -- */

static bool is_fetch_event(unsigned int type)
{
	return type == SMMU_EVT_F_STE_FETCH || type == SMMU_EVT_F_CD_FETCH;
}

static bool has_input_address(unsigned int type)
{
	return type == SMMU_EVT_F_WALK_EABT ||
	       (type >= SMMU_EVT_F_TRANSLATION &&
		type <= SMMU_EVT_F_PERMISSION);
}

static void set_flag(json_t *event, const char *key, uint64_t value)
{
	json_object_set_new(event, key, json_integer((json_int_t)value));
}

static json_t *event_json(const uint64_t w[SMMU_EVT_QWORDS])
{
	unsigned int type = (unsigned int)FIELD_GET(SMMU_EVT_0_TYPE, w[0]);
	const char *name = smmu_event_name(type);
	json_t *event = json_object();

	set_flag(event, "type", type);
	json_object_set_new(event, "name", json_string(name ? name : "?"));
	set_flag(event, "sid", FIELD_GET(SMMU_EVT_0_SID, w[0]));
	set_flag(event, "ssv", FIELD_GET(SMMU_EVT_0_SSV, w[0]));
	set_flag(event, "ssid", FIELD_GET(SMMU_EVT_0_SSID, w[0]));
	json_object_set_new(event, "raw", replay_hex(w, 8 * SMMU_EVT_QWORDS));
	if (has_input_address(type)) {
		set_flag(event, "stag", FIELD_GET(SMMU_EVT_1_STAG, w[1]));
		set_flag(event, "stall", FIELD_GET(SMMU_EVT_1_STALL, w[1]));
		set_flag(event, "pnu", FIELD_GET(SMMU_EVT_1_PNU, w[1]));
		set_flag(event, "ind", FIELD_GET(SMMU_EVT_1_IND, w[1]));
		set_flag(event, "rnw", FIELD_GET(SMMU_EVT_1_RNW, w[1]));
		set_flag(event, "s2", FIELD_GET(SMMU_EVT_1_S2, w[1]));
		set_flag(event, "cls", FIELD_GET(SMMU_EVT_1_CLASS, w[1]));
		json_object_set_new(event, "addr", replay_address(w[2]));
		json_object_set_new(event, "addr2", replay_address(w[3]));
	} else if (is_fetch_event(type)) {
		json_object_set_new(event, "addr", replay_address(w[3]));
	}
	return event;
}

/* The records between CONS and PROD; consumed when `consume`. */
static json_t *read_events(struct replay *replay, bool consume)
{
	uint64_t base = reg_read64(replay, SMMU_REG_EVENTQ_BASE);
	unsigned int lg2 = (unsigned int)FIELD_GET(SMMU_Q_BASE_LOG2SIZE, base);
	uint64_t addr = base & SMMU_Q_BASE_ADDR;
	uint32_t prod = (uint32_t)reg_read(replay, SMMU_REG_EVENTQ_PROD);
	uint32_t cons = (uint32_t)reg_read(replay, SMMU_REG_EVENTQ_CONS);
	unsigned int max = (unsigned int)FIELD_GET(SMMU_IDR1_EVENTQS,
						   replay->profile.idr[1]);
	json_t *events = json_array();
	uint32_t ptr;

	if (lg2 > max)
		lg2 = max;
	for (ptr = smmu_q_ptr(cons, lg2); !smmu_q_empty(prod, ptr, lg2);
	     ptr = smmu_q_add(ptr, 1, lg2)) {
		uint64_t at = align_down_lg2(addr, lg2 + SMMU_EVT_SIZE_LG2) +
			      smmu_q_offset(ptr, lg2, SMMU_EVT_SIZE_LG2);
		const uint64_t *w = replay_ram_at(&replay->ram, at, 32);

		if (!w)
			break;
		json_array_append_new(events, event_json(w));
	}
	if (consume && !smmu_q_empty(prod, cons, lg2))
		reg_write(replay, SMMU_REG_EVENTQ_CONS, prod);
	return events;
}

/* --------------------------------------------------------------- steps -- */

static int dma_request(struct replay *replay, const json_t *step,
		       struct uiommu_smmuv3_dma *dma, uint8_t *buf)
{
	struct replay_error *error = &replay->error;
	const char *rw = json_string_value(json_object_get(step, "rw"));
	uint64_t sid, ssid, iova, len;
	size_t n;
	int rc;

	rc = replay_get(step, "sid", UINT32_MAX, &sid, error);
	if (!rc)
		rc = replay_get(step, "iova", UINT64_MAX, &iova, error);
	if (!rc)
		rc = replay_get(step, "len", MAX_DMA, &len, error);
	if (rc)
		return rc;
	if (!rw || (strcmp(rw, "r") && strcmp(rw, "w")) || !len)
		return replay_fail(error, "\"rw\" is neither \"r\" nor \"w\", "
					  "or \"len\" is 0");
	*dma = (struct uiommu_smmuv3_dma){
		.txn = { .sid = (uint32_t)sid, .iova = iova },
		.buf = buf,
		.len = len,
	};
	if (json_object_get(step, "ssid")) {
		rc = replay_get(step, "ssid", 0xfffff, &ssid, error);
		if (rc)
			return rc;
		dma->txn.ssid = (uint32_t)ssid;
		dma->txn.flags |= UIOMMU_TXN_SSV;
	}
	if (*rw == 'r')
		return 0;
	dma->txn.flags |= UIOMMU_TXN_WRITE;
	rc = replay_bytes(json_object_get(step, "data"), buf, MAX_DMA, &n,
			  error);
	if (!rc && n != len)
		rc = replay_fail(error, "\"data\" has %zu bytes, not \"len\"",
				 n);
	return rc;
}

static int step_dma(struct replay *replay, const json_t *step, json_t *result)
{
	struct uiommu_smmuv3_dma dma;
	uint8_t buf[MAX_DMA] = { 0 };
	uint64_t pa;
	bool ok;
	int rc;

	rc = dma_request(replay, step, &dma, buf);
	if (rc)
		return rc;
	replay->ram.client_write = UIOMMU_PA_INVALID;
	ok = uiommu_smmuv3_model_dma(replay->model, &dma) == 0;
	json_object_set_new(result, "ok", json_boolean(ok));
	if (!ok)
		return 0;
	if (dma.txn.flags & UIOMMU_TXN_WRITE) {
		json_object_set_new(result, "pa",
				    replay_address(replay->ram.client_write));
		return 0;
	}
	json_object_set_new(result, "data", replay_hex(buf, dma.len));
	if (replay_fill_address(buf, dma.len, dma.txn.iova, &pa))
		json_object_set_new(result, "pa", replay_address(pa));
	return 0;
}

/* Write the commands from CMDQ_PROD onwards, then CMDQ_PROD once. */
static int step_cmd(struct replay *replay, const json_t *step, json_t *result)
{
	const json_t *cmds = json_object_get(step, "cmds"), *cmd;
	uint64_t base = reg_read64(replay, SMMU_REG_CMDQ_BASE);
	unsigned int lg2 = (unsigned int)FIELD_GET(SMMU_Q_BASE_LOG2SIZE, base);
	uint64_t addr = align_down_lg2(base & SMMU_Q_BASE_ADDR,
				       lg2 + SMMU_CMD_SIZE_LG2);
	uint32_t ptr = (uint32_t)reg_read(replay, SMMU_REG_CMDQ_PROD);
	uint32_t cons;
	size_t i;

	json_array_foreach((json_t *)(uintptr_t)cmds, i, cmd) {
		uint64_t at = addr + smmu_q_offset(ptr, lg2, SMMU_CMD_SIZE_LG2);
		uint64_t w[2];
		/* A queue outside RAM is a case of its own: nothing lands. */
		void *slot = replay_ram_at(&replay->ram, at, sizeof(w));

		if (!replay_number(json_array_get(cmd, 0), &w[0]) ||
		    !replay_number(json_array_get(cmd, 1), &w[1]))
			return replay_fail(&replay->error,
					   "command %zu is not two numbers", i);
		if (slot)
			memcpy(slot, w, sizeof(w));
		ptr = smmu_q_add(ptr, 1, lg2);
	}
	reg_write(replay, SMMU_REG_CMDQ_PROD, ptr);
	cons = (uint32_t)reg_read(replay, SMMU_REG_CMDQ_CONS);
	json_object_set_new(result, "cons",
			    replay_address(cons & SMMU_CMDQ_CONS_RD));
	set_flag(result, "err", FIELD_GET(SMMU_CMDQ_CONS_ERR, cons));
	json_object_set_new(result, "consumed",
			    json_boolean(smmu_q_empty(ptr, cons, lg2)));
	json_object_set_new(result, "gerror",
			    replay_address(reg_read(replay, SMMU_REG_GERROR)));
	json_object_set_new(result, "gerrorn",
			    replay_address(reg_read(replay, SMMU_REG_GERRORN)));
	return 0;
}

static int put_register(struct replay *replay, const json_t *write)
{
	uint64_t offset, size = 4, value;
	int rc;

	rc = replay_get(write, "off", UIOMMU_SMMUV3_MMIO_SIZE - 1, &offset,
			&replay->error);
	if (!rc && json_object_get(write, "size"))
		rc = replay_get(write, "size", 8, &size, &replay->error);
	if (!rc)
		rc = replay_get(write, "val", UINT64_MAX, &value,
				&replay->error);
	if (rc)
		return rc;
	if (size != 4 && size != 8)
		return replay_fail(&replay->error, "\"size\" is not 4 or 8");
	uiommu_smmuv3_model_write(replay->model, (uint32_t)offset,
				  (unsigned int)size, value);
	return 0;
}

static int step_rd(struct replay *replay, const json_t *step, json_t *result)
{
	uint64_t offset;
	int rc = replay_get(step, "off", UIOMMU_SMMUV3_MMIO_SIZE - 1, &offset,
			    &replay->error);

	if (!rc)
		json_object_set_new(
			result, "val",
			replay_address(reg_read(replay, (uint32_t)offset)));
	return rc;
}

static int run_step(struct replay *replay, const json_t *step, bool drain,
		    json_t *result)
{
	const char *op = json_string_value(json_object_get(step, "op"));
	json_t *events;
	int rc;

	if (!op)
		return replay_fail(&replay->error, "key \"op\" is missing");
	if (!strcmp(op, "dma"))
		rc = step_dma(replay, step, result);
	else if (!strcmp(op, "cmd"))
		rc = step_cmd(replay, step, result);
	else if (!strcmp(op, "wr"))
		rc = put_register(replay, step);
	else if (!strcmp(op, "mem"))
		return replay_put_segments(&replay->ram,
					   json_object_get(step, "segs"),
					   &replay->error);
	else if (!strcmp(op, "rd"))
		return step_rd(replay, step, result);
	else
		return replay_fail(&replay->error,
				   "\"op\": \"%s\" is none of "
				   "dma, cmd, mem, wr, rd",
				   op);
	if (rc || !drain)
		return rc;
	events = read_events(replay, true);
	if (json_array_size(events))
		json_object_set_new(result, "events", events);
	else
		json_decref(events);
	return 0;
}

/* ---------------------------------------------------------------- case -- */

static json_t *final_state(struct replay *replay, bool drain)
{
	static const struct {
		const char *name;
		uint32_t offset;
	} regs[] = {
		{ "CR0ACK", SMMU_REG_CR0ACK },
		{ "GERROR", SMMU_REG_GERROR },
		{ "GERRORN", SMMU_REG_GERRORN },
		{ "CMDQ_PROD", SMMU_REG_CMDQ_PROD },
		{ "CMDQ_CONS", SMMU_REG_CMDQ_CONS },
		{ "EVENTQ_PROD", SMMU_REG_EVENTQ_PROD },
		{ "EVENTQ_CONS", SMMU_REG_EVENTQ_CONS },
	};
	json_t *state = json_object();

	for (unsigned int i = 0; i < ARRAY_SIZE(regs); i++)
		json_object_set_new(
			state, regs[i].name,
			replay_address(reg_read(replay, regs[i].offset)));
	if (!drain)
		json_object_set_new(state, "events",
				    read_events(replay, false));
	return state;
}

static int run_steps(struct replay *replay, const json_t *test_case,
		     json_t *results, bool drain)
{
	const json_t *regs = json_object_get(test_case, "regs"), *write;
	const json_t *steps = json_object_get(test_case, "steps"), *step;
	size_t i;
	int rc;

	rc = replay_put_segments(&replay->ram,
				 json_object_get(test_case, "mem"),
				 &replay->error);
	if (rc)
		return rc;
	json_array_foreach((json_t *)(uintptr_t)regs, i, write) {
		rc = put_register(replay, write);
		if (rc)
			return rc;
	}
	if (!json_is_array(steps))
		return replay_fail(&replay->error, "\"steps\" is no array");
	json_array_foreach((json_t *)(uintptr_t)steps, i, step) {
		json_t *result = json_object();

		json_array_append_new(results, result);
		rc = run_step(replay, step, drain, result);
		if (rc)
			return rc;
	}
	return 0;
}

json_t *replay_run(struct replay *replay, const json_t *test_case, char *err,
		   size_t err_len)
{
	const json_t *drained = json_object_get(test_case, "drain_events");
	bool drain = !json_is_false(drained);
	struct uiommu_model_host host;
	json_t *outcome = NULL, *results;
	int rc;

	replay->error = (struct replay_error){ err, err_len };
	replay_ram_clear(&replay->ram);
	replay_ram_host(&replay->ram, &host);
	rc = uiommu_smmuv3_model_create(&replay->profile, &host,
					&replay->model);
	if (rc) {
		replay_fail(&replay->error,
			    "the model has no SMMU with these "
			    "ID registers (%s)",
			    strerror(-rc));
		return NULL;
	}
	results = json_array();
	rc = run_steps(replay, test_case, results, drain);
	if (!rc) {
		outcome = json_object();
		json_object_set_new(outcome, "oracle", json_string("uiommu"));
		json_object_set(outcome, "steps", results);
		json_object_set_new(outcome, "final",
				    final_state(replay, drain));
	}
	json_decref(results);
	uiommu_smmuv3_model_destroy(replay->model);
	return outcome;
}
