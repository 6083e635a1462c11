/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smmuv3.h - bringing up an Arm SMMUv3 with the driver of ours.
 *
 * After uiommu_smmuv3_probe() all work goes through the ops of driver.h.
 */
#ifndef UIOMMU_SMMUV3_H
#define UIOMMU_SMMUV3_H

#include <uiommu/driver.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The `line` of uiommu_driver_ops.irq. */
enum uiommu_smmuv3_irq {
	UIOMMU_SMMUV3_IRQ_EVENTQ,
	UIOMMU_SMMUV3_IRQ_PRIQ,
	UIOMMU_SMMUV3_IRQ_SYNC, /* not used by this driver */
	UIOMMU_SMMUV3_IRQ_GERROR,
};

struct uiommu_smmuv3_cfg {
	/* Must outlive the unit. */
	const struct uiommu_platform *platform;
	/* Of the register window; its control pages belong to it (IDR1.ECMDQ). */
	uiommu_pa_t base;
	/* NULL: faults are logged. */
	const struct uiommu_host_ops *host;
	void *host_ctx;
	/*
	 * Where the SMMU's own interrupts go: a doorbell and a number for each,
	 * addr 0 = by wire.  Used only where IDR0.MSI.
	 */
	struct uiommu_msi_msg evtq_msi;
	struct uiommu_msi_msg gerror_msi;
	struct uiommu_msi_msg priq_msi;
	/* Upper bounds for queue sizes in entries (log2); 0: 8 for each. */
	uint8_t cmdq_lg2;
	uint8_t evtq_lg2;
	uint8_t priq_lg2;
	/*
	 * Output address bits of domains that do not ask for a number
	 * (uiommu_dom_cfg.oas), at most as many as the SMMU has.  0: 48, which
	 * every SMMU that is as wide can walk, so that domains can be shared.
	 * Else: 52 where memory lies beyond 48 bits and all SMMUs that share have
	 * them; or fewer than 48 if one of those has fewer.
	 */
	uint8_t domain_oas;
	/* Give up waiting for the hardware after this long; 0: one second. */
	uint64_t timeout_ns;
};

/*
 * Find out what the SMMU can do, reset it, put an abort entry under every
 * StreamID and enable translation.
 *   -ENODEV	not an SMMUv3 that this driver can use (the log says why)
 *   -EINVAL	domain_oas is smaller than any SMMUv3's output size
 *   -ENOMEM
 *   -ETIMEDOUT	a register handshake did not finish
 */
int uiommu_smmuv3_probe(const struct uiommu_smmuv3_cfg *cfg,
			struct uiommu_unit **out);

/*
 * Payload of GET_HW_INFO for an SMMUv3, type 2 (twin of the kernel's struct
 * iommu_hw_info_arm_smmuv3; a test compares the two).
 */
#define UIOMMU_HW_INFO_TYPE_ARM_SMMUV3 2u

struct uiommu_hw_info_smmuv3 {
	uint32_t flags;
	uint32_t reserved;
	uint32_t idr[6];
	uint32_t iidr;
	uint32_t aidr;
};

/*
 * What a guest's data are, in little-endian words (twins of the kernel's, as
 * above): a nested domain's two words of a stream table entry, a command, an event.
 */
#define UIOMMU_HWPT_DATA_ARM_SMMUV3 2u
#define UIOMMU_VIOMMU_TYPE_ARM_SMMUV3 1u
#define UIOMMU_VIOMMU_INVALIDATE_ARM_SMMUV3 1u
#define UIOMMU_VEVENTQ_TYPE_ARM_SMMUV3 1u

struct uiommu_hwpt_smmuv3 {
	uint64_t ste[2];
};

struct uiommu_viommu_smmuv3_invalidate {
	uint64_t cmd[2];
};

struct uiommu_vevent_smmuv3 {
	uint64_t evt[4];
};

#ifdef __cplusplus
}
#endif

#endif /* UIOMMU_SMMUV3_H */
