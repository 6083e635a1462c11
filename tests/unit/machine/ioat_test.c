/* SPDX-License-Identifier: BSD-2-Clause */
/* ioat_test.c - the I/OAT engine: registers, descriptors, errors, pausing. */
#include "rig.h"

#include "machine/dev/ioat_regs.h"

#define CHANCTRL 0x80
#define CHANCMD 0x84
#define DMACOUNT 0x86
#define CHANSTS 0x88
#define CHAINADDR 0x90
#define CHANCMP 0x98
#define CHANERR 0xa8
#define CHANERRMASK 0xac

#define RING RIG_IOVA
#define DATA (RIG_IOVA + 0x10000)
#define STATUS (RIG_IOVA + 0x8000)

static struct rig rig;

static int setup(void **state)
{
	rig_init(&rig, &pcidev_ioat);
	rig.bad = ~UINT64_C(0);
	rig_write(&rig, CHANCMD, 1, 0x20);
	rig_write(&rig, CHANCTRL, 2,
		  IOAT_CHANCTRL_ANY_ERR_ABORT | IOAT_CHANCTRL_ERR_COMPLETION);
	rig_write(&rig, CHANCMP, 8, STATUS);
	return 0;
}

static int teardown(void **state)
{
	rig.pend = false;
	while (rig_resume(&rig))
		;
	rig_fini(&rig);
	return 0;
}

static uint8_t *at(uint64_t iova)
{
	return &rig.mem[iova - RIG_IOVA];
}

static uint64_t status_word(void)
{
	uint64_t word;

	memcpy(&word, at(STATUS), 8);
	return word;
}

static unsigned int sts(void)
{
	return rig_read(&rig, CHANSTS, 8) & 7;
}

/* Descriptor i of a ring of 16. */
static struct ioat_desc *desc(unsigned int i, uint32_t ctl, uint64_t src,
			      uint64_t dst, uint32_t size)
{
	struct ioat_desc *d = (struct ioat_desc *)at(RING) + i;

	memset(d, 0, sizeof(*d));
	d->ctl = ctl;
	d->src = src;
	d->dst = dst;
	d->size = size;
	d->next = RING + (i + 1) % 16 * IOAT_DESC_SIZE;
	return d;
}

static void chain(unsigned int count)
{
	rig_write(&rig, CHAINADDR, 8, RING);
	rig_write(&rig, DMACOUNT, 2, count);
}

static void registers_after_reset(void **state)
{
	assert_int_equal(rig_read(&rig, 0x00, 1), 1);
	assert_int_equal(rig_read(&rig, 0x01, 1), 20);
	assert_int_equal(rig_read(&rig, 0x08, 1), 0x33);
	assert_int_equal(rig_read(&rig, 0x10, 4) & 0x40, 0x40);
	assert_int_equal(rig_read(&rig, CHANCMD, 1), 0);
	assert_int_equal(rig_read(&rig, CHANSTS, 8), IOAT_HALTED);
	/* Several registers in one access, and one in two. */
	assert_int_equal(rig_read(&rig, 0, 4) & 0xffff, 0x1401);
	rig_write(&rig, CHAINADDR, 4, 0x11223340);
	rig_write(&rig, CHAINADDR + 4, 4, 0x55667788);
	assert_int_equal(rig_read(&rig, CHAINADDR, 8), 0x5566778811223340);
	assert_int_equal(rig_read(&rig, CHAINADDR + 4, 4), 0x55667788);
	/* Read-only. */
	rig_write(&rig, 0x08, 1, 0);
	assert_int_equal(rig_read(&rig, 0x08, 1), 0x33);
}

/* Exactly ARMED after reset and a chain address: DPDK compares all bits. */
static void chain_address_arms(void **state)
{
	rig_write(&rig, CHAINADDR, 8, RING);
	assert_int_equal(rig_read(&rig, CHANSTS, 8), IOAT_ARMED);
}

