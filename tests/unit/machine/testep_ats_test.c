/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * testep_ats_test.c - what the test endpoint does with an SMMU: ATS, PRI,
 * PASIDs, stalls, and what its capabilities say of it.
 */
#include "ats_rig.h"

#define IOVA UINT64_C(0xfef00000)
#define READ ATS_OP(TESTEP_OP_READ)
#define WRITE ATS_OP(TESTEP_OP_WRITE)
#define WANT (TESTEP_CTRL_WANT_R | TESTEP_CTRL_WANT_W)

static uint32_t pri_status(struct ats_rig *rig)
{
	return ats_cfg(rig, rig->dev->cap_pri + PCIE_PRI_STATUS, 2);
}

/* The whole story of libvfn's iopf, below the ABI. */
static void a_page_comes_when_it_is_asked_for(void **state)
{
	struct ats_rig *rig = ats_rig_new(false);
	unsigned int i;

	assert_int_equal(ats_read(rig, TESTEP_CAPS, 4),
			 TESTEP_CAPS_ATS | TESTEP_CAPS_PRI | TESTEP_CAPS_PASID |
				 TESTEP_CAPS_EXEC | TESTEP_CAPS_PRIV);
	memset(rig->mem, 0x42, TESTEP_PAGE_SIZE);
	ats_write(rig, TESTEP_ADDR, 4, (uint32_t)IOVA);
	ats_write(rig, TESTEP_ADDR + 4, 4, IOVA >> 32);
	ats_write(rig, TESTEP_CMD, 4, TESTEP_CMD_START | TESTEP_CMD_READ);
	assert_true(ats_read(rig, TESTEP_CMD, 4) & TESTEP_CMD_START);
	assert_int_equal(rig->nr_pages, 1);
	assert_int_equal(rig->page[0].iova, IOVA);
	assert_int_equal(rig->page[0].flags,
			 UIOMMU_PAGE_READ | UIOMMU_PAGE_LAST);
	assert_ptr_equal(rig->page[0].cookie, rig->dev);
	ats_map(rig, rig->dom, IOVA, 0);
	ats_answer_page(rig, 0, UIOMMU_PAGE_SUCCESS);
	assert_false(ats_read(rig, TESTEP_CMD, 4) & TESTEP_CMD_START);
	memset(rig->mem, 0, TESTEP_PAGE_SIZE);
	ats_write(rig, TESTEP_CMD, 4, TESTEP_CMD_START);
	assert_false(ats_read(rig, TESTEP_CMD, 4) & TESTEP_CMD_START);
	for (i = 0; i < TESTEP_PAGE_SIZE; i++)
		assert_int_equal(rig->mem[i], 0x42);
	assert_int_equal(rig->nr_faults, 0);
	ats_rig_free(rig);
}

/* All slots wait; half of them for their turn to ask. */
static void every_slot_waits(void **state)
{
	struct ats_rig *rig = ats_rig_new(false);
	unsigned int i;

	for (i = 0; i < TESTEP_SLOTS; i++) {
		*ats_word(rig, i, 8) = 0x1000 + i;
		assert_int_equal(ats_go(rig, i, READ,
					IOVA + i * TESTEP_PAGE_SIZE, 4096),
				 TESTEP_WORKING);
	}
	assert_int_equal(rig->nr_pages, 32);
	assert_int_equal(ats_read(rig, TESTEP_WORK, 8), UINT64_MAX);
	for (i = 0; i < TESTEP_SLOTS; i++)
		ats_map(rig, rig->dom, IOVA + i * TESTEP_PAGE_SIZE, i);
	for (i = 0; i < rig->nr_pages; i++)
		ats_answer_page(rig, i, UIOMMU_PAGE_SUCCESS);
	assert_int_equal(ats_read(rig, TESTEP_WORK, 8), 0);
	assert_int_equal(ats_read(rig, TESTEP_DONE, 4), TESTEP_SLOTS);
	for (i = 0; i < TESTEP_SLOTS; i++) {
		assert_int_equal(ats_status(rig, i), TESTEP_OK);
		assert_int_equal(
			ats_read(rig, TESTEP_PAGES + i * TESTEP_PAGE_SIZE + 8,
				 8),
			0x1000 + i);
	}
	ats_rig_free(rig);
}

