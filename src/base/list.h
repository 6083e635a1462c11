/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * list.h - a circular doubly linked list; the head is a node of its own.
 * Not for concurrent use without a lock.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "bits.h"

struct list {
	struct list *next;
	struct list *prev;
};

static inline void list_init(struct list *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

static inline bool list_is_singular(const struct list *head)
{
	return !list_empty(head) && head->next == head->prev;
}

/* Insert `node` behind `pos`. */
static inline void list_add(struct list *pos, struct list *node)
{
	node->next = pos->next;
	node->prev = pos;
	pos->next->prev = node;
	pos->next = node;
}

static inline void list_add_tail(struct list *head, struct list *node)
{
	list_add(head->prev, node);
}

/* Take `node` out and leave it as an empty list of its own. */
static inline void list_del(struct list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* Move all of `from` to the end of `head`. */
static inline void list_splice(struct list *from, struct list *head)
{
	if (list_empty(from))
		return;
	from->next->prev = head->prev;
	head->prev->next = from->next;
	from->prev->next = head;
	head->prev = from->prev;
	list_init(from);
}

#define list_entry(node, type, member) container_of(node, type, member)

#define list_first(head, type, member) \
	(list_empty(head) ? NULL : list_entry((head)->next, type, member))

#define list_for_each(it, head, member)                              \
	for (it = list_entry((head)->next, __typeof__(*it), member); \
	     &it->member != (head);                                  \
	     it = list_entry(it->member.next, __typeof__(*it), member))

/* The loop body may take `it` out of the list. */
#define list_for_each_safe(it, tmp, head, member)                       \
	for (it = list_entry((head)->next, __typeof__(*it), member),    \
	    tmp = list_entry(it->member.next, __typeof__(*it), member); \
	     &it->member != (head); it = tmp,                           \
	    tmp = list_entry(tmp->member.next, __typeof__(*tmp), member))

#endif /* BASE_LIST_H */
