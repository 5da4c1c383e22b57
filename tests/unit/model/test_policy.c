/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "load.h"

static void test_free_null(void **state)
{
	(void)state;
	qos_policy_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_free_null),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
