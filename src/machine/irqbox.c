/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irqbox.c - the SMMUs' wires on their way to the driver.
 *
 * A wire rises in whatever thread made the model raise it, which may be one
 * inside the driver that has just rung a queue's doorbell.  So it is only
 * marked there, and delivered where the machine knows that no driver op is
 * under way in this thread.  One thread at a time delivers; one that finds
 * another at it leaves the line to that one, which looks again before it ends.
 */
#include "machine_private.h"

void irqbox_raise(void *ctx, unsigned int line)
{
	struct machine_smmu *smmu = ctx;

	fetch_or_acq_rel(&smmu->irq_pending, BIT32(line));
}

static void deliver_one(struct machine_smmu *smmu)
{
	while (load_acquire(&smmu->irq_pending)) {
		uint32_t lines;

		if (exchange_acq_rel(&smmu->irq_busy, 1))
			return;
		lines = exchange_acq_rel(&smmu->irq_pending, 0);
		while (lines) {
			unsigned int line = (unsigned int)ffs_u64(lines);

			lines &= lines - 1;
			smmu->unit->ops->irq(smmu->unit, line);
		}
		store_release(&smmu->irq_busy, 0);
		/*
		 * Before the next look at what is pending: who raised a line and
		 * found us at it has left it to that look.
		 */
		fence_full();
	}
}

void irqbox_deliver(struct uiommu_machine *machine)
{
	for (unsigned int i = 0; i < machine->nr_smmus; i++)
		if (machine->smmu[i].unit)
			deliver_one(&machine->smmu[i]);
}
