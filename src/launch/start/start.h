/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * start.h - what the parts of `uiommu run` outside the program share.
 *
 * nodes	a copy of the files that the machine shows
 * stage	those files, and the host's beside them, in a directory
 * namespace	stages mounted where programs look
 * start	the whole: check, prepare, fork, wait, report
 */
#ifndef LAUNCH_START_H
#define LAUNCH_START_H

#include <sys/types.h>

#include <uiommu/abi.h>
#include <uiommu/launch.h>

struct node {
	enum uiommu_node_type type;
	unsigned int mode;
	char *path;
	void *content;
	size_t len;
};

struct nodes {
	struct node *node; /* sorted by path, parents included */
	size_t count;
};

/* Ask a machine of the configuration.  As uiommu_launch_run(). */
int nodes_collect(const struct uiommu_launch_cfg *cfg, struct nodes *nodes,
		  char *err, size_t err_len);
void nodes_free(struct nodes *nodes);
/* NULL: not there. */
const struct node *nodes_find(const struct nodes *nodes, const char *path);
/* Is `node` directly in directory `dir`? */
bool node_is_child(const struct node *node, const char *dir);

/* How the host's own entries come into a stage. */
enum stage_kind {
	STAGE_LINKS,  /* symbolic links to them: no privilege needed */
	STAGE_MOUNTS, /* bind mounts */
};

struct stage {
	const struct nodes *nodes;
	const char *root; /* a file of path P is made at root/P */
	enum stage_kind kind;
	bool mknod_fails; /* so device nodes are bound */
};

/* Where a step failed, for the message. */
struct stage_error {
	int err;
	char path[192];
};

/* Does the directory show nothing of the host's? */
bool stage_is_exclusive(const char *path);
/*
 * Make directory `path` with everything of ours in and below it, and the
 * host's entries where it is not exclusive.  Parents are made too.
 */
int stage_dir(struct stage *stage, const char *path, struct stage_error *error);
/* Make a directory and its parents below the stage's root. */
int stage_mkdirs(const struct stage *stage, const char *path);

/*
 * In a process of its own: enter a mount namespace and show the nodes there.
 * `work` is an empty directory.  -errno and where.
 */
int namespace_enter(const struct nodes *nodes, const char *work,
		    struct stage_error *error);
/* Only the namespace; *user: it took a user namespace. */
int namespace_unshare(bool *user);

/* Remove a directory and everything in it; mounts are not crossed. */
void remove_tree(const char *path);

#endif /* LAUNCH_START_H */
