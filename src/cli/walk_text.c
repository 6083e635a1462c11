/* SPDX-License-Identifier: BSD-2-Clause */
/* A walk as text for people; lines that a bug report can quote. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "records.h"
#include "walk.h"

#define ULL(x) ((unsigned long long)(x))

static void print_access(const struct walk *walk, FILE *out)
{
	const struct uiommu_smmuv3_txn *txn = &walk->txn;

	if (walk->case_id)
		fprintf(out, "case %s, step %ld: ", walk->case_id,
			walk->case_step);
	fprintf(out, "%s%s%s",
		txn->flags & UIOMMU_TXN_ATOMIC	? "atomic access"
		: txn->flags & UIOMMU_TXN_WRITE ? "write"
		: txn->flags & UIOMMU_TXN_INSTR ? "instruction fetch"
						: "read",
		txn->flags & UIOMMU_TXN_PRIV ? ", privileged," : "",
		walk->len ? " of" : "");
	if (walk->len)
		fprintf(out, " %llu byte%s", ULL(walk->len),
			walk->len == 1 ? "" : "s");
	fprintf(out, " at IOVA %#llx by StreamID %#x", ULL(txn->iova),
		txn->sid);
	if (txn->flags & UIOMMU_TXN_SSV)
		fprintf(out, ", SubstreamID %#x", txn->ssid);
	fputs("\n\nregisters\n", out);
	for (unsigned int i = 0; i < walk_nr_regs; i++) {
		uint32_t offset = walk_regs[i].offset;
		char words[96];

		walk_reg_words(walk, offset, words, sizeof(words));
		fprintf(out,
			words[0] ? "    %-16s 0x%-12llx  %s\n"
				 : "    %-16s 0x%llx%s\n",
			walk_regs[i].name, ULL(walk_reg(walk, offset)), words);
	}
	fputc('\n', out);
}

static void print_words(const struct uiommu_smmuv3_step *step, FILE *out)
{
	for (unsigned int i = 0; i < step->nr_words; i++)
		fprintf(out, "%s0x%016llx%s", i % 4 ? " " : "    ",
			ULL(step->words[i]),
			i % 4 == 3 || i + 1u == step->nr_words ? "\n" : "");
}

/* Small numbers are decimal, as the specification writes them. */
static void print_value(const struct field *field, uint64_t value,
			const char *means, FILE *out)
{
	bool small = __builtin_popcountll(field->mask) <= 6;
	char text[24];

	snprintf(text, sizeof(text), small ? "%llu" : "%#llx", ULL(value));
	if (means)
		fprintf(out, "%-12s  %s", text, means);
	else
		fputs(text, out);
}

/* Is this the field that the reason of a C_BAD_* names? */
static bool is_wrong(const struct walk *walk,
		     const struct uiommu_smmuv3_step *step, const char *name)
{
	const char *reason = walk->why.fault.reason;
	bool ste = step->kind == UIOMMU_SMMUV3_STEP_STE;
	const char *at;
	char full[32];

	if (!walk->answer || walk->why.fault.desc_pa != step->pa || !reason)
		return false;
	snprintf(full, sizeof(full), "%s.%s", ste ? "STE" : "CD", name);
	at = strstr(reason, full);
	return at && !isalnum((unsigned char)at[strlen(full)]) &&
	       at[strlen(full)] != '_';
}

static void print_fields(const struct walk *walk,
			 const struct uiommu_smmuv3_step *step, FILE *out)
{
	const struct field_table *table = walk_fields(step);
	uint32_t when = walk_when(walk, step);

	for (size_t i = 0; i < table->n; i++) {
		const struct field *field = &table->fields[i];
		uint64_t value = field_value(field, step->words);
		bool wrong = is_wrong(walk, step, field->name);
		char text[96];

		if (!wrong && !field_matters(field, step->words, when))
			continue;
		fprintf(out, "    %-13s ", field->name);
		print_value(field, value,
			    walk_meaning(walk, field, value, text,
					 sizeof(text)),
			    out);
		fputs(wrong ? "   <-- here\n" : "\n", out);
	}
}

static void print_structure(const struct walk *walk,
			    const struct uiommu_smmuv3_step *step, FILE *out)
{
	bool stream = step->kind == UIOMMU_SMMUV3_STEP_L1STD ||
		      step->kind == UIOMMU_SMMUV3_STEP_STE;

	fprintf(out, "%s of %s %#llx at %#llx", walk_kind(step, true),
		stream ? "StreamID" : "SubstreamID", ULL(step->input),
		ULL(step->pa));
	if (step->aborted) {
		fputs(": memory does not answer\n\n", out);
		return;
	}
	fputc('\n', out);
	print_words(step, out);
	print_fields(walk, step, out);
	fputc('\n', out);
}

static void print_stage(const struct uiommu_smmuv3_step *step, int indent,
			FILE *out)
{
	static const char *const whose[] = {
		[UIOMMU_SMMUV3_CLASS_CD] = "CD address ",
		[UIOMMU_SMMUV3_CLASS_TT] = "table address ",
		[UIOMMU_SMMUV3_CLASS_IN] = "",
	};
	char size[24];

	if (step->kind == UIOMMU_SMMUV3_STEP_STAGE1)
		fprintf(out, "stage 1, TTB%u, of %#llx", step->half,
			ULL(step->input));
	else
		fprintf(out, "%*sstage 2 of %sIPA %#llx%s", indent, "",
			whose[step->walk_class], ULL(step->input),
			step->to_write ? ", to set a flag there" : "");
	fprintf(out,
		": %u bits in, %u out, %s granule, from level %d at %#llx\n",
		step->in_bits, step->out_bits,
		size_words(step->granule_lg2, size, sizeof(size)), step->level,
		ULL(step->pa));
}

