/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest and devices gone mad against the SMMUv3 model: registers, tables,
 * commands and accesses in an order that the input says, while memory aborts and
 * changes under the model's eyes.
 *
 * What must hold: no access above the output size, a bounded number of accesses
 * for one transaction, answers that the header allows, no write by a probe.
 * A second model over the same memory, which caches nothing, sees the same
 * configuration; when everything has just been invalidated, both must give the
 * same answers.
 *
 * An input is two bytes that choose the profile and then a list of steps: a byte
 * that says which, and its operands (model_gen.h).  With FUZZ_TRACE set in the
 * environment each step is told.
 */
#include "model_fuzz.h"

#include <malloc.h>

#define MAX_STEPS 300

/* -------------------------------------------------------------- memory -- */

static uint8_t *at(struct fuzz *f, uint64_t pa, size_t len)
{
	uint64_t off = pa - GEN_BASE;

	f->accesses++;
	must(!(pa >> f->oas), "an access above the output size");
	must(len && pa + len > pa, "an access of a strange length");
	if (pa < GEN_BASE || off >= GEN_SIZE || len > GEN_SIZE - off)
		return NULL;
	if (f->hole && pa + len > f->hole && pa < f->hole + 4096)
		return NULL;
	return f->mem + off;
}

static void change_memory(struct fuzz *f)
{
	uint64_t word;

	if (!f->change_in || --f->change_in)
		return;
	memcpy(&word, f->mem + f->change_at, 8);
	word ^= f->change_by;
	memcpy(f->mem + f->change_at, &word, 8);
}

static int mem_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		    struct uiommu_mem_attrs attrs)
{
	struct fuzz *f = ctx;
	const uint8_t *mem = at(f, pa, len);

	if (!mem)
		return -EIO;
	memcpy(buf, mem, len);
	change_memory(f);
	return 0;
}

static int mem_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	struct fuzz *f = ctx;
	uint8_t *mem = at(f, pa, len);

	f->writes++;
	if (!mem)
		return -EIO;
	memcpy(mem, buf, len);
	return 0;
}

static int mem_cmpxchg(void *ctx, uiommu_pa_t pa, uint64_t *expected,
		       uint64_t want)
{
	struct fuzz *f = ctx;
	uint8_t *mem = at(f, pa, 8);
	uint64_t old;

	f->writes++;
	must(pa % 8 == 0, "a misaligned compare-and-swap");
	if (!mem)
		return -EIO;
	change_memory(f);
	memcpy(&old, mem, 8);
	if (old == *expected)
		memcpy(mem, &want, 8);
	*expected = old;
	return 0;
}

static void *mem_direct(void *ctx, uiommu_pa_t pa, size_t len, bool write)
{
	struct fuzz *f = ctx;

	f->writes += write;
	return at(f, pa, len);
}

void store(struct fuzz *f, uint64_t pa, const uint64_t *q, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		uint64_t off = (pa - GEN_BASE + 8 * i) % GEN_SIZE & ~7ull;
		le64_t word = cpu_to_le64(q[i]);

		memcpy(f->mem + off, &word, 8);
	}
}

static void store_word(void *arg, uint64_t pa, uint64_t word)
{
	store(arg, pa, &word, 1);
}

/* --------------------------------------------------------------- start -- */

/* What a ready-made profile may leave out. */
static void all_features(struct uiommu_smmuv3_profile *p)
{
	p->idr[0] |= SMMU_IDR0_ATS | SMMU_IDR0_PRI | 2u << 6;
	p->idr[1] = (p->idr[1] & ~SMMU_IDR1_PRIQS) | 8u << 11;
	p->idr[0] &= ~(SMMU_IDR0_STALL_MODEL | SMMU_IDR0_TERM_MODEL);
	p->idr[5] = (p->idr[5] & ~SMMU_IDR5_STALL_MAX) | 4u << 16;
	if (p->idr[0] & SMMU_IDR0_MSI) {
		p->idr[1] |= SMMU_IDR1_ECMDQ;
		p->idr[6] = 2u << 16; /* four on one page */
	}
}

