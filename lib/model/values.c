/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Single values: text → numbers, names, sizes and times within their bounds. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/units.h"
#include "model/draft.h"

bool value_is_null(const struct qos_node *value)
{
	return value->kind == QOS_NODE_SCALAR && !value->quoted &&
	       (!*value->text || strcmp(value->text, "~") == 0 ||
		strcasecmp(value->text, "null") == 0);
}

struct qos_loc value_place(const struct qos_node *value)
{
	if (value->key && value->kind == QOS_NODE_SCALAR && !value->quoted && !*value->text)
		return value->key_loc;
	return value->loc;
}

struct qos_loc key_place(const struct qos_node *item)
{
	return item->key ? item->key_loc : item->loc;
}

static const char *const wanted_text[] = {
	[QOS_NODE_SCALAR] = "a single value",
	[QOS_NODE_LIST] = "a list",
	[QOS_NODE_MAP] = "a mapping",
};

bool value_expect(struct draft *draft, const char *name, const struct qos_node *value,
		  enum qos_node_kind kind)
{
	if (value_is_null(value))
		draft_error(draft, value_place(value), "`%s` has no value", QOS_BRIEF(name));
	else if (value->kind != kind)
		draft_error(draft, value->loc, "`%s` has to be %s, not %s", QOS_BRIEF(name),
			    wanted_text[kind], qos_node_kind_text(value));
	else
		return true;
	return false;
}

