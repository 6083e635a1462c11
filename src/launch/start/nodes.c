/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A copy of the files that the machine shows, taken from a machine that is
 * built for the purpose and gone again before anything is forked.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <uiommu/machine.h>

#include "../extend.h"
#include "start.h"

static int add(struct nodes *nodes, const struct uiommu_node *node)
{
	struct node *grown, *copy;
	size_t len = node->content ? node->len : 0;

	grown = realloc(nodes->node, (nodes->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	nodes->node = grown;
	copy = &grown[nodes->count];
	copy->type = node->type;
	copy->mode = node->mode;
	copy->path = strdup(node->path);
	copy->content = calloc(1, len + 1);
	copy->len = len;
	if (!copy->path || !copy->content) {
		free(copy->path);
		free(copy->content);
		return -ENOMEM;
	}
	if (len)
		memcpy(copy->content, node->content, len);
	nodes->count++;
	return 0;
}

static int visit(void *ctx, const struct uiommu_node *node)
{
	return add(ctx, node);
}

static int compare(const void *a, const void *b)
{
	const struct node *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static void sort(struct nodes *nodes)
{
	qsort(nodes->node, nodes->count, sizeof(*nodes->node), compare);
}

/* Directories that nobody named but that must be there. */
static int add_parents(struct nodes *nodes)
{
	size_t given = nodes->count;

	for (size_t i = 0; i < given; i++) {
		char *path = strdup(nodes->node[i].path), *slash;
		int rc = path ? 0 : -ENOMEM;

		while (!rc && (slash = strrchr(path, '/')) && slash != path) {
			struct uiommu_node dir = {
				.type = UIOMMU_NODE_DIR,
				.path = path,
				.mode = 0755,
			};
			bool known = false;

			*slash = '\0';
			for (size_t n = 0; n < nodes->count && !known; n++)
				known = !strcmp(nodes->node[n].path, path);
			if (known)
				break;
			rc = add(nodes, &dir);
		}
		free(path);
		if (rc)
			return rc;
	}
	sort(nodes);
	return 0;
}

int nodes_collect(const struct uiommu_launch_cfg *cfg, struct nodes *nodes,
		  char *err, size_t err_len)
{
	struct uiommu_machine_cfg machine_cfg = {
		.devices = cfg->devices,
		.topology = cfg->topology,
		.log_level = UIOMMU_LOG_WARN,
	};
	struct uiommu_machine *machine;
	int rc;

	nodes->node = NULL;
	nodes->count = 0;
	launch_extend(&machine_cfg);
	rc = uiommu_machine_create(&machine_cfg, &machine, err, err_len);
	if (rc)
		return rc;
	rc = uiommu_abi_visit_nodes(uiommu_machine_abi(machine), visit, nodes);
	uiommu_machine_destroy(machine);
	if (!rc)
		rc = add_parents(nodes);
	if (!rc)
		return 0;
	nodes_free(nodes);
	snprintf(err, err_len, "out of memory");
	return rc;
}

void nodes_free(struct nodes *nodes)
{
	for (size_t i = 0; i < nodes->count; i++) {
		free(nodes->node[i].path);
		free(nodes->node[i].content);
	}
	free(nodes->node);
	nodes->node = NULL;
	nodes->count = 0;
}

const struct node *nodes_find(const struct nodes *nodes, const char *path)
{
	struct node key = { .path = (char *)(uintptr_t)path };

	return bsearch(&key, nodes->node, nodes->count, sizeof(key), compare);
}

bool node_is_child(const struct node *node, const char *dir)
{
	size_t len = strlen(dir);

	return !strncmp(node->path, dir, len) && node->path[len] == '/' &&
	       !strchr(node->path + len + 1, '/');
}