static void copy_larger_than_the_buffer(void **state)
{
	for (uint32_t i = 0; i < 0x14321; i++)
		at(DATA)[i] = (uint8_t)(i * 31 + i / 256);
	desc(0, 0, DATA, DATA + 0x18000, 0x14321);
	chain(1);
	assert_int_equal(sts(), IOAT_DONE);
	assert_memory_equal(at(DATA), at(DATA + 0x18000), 0x14321);
	assert_int_equal(at(DATA + 0x18000)[0x14321], 0);
	assert_int_equal(rig_read(&rig, CHANSTS, 8), RING | IOAT_DONE);
	assert_int_equal(status_word(), 0); /* not asked for */
}

static void fill_repeats_the_pattern(void **state)
{
	desc(0, IOAT_OP_FILL << 24 | IOAT_DESC_CTL_COMPLETION,
	     0x0807060504030201, DATA + 3, 0x10005);
	chain(1);
	assert_int_equal(sts(), IOAT_DONE);
	for (uint32_t i = 0; i < 0x10005; i++)
		assert_int_equal(at(DATA + 3)[i], i % 8 + 1);
	assert_int_equal(at(DATA + 3)[0x10005], 0);
	assert_int_equal(status_word(), RING | IOAT_DONE);
}

static void null_moves_nothing(void **state)
{
	desc(0, IOAT_DESC_CTL_NULL | IOAT_DESC_CTL_COMPLETION, 0, 0, 8);
	chain(1);
	assert_int_equal(status_word(), RING | IOAT_DONE);
	assert_int_equal(rig.accesses, 2); /* fetch and status */
}

/* DMACOUNT goes on counting; the chain goes round its ring. */
static void count_goes_on(void **state)
{
	for (unsigned int i = 0; i < 16; i++) {
		at(DATA)[i] = (uint8_t)(i + 1);
		desc(i, IOAT_DESC_CTL_COMPLETION, DATA + i, DATA + 0x100 + i,
		     1);
	}
	chain(3);
	assert_int_equal(status_word(), (RING + 2 * 64) | IOAT_DONE);
	assert_int_equal(at(DATA + 0x100)[2], 3);
	assert_int_equal(at(DATA + 0x100)[3], 0);
	rig_write(&rig, DMACOUNT, 2, 18);
	assert_int_equal(status_word(), (RING + 64) | IOAT_DONE);
	assert_int_equal(at(DATA + 0x100)[15], 16);
	/* The same count again: nothing to do. */
	rig.accesses = 0;
	rig_write(&rig, DMACOUNT, 2, 18);
	assert_int_equal(rig.accesses, 0);
	assert_int_equal(sts(), IOAT_DONE);
}

static void count_wraps(void **state)
{
	desc(0, 0, DATA, DATA + 0x100, 1)->next = RING;
	chain(65535);
	assert_int_equal(sts(), IOAT_DONE);
	rig.accesses = 0;
	rig_write(&rig, DMACOUNT, 2, 4);
	assert_int_equal(rig.accesses, 5 * 3);
}

static void errors(uint64_t bad, uint32_t want, bool completion)
{
	desc(0, 0, DATA, DATA + 0x1000, 64);
	desc(1, IOAT_DESC_CTL_COMPLETION, DATA + 0x2000, DATA + 0x3000, 64);
	rig.bad = bad;
	chain(2);
	assert_int_equal(rig_read(&rig, CHANERR, 4), want);
	assert_int_equal(sts(), IOAT_HALTED);
	assert_int_equal(pci_config_get(rig.dev, IOAT_CFG_CHANERR_INT, 4),
			 want);
	if (completion)
		assert_int_equal(status_word(), RING | IOAT_HALTED);
	/* Halted: more descriptors do not wake it. */
	rig.accesses = 0;
	rig_write(&rig, DMACOUNT, 2, 5);
	assert_int_equal(rig.accesses, 0);
	/* Write 1 to clear, then reset, then it works. */
	rig.bad = ~UINT64_C(0);
	rig_write(&rig, CHANERR, 4, want);
	assert_int_equal(rig_read(&rig, CHANERR, 4), 0);
	pci_config_set(rig.dev, IOAT_CFG_CHANERR_INT, 4, want);
	assert_int_equal(pci_config_get(rig.dev, IOAT_CFG_CHANERR_INT, 4), 0);
	rig_write(&rig, CHANCMD, 1, 0x20);
	rig_write(&rig, CHANCMP, 8, STATUS);
	chain(2);
	assert_int_equal(sts(), IOAT_DONE);
}

