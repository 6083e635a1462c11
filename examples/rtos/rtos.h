/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtos.h - what the files of the example offer each other.
 *
 * One CPU, no threads, interrupts masked and asked for (gic.c).
 */
#ifndef RTOS_H
#define RTOS_H

#include <uiommu/driver.h>
#include <uiommu/env.h>

/*
 * QEMU's machine `virt` with gic-version=3,iommu=smmuv3.  Its addresses are
 * kept from version to version; a kernel takes them from its device tree.
 */
#define UART UINT64_C(0x09000000) /* arm,pl011 */
#define GICD UINT64_C(0x08000000) /* arm,gic-v3: distributor */
#define GICR UINT64_C(0x080a0000) /* and first redistributor */
#define SMMU UINT64_C(0x09050000) /* arm,smmu-v3 */
#define SMMU_EVENTQ_IRQ (32 + 74) /* SPIs, edge-triggered */
#define SMMU_GERROR_IRQ (32 + 77)
#define ECAM UINT64_C(0x4010000000)  /* pci-host-ecam-generic */
#define PCI_MEM UINT64_C(0x10000000) /* 32-bit BARs */
#define PCI_MEM_END UINT64_C(0x3eff0000)
#define PCI_FIRST_SID 0 /* iommu-map: StreamID of 00:00.0; +1 per function */

/* start.S: loads that follow a register's come later... */
static inline uint32_t read32(uint64_t pa)
{
	uint32_t val = *(volatile uint32_t *)pa;

	__asm__ volatile("dmb oshld" ::: "memory");
	return val;
}

static inline uint64_t read64(uint64_t pa)
{
	uint64_t val = *(volatile uint64_t *)pa;

	__asm__ volatile("dmb oshld" ::: "memory");
	return val;
}

/* ...and stores that came before a register's are seen first, by devices too. */
static inline void write32(uint64_t pa, uint32_t val)
{
	__asm__ volatile("dmb oshst" ::: "memory");
	*(volatile uint32_t *)pa = val;
}

static inline void write64(uint64_t pa, uint64_t val)
{
	__asm__ volatile("dmb oshst" ::: "memory");
	*(volatile uint64_t *)pa = val;
}

/* uart.c: knows %s, %u and %x, the latter two for uint64_t. */
void print(const char *fmt, ...);
/* End the emulator, with this exit status. */
void quit(int status) __attribute__((noreturn));
/* Where all exceptions lead. */
void trap(uint64_t esr, uint64_t elr, uint64_t far) __attribute__((noreturn));

/* gic.c */
void gic_init(void);
/* Let an edge-triggered SPI through to this CPU. */
void gic_enable(uint32_t intid);
/* The next pending interrupt, or -1; to be followed by gic_done. */
int gic_take(void);
void gic_done(uint32_t intid);

/* pci.c: find a function, give BAR 0 an address, let it work. */
struct pci_dev {
	uint16_t rid; /* bus, device, function */
	uint64_t bar;
};
bool pci_find(uint16_t vendor, uint16_t device, struct pci_dev *dev);

/*
 * edu.c: QEMU's teaching device has a DMA engine and a buffer of 4 KiB that
 * only this can reach.  Fetch to the buffer's start, or store from there;
 * false: it did not finish.  len < 4096.
 */
bool edu_init(struct pci_dev *edu);
bool edu_fetch(const struct pci_dev *edu, uint64_t iova, uint32_t len);
bool edu_store(const struct pci_dev *edu, uint64_t iova, uint32_t len);

/* heap.c: zeroed blocks of 2^lg2 bytes, aligned to their size; or NULL */
unsigned int heap_lg2(size_t size);
void *heap_alloc(unsigned int lg2);
void heap_free(void *block, unsigned int lg2);
/* Blocks that are allocated now. */
unsigned int heap_in_use(void);

/* platform.c */
extern const struct uiommu_platform rtos_platform;
/* Member for an SMMU that does not snoop the CPU's caches (porting.md). */
void rtos_clean_range(void *ctx, const void *va, size_t len);
uint64_t now_ns(void);

#endif /* RTOS_H */
