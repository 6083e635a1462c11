/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * story.c - how one access of each device found memory, or did not, told table by
 * table for uiommu_machine_report().
 *
 * The model explains an access by what registers and tables say at that moment,
 * so it is asked right after the access, by the thread that made it, and only what
 * it answers is kept: at the end of a program its tables have often gone.  Asked it
 * is once for each configuration of a device: a CFGI command that reaches it, or
 * the SMMU turned on or off, makes the next access due that goes well, and the next
 * that is aborted.  Of what is kept the newest stays, unless it went through fewer
 * stages, or has no PASID.
 *
 * An access pays one load of the device's `due`, which stays 0 where the machine's
 * configuration does not ask for stories.
 */
#include <inttypes.h>
#include <stdarg.h>

#include "pci.h"

/*
 * The longest way: two tables of two levels, the second behind stage 2, then at
 * each of 5 levels a walk of 5, another if the level has to be written, and one for
 * the access.
 */
#define STORY_STEPS 128u

struct story {
	bool taken;
	struct uiommu_smmuv3_txn txn;
	size_t len;
	bool ats; /* by what the device had asked for */
	struct uiommu_smmuv3_explanation end;
	int answer;
	unsigned int rank; /* the more the access went through, the higher */
	unsigned int nr_steps;
	struct uiommu_smmuv3_step step[STORY_STEPS];
};

struct stories {
	/* Who has set it owns the rest; whoever finds it set goes on without. */
	bool busy;
	struct story *went, *aborted; /* what is kept */
	struct story *next;	      /* what is being taken */
	struct story room[3];
};

