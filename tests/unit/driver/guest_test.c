/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest may say: its entry and its commands, bit by bit, against words typed
 * by hand from the specification.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "driver/smmuv3/unit.h"

/* ---------------------------------------------------------------- entries */

static int check(uint64_t q0, uint64_t q1, struct smmuv3_vste *vste)
{
	const uint64_t in[2] = { q0, q1 };

	return smmuv3_vste_check(in, vste);
}

static void one_that_is_not_valid_aborts(void **state)
{
	struct smmuv3_vste vste;

	assert_int_equal(check(0, 0, &vste), 0);
	assert_int_equal(vste.config, 0);
	/* Whatever else it says. */
	assert_int_equal(check(~1ull, ~0ull, &vste), 0);
	assert_int_equal(vste.config, 0);
	assert_false(vste.ats);
	assert_int_equal(vste.q[0] | vste.q[1], 0);
}

static void each_bit_of_a_valid_one(void **state)
{
	/* S1Fmt, S1ContextPtr[51:6], S1CDMax; S1DSS to S1CSH, S1STALLD, EATS. */
	const uint64_t guests[2] = { 0xf80ffffffffffff0, 0x380000ff };
	struct smmuv3_vste vste;
	unsigned int i;

	/* Config in bits 3:1 is looked at as a whole. */
	for (i = 4; i < 128; i++) {
		uint64_t q[2] = { 0xb, 0 };
		bool allowed;

		q[i / 64] |= 1ull << i % 64;
		allowed = guests[i / 64] >> i % 64 & 1;
		/* EATS = 2 is split-stage ATS. */
		if (i == 64 + 29)
			allowed = false;
		assert_int_equal(check(q[0], q[1], &vste), allowed ? 0 : -EIO);
	}
	for (i = 0; i < 8; i++) {
		bool good = i == 0 || i == 4 || i == 5;

		assert_int_equal(check(1 | i << 1, 0, &vste), good ? 0 : -EIO);
		if (good)
			assert_int_equal(vste.config, i);
	}
	for (i = 0; i < 4; i++)
		assert_int_equal(check(0xb, (uint64_t)i << 28, &vste),
				 i < 2 ? 0 : -EIO);
	/* ATS is for what stage 1 translates. */
	assert_int_equal(check(0xb, 1 << 28, &vste), 0);
	assert_true(vste.ats);
	assert_int_equal(vste.q[1], 0);
	assert_int_equal(check(0x9, 1 << 28, &vste), 0);
	assert_false(vste.ats);
}

static void both_stages_in_words(void **state)
{
	const struct smmuv3_ste_s2_cfg s2 = {
		.pt = { .granule_lg2 = 12,
			.start_level = 0,
			.ias = 48,
			.oas = 48,
			.root = 0x87650000 },
		.vmid = 0x1234,
		.coherent = true,
		.eats = 1,
		.merge = true,
	};
	struct smmuv3_vste vste;
	struct smmu_ste ste;

	/* A table of 2^16 CDs of two levels at 0x43210000, S1DSS = SSID0, WB */
	assert_int_equal(check(0x800000004321002b, 0x100000d6, &vste), 0);
	smmuv3_make_ste_nested(&ste, &s2, &vste);
	assert_int_equal(ste.q[0], 0x800000004321002f);
	/* the guest's; MEV, EATS, SHCFG = incoming of the host */
	assert_int_equal(ste.q[1], 0x00001000100800d6);
	assert_int_equal(ste.q[2], 0x044d359000001234);
	assert_int_equal(ste.q[3], 0x87650000);
	assert_int_equal(ste.q[4] | ste.q[5] | ste.q[6] | ste.q[7], 0);
	/* S1STALLD is the guest's as well. */
	assert_int_equal(check(0x4321000b, 0x08000000, &vste), 0);
	smmuv3_make_ste_nested(&ste, &s2, &vste);
	assert_int_equal(ste.q[1], 0x0000100018080000);
}

/* --------------------------------------------------------------- commands */

static void full_features(struct smmuv3_features *f)
{
	memset(f, 0, sizeof(*f));
	f->idr[1] = 20 << 6; /* SSIDSIZE */
	f->asid_bits = 16;
	f->ril = f->ds = f->ats = true;
}