/* The profile, with some bits of the ID registers flipped. */
static void pick_profile(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in), flips = fuzz_u8(&f->in);

	/* Recorded cases mean these four; what others have is a bit flipped. */
	f->profile = *uiommu_smmuv3_profile_get(how % 4);
	f->profile.tlb_entries = how & 0x20 ? 4 : 256;
	f->profile.config_entries = how & 0x20 ? 4 : 32;
	if (how & 0x40)
		f->profile.caching = UIOMMU_SMMUV3_CACHING_GREEDY;
	f->profile.threaded_commands = false;
	f->direct = how & 0x80;
	f->from_reset = flips & 0x80;
	if (!(flips & 0x40))
		all_features(&f->profile);
	for (unsigned int i = 0; i < flips % 8; i++) {
		uint8_t bit = fuzz_u8(&f->in);

		f->profile.idr[(bit >> 5) % 7] ^= 1u << (bit & 31);
	}
}

static bool start(struct fuzz *f)
{
	struct uiommu_smmuv3_profile none;
	struct uiommu_model_host host = {
		.ctx = f,
		.read = mem_read,
		.write = mem_write,
		.cmpxchg64 = mem_cmpxchg,
		.direct = f->direct ? mem_direct : NULL,
		.ats_invalidate = fuzz_ats_invalidate,
		.pri_response = fuzz_pri_response,
	};
	int rc = uiommu_smmuv3_model_create(&f->profile, &host, &f->cached);

	must(!rc || rc == -EINVAL, "create");
	if (rc)
		return false;
	none = f->profile;
	none.tlb_entries = 0;
	none.config_entries = 0;
	none.caching = UIOMMU_SMMUV3_CACHING_NORMAL;
	must(!uiommu_smmuv3_model_create(&none, &host, &f->plain),
	     "create without caches");
	f->oas = smmu_oas_bits(FIELD_GET(SMMU_IDR5_OAS, f->profile.idr[5]));
	return true;
}

/* ----------------------------------------------------------- registers -- */

uint32_t rd(struct fuzz *f, uint32_t off)
{
	return (uint32_t)uiommu_smmuv3_model_read(f->cached, off, 4);
}

/* What decides about translations goes to both models; queues only to one. */
void wr(struct fuzz *f, uint32_t off, unsigned int size, uint64_t val)
{
	uiommu_smmuv3_model_write(f->cached, off, size, val);
	switch (off) {
	case SMMU_REG_CR0:
		val &= SMMU_CR0_SMMUEN | SMMU_CR0_ATSCHK | SMMU_CR0_VMW;
		break;
	case SMMU_REG_CR1:
	case SMMU_REG_CR2:
	case SMMU_REG_GBPA:
	case SMMU_REG_STRTAB_BASE:
	case SMMU_REG_STRTAB_BASE + 4:
	case SMMU_REG_STRTAB_BASE_CFG:
		break;
	default:
		return;
	}
	/* Queues may hold back a change of CR1: then it is not made at all. */
	if (off == SMMU_REG_CR1)
		val = rd(f, SMMU_REG_CR1);
	uiommu_smmuv3_model_write(f->plain, off, size, val);
}

static const uint32_t offsets[] = {
#define SMMU_X(name, offset, size, access, guard, needs, bits) offset,
	SMMU_REGISTERS(SMMU_X)
#undef SMMU_X
};

static uint32_t pick_offset(struct fuzz *f)
{
	uint8_t b = fuzz_u8(&f->in);

	if (b < 0xe0)
		return offsets[b % (sizeof(offsets) / sizeof(offsets[0]))];
	return (uint32_t)fuzz_u16(&f->in) | (b & 3u) << 16;
}