static void atomics(void **state)
{
	for (unsigned int stall = 0; stall < 2; stall++) {
		struct ats_rig *rig = ats_rig_new(stall);
		uint64_t slot = TESTEP_SLOT(4);

		ats_map(rig, rig->dom, IOVA, 0);
		*ats_word(rig, 0, 16) = 40;
		ats_write(rig, slot + TESTEP_SLOT_OPERAND, 8, 2);
		/* when software allows it */
		assert_int_equal(ats_go(rig, 4, ATS_OP(TESTEP_OP_FETCH_ADD),
					IOVA + 16, 8),
				 TESTEP_REFUSED);
		ats_set_cfg(rig, rig->dev->cap_exp + PCIE_EXP_DEVCTL2, 2,
			    PCIE_EXP_DEVCTL2_ATOMIC_REQ);
		assert_true(ats_read(rig, TESTEP_CAPS, 4) &
			    TESTEP_CAPS_ATOMICS);
		assert_int_equal(ats_go(rig, 4, ATS_OP(TESTEP_OP_FETCH_ADD),
					IOVA + 16, 8),
				 TESTEP_OK);
		assert_int_equal(ats_read(rig, slot + TESTEP_SLOT_RESULT, 8),
				 40);
		assert_int_equal(*ats_word(rig, 0, 16), 42);
		ats_write(rig, slot + TESTEP_SLOT_COMPARE, 8, 42);
		ats_write(rig, slot + TESTEP_SLOT_OPERAND, 8, 7);
		ats_go(rig, 4, ATS_OP(TESTEP_OP_CAS), IOVA + 16, 4);
		assert_int_equal(*ats_word(rig, 0, 16), 7);
		ats_write(rig, slot + TESTEP_SLOT_OPERAND, 8, 1);
		ats_go(rig, 4, ATS_OP(TESTEP_OP_SWAP), IOVA + 16, 8);
		assert_int_equal(ats_read(rig, slot + TESTEP_SLOT_RESULT, 8),
				 7);
		assert_int_equal(*ats_word(rig, 0, 16), 1);
		assert_int_equal(ats_go(rig, 4, ATS_OP(TESTEP_OP_SWAP),
					IOVA + 17, 8),
				 TESTEP_REFUSED);
		assert_int_equal(ats_go(rig, 4, ATS_OP(TESTEP_OP_SWAP), IOVA,
					16),
				 TESTEP_REFUSED);
		ats_rig_free(rig);
	}
}

static void translated_by_hand(void **state)
{
	struct ats_rig *rig = ats_rig_new(false);
	struct uiommu_smmuv3_endpoint_stats s;
	uint32_t xlate;
	uint64_t pa;

	ats_map(rig, rig->dom, IOVA, 3);
	*ats_word(rig, 3, 0) = 0x77;
	assert_int_equal(ats_go(rig, 1, ATS_OP(TESTEP_OP_TRANSLATE) | WANT,
				IOVA + 0x123, 1),
			 TESTEP_OK);
	pa = ats_read(rig, TESTEP_SLOT(1) + TESTEP_SLOT_RESULT, 8);
	xlate = ats_read(rig, TESTEP_SLOT(1) + TESTEP_SLOT_XLATE, 4);
	assert_int_equal(pa, (uintptr_t)ats_word(rig, 3, 0));
	assert_int_equal(xlate & TESTEP_XLATE_SIZE_LG2, 12);
	assert_true(xlate & TESTEP_XLATE_R && xlate & TESTEP_XLATE_W);
	assert_int_equal(ats_go(rig, 2, READ | TESTEP_CTRL_TRANSLATED, pa, 8),
			 TESTEP_OK);
	assert_int_equal(ats_read(rig, TESTEP_PAGES + 2 * TESTEP_PAGE_SIZE, 8),
			 0x77);
	/* nothing there: an answer that grants nothing */
	assert_int_equal(ats_go(rig, 1, ATS_OP(TESTEP_OP_TRANSLATE) | WANT,
				IOVA + 0x1000, 1),
			 TESTEP_OK);
	xlate = ats_read(rig, TESTEP_SLOT(1) + TESTEP_SLOT_XLATE, 4);
	assert_false(xlate & (TESTEP_XLATE_R | TESTEP_XLATE_W));
	/* past the ATC */
	assert_int_equal(ats_go(rig, 2, READ | TESTEP_CTRL_UNTRANSLATED, IOVA,
				8),
			 TESTEP_OK);
	uiommu_smmuv3_endpoint_stats(rig->dev->ep, &s);
	assert_int_equal(s.atc_hits + s.atc_misses, 0);
	/* without ATS neither works, and the second is told to the host */
	ats_set_cfg(rig, rig->dev->cap_ats + PCIE_ATS_CTRL, 2, 0);
	assert_int_equal(ats_go(rig, 1, ATS_OP(TESTEP_OP_TRANSLATE) | WANT,
				IOVA, 1),
			 TESTEP_REFUSED);
	rig->unit->ops->dev_remove(rig->hwdev);
	machine_settle(&rig->machine);
	assert_int_equal(ats_go(rig, 2, READ | TESTEP_CTRL_TRANSLATED, pa, 8),
			 TESTEP_ABORTED);
	/* for ats_rig_free() */
	{
		const uint32_t sid = 0x100;
		struct uiommu_hwdev_cfg cfg = { .ids = &sid, .nr_ids = 1 };

		assert_int_equal(rig->unit->ops->dev_add(rig->unit, &cfg,
							 &rig->hwdev),
				 0);
	}
	ats_rig_free(rig);
}

