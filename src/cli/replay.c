/* SPDX-License-Identifier: BSD-2-Clause */
/* One case on a fresh model: memory, registers, then step by step. */
#include "replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "hw/smmuv3/regs.h"
#include "replay_private.h"

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

/* ------------------------------------------------------------- values -- */

static int set_id_regs(struct replay *replay, const json_t *id_regs)
{
	static const char *const names[] = { "IDR0", "IDR1", "IDR2", "IDR3",
					     "IDR4", "IDR5", "IDR6" };
	struct replay_error *error = &replay->error;
	uint64_t value;
	int rc = 0;

	if (!json_is_object(id_regs))
		return replay_fail(error, "", "no object");
	for (unsigned int i = 0; !rc && i < ARRAY_SIZE(names); i++) {
		value = 0;
		/* IDR6 came late and says nothing without ECMDQs. */
		rc = i < 6 ? replay_get(id_regs, names[i], 0, UINT32_MAX,
					&value, error)
			   : replay_get_opt(id_regs, names[i], 0, UINT32_MAX,
					    &value, error);
		replay->profile.idr[i] = (uint32_t)value;
	}
	if (!rc)
		rc = replay_get(id_regs, "IIDR", 0, UINT32_MAX, &value, error);
	if (rc)
		return rc;
	replay->profile.iidr = (uint32_t)value;
	rc = replay_get(id_regs, "AIDR", 0, UINT32_MAX, &value, error);
	replay->profile.aidr = (uint32_t)value;
	return rc;
}

static int take_header(struct replay *replay, const json_t *header)
{
	const json_t *regs = json_object_get(header, "id_regs");

	if (!json_is_object(header))
		replay_fail(&replay->error, "", "no object");
	else if (!regs)
		return 0;
	else if (!set_id_regs(replay, regs))
		return 0;
	else
		replay_within(&replay->error, "id_regs");
	return replay_within(&replay->error, "header");
}

int replay_take(struct replay *replay, const struct recording *rec,
		const json_t *value, const json_t **out)
{
	const json_t *header = json_object_get(value, "header");

	*out = NULL;
	if (!json_is_object(value)) {
		recording_complain(rec, rec->value_line,
				   "neither a case nor a header: no object");
		return -1;
	}
	if (header) {
		if (!take_header(replay, header))
			return 0;
		replay_complain(replay, rec, value, NULL);
		return -1;
	}
	*out = json_object_get(value, "case");
	if (!*out)
		*out = value;
	if (json_is_object(*out))
		return 1;
	recording_complain(rec, recording_line(rec, "case"), "case: no object");
	return -1;
}

int replay_complain(const struct replay *replay, const struct recording *rec,
		    const json_t *value, const json_t *test_case)
{
	const struct replay_error *error = &replay->error;
	const json_t *id = json_object_get(test_case, "id");
	char where[sizeof(error->where) + 8], name[80] = "";

	snprintf(where, sizeof(where), "%s%s",
		 test_case && test_case != value ? "case." : "", error->where);
	if (json_is_string(id))
		snprintf(name, sizeof(name),
			 "case %.60s: ", json_string_value(id));
	else if (json_is_integer(id))
		snprintf(name, sizeof(name),
			 "case %lld: ", (long long)json_integer_value(id));
	return recording_complain(rec, recording_line(rec, where), "%s%s%s%s",
				  name, error->where,
				  error->where[0] ? ": " : "", error->text);
}

/* --------------------------------------------------------------- case -- */

static void keep_log(void *ctx, const char *msg)
{
	struct replay *replay = ctx;

	snprintf(replay->log, sizeof(replay->log), "%s", msg);
}

static int make_model(struct replay *replay)
{
	struct uiommu_model_host host;
	int rc;

	replay_ram_host(&replay->ram, &host);
	host.log = keep_log;
	replay->log[0] = '\0';
	rc = uiommu_smmuv3_model_create(&replay->profile, &host,
					&replay->model);
	if (rc)
		return replay_fail(&replay->error, "",
				   "no SMMU with these ID registers: %s",
				   replay->log[0] ? replay->log
						  : strerror(-rc));
	return 0;
}

static int put_registers(struct replay *replay, const json_t *test_case)
{
	const json_t *regs;
	int rc = replay_get_list(test_case, "regs", &regs, &replay->error);

	for (size_t i = 0; !rc && i < json_array_size(regs); i++) {
		rc = replay_put_register(replay, json_array_get(regs, i));
		if (rc)
			return replay_within(&replay->error, "regs[%zu]", i);
	}
	return rc;
}

int replay_start(struct replay *replay, const json_t *test_case)
{
	struct replay_error *error = &replay->error;
	const json_t *steps;
	int rc;

	replay_ram_clear(&replay->ram);
	replay->cmdq_base = 0;
	replay->evtq_base = 0;
	replay->drain = true;
	rc = replay_get_list(test_case, "steps", &steps, error);
	if (!rc && !steps)
		rc = replay_fail(error, "steps", "the key is missing");
	if (!rc)
		rc = replay_get_bool(test_case, "drain_events", &replay->drain,
				     error);
	if (!rc)
		rc = replay_put_segments(&replay->ram, test_case, "mem", error);
	if (rc)
		return rc;
	rc = make_model(replay);
	if (rc)
		return rc;
	rc = put_registers(replay, test_case);
	if (rc)
		replay_stop(replay);
	return rc;
}

void replay_stop(struct replay *replay)
{
	uiommu_smmuv3_model_destroy(replay->model);
	replay->model = NULL;
}

static json_t *final_state(struct replay *replay)
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
		json_object_set_new(state, regs[i].name,
				    replay_address(uiommu_smmuv3_model_read(
					    replay->model, regs[i].offset, 4)));
	if (!replay->drain)
		json_object_set_new(state, "events",
				    replay_events(replay, false));
	return state;
}

json_t *replay_run(struct replay *replay, const json_t *test_case)
{
	size_t n = json_array_size(json_object_get(test_case, "steps"));
	json_t *outcome, *results;
	int rc = replay_start(replay, test_case);

	if (rc)
		return NULL;
	results = json_array();
	for (size_t i = 0; !rc && i < n; i++) {
		json_t *result = json_object();

		rc = replay_step(replay, test_case, i, result);
		json_array_append_new(results, result);
	}
	outcome = rc ? NULL
		     : json_pack("{s:s,s:O,s:o}", "oracle", "uiommu", "steps",
				 results, "final", final_state(replay));
	json_decref(results);
	replay_stop(replay);
	return outcome;
}
