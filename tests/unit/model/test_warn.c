/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rules that never match. What is said of them is compared with packets, which lib/match judges
 * by each key alone; that the index finds all of it, with comparing each rule with each.
 */
#include <time.h>

#include "load.h"
#include "match/match.h"
#include "model/extent.h"

#define RULES	10000
#define ENTRIES 3

static uint32_t seed;

static uint32_t any(uint32_t count)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % count;
}

/* A match with the lists in it. */
struct example {
	struct qos_match m;
	uint8_t proto[ENTRIES];
	struct qos_prefix src[ENTRIES], dst[ENTRIES];
	struct qos_port_range sport[ENTRIES], dport[ENTRIES];
	struct qos_masked mark[ENTRIES], flags[ENTRIES];
	struct qos_range vlan[ENTRIES], uid[ENTRIES], length[ENTRIES];
	struct qos_icmp_type type[ENTRIES];
	char *cgroup[ENTRIES];
	struct qos_match excluded[2];
};

static const uint8_t protos[] = { 6, 17, 1, 58, 2, 47 };
static char *const paths[] = { "a", "a/b", "ab", "a/b/c" };
static const uint32_t masks[] = { 1, 3, UINT32_MAX };

static struct qos_prefix any_prefix(void)
{
	struct qos_prefix p = { .family = any(2) ? 4 : 6, .len = (uint8_t)(28 + any(5)) };
	unsigned int at = p.family == 4 ? 15 : 3, host = 32U - p.len;

	if (p.family == 4)
		p.addr.s6_addr[10] = p.addr.s6_addr[11] = 0xff;
	p.addr.s6_addr[at] = (uint8_t)(any(16) >> host << host);
	return p;
}

static struct qos_range any_range(uint32_t most)
{
	uint32_t min = any(most);

	return (struct qos_range){ .min = min, .max = min + any(most - min) };
}

static struct qos_masked any_masked(void)
{
	uint32_t mask = masks[any(3)];

	return (struct qos_masked){ .value = any(4) & mask, .mask = mask };
}

static struct qos_port_range any_ports(void)
{
	struct qos_range ports = any_range(6);

	/* and all of them */
	if (!any(8))
		return (struct qos_port_range){ 0, UINT16_MAX };
	return (struct qos_port_range){ (uint16_t)ports.min, (uint16_t)ports.max };
}

/* Around what headers alone are long. */
static struct qos_range any_length(void)
{
	static const uint32_t ends[] = { 0, 19, 20, 21, 39, 40, 41, 60, 65575 };
	uint32_t min = any(9), max = min + any(9 - min);

	return (struct qos_range){ ends[min], ends[max] };
}

/* Some keys, with small values, so that one match often takes what another does. */
static void fill(struct example *e, struct qos_match *m)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		e->proto[i] = protos[any(ARRAY_SIZE(protos))];
		e->src[i] = any_prefix();
		e->dst[i] = any_prefix();
		e->sport[i] = any_ports();
		e->dport[i] = any_ports();
		e->mark[i] = any_masked();
		e->flags[i] = any_masked();
		e->flags[i].mask &= 255;
		e->vlan[i] = any_range(4);
		e->uid[i] = any_range(4);
		e->length[i] = any_length();
		e->type[i] = (struct qos_icmp_type){
			.family = (uint8_t[]){ 0, 4, 6 }[any(3)],
			.type = (uint8_t)any(2),
			.code = (int16_t)((int)any(3) - 1),
		};
		e->cgroup[i] = paths[any(4)];
	}
	*m = (struct qos_match){
		/* clang-format off */
		.proto = e->proto,	.proto_count = any(4) ? 0 : 1 + any(ENTRIES),
		.src = e->src,		.src_count = any(5) ? 0 : 1 + any(ENTRIES),
		.dst = e->dst,		.dst_count = any(5) ? 0 : 1 + any(ENTRIES),
		.sport = e->sport,	.sport_count = any(9) ? 0 : 1 + any(ENTRIES),
		.dport = e->dport,	.dport_count = any(6) ? 0 : 1 + any(ENTRIES),
		.mark = e->mark,	.mark_count = any(6) ? 0 : 1 + any(2),
		.tcp_flags = e->flags,	.tcp_flags_count = any(6) ? 0 : 1 + any(2),
		.vlan = e->vlan,	.vlan_count = any(6) ? 0 : 1 + any(ENTRIES),
		.uid = e->uid,		.uid_count = any(9) ? 0 : 1 + any(ENTRIES),
		.length = e->length,	.length_count = any(7) ? 0 : 1 + any(2),
		.icmp_type = e->type,	.icmp_type_count = any(5) ? 0 : 1 + any(ENTRIES),
		.cgroup = e->cgroup,	.cgroup_count = any(6) ? 0 : 1 + any(2),
		/* clang-format on */
		.dscp = any(6) ? 0 : 1 + any(15),
		.family = (uint8_t[]){ 0, 0, 0, 0, 4, 6 }[any(6)],
	};
}