static void step_write(struct fuzz *f)
{
	uint32_t off = pick_offset(f);
	uint8_t how = fuzz_u8(&f->in);
	unsigned int size = how & 1 ? 8 : 4;
	uint64_t val;

	if (how & 8)
		size = how >> 4;
	if (how & 2)
		off += 4;
	val = how & 4 ? GEN_BASE + fuzz_u16(&f->in) : gen_u64(&f->in);
	if (f->trace)
		fprintf(stderr, "write %#x, %u: %#llx\n", off, size,
			(unsigned long long)val);
	/* Both must see the same, so what only one could take is left out. */
	if ((size != 4 && size != 8) || off % size) {
		uiommu_smmuv3_model_write(f->cached, off, size, val);
		return;
	}
	wr(f, off, size, val);
}

static void step_read(struct fuzz *f)
{
	uint32_t off = pick_offset(f);
	uint8_t size = fuzz_u8(&f->in);
	uint64_t val = uiommu_smmuv3_model_read(f->cached, off, size & 15);

	if ((size & 15) == 4)
		must(!(val >> 32), "a register of 4 bytes has more");
	else if ((size & 15) != 8)
		must(!val, "an access of an odd size reads something");
}

static void setup(struct fuzz *f, uint8_t b, uint8_t c)
{
	if (f->trace)
		fprintf(stderr, "set up %#x %#x\n", b, c);
	wr(f, SMMU_REG_CR0, 4, 0);
	wr(f, SMMU_REG_STRTAB_BASE, 8, GEN_STRTAB);
	/* linear, or two levels whose second is GEN_L2ST */
	if (b & 1) {
		uint64_t l1[2] = { GEN_L2ST | (b >> 5), GEN_L2ST | 7 };

		store(f, GEN_STRTAB, l1, 2);
		wr(f, SMMU_REG_STRTAB_BASE_CFG, 4, 1 << 16 | 6 << 6 | 8);
	} else {
		wr(f, SMMU_REG_STRTAB_BASE_CFG, 4, 6);
	}
	wr(f, SMMU_REG_CMDQ_BASE, 8, GEN_CMDQ | (b & 2 ? 8 : 3));
	wr(f, SMMU_REG_CMDQ_PROD, 4, 0);
	wr(f, SMMU_REG_CMDQ_CONS, 4, 0);
	wr(f, SMMU_REG_EVENTQ_BASE, 8, GEN_EVTQ | (b & 4 ? 7 : 1));
	wr(f, SMMU_REG_EVENTQ_PROD, 4, 0);
	wr(f, SMMU_REG_EVENTQ_CONS, 4, 0);
	wr(f, SMMU_REG_PRIQ_BASE, 8, GEN_PRIQ | (b & 8 ? 8 : 1));
	wr(f, SMMU_REG_PRIQ_PROD, 4, 0);
	wr(f, SMMU_REG_PRIQ_CONS, 4, 0);
	wr(f, SMMU_REG_CR2, 4, c & 0xf);
	wr(f, SMMU_REG_CR1, 4, 0xd75);
	wr(f, SMMU_REG_IRQ_CTRL, 4, 0);
	wr(f, SMMU_REG_EVENTQ_IRQ_CFG0, 8, c & 0x20 ? GEN_DATA : 0);
	wr(f, SMMU_REG_GERROR_IRQ_CFG0, 8, c & 0x40 ? GEN_DATA + 64 : 0);
	wr(f, SMMU_REG_IRQ_CTRL, 4, 7);
	wr(f, SMMU_REG_GERRORN, 4, rd(f, SMMU_REG_GERROR));
	wr(f, SMMU_REG_CR0, 4, 0xf | (c & 0x10 ? SMMU_CR0_ATSCHK : 0));
}

static void step_setup(struct fuzz *f)
{
	uint8_t b = fuzz_u8(&f->in);

	setup(f, b, fuzz_u8(&f->in));
}

/* -------------------------------------------------------------- memory -- */

