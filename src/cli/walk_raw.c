/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk_raw.c - `walk` on dumps: memory from files, registers from options.
 *
 * Memory that no file holds does not answer.  Files are mapped, not copied, so
 * a dump may be as large as it is.
 */
#include "walk_raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "cmd.h"
#include "hw/smmuv3/regs.h"

/* What no profile's output size goes beyond. */
#define PA_BITS_MAX 52u

static const struct {
	const char *name;
	uint32_t offset;
	uint8_t size;
} reg_names[] = {
#define SMMU_X(name, offset, size, access, guard, needs, bits) \
	{ #name, offset, size },
	SMMU_REGISTERS(SMMU_X)
#undef SMMU_X
};

bool walk_number(const char *text, uint64_t max, uint64_t *out)
{
	char *end;

	/* strtoull would take a sign and spaces. */
	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*out = strtoull(text, &end, 0);
	return !errno && !*end && *out <= max;
}

/* ------------------------------------------------------------- options -- */

static int map_file(struct walk_raw *raw, uint64_t pa, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *bytes;

	if (fd < 0)
		return cmd_complain("walk", "--mem: %s: %s", path,
				    strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size) {
		close(fd);
		return cmd_complain(
			"walk", "--mem: %s: no file with bytes in it", path);
	}
	if (pa >> PA_BITS_MAX ||
	    (uint64_t)st.st_size > BIT64(PA_BITS_MAX) - pa) {
		close(fd);
		return cmd_complain("walk",
				    "--mem: %s: not all of it is at addresses "
				    "of %u bits",
				    path, PA_BITS_MAX);
	}
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (bytes == MAP_FAILED)
		return cmd_complain("walk", "--mem: %s: %s", path,
				    strerror(errno));
	raw->mem[raw->nr_mem].pa = pa;
	raw->mem[raw->nr_mem].bytes = bytes;
	raw->mem[raw->nr_mem].len = (size_t)st.st_size;
	raw->nr_mem++;
	return CMD_OK;
}

int walk_raw_mem(struct walk_raw *raw, const char *value)
{
	const char *colon = strchr(value, ':');
	char number[32];
	uint64_t pa;

	if (colon && (size_t)(colon - value) < sizeof(number)) {
		memcpy(number, value, (size_t)(colon - value));
		number[colon - value] = '\0';
	}
	if (!colon || (size_t)(colon - value) >= sizeof(number) ||
	    !walk_number(number, UINT64_MAX, &pa))
		return cmd_complain("walk", "--mem: \"%s\" is not ADDRESS:FILE",
				    value);
	if (raw->nr_mem == WALK_MAX_MEM)
		return cmd_complain("walk", "--mem: more than %u files",
				    WALK_MAX_MEM);
	return map_file(raw, pa, colon + 1);
}

/* A name of the specification, with or without SMMU_, or an offset. */
static bool reg_find(const char *text, uint32_t *offset, uint8_t *size)
{
	uint64_t number;

	if (!strncasecmp(text, "SMMU_", 5))
		text += 5;
	for (size_t i = 0; i < sizeof(reg_names) / sizeof(reg_names[0]); i++) {
		bool match =
			walk_number(text, UIOMMU_SMMUV3_MMIO_SIZE - 1, &number)
				? number == reg_names[i].offset
				: !strcasecmp(text, reg_names[i].name);

		if (!match)
			continue;
		*offset = reg_names[i].offset;
		*size = reg_names[i].size;
		return true;
	}
	return false;
}

int walk_raw_reg(struct walk_raw *raw, const char *value)
{
	const char *equals = strchr(value, '=');
	char name[32] = "";
	uint32_t offset;
	uint64_t number;
	uint8_t size;

	if (equals && (size_t)(equals - value) < sizeof(name))
		memcpy(name, value, (size_t)(equals - value));
	if (!name[0] || !reg_find(name, &offset, &size))
		return cmd_complain("walk",
				    "--reg: \"%s\" is not REGISTER=VALUE, "
				    "where REGISTER is a name like STRTAB_BASE "
				    "or its offset",
				    value);
	if (!walk_number(equals + 1, size == 8 ? UINT64_MAX : UINT32_MAX,
			 &number))
		return cmd_complain("walk",
				    "--reg: \"%s\": no value of %u bytes",
				    value, size);
	if (raw->nr_regs == WALK_MAX_REGS)
		return cmd_complain("walk", "--reg: more than %u registers",
				    WALK_MAX_REGS);
	raw->regs[raw->nr_regs].offset = offset;
	raw->regs[raw->nr_regs++].value = number;
	return CMD_OK;
}

int walk_raw_profile(struct walk_raw *raw, const char *value)
{
	const struct uiommu_smmuv3_profile *profile =
		uiommu_smmuv3_profile_find(value);

	if (profile) {
		raw->profile = *profile;
		raw->has_profile = true;
		return CMD_OK;
	}
	fprintf(stderr,
		"uiommu: walk: --profile: no \"%s\"; there are:", value);
	for (unsigned int i = 0; (profile = uiommu_smmuv3_profile_get(i)); i++)
		fprintf(stderr, " %s", profile->name);
	fputc('\n', stderr);
	return CMD_USAGE;
}

/* --------------------------------------------------------------- model -- */

static int raw_read(void *ctx, uiommu_pa_t pa, void *buf, size_t len,
		    struct uiommu_mem_attrs attrs)
{
	const struct walk_raw *raw = ctx;

	for (unsigned int i = raw->nr_mem; i-- > 0;) {
		uint64_t at = pa - raw->mem[i].pa;

		if (pa < raw->mem[i].pa || at >= raw->mem[i].len ||
		    len > raw->mem[i].len - at)
			continue;
		memcpy(buf, raw->mem[i].bytes + at, len);
		return 0;
	}
	return -EIO;
}

static int raw_write(void *ctx, uiommu_pa_t pa, const void *buf, size_t len,
		     struct uiommu_mem_attrs attrs)
{
	return -EIO;
}

static int raw_cmpxchg64(void *ctx, uiommu_pa_t pa, uint64_t *expected,
			 uint64_t want)
{
	return -EIO;
}

static void raw_log(void *ctx, const char *msg)
{
	struct walk_raw *raw = ctx;

	snprintf(raw->log, sizeof(raw->log), "%s", msg);
}

/* ID registers among the given ones change the profile. */
static void take_id_regs(struct walk_raw *raw)
{
	for (unsigned int i = 0; i < raw->nr_regs; i++) {
		uint32_t offset = raw->regs[i].offset;
		uint32_t value = (uint32_t)raw->regs[i].value;

		if (offset <= SMMU_REG_IDR5)
			raw->profile.idr[offset / 4] = value;
		else if (offset == SMMU_REG_IDR6)
			raw->profile.idr[6] = value;
		else if (offset == SMMU_REG_IIDR)
			raw->profile.iidr = value;
		else if (offset == SMMU_REG_AIDR)
			raw->profile.aidr = value;
	}
}

static void put_reg(struct walk_raw *raw, uint32_t offset, uint64_t value)
{
	for (size_t i = 0; i < sizeof(reg_names) / sizeof(reg_names[0]); i++)
		if (reg_names[i].offset == offset)
			uiommu_smmuv3_model_write(raw->model, offset,
						  reg_names[i].size, value);
}

/* CR0 comes last: some registers cannot be written behind it. */
static void put_regs(struct walk_raw *raw)
{
	uint64_t cr0 = SMMU_CR0_SMMUEN;

	for (unsigned int i = 0; i < raw->nr_regs; i++) {
		uint64_t value = raw->regs[i].value;
		uint32_t offset = raw->regs[i].offset;

		if (offset == SMMU_REG_CR0) {
			cr0 = value;
			raw->has_cr0 = true;
			continue;
		}
		if (offset == SMMU_REG_GBPA)
			value |= SMMU_GBPA_UPDATE;
		put_reg(raw, offset, value);
	}
	/* Its queues stay off: nothing is to happen in a dump. */
	put_reg(raw, SMMU_REG_CR0, cr0 & (SMMU_CR0_SMMUEN | SMMU_CR0_ATSCHK));
}

int walk_raw_start(struct walk_raw *raw)
{
	struct uiommu_model_host host = {
		.ctx = raw,
		.read = raw_read,
		.write = raw_write,
		.cmpxchg64 = raw_cmpxchg64,
		.log = raw_log,
	};
	int rc;

	if (!raw->has_profile)
		raw->profile = *uiommu_smmuv3_profile_find("full");
	take_id_regs(raw);
	raw->profile.threaded_commands = false;
	rc = uiommu_smmuv3_model_create(&raw->profile, &host, &raw->model);
	if (rc)
		return cmd_complain("walk",
				    "no SMMU with these ID registers: %s",
				    raw->log[0] ? raw->log : strerror(-rc));
	put_regs(raw);
	return CMD_OK;
}

void walk_raw_stop(struct walk_raw *raw)
{
	uiommu_smmuv3_model_destroy(raw->model);
	for (unsigned int i = 0; i < raw->nr_mem; i++)
		munmap((void *)(uintptr_t)raw->mem[i].bytes, raw->mem[i].len);
}