static void page_requests_by_hand(void **state)
{
	struct ats_rig *rig = ats_rig_new(false);
	uint32_t ctrl = ATS_OP(TESTEP_OP_PAGE_REQUEST) | WANT;
	uint32_t status_off = rig->dev->cap_pri + PCIE_PRI_STATUS;
	uint32_t ctrl_off = rig->dev->cap_pri + PCIE_PRI_CTRL;

	/* on: it is not stopped, whether there is a request or not */
	assert_false(pri_status(rig) & PCIE_PRI_STATUS_STOPPED);
	ats_write(rig, TESTEP_SLOT(1) + TESTEP_SLOT_PASID, 4, 5);
	assert_int_equal(ats_go(rig, 1, ctrl | TESTEP_CTRL_PASID, IOVA, 1),
			 TESTEP_WORKING);
	assert_false(pri_status(rig) & PCIE_PRI_STATUS_STOPPED);
	assert_int_equal(rig->page[0].pasid, 5);
	assert_int_equal(rig->page[0].flags, UIOMMU_PAGE_READ |
						     UIOMMU_PAGE_WRITE |
						     UIOMMU_PAGE_LAST);
	ats_answer_page(rig, 0, UIOMMU_PAGE_SUCCESS);
	assert_int_equal(ats_status(rig, 1), TESTEP_OK);
	ats_go(rig, 1, ctrl, IOVA, 1);
	ats_answer_page(rig, 1, UIOMMU_PAGE_INVALID);
	assert_int_equal(ats_status(rig, 1), TESTEP_INVALID);
	assert_int_equal(
		ats_go(rig, 1,
		       ATS_OP(TESTEP_OP_STOP_MARKER) | TESTEP_CTRL_PASID, 0, 1),
		TESTEP_OK);
	assert_int_equal(rig->page[2].flags, UIOMMU_PAGE_STOP);
	/* as many as may be */
	for (unsigned int i = 0; i < 32; i++)
		assert_int_equal(ats_go(rig, 2 + i, ctrl, IOVA, 1),
				 TESTEP_WORKING);
	assert_int_equal(ats_go(rig, 1, ctrl, IOVA, 1), TESTEP_BUSY);
	/* a failure stops it, and it says so */
	ats_answer_page(rig, 3, UIOMMU_PAGE_FAILURE);
	assert_int_equal(ats_status(rig, 2), TESTEP_FAILURE);
	assert_true(pri_status(rig) & PCIE_PRI_STATUS_FAILURE);
	assert_int_equal(ats_go(rig, 1, ctrl, IOVA, 1), TESTEP_REFUSED);
	/* those of before are still answered */
	for (unsigned int i = 1; i < 32; i++) {
		ats_answer_page(rig, 3 + i, UIOMMU_PAGE_SUCCESS);
		assert_int_equal(ats_status(rig, 2 + i), TESTEP_OK);
	}
	assert_true(pri_status(rig) & PCIE_PRI_STATUS_STOPPED);
	ats_set_cfg(rig, status_off, 2, PCIE_PRI_STATUS_FAILURE);
	assert_false(pri_status(rig) & PCIE_PRI_STATUS_FAILURE);
	ats_set_cfg(rig, ctrl_off, 2, PCIE_PRI_CTRL_ENABLE);
	assert_int_equal(ats_go(rig, 1, ctrl, IOVA, 1), TESTEP_WORKING);
	/* a reset of the interface forgets it */
	ats_set_cfg(rig, ctrl_off, 2, 0);
	assert_int_equal(ats_status(rig, 1), TESTEP_WORKING);
	assert_false(pri_status(rig) & PCIE_PRI_STATUS_STOPPED);
	ats_set_cfg(rig, ctrl_off, 2, PCIE_PRI_CTRL_RESET);
	assert_int_equal(ats_status(rig, 1), TESTEP_FAILURE);
	assert_true(pri_status(rig) & PCIE_PRI_STATUS_STOPPED);
	assert_int_equal(ats_cfg(rig, ctrl_off, 2), 0);
	ats_rig_free(rig);
}

