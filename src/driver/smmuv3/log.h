/* SPDX-License-Identifier: BSD-2-Clause */
/* log.h - one line of text to the platform, without libc. */
#ifndef DRIVER_SMMUV3_LOG_H
#define DRIVER_SMMUV3_LOG_H

#include <uiommu/platform.h>

/*
 * Knows %s, %u, %x, %llu, %llx and %%.  Lines longer than 160 bytes are cut.
 * Does nothing where the platform has no log.
 */
__attribute__((format(printf, 3, 4))) void
smmuv3_log(const struct uiommu_platform *p, enum uiommu_log_level level,
	   const char *fmt, ...);

#endif /* DRIVER_SMMUV3_LOG_H */
