/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who must not notice: another guest behind the same SMMU, with the same IOVAs,
 * PASIDs, ASIDs and StreamIDs, the host with a device of its own, the SMMU's command
 * queue, and all memory that is not the hostile guest's.
 */
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include <uiommu/driver.h>

#include "guest_fuzz.h"
#include "hw/smmuv3/regs.h"

/* Pages of the other guest: those that are read, one that is written. */
#define FIRST_PAGE 2u
#define LAST_PAGE 13u
#define WRITTEN 14u
/* One that has faults, and one that is mapped when a fault says so. */
#define HOLE (32u * (uint64_t)PAGE)
#define LATE (33u * (uint64_t)PAGE)

static uint64_t data_at(unsigned int page)
{
	return GEN_DATA - GEN_BASE + page * (uint64_t)PAGE;
}

/* Not for the fuzzer to learn, who would write it himself then. */
#ifdef __clang__
__attribute__((no_sanitize("coverage")))
#endif
bool is_secret(const struct fuzz *f, uint64_t word)
{
	return (word ^ f->tag) >> 16 == 0;
}

/* ----------------------------------------------------------------- memory -- */

static bool same(const struct fuzz *f, size_t first, size_t end)
{
	return !memcmp(f->memory + first, f->should_be + first, end - first);
}

static bool is_as_it_was(const struct fuzz *f)
{
	size_t bad = (size_t)(f->bad.mem - f->memory);

	for (unsigned int i = 0; i < NR_AREAS; i++)
		if (f->taken >> i & 1 &&
		    !same(f, bad + i * AREA, bad + (i + 1) * AREA))
			return false;
	return same(f, 0, bad) && same(f, bad + GEN_SIZE, f->size);
}

static void make_secret(struct fuzz *f, uint8_t *at)
{
	size_t off = (size_t)(at - f->memory);
	uint64_t word = f->tag | (off / sizeof(word) & 0xffff);

	memcpy(f->memory + off, &word, sizeof(word));
	memcpy(f->should_be + off, &word, sizeof(word));
}

void others_take(struct fuzz *f, unsigned int area)
{
	uint8_t *mem = f->bad.mem + area * AREA;

	f->taken |= (uint8_t)(1u << area);
	memcpy(f->kept + area * AREA, mem, AREA);
	for (size_t off = 0; off < AREA; off += 8)
		make_secret(f, mem + off);
}

void others_give(struct fuzz *f, unsigned int area)
{
	memcpy(f->bad.mem + area * AREA, f->kept + area * AREA, AREA);
	f->taken &= (uint8_t) ~(1u << area);
}

static void write_both(struct fuzz *f, const void *at, uint64_t word)
{
	size_t off = (size_t)((const uint8_t *)at - f->memory);

	memcpy(f->memory + off, &word, sizeof(word));
	memcpy(f->should_be + off, &word, sizeof(word));
}

static uint64_t word_at(const struct fuzz *f, const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, f->should_be + (at - f->memory), sizeof(word));
	return word;
}

/* ------------------------------------------------------------ other guest -- */

static void check_reads(struct fuzz *f)
{
	unsigned int page = FIRST_PAGE + f->turn % (LAST_PAGE - FIRST_PAGE + 1);
	struct client *c = &f->good.dev[0];
	const uint8_t *mem = f->good.mem;
	uint64_t iova = (uint64_t)page * PAGE;

	assert_int_equal(testep_read_word(c, 0, iova),
			 word_at(f, mem + data_at(page)));
	assert_int_equal(testep_read_word(c, PASID, iova),
			 word_at(f, mem + data_at(15 - page)));
	testep_fill(c, 0, 0);
	assert_int_equal(testep_go(c, 0, TESTEP_READ | TESTEP_UNTRANSLATED,
				   iova, 8),
			 TESTEP_OK);
	assert_int_equal(testep_word(c, 0), word_at(f, mem + data_at(page)));
}

