/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Can a program be preloaded into?
 *
 * The answer is in the ELF header and the program headers: a 64-bit x86-64
 * file with the interpreter of the GNU C library.  Scripts are judged by their
 * interpreter.  Everything is read with plain calls into bounded buffers; the
 * file is anybody's, so no number in it is trusted.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "program.h"

enum {
	SCRIPT_DEPTH = 4,
	HEADER_BYTES = 256,
	PHDRS_MAX = 64,
	DYNAMIC_MAX = 512
};

__attribute__((format(printf, 3, 4))) static bool
say(struct program *program, enum program_kind kind, const char *fmt, ...)
{
	va_list ap;

	program->kind = kind;
	va_start(ap, fmt);
	vsnprintf(program->reason, sizeof(program->reason), fmt, ap);
	va_end(ap);
	return false;
}

static bool is_executable(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode) && !access(path, X_OK);
}

bool program_find(const char *name, const char *path_env, char *buf,
		  size_t size)
{
	const char *at = path_env ? path_env : "/usr/local/bin:/usr/bin:/bin";

	if (strchr(name, '/'))
		return (size_t)snprintf(buf, size, "%s", name) < size;
	while (*name) {
		size_t len = strcspn(at, ":");
		int n = snprintf(buf, size, "%.*s%s%s", (int)len, at,
				 len ? "/" : "", name);

		if (n > 0 && (size_t)n < size && is_executable(buf))
			return true;
		if (!at[len])
			break;
		at += len + 1;
	}
	return false;
}

/* ---------------------------------------------------------------- ELF ---- */

struct elf {
	int fd;
	Elf64_Ehdr head;
	Elf64_Phdr ph[PHDRS_MAX];
	unsigned int count;
};

static bool read_at(int fd, void *buf, size_t len, uint64_t off)
{
	return off <= INT64_MAX &&
	       pread(fd, buf, len, (off_t)off) == (ssize_t)len;
}

static bool check_machine(struct program *program, const Elf64_Ehdr *head)
{
	if (head->e_ident[EI_CLASS] != ELFCLASS64)
		return say(program, PROGRAM_REFUSED, "it is a 32-bit program");
	if (head->e_ident[EI_DATA] != ELFDATA2LSB ||
	    head->e_machine != EM_X86_64)
		return say(program, PROGRAM_REFUSED,
			   "it is built for another architecture (ELF machine "
			   "%u)",
			   head->e_machine);
	if (head->e_type != ET_EXEC && head->e_type != ET_DYN)
		return say(program, PROGRAM_REFUSED,
			   "it is not an executable ELF file");
	return true;
}

static bool read_phdrs(struct program *program, struct elf *elf)
{
	if (elf->head.e_phentsize != sizeof(Elf64_Phdr))
		return say(program, PROGRAM_REFUSED,
			   "its ELF program headers make no sense");
	elf->count = elf->head.e_phnum;
	if (elf->count > PHDRS_MAX)
		elf->count = PHDRS_MAX;
	if (!read_at(elf->fd, elf->ph, elf->count * sizeof(Elf64_Phdr),
		     elf->head.e_phoff))
		return say(program, PROGRAM_REFUSED, "it is truncated");
	return true;
}

static const Elf64_Phdr *find_phdr(const struct elf *elf, uint32_t type)
{
	for (unsigned int i = 0; i < elf->count; i++)
		if (elf->ph[i].p_type == type)
			return &elf->ph[i];
	return NULL;
}

static bool check_interpreter(struct program *program, const struct elf *elf)
{
	const Elf64_Phdr *ph = find_phdr(elf, PT_INTERP);
	char name[256] = "";
	size_t len;

	if (!ph)
		return say(program, PROGRAM_REFUSED,
			   "it is statically linked, so nothing can be "
			   "preloaded into it");
	len = ph->p_filesz < sizeof(name) ? ph->p_filesz : sizeof(name) - 1;
	if (!read_at(elf->fd, name, len, ph->p_offset))
		return say(program, PROGRAM_REFUSED, "it is truncated");
	if (strstr(name, "ld-musl"))
		return say(program, PROGRAM_REFUSED,
			   "it uses musl; only the GNU C library is "
			   "supported");
	if (!strstr(name, "ld-linux-x86-64.so"))
		return say(program, PROGRAM_REFUSED,
			   "its interpreter %.60s is not the GNU C library's",
			   name);
	return true;
}

/* The file offset of a virtual address; false: in no segment. */
static bool file_offset(const struct elf *elf, uint64_t addr, uint64_t *off)
{
	for (unsigned int i = 0; i < elf->count; i++) {
		const Elf64_Phdr *ph = &elf->ph[i];

		if (ph->p_type != PT_LOAD || addr < ph->p_vaddr ||
		    addr - ph->p_vaddr >= ph->p_filesz)
			continue;
		*off = ph->p_offset + (addr - ph->p_vaddr);
		return true;
	}
	return false;
}