static void respond(struct ats_rig *rig, unsigned int group, bool ssv,
		    uint32_t pasid, enum uiommu_pri_code code)
{
	const struct uiommu_pri_response resp = {
		.sid = rig->dev->sid,
		.ssv = ssv,
		.ssid = pasid,
		.group = (uint16_t)group,
		.code = code,
	};

	pci_ats_page_response(rig->dev, &resp);
}

/* Turning it on clears what the status had to tell, and so does writing 1. */
static void the_status_of_page_requests(void **state)
{
	struct ats_rig *rig = ats_rig_new(false);
	uint32_t ctrl = ATS_OP(TESTEP_OP_PAGE_REQUEST) | WANT;
	uint32_t status_off = rig->dev->cap_pri + PCIE_PRI_STATUS;
	uint32_t ctrl_off = rig->dev->cap_pri + PCIE_PRI_CTRL;
	const uint32_t told = PCIE_PRI_STATUS_FAILURE | PCIE_PRI_STATUS_UPRGI;

	assert_int_equal(pri_status(rig), PCIE_PRI_STATUS_PASID);
	/* for nobody: that is told, and nothing else happens */
	respond(rig, 7, false, 0, UIOMMU_PRI_FAILURE);
	assert_int_equal(pri_status(rig) & told, PCIE_PRI_STATUS_UPRGI);
	assert_int_equal(ats_go(rig, 1, ctrl, IOVA, 1), TESTEP_WORKING);
	ats_set_cfg(rig, status_off, 2, PCIE_PRI_STATUS_UPRGI);
	assert_int_equal(pri_status(rig) & told, 0);
	/* with a PASID to a request that had none, and the other way round */
	respond(rig, rig->page[0].token, true, 0, UIOMMU_PRI_SUCCESS);
	assert_int_equal(ats_status(rig, 1), TESTEP_WORKING);
	assert_int_equal(pri_status(rig) & told, PCIE_PRI_STATUS_UPRGI);
	ats_answer_page(rig, 0, UIOMMU_PAGE_SUCCESS);
	assert_int_equal(ats_status(rig, 1), TESTEP_OK);
	ats_write(rig, TESTEP_SLOT(1) + TESTEP_SLOT_PASID, 4, 5);
	ats_go(rig, 1, ctrl | TESTEP_CTRL_PASID, IOVA, 1);
	respond(rig, rig->page[1].token, false, 0, UIOMMU_PRI_SUCCESS);
	respond(rig, rig->page[1].token, true, 6, UIOMMU_PRI_SUCCESS);
	assert_int_equal(ats_status(rig, 1), TESTEP_WORKING);
	/* but the SMMU's own failure has none */
	respond(rig, rig->page[1].token, false, 0, UIOMMU_PRI_FAILURE);
	assert_int_equal(ats_status(rig, 1), TESTEP_FAILURE);
	assert_int_equal(pri_status(rig) & told, told);
	assert_int_equal(ats_go(rig, 1, ctrl, IOVA, 1), TESTEP_REFUSED);
	ats_set_cfg(rig, ctrl_off, 2, 0);
	assert_int_equal(pri_status(rig), PCIE_PRI_STATUS_PASID | told |
						  PCIE_PRI_STATUS_STOPPED);
	ats_set_cfg(rig, ctrl_off, 2, PCIE_PRI_CTRL_ENABLE);
	assert_int_equal(pri_status(rig), PCIE_PRI_STATUS_PASID);
	assert_int_equal(ats_go(rig, 1, ctrl, IOVA, 1), TESTEP_WORKING);
	ats_answer_page(rig, 2, UIOMMU_PAGE_SUCCESS);
	ats_rig_free(rig);
}