static void check_write(struct fuzz *f)
{
	struct client *c = &f->good.dev[0];
	uint64_t word = f->tag | (f->turn & 0xffff);

	testep_fill(c, 1, word);
	assert_int_equal(testep_go(c, 1, TESTEP_WRITE, WRITTEN * PAGE, 8),
			 TESTEP_OK);
	memcpy(f->should_be + (f->good.mem - f->memory) + data_at(WRITTEN),
	       &word, sizeof(word));
}

static uint64_t interrupts(const struct fuzz *f)
{
	uint64_t nr;

	return read(f->irq_fd, &nr, sizeof(nr)) == sizeof(nr) ? nr : 0;
}

static void check_silence(struct fuzz *f)
{
	struct iommu_hwpt_pgfault fault;
	struct vmm_event event;

	assert_false(vmm_event(&f->good, &event));
	assert_false(vmm_fault(&f->good, &fault));
	assert_int_equal(interrupts(f), 0);
}

static void check_interrupt(struct fuzz *f)
{
	assert_int_equal(testep_go(&f->good.dev[0], 2,
				   TESTEP_READ | TESTEP_IRQ_VECTOR(0),
				   FIRST_PAGE * PAGE, 8),
			 TESTEP_OK);
	assert_int_equal(interrupts(f), 1);
}

/* An access that is aborted: one event, and it is this one. */
static void check_event(struct fuzz *f, uint64_t iova)
{
	struct vmm_event event;

	assert_int_equal(testep_go(&f->good.dev[0], 3,
				   TESTEP_READ | TESTEP_UNTRANSLATED, iova, 8),
			 TESTEP_ABORTED);
	assert_true(vmm_event(&f->good, &event));
	assert_int_equal(event.header.flags, 0);
	assert_int_equal(event.smmu.evt[0] & 0xff, 0x10);
	assert_int_equal(event.smmu.evt[0] >> 32, VSID);
	assert_int_equal(event.smmu.evt[2], iova);
	assert_false(vmm_event(&f->good, &event));
}

static void map_late(struct fuzz *f, uint64_t desc)
{
	write_both(f, f->good.mem + gen_table(3) - GEN_BASE + 8 * (LATE / PAGE),
		   desc);
}

/* One that waits for a page, which is mapped, and later taken away again. */
static void check_page_request(struct fuzz *f)
{
	const uint64_t cmds[2][2] = {
		{ 0x0001000000000012, LATE | 1 },
		{ (uint64_t)VSID << 32 | 0x40, LATE },
	};
	struct iommu_hwpt_invalidate inv = {
		.size = sizeof(inv),
		.hwpt_id = f->good.viommu,
		.data_uptr = (uintptr_t)cmds,
		.data_type = IOMMU_VIOMMU_INVALIDATE_DATA_ARM_SMMUV3,
		.entry_len = 16,
		.entry_num = 2,
	};
	struct iommu_hwpt_page_response answer = { 0 };
	struct client *c = &f->good.dev[0];
	struct iommu_hwpt_pgfault fault;

	assert_int_equal(testep_go(c, 4, TESTEP_READ, LATE, 8), TESTEP_WORKING);
	assert_true(vmm_fault(&f->good, &fault));
	assert_int_equal(fault.dev_id, c->dev_id);
	assert_int_equal(fault.addr, LATE);
	map_late(f, GEN_DATA | 0xc43);
	answer.cookie = fault.cookie;
	assert_int_equal(uiommu_abi_write(f->abi, f->good.faults_fd,
					  (uintptr_t)&answer, sizeof(answer)),
			 sizeof(answer));
	assert_int_equal(testep_status(c, 4), TESTEP_OK);
	assert_int_equal(testep_word(c, 4),
			 word_at(f, f->good.mem + data_at(0)));
	map_late(f, 0);
	assert_int_equal(vmm_ioctl(&f->good, IOMMU_HWPT_INVALIDATE, &inv), 0);
	assert_int_equal(inv.entry_num, 2);
	check_event(f, LATE);
}

