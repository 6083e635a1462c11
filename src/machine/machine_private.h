/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine_private.h - what the files of machine/ share.
 *
 * Lock order, outermost first:
 *	fork	one fork, from before it shuts the gate to its end
 *	gate	who uses the machine (read) against fork (write)
 *	msi	allocation of vectors
 *	device	registers and configuration space of one PCI function
 *	pins	page words (see pins.h)
 *	log	complaints and faults for the report
 * No lock of a device, nor any below it, is held over a call into the model,
 * the ABI, the driver or the embedder.
 *
 * Work that a memory access of the model causes (an interrupt message that
 * hits a doorbell, a register write of one device into another) is done after
 * the model was left: the model must not be called from its own callbacks.
 */
#ifndef MACHINE_PRIVATE_H
#define MACHINE_PRIVATE_H

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <uiommu/fw.h>
#include <uiommu/host.h>
#include <uiommu/machine.h>
#include <uiommu/smmuv3.h>

#include "pins.h"
#include "trace.h"

#define MACHINE_NAME_MAX 24
#define MACHINE_SMMUS 8
#define MACHINE_DEVICES 64

struct pcidev;
struct pcidev_req;

/* ------------------------------------------- reserved address space ---- */

/*
 * Physical addresses that are no memory of the process: SMMU windows, the
 * doorbell page, BARs, aliases.  Reserved without access, so that the process
 * never gets anything else there.
 */
#define CARVE_SIZE (UINT64_C(64) << 30)
#define CARVE_SMMU UINT64_C(0)
#define CARVE_SMMU_STEP UINT64_C(0x100000)
#define CARVE_MSI UINT64_C(0x08000000)
#define CARVE_BAR UINT64_C(0x10000000)
#define CARVE_ALIAS UINT64_C(0x40000000)

struct carve {
	void *mapping;
	size_t mapped;
	uint64_t base; /* a multiple of 1 GiB */
	uint64_t bar_next;
};

/*
 * From here to the next bit: the process's memory as devices that share its
 * addresses see it.  Its own addresses are below.
 */
#define RAM_SHARED (UINT64_C(1) << 47)

/* ------------------------------------------------------- interrupts ---- */

#define MSI_DOORBELL UINT64_C(0x40) /* offset of the doorbell in its page */
#define MSI_CHUNK 1024u
#define MSI_CHUNKS 64u

/* A vector of the system. */
struct msi_vector {
	void (*fire)(void *arg); /* NULL: free; under msi.lock */
	void *arg;
	const struct uiommu_device *dev; /* that may raise it; atomic */
	uint32_t pending; /* raised where nobody could deliver it; atomic */
	uint32_t running; /* fire() calls under way; atomic */
	bool live;	  /* may fire; atomic */
};

struct msi {
	/* Protects allocation; taken by nobody who delivers. */
	pthread_mutex_t lock;
	struct msi_vector *chunk[MSI_CHUNKS]; /* published once, atomic */
	unsigned int hint;
	uint32_t pending; /* some vector is; atomic */
	uint64_t strays;  /* messages of no vector of their device; atomic */
};

int msi_init(struct uiommu_machine *machine);
void msi_fini(struct uiommu_machine *machine);
int msi_alloc(void *ctx, struct uiommu_device *dev, void (*fire)(void *arg),
	      void *arg, struct uiommu_msi_msg *msg, unsigned int *handle);
void msi_free(void *ctx, unsigned int handle);
/*
 * A device's write, NULL: of none that is known, reached the doorbell page.  -EIO:
 * it is not a message.
 */
int msi_store(struct uiommu_machine *machine, const struct pcidev *dev,
	      uint64_t offset, const void *buf, size_t len);
/* Fire what is pending. */
void msi_deliver(struct uiommu_machine *machine);
void msi_fire(struct uiommu_machine *machine, unsigned int index);

/*
 * What a thread does inside the model, in the thread's own slot: present
 * from before the call to after it.
 */
#define DMA_SCOPE_VECTORS 8

struct dma_scope {
	struct pcidev *dev;
	const struct uiommu_smmuv3_dma *dma;
	/* Vectors that were hit, to be fired on the way out. */
	unsigned int nr_vectors;
	unsigned int vector[DMA_SCOPE_VECTORS];
	/*
	 * The thread came from inside the driver (a stalled access resumed):
	 * nothing may be delivered on the way out.
	 */
	bool resumed;
};

static inline struct dma_scope *dma_scope(pthread_key_t key)
{
	return pthread_getspecific(key);
}

/* ------------------------------------------------------------ SMMUs ---- */

struct machine_smmu {
	struct uiommu_machine *machine;
	char name[MACHINE_NAME_MAX];
	uiommu_pa_t base;
	struct uiommu_smmuv3_model *model;
	/* uiommu_smmuv3_model_dma(), or what a test has in its place. */
	int (*dma)(struct uiommu_smmuv3_model *model,
		   struct uiommu_smmuv3_dma *req);
	struct uiommu_unit *unit;

