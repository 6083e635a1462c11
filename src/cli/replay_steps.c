/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The steps of a recorded case.
 *
 * The event queue is read after every step that can cause a record, as the
 * software of the recording did, and what was read is consumed, unless the case
 * says that nobody does.
 */
#include <string.h>

#include "base/bits.h"
#include "hw/smmuv3/queue.h"
#include "hw/smmuv3/regs.h"
#include "replay_private.h"

static uint32_t reg_read(struct replay *replay, uint32_t offset)
{
	return (uint32_t)uiommu_smmuv3_model_read(replay->model, offset, 4);
}

/* ---------------------------------------------------------- registers -- */

static int get_offset(struct replay *replay, const json_t *step,
		      uint64_t *offset, uint64_t *size)
{
	struct replay_error *error = &replay->error;
	int rc = replay_get(step, "off", 0,
			    uiommu_smmuv3_model_mmio_size(replay->model) - 1,
			    offset, error);

	*size = 4;
	if (!rc)
		rc = replay_get_opt(step, "size", 0, UINT64_MAX, size, error);
	if (!rc && *size != 4 && *size != 8)
		return replay_fail(error, "size", "neither 4 nor 8");
	return rc;
}

/* Where the software believes its queues to be: as it wrote last. */
static void note_base(uint64_t *base, uint32_t reg, uint64_t offset,
		      uint64_t size, uint64_t value)
{
	if (offset == reg && size == 8)
		*base = value;
	else if (offset == reg)
		*base = (*base & ~mask_lg2(32)) | value;
	else if (offset == reg + 4 && size == 4)
		*base = (*base & mask_lg2(32)) | value << 32;
}

int replay_put_register(struct replay *replay, const json_t *write)
{
	uint64_t offset, size, value;
	int rc = get_offset(replay, write, &offset, &size);

	if (!rc)
		rc = replay_get(write, "val", 0, mask_lg2(8 * size), &value,
				&replay->error);
	if (rc)
		return rc;
	uiommu_smmuv3_model_write(replay->model, (uint32_t)offset,
				  (unsigned int)size, value);
	note_base(&replay->cmdq_base, SMMU_REG_CMDQ_BASE, offset, size, value);
	note_base(&replay->evtq_base, SMMU_REG_EVENTQ_BASE, offset, size,
		  value);
	return 0;
}

static int step_rd(struct replay *replay, const json_t *step, json_t *result)
{
	uint64_t offset, size;
	int rc = get_offset(replay, step, &offset, &size);

	if (!rc)
		json_object_set_new(result, "val",
				    replay_address(uiommu_smmuv3_model_read(
					    replay->model, (uint32_t)offset,
					    (unsigned int)size)));
	return rc;
}

/* ---------------------------------------------------------------- dma -- */

static int get_flags(const json_t *step, uint32_t *flags,
		     struct replay_error *error)
{
	static const struct {
		const char *key;
		uint32_t flag;
	} keys[] = {
		{ "priv", UIOMMU_TXN_PRIV },
		{ "instr", UIOMMU_TXN_INSTR },
		{ "atomic", UIOMMU_TXN_ATOMIC },
	};
	int rc = 0;

	for (unsigned int i = 0; !rc && i < ARRAY_SIZE(keys); i++) {
		bool set = false;

		rc = replay_get_bool(step, keys[i].key, &set, error);
		if (set)
			*flags |= keys[i].flag;
	}
	return rc;
}

static int get_data(const json_t *step, struct uiommu_smmuv3_dma *dma,
		    uint8_t *buf, struct replay_error *error)
{
	size_t n;
	int rc = replay_bytes(step, "data", buf, REPLAY_MAX_DMA, &n, error);

	if (!rc && n != dma->len)
		return replay_fail(error, "data",
				   "%zu bytes, where \"len\" says %zu", n,
				   dma->len);
	return rc;
}

int replay_dma_request(struct replay *replay, const json_t *step,
		       struct uiommu_smmuv3_dma *dma, uint8_t *buf)
{
	struct replay_error *error = &replay->error;
	const char *rw = json_string_value(json_object_get(step, "rw"));
	uint64_t sid, iova, len, ssid = UINT64_MAX;
	int rc;

	rc = replay_get(step, "sid", 0, UINT32_MAX, &sid, error);
	if (!rc)
		rc = replay_get_opt(step, "ssid", 0, 0xfffff, &ssid, error);
	if (!rc)
		rc = replay_get(step, "iova", 0, UINT64_MAX, &iova, error);
	if (!rc)
		rc = replay_get(step, "len", 1, REPLAY_MAX_DMA, &len, error);
	if (rc)
		return rc;
	if (!rw || (strcmp(rw, "r") && strcmp(rw, "w")))
		return replay_fail(error, "rw", "neither \"r\" nor \"w\"");
	*dma = (struct uiommu_smmuv3_dma){
		.txn = { .sid = (uint32_t)sid, .iova = iova },
		.buf = buf,
		.len = len,
	};
	if (ssid != UINT64_MAX) {
		dma->txn.ssid = (uint32_t)ssid;
		dma->txn.flags |= UIOMMU_TXN_SSV;
	}
	rc = get_flags(step, &dma->txn.flags, error);
	if (rc || *rw == 'r')
		return rc;
	dma->txn.flags |= UIOMMU_TXN_WRITE;
	return get_data(step, dma, buf, error);
}

