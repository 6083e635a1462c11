/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device behind an SMMUv3: what it may reach, and what happens when it
 * reaches for more.  Each line PASS or FAIL is one thing that was proved by
 * DMA; the exit status is 0 when all passed.
 */
#include <uiommu/smmuv3.h>

#include "rtos.h"

#define PAGE 4096u
#define RW (UIOMMU_PROT_READ | UIOMMU_PROT_WRITE | UIOMMU_PROT_CACHE)
#define RO (UIOMMU_PROT_READ | UIOMMU_PROT_CACHE)

/* What the device works on. */
static uint8_t page[4][PAGE] __attribute__((aligned(PAGE)));
static uint8_t block[2 << 20] __attribute__((aligned(2 << 20)));

static struct pci_dev edu;
static struct uiommu_unit *smmu;
static struct uiommu_hwdev *dev;
static unsigned int failed;

static void check(bool ok, const char *what)
{
	print("%s %s\n", ok ? "PASS" : "FAIL", what);
	failed += !ok;
}

/* --------------------------------------------------------------- faults -- */

static struct uiommu_fault fault; /* the last one */
static unsigned int faults, losses;

static void report_fault(void *ctx, struct uiommu_unit *unit,
			 const struct uiommu_fault *f)
{
	fault = *f;
	faults++;
}

static void faults_lost(void *ctx, struct uiommu_unit *unit)
{
	losses++;
}

static const struct uiommu_host_ops host = { report_fault, faults_lost };

/* Handle what is pending, outside of every call of the driver. */
static void take_interrupts(void)
{
	int irq;

	while ((irq = gic_take()) >= 0) {
		if (irq == SMMU_EVENTQ_IRQ)
			smmu->ops->irq(smmu, UIOMMU_SMMUV3_IRQ_EVENTQ);
		else if (irq == SMMU_GERROR_IRQ)
			smmu->ops->irq(smmu, UIOMMU_SMMUV3_IRQ_GERROR);
		gic_done(irq);
	}
}

/* Did just `nr` like this arrive, by interrupt, since the last question? */
static bool faulted(unsigned int nr, enum uiommu_fault_kind kind, uint64_t iova,
		    uint32_t flags)
{
	uint64_t start = now_ns();
	bool ok;

	while (faults < nr && now_ns() - start < 1000000000)
		take_interrupts();
	ok = faults == nr && fault.kind == kind && fault.iova == iova &&
	     (fault.flags & UIOMMU_FAULT_WRITE) == flags &&
	     fault.id == PCI_FIRST_SID + edu.rid && fault.cookie == &edu;
	if (!ok)
		print("%u faults, the last: kind %u, IOVA %x, flags %x, id %x\n",
		      (uint64_t)faults, (uint64_t)fault.kind, fault.iova,
		      (uint64_t)fault.flags, (uint64_t)fault.id);
	faults = 0;
	return ok;
}

static bool quiet(void)
{
	take_interrupts();
	return !faults;
}

/* ------------------------------------------------------ DMA and mapping -- */

static void fill(void *mem, uint8_t seed, uint32_t len)
{
	uint8_t *byte = mem;

	while (len--)
		*byte++ = seed = seed * 5 + 1;
}

/* The device copies from one address to another. */
static bool copy(uint64_t from, uint64_t to, uint32_t len)
{
	return edu_fetch(&edu, from, len) && edu_store(&edu, to, len);
}

static uint64_t pa_of(const void *mem)
{
	return (uint64_t)mem;
}

static struct uiommu_hwdom *new_dom(enum uiommu_dom_type type)
{
	struct uiommu_dom_cfg cfg = { .type = type };
	struct uiommu_hwdom *dom;

	if (!smmu->ops->dom_alloc(smmu, &cfg, &dom))
		return dom;
	check(false, "a domain is made");
	quit(2);
}

/* -EAGAIN: the SMMU must forget a leaf before its pieces take its place. */
static bool map(struct uiommu_hwdom *dom, uint64_t iova, uint64_t pa,
		uint64_t len, uint32_t prot)
{
	struct uiommu_gather gather;
	int rc;

	do {
		uiommu_gather_init(&gather);
		rc = uiommu_pgtable_map(dom->pt, iova, pa, len, prot, &gather);
		if (smmu->ops->flush(dom, &gather))
			return false;
		uiommu_gather_release(&gather);
	} while (rc == -EAGAIN);
	return !rc;
}

static bool unmap(struct uiommu_hwdom *dom, uint64_t iova, uint64_t len)
{
	struct uiommu_gather gather;
	uint64_t unmapped;
	int rc;

	do {
		uiommu_gather_init(&gather);
		rc = uiommu_pgtable_unmap(dom->pt, iova, len, &gather,
					  &unmapped);
		if (smmu->ops->flush(dom, &gather))
			return false;
		uiommu_gather_release(&gather);
	} while (rc == -EAGAIN);
	return !rc && unmapped == len;
}

