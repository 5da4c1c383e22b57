/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "unit.h"

typedef int (*parse_fn)(const char *text, uint64_t *ret, const char **ret_hint);

struct good {
	const char *text;
	uint64_t value;
};

static void expect_good(parse_fn parse, const struct good *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t value = 12345;
		const char *hint = NULL;
		int r = parse(cases[i].text, &value, &hint);

		if (r != 0 || value != cases[i].value)
			fail_msg("%s: %d, %llu, not %llu", cases[i].text, r,
				 (unsigned long long)value, (unsigned long long)cases[i].value);
	}
}

static void expect_error(parse_fn parse, int error, const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t value = 12345;
		const char *hint = "untouched";
		int r = parse(texts[i], &value, &hint);

		if (r != error)
			fail_msg("%s: %d, not %d", texts[i], r, error);
		assert_int_equal(value, 12345);
		assert_string_equal(hint, "untouched");
	}
}

static void expect_hint(parse_fn parse, const char *text, const char *expected)
{
	uint64_t value = 12345;
	const char *hint = NULL;

	assert_int_equal(parse(text, &value, &hint), -ENODATA);
	assert_int_equal(value, 12345);
	assert_string_equal(hint, expected);
}

static void expect_near(parse_fn parse, const char *text, const char *expected)
{
	uint64_t value = 12345;
	const char *hint = NULL;

	assert_int_equal(parse(text, &value, &hint), -EINVAL);
	assert_int_equal(value, 12345);
	assert_non_null(hint);
	assert_string_equal(hint, expected);
}

static void test_rate(void **state)
{
	static const struct good cases[] = {
		{ "1bit", 1 },
		{ "64kbit", 64000 },
		{ "100mbit", 100000000 },
		{ "1gbit", 1000000000 },
		{ "1tbit", 1000000000000 },
		{ "1kibit", 1024 },
		{ "1mibit", 1048576 },
		{ "1gibit", 1073741824 },
		{ "1tibit", 1099511627776 },
		{ "1bps", 8 },
		{ "5kbps", 40000 },
		{ "1mbps", 8000000 },
		{ "1gbps", 8000000000 },
		{ "1tbps", 8000000000000 },
		{ "1kibps", 8192 },
		{ "1mibps", 8388608 },
		{ "1gibps", 8589934592 },
		{ "1tibps", 8796093022208 },
		{ "1.5mbit", 1500000 },
		{ "0.064mbit", 64000 },
		{ "1.000000001gbit", 1000000001 },
		{ "33.333333333kbit", 33333 },
		{ "0.5bit", 1 },
		{ "0.4bit", 0 },
		{ "0mbit", 0 },
		{ "100Mbit", 100000000 },
		{ "100MBIT", 100000000 },
		{ "18446744073709551615bit", UINT64_MAX },
	};

	(void)state;
	expect_good(qos_parse_rate, cases, ARRAY_SIZE(cases));
}

static void test_rate_errors(void **state)
{
	static const char *const invalid[] = {
		"",
		" ",
		"mbit",
		" 100mbit",
		"-5mbit",
		"+5mbit",
		"1e3bit",
		"0x10kbit",
		"1.mbit",
		".5mbit",
		"1..5mbit",
		"1.5.5mbit",
		"1,5mbit",
		"inf",
		"nanbit",
		"20%",
		"1.0000000001mbit",
		"1.0000000001",
		"5\xc2\xb5s",
		"five",
		/* eight, or ten? */
		"010mbit",
		"007kbit",
		"00mbit",
		"010",
	};
	static const char *const range[] = {
		"18446744073709551616bit",  "99999999999999999999mbit",
		"18446744073709551615kbit", "99999999999999999999.5mbit",
		"99999999999999999999",
	};

	(void)state;
	expect_error(qos_parse_rate, -EINVAL, invalid, ARRAY_SIZE(invalid));
	expect_error(qos_parse_rate, -ERANGE, range, ARRAY_SIZE(range));
	expect_near(qos_parse_rate, "100m", "mbit");
	expect_near(qos_parse_rate, "100Mb", "mbit");
	expect_near(qos_parse_rate, "5k", "kbit");
	expect_near(qos_parse_rate, "100mbits", "mbit");
	expect_near(qos_parse_rate, "100mbit/s", "mbit");
	expect_near(qos_parse_rate, "100 mbit", "mbit");
	expect_near(qos_parse_rate, "100mbit ", "mbit");
	expect_hint(qos_parse_rate, "100", "mbit");
	expect_hint(qos_parse_rate, "1.5", "mbit");
	expect_hint(qos_parse_rate, "0", "mbit");
	expect_hint(qos_parse_rate, "1000", "kbit");
	expect_hint(qos_parse_rate, "64000", "kbit");
	expect_hint(qos_parse_rate, "100000000", "bit");
}

static void test_size(void **state)
{
	static const struct good cases[] = {
		{ "3000b", 3000 },	{ "15k", 15360 },   { "64kb", 65536 },
		{ "1m", 1048576 },	{ "1mb", 1048576 }, { "1g", 1073741824 },
		{ "1gb", 1073741824 },	{ "8kbit", 1024 },  { "1mbit", 131072 },
		{ "1gbit", 134217728 }, { "1.5k", 1536 },   { "0b", 0 },
		{ "15K", 15360 },
	};
	static const char *const invalid[] = { "", "k", "-1k", "15%", "015k" };
	static const char *const range[] = { "17179869184g", "18446744073709551616b" };

	(void)state;
	expect_good(qos_parse_size, cases, ARRAY_SIZE(cases));
	expect_error(qos_parse_size, -EINVAL, invalid, ARRAY_SIZE(invalid));
	expect_error(qos_parse_size, -ERANGE, range, ARRAY_SIZE(range));
	expect_near(qos_parse_size, "15 k", "k");
	expect_near(qos_parse_size, "15kib", "k");
	expect_near(qos_parse_size, "15bytes", "b");
	expect_hint(qos_parse_size, "15", "k");
	expect_hint(qos_parse_size, "1514", "b");
}

