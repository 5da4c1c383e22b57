/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ring in which the kernel gives packets over (PACKET_RX_RING, version 3). */
#ifndef HARNESS_WIRE_RING_H
#define HARNESS_WIRE_RING_H

#include "wire_key.h"

#define MAX_BLOCKS 1024u /* of a MB */

struct capture {
	int fd;
	uint8_t *ring;
	unsigned int block, blocks;
	int64_t real_minus_monotonic;
};

/* What arrives on an interface from now on, and with outgoing what leaves. 0 or -errno. */
int capture_open(struct capture *c, const char *interface, uint64_t blocks, bool outgoing);
/* Counts what comes until a moment, or a signal. */
void capture_until(struct capture *c, struct keys *keys, int64_t end);
/* What has come and was not given over: the kernel does so when a half-full block's time is out. */
void capture_rest(struct capture *c, struct keys *keys);

#endif
