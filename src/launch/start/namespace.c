/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A mount namespace in which our files are where programs look.
 *
 * sysfs and devtmpfs are the host's and are never written.  From the top of
 * /sys and /dev down, the lowest directories are found that must change: those
 * in which something of ours does not exist yet, or that shall show ours only.
 * For each a stage is filled on a file system of its own and then moved over
 * the directory; being moved, its mounts are made once.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "start.h"

/* ------------------------------------------------------- the namespace --- */

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

/* Everybody stays who he is. */
static int map_ids(uid_t uid, gid_t gid)
{
	char text[64];
	int rc;

	/* Absent on old kernels. */
	rc = write_text("/proc/self/setgroups", "deny");
	if (rc && rc != -ENOENT)
		return rc;
	snprintf(text, sizeof(text), "%u %u 1\n", uid, uid);
	rc = write_text("/proc/self/uid_map", text);
	if (rc)
		return rc;
	snprintf(text, sizeof(text), "%u %u 1\n", gid, gid);
	return write_text("/proc/self/gid_map", text);
}

int namespace_unshare(bool *user)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int rc;

	*user = false;
	if (!unshare(CLONE_NEWNS))
		return 0;
	if (errno != EPERM)
		return -errno;
	*user = true;
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS))
		return -errno;
	rc = map_ids(uid, gid);
	return rc;
}

/* --------------------------------------------------- what must change ---- */

static bool exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

/* Is something of ours missing directly in the host's directory? */
static bool lacks_child(const struct nodes *nodes, const char *dir)
{
	for (size_t i = 0; i < nodes->count; i++)
		if (node_is_child(&nodes->node[i], dir) &&
		    !exists(nodes->node[i].path))
			return true;
	return false;
}

static int fail(struct stage_error *error, const char *path)
{
	error->err = errno;
	snprintf(error->path, sizeof(error->path), "%s", path);
	return -error->err;
}

/* Replace one directory. */
static int replace_dir(struct stage *stage, const char *path,
		       struct stage_error *error)
{
	char at[PATH_MAX];
	int rc = stage_mkdirs(stage, path);

	if (rc) {
		errno = -rc;
		return fail(error, path);
	}
	snprintf(at, sizeof(at), "%s%s", stage->root, path);
	if (mount("uiommu", at, "tmpfs", 0, "mode=0755"))
		return fail(error, path);
	rc = stage_dir(stage, path, error);
	if (rc)
		return rc;
	if (mount(at, path, NULL, MS_MOVE, NULL))
		return fail(error, path);
	return 0;
}

/* Put one of our files over the host's of the same name. */
static int replace_file(struct stage *stage, const struct node *node,
			struct stage_error *error)
{
	char at[PATH_MAX];
	int fd;

	if (node->type == UIOMMU_NODE_LINK)
		return 0; /* the host's link of that name leads the same way */
	if (node->type == UIOMMU_NODE_CHAR) {
		if (mount("/dev/null", node->path, NULL, MS_BIND, NULL))
			return fail(error, node->path);
		return 0;
	}
	snprintf(at, sizeof(at), "%s/file", stage->root);
	fd = open(at, O_CREAT | O_RDWR | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail(error, node->path);
	if (write(fd, node->content, node->len) != (ssize_t)node->len ||
	    mount(at, node->path, NULL, MS_BIND, NULL)) {
		fail(error, node->path);
		close(fd);
		return -error->err;
	}
	close(fd);
	unlink(at);
	return 0;
}

static int show(struct stage *stage, const char *dir, struct stage_error *error)
{
	const struct nodes *nodes = stage->nodes;

	if (stage_is_exclusive(dir) || lacks_child(nodes, dir))
		return replace_dir(stage, dir, error);
	for (size_t i = 0; i < nodes->count; i++) {
		const struct node *node = &nodes->node[i];
		int rc;

		if (!node_is_child(node, dir))
			continue;
		rc = node->type == UIOMMU_NODE_DIR
			     ? show(stage, node->path, error)
			     : replace_file(stage, node, error);
		if (rc)
			return rc;
	}
	return 0;
}

/* Programs that believe they are root keep their state in /run. */
static int open_run(struct stage *stage, struct stage_error *error)
{
	if (!access("/run", W_OK) || !exists("/run"))
		return 0;
	return replace_dir(stage, "/run", error);
}

int namespace_enter(const struct nodes *nodes, const char *work,
		    struct stage_error *error)
{
	struct stage stage = {
		.nodes = nodes,
		.root = work,
		.kind = STAGE_MOUNTS,
	};
	bool user;
	int rc;

	rc = namespace_unshare(&user);
	if (rc) {
		errno = -rc;
		return fail(error, "unshare");
	}
	stage.mknod_fails = user;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("uiommu", work, "tmpfs", 0, "mode=0755"))
		return fail(error, "/");
	rc = nodes_find(nodes, "/sys") ? show(&stage, "/sys", error) : 0;
	if (!rc && nodes_find(nodes, "/dev"))
		rc = show(&stage, "/dev", error);
	if (!rc && user)
		rc = open_run(&stage, error);
	/* What was staged has moved; the place is not the program's to see. */
	umount2(work, MNT_DETACH);
	return rc;
}

/* The mounts that a run makes, in small. */
static int try_mounts(void)
{
	bool user;
	int rc = namespace_unshare(&user);

	if (rc)
		return -rc;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("uiommu", "/tmp", "tmpfs", 0, "mode=0755"))
		return errno;
	return user ? 255 : 0;
}

int uiommu_launch_try_namespace(bool *user)
{
	pid_t pid = fork();
	int status, code;

	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(try_mounts());
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return -EIO;
	code = WEXITSTATUS(status);
	*user = code == 255;
	return *user ? 0 : -code;
}
