// SPDX-License-Identifier: LGPL-2.1-or-later
#include "events.h"

#include <stdlib.h>

#include "../unit/unit.h"

static bool is_before(const struct event *a, const struct event *b)
{
	return a->when != b->when ? a->when < b->when : a->order < b->order;
}

void events_add(struct events *e, uint64_t when, unsigned int source, enum event_kind kind)
{
	const struct event event = { when, e->added++, source, kind };
	size_t i = e->count++;

	if (e->count > e->room) {
		e->room = e->room ? e->room * 2 : 1024;
		e->heap = reallocarray(e->heap, e->room, sizeof(*e->heap));
		assert_non_null(e->heap);
	}
	while (i && is_before(&event, &e->heap[(i - 1) / 2])) {
		e->heap[i] = e->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	e->heap[i] = event;
}

/* event, which was the last one, goes to where the first one was taken away. */
static void sift(struct events *e, struct event event)
{
	size_t i = 0;

	for (size_t child = 1; child < e->count; child = 2 * i + 1) {
		if (child + 1 < e->count && is_before(&e->heap[child + 1], &e->heap[child]))
			child++;
		if (!is_before(&e->heap[child], &event))
			break;
		e->heap[i] = e->heap[child];
		i = child;
	}
	e->heap[i] = event;
}

bool events_take(struct events *e, uint64_t until, struct event *ret)
{
	if (!e->count || e->heap[0].when >= until)
		return false;
	*ret = e->heap[0];
	e->count--;
	sift(e, e->heap[e->count]);
	return true;
}

void events_done(struct events *e)
{
	free(e->heap);
}