	/* irqbox: lines that had an edge, a bit each; atomic. */
	uint32_t irq_pending;
	/* Somebody delivers; whoever sees it set leaves it to them.  Atomic. */
	uint32_t irq_busy;
};

struct hw_desc;
/* Models and windows for what `hw` names; all or none. */
int smmu_make_models(struct uiommu_machine *machine, const struct hw_desc *hw,
		     char *err, size_t err_len);
void smmu_drop_models(struct uiommu_machine *machine);
/* Start the driver on each; units belong to the core as soon as it has them. */
int smmu_probe_units(struct uiommu_machine *machine, char *err, size_t err_len);
/* The device behind it with this StreamID, or NULL. */
struct pcidev *smmu_device(const struct machine_smmu *smmu, uint32_t sid);

/* The model's wire; any context. */
void irqbox_raise(void *ctx, unsigned int line);
/* Deliver to the driver.  Not from inside a driver op. */
void irqbox_deliver(struct uiommu_machine *machine);

/* ----------------------------------------------------------- report ---- */

#define FAULT_LOG 64

struct fault_entry {
	struct pcidev *dev; /* NULL: StreamID of no device */
	uint32_t sid;
	uint32_t flags; /* UIOMMU_TXN_* that matter */
	uint32_t ssid;
	uint64_t first, last; /* IOVA of the lowest and highest access */
	const char *reason;
	uint8_t stage;
	int8_t level;
	uint64_t count;
	bool silent;  /* without an event, so nobody could take it */
	bool unowned; /* nobody took it */
};

enum complaint_kind {
	COMPLAINT_RELEASED, /* DMA to memory that was given back */
	COMPLAINT_REPLACED, /* DMA to a mapping something else replaced */
};

struct complaint {
	enum complaint_kind kind;
	bool write;
	struct pcidev *dev;
	char what[16];
	uint64_t uva;
	uint64_t iova;
	uint64_t bytes;
	uint64_t count;
};

/* A mapping of an address space of /dev/iommu. */
struct left_area {
	uint32_t ioas_id;
	struct uiommu_range range;
	uint64_t uva;
};

struct report {
	/* Protects all of it. */
	pthread_mutex_t lock;
	struct fault_entry fault[FAULT_LOG];
	unsigned int nr_faults;	 /* entries in use */
	unsigned int next_fault; /* the oldest, when all are */
	uint64_t faults;	 /* seen by the model's observer */
	uint64_t faults_unowned; /* nobody took them, and no entry is theirs */
	struct complaint complaint[FAULT_LOG];
	unsigned int nr_complaints;
	uint64_t complaints_lost;
	/* What the program has not unmapped; the first of nr_left. */
	struct left_area left[FAULT_LOG];
	uint64_t nr_left;
};

int report_init(struct report *report);
void report_fini(struct report *report);
/* Fault observer of a model; ctx is the struct machine_smmu. */
void report_fault(void *ctx, const struct uiommu_smmuv3_fault_info *info);
/* The core's: nobody else took it. */
void report_unowned(void *ctx, struct uiommu_device *dev,
		    const struct uiommu_fault *fault);
/* A DMA found a page that the process gave up. */
void report_gone(struct uiommu_machine *machine, uint64_t uva, size_t len,
		 bool write, const void *buf);
/* The same where freed bytes lie on the pages: names those it touches. */
void report_parts(struct uiommu_machine *machine, uint64_t uva, size_t len,
		  bool write, const void *buf);

/* What its printing shares with story.c. */
#define REPORT_LABEL "  %-12s "

struct report_text {
	char s[64];
};

/* "512 bytes", "4 KiB", "1.5 GiB" */
struct report_text report_bytes(uint64_t n);
/* "0000:01:00.0 PASID 3  read of IOVA 0x1000"; dev is NULL: by its StreamID. */
void report_txn(FILE *out, const struct pcidev *dev,
		const struct uiommu_smmuv3_txn *txn);
/* "translation, stage 1, table level 3" */
void report_reason(FILE *out, const char *reason, uint8_t stage, int8_t level);

/* ------------------------------------------------------------ stories -- */

/* story.c: how one access of a device went, and one that was aborted. */
#define STORY_WENT (1u << 0)
#define STORY_ABORTED (1u << 1)

/* Nothing is kept unless the configuration says `explain`.  0 or -ENOMEM. */
int story_init(struct pcidev *dev);
void story_fini(struct pcidev *dev);
/* As notifier of a model; ctx is the struct machine_smmu. */
void story_config_changed(void *ctx, const struct uiommu_smmuv3_inval *inval);
/*
 * An access has just ended as `which` (STORY_*) says, and that is due.  By the
 * thread that made it, outside the model and all locks.  `ats`: by the ATC.
 */
void story_take(struct pcidev *dev, const struct uiommu_smmuv3_dma *dma,
		bool ats, uint32_t which);
void story_print(struct pcidev *dev, FILE *out);

/* ------------------------------------- descriptors that poll waits for - */

/* As uiommu_abi_host; ctx is the machine. */
int fdevent_new(void *ctx, const char *path, int flags, int *event);
void fdevent_set(void *ctx, int event, bool readable);
void fdevent_end(void *ctx, int event);

