/* SPDX-License-Identifier: BSD-2-Clause */
#include "model_gen.h"

/* Bit n of the 512 of a structure. */
static void put(uint64_t *q, unsigned int bit, uint64_t val)
{
	q[bit / 64] |= val << (bit % 64);
}

uint64_t gen_u64(struct fuzz_input *in)
{
	uint64_t val = 0;

	for (unsigned int i = 0; i < 8; i++)
		val |= (uint64_t)fuzz_u8(in) << (8 * i);
	return val;
}

void gen_damage(struct fuzz_input *in, uint64_t *q, unsigned int n)
{
	uint8_t how = fuzz_u8(in);

	/* mostly not at all */
	if (how & 0xc0)
		return;
	for (unsigned int i = 0; i <= (how & 3u); i++) {
		unsigned int bit = fuzz_u16(in) % (n * 64);

		q[bit / 64] ^= 1ull << (bit % 64);
	}
}

uint32_t gen_sid(struct fuzz_input *in)
{
	uint8_t b = fuzz_u8(in);

	if (b < 0xf0)
		return b % 8;
	return b == 0xff ? (uint32_t)gen_u64(in) : (uint32_t)b << (b % 16);
}

uint64_t gen_iova(struct fuzz_input *in)
{
	uint8_t how = fuzz_u8(in);
	uint64_t page = (uint64_t)(fuzz_u8(in) % 16) << 12;
	uint64_t off = fuzz_u8(in);

	switch (how % 16) {
	case 0:
		return gen_u64(in);
	case 1: /* TTB1 */
		return ~0xffffull | page | off;
	case 2: /* a power of two and what is below it */
		return (1ull << (how >> 4 << 2)) - (off & 15);
	case 3:
		return 0xab00000000000000ull | page | off;
	case 4: /* somewhere in the tables' reach */
		return (uint64_t)fuzz_u16(in) << 21 | page | off;
	case 5: /* memory by its own address */
		return GEN_BASE + ((uint64_t)fuzz_u16(in) << 2);
	default:
		return page | off;
	}
}

/* T0SZ, granule and start level that fit each other; stage 2 wants SL0. */
struct geometry {
	uint8_t tsz, tg0, tg1, sl0;
};

static const struct geometry geometries[] = {
	{ 25, 0, 2, 1 }, { 16, 0, 2, 2 }, { 24, 0, 2, 1 }, { 34, 0, 2, 0 },
	{ 39, 0, 2, 0 }, { 17, 2, 1, 2 }, { 28, 2, 1, 1 }, { 39, 2, 1, 0 },
	{ 22, 1, 3, 1 }, { 35, 1, 3, 0 }, { 45, 0, 2, 3 }, { 31, 0, 2, 0 },
	{ 12, 0, 2, 2 }, { 13, 1, 3, 2 }, { 16, 1, 3, 2 }, { 12, 2, 1, 2 },
};

static void gen_stage2(struct fuzz_input *in, uint64_t q[8])
{
	uint8_t b = fuzz_u8(in), attrs = fuzz_u8(in), flags = fuzz_u8(in);
	const struct geometry *g = &geometries[b % 16];

	put(q, 128, b >> 4 & 3); /* S2VMID */
	put(q, 160, g->tsz);
	put(q, 166, g->sl0);
	put(q, 168, attrs & 0x3f); /* IR, OR, SH */
	put(q, 174, g->tg0);
	put(q, 176, attrs & 0x40 ? flags & 7 : 6);
	put(q, 179, 1);			/* S2AA64 */
	put(q, 181, flags >> 3 & 1);	/* S2AFFD */
	put(q, 182, flags >> 4 & 1);	/* S2PTW */
	put(q, 183, flags >> 5 & 1);	/* S2HD */
	put(q, 184, flags >> 6 & 1);	/* S2HA */
	put(q, 185, attrs >> 7);	/* S2S */
	put(q, 186, !(flags & 0x80));	/* S2R */
	put(q, 89, b == 0xff);		/* S2FWB */
	put(q, 195, g->tsz < 16);	/* S2DS */
	q[3] |= gen_table(fuzz_u8(in)); /* S2TTB */
}

