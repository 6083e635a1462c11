/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model.h - the contract between a hardware model and the simulator, VMM or
 * machine that embeds it.
 *
 * The embedder supplies memory and interrupt wires through struct
 * uiommu_model_host; it drives registers and device accesses through the
 * model's own header (smmuv3_model.h).  Nothing here is specific to one IOMMU.
 */
#ifndef UIOMMU_MODEL_H
#define UIOMMU_MODEL_H

#include <uiommu/types.h>

/*
 * Attributes that travel with a memory access.  Encodings are those of the
 * Arm architecture (DDI 0487 MAIR bytes): an embedder that does not care
 * ignores them.
 */
struct uiommu_mem_attrs {
	uint8_t mair;	   /* memory type, as one MAIR_ELx attribute byte */
	uint8_t sh : 2;	   /* shareability: 0 non, 2 outer, 3 inner */
	uint8_t priv : 1;  /* privileged */
	uint8_t instr : 1; /* instruction fetch */
	uint8_t walk : 1;  /* the IOMMU's own access (tables, queues) */
	uint8_t msi : 1;   /* the IOMMU's own interrupt message */
};

/* PCIe ATS: forget translations (ATS Invalidate Request). */
struct uiommu_ats_inval {
	uint32_t sid;
	uint32_t ssid;
	bool ssv;    /* only those of PASID `ssid`; else those without PASID */
	bool global; /* with ssv: in all PASIDs */
	uint64_t addr;
	uint8_t size_lg2; /* 64: everything */
	uint32_t tag;
};

/* PCIe PRI: an endpoint's wish for a page. */
struct uiommu_pri_request {
	uint32_t sid;
	uint32_t ssid;
	bool ssv;
	bool read, write, exec, priv;
	bool last;	/* of its page request group */
	uint16_t group; /* page request group index, 9 bits */
	uint64_t addr;	/* of the page */
};

enum uiommu_pri_code {
	UIOMMU_PRI_SUCCESS = 0x0,
	UIOMMU_PRI_INVALID = 0x1,
	UIOMMU_PRI_FAILURE = 0xf,
};

/* The answer to a group. */
struct uiommu_pri_response {
	uint32_t sid;
	uint32_t ssid;
	bool ssv;
	uint16_t group;
	enum uiommu_pri_code code;
};

/*
 * What the embedder provides.  `ctx` comes first in every call.  All
 * functions may be called from several threads at once and must not call the
 * same model back, except as stated.
 */
struct uiommu_model_host {
	void *ctx;

	/*
	 * Physical memory.  0, or -EIO: an external abort.  Aligned accesses of
	 * 1, 2, 4 and 8 bytes are single-copy atomic.  Some are made with locks
	 * held, and CMD_SYNC waits for those of devices: an access that reaches
	 * the model's own registers has to be refused, or carried out after the
	 * callback has returned and not be waited for in it.
	 */
	int (*read)(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		    struct uiommu_mem_attrs attrs);
	int (*write)(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		     struct uiommu_mem_attrs attrs);
	/*
	 * As write, for a device's write, with its StreamID, by which an interrupt
	 * controller knows whose message it is; atomic operations are not told.
	 * NULL: write is called.
	 */
	int (*device_write)(void *ctx, uint32_t sid, uiommu_pa_t pa,
			    const void *buf, size_t len,
			    struct uiommu_mem_attrs attrs);
	/*
	 * Compare-and-swap of an aligned 64-bit word, value as in memory.  0 and
	 * *expected tells what was there; -EIO.  May be NULL: then descriptors
	 * can be updated where direct() gives a pointer; where not, a wish to is
	 * an external abort.
	 */
	int (*cmpxchg64)(void *ctx, uiommu_pa_t pa, uint64_t *expected,
			 uint64_t want);

	/*
	 * Optional short cut: a pointer through which [pa, pa+len) may be read
	 * (and written if `write`) until uiommu_<model>_memory_changed() says
	 * otherwise, or NULL.  The memory must stay accessible.  May be NULL.
	 */
	void *(*direct)(void *ctx, uiommu_pa_t pa, size_t len, bool write);

	/*
	 * An interrupt wire of the model had an edge, whether the source sends a
	 * message as well or not.  Called after the model has left its locks, in
	 * the thread whose action caused it; it may call register accessors of
	 * the model.
	 */
	void (*irq)(void *ctx, unsigned int line);
	/* Wake-up event for CMD_SYNC(SIG_SEV).  May be NULL. */
	void (*wake)(void *ctx);

	/*
	 * Invalidate the ATC of the endpoint with inval->sid.  0: done, or no
	 * such endpoint, or one that has ATS off; -ETIMEDOUT (or another error):
	 * it does not answer, or has gone while it should; -EINPROGRESS: the
	 * model's ats_inval_done() will be called with inval->tag.  Called
	 * outside the model's locks, by the thread that consumes commands.  NULL:
	 * no endpoint has an ATC.
	 */
	int (*ats_invalidate)(void *ctx, const struct uiommu_ats_inval *inval);
	/*
	 * A response to page requests, outside the model's locks; it may start
	 * DMA, translation requests and page requests.  May be NULL.
	 */
	void (*pri_response)(void *ctx, const struct uiommu_pri_response *resp);

	/* Allocation; NULL: malloc and free are used.  Set both or none. */
	void *(*alloc)(void *ctx, size_t size);
	void (*free)(void *ctx, void *ptr);

	/* One line without newline about odd use of the hardware.  May be NULL. */
	void (*log)(void *ctx, const char *msg);
};

#endif /* UIOMMU_MODEL_H */
