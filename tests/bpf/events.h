/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is to happen, by time: a binary heap. Events of the same time in the order they were added.
 */
#ifndef QOS_TESTS_BPF_EVENTS_H
#define QOS_TESTS_BPF_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum event_kind {
	EVENT_SEND, /* of a source's own accord */
	EVENT_ACK,  /* a packet has departed */
	EVENT_LOST, /* one was dropped, a while ago */
};

struct event {
	uint64_t when, order;
	unsigned int source;
	enum event_kind kind;
};

struct events {
	struct event *heap;
	size_t count, room;
	uint64_t added;
};

void events_add(struct events *events, uint64_t when, unsigned int source, enum event_kind kind);
/* The first one before time; false: there is none. */
bool events_take(struct events *events, uint64_t until, struct event *ret);
void events_done(struct events *events);

#endif
