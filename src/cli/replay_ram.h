/* SPDX-License-Identifier: BSD-2-Clause */
/* replay_ram.h - the memory that recorded cases run in; aborts elsewhere. */
#ifndef CLI_REPLAY_RAM_H
#define CLI_REPLAY_RAM_H

#include <uiommu/model.h>

#define REPLAY_RAM_BASE UINT64_C(0x40000000)
#define REPLAY_RAM_SIZE UINT64_C(0x10000000)

struct replay_ram {
	uint8_t *bytes;
	/* Where the last write of a client (not the SMMU itself) began. */
	uiommu_pa_t client_write;
};

/* 0 or -ENOMEM. */
int replay_ram_init(struct replay_ram *ram);
void replay_ram_fini(struct replay_ram *ram);
/* All zero again. */
void replay_ram_clear(struct replay_ram *ram);
/* Memory callbacks on this RAM. */
void replay_ram_host(struct replay_ram *ram, struct uiommu_model_host *host);
/* Pointer to [pa, pa+len), NULL outside. */
void *replay_ram_at(struct replay_ram *ram, uint64_t pa, uint64_t len);

#endif /* CLI_REPLAY_RAM_H */