/* Each register of the three capabilities after reset, and written with ones. */
static void capabilities_bit_by_bit(void **state)
{
	struct ats_rig *rig = ats_rig_new(true);
	struct pcidev *dev = rig->dev;
	const struct {
		unsigned int off, size;
		uint32_t reset, ones, zeroes;
	} rows[] = {
		{ dev->cap_ats, 2, 0x000f, 0x000f, 0x000f },
		{ dev->cap_ats + 4, 2, 0x0060, 0x0060, 0x0060 },
		{ dev->cap_ats + 6, 2, 0, 0x801f, 0 },
		{ dev->cap_pri, 2, 0x0013, 0x0013, 0x0013 },
		{ dev->cap_pri + 8, 4, 32, 32, 32 },
		{ dev->cap_pri + 12, 4, 0, 0xffffffff, 0 },
		/* Reset reads 0; Stopped is gone while it is on */
		{ dev->cap_pri + 4, 2, 0, 1, 0 },
		{ dev->cap_pri + 6, 2, 0x8100, 0x8100, 0x8100 },
		/* one prefix (the PASID); AtomicOp Requester Enable */
		{ dev->cap_exp + 0x24, 4, 0x00600000, 0x00600000, 0x00600000 },
		{ dev->cap_exp + 0x28, 2, 0, 0x005f, 0 },
		{ dev->cap_pasid, 2, 0x001b, 0x001b, 0x001b },
		{ dev->cap_pasid + 4, 2, 0x1406, 0x1406, 0x1406 },
		{ dev->cap_pasid + 6, 2, 0, 0x0007, 0 },
	};

	pcidev_reset(dev);
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(ats_cfg(rig, rows[i].off, rows[i].size),
				 rows[i].reset);
		ats_set_cfg(rig, rows[i].off, rows[i].size, UINT32_MAX);
		assert_int_equal(ats_cfg(rig, rows[i].off, rows[i].size),
				 rows[i].ones);
		ats_set_cfg(rig, rows[i].off, rows[i].size, 0);
		assert_int_equal(ats_cfg(rig, rows[i].off, rows[i].size),
				 rows[i].zeroes);
	}
	/* what was on is off after a reset */
	ats_set_cfg(rig, dev->cap_ats + 6, 2, 0x801f);
	ats_set_cfg(rig, dev->cap_pri + 12, 4, 5);
	ats_set_cfg(rig, dev->cap_pri + 4, 2, 1);
	ats_set_cfg(rig, dev->cap_pasid + 6, 2, 7);
	pcidev_reset(dev);
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(ats_cfg(rig, rows[i].off, rows[i].size),
				 rows[i].reset);
	ats_set_cfg(rig, PCIE_CFG_COMMAND, 2,
		    PCIE_COMMAND_MEMORY | PCIE_COMMAND_BUS_MASTER);
	assert_int_equal(ats_read(rig, TESTEP_CAPS, 4), 0);
	ats_rig_free(rig);
}