void gen_ste(struct fuzz_input *in, uint64_t q[8])
{
	static const uint8_t configs[] = { 5, 5, 5, 5, 6, 6, 7,
					   7, 7, 4, 4, 0, 5, 7 };
	uint8_t b = fuzz_u8(in), c = fuzz_u8(in), d = fuzz_u8(in);
	uint8_t config = configs[b % sizeof(configs)];

	for (unsigned int i = 0; i < 8; i++)
		q[i] = 0;
	put(q, 0, 1);
	put(q, 1, config);
	put(q, 108, c >> 6 ? 1 : d & 3); /* SHCFG */
	if (config & 1) {
		/* one CD, or a table of 8 */
		q[0] |= c & 1 ? GEN_CDS : GEN_CDS + (c >> 1 & 7) * 64u;
		if (c & 1) {
			put(q, 4, c >> 1 & 3);
			put(q, 59, (c >> 3 & 3) * 3u);
			put(q, 64, c >> 5 & 3);
			if (c >> 1 & 3)
				q[0] = (q[0] & ~0x00ffffffffffffc0ull) |
				       GEN_L1CD;
		}
		put(q, 66, d & 0x3f);	    /* CIR, COR, CSH */
		put(q, 94, b >> 7 ? 2 : 0); /* STRW */
		put(q, 91, d >> 7);	    /* S1STALLD */
		put(q, 128, b >> 5 & 3);    /* S2VMID */
	}
	put(q, 83, d >> 6 & 1); /* MEV */
	put(q, 92, b >> 4 & 3); /* EATS */
	if (d == 0x55) {
		uint64_t o = fuzz_u16(in);

		put(q, 96, o & 0x1ff); /* MemAttr, MTCFG, ALLOCCFG */
		put(q, 112, o >> 12);  /* PRIVCFG, INSTCFG */
	}
	if (config & 2) {
		q[2] = 0;
		gen_stage2(in, q);
	}
	gen_damage(in, q, 8);
}

void gen_cd(struct fuzz_input *in, uint64_t q[8])
{
	uint8_t b = fuzz_u8(in), c = fuzz_u8(in), d = fuzz_u8(in);
	const struct geometry *g0 = &geometries[b % 16];
	const struct geometry *g1 = &geometries[c % 16];

	for (unsigned int i = 0; i < 8; i++)
		q[i] = 0;
	put(q, 0, g0->tsz);
	put(q, 6, g0->tg0);
	put(q, 8, d & 0x3f);
	put(q, 16, g1->tsz);
	put(q, 22, g1->tg1);
	put(q, 24, d & 0x3f);
	put(q, 14, b == 0xff);	 /* EPD0 */
	put(q, 30, !(c & 0x80)); /* EPD1 */
	put(q, 31, 1);
	put(q, 32, d & 0x40 ? c & 7 : 6); /* IPS */
	put(q, 35, d >> 7);		  /* AFFD */
	put(q, 36, c >> 4 & 1);		  /* WXN */
	put(q, 38, b >> 4 & 3);		  /* TBI */
	put(q, 40, c >> 5 & 1);		  /* PAN */
	put(q, 41, 1);			  /* AA64 */
	put(q, 42, b >> 6);		  /* HD, HA */
	put(q, 44, c >> 6 & 1);		  /* S */
	put(q, 45, 1);			  /* R */
	put(q, 46, d != 0x11);		  /* A */
	put(q, 47, d & 1);		  /* ASET */
	put(q, 48, d >> 1 & 3);		  /* ASID */
	q[1] |= gen_table(fuzz_u8(in));
	put(q, 65, d == 0x22);
	put(q, 66, d == 0x33);
	q[2] |= gen_table(fuzz_u8(in));
	put(q, 186, g0->tsz < 16 || g1->tsz < 16); /* DS */
	q[3] = 0x00bb4408040cffffull;		   /* MAIR */
	gen_damage(in, q, 8);
}