void step_ste(struct fuzz *f)
{
	uint32_t sid = gen_sid(&f->in);
	uint64_t q[8];

	gen_ste(&f->in, q);
	if (f->trace)
		fprintf(stderr, "STE %u: %#llx\n", sid % 64,
			(unsigned long long)q[0]);
	store(f, GEN_STRTAB + 64ull * (sid % 64), q, 8);
	store(f, GEN_L2ST + 64ull * (sid % 64), q, 8);
}

void step_cd(struct fuzz *f)
{
	uint8_t i = fuzz_u8(&f->in);
	uint64_t q[8], l1[2] = { GEN_CDS | 1, (i & 0x80 ? GEN_CDS : 0) | 1 };

	gen_cd(&f->in, q);
	if (f->trace)
		fprintf(stderr, "CD %u\n", i % 8);
	store(f, GEN_CDS + 64ull * (i % 8), q, 8);
	store(f, GEN_L1CD, l1, 2);
}

void step_desc(struct fuzz *f)
{
	uint8_t where = fuzz_u8(&f->in), n = fuzz_u8(&f->in);
	uint64_t pa = gen_table(where);
	uint64_t desc = gen_desc(&f->in);

	if (f->trace)
		fprintf(stderr, "descriptor %u of %#llx: %#llx\n", n,
			(unsigned long long)pa, (unsigned long long)desc);
	/* the first ones, the last ones, or all the same */
	if (n == 0xff) {
		for (unsigned int i = 0; i < 512; i++)
			store(f, pa + 8 * i, &desc, 1);
		return;
	}
	store(f, pa + (n & 0x80 ? 0xf80 : 0) + 8 * (n % 16u), &desc, 1);
}

static void step_word(struct fuzz *f)
{
	uint64_t pa = GEN_BASE + ((uint64_t)fuzz_u16(&f->in) << 3);
	uint64_t word = gen_u64(&f->in);

	store(f, pa, &word, 1);
}

static void step_trouble(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in);

	if (how & 1) {
		f->hole = how & 2 ? GEN_BASE + (uint64_t)(how >> 2) * 4096 : 0;
		return;
	}
	f->change_in = 1 + (how >> 1) % 32u;
	f->change_at = (uint64_t)fuzz_u16(&f->in) << 2 & ~7ull;
	f->change_by = gen_u64(&f->in);
}

/* ------------------------------------------------------------ commands -- */

void give(struct fuzz *f, const uint64_t q[2])
{
	uint64_t base =
		uiommu_smmuv3_model_read(f->cached, SMMU_REG_CMDQ_BASE, 8);
	uint32_t prod = rd(f, SMMU_REG_CMDQ_PROD);
	unsigned int lg2 = base & 31;

	if (f->trace)
		fprintf(stderr, "command %#llx %#llx\n",
			(unsigned long long)q[0], (unsigned long long)q[1]);
	store(f, (base & SMMU_Q_BASE_ADDR) + 16 * (prod & ((1u << lg2) - 1)), q,
	      2);
	wr(f, SMMU_REG_CMDQ_PROD, 4, prod + 1);
	/* a bad one is passed over most of the time */
	if (fuzz_u8(&f->in) & 0xf &&
	    (rd(f, SMMU_REG_GERROR) ^ rd(f, SMMU_REG_GERRORN)) & 1) {
		wr(f, SMMU_REG_CR0, 4, rd(f, SMMU_REG_CR0) & ~SMMU_CR0_CMDQEN);
		wr(f, SMMU_REG_CMDQ_CONS, 4, rd(f, SMMU_REG_CMDQ_PROD));
		wr(f, SMMU_REG_GERRORN, 4, rd(f, SMMU_REG_GERROR));
		wr(f, SMMU_REG_CR0, 4, rd(f, SMMU_REG_CR0) | SMMU_CR0_CMDQEN);
	}
}