static void print_desc(const struct walk *walk,
		       const struct uiommu_smmuv3_step *step, int indent,
		       FILE *out)
{
	enum uiommu_smmuv3_desc desc = step->desc;
	char size[24], line[400];

	fprintf(out, "%*slevel %d  %#llx  ", indent + 4, "", step->level,
		ULL(step->pa));
	if (step->aborted) {
		fputs("memory does not answer\n", out);
		return;
	}
	fprintf(out, "0x%016llx  %s", ULL(step->words[0]),
		walk_desc_name(desc));
	if (desc == UIOMMU_SMMUV3_DESC_TABLE)
		fprintf(out, " at %#llx", ULL(step->output));
	else if (desc == UIOMMU_SMMUV3_DESC_BLOCK ||
		 desc == UIOMMU_SMMUV3_DESC_PAGE)
		fprintf(out, " of %s at %#llx",
			size_words(step->size_lg2, size, sizeof(size)),
			ULL(align_down_lg2(step->output, step->size_lg2)));
	fputc('\n', out);
	record_line(walk_fields(step), step->words, walk_when(walk, step), line,
		    sizeof(line));
	if (line[0])
		fprintf(out, "%*s%s\n", indent + 13, "", line);
}

static void print_step(const struct walk *walk,
		       const struct uiommu_smmuv3_step *step, FILE *out)
{
	/* Stage 2 on the way to a CD or a table of stage 1. */
	int indent = step->walk_class != UIOMMU_SMMUV3_CLASS_IN ? 4 : 0;

	switch (step->kind) {
	case UIOMMU_SMMUV3_STEP_STAGE1:
		print_stage(step, 0, out);
		break;
	case UIOMMU_SMMUV3_STEP_S1_DESC:
		print_desc(walk, step, 0, out);
		break;
	case UIOMMU_SMMUV3_STEP_STAGE2:
		print_stage(step, indent, out);
		break;
	case UIOMMU_SMMUV3_STEP_S2_DESC:
		print_desc(walk, step, indent, out);
		break;
	default:
		print_structure(walk, step, out);
	}
}

static void print_answer(const struct walk *walk, FILE *out)
{
	const struct uiommu_smmuv3_xlate *x = &walk->why.xlate;
	char memory[160], size[24];

	fprintf(out, "result: PA %#llx\n", ULL(x->pa));
	fprintf(out, "    rights      %s%s%s%s%s\n", x->readable ? "read" : "",
		x->writable ? " write" : "", x->executable ? " execute" : "",
		x->attrs.priv ? ", privileged" : "",
		x->attrs.instr ? ", instruction" : "");
	fprintf(out, "    memory      %s, %s\n",
		mair_words(x->attrs.mair, memory, sizeof(memory)),
		sh_words(x->attrs.sh));
	fprintf(out, "    region      %s\n",
		size_words(x->size_lg2, size, sizeof(size)));
}

static void print_record(const struct walk *walk, FILE *out)
{
	const uint64_t *w = walk->why.event;
	uint32_t when = event_when(w);

	for (size_t i = 0; i < fields_event.n; i++) {
		const struct field *field = &fields_event.fields[i];
		uint64_t value = field_value(field, w);
		const char *means;
		char text[96];

		if (!field_matters(field, w, when))
			continue;
		means = field_meaning(field, value, text, sizeof(text));
		fprintf(out, "    %-11s ", field->name);
		fprintf(out, value > 9 ? "%#llx" : "%llu", ULL(value));
		fprintf(out, "%s%s\n", means ? "  " : "", means ? means : "");
	}
	fprintf(out,
		"    record      0x%016llx 0x%016llx 0x%016llx 0x%016llx\n",
		ULL(w[0]), ULL(w[1]), ULL(w[2]), ULL(w[3]));
}

static void print_end(const struct walk *walk, FILE *out)
{
	const struct uiommu_smmuv3_fault_info *fault = &walk->why.fault;
	const char *end = walk->answer == -EINPROGRESS ? "stall"
			  : walk->answer == -ENODATA
				  ? "reads zeroes, writes nothing"
				  : "abort";
	unsigned int type = fault->event_type;
	char reason[300];

	walk_reason(walk, reason, sizeof(reason));
	fprintf(out, "result: %s", end);
	if (!type)
		fputs(", no event\n", out);
	else
		fprintf(out, ", %s (%#x)%s\n", event_name(type), type,
			fault->recorded ? "" : ", not recorded");
	fprintf(out, "    why         %s\n", reason);
	if (walk_lost(walk))
		fprintf(out, "    lost        %s\n", walk_lost(walk));
	if (fault->recorded)
		print_record(walk, out);
}

void walk_print(const struct walk *walk, FILE *out)
{
	bool tables = false;

	print_access(walk, out);
	for (unsigned int i = 0; i < walk->nr_steps; i++) {
		print_step(walk, &walk->steps[i], out);
		tables = walk->steps[i].kind >= UIOMMU_SMMUV3_STEP_STAGE1;
	}
	if (tables)
		fputc('\n', out);
	if (walk->answer)
		print_end(walk, out);
	else
		print_answer(walk, out);
}