int value_decimal(const char *text, unsigned int max, unsigned int *ret)
{
	unsigned int value = 0;

	/* 010 is eight to YAML 1.1 and ten to most readers: it is no number here */
	if (!*text || (text[0] == '0' && text[1]))
		return -EINVAL;
	for (const char *p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return -EINVAL;
	}
	for (const char *p = text; *p; p++) {
		if (__builtin_mul_overflow(value, 10U, &value) ||
		    __builtin_add_overflow(value, (unsigned int)(*p - '0'), &value))
			return -ERANGE;
	}
	if (value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

int value_range(const char *text, unsigned int max, struct qos_range *ret)
{
	size_t len = strcspn(text, "-");
	char first[16];
	int r;

	if (len >= sizeof(first))
		return -EINVAL;
	memcpy(first, text, len);
	first[len] = '\0';
	r = value_decimal(first, max, &ret->min);
	ret->max = ret->min;
	return r < 0 || !text[len] ? r : value_decimal(text + len + 1, max, &ret->max);
}

bool value_in_order(struct draft *draft, const struct qos_node *value,
		    const struct qos_range *range)
{
	if (range->min > range->max)
		draft_error(draft, value->loc, "`%s` is a range from high to low: write `%u-%u`",
			    value->text, range->max, range->min);
	return range->min <= range->max;
}

/* As YAML 1.1 writes them: lower case, capitalised, or all capitals. */
static bool is_word(const char *text, const char *word)
{
	bool upper = true, lower = true;

	if (strcasecmp(text, word) != 0)
		return false;
	for (size_t i = 1; text[i]; i++) {
		if (text[i] >= 'a')
			upper = false;
		else
			lower = false;
	}
	return lower || (upper && text[0] < 'a');
}

int value_bool(const struct qos_node *value, bool *ret)
{
	static const char *const words[2][4] = {
		{ "false", "no", "off", "n" },
		{ "true", "yes", "on", "y" },
	};

	if (value->kind != QOS_NODE_SCALAR)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(words) * ARRAY_SIZE(words[0]); i++) {
		if (is_word(value->text, words[i / 4][i % 4])) {
			*ret = i / 4 == 1;
			return 0;
		}
	}
	return -EINVAL;
}

const char *value_suggest(const char *nearest, char *buf)
{
	if (nearest)
		snprintf(buf, SUGGEST_LEN, ", did you mean `%.*s`?", SUGGEST_LEN - 24, nearest);
	return buf;
}

const char *value_meant(const char *text, const char *unit, char *buf)
{
	int len;

	/* 010 is eight to some and ten to others */
	if (text[0] == '0' && text[1] >= '0' && text[1] <= '9')
		len = snprintf(buf, MEANT_LEN, "%s", text + strspn(text, "0"));
	else if (unit)
		len = snprintf(buf, MEANT_LEN, "%.*s%s", (int)strspn(text, "0123456789."), text,
			       unit);
	else
		return NULL;
	return len < MEANT_LEN ? buf : NULL;
}

bool value_is_bare_zero(const char *text)
{
	return *text && !text[strspn(text, "0.")];
}

const char *draft_nearest(const struct draft *draft, const struct qos_names *names,
			  const char *text)
{
	return draft_suggests(draft) ? qos_names_nearest(names, text) : NULL;
}

void value_each(struct draft *draft, const struct key *key, const struct qos_node *value,
		key_reader *each, void *object)
{
	if (value->kind != QOS_NODE_LIST) {
		if (value_expect(draft, key->name, value, QOS_NODE_SCALAR))
			each(draft, key, value, object);
		return;
	}
	if (!value->first)
		draft_error(draft, value->loc, "`%s` is an empty list", key->name);
	for (const struct qos_node *item = value->first; item; item = item->next)
		value_each(draft, key, item, each, object);
}

/* "high, normal or low" */
static const char *list_names(const struct qos_names *names, char *buf, size_t size)
{
	size_t len = 0;

	for (size_t i = 0; i < names->count && len < size; i++) {
		const char *glue = !i ? "" : i + 1 < names->count ? ", " : " or ";

		len += (size_t)snprintf(buf + len, size - len, "%s%s", glue,
					names->entries[i].name);
	}
	return buf;
}

void value_no_name(struct draft *draft, const struct key *key, const struct qos_node *value,
		   const char *text)
{
	char list[64] = "";

	draft_error(draft, value_place(value), "`%s` is %s, not `%s`%s", key->name,
		    list_names(key->names, list, sizeof(list)), QOS_BRIEF(text),
		    SUGGEST(draft_nearest(draft, key->names, text)));
}

/* The number of a name; -1 with the error reported. */
static int find_name(struct draft *draft, const struct key *key, const struct qos_node *value)
{
	int found;

	if (!value_expect(draft, key->name, value, QOS_NODE_SCALAR))
		return -1;
	found = qos_names_find(key->names, value->text);
	if (found < 0)
		value_no_name(draft, key, value, value->text);
	return found;
}

void value_name(struct draft *draft, const struct key *key, const struct qos_node *value,
		void *object)
{
	int found = find_name(draft, key, value);

	if (found >= 0)
		*(int *)key_field(key, object) = found;
}

void value_family(struct draft *draft, const struct key *key, const struct qos_node *value,
		  void *object)
{
	int found = find_name(draft, key, value);

	if (found >= 0)
		*(uint8_t *)key_field(key, object) = (uint8_t)found;
}

void value_flag(struct draft *draft, const struct key *key, const struct qos_node *value,
		void *object)
{
	if (value_expect(draft, key->name, value, QOS_NODE_SCALAR) &&
	    value_bool(value, key_field(key, object)) < 0)
		draft_error(draft, value_place(value), "`%s` is true or false, not `%s`", key->name,
			    QOS_BRIEF(value->text));
}

void value_integer(struct draft *draft, const struct key *key, const struct qos_node *value,
		   void *object)
{
	bool negative;
	unsigned int number = 0;
	int64_t result;
	int r;

	if (!value_expect(draft, key->name, value, QOS_NODE_SCALAR))
		return;
	negative = value->text[0] == '-';
	r = value_decimal(value->text + negative, INT32_MAX, &number);
	result = negative ? -(int64_t)number : (int64_t)number;
	if (r < 0 || result < key->min || result > key->max) {
		draft_error(draft, value_place(value),
			    "`%s` is a number of bytes from %" PRId64 " to %" PRId64 ", not `%s`",
			    key->name, key->min, key->max, QOS_BRIEF(value->text));
		return;
	}
	*(int32_t *)key_field(key, object) = (int32_t)result;
}

/* A quantity with a unit: how it is read, written, and called. */
struct quantity {
	const char *what;
	const char *examples;
	int (*parse)(const char *text, uint64_t *ret, const char **ret_hint);
	char *(*format)(uint64_t value, char *buf);
};

static const struct quantity size = { "size", "15k or 3000b", qos_parse_size, qos_format_size };
static const struct quantity duration = { "time", "5ms or 1s", qos_parse_time, qos_format_time };

static void read_quantity(struct draft *draft, const struct key *key, const struct qos_node *value,
			  const struct quantity *q, uint64_t *ret)
{
	char least[QOS_UNIT_LEN], most[QOS_UNIT_LEN];
	const char *text = value->text, *unit = NULL;
	struct qos_loc loc = value_place(value);
	uint64_t number = 0;
	int r;

	if (!value_expect(draft, key->name, value, QOS_NODE_SCALAR))
		return;
	r = q->parse(text, &number, &unit);
	q->format((uint64_t)key->min, least);
	q->format((uint64_t)key->max, most);
	if (r == -ENODATA && !value_is_bare_zero(text))
		draft_error(draft, loc, "`%s: %s` has no unit, did you mean `%s%s`?", key->name,
			    QOS_BRIEF(text), QOS_BRIEF(text), unit);
	else if (r == -EINVAL && MEANT(text, unit))
		draft_error(draft, loc, "`%s` is not a %s%s", QOS_BRIEF(text), q->what,
			    SUGGEST(MEANT(text, unit)));
	else if (r == -EINVAL)
		draft_error(draft, loc, "`%s` is not a %s: write a number and its unit, such as %s",
			    QOS_BRIEF(text), q->what, q->examples);
	else if (r != -ERANGE && number == 0)
		draft_error(draft, loc,
			    "`%s` of zero: leave the key out for the default, or write "
			    "%s to %s",
			    key->name, least, most);
	else if (r < 0 || number < (uint64_t)key->min || number > (uint64_t)key->max)
		draft_error(draft, loc, "`%s` is from %s to %s, not %s", key->name, least, most,
			    QOS_BRIEF(text));
	else
		*ret = number;
}

void value_size(struct draft *draft, const struct key *key, const struct qos_node *value,
		void *object)
{
	read_quantity(draft, key, value, &size, key_field(key, object));
}

void value_time(struct draft *draft, const struct key *key, const struct qos_node *value,
		void *object)
{
	read_quantity(draft, key, value, &duration, key_field(key, object));
}

int value_to_dscp(struct draft *draft, const struct qos_node *value)
{
	unsigned int number;
	int found = qos_names_find(&qos_names_dscp, value->text);
	const char *nearest;

	if (found >= 0)
		return found;
	if (value_decimal(value->text, 63, &number) == 0)
		return (int)number;
	nearest = draft_nearest(draft, &qos_names_dscp, value->text);
	draft_error(draft, value_place(value), "`%s` is not a DSCP%s", QOS_BRIEF(value->text),
		    nearest ? SUGGEST(nearest) :
			      ": write a name such as ef, cs5 or af41, or a number from 0 to 63");
	return -1;
}

void value_dscp(struct draft *draft, const struct key *key, const struct qos_node *value,
		void *object)
{
	int dscp;

	if (!value_expect(draft, key->name, value, QOS_NODE_SCALAR))
		return;
	dscp = value_to_dscp(draft, value);
	if (dscp >= 0)
		*(int *)key_field(key, object) = dscp;
}
