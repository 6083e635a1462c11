/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_smmu.h"

#include <string.h>

#include "hw/smmuv3/event.h"
#include "hw/smmuv3/queue.h"
#include "hw/smmuv3/regs.h"
#include "hw/smmuv3/ste.h"

uint32_t *fake_smmu_reg(struct fake_smmu *fake, uint32_t off)
{
	return &fake->regs[off / 4];
}

static uint32_t get(struct fake_smmu *fake, uint32_t off)
{
	return fake->regs[off / 4];
}

static uint64_t get64(struct fake_smmu *fake, uint32_t off)
{
	return get(fake, off) | (uint64_t)get(fake, off + 4) << 32;
}

uint64_t fake_smmu_mem(struct fake_smmu *fake, uiommu_pa_t pa)
{
	uint64_t word = 0xdeaddeaddeaddeadull;

	test_platform_hw_read64(fake->mem, pa, &word);
	return word;
}

static bool cmdq_err(struct fake_smmu *fake)
{
	return (get(fake, SMMU_REG_GERROR) ^ get(fake, SMMU_REG_GERRORN)) &
	       SMMU_GERROR_CMDQ_ERR;
}

/* An opcode that this driver uses; memory it forgot to write has none. */
static bool known(const struct smmu_cmd *cmd)
{
	switch (FIELD_GET(SMMU_CMD_0_OP, cmd->q[0])) {
	case SMMU_CMD_OP_CFGI_STE:
	case SMMU_CMD_OP_CFGI_STE_RANGE:
	case SMMU_CMD_OP_CFGI_CD:
	case SMMU_CMD_OP_CFGI_CD_ALL:
	case SMMU_CMD_OP_TLBI_S12_VMALL:
	case SMMU_CMD_OP_TLBI_S2_IPA:
	case SMMU_CMD_OP_TLBI_NH_ALL:
	case SMMU_CMD_OP_TLBI_NH_ASID:
	case SMMU_CMD_OP_TLBI_NH_VA:
	case SMMU_CMD_OP_TLBI_EL2_ALL:
	case SMMU_CMD_OP_TLBI_NSNH_ALL:
	case SMMU_CMD_OP_ATC_INV:
	case SMMU_CMD_OP_PRI_RESP:
	case SMMU_CMD_OP_RESUME:
	case SMMU_CMD_OP_STALL_TERM:
	case SMMU_CMD_OP_SYNC:
		return true;
	default:
		return false;
	}
}

static uint32_t consume(struct fake_smmu *fake, uint32_t n)
{
	uint64_t base = get64(fake, SMMU_REG_CMDQ_BASE);
	unsigned int lg2 = FIELD_GET(SMMU_Q_BASE_LOG2SIZE, base);
	uint32_t done = 0, cons, err;
	struct smmu_cmd cmd;
	uiommu_pa_t pa;

	while (done < n) {
		cons = smmu_q_ptr(get(fake, SMMU_REG_CMDQ_CONS), lg2);
		if (!(get(fake, SMMU_REG_CR0) & SMMU_CR0_CMDQEN) ||
		    cmdq_err(fake) ||
		    smmu_q_empty(get(fake, SMMU_REG_CMDQ_PROD), cons, lg2))
			break;
		pa = (base & SMMU_Q_BASE_ADDR) +
		     smmu_q_offset(cons, lg2, SMMU_CMD_SIZE_LG2);
		cmd.q[0] = fake_smmu_mem(fake, pa);
		cmd.q[1] = fake_smmu_mem(fake, pa + 8);
		err = fake->refuse ? fake->refuse(fake, &cmd) : 0;
		if (err) {
			*fake_smmu_reg(fake, SMMU_REG_CMDQ_CONS) =
				cons | FIELD_PREP(SMMU_CMDQ_CONS_ERR, err);
			*fake_smmu_reg(fake, SMMU_REG_GERROR) ^=
				SMMU_GERROR_CMDQ_ERR;
			break;
		}
		fake->bad_commands += !known(&cmd);
		fake->log[fake->nr++ % FAKE_LOG] = cmd;
		*fake_smmu_reg(fake, SMMU_REG_CMDQ_CONS) =
			smmu_q_add(cons, 1, lg2);
		done++;
	}
	return done;
}

