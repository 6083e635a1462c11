/* SPDX-License-Identifier: BSD-2-Clause */
/* testep_test.c - the test endpoint's registers, slots and requests. */
#include "machine/dev/testep_regs.h"
#include "rig.h"

static void slot_write(struct rig *rig, unsigned int slot, uint64_t reg,
		       unsigned int size, uint64_t val)
{
	rig_write(rig, TESTEP_SLOT(slot) + reg, size, val);
}

static uint64_t slot_read(struct rig *rig, unsigned int slot, uint64_t reg,
			  unsigned int size)
{
	return rig_read(rig, TESTEP_SLOT(slot) + reg, size);
}

static uint32_t op(enum testep_op code)
{
	return FIELD_PREP(TESTEP_CTRL_OP, code);
}

static void page_set(struct rig *rig, unsigned int slot, unsigned int at,
		     uint64_t val)
{
	rig_write(rig, TESTEP_PAGES + slot * TESTEP_PAGE_SIZE + at, 8, val);
}

static uint64_t page_get(struct rig *rig, unsigned int slot, unsigned int at)
{
	return rig_read(rig, TESTEP_PAGES + slot * TESTEP_PAGE_SIZE + at, 8);
}

static uint64_t mem_get(struct rig *rig, uint64_t at)
{
	uint64_t val;

	memcpy(&val, &rig->mem[at], sizeof(val));
	return val;
}

/* What programs for the simple kind do, with its registers only. */
static void simple_commands(void **state)
{
	static struct rig rig;
	unsigned int i;

	rig_init(&rig, &pcidev_testep);
	memset(rig.mem, 0x42, TESTEP_PAGE_SIZE);
	/* the address in halves, low one first */
	rig_write(&rig, 0x0, 4, (uint32_t)RIG_IOVA);
	rig_write(&rig, 0x4, 4, RIG_IOVA >> 32);
	rig_write(&rig, 0x8, 4, 3);
	assert_int_equal(rig_read(&rig, 0x8, 4), 2);
	for (i = 0; i < TESTEP_PAGE_SIZE; i += 8)
		assert_int_equal(rig_read(&rig, 0x1000 + i, 8),
				 0x4242424242424242);
	memset(rig.mem, 0, TESTEP_PAGE_SIZE);
	rig_write(&rig, 0x8, 4, 1);
	assert_int_equal(rig_read(&rig, 0x8, 4), 0);
	assert_int_equal(rig_read(&rig, 0x10, 4), TESTEP_OK);
	assert_int_equal(rig_read(&rig, 0x1c, 4), 2);
	for (i = 0; i < TESTEP_PAGE_SIZE; i++)
		assert_int_equal(rig.mem[i], 0x42);
	rig_fini(&rig);
}

/* A doorbell returns although the page is not there. */
static void pending_command(void **state)
{
	static struct rig rig;

	rig_init(&rig, &pcidev_testep);
	rig.pend = true;
	rig_write(&rig, TESTEP_PAGE0, 8, 0x1122334455667788);
	rig_write(&rig, TESTEP_ADDR, 8, RIG_IOVA + 8);
	rig_write(&rig, TESTEP_LEN, 4, 8);
	rig_write(&rig, TESTEP_CMD, 4, TESTEP_CMD_START);
	assert_int_equal(rig_read(&rig, TESTEP_CMD, 4), TESTEP_CMD_START);
	assert_int_equal(rig_read(&rig, TESTEP_STATUS, 4), TESTEP_WORKING);
	assert_int_equal(rig_read(&rig, TESTEP_WORK, 8), 1);
	/* neither page nor registers while it works, and not started again */
	assert_int_equal(rig_read(&rig, TESTEP_PAGE0, 8), 0);
	rig_write(&rig, TESTEP_PAGE0, 8, 0);
	rig_write(&rig, TESTEP_ADDR, 8, 0);
	rig_write(&rig, TESTEP_CMD, 4, TESTEP_CMD_START | TESTEP_CMD_READ);
	rig_write(&rig, TESTEP_START, 8, 1);
	assert_int_equal(rig.accesses, 1);
	assert_true(rig_resume(&rig));
	assert_int_equal(rig_read(&rig, TESTEP_CMD, 4), 0);
	assert_int_equal(rig_read(&rig, TESTEP_ADDR, 8), RIG_IOVA + 8);
	assert_int_equal(mem_get(&rig, 8), 0x1122334455667788);
	assert_int_equal(rig_read(&rig, TESTEP_PAGE0, 8), 0x1122334455667788);
	rig_fini(&rig);
}

