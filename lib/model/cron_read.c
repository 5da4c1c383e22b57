/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The text of a cron expression. Debian's cron (3.0pl1-162, entry.c) takes more: ranges
 * that are empty (sat-sun), and whatever follows a field that is complete. What is taken
 * here it reads in the same way.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/names.h"
#include "model/cron.h"

#define BLANKS " \t"

enum { MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };

struct field {
	const char *what; /* with its article */
	unsigned int min, max;
	const char *const *names; /* of min and those after it */
	size_t name_count;
	const char *range; /* of what it holds, for messages */
};

static const char *const months[] = {
	"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
};

static const char *const weekdays[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };

static const struct field fields[FIELDS] = {
	[MINUTE] = { "a minute", 0, 59, NULL, 0, "0 to 59" },
	[HOUR] = { "an hour", 0, 23, NULL, 0, "0 to 23" },
	[DAY] = { "a day of month", 1, 31, NULL, 0, "1 to 31" },
	[MONTH] = { "a month", 1, 12, months, ARRAY_SIZE(months), "1 to 12 or jan to dec" },
	[WEEKDAY] = { "a day of week", 0, 7, weekdays, ARRAY_SIZE(weekdays),
		      "0 to 7 (both are Sunday) or sun to sat" },
};

static const struct word {
	const char *word, *fields;
} words[] = {
	{ "@yearly", "0 0 1 1 *" }, { "@annually", "0 0 1 1 *" }, { "@monthly", "0 0 1 * *" },
	{ "@weekly", "0 0 * * 0" }, { "@daily", "0 0 * * *" },	  { "@midnight", "0 0 * * *" },
	{ "@hourly", "0 * * * *" },
};

struct reader {
	const char *text, *at;
	struct qos_cron_error *error;
};

static int __attribute__((format(printf, 3, 4)))
refuse(const struct reader *reader, const char *at, const char *fmt, ...)
{
	struct qos_cron_error *error = reader->error;
	va_list args;

	error->at = (size_t)(at - reader->text);
	va_start(args, fmt);
	vsnprintf(error->text, sizeof(error->text), fmt, args);
	va_end(args);
	return -EINVAL;
}

/* What is not understood, for a message: up to what ends a part of a field. */
static int part_len(const char *text)
{
	size_t len = strcspn(text, BLANKS ",-/");

	return (int)(len ? len : strnlen(text, 1));
}

#define PART(text) part_len(text) < 20 ? part_len(text) : 20, (text)

static int bad_value(const struct reader *reader, const char *at, const struct field *field)
{
	if (!*at || strchr(BLANKS, *at))
		return refuse(reader, at, "%s is missing here: %s", field->what, field->range);
	return refuse(reader, at, "`%.*s` is not %s: %s", PART(at), field->what, field->range);
}

/* Digits only, as cron takes them: 08 is eight. 0: there are none; too many: UINT_MAX. */
static size_t read_digits(const char *text, unsigned int *ret)
{
	size_t len = strspn(text, "0123456789");
	unsigned int number = 0;

	for (size_t i = 0; i < len; i++)
		number = number < 1000 ? number * 10 + (unsigned int)(text[i] - '0') : number;
	*ret = number;
	return len;
}

static size_t read_name(const char *text, const struct field *field, unsigned int *ret)
{
	for (size_t i = 0; i < field->name_count; i++) {
		if (strncasecmp(text, field->names[i], 3) == 0) {
			*ret = field->min + (unsigned int)i;
			return 3;
		}
	}
	return 0;
}

static int read_value(struct reader *reader, const struct field *field, unsigned int *ret)
{
	const char *start = reader->at;
	size_t len = read_digits(start, ret);

	if (!len)
		len = read_name(start, field, ret);
	if (!len || isalnum((unsigned char)start[len]) || *ret < field->min || *ret > field->max)
		return bad_value(reader, start, field);
	reader->at += len;
	return 0;
}

/* What follows a slash; 1 where none does. */
static int read_step(struct reader *reader, unsigned int *ret)
{
	size_t len;

	*ret = 1;
	if (*reader->at != '/')
		return 0;
	reader->at++;
	len = read_digits(reader->at, ret);
	if (!len || isalnum((unsigned char)reader->at[len]) || !*ret)
		return refuse(reader, reader->at, "a step is a number from 1, as in */5");
	reader->at += len;
	return 0;
}

/* As in 22-6, or fri-sun: Sunday is also the 7th day. */
static int refuse_order(const struct reader *reader, const char *at, const struct field *field,
			unsigned int first, unsigned int last)
{
	static const char text[] = "a range goes upwards: write";

	if (field == &fields[WEEKDAY] && last == 0)
		return refuse(reader, at, "%s %u-7", text, first);
	if (last == field->min)
		return refuse(reader, at, "%s %u-%u,%u", text, first, field->max, last);
	return refuse(reader, at, "%s %u-%u,%u-%u", text, first, field->max, field->min, last);
}