static void source_error(void **state)
{
	errors(DATA + 0x2000, IOAT_CHANERR_SRC_ADDR, true);
}

static void destination_error(void **state)
{
	errors(DATA + 0x303f, IOAT_CHANERR_DST_ADDR, true);
}

/* In another page than the first: what lies together is fetched together. */
static void fetch_error(void **state)
{
	desc(0, 0, DATA, DATA + 0x1000, 64)->next = RING + 0x1000;
	rig.bad = RING + 0x1000;
	chain(2);
	assert_int_equal(rig_read(&rig, CHANERR, 4),
			 IOAT_CHANERR_NEXT_ADDR | IOAT_CHANERR_READ_DATA);
	assert_int_equal(sts(), IOAT_HALTED);
	assert_int_equal(status_word(), RING | IOAT_HALTED);
}

/*
 * Descriptors beyond what was promised are not looked at before: software may
 * still write them; and those done before are fetched anew.
 */
static void descriptors_are_not_kept(void **state)
{
	for (unsigned int i = 0; i < 16; i++)
		desc(i, 0, DATA, DATA + 0x1000 + 16 * i, 8);
	memset(at(DATA), 1, 8);
	rig.accesses = 0;
	chain(3);
	assert_int_equal(rig.accesses, 1 + 3 * 2);
	/* The fourth, and after a round the first. */
	desc(3, 0, DATA, DATA + 0x3000, 8);
	desc(0, 0, DATA, DATA + 0x4000, 8);
	rig_write(&rig, DMACOUNT, 2, 17);
	assert_int_equal(at(DATA + 0x3000)[7], 1);
	assert_int_equal(at(DATA + 0x4000)[7], 1);
	/* A chain that jumps out of what was fetched. */
	desc(0, 0, DATA, DATA + 0x5000, 8)->next = RING + 5 * 64;
	desc(1, 0, DATA, DATA + 0x6000, 8);
	desc(5, 0, DATA, DATA + 0x7000, 8);
	chain(2);
	assert_int_equal(at(DATA + 0x5000)[0], 1);
	assert_int_equal(at(DATA + 0x6000)[0], 0);
	assert_int_equal(at(DATA + 0x7000)[0], 1);
}

static void completion_error(void **state)
{
	errors(STATUS, IOAT_CHANERR_COMPLETION_ADDR, false);
}

static void bad_descriptor(uint32_t ctl, uint32_t size, uint64_t next,
			   uint32_t want)
{
	desc(0, 0, DATA, DATA + 0x1000, 8);
	if (next)
		((struct ioat_desc *)at(RING))->next = next;
	desc(1, ctl, DATA, DATA + 0x1000, size);
	chain(2);
	assert_int_equal(rig_read(&rig, CHANERR, 4), want);
	assert_int_equal(sts(), IOAT_HALTED);
	assert_int_equal(status_word(), RING | IOAT_HALTED);
}

static void unknown_operation(void **state)
{
	bad_descriptor(0x87000000, 8, 0, IOAT_CHANERR_CONTROL);
}

static void size_zero(void **state)
{
	bad_descriptor(0, 0, 0, IOAT_CHANERR_LENGTH);
}

static void size_beyond_capability(void **state)
{
	bad_descriptor(0, 0x100001, 0, IOAT_CHANERR_LENGTH);
}

static void unaligned_next(void **state)
{
	bad_descriptor(0, 8, RING + 32, IOAT_CHANERR_DESC_ALIGN);
}

static void masked_error_goes_on(void **state)
{
	rig_write(&rig, CHANERRMASK, 4, IOAT_CHANERR_SRC_ADDR);
	rig.bad = DATA;
	desc(0, 0, DATA, DATA + 0x1000, 8);
	at(DATA + 0x100)[0] = 7;
	desc(1, IOAT_DESC_CTL_COMPLETION, DATA + 0x100, DATA + 0x2000, 1);
	chain(2);
	assert_int_equal(rig_read(&rig, CHANERR, 4), IOAT_CHANERR_SRC_ADDR);
	assert_int_equal(sts(), IOAT_DONE);
	assert_int_equal(at(DATA + 0x2000)[0], 7);
}