static int step_dma(struct replay *replay, const json_t *step, json_t *result)
{
	struct uiommu_smmuv3_dma dma;
	uint8_t buf[REPLAY_MAX_DMA] = { 0 };
	uint64_t pa;
	bool ok;
	int rc;

	rc = replay_dma_request(replay, step, &dma, buf);
	if (rc)
		return rc;
	replay->ram.client_write = UIOMMU_PA_INVALID;
	ok = uiommu_smmuv3_model_dma(replay->model, &dma) == 0;
	json_object_set_new(result, "ok", json_boolean(ok));
	if (!ok)
		return 0;
	if (dma.txn.flags & UIOMMU_TXN_WRITE) {
		pa = replay->ram.client_write;
		if (pa != UIOMMU_PA_INVALID)
			json_object_set_new(result, "pa", replay_address(pa));
		return 0;
	}
	json_object_set_new(result, "data", replay_hex(buf, dma.len));
	if (replay_fill_address(buf, dma.len, dma.txn.iova, &pa))
		json_object_set_new(result, "pa", replay_address(pa));
	return 0;
}

/* ----------------------------------------------------------- commands -- */

static int get_command(const json_t *cmd, uint64_t w[2],
		       struct replay_error *error)
{
	if (json_array_size(cmd) != 2)
		return replay_fail(error, "", "no list of two words");
	for (unsigned int i = 0; i < 2; i++) {
		if (replay_number(json_array_get(cmd, i), &w[i]))
			continue;
		replay_fail(error, "", "no number of 64 bits");
		return replay_within(error, "[%u]", i);
	}
	return 0;
}

static void command_result(struct replay *replay, uint32_t prod,
			   unsigned int lg2, json_t *result)
{
	uint32_t cons = reg_read(replay, SMMU_REG_CMDQ_CONS);

	json_object_set_new(result, "cons",
			    replay_address(cons & SMMU_CMDQ_CONS_RD));
	json_object_set_new(result, "err",
			    json_integer(FIELD_GET(SMMU_CMDQ_CONS_ERR, cons)));
	json_object_set_new(result, "consumed",
			    json_boolean(smmu_q_empty(prod, cons, lg2)));
	json_object_set_new(result, "gerror",
			    replay_address(reg_read(replay, SMMU_REG_GERROR)));
	json_object_set_new(result, "gerrorn",
			    replay_address(reg_read(replay, SMMU_REG_GERRORN)));
}

/* Write the commands from CMDQ_PROD onwards, then CMDQ_PROD once. */
static int step_cmd(struct replay *replay, const json_t *step, json_t *result)
{
	uint64_t base = replay->cmdq_base;
	unsigned int lg2 = (unsigned int)FIELD_GET(SMMU_Q_BASE_LOG2SIZE, base);
	unsigned int max = (unsigned int)FIELD_GET(SMMU_IDR1_CMDQS,
						   replay->profile.idr[1]);
	uint32_t ptr = reg_read(replay, SMMU_REG_CMDQ_PROD);
	const json_t *cmds;
	int rc = replay_get_list(step, "cmds", &cmds, &replay->error);

	if (!rc && !cmds)
		rc = replay_fail(&replay->error, "cmds", "the key is missing");
	if (rc)
		return rc;
	if (lg2 > max)
		lg2 = max;
	base = align_down_lg2(base & SMMU_Q_BASE_ADDR,
			      (unsigned int)max_u64(lg2 + SMMU_CMD_SIZE_LG2,
						    5));
	for (size_t i = 0; i < json_array_size(cmds); i++) {
		uint64_t at = base + smmu_q_offset(ptr, lg2, SMMU_CMD_SIZE_LG2);
		uint64_t w[2];
		/* A queue outside RAM is a case of its own: nothing lands. */
		void *slot = replay_ram_at(&replay->ram, at, sizeof(w));

		if (get_command(json_array_get(cmds, i), w, &replay->error))
			return replay_within(&replay->error, "cmds[%zu]", i);
		if (slot)
			memcpy(slot, w, sizeof(w));
		ptr = smmu_q_add(ptr, 1, lg2);
	}
	uiommu_smmuv3_model_write(replay->model, SMMU_REG_CMDQ_PROD, 4, ptr);
	command_result(replay, ptr, lg2, result);
	return 0;
}

/* ---------------------------------------------------------------- all -- */

static int run_step(struct replay *replay, const json_t *step, json_t *result)
{
	const char *op = json_string_value(json_object_get(step, "op"));
	json_t *events;
	int rc;

	if (op && !strcmp(op, "mem"))
		return replay_put_segments(&replay->ram, step, "segs",
					   &replay->error);
	if (op && !strcmp(op, "rd"))
		return step_rd(replay, step, result);
	if (op && !strcmp(op, "dma"))
		rc = step_dma(replay, step, result);
	else if (op && !strcmp(op, "cmd"))
		rc = step_cmd(replay, step, result);
	else if (op && !strcmp(op, "wr"))
		rc = replay_put_register(replay, step);
	else
		return replay_fail(&replay->error, "op",
				   "none of dma, cmd, mem, wr, rd");
	if (rc || !replay->drain)
		return rc;
	events = replay_events(replay, true);
	if (json_array_size(events))
		json_object_set_new(result, "events", events);
	else
		json_decref(events);
	return 0;
}

int replay_step(struct replay *replay, const json_t *test_case, size_t i,
		json_t *result)
{
	const json_t *steps = json_object_get(test_case, "steps");

	if (run_step(replay, json_array_get(steps, i), result))
		return replay_within(&replay->error, "steps[%zu]", i);
	return 0;
}
