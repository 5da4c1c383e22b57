/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to parse.c, which reads what a packet is of, and options.c: what follows that. */
#ifndef QOS_MATCH_PARSE_H
#define QOS_MATCH_PARSE_H

#include "match/packet.h"

#define PARSE_WORDS_MAX 64

/* What can follow what a packet is of. */
enum parse_option {
	PARSE_DSCP,
	PARSE_MARK,
	PARSE_UID,
	PARSE_CGROUP,
	PARSE_VLAN,
	PARSE_LENGTH,
	PARSE_FLAGS,
	PARSE_TYPE,
	PARSE_CODE,
	PARSE_FRAGMENT,
	PARSE_TRUNCATED,
	PARSE_OPTIONS
};

struct word {
	char *text;
	unsigned int column;
};

struct parser {
	struct qos_diags *diags;
	char *words;
	struct word list[PARSE_WORDS_MAX];
	size_t count, at;
	unsigned int end;			 /* column after the text */
	const struct word *given[PARSE_OPTIONS]; /* its value is the next one; null: it is not */
	struct qos_packet packet;
};

/* An error at a word, or at the end of the text where it is null: "`x` is not WHAT". -EINVAL. */
int parse_wrong(const struct parser *parser, const struct word *word, const char *what,
		const char *nearest);

/* The next word, or null. */
const struct word *parse_next(struct parser *parser);

/* Decimal, or with 0x hexadecimal. -EINVAL, without a diagnostic. */
int parse_number(const char *text, unsigned long max, unsigned long *ret);
/* A name of the table, or a number up to max. */
int parse_named(struct parser *parser, const struct word *word, const struct qos_names *names,
		unsigned long max, const char *what, unsigned long *ret);

/* ICMP by IPv4, or ICMPv6 by IPv6. */
bool parse_is_icmp(const struct qos_packet *packet);

/* All words that are left. */
int parse_options(struct parser *parser);

#endif
