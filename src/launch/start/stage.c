/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stage is a directory that is to be seen in place of one of the host's: our
 * files, and beside them the host's own entries, so that nothing is missed
 * that was there before.  Directories about PCI devices and groups show only
 * ours: a program must not find a device of the host whose group it could not
 * open.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "start.h"

static const char *const exclusive[] = {
	"/dev/vfio",
	"/sys/bus/pci/devices",
	"/sys/bus/pci/drivers/vfio-pci",
	"/sys/class/iommu",
	"/sys/class/vfio",
	"/sys/class/vfio-dev",
	"/sys/kernel/iommu_groups",
	"/sys/module/iommufd",
	"/sys/module/vfio",
	"/sys/module/vfio_iommu_type1",
	"/sys/module/vfio_pci",
	"/sys/module/vfio_pci_core",
};

/* Is a part of the path the address of a PCI function, dddd:bb:dd.f? */
static bool names_pci_function(const char *path)
{
	for (const char *at = path; (at = strchr(at, '/')); at++) {
		unsigned int domain, bus, dev, fn;
		int len = 0;

		if (sscanf(at, "/%4x:%2x:%2x.%1x%n", &domain, &bus, &dev, &fn,
			   &len) == 4 &&
		    len == 13)
			return true;
	}
	return false;
}

bool stage_is_exclusive(const char *path)
{
	for (size_t i = 0; i < sizeof(exclusive) / sizeof(exclusive[0]); i++) {
		size_t len = strlen(exclusive[i]);

		if (!strncmp(path, exclusive[i], len) &&
		    (!path[len] || path[len] == '/'))
			return true;
	}
	return names_pci_function(path);
}

/* ------------------------------------------------------------ one file --- */

static int note(struct stage_error *error, const char *path)
{
	error->err = errno;
	snprintf(error->path, sizeof(error->path), "%s", path);
	return -error->err;
}

static int make_file(const char *path, const void *content, size_t len,
		     unsigned int mode)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = len ? write(fd, content, len) : 0;
	if (!n || (size_t)n == len)
		n = fchmod(fd, mode & 07777);
	close(fd);
	return n < 0 ? -1 : 0;
}

static int bind_onto(const char *from, const char *to)
{
	return mount(from, to, NULL, MS_BIND | MS_REC, NULL);
}

/* Our node at `at`.  Absolute links into the tree must stay in it. */
static int make_node(struct stage *stage, const struct node *node,
		     const char *at)
{
	char target[PATH_MAX];

	switch (node->type) {
	case UIOMMU_NODE_DIR:
		return mkdir(at, 0755) && errno != EEXIST ? -1 : 0;
	case UIOMMU_NODE_FILE:
		return make_file(at, node->content, node->len, node->mode);
	case UIOMMU_NODE_LINK:
		if (stage->kind == STAGE_LINKS &&
		    *(const char *)node->content == '/')
			snprintf(target, sizeof(target), "%s%s", stage->root,
				 (const char *)node->content);
		else
			snprintf(target, sizeof(target), "%s",
				 (const char *)node->content);
		return symlink(target, at);
	default:
		if (stage->kind == STAGE_LINKS)
			return symlink("/dev/null", at);
		if (make_file(at, NULL, 0, 0666))
			return -1;
		return bind_onto("/dev/null", at);
	}
}

/* ------------------------------------------------------ the host's entry - */

static int copy_link(const char *from, const char *to)
{
	char target[PATH_MAX];
	ssize_t len = readlink(from, target, sizeof(target) - 1);

	if (len < 0)
		return -1;
	target[len] = '\0';
	return symlink(target, to);
}

static int bind_entry(struct stage *stage, const char *from, const char *to,
		      const struct stat *st)
{
	bool device = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode);

	if (S_ISDIR(st->st_mode))
		return mkdir(to, 0755) ? -1 : bind_onto(from, to);
	if (S_ISLNK(st->st_mode))
		return copy_link(from, to);
	if (device && !stage->mknod_fails) {
		if (!mknod(to, st->st_mode, st->st_rdev) &&
		    !chmod(to, st->st_mode & 07777) &&
		    !chown(to, st->st_uid, st->st_gid))
			return 0;
		unlink(to);
		stage->mknod_fails = true;
	}
	if (make_file(to, NULL, 0, 0600))
		return -1;
	return bind_onto(from, to);
}

/* What cannot be shown is left out: it is not what the program came for. */
static void add_host_entry(struct stage *stage, const char *dir,
			   const char *name)
{
	char from[PATH_MAX], to[PATH_MAX];
	struct stat st;

	if (snprintf(from, sizeof(from), "%s/%s", dir, name) >= PATH_MAX ||
	    snprintf(to, sizeof(to), "%s%s", stage->root, from) >= PATH_MAX)
		return;
	if (stage->kind == STAGE_LINKS) {
		if (symlink(from, to))
			return;
		return;
	}
	if (!lstat(from, &st) && bind_entry(stage, from, to, &st))
		unlink(to);
}

static void add_host_entries(struct stage *stage, const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		char name[PATH_MAX];

		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (snprintf(name, sizeof(name), "%s/%s", path, entry->d_name) <
			    PATH_MAX &&
		    !nodes_find(stage->nodes, name))
			add_host_entry(stage, path, entry->d_name);
	}
	closedir(dir);
}

/* --------------------------------------------------------- directories --- */

int stage_mkdirs(const struct stage *stage, const char *path)
{
	char at[PATH_MAX];
	size_t root = strlen(stage->root);

	if (snprintf(at, sizeof(at), "%s%s", stage->root, path) >= PATH_MAX)
		return -ENAMETOOLONG;
	for (char *slash = at + root; slash; slash = strchr(slash + 1, '/')) {
		char kept = *slash;

		*slash = '\0';
		if (mkdir(at, 0755) && errno != EEXIST)
			return -errno;
		*slash = kept;
	}
	return mkdir(at, 0755) && errno != EEXIST ? -errno : 0;
}

/* The directory itself is there. */
static int fill(struct stage *stage, const char *path,
		struct stage_error *error)
{
	const struct nodes *nodes = stage->nodes;
	char at[PATH_MAX];

	for (size_t i = 0; i < nodes->count; i++) {
		const struct node *node = &nodes->node[i];
		int rc = 0;

		if (!node_is_child(node, path))
			continue;
		if (snprintf(at, sizeof(at), "%s%s", stage->root, node->path) >=
		    PATH_MAX)
			return -ENAMETOOLONG;
		if (make_node(stage, node, at))
			return note(error, node->path);
		if (node->type == UIOMMU_NODE_DIR)
			rc = fill(stage, node->path, error);
		if (rc)
			return rc;
	}
	if (!stage_is_exclusive(path))
		add_host_entries(stage, path);
	return 0;
}

int stage_dir(struct stage *stage, const char *path, struct stage_error *error)
{
	int rc = stage_mkdirs(stage, path);

	if (rc) {
		errno = -rc;
		return note(error, path);
	}
	return fill(stage, path, error);
}