/* Ports, flags and type, where there are such, and the packet is not cut off before them. */
static void put_transport(struct qos_packet *p)
{
	bool icmp = p->proto == (p->family == 4 ? 1 : 58);

	p->has_ports = (p->proto == 6 || p->proto == 17) && any(6);
	p->sport = (uint16_t)any(6);
	p->dport = (uint16_t)any(6);
	p->has_tcp_flags = p->has_ports && p->proto == 6 && any(6);
	p->tcp_flags = (uint8_t)any(5);
	p->has_icmp = icmp && any(6);
	p->icmp_type = (uint8_t)any(3);
	p->icmp_code = (uint8_t)any(3);
}

static struct qos_packet any_packet(void)
{
	struct qos_packet p = {
		.family = (uint8_t[]){ 0, 4, 6, 4, 6 }[any(5)],
		.proto = protos[any(ARRAY_SIZE(protos))],
		.mark = any(5),
		.vlan = (uint16_t)any(5),
		.dscp = (uint8_t)any(5),
		.has_uid = any(4),
		.uid = any(5),
		.cgroup = any(5) ? paths[any(4)] : NULL,
	};
	unsigned int at = p.family == 4 ? 15 : 3;

	if (!p.family)
		return p;
	put_transport(&p);
	p.length = (p.family == 4 ? 20 : 40) + (uint32_t[]){ 0, 1, 19, 20, 21, 65535 }[any(6)];
	if (p.family == 4) {
		p.src.s6_addr[10] = p.src.s6_addr[11] = 0xff;
		p.dst.s6_addr[10] = p.dst.s6_addr[11] = 0xff;
	}
	p.src.s6_addr[at] = (uint8_t)any(16);
	p.dst.s6_addr[at] = (uint8_t)any(16);
	return p;
}

/* Some of them with a `not`, of the lists of its own example. */
static void make(struct example *list, struct example *excluded, struct extent *extents,
		 size_t count)
{
	for (size_t i = 0; i < count; i++) {
		fill(&list[i], &list[i].m);
		list[i].m.excluded = list[i].excluded;
		list[i].m.excluded_count = any(3) ? 0 : 1 + any(2);
		for (size_t j = 0; j < list[i].m.excluded_count; j++)
			fill(&excluded[2 * i + j], &list[i].excluded[j]);
		assert_int_equal(extent_init(&extents[i], &list[i].m), 0);
	}
}

#define PACKETS 4000
#define SOME	600

/* No packet is of a rule that takes nothing, or of one that an earlier one covers and not of
 * that. And there are enough of each, or this says nothing.
 */
static void test_sound(void **state)
{
	static struct example list[SOME], excluded[2 * SOME];
	static struct extent extents[SOME];
	static struct qos_packet packets[PACKETS];
	static bool taken[SOME][PACKETS];
	size_t covered = 0, empty = 0, by_not = 0;

	(void)state;
	seed = 5;
	make(list, excluded, extents, SOME);
	for (size_t i = 0; i < PACKETS; i++)
		packets[i] = any_packet();
	for (size_t i = 0; i < SOME; i++) {
		for (size_t p = 0; p < PACKETS; p++) {
			taken[i][p] = !qos_match_failed(&list[i].m, &packets[p]);
			if (taken[i][p] && extent_is_empty(&extents[i]))
				fail_msg("rule %zu takes packet %zu and is said to be empty", i, p);
		}
		empty += extent_is_empty(&extents[i]);
	}
	for (size_t i = 0; i < SOME; i++) {
		for (size_t j = 0; j < SOME; j++) {
			if (i == j || !extent_covers(&extents[i], &extents[j]))
				continue;
			covered++;
			by_not += list[i].m.excluded_count > 0;
			for (size_t p = 0; p < PACKETS; p++) {
				if (taken[j][p] && !taken[i][p])
					fail_msg("rule %zu does not take packet %zu of %zu", i, p,
						 j);
			}
		}
	}
	assert_true(covered > 1000 && empty > 10 && by_not > 50);
	for (size_t i = 0; i < SOME; i++)
		extent_done(&extents[i]);
}