uint32_t fake_smmu_run(struct fake_smmu *fake, uint32_t n)
{
	uint32_t done;

	pthread_mutex_lock(&fake->mutex);
	done = consume(fake, n);
	pthread_mutex_unlock(&fake->mutex);
	return done;
}

/* Whose window it is; the list is not changed once there are threads. */
static struct fake_smmu *by_pa(struct fake_smmu *fake, uiommu_pa_t pa)
{
	while (pa - fake->base >= FAKE_WINDOW)
		fake = fake->next;
	return fake;
}

static uint64_t fake_read(void *ctx, uiommu_pa_t pa, unsigned int size)
{
	struct fake_smmu *fake = by_pa(ctx, pa);
	uint64_t val;

	pthread_mutex_lock(&fake->mutex);
	val = size == 8 ? get64(fake, pa - fake->base)
			: get(fake, pa - fake->base);
	if (fake->dead_reads)
		val = UINT64_MAX;
	pthread_mutex_unlock(&fake->mutex);
	return val;
}

static bool guarded(struct fake_smmu *fake, uint32_t off)
{
	uint32_t cr0 = get(fake, SMMU_REG_CR0) | get(fake, SMMU_REG_CR0ACK);
	uint32_t irq = get(fake, SMMU_REG_IRQ_CTRL);

	switch (off) {
	case SMMU_REG_STRTAB_BASE:
	case SMMU_REG_STRTAB_BASE_CFG:
	case SMMU_REG_CR2:
		return cr0 & SMMU_CR0_SMMUEN;
	case SMMU_REG_CR1:
		return cr0 & (SMMU_CR0_SMMUEN | SMMU_CR0_CMDQEN |
			      SMMU_CR0_EVENTQEN | SMMU_CR0_PRIQEN);
	case SMMU_REG_CMDQ_BASE:
	case SMMU_REG_CMDQ_CONS:
		return cr0 & SMMU_CR0_CMDQEN;
	case SMMU_REG_EVENTQ_BASE:
	case SMMU_REG_EVENTQ_PROD:
		return cr0 & SMMU_CR0_EVENTQEN;
	case SMMU_REG_PRIQ_BASE:
	case SMMU_REG_PRIQ_PROD:
		return cr0 & SMMU_CR0_PRIQEN;
	case SMMU_REG_PRIQ_IRQ_CFG0:
	case SMMU_REG_PRIQ_IRQ_CFG1:
	case SMMU_REG_PRIQ_IRQ_CFG2:
		return irq & SMMU_IRQ_CTRL_PRIQ_IRQEN;
	case SMMU_REG_GERROR_IRQ_CFG0:
	case SMMU_REG_GERROR_IRQ_CFG1:
	case SMMU_REG_GERROR_IRQ_CFG2:
		return irq & SMMU_IRQ_CTRL_GERROR_IRQEN;
	case SMMU_REG_EVENTQ_IRQ_CFG0:
	case SMMU_REG_EVENTQ_IRQ_CFG1:
	case SMMU_REG_EVENTQ_IRQ_CFG2:
		return irq & SMMU_IRQ_CTRL_EVENTQ_IRQEN;
	default:
		return false;
	}
}

static void note_write(struct fake_smmu *fake, uint32_t off, uint64_t val)
{
	if (off == SMMU_REG_CMDQ_PROD)
		fake->prod_writes++;
	if (guarded(fake, off))
		fake->bad_writes++;
	if (fake->nr_writes < sizeof(fake->writes) / sizeof(fake->writes[0])) {
		fake->writes[fake->nr_writes].off = off;
		fake->writes[fake->nr_writes].val = val;
		fake->nr_writes++;
	}
}

