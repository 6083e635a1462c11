/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config.h - configuration space of a PCI Express function (type 0 header):
 * offsets and fields, little-endian.
 */
#ifndef HW_PCIE_CONFIG_H
#define HW_PCIE_CONFIG_H

#include "base/bits.h"

#define PCIE_CFG_SIZE 4096u
/* Where extended capabilities begin. */
#define PCIE_CFG_EXT 0x100u

/* ------------------------------------------------------------- header -- */

#define PCIE_CFG_VENDOR_ID 0x00
#define PCIE_CFG_DEVICE_ID 0x02
#define PCIE_CFG_COMMAND 0x04
#define PCIE_CFG_STATUS 0x06
#define PCIE_CFG_REVISION_ID 0x08
#define PCIE_CFG_CLASS_CODE 0x09 /* three bytes */
#define PCIE_CFG_CACHE_LINE_SIZE 0x0c
#define PCIE_CFG_HEADER_TYPE 0x0e
#define PCIE_CFG_BAR(n) (0x10 + 4 * (n))
#define PCIE_CFG_SUBSYSTEM_VENDOR_ID 0x2c
#define PCIE_CFG_SUBSYSTEM_ID 0x2e
#define PCIE_CFG_ROM_BAR 0x30
#define PCIE_CFG_CAP_PTR 0x34
#define PCIE_CFG_INTERRUPT_LINE 0x3c
#define PCIE_CFG_INTERRUPT_PIN 0x3d

#define PCIE_COMMAND_IO BIT32(0)
#define PCIE_COMMAND_MEMORY BIT32(1)
#define PCIE_COMMAND_BUS_MASTER BIT32(2)
#define PCIE_COMMAND_PARITY BIT32(6)
#define PCIE_COMMAND_SERR BIT32(8)
#define PCIE_COMMAND_INTX_DISABLE BIT32(10)

#define PCIE_STATUS_INTERRUPT BIT32(3)
#define PCIE_STATUS_CAP_LIST BIT32(4)

#define PCIE_BAR_IO BIT32(0)
#define PCIE_BAR_MEM_64 BIT32(2)
#define PCIE_BAR_MEM_MASK (~UINT32_C(0xf))

/* ------------------------------------------------------- capabilities -- */

#define PCIE_CAP_ID_PM 0x01
#define PCIE_CAP_ID_MSI 0x05
#define PCIE_CAP_ID_EXP 0x10
#define PCIE_CAP_ID_MSIX 0x11

#define PCIE_PM_SIZE 8
#define PCIE_PM_CAP 2
#define PCIE_PM_CTRL 4
#define PCIE_PM_CTRL_NO_SOFT_RESET BIT32(3)

/* 64-bit addresses, no masking per vector. */
#define PCIE_MSI_SIZE 14
#define PCIE_MSI_CTRL 2
#define PCIE_MSI_ADDR_LO 4
#define PCIE_MSI_ADDR_HI 8
#define PCIE_MSI_DATA 12
#define PCIE_MSI_CTRL_ENABLE BIT32(0)
#define PCIE_MSI_CTRL_MULTI_CAP_SHIFT 1
#define PCIE_MSI_CTRL_MULTI_ENABLE_SHIFT 4
#define PCIE_MSI_CTRL_64BIT BIT32(7)

#define PCIE_MSIX_SIZE 12
#define PCIE_MSIX_CTRL 2
#define PCIE_MSIX_TABLE 4
#define PCIE_MSIX_PBA 8
#define PCIE_MSIX_CTRL_MASK_ALL BIT32(14)
#define PCIE_MSIX_CTRL_ENABLE BIT32(15)
#define PCIE_MSIX_BIR_MASK UINT32_C(7)

#define PCIE_MSIX_ENTRY_SIZE 16
#define PCIE_MSIX_ENTRY_ADDR_LO 0
#define PCIE_MSIX_ENTRY_ADDR_HI 4
#define PCIE_MSIX_ENTRY_DATA 8
#define PCIE_MSIX_ENTRY_CTRL 12
#define PCIE_MSIX_ENTRY_CTRL_MASK BIT32(0)