static void slots_are_independent(void **state)
{
	static struct rig rig;
	unsigned int i;

	rig_init(&rig, &pcidev_testep);
	for (i = 0; i < TESTEP_SLOTS; i++) {
		page_set(&rig, i, 0, 0x100 + i);
		slot_write(&rig, i, TESTEP_SLOT_ADDR, 8, RIG_IOVA + 64 * i);
		slot_write(&rig, i, TESTEP_SLOT_LEN, 4, 8);
		slot_write(&rig, i, TESTEP_SLOT_CTRL, 4, op(TESTEP_OP_WRITE));
	}
	assert_int_equal(rig.accesses, 0);
	rig.bad = RIG_IOVA + 64 * 5;
	rig_write(&rig, TESTEP_START, 8, ~UINT64_C(1));
	assert_int_equal(rig.accesses, TESTEP_SLOTS - 1);
	assert_int_equal(rig_read(&rig, TESTEP_FINISHED, 8), ~UINT64_C(1));
	assert_int_equal(rig_read(&rig, TESTEP_DONE, 4), TESTEP_SLOTS - 1);
	for (i = 0; i < TESTEP_SLOTS; i++) {
		bool moved = i != 0 && i != 5;

		assert_int_equal(mem_get(&rig, 64 * i), moved ? 0x100 + i : 0);
		assert_int_equal(slot_read(&rig, i, TESTEP_SLOT_STATUS, 4),
				 i == 5 ? TESTEP_ABORTED : TESTEP_OK);
	}
	rig_write(&rig, TESTEP_FINISHED, 8, 0xf0);
	assert_int_equal(rig_read(&rig, TESTEP_FINISHED, 8), ~UINT64_C(0xf1));
	assert_int_equal(page_get(&rig, 7, 0), 0x107);
	/* slot 0 and the simple registers are one */
	assert_int_equal(rig_read(&rig, TESTEP_ADDR, 8), RIG_IOVA);
	assert_int_equal(rig_read(&rig, TESTEP_PAGE0, 8), 0x100);
	rig_fini(&rig);
}

static void registers_keep_what_they_have(void **state)
{
	static struct rig rig;

	rig_init(&rig, &pcidev_testep);
	slot_write(&rig, 63, TESTEP_SLOT_CTRL, 4, ~TESTEP_CTRL_START);
	assert_int_equal(slot_read(&rig, 63, TESTEP_SLOT_CTRL, 4),
			 TESTEP_CTRL_BITS);
	slot_write(&rig, 63, TESTEP_SLOT_PASID, 4, ~0u);
	assert_int_equal(slot_read(&rig, 63, TESTEP_SLOT_PASID, 4), 0xfffff);
	slot_write(&rig, 63, TESTEP_SLOT_OPERAND, 8, 0x0123456789abcdef);
	slot_write(&rig, 63, TESTEP_SLOT_COMPARE + 4, 4, 0x55);
	assert_int_equal(slot_read(&rig, 63, TESTEP_SLOT_OPERAND, 8),
			 0x0123456789abcdef);
	assert_int_equal(slot_read(&rig, 63, TESTEP_SLOT_OPERAND + 4, 4),
			 0x01234567);
	assert_int_equal(slot_read(&rig, 63, TESTEP_SLOT_COMPARE, 8),
			 UINT64_C(0x55) << 32);
	/* lengths that cannot be, read-only registers, holes */
	slot_write(&rig, 63, TESTEP_SLOT_LEN, 4, 0);
	slot_write(&rig, 63, TESTEP_SLOT_LEN, 4, 4097);
	assert_int_equal(slot_read(&rig, 63, TESTEP_SLOT_LEN, 4), 4096);
	slot_write(&rig, 63, TESTEP_SLOT_RESULT, 8, 1);
	slot_write(&rig, 63, TESTEP_SLOT_STATUS, 4, 1);
	assert_int_equal(slot_read(&rig, 63, TESTEP_SLOT_RESULT, 8), 0);
	assert_int_equal(slot_read(&rig, 63, TESTEP_SLOT_STATUS, 4), 0);
	assert_int_equal(slot_read(&rig, 63, 0x38, 8), 0);
	rig_write(&rig, 0x5000, 8, 1);
	assert_int_equal(rig_read(&rig, 0x5000, 8), 0);
	/* the last byte of the last page */
	rig_write(&rig, TESTEP_BAR_SIZE - 1, 1, 0xab);
	assert_int_equal(rig_read(&rig, TESTEP_BAR_SIZE - 1, 1), 0xab);
	rig_fini(&rig);
}