static void test_index(void **state)
{
	static struct example list[SOME], excluded[2 * SOME];
	static struct extent extents[SOME];
	size_t by[SOME], found = 0;
	bool complete;

	(void)state;
	for (uint32_t round = 0; round < 20; round++) {
		seed = round;
		make(list, excluded, extents, SOME);
		assert_int_equal(shadows_find(extents, SOME, by, &complete), 0);
		assert_true(complete);
		for (size_t i = 0; i < SOME; i++) {
			size_t first = 0;

			while (first < i && !extent_covers(&extents[first], &extents[i]))
				first++;
			/* keys that exclude each other: no policy has that */
			if (extents[i].dims[DIM_PROTO].given && !extents[i].dims[DIM_PROTO].count)
				continue;
			if (by[i] != (first < i ? first : SHADOW_NONE))
				fail_msg("seed %u, rule %zu: %zu, not %zu", round, i, by[i], first);
			found += first < i;
		}
		for (size_t i = 0; i < SOME; i++)
			extent_done(&extents[i]);
	}
	assert_true(found > 1000);
}

/* Rules as large policies have them: hosts; subnets with ports; users; all alike but for one. */
static void large(size_t i, struct example *e)
{
	uint32_t n = (uint32_t)i;

	e->src[0] = (struct qos_prefix){ .family = 4, .len = 32 };
	e->src[0].addr.s6_addr[10] = e->src[0].addr.s6_addr[11] = 0xff;
	e->src[0].addr.s6_addr[14] = (uint8_t)(n >> 8);
	e->src[0].addr.s6_addr[15] = (uint8_t)n;
	e->dport[0] = (struct qos_port_range){ (uint16_t)n, (uint16_t)(n + 100) };
	e->vlan[0] = (struct qos_range){ n % 100, n % 100 };
	e->proto[0] = 6;
	e->m = (struct qos_match){ .src = e->src, .dport = e->dport, .vlan = e->vlan };
	e->m.proto = e->proto;
	e->m.proto_count = i % 2;
	e->m.dport_count = i % 4 > 0;
	e->m.src_count = i % 4 == 0 || i % 4 == 3;
	e->m.vlan_count = i % 4 > 1;
	if (i % 5 == 4)
		e->src[0].len = 24, e->src[0].addr.s6_addr[15] = 0;
}

static void test_large(void **state)
{
	_cleanup_(freep) struct example *list = calloc(RULES, sizeof(*list));
	_cleanup_(freep) struct extent *extents = calloc(RULES, sizeof(*extents));
	_cleanup_(freep) size_t *by = calloc(RULES, sizeof(*by));
	size_t found = 0, wanted = 0;
	bool complete = false;
	clock_t begin;

	(void)state;
	assert_true(list && extents && by);
	for (size_t i = 0; i < RULES; i++) {
		large(i, &list[i]);
		assert_int_equal(extent_init(&extents[i], &list[i].m), 0);
	}
	begin = clock();
	assert_int_equal(shadows_find(extents, RULES, by, &complete), 0);
	assert_true(clock() - begin < CLOCKS_PER_SEC / 2);
	assert_true(complete);
	for (size_t i = 0; i < RULES; i++) {
		size_t first = 0;

		found += by[i] != SHADOW_NONE;
		if (i % 10)
			continue;
		while (first < i && !extent_covers(&extents[first], &extents[i]))
			first++;
		assert_true(by[i] == (first < i ? first : SHADOW_NONE));
		wanted += first < i;
	}
	assert_true(found > wanted && wanted > 0);
	for (size_t i = 0; i < RULES; i++)
		extent_done(&extents[i]);
}

/* All alike, so that only comparing all of them would do: it ends, and says so. */
static void test_alike(void **state)
{
	enum { ALIKE = 40000 };
	_cleanup_(freep) struct qos_match *list = calloc(ALIKE, sizeof(*list));
	_cleanup_(freep) struct extent *extents = calloc(ALIKE, sizeof(*extents));
	_cleanup_(freep) struct qos_match *excluded = calloc(ALIKE, sizeof(*excluded));
	_cleanup_(freep) struct qos_range *uids = calloc(ALIKE, sizeof(*uids));
	_cleanup_(freep) size_t *by = calloc(ALIKE, sizeof(*by));
	bool complete = true;

	(void)state;
	assert_true(list && extents && by && excluded && uids);
	for (size_t i = 0; i < ALIKE; i++) {
		uids[i] = (struct qos_range){ (uint32_t)i, (uint32_t)i };
		excluded[i] = (struct qos_match){ .uid = &uids[i], .uid_count = 1 };
		list[i] = (struct qos_match){ .excluded = &excluded[i], .excluded_count = 1 };
		assert_int_equal(extent_init(&extents[i], &list[i]), 0);
	}
	assert_int_equal(shadows_find(extents, ALIKE, by, &complete), 0);
	assert_false(complete);
	for (size_t i = 0; i < ALIKE; i++) {
		assert_true(by[i] == SHADOW_NONE);
		extent_done(&extents[i]);
	}
}

