// SPDX-License-Identifier: LGPL-2.1-or-later
/* Random prefixes, and each address on both sides of their ends, beside a list of them. */
#include "random.h"
#include "read_tables.h"

/* Bytes of few values, so that prefixes are within others, and next to them. */
static struct qos_prefix any_prefix(uint64_t *r)
{
	static const uint8_t bytes[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct qos_prefix p = { .family = any(r, 2) ? 4 : 6 };
	unsigned int skip = p.family == 4 ? 12 : 0;

	p.len = (uint8_t)any(r, p.family == 4 ? 33 : 129);
	if (skip)
		p.addr.s6_addr[10] = p.addr.s6_addr[11] = 0xff;
	for (unsigned int i = skip; i < 16; i++) {
		int bits = p.len - (int)(i - skip) * 8;

		p.addr.s6_addr[i] = bytes[any(r, ARRAY_SIZE(bytes))];
		if (bits < 8)
			p.addr.s6_addr[i] &= bits <= 0 ? 0 : (uint8_t)(0xff << (8 - bits));
	}
	return p;
}

/* The first address of a prefix, or the last; or the one before the first, or after the last. */
static struct in6_addr edge_of(const struct qos_prefix *p, bool last, bool beyond)
{
	unsigned int skip = p->family == 4 ? 12 : 0;
	struct in6_addr addr = p->addr;

	for (unsigned int i = skip; last && i < 16; i++) {
		int bits = p->len - (int)(i - skip) * 8;

		if (bits < 8)
			addr.s6_addr[i] |= bits <= 0 ? 0xff : (uint8_t)(0xff >> bits);
	}
	for (unsigned int i = 16; beyond && i-- > skip;) {
		addr.s6_addr[i] = (uint8_t)(addr.s6_addr[i] + (last ? 1 : -1));
		if (addr.s6_addr[i] != (last ? 0 : 0xff))
			break;
	}
	return addr;
}

static bool has(const struct qos_prefix *p, uint8_t family, const struct in6_addr *addr)
{
	unsigned int bits = p->len + (family == 4 ? 96 : 0);

	return p->family == family && memcmp(&p->addr, addr, bits / 8) == 0 &&
	       (bits % 8 == 0 ||
		!((p->addr.s6_addr[bits / 8] ^ addr->s6_addr[bits / 8]) >> (8 - bits % 8)));
}

static void expect_address(const struct qos_tables *t, const struct qos_prefix *prefixes,
			   uint32_t count, uint8_t family, const struct in6_addr *addr)
{
	struct packet p = packet_of(&kinds[family == 4 ? 0 : 1]);
	uint32_t want = 0;

	while (want < count && !has(&prefixes[want], family, addr))
		want++;
	p.dst = *addr;
	if (family == 4)
		memcpy(&p.dst, &addr->s6_addr[12], 4);
	assert_int_equal(first_rule(t, &p), want < count ? want + 1 : 0);
}

/* As many as fill a node and one more, two levels, three; a rule each, or all of one. */
static void expect_ranges(uint32_t count, uint64_t seed)
{
	_cleanup_(freep) struct qos_prefix *prefixes = calloc(count, sizeof(*prefixes));
	_cleanup_(freep) struct qos_rule_def *rules = calloc(count, sizeof(*rules));
	struct qos_tables *t;

	assert_true(prefixes && rules);
	for (uint32_t i = 0; i < count; i++) {
		prefixes[i] = any_prefix(&seed);
		rules[i].match.dst = &prefixes[i];
		rules[i].match.dst_count = 1;
	}
	assert_int_equal(qos_tables_compile(rules, count, NULL, NULL, &t), 0);
	for (uint32_t i = 0; i < count; i++) {
		for (int edge = 0; edge < 4; edge++) {
			struct in6_addr addr = edge_of(&prefixes[i], edge & 1, edge & 2);

			expect_address(t, prefixes, count, prefixes[i].family, &addr);
		}
	}
	qos_tables_free(t);
}

static void test_ranges(void **state)
{
	static const uint32_t counts[] = { 1, 2, 7, 8, 9, 16, 17, 40, 130, 300, 2500 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		for (uint64_t seed = 1; seed <= (counts[i] < 300 ? 40 : 1); seed++)
			expect_ranges(counts[i], seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_ranges) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