/* A value, or from and to what a range goes. */
static int read_bounds(struct reader *reader, const struct field *field, unsigned int *first,
		       unsigned int *last)
{
	const char *start = reader->at;
	int r;

	if (*start == '*') {
		*first = field->min;
		*last = field->max;
		reader->at++;
		return 0;
	}
	r = read_value(reader, field, first);
	if (r < 0)
		return r;
	*last = *first;
	if (*reader->at == '/')
		return refuse(reader, reader->at,
			      "a step needs a range in front of it, such as %u-%u or *", *first,
			      field->max);
	if (*reader->at != '-')
		return 0;
	reader->at++;
	r = read_value(reader, field, last);
	if (r == 0 && *last < *first)
		return refuse_order(reader, start, field, *first, *last);
	return r;
}

static int read_range(struct reader *reader, const struct field *field, uint64_t *set)
{
	unsigned int first = 0, last = 0, step = 1;
	int r = read_bounds(reader, field, &first, &last);

	if (r == 0)
		r = read_step(reader, &step);
	if (r < 0)
		return r;
	for (unsigned int value = first; value <= last; value += step)
		*set |= 1ULL << value;
	return 0;
}

static int read_field(struct reader *reader, const struct field *field, uint64_t *ret_set)
{
	uint64_t set = 0;
	int r;

	for (;;) {
		r = read_range(reader, field, &set);
		if (r < 0)
			return r;
		if (*reader->at != ',')
			break;
		reader->at++;
	}
	if (*reader->at && !strchr(BLANKS, *reader->at))
		return refuse(reader, reader->at, "`%.*s` does not belong to %s", PART(reader->at),
			      field->what);
	*ret_set = set;
	return 0;
}

static void skip_blanks(struct reader *reader)
{
	reader->at += strspn(reader->at, BLANKS);
}

static int read_fields(struct reader *reader, struct qos_cron *ret)
{
	uint64_t sets[FIELDS] = { 0 };
	bool stars[FIELDS];

	for (size_t i = 0; i < FIELDS; i++) {
		int r;

		skip_blanks(reader);
		if (!*reader->at)
			return refuse(reader, reader->at,
				      "%s is missing: the fields are minute, hour, day of month, "
				      "month, day of week",
				      fields[i].what);
		stars[i] = *reader->at == '*';
		r = read_field(reader, &fields[i], &sets[i]);
		if (r < 0)
			return r;
	}
	*ret = (struct qos_cron){
		.minutes = sets[MINUTE],
		.hours = (uint32_t)sets[HOUR],
		.days = (uint32_t)sets[DAY],
		.months = (uint16_t)sets[MONTH],
		.weekdays = (sets[WEEKDAY] | sets[WEEKDAY] >> 7) & 0x7f,
		.either = !stars[DAY] && !stars[WEEKDAY],
		.wildcard = stars[MINUTE] || stars[HOUR],
	};
	return 0;
}

static int unknown_word(const struct reader *reader, const char *word)
{
	const char *names[ARRAY_SIZE(words)], *nearest;

	if (strcmp(word, "@reboot") == 0)
		return refuse(reader, reader->at,
			      "`@reboot` is not a time: after a boot the schedule holds that fired "
			      "last, also while the machine was off");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		names[i] = words[i].word;
	nearest = qos_nearest(word, names, ARRAY_SIZE(words));
	if (nearest)
		return refuse(reader, reader->at, "`%s` is not a time, did you mean `%s`?", word,
			      nearest);
	return refuse(reader, reader->at,
		      "`%s` is not a time: @hourly, @daily (@midnight), @weekly, @monthly, "
		      "@yearly (@annually)",
		      word);
}

static int read_word(struct reader *reader, struct qos_cron *ret)
{
	char word[24];
	size_t len = strcspn(reader->at, BLANKS);

	/* one that is cut is none either */
	snprintf(word, sizeof(word), "%.*s", (int)len, reader->at);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].word, word) == 0) {
			reader->at += len;
			return read_fields(&(struct reader){ .at = words[i].fields }, ret);
		}
	}
	return unknown_word(reader, word);
}

int qos_cron_read(const char *text, struct qos_cron *ret, struct qos_cron_error *error)
{
	struct reader reader = { .text = text, .at = text, .error = error };
	struct qos_cron cron;
	int r;

	skip_blanks(&reader);
	r = *reader.at == '@' ? read_word(&reader, &cron) : read_fields(&reader, &cron);
	if (r < 0)
		return r;
	skip_blanks(&reader);
	if (*reader.at)
		return refuse(&reader, reader.at, "nothing follows an expression that is complete");
	*ret = cron;
	return 0;
}