static void two_commands_at_once(void **state)
{
	rig_write(&rig, CHANCMD, 1, 0x24);
	assert_int_equal(rig_read(&rig, CHANERR, 4), IOAT_CHANERR_CHANCMD);
}

static void suspend_and_go_on(void **state)
{
	for (unsigned int i = 0; i < 4; i++)
		desc(i, IOAT_DESC_CTL_COMPLETION, DATA, DATA + 0x100, 8);
	rig_write(&rig, CHAINADDR, 8, RING);
	rig_write(&rig, CHANCMD, 1, 0x04);
	assert_int_equal(sts(), IOAT_SUSPENDED);
	rig_write(&rig, DMACOUNT, 2, 2);
	assert_int_equal(sts(), IOAT_DONE);
	rig_write(&rig, CHANCMD, 1, 0x04);
	assert_int_equal(sts(), IOAT_SUSPENDED);
	rig_write(&rig, DMACOUNT, 2, 4);
	assert_int_equal(status_word(), (RING + 3 * 64) | IOAT_DONE);
}

/* In the middle of a descriptor: it is finished, the next one waits. */
static void suspend_while_pending(void **state)
{
	for (unsigned int i = 0; i < 3; i++)
		desc(i, IOAT_DESC_CTL_COMPLETION, DATA, DATA + 0x100, 8);
	rig.pend = true;
	chain(3);
	assert_int_equal(sts(), IOAT_ACTIVE);
	rig_write(&rig, CHANCMD, 1, 0x04);
	assert_int_equal(sts(), IOAT_ACTIVE);
	while (rig_resume(&rig))
		;
	assert_int_equal(sts(), IOAT_SUSPENDED);
	assert_int_equal(rig_read(&rig, CHANSTS, 8) & ~63ull, RING);
	rig_write(&rig, CHANCMD, 1, 0x10);
	while (rig_resume(&rig))
		;
	assert_int_equal(sts(), IOAT_DONE);
	assert_int_equal(status_word(), (RING + 2 * 64) | IOAT_DONE);
}

/* Every access parked: nobody waits, and the result is the same. */
static void every_access_pending(void **state)
{
	unsigned int resumed = 0;

	memset(at(DATA), 0x77, 0x11000);
	desc(0, IOAT_DESC_CTL_COMPLETION, DATA, DATA + 0x18000, 0x11000);
	rig.pend = true;
	chain(1);
	while (rig_resume(&rig))
		resumed++;
	assert_int_equal(resumed, 1 + 2 * 2 + 1);
	assert_int_equal(sts(), IOAT_DONE);
	assert_memory_equal(at(DATA), at(DATA + 0x18000), 0x11000);
	assert_int_equal(status_word(), RING | IOAT_DONE);
}

/* Work that arrives while an access is pending is not lost. */
static void count_while_pending(void **state)
{
	for (unsigned int i = 0; i < 3; i++)
		desc(i, IOAT_DESC_CTL_COMPLETION, DATA, DATA + 0x100, 8);
	rig.pend = true;
	chain(1);
	rig_write(&rig, DMACOUNT, 2, 3);
	while (rig_resume(&rig))
		;
	assert_int_equal(status_word(), (RING + 2 * 64) | IOAT_DONE);
}

/* Reset waits for the access that is out, without making anybody wait. */
static void reset_while_pending(void **state)
{
	desc(0, IOAT_DESC_CTL_COMPLETION, DATA, DATA + 0x100, 8);
	rig.pend = true;
	chain(1);
	rig_write(&rig, CHANCMD, 1, 0x20);
	assert_int_equal(rig_read(&rig, CHANCMD, 1), 0x20);
	assert_true(rig_resume(&rig));
	assert_false(rig_resume(&rig));
	assert_int_equal(rig_read(&rig, CHANCMD, 1), 0);
	assert_int_equal(rig_read(&rig, CHANSTS, 8), IOAT_HALTED);
	/* Function level reset likewise. */
	rig_write(&rig, CHANCMP, 8, STATUS);
	chain(1);
	pcidev_reset(rig.dev);
	rig_command(&rig, PCIE_COMMAND_MEMORY | PCIE_COMMAND_BUS_MASTER);
	assert_true(rig_resume(&rig));
	assert_false(rig_resume(&rig));
	assert_int_equal(rig_read(&rig, CHANSTS, 8), IOAT_HALTED);
	assert_int_equal(status_word(), 0);
}