/* Does it need gcc's libasan, which insists on being first? */
static void find_asan(struct program *program, const struct elf *elf)
{
	const Elf64_Phdr *ph = find_phdr(elf, PT_DYNAMIC);
	uint64_t strtab = 0, off;
	Elf64_Dyn dyn;
	unsigned int count;

	if (!ph)
		return;
	count = (unsigned int)(ph->p_filesz / sizeof(dyn));
	if (count > DYNAMIC_MAX)
		count = DYNAMIC_MAX;
	for (unsigned int pass = 0; pass < 2; pass++) {
		for (unsigned int i = 0; i < count; i++) {
			char name[sizeof(program->asan_lib)] = "";

			if (!read_at(elf->fd, &dyn, sizeof(dyn),
				     ph->p_offset + i * sizeof(dyn)) ||
			    dyn.d_tag == DT_NULL)
				break;
			if (dyn.d_tag == DT_STRTAB)
				strtab = dyn.d_un.d_ptr;
			if (!pass || dyn.d_tag != DT_NEEDED ||
			    !file_offset(elf, strtab, &off))
				continue;
			if (pread(elf->fd, name, sizeof(name) - 1,
				  (off_t)(off + dyn.d_un.d_val)) <= 0)
				continue;
			if (strncmp(name, "libasan.so", 10))
				continue;
			program->asan = true;
			memcpy(program->asan_lib, name, sizeof(name));
			return;
		}
	}
}

static bool check_elf(struct program *program, int fd)
{
	struct elf elf = { .fd = fd };

	if (!read_at(fd, &elf.head, sizeof(elf.head), 0))
		return say(program, PROGRAM_REFUSED, "it is truncated");
	if (!check_machine(program, &elf.head) || !read_phdrs(program, &elf) ||
	    !check_interpreter(program, &elf))
		return false;
	find_asan(program, &elf);
	return true;
}

/* ------------------------------------------------------------- others ---- */

static bool check_privilege(struct program *program, const char *path, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return say(program, PROGRAM_MISSING, "%s", strerror(errno));
	if (st.st_mode & S_ISUID)
		return say(program, PROGRAM_REFUSED,
			   "it is setuid, so nothing can be preloaded into it");
	if ((st.st_mode & S_ISGID) && (st.st_mode & S_IXGRP))
		return say(program, PROGRAM_REFUSED,
			   "it is setgid, so nothing can be preloaded into it");
	if (geteuid() && getxattr(path, "security.capability", NULL, 0) > 0)
		return say(program, PROGRAM_REFUSED,
			   "it has file capabilities, so nothing can be "
			   "preloaded into it");
	return true;
}

/* The interpreter of a script, in place; false: there is none. */
static bool script_interpreter(char *line)
{
	char *at = line + 2;

	at += strspn(at, " \t");
	at[strcspn(at, " \t\r\n")] = '\0';
	memmove(line, at, strlen(at) + 1);
	return line[0] != '\0';
}

static int open_program(struct program *program, const char *path)
{
	struct stat st;
	int fd;

	if (stat(path, &st)) {
		say(program, PROGRAM_MISSING, "%s", strerror(errno));
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		say(program, PROGRAM_MISSING, "it is not a file");
		return -1;
	}
	if (access(path, X_OK)) {
		say(program, PROGRAM_MISSING, "it is not executable (%s)",
		    strerror(errno));
		return -1;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		say(program, PROGRAM_REFUSED, "it cannot be read (%s)",
		    strerror(errno));
	return fd;
}

void program_check(const char *path, struct program *program)
{
	char head[HEADER_BYTES], next[HEADER_BYTES];

	memset(program, 0, sizeof(*program));
	for (unsigned int depth = 0; depth < SCRIPT_DEPTH; depth++) {
		int fd = open_program(program, path);
		ssize_t len;

		if (fd < 0)
			return;
		memset(head, 0, sizeof(head));
		len = pread(fd, head, sizeof(head) - 1, 0);
		if (check_privilege(program, path, fd) && len >= 4 &&
		    !memcmp(head, ELFMAG, SELFMAG)) {
			check_elf(program, fd);
			close(fd);
			return;
		}
		close(fd);
		if (program->kind != PROGRAM_OK)
			return;
		if (len < 3 || head[0] != '#' || head[1] != '!' ||
		    !script_interpreter(head)) {
			say(program, PROGRAM_REFUSED,
			    "it is neither an ELF file nor a script");
			return;
		}
		memcpy(next, head, sizeof(next));
		path = next;
	}
	say(program, PROGRAM_REFUSED,
	    "its scripts' interpreters go in "
	    "circles");
}