/* The rest of very many is counted. */
static void test_many(void **state)
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(policy_freep) struct qos_policy *policy = NULL;
	_cleanup_(freep) char *text = NULL, *said = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	fputs("default: a\nclasses:\n  a: {}\n", f);
	for (int i = 0; i < 103; i++)
		fprintf(f, "  b%d: {}\n", i);
	fputs("rules:\n  - { class: a, match: { proto: udp } }\n", f);
	for (int i = 0; i < 102; i++)
		fputs("  - { class: a, match: { proto: udp, sport: 53 } }\n", f);
	assert_int_equal(fclose(f), 0);
	policy = load_good(text);
	assert_int_equal(qos_policy_warn(policy, diags), 0);
	assert_int_equal(qos_diags_status(diags), QOS_OK);
	assert_int_equal(qos_diags_text(diags, &said), 0);
	assert_non_null(strstr(said, "`b99` gets no packets"));
	assert_null(strstr(said, "`b100` gets no packets"));
	assert_non_null(strstr(said, "\nwarning: 2 more rules never match\n"));
	assert_non_null(strstr(said, "\nwarning: 3 more classes get no packets\n"));
}

/* What has nothing to be warned of, though it looks a little like it. */
/* All protocols are not all packets of a family: 1 by IPv6 is no ICMP, nor is 58 by IPv4. */
static void test_odd(void **state)
{
	uint8_t all[256];
	const struct qos_match by_proto = { .proto = all, .proto_count = ARRAY_SIZE(all) };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		all[i] = (uint8_t)i;
	for (uint8_t family = 4; family <= 6; family += 2) {
		const struct qos_packet p = { .family = family, .proto = family == 4 ? 58 : 1 };
		const struct qos_match by_family = { .family = family };
		struct extent wide, narrow;

		assert_int_equal(extent_init(&wide, &by_proto), 0);
		assert_int_equal(extent_init(&narrow, &by_family), 0);
		assert_true(qos_match_failed(&by_proto, &p));
		assert_false(qos_match_failed(&by_family, &p));
		assert_false(extent_covers(&wide, &narrow));
		assert_true(extent_covers(&narrow, &narrow));
		extent_done(&wide);
		extent_done(&narrow);
	}
}

static void test_quiet(void **state)
{
	static const char *const policies[] = {
		MINIMAL,
		/* the only class that sends, or held by its ceil, or nothing to borrow */
		"link: { rate: 1mbit }\ndefault: a\nclasses: { a: { priority: high } }\n",
		"link: { rate: 9mbit }\ndefault: a\n"
		"classes: { a: { priority: high, ceil: 1mbit }, b: {} }\n"
		"rules: [{ class: b, match: { dport: 80 } }]\n",
		"default: a\nclasses: { a: { priority: high }, b: {} }\n"
		"rules: [{ class: b, match: { dport: 80 } }]\n",
		/* what is left is dropped, or of one family, or goes where the default does */
		MINIMAL "rules: [{ action: drop, match: { length: 0-65575 } }]\n",
		"default: a\nclasses: { a: {}, b: {} }\n"
		"rules: [{ class: b, match: { family: ipv4 } }]\n",
		MINIMAL "rules: [{ class: a, match: { src: [0.0.0.0/0, \"::/0\"] } }]\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
		_cleanup_(policy_freep) struct qos_policy *policy = load_good(policies[i]);
		_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
		_cleanup_(freep) char *said = NULL;

		assert_int_equal(qos_policy_warn(policy, diags), 0);
		assert_int_equal(qos_diags_text(diags, &said), 0);
		assert_string_equal(said, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound), cmocka_unit_test(test_index),
		cmocka_unit_test(test_large), cmocka_unit_test(test_alike),
		cmocka_unit_test(test_many),  cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
