/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "abi.h"
#include "base/cleanup.h"
#include "base/names.h"
#include "unit.h"

static void test_find(void **state)
{
	(void)state;
	assert_int_equal(qos_names_find(&qos_names_dscp, "cs0"), 0);
	assert_int_equal(qos_names_find(&qos_names_dscp, "cs7"), 56);
	assert_int_equal(qos_names_find(&qos_names_dscp, "ef"), 46);
	assert_int_equal(qos_names_find(&qos_names_dscp, "le"), 1);
	assert_int_equal(qos_names_find(&qos_names_dscp, "va"), 44);
	assert_int_equal(qos_names_find(&qos_names_proto, "tcp"), IPPROTO_TCP);
	assert_int_equal(qos_names_find(&qos_names_proto, "udp"), IPPROTO_UDP);
	assert_int_equal(qos_names_find(&qos_names_proto, "icmp"), IPPROTO_ICMP);
	assert_int_equal(qos_names_find(&qos_names_proto, "icmpv6"), IPPROTO_ICMPV6);
	assert_int_equal(qos_names_find(&qos_names_proto, "ipv6-icmp"), IPPROTO_ICMPV6);
	assert_int_equal(qos_names_find(&qos_names_proto, "sctp"), IPPROTO_SCTP);
	assert_int_equal(qos_names_find(&qos_names_proto, "dccp"), IPPROTO_DCCP);
	assert_int_equal(qos_names_find(&qos_names_proto, "udplite"), IPPROTO_UDPLITE);
	assert_int_equal(qos_names_find(&qos_names_proto, "gre"), IPPROTO_GRE);
	assert_int_equal(qos_names_find(&qos_names_proto, "esp"), IPPROTO_ESP);
	assert_int_equal(qos_names_find(&qos_names_proto, "ah"), IPPROTO_AH);
	assert_int_equal(qos_names_find(&qos_names_proto, "igmp"), IPPROTO_IGMP);
	assert_int_equal(qos_names_find(&qos_names_proto, "ipip"), IPPROTO_IPIP);
	assert_int_equal(qos_names_find(&qos_names_proto, "ospf"), 89);
	assert_int_equal(qos_names_find(&qos_names_priority, "high"), QOS_PRIORITY_HIGH);
	assert_int_equal(qos_names_find(&qos_names_mode, "police"), QOS_MODE_POLICE);
	assert_int_equal(qos_names_find(&qos_names_family, "ipv6"), QOS_FAMILY_IPV6);

	assert_int_equal(qos_names_find(&qos_names_dscp, "EF"), -ENOENT);
	assert_int_equal(qos_names_find(&qos_names_dscp, ""), -ENOENT);
	assert_int_equal(qos_names_find(&qos_names_dscp, "af44"), -ENOENT);
}

/* RFC 2597: AFxy is 8x + 2y. */
static void test_assured_forwarding(void **state)
{
	(void)state;
	for (int x = 1; x <= 4; x++) {
		for (int y = 1; y <= 3; y++) {
			const char name[] = { 'a', 'f', (char)('0' + x), (char)('0' + y), '\0' };

			assert_int_equal(qos_names_find(&qos_names_dscp, name), 8 * x + 2 * y);
		}
	}
}

static void test_text(void **state)
{
	(void)state;
	assert_string_equal(qos_names_text(&qos_names_dscp, 46), "ef");
	assert_string_equal(qos_names_text(&qos_names_proto, 58), "icmpv6");
	assert_string_equal(qos_names_text(&qos_names_mode, QOS_MODE_FQ), "fq");
	assert_null(qos_names_text(&qos_names_dscp, 2));
	assert_null(qos_names_text(&qos_names_family, 5));
}

static void test_nearest(void **state)
{
	static const char *const names[] = { "priority", "rate", "ceil", "burst", "limit", "ef" };
	static const size_t count = ARRAY_SIZE(names);

	(void)state;
	assert_string_equal(qos_nearest("prioritty", names, count), "priority");
	assert_string_equal(qos_nearest("piroirty", names, count), "priority");
	assert_string_equal(qos_nearest("prior", names, count) ?: "none", "none");
	assert_string_equal(qos_nearest("rtae", names, count), "rate");
	assert_string_equal(qos_nearest("ratee", names, count), "rate");
	assert_string_equal(qos_nearest("RATE", names, count), "rate");
	assert_string_equal(qos_nearest("EF", names, count), "ef");
	assert_null(qos_nearest("eff", names, count));
	assert_null(qos_nearest("raet_", names, count));
	assert_null(qos_nearest("", names, count));
	assert_null(qos_nearest("completely-else", names, count));
	assert_null(qos_nearest("rate", names, 0));
	assert_string_equal(qos_names_nearest(&qos_names_proto, "tpc"), "tcp");
	assert_string_equal(qos_names_nearest(&qos_names_dscp, "af44"), "af41");
}

/* Texts of any length are no reason to run out of a buffer. */
static void test_nearest_long(void **state)
{
	char text[300];
	const char *const names[] = { text };

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		memset(text, 'a', len);
		text[len] = '\0';
		assert_ptr_equal(qos_nearest(text, names, 1), len <= 64 ? text : NULL);
	}
}

/* dev_valid_name(), net/core/dev.c. */
static void test_ifname(void **state)
{
	static const char *const good[] = {
		"eth0",	   "eth0.100",	      "br-lan",	  "a",	   "...", ".a",
		"wlan0@x", "123456789012345", "\xc3\xa9", "a\x01", "%d",  "-x",
	};
	static const char *const bad[] = {
		"",
		".",
		"..",
		"a/b",
		"/",
		"a:1",
		"a b",
		"a\tb",
		"a\n",
		"a\v",
		"a\f",
		"a\r",
		"\xc2\xa0",
		"1234567890123456",
		"12345678901234567890",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		if (!qos_ifname_valid(good[i]))
			fail_msg("%s", good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (qos_ifname_valid(bad[i]))
			fail_msg("%s", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),	     cmocka_unit_test(test_assured_forwarding),
		cmocka_unit_test(test_text),	     cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_nearest_long), cmocka_unit_test(test_ifname),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