/* Two stores to `iova` leave `mem` alone, whatever is in the buffer. */
static bool untouched(uint64_t iova, uint8_t *mem)
{
	return (*mem = 0, edu_store(&edu, iova, 1) && *mem == 0) &&
	       (*mem = 0xff, edu_store(&edu, iova, 1) && *mem == 0xff);
}

/* Does a copy of page 0, seen at `from`, arrive in page 1, seen at `to`? */
static bool copied(uint64_t from, uint64_t to, uint32_t len)
{
	static uint8_t seed;

	fill(page[0], ++seed, PAGE);
	fill(page[1], ~seed, PAGE);
	return copy(from, to, len) && !memcmp(page[0], page[1], len);
}

/* ------------------------------------------------------------ the story -- */

#define SRC UINT64_C(0x200000)	/* IOVAs of page 0, read-only... */
#define DST UINT64_C(0x7654000) /* ...of page 1... */
#define HOLE (SRC + 2 * PAGE)	/* ...and of nothing. */
#define BLOCK UINT64_C(0x40000000)

/* QEMU has this register, which says what happens while off, since 8.0. */
#define SMMU_GBPA 0x44
#define SMMU_GBPA_ABORT (1u << 20)

static void attach(struct uiommu_hwdom *dom)
{
	if (smmu->ops->attach(dom, dev))
		check(false, "a domain is attached");
}

static void without_tables(void)
{
	uint64_t src = pa_of(page[0]), dst = pa_of(page[1]);

	check(untouched(dst, page[1]) && quiet(), "a new device is blocked");
	attach(new_dom(UIOMMU_DOM_IDENTITY));
	check(copied(src, dst, 2048) && quiet(),
	      "identity: it reaches physical addresses");
	attach(new_dom(UIOMMU_DOM_BLOCKED));
	check(untouched(dst, page[1]) && quiet(),
	      "blocked: it reaches nothing");
}

/* Two neighbours on the bus that are none in memory: page 0 and page 2. */
static bool crosses_pages(void)
{
	fill(page[0], 1, PAGE);
	fill(page[2], 2, PAGE);
	return copy(SRC + PAGE - 1000, DST, 2000) &&
	       !memcmp(page[1], page[0] + PAGE - 1000, 1000) &&
	       !memcmp(page[1] + 1000, page[2], 1000);
}

static void mapping(struct uiommu_hwdom *dom)
{
	struct uiommu_unit_caps caps;
	uint64_t top;

	smmu->ops->caps(smmu, &caps);
	top = (UINT64_C(1) << caps.ias) - PAGE;
	check(map(dom, SRC, pa_of(page[0]), PAGE, RO) &&
		      map(dom, SRC + PAGE, pa_of(page[2]), PAGE, RO) &&
		      map(dom, DST, pa_of(page[1]), PAGE, RW) &&
		      map(dom, top, pa_of(page[1]), PAGE, RW),
	      "pages are mapped");
	attach(dom);
	check(copied(SRC, DST, 4000) && quiet(), "it copies by IOVA");
	check(crosses_pages() && quiet(), "a transfer crosses pages");
	check(copied(SRC, top, 8) && quiet(), "it reaches the highest page");
}

static void faulting(struct uiommu_hwdom *dom)
{
	edu_store(&edu, HOLE + 8, 4);
	check(faulted(1, UIOMMU_FAULT_TRANSLATION, HOLE + 8,
		      UIOMMU_FAULT_WRITE),
	      "a write to nothing is reported");
	edu_fetch(&edu, HOLE + 16, 4);
	check(faulted(1, UIOMMU_FAULT_TRANSLATION, HOLE + 16, 0),
	      "a read of nothing is reported");
	edu_store(&edu, SRC, 4);
	check(faulted(1, UIOMMU_FAULT_PERMISSION, SRC, UIOMMU_FAULT_WRITE),
	      "a write to a read-only page is reported");

	check(copied(SRC, DST, 8) && unmap(dom, DST, PAGE) &&
		      untouched(DST, page[1]),
	      "an unmapped page is out of reach");
	check(faulted(2, UIOMMU_FAULT_TRANSLATION, DST, UIOMMU_FAULT_WRITE),
	      "and the access is reported");
	check(map(dom, DST, pa_of(page[1]), PAGE, RW) && copied(SRC, DST, 8) &&
		      quiet(),
	      "it is mapped again");

	/* More records than the queue has room for, and one more. */
	edu_store(&edu, HOLE, 4000);
	take_interrupts();
	check(faults > 100 && losses, "lost reports are noticed");
	faults = 0;
	edu_store(&edu, HOLE + 24, 4);
	check(faulted(1, UIOMMU_FAULT_TRANSLATION, HOLE + 24,
		      UIOMMU_FAULT_WRITE),
	      "and the next fault is reported");
}