/* ----------------------------------------------------------- host and SMMU -- */

#define HOST_IOVA UINT64_C(0x1000)

/* Its page, mapped and unmapped: commands are carried out. */
static void check_host(struct fuzz *f)
{
	assert_int_equal(client_map(&f->host, f->memory, PAGE, HOST_IOVA), 0);
	assert_int_equal(testep_read_word(&f->host, 0, HOST_IOVA),
			 word_at(f, f->memory));
	assert_int_equal(client_unmap(&f->host, HOST_IOVA, PAGE), 0);
	assert_int_equal(testep_read_word(&f->host, 0, HOST_IOVA), 0);
}

static uint32_t reg(struct fuzz *f, uint32_t off)
{
	return (uint32_t)uiommu_smmuv3_model_read(
		uiommu_machine_model(f->machine), off, 4);
}

/* What the driver had to step over in the queue. */
static uint64_t command_errors(struct fuzz *f)
{
	struct uiommu_unit *unit =
		uiommu_device_unit(uiommu_machine_core_device(f->machine, 0));
	const char *name = "";
	uint64_t value = 0;

	for (unsigned int i = 0; strcmp(name, "cmdq/errors"); i++)
		assert_true(unit->ops->counter(unit, i, &name, &value));
	return value;
}

static void check_smmu(struct fuzz *f)
{
	assert_int_equal(command_errors(f), 0);
	assert_int_equal(reg(f, SMMU_REG_GERROR), reg(f, SMMU_REG_GERRORN));
	assert_int_equal(reg(f, SMMU_REG_CMDQ_CONS),
			 reg(f, SMMU_REG_CMDQ_PROD));
}

void others_check(struct fuzz *f, bool all)
{
	f->turn++;
	check_silence(f);
	check_reads(f);
	check_write(f);
	check_silence(f);
	check_smmu(f);
	if (all) {
		check_interrupt(f);
		check_event(f, HOLE);
		check_page_request(f);
		check_host(f);
		check_silence(f);
		check_smmu(f);
	}
	assert_true(is_as_it_was(f));
}

/* ------------------------------------------------------------------ start -- */

/* All but the hostile guest's is secret, but for the other's tables and CDs. */
static void fill(struct fuzz *f)
{
	uint8_t *tables = f->good.mem;
	uint8_t *behind = tables + gen_table(13) - GEN_BASE;

	memcpy(f->should_be, f->memory, f->size);
	for (size_t off = 0; off < f->size; off += 8)
		if (f->memory + off < tables || f->memory + off >= behind)
			make_secret(f, f->memory + off);
}

static void find_window(struct fuzz *f)
{
	struct uiommu_map *map;

	assert_int_equal(uiommu_abi_mmap(f->abi, f->good.dev[0].dev_fd, PAGE,
					 PROT_READ | PROT_WRITE, MAP_SHARED,
					 f->good.dev[0].bar_off, &map),
			 0);
	f->window = uiommu_map_pa(map);
	uiommu_map_put(map);
}

void others_open(struct fuzz *f)
{
	uint64_t random;

	assert_int_equal(getrandom(&random, sizeof(random), 0), 8);
	f->tag = random << 16 | UINT64_C(1) << 63;
	f->size = 3 * CANARY + 2 * GEN_SIZE;
	f->memory = pages_ok(f->size);
	f->should_be = pages_ok(f->size);
	f->bad.mem = f->memory + CANARY;
	vmm_open(&f->good, f->machine, f->bad.mem + GEN_SIZE + CANARY,
		 NR_DEVICES + 1, 1);
	fill(f);
	f->irq_fd = eventfd(0, EFD_NONBLOCK);
	assert_true(f->irq_fd >= 0);
	client_msix_ok(&f->good.dev[0], &f->irq_fd, 1);
	find_window(f);
	client_open_iommufd(&f->host, f->machine, NR_DEVICES + 2);
	client_master(&f->host, true);
	others_check(f, true);
}
