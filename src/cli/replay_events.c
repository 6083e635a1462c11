/* SPDX-License-Identifier: BSD-2-Clause */
/* What the software of a recording finds in the event queue. */
#include "hw/smmuv3/event.h"

#include <string.h>

#include "base/bits.h"
#include "hw/smmuv3/queue.h"
#include "hw/smmuv3/regs.h"
#include "replay.h"

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

json_t *replay_events(struct replay *replay, bool consume)
{
	uint64_t base = replay->evtq_base;
	unsigned int lg2 = (unsigned int)FIELD_GET(SMMU_Q_BASE_LOG2SIZE, base);
	uint64_t addr = base & SMMU_Q_BASE_ADDR;
	uint32_t prod = (uint32_t)uiommu_smmuv3_model_read(
		replay->model, SMMU_REG_EVENTQ_PROD, 4);
	uint32_t cons = (uint32_t)uiommu_smmuv3_model_read(
		replay->model, SMMU_REG_EVENTQ_CONS, 4);
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
		uiommu_smmuv3_model_write(replay->model, SMMU_REG_EVENTQ_CONS,
					  4, prod);
	return events;
}
