/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rates, sizes and times as tc writes them; a bare number is an error. */
#ifndef QOS_BASE_UNITS_H
#define QOS_BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

/*
 * Each parses all of text; 0, or -EINVAL (not a number and a known unit),
 * -ERANGE (zero where it makes no sense is the caller's to judge; too large
 * for the type), -ENODATA (a bare number). *ret_hint, a static string, names
 * the unit that was probably meant, of a bare number, and with -EINVAL where
 * there is one, else it stays. Decimal fractions are allowed ("1.5mbit",
 * at most nine places, rounded to the nearest); as with tc, upper and lower case
 * are the same.
 */

/* "100mbit", "5kbps", "1gibit" → bits per second. */
int qos_parse_rate(const char *text, uint64_t *ret_bps, const char **ret_hint);
/* "15k", "3000b", "1m", "64kb" → bytes, as tc: k/kb = 1024, m/mb = 1024², g/gb;
 * kbit, mbit … count bits (1024 of them, 1024² …). */
int qos_parse_size(const char *text, uint64_t *ret_bytes, const char **ret_hint);
/* "5ms", "250us", "1s" → ns. */
int qos_parse_time(const char *text, uint64_t *ret_ns, const char **ret_hint);
/* "90s", "30min", "2h", "1d" → ns: how long something holds. */
int qos_parse_duration(const char *text, uint64_t *ret_ns, const char **ret_hint);
/* "40%", "12.5%" → parts per million (so 400000); above 100 % -ERANGE. */
int qos_parse_percent(const char *text, uint32_t *ret_ppm);

/*
 * The shortest exact writing, as a whole number of bits, bytes or seconds and
 * their multiples, that the parsers above read back: "100mbit",
 * "1500kbit", "64kbit"; "15k", "3028b"; "5ms". buf holds QOS_UNIT_LEN bytes.
 * Returns buf.
 */
#define QOS_UNIT_LEN 32
char *qos_format_rate(uint64_t bps, char *buf);
char *qos_format_size(uint64_t bytes, char *buf);
char *qos_format_time(uint64_t ns, char *buf);

/* In decimal: a text at the end of buf, which holds QOS_NUMBER_LEN bytes. */
#define QOS_NUMBER_LEN 21
char *qos_format_number(uint64_t value, char *buf);

#endif
