/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmm.c - a toy virtual machine that embeds the SMMUv3 model: guest memory and
 * an interrupt line, a device that does DMA, and the guest's driver, which sets
 * up its tables word by word.  Prints TAP; exit status 0: all as it should be.
 *	cc vmm.c $(pkg-config --cflags --libs uiommu-model)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uiommu/smmuv3_model.h>

/* The virtual machine: a MiB of memory, and what is told to it. */
#define RAM UINT64_C(0x40000000)
static uint64_t words[0x20000], forgotten;
static unsigned int interrupts[UIOMMU_SMMUV3_NR_LINES];
static struct uiommu_smmuv3_model *smmu;
static int failed, number;

static int mem_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		    struct uiommu_mem_attrs attrs)
{
	if (pa < RAM || pa - RAM > sizeof(words) - len)
		return -EIO; /* nothing there: the bus aborts */
	memcpy(buf, (char *)words + (pa - RAM), len);
	return 0;
}

static int mem_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	if (pa < RAM || pa - RAM > sizeof(words) - len)
		return -EIO;
	memcpy((char *)words + (pa - RAM), buf, len);
	return 0;
}

static int mem_cmpxchg64(void *ctx, uiommu_pa_t pa, uint64_t *expected,
			 uint64_t want)
{
	if (pa < RAM || pa - RAM > sizeof(words) - 8)
		return -EIO;
	__atomic_compare_exchange_n(&words[(pa - RAM) / 8], expected, want, 0,
				    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	return 0;
}

static void irq(void *ctx, unsigned int line)
{
	interrupts[line]++; /* a real one tells its interrupt controller */
}

static void notify(void *ctx, const struct uiommu_smmuv3_inval *inval)
{
	forgotten = inval->first; /* for who maps it in another IOMMU too */
}

static void power_on(void)
{
	struct uiommu_model_host host = { .read = mem_read,
					  .write = mem_write,
					  .cmpxchg64 = mem_cmpxchg64,
					  .irq = irq };

	if (uiommu_smmuv3_model_create(uiommu_smmuv3_profile_find("full"),
				       &host, &smmu))
		exit(1);
	uiommu_smmuv3_model_set_notifier(smmu, notify, NULL);
}

/* The guest's driver.  Where in memory it keeps things, in words: */
#define CMDS 0x200
#define EVENTS 0x400
#define CD 0x600
#define TABLES 0x800 /* of levels 0 to 2, then */
#define PAGES 0xe00  /* of level 3 */
#define DATA 0x2000
#define AT(word) (RAM + 8 * (word))

static void reg(uint32_t offset, unsigned int size, uint64_t value)
{
	uiommu_smmuv3_model_write(smmu, offset, size, value);
}

static void driver_starts(void)
{
	words[8] = 0xb | AT(CD); /* STE of stream 1: valid, stage 1 */
	/* CD: ASID 7, TTB0 of 48 bits, 4K, faults abort and are recorded */
	words[CD] = UINT64_C(0x00076205c0000010);
	words[CD + 1] = AT(TABLES);
	for (int table = TABLES; table < PAGES; table += 512)
		words[table] = AT(table + 512) | 3;
	words[PAGES + 1] = AT(DATA) | 0xc43; /* read, write, accessed, nG */
	reg(0x80, 8, RAM);		     /* STRTAB_BASE */
	reg(0x88, 4, 4);	      /* STRTAB_BASE_CFG: 16 streams, linear */
	reg(0x90, 8, AT(CMDS) | 4);   /* CMDQ_BASE, 16 entries */
	reg(0xa0, 8, AT(EVENTS) | 4); /* EVENTQ_BASE, 16 entries */
	reg(0x50, 4, 5);	      /* IRQ_CTRL: events, errors */
	reg(0x20, 4, 0xd); /* CR0: SMMU, event queue, command queue */
}

static int dma(uint64_t iova, char *buf, uint32_t flags)
{
	struct uiommu_smmuv3_txn txn = { .sid = 1,
					 .flags = flags,
					 .iova = iova };
	struct uiommu_smmuv3_dma req = { .txn = txn, .buf = buf, .len = 6 };

	return uiommu_smmuv3_model_dma(smmu, &req);
}

static void expect(const char *what, int as_expected)
{
	printf("%s %d - %s\n", as_expected ? "ok" : "not ok", ++number, what);
	failed |= !as_expected;
}

int main(void)
{
	char text[6] = "hello", back[6] = "", shot[8192];

	power_on();
	driver_starts();
	expect("the device writes", !dma(0x1000, text, UIOMMU_TXN_WRITE));
	expect("memory has it", !memcmp(&words[DATA], text, 6));
	expect("where nothing is mapped it aborts", dma(0x5000, text, 0) < 0);
	expect("with an event", words[EVENTS] == UINT64_C(0x100000010));
	expect("and an interrupt", interrupts[UIOMMU_SMMUV3_LINE_EVENTQ] == 1);
	expect("a snapshot is taken",
	       !uiommu_smmuv3_model_save(smmu, shot, sizeof(shot)));
	uiommu_smmuv3_model_destroy(smmu);
	power_on();
	expect("another instance goes on from there",
	       !uiommu_smmuv3_model_restore(
		       smmu, shot, uiommu_smmuv3_model_snapshot_size(smmu)));
	expect("and the device reads", !dma(0x1000, back, 0) && back[4] == 'o');
	words[PAGES + 1] = 0;			/* the driver unmaps the page */
	words[CMDS] = 0x12 | UINT64_C(7) << 48; /* TLBI_NH_VA of ASID 7 */
	words[CMDS + 1] = 0x1000;
	words[CMDS + 2] = 0x46; /* SYNC */
	reg(0x98, 4, 2);	/* CMDQ_PROD */
	expect("the invalidation is told", forgotten == 0x1000);
	expect("and the page is gone", dma(0x1000, back, 0) == -EFAULT);
	uiommu_smmuv3_model_destroy(smmu);
	printf("1..%d\n", number);
	return failed;
}