int story_init(struct pcidev *dev)
{
	struct stories *s;

	if (!dev->machine->cfg.explain)
		return 0;
	s = machine_alloc(dev->machine, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->went = &s->room[0];
	s->aborted = &s->room[1];
	s->next = &s->room[2];
	dev->stories = s;
	dev->story_due = STORY_WENT | STORY_ABORTED;
	return 0;
}

void story_fini(struct pcidev *dev)
{
	machine_free(dev->machine, dev->stories);
}

/* -------------------------------------------------------------- gather -- */

void story_config_changed(void *ctx, const struct uiommu_smmuv3_inval *inval)
{
	const struct machine_smmu *smmu = ctx;
	const struct uiommu_machine *machine = smmu->machine;

	if (inval->kind == UIOMMU_SMMUV3_INVAL_TLB)
		return;
	for (unsigned int i = 0; i < machine->nr_devs; i++) {
		struct pcidev *dev = machine->dev[i];

		if (dev->smmu != smmu ||
		    (inval->kind == UIOMMU_SMMUV3_INVAL_CONFIG &&
		     (dev->sid < inval->first_sid ||
		      dev->sid > inval->last_sid)))
			continue;
		store_release(&dev->story_due, STORY_WENT | STORY_ABORTED);
	}
}

static void take_step(void *ctx, const struct uiommu_smmuv3_step *step)
{
	struct story *story = ctx;

	if (story->nr_steps < STORY_STEPS)
		story->step[story->nr_steps++] = *step;
}

static bool saw(const struct story *story, enum uiommu_smmuv3_step_kind kind)
{
	for (unsigned int i = 0; i < story->nr_steps; i++)
		if (story->step[i].kind == kind)
			return true;
	return false;
}

static void ask(struct pcidev *dev, const struct uiommu_smmuv3_dma *dma,
		bool ats, struct story *story)
{
	story->txn = dma->txn;
	story->len = dma->len;
	story->ats = ats;
	story->nr_steps = 0;
	story->answer = uiommu_smmuv3_model_explain(
		dev->smmu->model, &story->txn, take_step, story, &story->end);
	story->rank = (saw(story, UIOMMU_SMMUV3_STEP_STAGE1) ? 2 : 0) +
		      (saw(story, UIOMMU_SMMUV3_STEP_STAGE2) ? 2 : 0) +
		      (story->txn.flags & UIOMMU_TXN_SSV ? 1 : 0);
}

/*
 * Of an access that went well: is another one wanted instead?  Somebody was
 * faster and has changed the tables, or it is an interrupt.
 */
static bool another(const struct uiommu_machine *machine,
		    const struct story *story)
{
	const uint64_t doorbell = machine->carve.base + CARVE_MSI;

	return story->answer ||
	       align_down_lg2(story->end.xlate.pa, PIN_PAGE_LG2) == doorbell;
}

/* Keep what was taken, or what there was. */
static void keep(struct stories *s, struct story **kept)
{
	struct story *old = *kept;

	if (old->taken && s->next->rank < old->rank)
		return;
	s->next->taken = true;
	*kept = s->next;
	s->next = old;
}

void story_take(struct pcidev *dev, const struct uiommu_smmuv3_dma *dma,
		bool ats, uint32_t which)
{
	struct stories *s = dev->stories;
	bool aborted = which == STORY_ABORTED;

	/* A translated address goes through no tables. */
	if ((dma->txn.flags & UIOMMU_TXN_TRANSLATED) ||
	    exchange_acq_rel(&s->busy, true))
		return;
	/* Before the model looks: a change meanwhile makes it due again. */
	fetch_and_acq_rel(&dev->story_due, ~which);
	ask(dev, dma, ats, s->next);
	if (aborted && s->next->answer)
		keep(s, &s->aborted);
	else if (!aborted && another(dev->machine, s->next))
		fetch_or_acq_rel(&dev->story_due, which);
	else if (!aborted && s->next->rank > 1)
		keep(s, &s->went);
	store_release(&s->busy, false);
}

/* --------------------------------------------------------------- print -- */

struct teller {
	const struct story *story;
	FILE *out;
	bool two; /* stage 1 over stage 2: what stage 1 says are GPAs */
	/* Stage 2 has just been asked for this, of a context or a table. */
	const struct uiommu_smmuv3_step *behind;
};

__attribute__((format(printf, 2, 3))) static void say(const struct teller *t,
						      const char *fmt, ...)
{
	va_list ap;

	fprintf(t->out, REPORT_LABEL, "");
	va_start(ap, fmt);
	vfprintf(t->out, fmt, ap);
	va_end(ap);
	fputc('\n', t->out);
}

/* "PA 0x1000", or where stage 2 was asked "GPA 0x1000 (PA 0x2000)". */
static struct report_text place(struct teller *t, uint64_t pa)
{
	struct report_text text;

	if (t->behind)
		snprintf(text.s, sizeof(text.s),
			 "GPA 0x%" PRIx64 " (PA 0x%" PRIx64 ")",
			 t->behind->input, pa);
	else
		snprintf(text.s, sizeof(text.s), "PA 0x%" PRIx64, pa);
	t->behind = NULL;
	return text;
}

/* "read, write" */
static struct report_text rights(bool read, bool write, bool execute)
{
	struct report_text text;

	snprintf(text.s, sizeof(text.s), "%s%s%s%s", read ? ", read" : "",
		 write ? ", write" : "", execute ? ", execute" : "",
		 read || write || execute ? "" : ", nothing allowed");
	memmove(text.s, text.s + 2, sizeof(text.s) - 2);
	return text;
}

static void tell_entry(struct teller *t, const struct uiommu_smmuv3_step *step)
{
	static const char *const stages[] = {
		"no translation",
		"stage 1",
		"stage 2",
		"stage 1 over stage 2",
	};

	if (step->aborted)
		say(t, "StreamID 0x%x: no memory where its entry is, %s",
		    t->story->txn.sid, place(t, step->pa).s);
	else if (step->stages & UIOMMU_SMMUV3_STAGE_2)
		say(t, "StreamID 0x%x: its entry at %s says %s, VMID %u",
		    t->story->txn.sid, place(t, step->pa).s,
		    stages[step->stages], step->vmid);
	else
		say(t, "StreamID 0x%x: its entry at %s says %s",
		    t->story->txn.sid, place(t, step->pa).s,
		    stages[step->stages]);
}

static void tell_context(struct teller *t,
			 const struct uiommu_smmuv3_step *step)
{
	char who[24] = "no PASID";

	if (t->story->txn.flags & UIOMMU_TXN_SSV)
		snprintf(who, sizeof(who), "PASID %u", t->story->txn.ssid);
	if (step->aborted)
		say(t, "%s: no memory where its context is, %s", who,
		    place(t, step->pa).s);
	else
		say(t, "%s: its context at %s says ASID %u", who,
		    place(t, step->pa).s, step->asid);
}

static void tell_stage(const struct teller *t,
		       const struct uiommu_smmuv3_step *step)
{
	bool stage1 = step->kind == UIOMMU_SMMUV3_STEP_STAGE1;
	const char *whose = !t->two  ? ""
			    : stage1 ? " (the guest's)"
				     : " (the host's)";

	say(t, "stage %u%s, of %s 0x%" PRIx64 ", %u bits, tables of %s:",
	    stage1 ? 1 : 2, whose, stage1 ? "IOVA" : "GPA", step->input,
	    step->in_bits, report_bytes(UINT64_C(1) << step->granule_lg2).s);
}

static void tell_desc(struct teller *t, const struct uiommu_smmuv3_step *step)
{
	bool stage1 = step->kind == UIOMMU_SMMUV3_STEP_S1_DESC;
	const char *kind = stage1 && t->two ? "GPA" : "PA";
	struct report_text at = place(t, step->pa);

	if (step->aborted)
		say(t, "  level %d at %s: no memory there", step->level, at.s);
	else if (step->desc == UIOMMU_SMMUV3_DESC_TABLE)
		say(t, "  level %d at %s: a table at %s 0x%" PRIx64,
		    step->level, at.s, kind, step->output);
	else if (step->desc >= UIOMMU_SMMUV3_DESC_BLOCK)
		say(t, "  level %d at %s: a %s of %s at %s 0x%" PRIx64 "; %s",
		    step->level, at.s,
		    step->desc == UIOMMU_SMMUV3_DESC_PAGE ? "page" : "block",
		    report_bytes(UINT64_C(1) << step->size_lg2).s, kind,
		    align_down_lg2(step->output, step->size_lg2),
		    rights(step->readable, step->writable, step->executable).s);
	else
		say(t, "  level %d at %s: nothing, 0x%" PRIx64, step->level,
		    at.s, step->words[0]);
}

static bool is_desc(const struct uiommu_smmuv3_step *step)
{
	return step->kind == UIOMMU_SMMUV3_STEP_S1_DESC ||
	       step->kind == UIOMMU_SMMUV3_STEP_S2_DESC;
}

static bool is_leaf(const struct uiommu_smmuv3_step *step)
{
	return is_desc(step) && step->desc >= UIOMMU_SMMUV3_DESC_BLOCK;
}

/* Of stage 2, on the way to a context or a table of stage 1. */
static bool is_own(const struct uiommu_smmuv3_step *step)
{
	return (step->kind == UIOMMU_SMMUV3_STEP_STAGE2 ||
		step->kind == UIOMMU_SMMUV3_STEP_S2_DESC) &&
	       step->walk_class != UIOMMU_SMMUV3_CLASS_IN;
}

/* Did stage 2 stand in the way of a context or a table of stage 1? */
static bool ends_in(const struct story *story, unsigned int i)
{
	for (i++; i < story->nr_steps; i++)
		if (story->step[i].kind != UIOMMU_SMMUV3_STEP_S2_DESC)
			return false;
	return true;
}

static void tell_step(struct teller *t, unsigned int i)
{
	const struct uiommu_smmuv3_step *step = &t->story->step[i];

	switch (step->kind) {
	case UIOMMU_SMMUV3_STEP_L1STD:
		say(t, "stream table: its first level at %s",
		    place(t, step->pa).s);
		break;
	case UIOMMU_SMMUV3_STEP_STE:
		t->two = step->stages ==
			 (UIOMMU_SMMUV3_STAGE_1 | UIOMMU_SMMUV3_STAGE_2);
		tell_entry(t, step);
		break;
	case UIOMMU_SMMUV3_STEP_L1CD:
		say(t, "contexts: their first level at %s",
		    place(t, step->pa).s);
		break;
	case UIOMMU_SMMUV3_STEP_CD:
		tell_context(t, step);
		break;
	case UIOMMU_SMMUV3_STEP_STAGE1:
		tell_stage(t, step);
		break;
	case UIOMMU_SMMUV3_STEP_STAGE2:
		/* The ways to the guest's own tables would be many lines. */
		t->behind = is_own(step) && !ends_in(t->story, i) ? step : NULL;
		if (!t->behind)
			tell_stage(t, step);
		break;
	case UIOMMU_SMMUV3_STEP_S2_DESC:
		if (!t->behind)
			tell_desc(t, step);
		break;
	default:
		tell_desc(t, step);
	}
}

/* How many descriptors a walk of both stages reads. */
static void tell_cost(const struct teller *t)
{
	unsigned int read = 0, own = 0;

	for (unsigned int i = 0; i < t->story->nr_steps; i++) {
		const struct uiommu_smmuv3_step *step = &t->story->step[i];

		read += is_desc(step);
		own += is_desc(step) && is_own(step);
	}
	say(t,
	    "%u descriptors on the way, %u of them stage 2's for the PAs in "
	    "brackets",
	    read, own);
}

static void tell_answer(const struct teller *t)
{
	const struct story *story = t->story;
	bool read = true, write = true, execute = true;
	char gpa[32] = "";

	for (unsigned int i = 0; i < story->nr_steps; i++) {
		const struct uiommu_smmuv3_step *step = &story->step[i];

		if (is_own(step))
			continue;
		if (step->kind == UIOMMU_SMMUV3_STEP_STAGE2 && t->two)
			snprintf(gpa, sizeof(gpa), "GPA 0x%" PRIx64 " is ",
				 step->input);
		if (!is_leaf(step))
			continue;
		read &= step->readable;
		write &= step->writable;
		execute &= step->executable;
	}
	say(t,
	    "so IOVA 0x%" PRIx64 " is %sPA 0x%" PRIx64
	    ", one translation of %s; %s",
	    story->txn.iova, gpa, story->end.xlate.pa,
	    report_bytes(UINT64_C(1) << story->end.xlate.size_lg2).s,
	    rights(read, write, execute).s);
	if (t->two)
		tell_cost(t);
}

static void tell_fault(const struct teller *t)
{
	const struct uiommu_smmuv3_fault_info *fault = &t->story->end.fault;

	fprintf(t->out, REPORT_LABEL "there it ends: ", "");
	report_reason(t->out, fault->reason ? fault->reason : "aborted",
		      fault->stage, fault->level);
	fputc('\n', t->out);
}

static void tell(const struct story *story, const char *label,
		 struct pcidev *dev, FILE *out)
{
	struct teller t = { .story = story, .out = out };

	if (!story->taken)
		return;
	fprintf(out, REPORT_LABEL, label);
	report_txn(out, dev, &story->txn);
	fprintf(out, ", %s%s, by the tables of that moment\n",
		report_bytes(story->len).s, story->ats ? " by ATS" : "");
	for (unsigned int i = 0; i < story->nr_steps; i++)
		tell_step(&t, i);
	if (story->answer)
		tell_fault(&t);
	else
		tell_answer(&t);
}

void story_print(struct pcidev *dev, FILE *out)
{
	struct stories *s = dev->stories;

	/* Not waited for: it may be what the caller, a signal, has interrupted. */
	if (!s || exchange_acq_rel(&s->busy, true))
		return;
	tell(s->went, "one access", dev, out);
	tell(s->aborted, "one abort", dev, out);
	store_release(&s->busy, false);
}