/* ---------------------------------------------------------- machine ---- */

struct uiommu_machine {
	struct uiommu_machine_cfg cfg;
	struct uiommu_host *host;
	uint32_t fail_copies; /* atomic: uiommu_machine_fail_nth() is at work */
	const struct uiommu_platform *platform;
	struct uiommu_range arena;
	struct carve carve;
	struct pins pins;
	/* Mappings to put once nobody is inside; pushed and taken whole. */
	struct late_map *late_maps;
	uint32_t sharing; /* a device has used the process's addresses; atomic */
	struct uiommu_mm mm;
	struct msi msi;
	struct report report;
	struct trace trace;
	pthread_key_t scope_key;
	/*
	 * Held for reading by who is inside, for writing by a fork, which holds
	 * fork_lock over all of it: who comes in while `forking` (atomic) waits
	 * for that first.
	 */
	pthread_rwlock_t gate;
	pthread_mutex_t fork_lock;
	bool forking;

	struct machine_smmu smmu[MACHINE_SMMUS];
	unsigned int nr_smmus;
	struct uiommu_core *core;
	struct uiommu_abi *abi;

	struct pcidev *dev[MACHINE_DEVICES];
	unsigned int nr_devs;
	uint32_t kicked; /* some device is; atomic */
	uint32_t paused; /* some device is kicked, but not to run at once; atomic */
};

static inline void *machine_alloc(struct uiommu_machine *machine, size_t size)
{
	return machine->platform->obj_alloc(machine->platform->ctx, size);
}

static inline void machine_free(struct uiommu_machine *machine, void *obj)
{
	machine->platform->obj_free(machine->platform->ctx, obj);
}

/* Write the sentence of a failed create. */
__attribute__((format(printf, 3, 4))) void
machine_say(char *err, size_t err_len, const char *fmt, ...);

/*
 * Deliver what is pending: driver interrupts, vectors, device work.  Called
 * where no lock is held and no op of the driver is under way.
 */
void machine_settle(struct uiommu_machine *machine);

int carve_init(struct carve *carve);
void carve_fini(struct carve *carve);
/* Address of a BAR of `size` bytes; 0: no room. */
uint64_t carve_bar(struct carve *carve, uint64_t size);

/* Memory callbacks of a model; ctx is the machine. */
int ram_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
	     struct uiommu_mem_attrs attrs);
int ram_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
	      struct uiommu_mem_attrs attrs);
int ram_cmpxchg64(void *ctx, uiommu_pa_t pa, uint64_t *expected, uint64_t want);
void *ram_direct(void *ctx, uiommu_pa_t pa, size_t len, bool write);

/* struct uiommu_mm of this process; ctx is the machine. */
/* Put what pinning has looked at; with no lock held. */
void mm_put_late_maps(struct uiommu_machine *machine);
int mm_pin(void *ctx, uint64_t uva, uint64_t len, uint32_t flags,
	   struct uiommu_run *run);
void mm_unpin(void *ctx, uiommu_pa_t pa, uint64_t len, uint32_t flags);
int mm_copy(void *ctx, uint64_t uva, void *buf, size_t len, bool write);
int mm_copy_pinned(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		   bool write);
/* Pages were released: no access by the process's addresses is left there. */
void mm_released(struct uiommu_machine *machine, uint64_t first, uint64_t last);
/* file_mm of struct uiommu_abi_host. */
int host_file_mm(void *ctx, int fd, uint64_t start, uint64_t len,
		 struct uiommu_mm *mm);
/* Wait until no access looks at words as they were before. */
void mm_drain(void *ctx, uint64_t first, uint64_t last);

/* ------------------------------------------- which hardware there is --- */

struct hw_smmu {
	char name[MACHINE_NAME_MAX];
	char profile[MACHINE_NAME_MAX];
	uint64_t base; /* 0: anywhere */
};

struct hw_dev {
	const struct pcidev_type *type;
	char bdf[16];
	uint16_t rid;
	unsigned int smmu; /* index */
	uint32_t sid;
	enum uiommu_bar_policy policy;
	bool stall; /* faults stall its accesses, instead of ATS and PRI */
};

struct hw_desc {
	struct hw_smmu smmu[MACHINE_SMMUS];
	unsigned int nr_smmus;
	struct hw_dev dev[MACHINE_DEVICES];
	unsigned int nr_devs;
};

/* The default machine with the devices of a --device list. */
int hw_from_list(const char *list, enum uiommu_bar_policy policy,
		 struct hw_desc *hw, char *err, size_t err_len);
/* What a device tree describes. */
int hw_from_dt(const char *file, enum uiommu_bar_policy policy,
	       struct hw_desc *hw, char *err, size_t err_len);
/* Options of one device ("rw", "trap", separated by colons). */
int hw_dev_options(const char *options, size_t len, struct hw_dev *dev,
		   char *err, size_t err_len);
const struct pcidev_type *hw_find_type(const char *name, size_t len);
/* All type names with commas, for messages. */
void hw_type_names(char *buf, size_t len);

#endif /* MACHINE_PRIVATE_H */
