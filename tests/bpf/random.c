// SPDX-License-Identifier: LGPL-2.1-or-later
#include "random.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

uint32_t random_ipv4(struct random *r)
{
	static const uint32_t bases[] = { 0x0a000000, 0x0a010200, 0x0a0103fe,
					  0xc0a80101, 0,	  0xffffffff };
	uint32_t addr = RANDOM_OF(r, bases);

	if (random_one_in(r, 3))
		addr ^= 1U << random_below(r, 32);
	if (random_one_in(r, 3))
		addr ^= 1U << random_below(r, 10);
	return random_one_in(r, 20) ? (uint32_t)random_next(r) : addr;
}

void random_ipv6(struct random *r, uint8_t addr[16])
{
	static const uint8_t bases[][16] = {
		{ 0xfd, [15] = 1 },
		{ 0x20, 0x01, 0x0d, 0xb8, [7] = 1, [15] = 0xfe },
		{ 0xfe, 0x80, [15] = 2 },
		{ [10] = 0xff, 0xff, 10, 1, 2, 0 }, /* looks like IPv4, and is not */
		{ 0 },
	};

	memcpy(addr, RANDOM_OF(r, bases), 16);
	for (uint32_t flips = random_below(r, 3); flips > 0; flips--) {
		uint32_t bit = random_below(r, 128);

		addr[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
	}
}

uint16_t random_port(struct random *r)
{
	static const uint16_t ports[] = { 0,	1,    22,   53,	  80,	443,   1000,  1001,
					  1002, 3478, 3481, 4789, 8472, 32768, 65534, 65535 };
	uint16_t port = RANDOM_OF(r, ports);

	return random_one_in(r, 10) ? (uint16_t)random_next(r) : port;
}

uint8_t random_dscp(struct random *r)
{
	static const uint8_t dscps[] = { 0, 1, 8, 10, 40, 46, 63 };

	return random_one_in(r, 5) ? (uint8_t)random_below(r, 64) : RANDOM_OF(r, dscps);
}

uint8_t random_proto(struct random *r)
{
	static const uint8_t protos[] = { 6,  6,  6, 17, 17,  17,  1,  1, 58,
					  58, 47, 4, 41, 132, 136, 33, 89 };

	return random_one_in(r, 12) ? (uint8_t)random_next(r) : RANDOM_OF(r, protos);
}

uint32_t random_mark(struct random *r)
{
	static const uint32_t marks[] = { 0, 1, 0x10, 0x1f, 0x80000000, 0xffffffff };
	uint32_t mark = RANDOM_OF(r, marks);

	return random_one_in(r, 4) ? mark ^ 1U << random_below(r, 32) : mark;
}

uint32_t random_uid(struct random *r)
{
	static const uint32_t uids[] = {
		0, 1, 33, 999, 1000, 1001, 1500, 2000, 65534, 4294967294U
	};

	return RANDOM_OF(r, uids);
}

uint16_t random_vlan(struct random *r)
{
	static const uint16_t vlans[] = { 0, 1, 5, 6, 7, 4094, 4095 };

	return RANDOM_OF(r, vlans);
}

const char *random_cgroup_at(size_t i)
{
	static const char *const below[RANDOM_CGROUPS] = {
		"", "/a", "/a/b", "/a/b/c", "/a/bc", "/ab", "/b", "/b/c", "/b/c/d", "/b/c/d/e"
	};
	static char paths[RANDOM_CGROUPS][64];

	if (!paths[i][0])
		snprintf(paths[i], sizeof(paths[i]), "qosctl-%d%s", (int)getpid(), below[i]);
	return paths[i];
}

const char *random_cgroup(struct random *r)
{
	return random_cgroup_at(random_below(r, RANDOM_CGROUPS));
}

uint8_t random_tcp_flags(struct random *r)
{
	static const uint8_t flags[] = { 0x02, 0x12, 0x10, 0x11, 0x14, 0x18, 0, 0xff };

	return random_one_in(r, 4) ? (uint8_t)random_next(r) : RANDOM_OF(r, flags);
}

uint8_t random_icmp_type(struct random *r)
{
	static const uint8_t types[] = { 0, 3, 5, 8, 11, 1, 2, 128, 129, 133, 134, 135, 136, 137 };

	return random_one_in(r, 8) ? (uint8_t)random_next(r) : RANDOM_OF(r, types);
}
