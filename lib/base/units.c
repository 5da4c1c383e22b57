/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/units.h"

/* What one of the unit is, as a fraction: a bit is an eighth of a byte. */
struct unit {
	const char *name;
	uint64_t num;
	uint64_t den;
};

/* lib/utils.c of iproute2, get_rate64(), get_size64(), get_time64(). In each
 * table the units that are printed come first, up to its _PRINTED.
 */
static const struct unit rate_units[] = {
	{ "tbit", 1000000000000ULL, 1 },
	{ "gbit", 1000000000ULL, 1 },
	{ "mbit", 1000000ULL, 1 },
	{ "kbit", 1000ULL, 1 },
	{ "bit", 1, 1 },
	{ "tibit", 1ULL << 40, 1 },
	{ "gibit", 1ULL << 30, 1 },
	{ "mibit", 1ULL << 20, 1 },
	{ "kibit", 1ULL << 10, 1 },
	{ "tbps", 8000000000000ULL, 1 },
	{ "gbps", 8000000000ULL, 1 },
	{ "mbps", 8000000ULL, 1 },
	{ "kbps", 8000ULL, 1 },
	{ "bps", 8, 1 },
	{ "tibps", 8ULL << 40, 1 },
	{ "gibps", 8ULL << 30, 1 },
	{ "mibps", 8ULL << 20, 1 },
	{ "kibps", 8ULL << 10, 1 },
};
#define RATE_PRINTED 9

static const struct unit size_units[] = {
	{ "g", 1ULL << 30, 1 },	   { "m", 1ULL << 20, 1 },
	{ "k", 1ULL << 10, 1 },	   { "b", 1, 1 },
	{ "gb", 1ULL << 30, 1 },   { "mb", 1ULL << 20, 1 },
	{ "kb", 1ULL << 10, 1 },   { "gbit", 1ULL << 30, 8 },
	{ "mbit", 1ULL << 20, 8 }, { "kbit", 1ULL << 10, 8 },
};
#define SIZE_PRINTED 4

static const struct unit time_units[] = {
	{ "s", 1000000000ULL, 1 },
	{ "ms", 1000000ULL, 1 },
	{ "us", 1000ULL, 1 },
	{ "ns", 1, 1 },
	{ "sec", 1000000000ULL, 1 },
	{ "secs", 1000000000ULL, 1 },
	{ "msec", 1000000ULL, 1 },
	{ "msecs", 1000000ULL, 1 },
	{ "usec", 1000ULL, 1 },
	{ "usecs", 1000ULL, 1 },
	{ "nsec", 1, 1 },
	{ "nsecs", 1, 1 },
};
#define TIME_PRINTED 4

static const struct unit duration_units[] = {
	{ "s", 1000000000ULL, 1 },	  { "sec", 1000000000ULL, 1 },
	{ "m", 60000000000ULL, 1 },	  { "min", 60000000000ULL, 1 },
	{ "h", 3600000000000ULL, 1 },	  { "hour", 3600000000000ULL, 1 },
	{ "hours", 3600000000000ULL, 1 }, { "d", 86400000000000ULL, 1 },
	{ "day", 86400000000000ULL, 1 },  { "days", 86400000000000ULL, 1 },
};

#define PLACES_MAX 9

/* A decimal number: digits / 10^places. */
struct number {
	uint64_t digits;
	uint64_t scale;
};