static void fake_write(void *ctx, uiommu_pa_t pa, unsigned int size,
		       uint64_t val)
{
	struct fake_smmu *fake = by_pa(ctx, pa);
	uint32_t off = pa - fake->base;

	if (fake->before_write)
		fake->before_write(fake, off, val);
	pthread_mutex_lock(&fake->mutex);
	note_write(fake, off, val);
	*fake_smmu_reg(fake, off) = (uint32_t)val;
	if (size == 8)
		*fake_smmu_reg(fake, off + 4) = (uint32_t)(val >> 32);
	if (off == SMMU_REG_CR0 && !fake->mute_cr0)
		*fake_smmu_reg(fake, SMMU_REG_CR0ACK) = (uint32_t)val;
	if (off == SMMU_REG_IRQ_CTRL && !fake->mute_irq_ctrl)
		*fake_smmu_reg(fake, SMMU_REG_IRQ_CTRLACK) = (uint32_t)val;
	if (off == SMMU_REG_GBPA && !fake->mute_gbpa)
		*fake_smmu_reg(fake, SMMU_REG_GBPA) &= ~SMMU_GBPA_UPDATE;
	if (off == SMMU_REG_GBPA && fake->no_gbpa)
		*fake_smmu_reg(fake, SMMU_REG_GBPA) = 0;
	if (!fake->hold)
		consume(fake, UINT32_MAX);
	pthread_mutex_unlock(&fake->mutex);
}

/* Append to a queue whose PROD and CONS are registers of page 1. */
static bool append(struct fake_smmu *fake, uint32_t base_off, uint32_t prod_off,
		   uint32_t cons_off, const uint64_t *record,
		   unsigned int size_lg2)
{
	uint64_t base = get64(fake, base_off);
	unsigned int lg2 = FIELD_GET(SMMU_Q_BASE_LOG2SIZE, base);
	uint32_t prod = get(fake, prod_off);
	uint32_t cons = get(fake, cons_off);
	uint64_t *slot;

	if (smmu_q_full(prod, cons, lg2)) {
		if (!((prod ^ cons) & SMMU_Q_PROD_OVFLG))
			*fake_smmu_reg(fake, prod_off) ^= SMMU_Q_PROD_OVFLG;
		return false;
	}
	slot = fake->mem->platform.pa_to_va(
		fake->mem->platform.ctx,
		(base & SMMU_Q_BASE_ADDR) + smmu_q_offset(prod, lg2, size_lg2));
	memcpy(slot, record, (size_t)1 << size_lg2);
	*fake_smmu_reg(fake, prod_off) = smmu_q_add(prod, 1, lg2) |
					 (prod & SMMU_Q_PROD_OVFLG);
	return true;
}

bool fake_smmu_event(struct fake_smmu *fake, const uint64_t record[4])
{
	return append(fake, SMMU_REG_EVENTQ_BASE, SMMU_REG_EVENTQ_PROD,
		      SMMU_REG_EVENTQ_CONS, record, SMMU_EVT_SIZE_LG2);
}

bool fake_smmu_page(struct fake_smmu *fake, const uint64_t record[2])
{
	uint32_t prod = get(fake, SMMU_REG_PRIQ_PROD);

	/* An overflow blocks the queue until it is acknowledged. */
	if ((prod ^ get(fake, SMMU_REG_PRIQ_CONS)) & SMMU_Q_PROD_OVFLG)
		return false;
	return append(fake, SMMU_REG_PRIQ_BASE, SMMU_REG_PRIQ_PROD,
		      SMMU_REG_PRIQ_CONS, record, SMMU_PRI_SIZE_LG2);
}

void fake_smmu_gerror(struct fake_smmu *fake, uint32_t bits)
{
	pthread_mutex_lock(&fake->mutex);
	*fake_smmu_reg(fake, SMMU_REG_GERROR) ^= bits;
	pthread_mutex_unlock(&fake->mutex);
}

uint32_t fake_smmu_count(struct fake_smmu *fake, uint32_t from, unsigned int op)
{
	uint32_t i, nr = 0;

	for (i = from; i < fake->nr; i++)
		nr += FIELD_GET(SMMU_CMD_0_OP, fake->log[i % FAKE_LOG].q[0]) ==
		      op;
	return nr;
}

