/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load.h"

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

static void test_free_null(void **state)
{
	(void)state;
	qos_policy_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ifname),
		cmocka_unit_test(test_free_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