static void interrupt_once_until_rearmed(void **state)
{
	rig_msix(&rig, 0);
	rig_write(&rig, 0x03, 1, IOAT_INTRCTRL_VECTORS);
	for (unsigned int i = 0; i < 4; i++)
		desc(i, i < 3 ? IOAT_DESC_CTL_INT : 0, DATA, DATA + 0x100, 8);
	chain(1);
	assert_int_equal(rig.fired, 1);
	assert_true(rig_read(&rig, CHANCTRL, 2) & 1);
	rig_write(&rig, DMACOUNT, 2, 3);
	assert_int_equal(rig.fired, 1);
	rig_write(&rig, CHANCTRL, 2, 0x9);
	assert_false(rig_read(&rig, CHANCTRL, 2) & 1);
	rig_write(&rig, DMACOUNT, 2, 4);
	assert_int_equal(rig.fired, 1); /* the ring's fourth asks for none */
	chain(1);
	assert_int_equal(rig.fired, 2);
}

static void error_interrupt(void **state)
{
	rig_msix(&rig, 0);
	rig_write(&rig, 0x03, 1, IOAT_INTRCTRL_VECTORS);
	rig_write(&rig, CHANCTRL, 2, IOAT_CHANCTRL_ERR_INT);
	rig.bad = DATA;
	desc(0, 0, DATA, DATA + 0x100, 8);
	chain(1);
	assert_int_equal(rig.fired, 1);
	/* An unaligned chain address is one too. */
	rig_write(&rig, CHANERR, 4, ~0u);
	rig_write(&rig, CHANCMD, 1, 0x20);
	rig_write(&rig, CHANCTRL, 2, IOAT_CHANCTRL_ERR_INT);
	rig_write(&rig, CHAINADDR, 8, RING + 8);
	rig_write(&rig, DMACOUNT, 2, 1);
	assert_int_equal(rig_read(&rig, CHANERR, 4), IOAT_CHANERR_CHAIN_ADDR);
	assert_int_equal(rig.fired, 2);
}

static void attention_status_clears_by_reading(void **state)
{
	rig_write(&rig, 0x03, 1, IOAT_INTRCTRL_MASTER_EN);
	desc(0, IOAT_DESC_CTL_INT, DATA, DATA + 0x100, 8);
	chain(1);
	assert_true(rig.dev->intx);
	assert_true(pci_config_get(rig.dev, PCIE_CFG_STATUS, 2) &
		    PCIE_STATUS_INTERRUPT);
	assert_int_equal(rig_read(&rig, 0x03, 1), 7);
	/* Reading took the master enable away. */
	assert_false(rig.dev->intx);
	assert_int_equal(rig_read(&rig, 0x03, 1), 2);
	assert_int_equal(rig_read(&rig, 0x04, 4), 1);
	assert_int_equal(rig_read(&rig, 0x04, 4), 0);
}

static void bus_master_off_aborts(void **state)
{
	rig_command(&rig, PCIE_COMMAND_MEMORY);
	desc(0, 0, DATA, DATA + 0x100, 8);
	chain(1);
	assert_int_equal(rig.accesses, 0);
	assert_int_equal(sts(), IOAT_HALTED);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(registers_after_reset),
		T(chain_address_arms),
		T(copy_larger_than_the_buffer),
		T(fill_repeats_the_pattern),
		T(null_moves_nothing),
		T(count_goes_on),
		T(count_wraps),
		T(source_error),
		T(destination_error),
		T(fetch_error),
		T(descriptors_are_not_kept),
		T(completion_error),
		T(unknown_operation),
		T(size_zero),
		T(size_beyond_capability),
		T(unaligned_next),
		T(masked_error_goes_on),
		T(two_commands_at_once),
		T(suspend_and_go_on),
		T(suspend_while_pending),
		T(every_access_pending),
		T(count_while_pending),
		T(reset_while_pending),
		T(interrupt_once_until_rearmed),
		T(error_interrupt),
		T(attention_status_clears_by_reading),
		T(bus_master_off_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
