// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "opts.h"
#include "text.h"

#define NAME_LEN_MAX 31
#define SECONDS_MIN  0.1
#define SECONDS_MAX  86400.0

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edits and swaps of neighbours (optimal string alignment); both at most NAME_LEN_MAX long. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t d[NAME_LEN_MAX + 1][NAME_LEN_MAX + 1], i, j;

	for (i = 0; i <= a_len; i++) {
		for (j = 0; j <= b_len; j++) {
			if (!i || !j) {
				d[i][j] = i + j;
				continue;
			}
			d[i][j] = min(min(d[i - 1][j], d[i][j - 1]) + 1,
				      d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = min(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[a_len][b_len];
}

void nearest_offer(struct nearest *nearest, const char *text, const char *name)
{
	size_t len = strlen(text), name_len = strlen(name), distance;

	if (len > NAME_LEN_MAX || name_len > NAME_LEN_MAX)
		return;
	distance = edit_distance(text, len, name, name_len);
	if (distance > (len > name_len ? len : name_len) / 3)
		return;
	if (!nearest->name || distance < nearest->distance)
		*nearest = (struct nearest){ name, distance };
}

void usage_error(const char *verb, const char *fmt, ...)
{
	_cleanup_(freep) char *text = NULL, *safe = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = text_vformat(fmt, ap);
	va_end(ap);
	safe = text_safe(text);
	fprintf(stderr, "qosctl: %s\nhint: see qosctl %s--help\n", safe, verb);
}

void usage_unknown(const char *verb, const char *kind, const char *name, const char *nearest)
{
	if (nearest)
		usage_error(verb, "unknown %s `%s`, did you mean `%s%s`?", kind, name,
			    *name == '-' ? "--" : "", nearest);
	else
		usage_error(verb, "unknown %s `%s`", kind, name);
}

/* What is left of argv while it is parsed, and where it goes. */
struct parser {
	const struct verb *verb;
	char prefix[NAME_LEN_MAX + 2]; /* the verb, for usage_error() */
	char **argv, **end;
	struct args args;
};

static int unknown_option(const struct parser *parser, const char *text)
{
	_cleanup_(freep) char *name = text_format("%.*s", (int)strcspn(text, "="), text);
	struct nearest nearest = {};

	for (const struct opt *opt = parser->verb->opts; opt->name; opt++)
		nearest_offer(&nearest, name + strspn(name, "-"), opt->name);
	usage_unknown(parser->prefix, "option", name, nearest.name);
	return -1;
}

static bool is_number(const char *text)
{
	return *text && strspn(text, "0123456789.") == strlen(text);
}

/* Whether the next of argv is the argument of an option without one attached. */
static bool takes_next(const struct parser *parser, const struct opt *opt)
{
	if (!opt->argument || parser->argv == parser->end)
		return false;
	return *opt->argument != '[' || is_number(*parser->argv);
}

/* The option's argument is what is attached to it, or else the next of argv. */
static int take_option(struct parser *parser, const struct opt *opt, const char *attached)
{
	const char *value = attached;

	if (!opt->argument && attached) {
		usage_error(parser->prefix, "option `--%s` takes no argument", opt->name);
		return -1;
	}
	if (!attached && takes_next(parser, opt))
		value = *parser->argv++;
	if (opt->argument && *opt->argument != '[' && (!value || !*value)) {
		usage_error(parser->prefix, "option `--%s` needs an argument %s", opt->name,
			    opt->argument);
		return -1;
	}
	parser->args.option[opt->id] = value ? value : "";
	return 0;
}

static int parse_long(struct parser *parser, const char *text)
{
	const char *name = text + 2, *attached = strchr(name, '=');
	size_t len = strcspn(name, "=");

	for (const struct opt *opt = parser->verb->opts; opt->name; opt++)
		if (strlen(opt->name) == len && !strncmp(opt->name, name, len))
			return take_option(parser, opt, attached ? attached + 1 : NULL);
	return unknown_option(parser, text);
}

static int parse_letters(struct parser *parser, const char *text)
{
	for (const char *at = text + 1; *at; at++) {
		const struct opt *opt = parser->verb->opts;

		while (opt->name && opt->letter != *at)
			opt++;
		if (!opt->name)
			return unknown_option(parser, text);
		if (opt->argument)
			return take_option(parser, opt, at[1] ? at + 1 : NULL);
		parser->args.option[opt->id] = "";
	}
	return 0;
}

static int check_operands(const struct parser *parser)
{
	const struct verb *verb = parser->verb;
	const struct args *args = &parser->args;

	if (args->option[OPT_HELP])
		return 0;
	if (args->operand_count < verb->operands_min) {
		usage_error(parser->prefix, "%s needs %s", verb->name, verb->operands);
		return -1;
	}
	if (args->operand_count > verb->operands_max) {
		usage_error(parser->prefix, "`%s` is one argument too many",
			    args->operands[verb->operands_max]);
		return -1;
	}
	for (size_t i = 0; i < args->operand_count; i++) {
		if (!*args->operands[i]) {
			usage_error(parser->prefix, "an argument is empty");
			return -1;
		}
	}
	return 0;
}

int args_parse(const struct verb *verb, int argc, char **argv, struct args *ret_args)
{
	struct parser parser = {
		.verb = verb,
		.argv = argv,
		.end = argv + argc,
		.args.operands = argv,
	};
	int r = 0, only_operands = 0;

	snprintf(parser.prefix, sizeof(parser.prefix), "%s%s", verb->name, *verb->name ? " " : "");
	while (!r && parser.argv < parser.end) {
		char *text = *parser.argv++;

		if (only_operands || text[0] != '-' || !text[1])
			argv[parser.args.operand_count++] = text;
		else if (!strcmp(text, "--"))
			only_operands = 1;
		else if (text[1] == '-')
			r = parse_long(&parser, text);
		else
			r = parse_letters(&parser, text);
	}
	if (!r)
		r = check_operands(&parser);
	if (!r)
		*ret_args = parser.args;
	return r;
}

double args_seconds(const char *verb, const char *text, double fallback)
{
	double seconds;
	char *end;

	if (!text || !*text)
		return fallback;
	seconds = strtod(text, &end);
	if (is_number(text) && !*end && seconds >= SECONDS_MIN && seconds <= SECONDS_MAX)
		return seconds;
	usage_error(verb, "`%s` is not a number of seconds from %g to %.0f", text, SECONDS_MIN,
		    SECONDS_MAX);
	return -1;
}

static int opt_width(const struct opt *opt)
{
	return (int)(strlen(opt->name) + (opt->argument ? 1 + strlen(opt->argument) : 0));
}

void help_print_options(const struct opt *opt)
{
	int width = 11;

	for (const struct opt *o = opt; o->name; o++)
		width = opt_width(o) > width ? opt_width(o) : width;
	puts("\nOptions:");
	for (; opt->name; opt++)
		printf("  -%c, --%s%s%s%*s %s\n", opt->letter, opt->name, opt->argument ? " " : "",
		       opt->argument ? opt->argument : "", width - opt_width(opt), "", opt->help);
}

void help_print(const struct verb *verb)
{
	const char *const one[] = { verb->operands, NULL };
	const char *begin = "Usage:";

	for (const char *const *form = verb->forms ? verb->forms : one; *form; form++) {
		printf("%s qosctl %s [OPTION]... %s\n", begin, verb->name, *form);
		begin = "      ";
	}
	printf("\n%s.\n", verb->help);
	help_print_options(verb->opts);
}
