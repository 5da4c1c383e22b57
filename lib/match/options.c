/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What can follow in the text of a packet: "dscp ef vlan 5 …". */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "match/parse.h"
#include "model/cgroup_path.h"
#include "model/system.h"

#define LENGTH4_MAX 65535

typedef int read_option(struct parser *parser, const struct word *word);

static int read_dscp(struct parser *parser, const struct word *word)
{
	unsigned long value = 0;
	int r = parse_named(parser, word, &qos_names_dscp, 63,
			    "a DSCP: a name such as ef, or a number from 0 to 63", &value);

	if (r == 0)
		parser->packet.dscp = (uint8_t)value;
	return r;
}

static int read_mark(struct parser *parser, const struct word *word)
{
	unsigned long value = 0;

	if (!word || parse_number(word->text, UINT32_MAX, &value) < 0)
		return parse_wrong(parser, word, "a mark: a number of 32 bits, such as 0x10", NULL);
	parser->packet.mark = (uint32_t)value;
	return 0;
}

/* A number, or a user's name as in policies. */
static int read_uid(struct parser *parser, const struct word *word)
{
	unsigned long value = 0;
	struct qos_packet *p = &parser->packet;

	p->has_uid = true;
	if (word && parse_number(word->text, UINT32_MAX - 1UL, &value) == 0)
		p->uid = (uint32_t)value;
	else if (!word || qos_system_user(word->text, &p->uid) < 0)
		return parse_wrong(parser, word,
				   "a user: a number, or the name of one of this machine", NULL);
	return 0;
}

static int read_cgroup(struct parser *parser, const struct word *word)
{
	char *path = word ? word->text : NULL;
	const char *within, *what;
	size_t len;

	if (!path)
		return parse_wrong(parser, NULL, "the path of a cgroup", NULL);
	within = qos_cgroup_path_in(path, &what);
	if (within) {
		qos_diag_at(parser->diags, (struct qos_loc){ 1, word->column },
			    "`%s` is %s: write the path from the root of cgroup v2, `%s`",
			    QOS_BRIEF(path), what, QOS_BRIEF(within));
		return -EINVAL;
	}
	path += strspn(path, "/");
	len = strlen(path);
	while (len && path[len - 1] == '/')
		path[--len] = '\0';
	if (len >= QOS_CGROUP_PATH)
		return parse_wrong(parser, word, "a cgroup: its path is too long", NULL);
	parser->packet.cgroup = path;
	return 0;
}

static int read_vlan(struct parser *parser, const struct word *word)
{
	unsigned long value = QOS_VLAN_NONE;

	if (!word ||
	    (strcmp(word->text, "none") != 0 && parse_number(word->text, 4095, &value) < 0))
		return parse_wrong(parser, word, "a VLAN: a number from 0 to 4095, or none", NULL);
	parser->packet.vlan = (uint16_t)value;
	return 0;
}

static int read_length(struct parser *parser, const struct word *word)
{
	unsigned long value = 0, max = parser->packet.family == 4 ? LENGTH4_MAX : QOS_LENGTH_LIMIT;

	if (!word || parse_number(word->text, max, &value) < 0)
		return parse_wrong(parser, word,
				   "a length: bytes of the IP packet, at most 65535 of IPv4 and "
				   "65575 of IPv6",
				   NULL);
	parser->packet.length = (uint32_t)value;
	return 0;
}

/* One of those that are joined. */
static int read_flag(const char *name, size_t len, uint8_t *flags)
{
	char flag[8] = "";
	int found;

	if (len >= sizeof(flag))
		return -EINVAL;
	memcpy(flag, name, len);
	found = qos_names_find(&qos_names_tcp_flag, flag);
	if (found < 0)
		return found;
	*flags |= (uint8_t)found;
	return 0;
}

