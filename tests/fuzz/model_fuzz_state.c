/* SPDX-License-Identifier: BSD-2-Clause */
/* Snapshots for the model's fuzzer: taken, damaged, put back. */
#include "model_fuzz.h"

static const uint32_t offsets[] = {
#define SMMU_X(name, offset, size, access, guard, needs, bits) offset,
	SMMU_REGISTERS(SMMU_X)
#undef SMMU_X
};

void step_save(struct fuzz *f)
{
	size_t len = uiommu_smmuv3_model_snapshot_size(f->cached);
	uint8_t *buf = malloc(len), *plain = malloc(len);
	int rc;

	must(buf && plain, "memory");
	must(uiommu_smmuv3_model_snapshot_size(f->plain) == len,
	     "the size of a snapshot depends on caches");
	must(uiommu_smmuv3_model_save(f->cached, buf, len - 1) == -ENOSPC,
	     "a snapshot in too little room");
	rc = uiommu_smmuv3_model_save(f->cached, buf, len);
	must(!rc || rc == -EBUSY, "a snapshot that cannot be taken");
	if (rc || uiommu_smmuv3_model_save(f->plain, plain, len)) {
		free(buf);
		free(plain);
		return;
	}
	free(f->snapshot);
	free(f->plain_snapshot);
	f->snapshot = buf;
	f->plain_snapshot = plain;
	f->snapshot_len = len;
}

/* Flip bits, or cut off; the registers must be as before. */
static void restore_damaged(struct fuzz *f)
{
	uint64_t before[sizeof(offsets) / sizeof(offsets[0])];
	uint8_t *copy = malloc(f->snapshot_len);
	size_t len = f->snapshot_len;
	uint8_t how = fuzz_u8(&f->in);

	must(copy, "memory");
	memcpy(copy, f->snapshot, len);
	if (how & 1)
		len = fuzz_u16(&f->in) % len;
	else
		copy[fuzz_u16(&f->in) % len] ^= 1u << (how >> 1 & 7);
	for (unsigned int i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		before[i] = rd(f, offsets[i]);
	must(uiommu_smmuv3_model_restore(f->cached, copy, len),
	     "a damaged snapshot is taken");
	for (unsigned int i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++)
		must(before[i] == rd(f, offsets[i]),
		     "a refused snapshot has changed something");
	free(copy);
}

void step_restore(struct fuzz *f)
{
	int rc;

	if (!f->snapshot)
		return;
	if (fuzz_u8(&f->in) & 1) {
		restore_damaged(f);
		return;
	}
	rc = uiommu_smmuv3_model_restore(f->cached, f->snapshot,
					 f->snapshot_len);
	if (f->trace)
		fprintf(stderr, "restore: %d\n", rc);
	must(!rc || rc == -EBUSY, "a good snapshot is refused");
	if (!rc)
		must(!uiommu_smmuv3_model_restore(f->plain, f->plain_snapshot,
						  f->snapshot_len),
		     "a good snapshot is refused");
}
