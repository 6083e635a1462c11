/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nested_dma.c - a device's registers; the test endpoint (1234:11e9), of which slot 1
 * makes one access at a time, with or without a PASID.
 */
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "nested.h"

#define TEST_ENDPOINT 0x11e91234u

#define RAISE_VECTOR 0x18u
#define SLOT 0x4040u
#define SLOT_ADDR (SLOT + 0x00)
#define SLOT_CTRL (SLOT + 0x08)
#define SLOT_PASID (SLOT + 0x0c)
#define SLOT_STATUS (SLOT + 0x10)
#define SLOT_LEN (SLOT + 0x14)
#define SLOT_GRANTED (SLOT + 0x1c)
#define SLOT_RESULT (SLOT + 0x30)
#define SLOT_PAGE 0x41000u
#define CTRL_START 1u
#define CTRL_PASID 0x100u
#define CTRL_TRANSLATE 0x50u
#define CTRL_WANT_WRITE 0x200000u
#define GRANTED(bits) ((bits) >> 8 & (MAY_READ | MAY_WRITE))

static uint64_t region(struct vm *vm, uint32_t index)
{
	struct vfio_region_info info = {
		.argsz = sizeof(info),
		.index = index,
	};

	if (ioctl(vm->dev_fd, VFIO_DEVICE_GET_REGION_INFO, &info))
		fail("VFIO_DEVICE_GET_REGION_INFO");
	return info.offset;
}

void set_reg(struct vm *vm, uint64_t reg, uint64_t value, size_t size)
{
	if (pwrite(vm->dev_fd, &value, size, (off_t)(vm->bar + reg)) !=
	    (ssize_t)size)
		fail("writing a register");
}

uint64_t get_reg(struct vm *vm, uint64_t reg, size_t size)
{
	uint64_t value = 0;

	if (pread(vm->dev_fd, &value, size, (off_t)(vm->bar + reg)) !=
	    (ssize_t)size)
		fail("reading a register");
	return value;
}

uint32_t pci_enable(struct vm *vm)
{
	off_t config = (off_t)region(vm, VFIO_PCI_CONFIG_REGION_INDEX);
	uint32_t id = 0;
	uint16_t command = 0;

	if (pread(vm->dev_fd, &id, 4, config) != 4 ||
	    pread(vm->dev_fd, &command, 2, config + PCI_COMMAND) != 2)
		fail("reading configuration space");
	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	if (pwrite(vm->dev_fd, &command, 2, config + PCI_COMMAND) != 2)
		fail("writing configuration space");
	vm->bar = region(vm, VFIO_PCI_BAR0_REGION_INDEX);
	return id;
}

void dma_enable(struct vm *vm)
{
	if (pci_enable(vm) == TEST_ENDPOINT)
		return;
	errno = ENODEV;
	fail("not the test endpoint");
}

void dma_start(struct vm *vm, uint32_t access, uint32_t pasid, uint64_t iova,
	       uint64_t word)
{
	set_reg(vm, SLOT_PAGE, word, 8);
	set_reg(vm, SLOT_ADDR, iova, 8);
	set_reg(vm, SLOT_LEN, 8, 4);
	set_reg(vm, SLOT_PASID, pasid, 4);
	set_reg(vm, SLOT_CTRL,
		access | (pasid != NO_PASID ? CTRL_PASID : 0) | CTRL_START, 4);
}

enum ended dma_end(struct vm *vm, uint64_t *word)
{
	unsigned int ms = 0;
	uint64_t status;

	while ((status = get_reg(vm, SLOT_STATUS, 4)) == WORKING &&
	       ms++ < WAIT_MS)
		usleep(1000);
	if (word)
		*word = status == DONE ? get_reg(vm, SLOT_PAGE, 8) : 0;
	return (enum ended)status;
}

bool dma_stopped(struct vm *vm, uint32_t access, uint32_t pasid, uint64_t iova)
{
	dma_start(vm, access, pasid, iova, 0);
	return dma_end(vm, NULL) == ABORTED;
}

uint64_t dma_read(struct vm *vm, uint32_t pasid, uint64_t iova)
{
	uint64_t word;

	dma_start(vm, READ, pasid, iova, 0);
	dma_end(vm, &word);
	return word;
}

bool dma_write(struct vm *vm, uint32_t pasid, uint64_t iova, uint64_t word)
{
	dma_start(vm, WRITE, pasid, iova, word);
	return dma_end(vm, NULL) == DONE;
}

unsigned int dma_translate(struct vm *vm, uint32_t pasid, uint64_t iova,
			   uint64_t *addr)
{
	dma_start(vm, CTRL_TRANSLATE | CTRL_WANT_WRITE, pasid, iova, 0);
	if (dma_end(vm, NULL) != DONE)
		return 0;
	*addr = get_reg(vm, SLOT_RESULT, 8);
	return GRANTED((unsigned int)get_reg(vm, SLOT_GRANTED, 4));
}

int dma_interrupt_fd(struct vm *vm)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	union {
		struct vfio_irq_set set;
		uint8_t room[sizeof(struct vfio_irq_set) + sizeof(fd)];
	} irq = {
		.set = {
			.argsz = sizeof(irq),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD |
				 VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSIX_IRQ_INDEX,
			.count = 1,
		},
	};

	if (fd < 0)
		fail("eventfd");
	memcpy(irq.set.data, &fd, sizeof(fd));
	if (ioctl(vm->dev_fd, VFIO_DEVICE_SET_IRQS, &irq))
		fail("VFIO_DEVICE_SET_IRQS");
	return fd;
}

void dma_raise_interrupt(struct vm *vm)
{
	set_reg(vm, RAISE_VECTOR, 0, 4);
}
