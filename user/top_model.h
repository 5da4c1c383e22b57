/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What top shows: rows of interfaces and classes, which of them and in what order. No terminal. */
#ifndef QOSCTL_TOP_MODEL_H
#define QOSCTL_TOP_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#define TOP_HISTORY 120	   /* looks */
#define TOP_NONE    (-1LL) /* a number that does not apply or is not known */

struct top_row {
	char *path; /* "IFACE" or "IFACE/CLASS", as the library has it */
	char *name; /* of the last of them, safe to print */
	int depth;  /* 0 for an interface */
	bool inner; /* has rows in it */
	bool folded;
	/* bits/s; for an interface the link's rate is its ceil */
	long long rate, ceil;
	/* between the last two looks: bits/s, ns, and packets a second */
	long long now, borrowed, delay, drops, marks;
	/* what it sent, the newest last */
	long long history[TOP_HISTORY];
};

enum top_sort {
	TOP_BY_POLICY,
	TOP_BY_NAME,
	TOP_BY_RATE,
	TOP_BY_DELAY,
	TOP_BY_DROPS,
	TOP_BY_MARKS,
};

struct top {
	struct top_row *rows; /* each before those in it */
	size_t count;
	size_t *order; /* indices of the rows to show */
	size_t shown;
	size_t selected; /* index into order */
	enum top_sort sort;
	bool reverse;
	bool flat; /* not a tree: only classes that have no others in them */
};

/* Take over interfaces that were compared; a row that was there keeps its history and fold. */
void top_update(struct top *top, const json_t *interfaces);
void top_free(struct top *top);

/* Sort by that, or, if it is so already, the other way round. */
void top_sort(struct top *top, enum top_sort sort);
/* A tree, or not. */
void top_flatten(struct top *top);
void top_move(struct top *top, long by);

enum top_fold { TOP_FOLD, TOP_UNFOLD, TOP_FOLD_OTHER };

/* The selected row. */
void top_fold(struct top *top, enum top_fold fold);
/* All but the interfaces, or all. */
void top_fold_all(struct top *top, enum top_fold fold);

/* Make order anew: after any change of the above. */
void top_arrange(struct top *top);

#endif