/* One of four enhanced queues: set up, fed, its error acknowledged. */
static void step_ecmdq(struct fuzz *f)
{
	uint8_t how = fuzz_u8(&f->in);
	uint32_t off = UIOMMU_SMMUV3_MMIO_SIZE + (how & 3) * 0x4000u;
	uint32_t prod = rd(f, off + SMMU_REG_ECMDQ_PROD), cons;
	uint64_t pa = GEN_ECMDQ + (how & 3) * 256u, q[2];

	if ((how & 0x1c) == 0) {
		wr(f, off + SMMU_REG_ECMDQ_PROD, 4, 0);
		wr(f, off + SMMU_REG_ECMDQ_BASE, 8, pa | (how & 0x80 ? 4 : 1));
		wr(f, off + SMMU_REG_ECMDQ_CONS, 4, 0);
		wr(f, off + SMMU_REG_ECMDQ_PROD, 4, SMMU_ECMDQ_PROD_EN);
		return;
	}
	gen_cmd(&f->in, q);
	if (f->trace)
		fprintf(stderr, "ECMDQ %u: %#llx\n", how & 3,
			(unsigned long long)q[0]);
	store(f, pa + 16 * (prod & 15), q, 2);
	wr(f, off + SMMU_REG_ECMDQ_PROD, 4, prod + 1);
	cons = rd(f, off + SMMU_REG_ECMDQ_CONS);
	if (how & 0x20 && (cons ^ prod) & SMMU_ECMDQ_PROD_ERRACK)
		wr(f, off + SMMU_REG_ECMDQ_PROD, 4,
		   (prod + 1) ^ SMMU_ECMDQ_PROD_ERRACK);
}

static void step_cmd(struct fuzz *f)
{
	uint64_t q[2];

	gen_cmd(&f->in, q);
	give(f, q);
}

static void step_events(struct fuzz *f)
{
	uint32_t prod = rd(f, SMMU_REG_EVENTQ_PROD);

	wr(f, SMMU_REG_EVENTQ_CONS, 4, prod);
	wr(f, SMMU_REG_GERRORN, 4, rd(f, SMMU_REG_GERROR));
}

/* ----------------------------------------------------------------- run -- */

static void step(struct fuzz *f)
{
	/* clang-format off */
	static void (*const steps[])(struct fuzz *f) = {
		step_write, step_read, step_setup,
		step_ste, step_ste, step_cd, step_cd,
		step_desc, step_desc, step_desc, step_desc, step_word,
		step_cmd, step_cmd, step_ecmdq, step_events, step_trouble,
		step_dma, step_dma, step_resume,
		step_ats, step_ats, step_inval_done, step_page_request,
		step_save, step_restore,
		step_translate, step_translate, step_translate,
		step_compare, step_compare,
	};
	/* clang-format on */
	uint8_t which = fuzz_u8(&f->in);

	steps[which % (sizeof(steps) / sizeof(steps[0]))](f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dma dmas[NR_DMAS];
	static uint8_t *mem;
	struct fuzz f = { .in = { data, size }, .trace = getenv("FUZZ_TRACE") };

	if (!mem) {
		/* instances come and go: keep their memory */
		mallopt(M_MMAP_THRESHOLD, 1 << 26);
		mallopt(M_TRIM_THRESHOLD, 1 << 28);
		mem = malloc(GEN_SIZE);
	}
	must(mem, "memory");
	memset(mem, 0, GEN_SIZE);
	f.mem = mem;
	f.dmas = dmas;
	pick_profile(&f);
	if (!start(&f))
		return 0;
	gen_world(store_word, &f);
	if (!f.from_reset)
		setup(&f, 0xe, 2);
	for (unsigned int i = 0; i < MAX_STEPS && f.in.left; i++)
		step(&f);
	/* what waits is ended by one or the other */
	if (size & 1) {
		wr(&f, SMMU_REG_CR0, 4, 0);
		all_ended(&f);
	}
	ats_answer_all(&f, 0);
	uiommu_smmuv3_model_destroy(f.plain);
	uiommu_smmuv3_model_destroy(f.cached);
	all_ended(&f);
	free(f.snapshot);
	free(f.plain_snapshot);
	return 0;
}