static void test_time(void **state)
{
	static const struct good cases[] = {
		{ "5ms", 5000000 },	 { "250us", 250000 },
		{ "1s", 1000000000 },	 { "1sec", 1000000000 },
		{ "2secs", 2000000000 }, { "3msec", 3000000 },
		{ "3msecs", 3000000 },	 { "3usec", 3000 },
		{ "3usecs", 3000 },	 { "7ns", 7 },
		{ "7nsec", 7 },		 { "7nsecs", 7 },
		{ "1.5ms", 1500000 },	 { "0s", 0 },
		{ "0.0000005ms", 1 },
	};
	static const char *const invalid[] = { "", "ms", "5min", "1h", "-5ms", "05ms" };
	static const char *const range[] = { "18446744074s", "18446744073709551616ns" };

	(void)state;
	expect_good(qos_parse_time, cases, ARRAY_SIZE(cases));
	expect_error(qos_parse_time, -EINVAL, invalid, ARRAY_SIZE(invalid));
	expect_error(qos_parse_time, -ERANGE, range, ARRAY_SIZE(range));
	expect_near(qos_parse_time, "5 ms", "ms");
	expect_near(qos_parse_time, "5m", "ms");
	expect_near(qos_parse_time, "5seconds", "s");
	expect_hint(qos_parse_time, "5", "ms");
}

static void test_percent(void **state)
{
	static const struct good cases[] = {
		{ "40%", 400000 }, { "12.5%", 125000 }, { "100%", 1000000 }, { "100.0%", 1000000 },
		{ "0%", 0 },	   { "0.0001%", 1 },	{ "0.00004%", 0 },
	};
	static const char *const invalid[] = { "",     "%",   "40",	"40 %",
					       "40%%", "-1%", "40mbit", "040%" };
	static const char *const range[] = { "101%", "100.00001%", "99999999999999999999%" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint32_t ppm = 77;

		assert_int_equal(qos_parse_percent(cases[i].text, &ppm), 0);
		assert_int_equal(ppm, cases[i].value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(invalid); i++) {
		uint32_t ppm = 77;

		assert_int_equal(qos_parse_percent(invalid[i], &ppm), -EINVAL);
		assert_int_equal(ppm, 77);
	}
	for (size_t i = 0; i < ARRAY_SIZE(range); i++) {
		uint32_t ppm = 77;

		assert_int_equal(qos_parse_percent(range[i], &ppm), -ERANGE);
		assert_int_equal(ppm, 77);
	}
}

static void test_format(void **state)
{
	char buf[QOS_UNIT_LEN];

	(void)state;
	assert_string_equal(qos_format_rate(0, buf), "0bit");
	assert_string_equal(qos_format_rate(1, buf), "1bit");
	assert_string_equal(qos_format_rate(64000, buf), "64kbit");
	assert_string_equal(qos_format_rate(65536, buf), "64kibit");
	assert_string_equal(qos_format_rate(1500000, buf), "1500kbit");
	assert_string_equal(qos_format_rate(100000000, buf), "100mbit");
	assert_string_equal(qos_format_rate(1000000000000, buf), "1tbit");
	assert_string_equal(qos_format_rate(1234567, buf), "1234567bit");
	assert_string_equal(qos_format_rate(UINT64_MAX, buf), "18446744073709551615bit");
	assert_string_equal(qos_format_size(0, buf), "0b");
	assert_string_equal(qos_format_size(3028, buf), "3028b");
	assert_string_equal(qos_format_size(15360, buf), "15k");
	assert_string_equal(qos_format_size(1 << 20, buf), "1m");
	assert_string_equal(qos_format_size(1 << 30, buf), "1g");
	assert_string_equal(qos_format_time(0, buf), "0s");
	assert_string_equal(qos_format_time(5000000, buf), "5ms");
	assert_string_equal(qos_format_time(1500000, buf), "1500us");
	assert_string_equal(qos_format_time(10000000000, buf), "10s");
	assert_string_equal(qos_format_time(1, buf), "1ns");
	assert_ptr_equal(qos_format_time(1, buf), buf);
}

static void expect_back(parse_fn parse, char *(*format)(uint64_t, char *), uint64_t value)
{
	char buf[QOS_UNIT_LEN];
	const char *hint;
	uint64_t back = ~value;

	if (parse(format(value, buf), &back, &hint) != 0 || back != value)
		fail_msg("%llu is written %s", (unsigned long long)value, buf);
}

/* What is written is read back as the same number, over all magnitudes. */
static void test_round_trip(void **state)
{
	uint64_t value = 1, random = 88172645463325252ULL;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		value = random >> (i % 64);
		if (i % 3 == 0)
			value -= value % 1000;
		if (i % 3 == 1)
			value -= value % 1024;
		expect_back(qos_parse_rate, qos_format_rate, value);
		expect_back(qos_parse_size, qos_format_size, value);
		expect_back(qos_parse_time, qos_format_time, value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate),	   cmocka_unit_test(test_rate_errors),
		cmocka_unit_test(test_size),	   cmocka_unit_test(test_time),
		cmocka_unit_test(test_percent),	   cmocka_unit_test(test_format),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
