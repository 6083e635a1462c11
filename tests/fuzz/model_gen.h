/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_gen.h - structures for the model's fuzzer: plausible ones, made of the
 * input's bytes, and then damaged as the input says.
 *
 * Memory is 256 KiB at GEN_BASE.  Each kind of structure has its place, so that
 * those which refer to each other mostly find each other.
 */
#ifndef TESTS_FUZZ_MODEL_GEN_H
#define TESTS_FUZZ_MODEL_GEN_H

#include "fuzz.h"

#define GEN_BASE 0x100000ull
#define GEN_SIZE 0x40000ull
#define GEN_STRTAB (GEN_BASE + 0x0000) /* 64 STEs */
#define GEN_L2ST (GEN_BASE + 0x1000)   /* behind level-1 descriptors */
#define GEN_CDS (GEN_BASE + 0x2000)
#define GEN_CMDQ (GEN_BASE + 0x3000)  /* 256 commands */
#define GEN_EVTQ (GEN_BASE + 0x4000)  /* 128 records */
#define GEN_PRIQ (GEN_BASE + 0x5000)  /* 256 records */
#define GEN_FENCE (GEN_BASE + 0x6000) /* commands of the fuzzer's own */
#define GEN_L1CD (GEN_BASE + 0x7000)
#define GEN_ECMDQ (GEN_BASE + 0x8000)	/* 4 queues of 16 commands */
#define GEN_TABLES (GEN_BASE + 0x10000) /* 32 pages, 64K aligned */
#define GEN_NR_TABLES 32u
#define GEN_DATA (GEN_BASE + 0x30000)

/* The n-th table page. */
static inline uint64_t gen_table(uint8_t n)
{
	return GEN_TABLES + (uint64_t)(n % GEN_NR_TABLES) * 4096;
}

/* Little-endian in CPU order, as many words as the name's structure has. */
void gen_ste(struct fuzz_input *in, uint64_t q[8]);
void gen_cd(struct fuzz_input *in, uint64_t q[8]);
uint64_t gen_desc(struct fuzz_input *in);
void gen_cmd(struct fuzz_input *in, uint64_t q[2]);
/* A device's address: small, or near an edge of what tables cover. */
uint64_t gen_iova(struct fuzz_input *in);
uint64_t gen_u64(struct fuzz_input *in);
uint32_t gen_sid(struct fuzz_input *in);
/*
 * Where everything starts from: streams 0 (stage 1), 1 (stage 2), 2 (nested), 3
 * (bypass) and 4 (abort), with pages 0 to 15 mapped to data and stage 2 to itself.
 */
void gen_world(void (*store)(void *arg, uint64_t pa, uint64_t word), void *arg);
/* Flip bits of n words if the input wants it. */
void gen_damage(struct fuzz_input *in, uint64_t *q, unsigned int n);

#endif /* TESTS_FUZZ_MODEL_GEN_H */