static int add_digit(struct number *number, char c)
{
	if (__builtin_mul_overflow(number->digits, 10, &number->digits) ||
	    __builtin_add_overflow(number->digits, c - '0', &number->digits))
		return -ERANGE;
	return 0;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Not strtod(): that reads hex, "inf" and the locale's comma, and rounds. */
static int parse_number(const char **text, struct number *ret)
{
	struct number number = { .scale = 1 };
	const char *p = *text;
	int r = 0, places = 0;

	/* 010 is eight to some and ten to others */
	if (!is_digit(*p) || (*p == '0' && is_digit(p[1])))
		return -EINVAL;
	for (; is_digit(*p); p++)
		r = r < 0 ? r : add_digit(&number, *p);
	if (*p == '.') {
		if (!is_digit(*++p))
			return -EINVAL;
		for (; is_digit(*p); p++, places++) {
			r = r < 0 ? r : add_digit(&number, *p);
			number.scale *= places < PLACES_MAX ? 10 : 1;
		}
	}
	if (places > PLACES_MAX)
		return -EINVAL;
	*text = p;
	*ret = number;
	return r;
}

static int scale_number(const struct number *number, uint64_t num, uint64_t den, uint64_t *ret)
{
	unsigned __int128 divisor = (unsigned __int128)number->scale * den;
	unsigned __int128 value = (unsigned __int128)number->digits * num;

	value = (value + divisor / 2) / divisor;
	if (value > UINT64_MAX)
		return -ERANGE;
	*ret = (uint64_t)value;
	return 0;
}

/* The first one that a text shortens, or goes on behind: "m", " mbit", "mbit/s". Null: none. */
static const char *nearest_unit(const char *text, const struct unit *units, size_t count)
{
	size_t len;

	text += strspn(text, " ");
	len = strlen(text);
	for (size_t i = 0; len && i < count; i++) {
		size_t unit_len = strlen(units[i].name);

		if (strncasecmp(text, units[i].name, len < unit_len ? len : unit_len) == 0)
			return units[i].name;
	}
	return NULL;
}

static int parse(const char *text, const struct unit *units, size_t count, uint64_t *ret_value,
		 struct number *ret_bare, const char **ret_hint)
{
	const char *near;
	struct number number = { 0 };
	int r;

	r = parse_number(&text, &number);
	if (r == -EINVAL)
		return r;
	for (size_t i = 0; i < count; i++) {
		if (strcasecmp(text, units[i].name) == 0)
			return r < 0 ? r :
				       scale_number(&number, units[i].num, units[i].den, ret_value);
	}
	near = nearest_unit(text, units, count);
	if (near)
		*ret_hint = near;
	if (*text)
		return -EINVAL;
	if (r < 0)
		return r;
	*ret_bare = number;
	return -ENODATA;
}

int qos_parse_rate(const char *text, uint64_t *ret_bps, const char **ret_hint)
{
	struct number bare;
	uint64_t value;
	int r;

	r = parse(text, rate_units, ARRAY_SIZE(rate_units), ret_bps, &bare, ret_hint);
	if (r != -ENODATA)
		return r;
	value = bare.digits / bare.scale;
	*ret_hint = value < 1000 ? "mbit" : value < 1000000 ? "kbit" : "bit";
	return r;
}

int qos_parse_size(const char *text, uint64_t *ret_bytes, const char **ret_hint)
{
	struct number bare;
	int r;

	r = parse(text, size_units, ARRAY_SIZE(size_units), ret_bytes, &bare, ret_hint);
	if (r == -ENODATA)
		*ret_hint = bare.digits / bare.scale < 1000 ? "k" : "b";
	return r;
}

int qos_parse_time(const char *text, uint64_t *ret_ns, const char **ret_hint)
{
	struct number bare;
	int r;

	r = parse(text, time_units, ARRAY_SIZE(time_units), ret_ns, &bare, ret_hint);
	if (r == -ENODATA)
		*ret_hint = "ms";
	return r;
}

int qos_parse_duration(const char *text, uint64_t *ret_ns, const char **ret_hint)
{
	struct number bare;
	int r;

	r = parse(text, duration_units, ARRAY_SIZE(duration_units), ret_ns, &bare, ret_hint);
	if (r == -ENODATA)
		*ret_hint = "min";
	return r;
}

int qos_parse_percent(const char *text, uint32_t *ret_ppm)
{
	struct number number = { 0 };
	uint64_t ppm;
	int r;

	r = parse_number(&text, &number);
	if (r == -EINVAL)
		return r;
	if (strcmp(text, "%") != 0)
		return -EINVAL;
	if (r < 0)
		return r;
	r = scale_number(&number, 10000, 1, &ppm);
	if (r < 0)
		return r;
	/* 100.00001 % rounds to the limit, but is over it */
	if (ppm > 1000000 || number.digits > 100 * number.scale)
		return -ERANGE;
	*ret_ppm = (uint32_t)ppm;
	return 0;
}

char *qos_format_number(uint64_t value, char *buf)
{
	char *at = buf + QOS_NUMBER_LEN - 1;

	*at = '\0';
	do {
		*--at = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return at;
}

static char *put_unit(uint64_t value, const char *unit, char *buf)
{
	char digits[QOS_NUMBER_LEN];
	char *at = buf;

	for (const char *p = qos_format_number(value, digits); *p; p++)
		*at++ = *p;
	for (; *unit; unit++)
		*at++ = *unit;
	*at = '\0';
	return buf;
}

static size_t digits(uint64_t value)
{
	size_t count = 1;

	while (value /= 10)
		count++;
	return count;
}

static char *format(uint64_t value, const struct unit *units, size_t count, char *buf)
{
	const struct unit *best = NULL;
	size_t least = SIZE_MAX;

	for (size_t i = 0; i < count; i++) {
		size_t len;

		if (value % units[i].num)
			continue;
		len = digits(value / units[i].num) + strlen(units[i].name);
		if (len < least) {
			least = len;
			best = &units[i];
		}
	}
	/* the smallest unit is one */
	return put_unit(value / best->num, best->name, buf);
}

/* Nothing is a multiple of every unit. */
char *qos_format_rate(uint64_t bps, char *buf)
{
	return bps ? format(bps, rate_units, RATE_PRINTED, buf) : put_unit(0, "bit", buf);
}

char *qos_format_size(uint64_t bytes, char *buf)
{
	return bytes ? format(bytes, size_units, SIZE_PRINTED, buf) : put_unit(0, "b", buf);
}

char *qos_format_time(uint64_t ns, char *buf)
{
	return ns ? format(ns, time_units, TIME_PRINTED, buf) : put_unit(0, "s", buf);
}