static void splitting(struct uiommu_hwdom *dom)
{
	uint64_t mid = sizeof(block) / 2;

	check(map(dom, BLOCK, pa_of(block), sizeof(block), RW) &&
		      copy(SRC, BLOCK + mid, 4000) && quiet() &&
		      !memcmp(block + mid, page[0], 4000),
	      "it works in a 2 MiB block");
	check(unmap(dom, BLOCK + mid, PAGE) &&
		      untouched(BLOCK + mid, block + mid) &&
		      faulted(2, UIOMMU_FAULT_TRANSLATION, BLOCK + mid,
			      UIOMMU_FAULT_WRITE),
	      "one page of the block is taken away");
	check(copy(SRC, BLOCK + mid - PAGE, 4000) && quiet() &&
		      !memcmp(block + mid - PAGE, page[0], 4000),
	      "the pages around it stay");
}

static void swapping(struct uiommu_hwdom *dom)
{
	struct uiommu_hwdom *other = new_dom(UIOMMU_DOM_PAGING);

	check(map(other, SRC, pa_of(page[0]), PAGE, RO) &&
		      map(other, DST, pa_of(page[3]), PAGE, RW),
	      "a second domain maps the same IOVAs");
	attach(other);
	memset(page[1], 0, PAGE);
	check(copy(SRC, DST, 4000) && quiet() &&
		      !memcmp(page[3], page[0], 4000) && !page[1][1],
	      "after the swap it uses the second alone");
	attach(dom);
	check(copied(SRC, DST, 4000) && quiet(),
	      "and the first after the next");

	attach(other);
	check(unmap(dom, DST, PAGE), "the first unmaps a page while away");
	attach(dom);
	check(untouched(DST, page[1]) && faulted(2, UIOMMU_FAULT_TRANSLATION,
						 DST, UIOMMU_FAULT_WRITE),
	      "which is out of reach when it is back");
	smmu->ops->dom_free(other);
}

static void start(const struct uiommu_platform *platform)
{
	struct uiommu_smmuv3_cfg cfg = {
		.platform = platform,
		.base = SMMU,
		.host = &host,
	};
	uint32_t sid = PCI_FIRST_SID + edu.rid;
	struct uiommu_hwdev_cfg hw = {
		.name = "edu",
		.ids = &sid,
		.nr_ids = 1,
		.cookie = &edu,
	};

	check(!uiommu_smmuv3_probe(&cfg, &smmu), "the SMMU is brought up");
	if (failed)
		quit(1);
	check(!smmu->ops->dev_add(smmu, &hw, &dev), "the device is made known");
	if (failed)
		quit(1);
}

static void stop(struct uiommu_hwdom *dom)
{
	smmu->ops->dev_remove(dev);
	check(untouched(DST, page[1]) && quiet(),
	      "a removed device is blocked");
	smmu->ops->dom_free(dom);
	smmu->ops->remove(smmu);
	if (read32(SMMU + SMMU_GBPA) & SMMU_GBPA_ABORT)
		check(untouched(pa_of(page[1]), page[1]),
		      "the SMMU that is off lets nothing through");
	else
		print("SKIP no DMA while the SMMU is off: it lacks GBPA\n");
}

int main(void)
{
	struct uiommu_platform incoherent = rtos_platform;
	struct uiommu_hwdom *dom;

	gic_init();
	gic_enable(SMMU_EVENTQ_IRQ);
	gic_enable(SMMU_GERROR_IRQ);
	if (!pci_find(0x1234, 0x11e8, &edu) || !edu_init(&edu)) {
		check(false, "there is an edu device");
		quit(1);
	}

	start(&rtos_platform);
	without_tables();
	dom = new_dom(UIOMMU_DOM_PAGING);
	mapping(dom);
	faulting(dom);
	splitting(dom);
	swapping(dom);
	stop(dom);
	check(!heap_in_use(), "all memory is given back");

	/* As after a reboot that the SMMU did not see: it runs, with a device. */
	start(&rtos_platform);
	attach(new_dom(UIOMMU_DOM_IDENTITY));
	incoherent.clean_range = rtos_clean_range;
	start(&incoherent);
	check(untouched(pa_of(page[1]), page[1]), "take-over: it is blocked");
	dom = new_dom(UIOMMU_DOM_PAGING);
	mapping(dom);
	stop(dom);

	print("done\n");
	quit(failed ? 1 : 0);
}
