/* SPDX-License-Identifier: BSD-2-Clause */
/* A walk as one object of JSON, for programs. */
#include <errno.h>

#include <jansson.h>

#include "base/bits.h"
#include "records.h"
#include "walk.h"

static json_t *hex(uint64_t value)
{
	return json_sprintf("0x%llx", (unsigned long long)value);
}

static void put(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static json_t *access_json(const struct walk *walk)
{
	const struct uiommu_smmuv3_txn *txn = &walk->txn;
	json_t *access = json_object();

	put(access, "sid", hex(txn->sid));
	put(access, "ssid",
	    txn->flags & UIOMMU_TXN_SSV ? hex(txn->ssid) : json_null());
	put(access, "iova", hex(txn->iova));
	put(access, "write", json_boolean(txn->flags & UIOMMU_TXN_WRITE));
	put(access, "privileged", json_boolean(txn->flags & UIOMMU_TXN_PRIV));
	put(access, "instruction", json_boolean(txn->flags & UIOMMU_TXN_INSTR));
	put(access, "atomic", json_boolean(txn->flags & UIOMMU_TXN_ATOMIC));
	if (walk->len)
		put(access, "len", json_integer((json_int_t)walk->len));
	return access;
}

static json_t *registers_json(const struct walk *walk)
{
	json_t *regs = json_object();

	for (unsigned int i = 0; i < walk_nr_regs; i++)
		put(regs, walk_regs[i].name,
		    hex(walk_reg(walk, walk_regs[i].offset)));
	return regs;
}

static json_t *field_json(const char *means, uint64_t value)
{
	json_t *field = json_object();

	put(field, "value", hex(value));
	put(field, "meaning", means ? json_string(means) : json_null());
	return field;
}

static json_t *fields_json(const struct walk *walk,
			   const struct uiommu_smmuv3_step *step)
{
	const struct field_table *table = walk_fields(step);
	uint32_t when = walk_when(walk, step);
	json_t *fields = json_object();

	for (size_t i = 0; i < table->n; i++) {
		const struct field *field = &table->fields[i];
		uint64_t value = field_value(field, step->words);
		char text[96];

		if (field_matters(field, step->words, when))
			put(fields, field->name,
			    field_json(walk_meaning(walk, field, value, text,
						    sizeof(text)),
				       value));
	}
	return fields;
}

static void put_geometry(json_t *json, const struct uiommu_smmuv3_step *step)
{
	static const char *const classes[] = { "cd", "tt", "in" };
	bool stage2 = step->kind == UIOMMU_SMMUV3_STEP_STAGE2 ||
		      step->kind == UIOMMU_SMMUV3_STEP_S2_DESC;

	put(json, "stage", json_integer(stage2 ? 2 : 1));
	put(json, "for",
	    json_string(stage2 ? classes[step->walk_class] : "in"));
	put(json, "write", json_boolean(step->to_write));
	put(json, "level", json_integer(step->level));
	put(json, "granule", json_integer((json_int_t)1 << step->granule_lg2));
	put(json, "in_bits", json_integer(step->in_bits));
	put(json, "out_bits", json_integer(step->out_bits));
	if (!stage2)
		put(json, "ttb", json_integer(step->half));
}

static json_t *step_json(const struct walk *walk,
			 const struct uiommu_smmuv3_step *step)
{
	json_t *json = json_object(), *words = json_array();

	put(json, "kind", json_string(walk_kind(step, false)));
	put(json, "input", hex(step->input));
	put(json, "pa", hex(step->pa));
	put(json, "aborted", json_boolean(step->aborted));
	for (unsigned int i = 0; i < step->nr_words; i++)
		json_array_append_new(words, hex(step->words[i]));
	put(json, "words", words);
	if (step->kind >= UIOMMU_SMMUV3_STEP_STAGE1)
		put_geometry(json, step);
	if (!step->nr_words)
		return json;
	if (step->kind >= UIOMMU_SMMUV3_STEP_S1_DESC) {
		enum uiommu_smmuv3_desc desc = step->desc;

		put(json, "type", json_string(walk_desc_name(desc)));
		if (desc >= UIOMMU_SMMUV3_DESC_TABLE)
			put(json, "output", hex(step->output));
		put(json, "size",
		    hex(step->size_lg2 < 64 ? UINT64_C(1) << step->size_lg2
					    : 0));
	}
	put(json, "fields", fields_json(walk, step));
	return json;
}

static json_t *answer_json(const struct uiommu_smmuv3_xlate *x)
{
	json_t *json = json_object();
	char memory[160];

	put(json, "ok", json_true());
	put(json, "pa", hex(x->pa));
	put(json, "readable", json_boolean(x->readable));
	put(json, "writable", json_boolean(x->writable));
	put(json, "executable", json_boolean(x->executable));
	put(json, "mair", hex(x->attrs.mair));
	put(json, "memory",
	    json_string(mair_words(x->attrs.mair, memory, sizeof(memory))));
	put(json, "shareability", json_string(sh_words(x->attrs.sh)));
	put(json, "privileged", json_boolean(x->attrs.priv));
	put(json, "instruction", json_boolean(x->attrs.instr));
	put(json, "size_lg2", json_integer(x->size_lg2));
	return json;
}

static json_t *event_json(const struct walk *walk)
{
	const struct uiommu_smmuv3_fault_info *fault = &walk->why.fault;
	unsigned int type = fault->event_type;
	const uint64_t *w = walk->why.event;
	json_t *json = json_object(), *words = json_array();
	json_t *fields = json_object();

	put(json, "type", json_integer(type));
	put(json, "name", json_string(event_name(type)));
	put(json, "recorded", json_boolean(fault->recorded));
	put(json, "lost",
	    walk_lost(walk) ? json_string(walk_lost(walk)) : json_null());
	for (unsigned int i = 0; i < 4; i++)
		json_array_append_new(words, hex(w[i]));
	put(json, "words", words);
	for (size_t i = 0; fault->recorded && i < fields_event.n; i++) {
		const struct field *field = &fields_event.fields[i];
		uint64_t value = field_value(field, w);
		char text[96];

		if (field_matters(field, w, event_when(w)))
			put(fields, field->name,
			    field_json(field_meaning(field, value, text,
						     sizeof(text)),
				       value));
	}
	put(json, "fields", fields);
	return json;
}

static json_t *end_json(const struct walk *walk)
{
	const struct uiommu_smmuv3_fault_info *fault = &walk->why.fault;
	json_t *json = json_object();
	char reason[300];

	walk_reason(walk, reason, sizeof(reason));
	put(json, "ok", json_false());
	put(json, "end",
	    json_string(walk->answer == -EINPROGRESS ? "stall"
			: walk->answer == -ENODATA   ? "raz-wi"
						     : "abort"));
	put(json, "event", fault->event_type ? event_json(walk) : json_null());
	put(json, "stage", json_integer(fault->stage));
	put(json, "level",
	    fault->level == -128 ? json_null() : json_integer(fault->level));
	put(json, "desc_pa",
	    fault->desc_pa == UIOMMU_PA_INVALID ? json_null()
						: hex(fault->desc_pa));
	put(json, "reason", json_string(reason));
	return json;
}

int walk_print_json(const struct walk *walk, FILE *out)
{
	json_t *json = json_object(), *steps = json_array();
	int rc;

	put(json, "file", walk->file ? json_string(walk->file) : json_null());
	put(json, "case",
	    walk->case_id ? json_string(walk->case_id) : json_null());
	put(json, "step",
	    walk->case_id ? json_integer(walk->case_step) : json_null());
	put(json, "access", access_json(walk));
	put(json, "registers", registers_json(walk));
	for (unsigned int i = 0; i < walk->nr_steps; i++)
		json_array_append_new(steps, step_json(walk, &walk->steps[i]));
	put(json, "steps", steps);
	put(json, "result",
	    walk->answer ? end_json(walk) : answer_json(&walk->why.xlate));
	rc = json_dumpf(json, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(json);
	return rc ? -EIO : 0;
}
