/* SPDX-License-Identifier: BSD-2-Clause */
/* Built by tests/install/install_test: the model alone. */
#include <errno.h>

#include <uiommu/smmuv3_model.h>

static int no_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		   struct uiommu_mem_attrs attrs)
{
	return -EIO;
}

static int no_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		    struct uiommu_mem_attrs attrs)
{
	return -EIO;
}

static int no_swap(void *ctx, uiommu_pa_t pa, uint64_t *expected, uint64_t want)
{
	return -EIO;
}

static void no_irq(void *ctx, unsigned int line)
{
}

int main(void)
{
	struct uiommu_model_host host = { .read = no_read,
					  .write = no_write,
					  .cmpxchg64 = no_swap,
					  .irq = no_irq };
	struct uiommu_smmuv3_model *model;
	uint64_t idr0;

	if (uiommu_smmuv3_model_create(uiommu_smmuv3_profile_find("full"),
				       &host, &model))
		return 1;
	idr0 = uiommu_smmuv3_model_read(model, 0, 4);
	uiommu_smmuv3_model_destroy(model);
	return idr0 == 0;
}