/* Bits that a command may have, and a good one. */
struct command {
	uint64_t allowed[2];
	struct smmu_cmd good;
};

static const struct command commands[] = {
	{ { 0, 0 }, { { 0x30, 0 } } },
	{ { 0x0000ffff00000000, 0 }, { { 0x0000000700000010, 0 } } },
	{ { 0xffffffff00000000, 0 }, { { 0x0042000700000011, 0 } } },
	/* NUM SCALE VMID ASID; LEAF TTL TG ADDR */
	{ { 0xffffffff03f1f000, 0xffffffffffffff01 },
	  { { 0x0042000700000012, 0x12345001 } } },
	{ { 0x0000ffff03f1f000, 0xffffffffffffff01 },
	  { { 0x0000000700000013, 0x12345000 } } },
	/* G SSV SSID SID; SIZE ADDR */
	{ { 0xfffffffffffffa00, 0xfffffffffffff03f },
	  { { 0x0000123400000040, 0x12345000 } } },
	{ { 0xfffffffffffff000, 0x1 }, { { 0x0000123400003005, 1 } } },
	{ { 0xffffffff00000000, 0 }, { { 0x0000123400000006, 0 } } },
};
#define NR_COMMANDS (sizeof(commands) / sizeof(commands[0]))

/* Of TLBI by address range fields go together, so they are looked at apart. */
static bool is_range_bit(const struct command *c, unsigned int i)
{
	uint64_t op = c->good.q[0] & 0xff;

	return (op == 0x12 || op == 0x13) &&
	       ((i >= 12 && i <= 16) || (i >= 20 && i <= 25) ||
		(i >= 72 && i <= 75));
}

static void each_bit_of_each_command(void **state)
{
	struct smmuv3_features f;
	unsigned int i, n;

	full_features(&f);
	for (n = 0; n < NR_COMMANDS; n++) {
		assert_int_equal(smmuv3_vcmd_check(&f, &commands[n].good), 0);
		for (i = 8; i < 128; i++) {
			struct smmu_cmd cmd = commands[n].good;
			bool allowed;

			if (is_range_bit(&commands[n], i))
				continue;
			cmd.q[i / 64] |= 1ull << i % 64;
			allowed = commands[n].allowed[i / 64] >> i % 64 & 1;
			assert_int_equal(smmuv3_vcmd_check(&f, &cmd),
					 allowed ? 0 : -EIO);
		}
	}
	/* No other command, a SYNC and a RESUME among them. */
	for (i = 0; i < 256; i++) {
		struct smmu_cmd cmd = { { i, 0 } };
		bool known = false;

		for (n = 0; n < NR_COMMANDS; n++)
			known |= (commands[n].good.q[0] & 0xff) == i;
		assert_int_equal(smmuv3_vcmd_check(&f, &cmd), known ? 0 : -EIO);
	}
}

static int tlbi(const struct smmuv3_features *f, unsigned int num,
		unsigned int scale, unsigned int tg, unsigned int ttl)
{
	const struct smmu_cmd cmd = { { 0x12 | num << 12 |
						(uint64_t)scale << 20,
					0x12345000 | ttl << 8 | tg << 10 } };

	return smmuv3_vcmd_check(f, &cmd);
}