bool fake_smmu_ste(struct fake_smmu *fake, uint32_t sid, uint64_t ste[8])
{
	uint64_t base = get64(fake, SMMU_REG_STRTAB_BASE) &
			SMMU_STRTAB_BASE_ADDR;
	uint32_t cfg = get(fake, SMMU_REG_STRTAB_BASE_CFG);
	unsigned int split = FIELD_GET(SMMU_STRTAB_BASE_CFG_SPLIT, cfg), i;
	uint64_t desc, pa = base + (uint64_t)sid * 64;

	if ((uint64_t)sid >> FIELD_GET(SMMU_STRTAB_BASE_CFG_LOG2SIZE, cfg))
		return false;
	if (FIELD_GET(SMMU_STRTAB_BASE_CFG_FMT, cfg)) {
		desc = fake_smmu_mem(fake, base + (sid >> split) * 8);
		if (!FIELD_GET(SMMU_L1STD_SPAN, desc))
			return false;
		pa = (desc & SMMU_L1STD_L2PTR_ADDR) +
		     (sid & mask_lg2(split)) * 64;
	}
	for (i = 0; i < 8; i++)
		ste[i] = fake_smmu_mem(fake, pa + i * 8);
	return true;
}

void fake_smmu_init(struct fake_smmu *fake)
{
	memset(fake, 0, sizeof(*fake));
	pthread_mutex_init(&fake->mutex, NULL);
	test_platform_init(&fake->tp);
	fake->mem = &fake->tp;
	fake->base = FAKE_BASE;
	fake->tp.mmio_ctx = fake;
	fake->tp.mmio_read = fake_read;
	fake->tp.mmio_write = fake_write;

	*fake_smmu_reg(fake, SMMU_REG_IDR0) =
		SMMU_IDR0_S1P | SMMU_IDR0_S2P | FIELD_PREP(SMMU_IDR0_TTF, 2) |
		SMMU_IDR0_COHACC | SMMU_IDR0_BTM | SMMU_IDR0_HYP |
		SMMU_IDR0_ATS | SMMU_IDR0_ASID16 | SMMU_IDR0_MSI |
		SMMU_IDR0_VMID16 | SMMU_IDR0_CD2L |
		FIELD_PREP(SMMU_IDR0_TTENDIAN, SMMU_IDR0_TTENDIAN_LE) |
		FIELD_PREP(SMMU_IDR0_ST_LEVEL, 1);
	*fake_smmu_reg(fake, SMMU_REG_IDR1) =
		FIELD_PREP(SMMU_IDR1_SIDSIZE, 16) |
		FIELD_PREP(SMMU_IDR1_SSIDSIZE, 20) |
		FIELD_PREP(SMMU_IDR1_EVENTQS, 19) |
		FIELD_PREP(SMMU_IDR1_CMDQS, 19);
	*fake_smmu_reg(fake, SMMU_REG_IDR3) = SMMU_IDR3_HAD | SMMU_IDR3_RIL |
					      FIELD_PREP(SMMU_IDR3_BBML, 2);
	*fake_smmu_reg(fake, SMMU_REG_IDR5) =
		FIELD_PREP(SMMU_IDR5_OAS, SMMU_IDR5_OAS_48) | SMMU_IDR5_GRAN4K |
		SMMU_IDR5_GRAN16K | SMMU_IDR5_GRAN64K;
	*fake_smmu_reg(fake, SMMU_REG_IIDR) = 0x43b;
	*fake_smmu_reg(fake, SMMU_REG_AIDR) = 2;
}

void fake_smmu_join(struct fake_smmu *fake, struct fake_smmu *first)
{
	struct fake_smmu *last = first;

	fake_smmu_init(fake);
	while (last->next)
		last = last->next;
	last->next = fake;
	fake->mem = &first->tp;
	fake->base = last->base + FAKE_WINDOW;
}

void fake_smmu_fini(struct fake_smmu *fake)
{
	test_platform_fini(&fake->tp);
	pthread_mutex_destroy(&fake->mutex);
}

struct uiommu_smmuv3_cfg fake_smmu_cfg(struct fake_smmu *fake)
{
	return (struct uiommu_smmuv3_cfg){
		.platform = &fake->mem->platform,
		.base = fake->base,
		.cmdq_lg2 = 4,
		.evtq_lg2 = 4,
		.timeout_ns = 20 * 1000 * 1000,
	};
}