/* What the capabilities do not allow is not sent. */
static void refused_requests(void **state)
{
	static const uint32_t ctrl[] = {
		TESTEP_CTRL_PASID,
		TESTEP_CTRL_PRIV,
		TESTEP_CTRL_EXEC,
		TESTEP_NR_OPS << 4,
		0xf << 4,
		TESTEP_OP_TRANSLATE << 4 | TESTEP_CTRL_WANT_R,
		TESTEP_OP_PAGE_REQUEST << 4 | TESTEP_CTRL_WANT_R,
		TESTEP_OP_STOP_MARKER << 4 | TESTEP_CTRL_PASID,
	};
	static struct rig rig;
	unsigned int i;

	rig_init(&rig, &pcidev_testep);
	assert_int_equal(rig_read(&rig, TESTEP_CAPS, 4), 0);
	slot_write(&rig, 1, TESTEP_SLOT_ADDR, 8, RIG_IOVA);
	for (i = 0; i < ARRAY_SIZE(ctrl); i++) {
		slot_write(&rig, 1, TESTEP_SLOT_CTRL, 4,
			   ctrl[i] | TESTEP_CTRL_START);
		assert_int_equal(slot_read(&rig, 1, TESTEP_SLOT_STATUS, 4),
				 TESTEP_REFUSED);
	}
	assert_int_equal(rig.accesses, 0);
	/* with PASIDs enabled the first three are sent, step by step */
	pci_config_set(rig.dev, rig.dev->cap_pasid + PCIE_PASID_CTRL, 2,
		       PCIE_PASID_CTRL_ENABLE | PCIE_PASID_CTRL_PRIV);
	assert_int_equal(rig_read(&rig, TESTEP_CAPS, 4),
			 TESTEP_CAPS_PASID | TESTEP_CAPS_PRIV);
	slot_write(&rig, 1, TESTEP_SLOT_CTRL, 4,
		   TESTEP_CTRL_PASID | TESTEP_CTRL_PRIV | TESTEP_CTRL_START);
	assert_int_equal(slot_read(&rig, 1, TESTEP_SLOT_STATUS, 4), TESTEP_OK);
	slot_write(&rig, 1, TESTEP_SLOT_CTRL, 4,
		   TESTEP_CTRL_PASID | TESTEP_CTRL_EXEC | TESTEP_CTRL_START);
	assert_int_equal(slot_read(&rig, 1, TESTEP_SLOT_STATUS, 4),
			 TESTEP_REFUSED);
	assert_int_equal(rig.accesses, 1);
	/* not a master: nothing is sent at all */
	rig_command(&rig, PCIE_COMMAND_MEMORY);
	slot_write(&rig, 1, TESTEP_SLOT_CTRL, 4, TESTEP_CTRL_START);
	assert_int_equal(slot_read(&rig, 1, TESTEP_SLOT_STATUS, 4),
			 TESTEP_ABORTED);
	assert_int_equal(rig.accesses, 1);
	rig_fini(&rig);
}

static void interrupt_per_request(void **state)
{
	static struct rig rig;

	rig_init(&rig, &pcidev_testep);
	rig_msix(&rig, 3);
	slot_write(&rig, 9, TESTEP_SLOT_ADDR, 8, RIG_IOVA);
	slot_write(&rig, 9, TESTEP_SLOT_CTRL, 4,
		   TESTEP_CTRL_START | TESTEP_CTRL_IRQ |
			   FIELD_PREP(TESTEP_CTRL_VECTOR, 3));
	assert_int_equal(rig.fired, 1);
	/* also for one that is refused, and not for who did not ask */
	slot_write(&rig, 9, TESTEP_SLOT_CTRL, 4,
		   TESTEP_CTRL_START | TESTEP_CTRL_IRQ | TESTEP_CTRL_PASID |
			   FIELD_PREP(TESTEP_CTRL_VECTOR, 3));
	assert_int_equal(rig.fired, 2);
	slot_write(&rig, 9, TESTEP_SLOT_CTRL, 4, TESTEP_CTRL_START);
	assert_int_equal(rig.fired, 2);
	rig_fini(&rig);
}

/* A request that a reset overtook ends for nobody. */
static void reset_while_pending(void **state)
{
	static struct rig rig;

	rig_init(&rig, &pcidev_testep);
	rig.pend = true;
	slot_write(&rig, 2, TESTEP_SLOT_ADDR, 8, RIG_IOVA);
	slot_write(&rig, 2, TESTEP_SLOT_CTRL, 4,
		   TESTEP_CTRL_START | TESTEP_CTRL_IRQ);
	rig.pend = false;
	slot_write(&rig, 3, TESTEP_SLOT_ADDR, 8, RIG_IOVA);
	pcidev_reset(rig.dev);
	rig_command(&rig, PCIE_COMMAND_MEMORY | PCIE_COMMAND_BUS_MASTER);
	rig_msix(&rig, 0);
	assert_int_equal(slot_read(&rig, 3, TESTEP_SLOT_ADDR, 8), 0);
	assert_int_equal(rig_read(&rig, TESTEP_WORK, 8), 4);
	slot_write(&rig, 2, TESTEP_SLOT_CTRL, 4, TESTEP_CTRL_START);
	assert_true(rig_resume(&rig));
	assert_int_equal(rig_read(&rig, TESTEP_WORK, 8), 0);
	assert_int_equal(rig_read(&rig, TESTEP_FINISHED, 8), 0);
	assert_int_equal(rig_read(&rig, TESTEP_DONE, 4), 0);
	assert_int_equal(slot_read(&rig, 2, TESTEP_SLOT_ADDR, 8), 0);
	assert_int_equal(slot_read(&rig, 2, TESTEP_SLOT_CTRL, 4), 0);
	assert_int_equal(rig.fired, 0);
	rig_fini(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(simple_commands),
		cmocka_unit_test(pending_command),
		cmocka_unit_test(slots_are_independent),
		cmocka_unit_test(registers_keep_what_they_have),
		cmocka_unit_test(refused_requests),
		cmocka_unit_test(interrupt_per_request),
		cmocka_unit_test(reset_while_pending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