void gen_world(void (*store)(void *arg, uint64_t pa, uint64_t word), void *arg)
{
	/* VMID 1, T0SZ 24, SL0 1, PS 48, AA64, R; table 4, of two pages */
	static const uint64_t s2 = 0x040d005800000001ull;
	static const uint64_t ste[5][4] = {
		{ GEN_CDS | 0xb, 1ull << 44 },
		{ 0xd, 1ull << 44, s2, GEN_TABLES + 0x4000 },
		{ GEN_CDS | 0xf, 1ull << 44, s2, GEN_TABLES + 0x4000 },
		{ 0x9, 1ull << 44 },
		{ 0x1 },
	};
	/* T0SZ 16, 4K, EPD1, V, IPS 48, AA64, R, A, ASID 1 */
	static const uint64_t cd[4] = { 0x00016205c0000010ull, GEN_TABLES, 0,
					0x00bb4408040cffffull };

	for (unsigned int i = 0; i < 5 * 4; i++)
		store(arg, GEN_STRTAB + i / 4 * 64 + i % 4 * 8,
		      ste[i / 4][i % 4]);
	for (unsigned int i = 0; i < 8 * 4; i++)
		store(arg, GEN_CDS + i / 4 * 64 + i % 4 * 8, cd[i % 4]);
	for (unsigned int i = 0; i < 3; i++)
		store(arg, gen_table(i), gen_table(i + 1) | 3);
	for (unsigned int i = 0; i < 16; i++)
		store(arg, gen_table(3) + 8 * i,
		      (GEN_DATA + i * 4096ull) | 0xc43);
	store(arg, gen_table(4), gen_table(6) | 3);
	store(arg, gen_table(6), gen_table(7) | 3);
	for (unsigned int i = 0; i < GEN_SIZE / 4096; i++)
		store(arg, gen_table(7) + (GEN_BASE >> 12) * 8 + 8 * i,
		      (GEN_BASE + i * 4096ull) | 0x4ff);
}

uint64_t gen_desc(struct fuzz_input *in)
{
	uint8_t kind = fuzz_u8(in), where = fuzz_u8(in);
	uint16_t attrs = fuzz_u16(in);
	uint64_t desc = attrs & 0xffc;

	/* mostly with access flag and accessible */
	if (kind & 0x10)
		desc |= 0x4c0;
	desc |= kind & 0x20 ? (uint64_t)(attrs >> 12) << 51 : 0;
	switch (kind % 8) {
	case 0:
		return 0;
	case 1: /* a block */
		return desc | (uint64_t)where << 21 | 1;
	case 2:
	case 3: /* a page of data */
		return desc | (GEN_DATA + (uint64_t)(where % 16) * 4096) | 3;
	case 4: /* a page anywhere */
		return desc | (uint64_t)where << 12 | 3;
	case 5: /* with attributes for what is below */
		return gen_table(where) | (uint64_t)(attrs >> 11) << 59 | 3;
	default:
		return gen_table(where) | 3 | (kind & 0x40 ? 0x400 : 0);
	}
}

void gen_cmd(struct fuzz_input *in, uint64_t q[2])
{
	static const uint8_t ops[] = {
		0x01, 0x02, 0x03, 0x03, 0x04, 0x04, 0x05, 0x05,
		0x06, 0x10, 0x11, 0x12, 0x12, 0x12, 0x13, 0x20,
		0x21, 0x22, 0x23, 0x28, 0x2a, 0x2a, 0x30, 0x40,
		0x40, 0x41, 0x44, 0x44, 0x45, 0x46, 0x46, 0x46,
	};
	uint8_t b = fuzz_u8(in), c = fuzz_u8(in);
	uint8_t op = ops[b % sizeof(ops)];

	q[0] = op;
	q[1] = 0;
	if (op >= 0x10 && op <= 0x30) {
		q[0] |= (uint64_t)(c & 3) << 32 | (uint64_t)(c >> 2 & 3) << 48;
		q[1] |= (gen_iova(in) & ~0xfffull) | c >> 7;
		if (c & 0x10) { /* a range */
			uint16_t r = fuzz_u16(in);

			q[0] |= (uint64_t)(r & 31) << 12 |
				(uint64_t)(r >> 5 & 63) << 20;
			q[1] |= (uint64_t)(r >> 11 & 15) << 8;
		}
	} else if (op == 0x46) {
		q[0] |= (uint64_t)(c & 3) << 12 | (uint64_t)c << 20;
		if (c & 4)
			q[1] = GEN_DATA + (uint64_t)(c >> 4) * 4;
	} else {
		q[0] |= (uint64_t)gen_sid(in) << 32 | (uint64_t)(c & 7) << 12 |
			(uint64_t)(c >> 3 & 1) << 11;
		q[1] = c >> 4;
		if (op == 0x40)
			q[1] = (gen_iova(in) & ~0xfffull) | (c >> 2);
		if (op == 0x41)
			q[1] = (uint64_t)(c >> 6) << 12 | (c & 0x3f);
		if (op == 0x44)
			q[1] = fuzz_u8(in);
	}
	gen_damage(in, q, 2);
}
