/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether two plans differ in numbers only: what the class table holds. */
#include "compile/plan.h"

#include <string.h>

/* A part of a plan's text. */
struct part {
	const char *text;
	size_t len;
};

static bool same(struct part a, struct part b)
{
	return a.len == b.len && memcmp(a.text, b.text, a.len) == 0;
}

static bool is_word(struct part part, const char *word)
{
	return same(part, (struct part){ word, strlen(word) });
}

/* The first word of a line, which then begins behind it; empty at its end. */
static struct part take_word(struct part *line)
{
	size_t blank = strspn(line->text, " "), len;

	if (blank > line->len)
		blank = line->len;
	line->text += blank;
	line->len -= blank;
	for (len = 0; len < line->len && line->text[len] != ' '; len++)
		;
	line->text += len;
	line->len -= len;
	return (struct part){ line->text - len, len };
}

/* The next line of the text but those of the device's GSO sizes, which are no program's. */
static struct part take_line(const char **text)
{
	struct part line, rest;

	do {
		line = (struct part){ *text, strcspn(*text, "\n") };
		*text += line.len + (line.text[line.len] == '\n');
		rest = line;
	} while (line.len && is_word(take_word(&rest), "gso"));
	return line;
}

/* Of "class NAME [in PARENT] [inner] …" what is not a number. */
static struct part class_head(struct part line)
{
	struct part rest = line, ahead;

	take_word(&rest);
	take_word(&rest);
	ahead = rest;
	if (is_word(take_word(&ahead), "in")) {
		take_word(&ahead);
		rest = ahead;
	}
	ahead = rest;
	if (is_word(take_word(&ahead), "inner"))
		rest = ahead;
	return (struct part){ line.text, (size_t)(rest.text - line.text) };
}

/* By what its flows are told apart: records of flows are of one kind. */
static struct part class_fairness(struct part line)
{
	struct part head = class_head(line), key, value;

	line.text += head.len;
	line.len -= head.len;
	do {
		key = take_word(&line);
		value = take_word(&line);
	} while (key.len && !is_word(key, "fairness"));
	return value;
}

static bool same_class(struct part then, struct part now)
{
	return same(class_head(then), class_head(now)) &&
	       same(class_fairness(then), class_fairness(now));
}

/* The next word of "link …" but the rate and its burst. */
static struct part take_link_word(struct part *line)
{
	struct part word = take_word(line);

	while (is_word(word, "rate") || is_word(word, "burst")) {
		take_word(line);
		word = take_word(line);
	}
	return word;
}

static bool same_link(struct part then, struct part now)
{
	struct part a, b;

	do {
		a = take_link_word(&then);
		b = take_link_word(&now);
	} while (same(a, b) && a.len);
	return same(a, b);
}

static bool same_shape(struct part then, struct part now)
{
	struct part then_rest = then, now_rest = now, kind = take_word(&then_rest);

	if (!same(kind, take_word(&now_rest)))
		return false;
	if (is_word(kind, "class"))
		return same_class(then, now);
	return is_word(kind, "link") ? same_link(then, now) : same(then, now);
}

bool qos_plan_same_shape(const char *then, const char *now)
{
	struct part a, b;

	do {
		a = take_line(&then);
		b = take_line(&now);
	} while (a.len && same_shape(a, b));
	return !a.len && !b.len;
}