static int read_flags(struct parser *parser, const struct word *word)
{
	const char *at = word ? word->text : "";
	uint8_t flags = 0;
	int r = 0;

	if (!word || parser->packet.proto != IPPROTO_TCP)
		return parse_wrong(parser, word,
				   word ? "for this protocol: TCP alone has flags" : "flags", NULL);
	while (r == 0 && strcmp(word->text, "none") != 0) {
		size_t len = strcspn(at, "+");

		r = read_flag(at, len, &flags);
		if (!at[len])
			break;
		at += len + 1;
	}
	if (r < 0)
		return parse_wrong(
			parser, word,
			"TCP flags: fin, syn, rst, psh, ack, urg, ece and cwr, joined as "
			"syn+ack, or none",
			NULL);
	parser->packet.tcp_flags = flags;
	return 0;
}

static int read_type(struct parser *parser, const struct word *word)
{
	unsigned long value = 0;
	int r;

	if (word && !parse_is_icmp(&parser->packet))
		return parse_wrong(parser, word,
				   "for this protocol: icmp of IPv4 and icmpv6 of IPv6 have types",
				   NULL);
	r = parse_named(parser, word, qos_icmp_names(parser->packet.family), 255,
			"a type: a name such as echo-request, or a number from 0 to 255", &value);
	if (r == 0)
		parser->packet.icmp_type = (uint8_t)value;
	return r;
}

static int read_code(struct parser *parser, const struct word *word)
{
	unsigned long value = 0;

	if (word && !parse_is_icmp(&parser->packet))
		return parse_wrong(parser, word,
				   "for this protocol: icmp of IPv4 and icmpv6 of IPv6 have codes",
				   NULL);
	if (!word || parse_number(word->text, 255, &value) < 0)
		return parse_wrong(parser, word, "a code: a number from 0 to 255", NULL);
	parser->packet.icmp_code = (uint8_t)value;
	return 0;
}

static int read_fragment(struct parser *parser, const struct word *word)
{
	if (word && strcmp(word->text, "first") == 0)
		parser->packet.fragment = QOS_FRAGMENT_FIRST;
	else if (word && strcmp(word->text, "later") == 0)
		parser->packet.fragment = QOS_FRAGMENT_LATER;
	else
		return parse_wrong(parser, word, "`first` or `later`", NULL);
	return 0;
}

static const struct {
	const char *name;
	read_option *read; /* null: takes no value */
	bool ip;	   /* of IP packets only */
} options[PARSE_OPTIONS] = {
	[PARSE_DSCP] = { "dscp", read_dscp, true },
	[PARSE_MARK] = { "mark", read_mark, false },
	[PARSE_UID] = { "uid", read_uid, false },
	[PARSE_CGROUP] = { "cgroup", read_cgroup, false },
	[PARSE_VLAN] = { "vlan", read_vlan, false },
	[PARSE_LENGTH] = { "length", read_length, true },
	[PARSE_FLAGS] = { "flags", read_flags, true },
	[PARSE_TYPE] = { "type", read_type, true },
	[PARSE_CODE] = { "code", read_code, true },
	[PARSE_FRAGMENT] = { "fragment", read_fragment, true },
	[PARSE_TRUNCATED] = { "truncated", NULL, true },
};

static int unknown_option(struct parser *parser, const struct word *word)
{
	const char *names[ARRAY_SIZE(options)];

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		names[i] = options[i].name;
	return parse_wrong(parser, word,
			   "known here: dscp, mark, uid, cgroup, vlan, length, flags, type, code, "
			   "fragment or truncated can follow",
			   qos_nearest(word->text, names, ARRAY_SIZE(names)));
}

static int read_one(struct parser *parser, const struct word *word)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(options) && strcmp(options[i].name, word->text) != 0)
		i++;
	if (i == ARRAY_SIZE(options))
		return unknown_option(parser, word);
	if (parser->given[i])
		return parse_wrong(parser, word, "to be said twice", NULL);
	if (options[i].ip && !parser->packet.family)
		return parse_wrong(parser, word, "what a packet has that is not IP", NULL);
	parser->given[i] = word;
	return options[i].read ? options[i].read(parser, parse_next(parser)) : 0;
}

int parse_options(struct parser *parser)
{
	const struct word *word;
	int r = 0;

	while (r == 0 && (word = parse_next(parser)))
		r = read_one(parser, word);
	return r;
}