/* How many may wait is what software has allocated. */
static void allocation_counts(void **state)
{
	struct ats_rig *rig = ats_rig_new(false);
	uint32_t ctrl = ATS_OP(TESTEP_OP_PAGE_REQUEST) | WANT;
	uint32_t ctrl_off = rig->dev->cap_pri + PCIE_PRI_CTRL;

	ats_set_cfg(rig, ctrl_off, 2, 0);
	ats_set_cfg(rig, rig->dev->cap_pri + PCIE_PRI_ALLOCATION, 4, 2);
	ats_set_cfg(rig, ctrl_off, 2, PCIE_PRI_CTRL_ENABLE);
	assert_int_equal(ats_go(rig, 1, ctrl, IOVA, 1), TESTEP_WORKING);
	assert_int_equal(ats_go(rig, 2, ctrl, IOVA, 1), TESTEP_WORKING);
	assert_int_equal(ats_go(rig, 3, ctrl, IOVA, 1), TESTEP_BUSY);
	ats_answer_page(rig, 0, UIOMMU_PAGE_SUCCESS);
	assert_int_equal(ats_go(rig, 3, ctrl, IOVA, 1), TESTEP_WORKING);
	ats_answer_page(rig, 1, UIOMMU_PAGE_SUCCESS);
	ats_answer_page(rig, 2, UIOMMU_PAGE_SUCCESS);
	ats_rig_free(rig);
}

static void reset_lets_go(void **state)
{
	struct ats_rig *rig = ats_rig_new(false);

	assert_int_equal(ats_go(rig, 1, READ, IOVA, 8), TESTEP_WORKING);
	ats_go(rig, 2, ATS_OP(TESTEP_OP_PAGE_REQUEST) | WANT, IOVA, 1);
	assert_int_equal(ats_read(rig, TESTEP_WORK, 8), 6);
	pcidev_reset(rig->dev);
	ats_set_cfg(rig, PCIE_CFG_COMMAND, 2,
		    PCIE_COMMAND_MEMORY | PCIE_COMMAND_BUS_MASTER);
	assert_int_equal(ats_read(rig, TESTEP_WORK, 8), 0);
	assert_int_equal(ats_read(rig, TESTEP_FINISHED, 8), 0);
	assert_int_equal(ats_read(rig, TESTEP_CAPS, 4), 0);
	/* late answers find nobody; DMA is untranslated now */
	ats_answer_page(rig, 0, UIOMMU_PAGE_SUCCESS);
	ats_answer_page(rig, 1, UIOMMU_PAGE_SUCCESS);
	assert_int_equal(ats_read(rig, TESTEP_DONE, 4), 0);
	assert_int_equal(ats_go(rig, 1, READ, IOVA, 8), TESTEP_ABORTED);
	ats_map(rig, rig->dom, IOVA, 0);
	assert_int_equal(ats_go(rig, 1, READ, IOVA, 8), TESTEP_OK);
	ats_rig_free(rig);
}

static void pasids_have_their_own_domains(void **state)
{
	const struct uiommu_dom_cfg paging = { .type = UIOMMU_DOM_PAGING };
	struct ats_rig *rig = ats_rig_new(false);
	const struct uiommu_driver_ops *ops = rig->unit->ops;
	struct uiommu_hwdom *dom;

	assert_int_equal(ops->dom_alloc(rig->unit, &paging, &dom), 0);
	assert_int_equal(ops->set_pasid(dom, rig->hwdev, 6, NULL), 0);
	ats_map(rig, rig->dom, IOVA, 0);
	ats_map(rig, dom, IOVA, 1);
	*ats_word(rig, 0, 0) = 0xaa;
	*ats_word(rig, 1, 0) = 0xbb;
	ats_write(rig, TESTEP_SLOT(1) + TESTEP_SLOT_PASID, 4, 6);
	ats_go(rig, 1, READ | TESTEP_CTRL_PASID, IOVA, 8);
	ats_go(rig, 2, READ, IOVA, 8);
	assert_int_equal(ats_read(rig, TESTEP_PAGES + 1 * TESTEP_PAGE_SIZE, 8),
			 0xbb);
	assert_int_equal(ats_read(rig, TESTEP_PAGES + 2 * TESTEP_PAGE_SIZE, 8),
			 0xaa);
	/* unmapped there: it asks with its PASID */
	ats_unmap(rig, dom, IOVA);
	assert_int_equal(ats_go(rig, 1, READ | TESTEP_CTRL_PASID, IOVA, 8),
			 TESTEP_WORKING);
	assert_int_equal(rig->page[0].pasid, 6);
	ats_map(rig, dom, IOVA, 2);
	*ats_word(rig, 2, 0) = 0xcc;
	ats_answer_page(rig, 0, UIOMMU_PAGE_SUCCESS);
	assert_int_equal(ats_read(rig, TESTEP_PAGES + 1 * TESTEP_PAGE_SIZE, 8),
			 0xcc);
	assert_int_equal(ops->set_pasid(NULL, rig->hwdev, 6, dom), 0);
	ops->dom_free(dom);
	ats_rig_free(rig);
}

