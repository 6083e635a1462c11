/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pci_regs.h - the words of PCI configuration space that VFIO handles, as far
 * as it knows them: PCI Local Bus 3.0 chapter 6, PCI Express Base chapter 7.
 */
#ifndef ABI_VFIO_PCI_REGS_H
#define ABI_VFIO_PCI_REGS_H

#define PCI_CFG_SIZE 256
#define PCI_CFG_EXT_SIZE 4096

/* Type 0 header. */
#define PCI_VENDOR_ID 0x00
#define PCI_DEVICE_ID 0x02
#define PCI_COMMAND 0x04
#define PCI_COMMAND_IO 0x0001
#define PCI_COMMAND_MEM 0x0002
#define PCI_COMMAND_MASTER 0x0004
#define PCI_COMMAND_INTX_OFF 0x0400
#define PCI_COMMAND_DEFINED 0x07ff
#define PCI_STATUS 0x06
#define PCI_STATUS_CAPS 0x0010
#define PCI_REVISION 0x08
#define PCI_CLASS 0x08 /* revision in bits 7:0 */
#define PCI_CACHE_LINE 0x0c
#define PCI_BIST 0x0f
#define PCI_BAR(n) (0x10 + 4 * (n))
#define PCI_BAR_IO 0x1
#define PCI_BAR_TYPE 0x6
#define PCI_BAR_TYPE_64 0x4
#define PCI_BAR_PREFETCH 0x8
#define PCI_SUBSYSTEM_VENDOR 0x2c
#define PCI_SUBSYSTEM_ID 0x2e
#define PCI_ROM 0x30
#define PCI_CAP_PTR 0x34
#define PCI_INT_LINE 0x3c
#define PCI_INT_PIN 0x3d
#define PCI_HEADER_SIZE 0x40

/* Capabilities: id in byte 0, next in byte 1. */
#define PCI_CAP_PM 0x01
#define PCI_CAP_VPD 0x03
#define PCI_CAP_MSI 0x05
#define PCI_CAP_PCIX 0x07
#define PCI_CAP_VENDOR 0x09
#define PCI_CAP_EXP 0x10
#define PCI_CAP_MSIX 0x11
#define PCI_CAP_AF 0x13

#define PCI_PM_CSR 4
#define PCI_PM_CSR_STATE 0x0003
#define PCI_PM_CSR_NO_SOFT_RESET 0x0008

#define PCI_MSI_CTRL 2
#define PCI_MSI_CTRL_ENABLE 0x0001
#define PCI_MSI_CTRL_MMC 0x000e
#define PCI_MSI_CTRL_MME 0x0070
#define PCI_MSI_CTRL_64 0x0080
#define PCI_MSI_CTRL_MASK 0x0100
#define PCI_MSI_ADDR 4

#define PCI_MSIX_CTRL 2
#define PCI_MSIX_CTRL_SIZE 0x07ff
#define PCI_MSIX_CTRL_MASK_ALL 0x4000
#define PCI_MSIX_CTRL_ENABLE 0x8000
#define PCI_MSIX_TABLE 4
#define PCI_MSIX_BIR 0x7
#define PCI_MSIX_LEN 12
/* An entry of the table: address, data, vector control. */
#define PCI_MSIX_ENTRY_SIZE 16
#define PCI_MSIX_ENTRY_DATA 8
#define PCI_MSIX_ENTRY_CTRL 12
#define PCI_MSIX_ENTRY_MASKED 1

#define PCI_EXP_LEN 0x3c
#define PCI_EXP_DEVCAP 4
#define PCI_EXP_DEVCAP_FLR (1u << 28)
#define PCI_EXP_DEVCTL 8
#define PCI_EXP_DEVCTL_PAYLOAD 0x00e0
#define PCI_EXP_DEVCTL_PHANTOM 0x0200
#define PCI_EXP_DEVCTL_READRQ 0x7000
#define PCI_EXP_DEVCTL_FLR 0x8000
#define PCI_EXP_DEVCTL2 0x28
#define PCI_EXP_DEVCTL2_ARI 0x0020

#define PCI_AF_LEN 6
#define PCI_AF_CAP 3
#define PCI_AF_CAP_FLR 0x02
#define PCI_AF_CTRL 4
#define PCI_AF_CTRL_FLR 0x01

/* Extended capabilities: id 15:0, version 19:16, next 31:20. */
#define PCI_EXT_ID(header) ((header)&0xffff)
#define PCI_EXT_NEXT(header) (((header) >> 20) & 0xffc)
#define PCI_EXT_NEXT_MASK 0xfff00000u
#define PCI_EXT_AER 0x01
#define PCI_EXT_DSN 0x03
#define PCI_EXT_POWER 0x04
#define PCI_EXT_VENDOR 0x0b
#define PCI_EXT_ACS 0x0d
#define PCI_EXT_ARI 0x0e
#define PCI_EXT_ATS 0x0f
#define PCI_EXT_SRIOV 0x10
#define PCI_EXT_PRI 0x13
#define PCI_EXT_LTR 0x18
#define PCI_EXT_PASID 0x1b
#define PCI_EXT_DVSEC 0x23

#endif /* ABI_VFIO_PCI_REGS_H */
