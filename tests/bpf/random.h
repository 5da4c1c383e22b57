/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers that a seed decides, and the values that random rules and packets have in common. */
#ifndef QOS_TESTS_BPF_RANDOM_H
#define QOS_TESTS_BPF_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct random {
	uint64_t state;
};

/* splitmix64 (Steele, Lea, Flood 2014). */
static inline uint64_t random_next(struct random *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static inline uint32_t random_below(struct random *r, uint32_t end)
{
	return (uint32_t)(random_next(r) >> 32) % end;
}

/* One of so many. */
static inline bool random_one_in(struct random *r, uint32_t many)
{
	return random_below(r, many) == 0;
}

#define RANDOM_OF(r, list) ((list)[random_below((r), sizeof(list) / sizeof((list)[0]))])

/* Few, and near each other, so that rules and packets meet. */
uint32_t random_ipv4(struct random *r); /* host order */
void random_ipv6(struct random *r, uint8_t addr[16]);
uint16_t random_port(struct random *r);
uint8_t random_dscp(struct random *r);
uint8_t random_proto(struct random *r);
uint32_t random_mark(struct random *r);
uint32_t random_uid(struct random *r);
uint16_t random_vlan(struct random *r);
const char *random_cgroup(struct random *r);
/* All that it can be, each after the one that it is in; the first is this process's. */
#define RANDOM_CGROUPS 10
const char *random_cgroup_at(size_t i);
uint8_t random_tcp_flags(struct random *r);
uint8_t random_icmp_type(struct random *r);

/* A policy in YAML that qos_policy_build() takes; the caller's. */
char *random_policy(struct random *r);

/* What a random packet goes in with. */
#define RANDOM_FRAME_MAX 3300

struct random_frame {
	uint8_t data[RANDOM_FRAME_MAX];
	uint32_t len;	   /* 15 at least */
	uint32_t headers;  /* with gso_size: bytes that each segment repeats */
	uint32_t gso_size; /* 0: it is one packet */
};

void random_frame(struct random *r, struct random_frame *ret_frame);

#endif