/* Not as PCIe does it, but as other devices do. */
static void stalls(void **state)
{
	struct ats_rig *rig = ats_rig_new(true);

	assert_int_equal(ats_go(rig, 1, READ, IOVA, 8), TESTEP_WORKING);
	assert_int_equal(ats_go(rig, 2, READ, IOVA + 4096, 8), TESTEP_WORKING);
	assert_int_equal(ats_go(rig, 3, READ | TESTEP_CTRL_NO_STALL, IOVA, 8),
			 TESTEP_ABORTED);
	assert_int_equal(rig->nr_faults, 3);
	assert_true(rig->fault[0].flags & UIOMMU_FAULT_STALLED);
	assert_false(rig->fault[2].flags & UIOMMU_FAULT_STALLED);
	ats_map(rig, rig->dom, IOVA, 0);
	*ats_word(rig, 0, 0) = 0x99;
	ats_answer_fault(rig, 0, UIOMMU_PAGE_SUCCESS);
	assert_int_equal(ats_status(rig, 1), TESTEP_OK);
	assert_int_equal(ats_read(rig, TESTEP_PAGES + 1 * TESTEP_PAGE_SIZE, 8),
			 0x99);
	ats_answer_fault(rig, 1, UIOMMU_PAGE_INVALID);
	assert_int_equal(ats_status(rig, 2), TESTEP_ABORTED);
	/* one is left for the removal to end */
	assert_int_equal(ats_go(rig, 4, READ, IOVA + 8192, 8), TESTEP_WORKING);
	ats_rig_free(rig);
}

/* An interrupt for what was pending comes when the thread is out again. */
static void completion_interrupts(void **state)
{
	struct ats_rig *rig = ats_rig_new(false);
	uint64_t entry = TESTEP_MSIX_TABLE + 2 * PCIE_MSIX_ENTRY_SIZE;
	struct uiommu_gather gather;
	uint64_t page = rig->msg.addr & ~UINT64_C(4095);

	uiommu_gather_init(&gather);
	assert_int_equal(uiommu_pgtable_map(rig->dom->pt, 0x8000000, page, 4096,
					    UIOMMU_PROT_WRITE |
						    UIOMMU_PROT_READ |
						    UIOMMU_PROT_MMIO,
					    &gather),
			 0);
	uiommu_gather_release(&gather);
	ats_write(rig, entry, 8, 0x8000000 + (rig->msg.addr & 4095));
	ats_write(rig, entry + 8, 4, rig->msg.data);
	ats_write(rig, entry + 12, 4, 0);
	ats_set_cfg(rig, rig->dev->cap_msix + PCIE_MSIX_CTRL, 2,
		    PCIE_MSIX_CTRL_ENABLE);
	assert_int_equal(ats_go(rig, 1,
				READ | TESTEP_CTRL_IRQ |
					FIELD_PREP(TESTEP_CTRL_VECTOR, 2),
				IOVA, 8),
			 TESTEP_WORKING);
	assert_int_equal(rig->fired, 0);
	ats_map(rig, rig->dom, IOVA, 0);
	ats_answer_page(rig, 0, UIOMMU_PAGE_SUCCESS);
	assert_int_equal(ats_status(rig, 1), TESTEP_OK);
	assert_int_equal(rig->fired, 1);
	ats_rig_free(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_page_comes_when_it_is_asked_for),
		cmocka_unit_test(every_slot_waits),
		cmocka_unit_test(atomics),
		cmocka_unit_test(translated_by_hand),
		cmocka_unit_test(page_requests_by_hand),
		cmocka_unit_test(the_status_of_page_requests),
		cmocka_unit_test(capabilities_bit_by_bit),
		cmocka_unit_test(allocation_counts),
		cmocka_unit_test(reset_lets_go),
		cmocka_unit_test(pasids_have_their_own_domains),
		cmocka_unit_test(stalls),
		cmocka_unit_test(completion_interrupts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