#define PCIE_EXP_SIZE 0x3c
#define PCIE_EXP_FLAGS 0x02
#define PCIE_EXP_DEVCAP 0x04
#define PCIE_EXP_DEVCTL 0x08
#define PCIE_EXP_DEVSTA 0x0a
#define PCIE_EXP_LNKCAP 0x0c
#define PCIE_EXP_LNKCTL 0x10
#define PCIE_EXP_LNKSTA 0x12
#define PCIE_EXP_DEVCAP2 0x24
#define PCIE_EXP_DEVCTL2 0x28
#define PCIE_EXP_FLAGS_VERSION_2 0x0002u /* type 0: endpoint */
#define PCIE_EXP_DEVCAP_RBER BIT32(15)
#define PCIE_EXP_DEVCAP_FLR BIT32(28)
#define PCIE_EXP_DEVCTL_FLR BIT32(15)
/* TLPs may have prefixes, such as a PASID; how many. */
#define PCIE_EXP_DEVCAP2_EE_PREFIX BIT32(21)
#define PCIE_EXP_DEVCAP2_EE_PREFIXES_1 BIT32(22)
#define PCIE_EXP_DEVCTL2_ATOMIC_REQ BIT32(6)
#define PCIE_EXP_DEVSTA_PENDING BIT32(5)

/* ---------------------------------------------- extended capabilities -- */

/* Header: id, version, where the next one is. */
#define PCIE_EXT_HEADER(id, version, next) \
	((uint32_t)(id) | (uint32_t)(version) << 16 | (uint32_t)(next) << 20)

#define PCIE_EXT_ID_AER 0x0001
#define PCIE_EXT_ID_ATS 0x000f
#define PCIE_EXT_ID_PRI 0x0013
#define PCIE_EXT_ID_PASID 0x001b

#define PCIE_AER_SIZE 0x2c
#define PCIE_AER_UNCOR_STATUS 0x04
#define PCIE_AER_UNCOR_MASK 0x08
#define PCIE_AER_UNCOR_SEVERITY 0x0c
#define PCIE_AER_COR_STATUS 0x10
#define PCIE_AER_COR_MASK 0x14
#define PCIE_AER_UNCOR_BITS UINT32_C(0x01fff030)
#define PCIE_AER_UNCOR_SEVERITY_RESET UINT32_C(0x00462030)
#define PCIE_AER_COR_BITS UINT32_C(0x0000f1c1)

#define PCIE_ATS_SIZE 8
#define PCIE_ATS_CAP 4
#define PCIE_ATS_CTRL 6
#define PCIE_ATS_CAP_PAGE_ALIGNED BIT32(5)
#define PCIE_ATS_CAP_GLOBAL_INVAL BIT32(6) /* obeys the Global bit */
#define PCIE_ATS_CTRL_STU_MASK UINT32_C(0x1f)
#define PCIE_ATS_CTRL_ENABLE BIT32(15)

#define PCIE_PRI_SIZE 16
#define PCIE_PRI_CTRL 4
#define PCIE_PRI_STATUS 6
#define PCIE_PRI_CAPACITY 8
#define PCIE_PRI_ALLOCATION 12
#define PCIE_PRI_CTRL_ENABLE BIT32(0)
#define PCIE_PRI_CTRL_RESET BIT32(1)
#define PCIE_PRI_STATUS_FAILURE BIT32(0)
#define PCIE_PRI_STATUS_UPRGI BIT32(1) /* unexpected group index */
#define PCIE_PRI_STATUS_STOPPED BIT32(8)
#define PCIE_PRI_STATUS_PASID BIT32(15) /* responses have the PASID */

#define PCIE_PASID_SIZE 8
#define PCIE_PASID_CAP 4
#define PCIE_PASID_CTRL 6
#define PCIE_PASID_CAP_EXEC BIT32(1)
#define PCIE_PASID_CAP_PRIV BIT32(2)
#define PCIE_PASID_CAP_WIDTH_SHIFT 8
#define PCIE_PASID_CTRL_ENABLE BIT32(0)
#define PCIE_PASID_CTRL_EXEC BIT32(1)
#define PCIE_PASID_CTRL_PRIV BIT32(2)

/* Requester ID of bus, device and function. */
#define PCIE_RID(bus, dev, fn) ((uint16_t)((bus) << 8 | (dev) << 3 | (fn)))

#endif /* HW_PCIE_CONFIG_H */
