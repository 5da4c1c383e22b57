// SPDX-License-Identifier: LGPL-2.1-or-later
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "text.h"

void out_of_memory(void)
{
	fputs("qosctl: out of memory\n", stderr);
	exit(EXIT_FAILURE);
}

char *text_vformat(const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) < 0)
		out_of_memory();
	return text;
}

char *text_format(const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = text_vformat(fmt, ap);
	va_end(ap);
	return text;
}

/* Line separators and the marks that turn the direction of writing (Unicode
 * Standard Annex 9), by which a name can look like another. */
static bool is_mark(wchar_t c)
{
	return c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
	       (c >= 0x2066 && c <= 0x2069);
}

/* Of what can be printed at its beginning. */
static size_t ascii_length(const char *text)
{
	size_t len = 0;

	while (text[len] >= ' ' && text[len] <= '~')
		len++;
	return len;
}

static char *escape(const char *text, const char *keep)
{
	const char *end = text + strlen(text);
	mbstate_t state = {};
	char *out, *at;
	wchar_t c;

	out = at = malloc(4 * strlen(text) + 1);
	if (!out)
		out_of_memory();
	while (text < end) {
		size_t len = ascii_length(text);

		/* nearly all that is ever printed */
		at = mempcpy(at, text, len);
		text += len;
		if (text == end)
			break;
		len = mbrtowc(&c, text, (size_t)(end - text), &state);
		if (len > MB_LEN_MAX) {
			/* Not UTF-8: the state of the decoder is undefined now. */
			state = (mbstate_t){};
			len = 0;
		}
		if (len && ((iswprint((wint_t)c) && !is_mark(c)) || strchr(keep, *text))) {
			at = mempcpy(at, text, len);
			text += len;
		} else {
			for (len += !len; len; len--)
				at += sprintf(at, "\\x%02x", (unsigned char)*text++);
		}
	}
	*at = '\0';
	return out;
}

char *text_safe(const char *text)
{
	return escape(text, "");
}

void print_safe(FILE *f, const char *text)
{
	_cleanup_(freep) char *safe = escape(text, "\n\t");

	fputs(safe, f);
}

int text_width(const char *text)
{
	mbstate_t state = {};
	int width = 0, len;
	wchar_t c;

	while ((len = (int)mbrtowc(&c, text, MB_LEN_MAX, &state)) > 0) {
		width += wcwidth(c) > 0 ? wcwidth(c) : 0;
		text += len;
	}
	return width;
}

const char *colour(FILE *f, enum colour which)
{
	static const char *const sequences[] = { "\033[0m", "\033[31m", "\033[32m", "\033[33m" };
	const char *off = getenv("NO_COLOR"), *term = getenv("TERM");

	if ((off && *off) || !term || !strcmp(term, "dumb") || !isatty(fileno(f)))
		return "";
	return sequences[which];
}

struct unit {
	long long factor;
	const char *name;
};

/* In the largest unit (they come largest first, the last is 1) that is exact. */
static char *text_unit(long long value, const struct unit *unit)
{
	while (unit->factor > 1 && (!value || value % unit->factor))
		unit++;
	return text_format("%lld%s", value / unit->factor, unit->name);
}

char *text_rate(long long bits_per_second)
{
	static const struct unit units[] = {
		{ 1000000000, "gbit" },
		{ 1000000, "mbit" },
		{ 1000, "kbit" },
		{ 1, "bit" },
	};

	return text_unit(bits_per_second, units);
}

char *text_size(long long bytes)
{
	static const struct unit units[] = { { 1 << 20, "m" }, { 1 << 10, "k" }, { 1, "b" } };

	return text_unit(bytes, units);
}

char *text_time(long long ns)
{
	static const struct unit units[] = {
		{ 1000000000, "s" },
		{ 1000000, "ms" },
		{ 1000, "us" },
		{ 1, "ns" },
	};

	return text_unit(ns, units);
}

/* To three digits, in the largest of count units that leaves one before the point. */
static char *text_measured(long long measured, const char *const *units, size_t count)
{
	double value = (double)measured;
	size_t unit = 0;

	/* what would be rounded to 1000 is 1 of the next */
	while (value >= 999.5 && unit + 1 < count) {
		value /= 1000;
		unit++;
	}
	return text_format("%.*f%s",
			   !unit || value >= 99.95 ? 0 :
			   value >= 9.995	   ? 1 :
						     2,
			   value, units[unit]);
}

char *text_rate_now(long long bits_per_second)
{
	static const char *const units[] = { "bit", "kbit", "mbit", "gbit" };

	return text_measured(bits_per_second, units, ARRAY_SIZE(units));
}

char *text_time_now(long long ns)
{
	static const char *const units[] = { "ns", "us", "ms", "s" };

	return text_measured(ns, units, ARRAY_SIZE(units));
}

char *text_count_now(long long count)
{
	static const char *const units[] = { "", "k", "m", "g" };

	return text_measured(count, units, ARRAY_SIZE(units));
}

char *text_ms(long long ns)
{
	return text_format("%lld.%03lld", ns / 1000000, ns / 1000 % 1000);
}