static void ranges(void **state)
{
	struct smmuv3_features f;

	full_features(&f);
	/* One address: no range fields. */
	assert_int_equal(tlbi(&f, 0, 0, 0, 0), 0);
	assert_int_equal(tlbi(&f, 1, 0, 0, 0), -EIO);
	assert_int_equal(tlbi(&f, 0, 1, 0, 0), -EIO);
	assert_int_equal(tlbi(&f, 0, 0, 0, 1), -EIO);
	/* A range of one granule and no level is reserved. */
	for (unsigned int tg = 1; tg < 4; tg++) {
		assert_int_equal(tlbi(&f, 0, 0, tg, 0), -EIO);
		assert_int_equal(tlbi(&f, 31, 0, tg, 0), 0);
		assert_int_equal(tlbi(&f, 0, 31, tg, 0), 0);
		assert_int_equal(tlbi(&f, 0, 0, tg, 3), 0);
	}
	/* Level 1 of 16K, and large ranges, need DS. */
	assert_int_equal(tlbi(&f, 0, 0, 2, 1), 0);
	assert_int_equal(tlbi(&f, 0, 32, 1, 0), 0);
	f.ds = false;
	assert_int_equal(tlbi(&f, 0, 0, 2, 1), -EIO);
	assert_int_equal(tlbi(&f, 1, 0, 2, 1), -EIO);
	assert_int_equal(tlbi(&f, 0, 0, 1, 1), 0);
	assert_int_equal(tlbi(&f, 0, 32, 1, 0), -EIO);
	assert_int_equal(tlbi(&f, 0, 31, 1, 0), 0);
	f.ril = false;
	assert_int_equal(tlbi(&f, 0, 0, 0, 0), 0);
	assert_int_equal(tlbi(&f, 1, 0, 1, 0), -EIO);
	assert_int_equal(tlbi(&f, 0, 0, 1, 1), -EIO);
}

static int one(const struct smmuv3_features *f, uint64_t q0, uint64_t q1)
{
	const struct smmu_cmd cmd = { { q0, q1 } };

	return smmuv3_vcmd_check(f, &cmd);
}

static void what_the_SMMU_lacks(void **state)
{
	struct smmuv3_features f;

	full_features(&f);
	assert_int_equal(one(&f, 0x0100000000000011, 0), 0);
	f.asid_bits = 8;
	assert_int_equal(one(&f, 0x0100000000000011, 0), -EIO);
	assert_int_equal(one(&f, 0x0100000000000012, 0), -EIO);
	assert_int_equal(one(&f, 0x00ff000000000011, 0), 0);
	/* Sizes up to everything. */
	assert_int_equal(one(&f, 0x40, 52), 0);
	assert_int_equal(one(&f, 0x40, 53), -EIO);
	f.idr[1] = 0;
	assert_int_equal(one(&f, 0x40, 0), 0);
	assert_int_equal(one(&f, 0x840, 0), -EIO);
	assert_int_equal(one(&f, 0x1040, 0), -EIO);
	assert_int_equal(one(&f, 0x240, 0), -EIO);
	assert_int_equal(one(&f, 0x1005, 0), -EIO);
	assert_int_equal(one(&f, 0x5, 0), 0);
	f.ats = false;
	assert_int_equal(one(&f, 0x40, 0), -EIO);
}

static void whose_it_becomes(void **state)
{
	struct smmu_cmd cmd = { { 0x30, 0 } };
	unsigned int n;

	smmuv3_vcmd_set_vmid(&cmd, 0x55aa);
	assert_int_equal(cmd.q[0], 0x000055aa00000010);
	for (n = 1; n < NR_COMMANDS; n++) {
		bool sid = n >= 5;

		cmd = commands[n].good;
		assert_int_equal(smmuv3_vcmd_has_sid(&cmd), sid);
		if (sid)
			smmuv3_vcmd_set_sid(&cmd, 0xabcdef01);
		else
			smmuv3_vcmd_set_vmid(&cmd, 0x55aa);
		assert_int_equal(cmd.q[1], commands[n].good.q[1]);
		if (sid)
			assert_int_equal(cmd.q[0] >> 32, 0xabcdef01);
		else
			assert_int_equal(cmd.q[0] >> 32 & 0xffff, 0x55aa);
		/* Nothing else of it changes. */
		assert_int_equal((cmd.q[0] ^ commands[n].good.q[0]) &
					 (sid ? 0xffffffff
					      : ~0x0000ffff00000000ull),
				 0);
	}
}

int main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(one_that_is_not_valid_aborts),
		cmocka_unit_test(each_bit_of_a_valid_one),
		cmocka_unit_test(both_stages_in_words),
		cmocka_unit_test(each_bit_of_each_command),
		cmocka_unit_test(ranges),
		cmocka_unit_test(what_the_SMMU_lacks),
		cmocka_unit_test(whose_it_becomes),
	};

	return cmocka_run_group_tests(cases, NULL, NULL);
}
