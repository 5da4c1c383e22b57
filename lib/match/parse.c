/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A packet that somebody wrote: "udp 10.0.0.2:5000 > 1.1.1.1:53 dscp ef". */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "match/parse.h"
#include "model/system.h"

#define TCP_ACK	 16
#define ECHO4	 8
#define ECHO6	 128
#define ND_FIRST 133
#define ND_LAST	 137

int parse_wrong(const struct parser *parser, const struct word *word, const char *what,
		const char *nearest)
{
	struct qos_loc loc = { 1, word ? word->column : parser->end };

	if (!word)
		qos_diag_at(parser->diags, loc, "%s is missing", what);
	else if (nearest)
		qos_diag_at(parser->diags, loc, "`%s` is not %s, did you mean `%s`?",
			    QOS_BRIEF(word->text), what, nearest);
	else
		qos_diag_at(parser->diags, loc, "`%s` is not %s", QOS_BRIEF(word->text), what);
	return -EINVAL;
}

/* Words end at spaces; a '>' is one wherever it stands. */
static int split(struct parser *parser, const char *text)
{
	char *to = parser->words;
	unsigned int column = 1;
	bool begun = false;

	for (; *text; text++) {
		bool arrow = *text == '>', space = isspace((unsigned char)*text);

		if ((arrow || space) && begun) {
			*to++ = '\0';
			begun = false;
		}
		if (!space && !begun) {
			if (parser->count == PARSE_WORDS_MAX) {
				qos_diag(parser->diags, QOS_INVALID,
					 "a packet is of at most %d words", PARSE_WORDS_MAX);
				return -EINVAL;
			}
			parser->list[parser->count++] = (struct word){ to, column };
			begun = true;
		}
		if (!space)
			*to++ = *text;
		if (arrow) {
			*to++ = '\0';
			begun = false;
		}
		column += (*text & 0xc0) != 0x80;
	}
	*to = '\0';
	parser->end = column;
	return 0;
}

const struct word *parse_next(struct parser *parser)
{
	return parser->at < parser->count ? &parser->list[parser->at++] : NULL;
}

int parse_number(const char *text, unsigned long max, unsigned long *ret)
{
	int base = strncmp(text, "0x", 2) == 0 ? 16 : 10;
	unsigned long value;
	char *end;

	if (!isxdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	value = strtoul(text, &end, base);
	if (errno || *end || value > max)
		return -EINVAL;
	*ret = value;
	return 0;
}

int parse_named(struct parser *parser, const struct word *word, const struct qos_names *names,
		unsigned long max, const char *what, unsigned long *ret)
{
	int found = word ? qos_names_find(names, word->text) : -ENOENT;

	if (found >= 0) {
		*ret = (unsigned long)found;
		return 0;
	}
	if (!word || parse_number(word->text, max, ret) < 0)
		return parse_wrong(parser, word, what,
				   word ? qos_names_nearest(names, word->text) : NULL);
	return 0;
}

static bool wants_ports(const struct parser *parser)
{
	switch (parser->packet.proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
	case IPPROTO_DCCP:
	case IPPROTO_UDPLITE:
		return true;
	default:
		return false;
	}
}

/* The port after the last colon of ADDRESS:PORT or [ADDRESS]:PORT, cut off; null: none. */
static char *cut_port(char *text)
{
	char *colon = strrchr(text, ':'), *bracket = strchr(text, ']');

	if (*text == '[' && bracket && bracket[1] == ':') {
		*bracket = '\0';
		return bracket + 2;
	}
	if (*text == '[' && bracket && !bracket[1]) {
		*bracket = '\0';
		return NULL;
	}
	if (*text == '[' || !colon || strchr(text, ':') != colon)
		return NULL;
	*colon = '\0';
	return colon + 1;
}

static int read_address(const char *text, struct in6_addr *ret)
{
	if (*text == '[')
		return inet_pton(AF_INET6, text + 1, ret) == 1 ? 6 : -EINVAL;
	*ret = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
	if (inet_pton(AF_INET, text, &ret->s6_addr[12]) == 1)
		return 4;
	return inet_pton(AF_INET6, text, ret) == 1 ? 6 : -EINVAL;
}

/* A number, or a service's name as in policies. */
static int port_of(const char *text, uint16_t *ret_port)
{
	unsigned long number = 0;
	uint32_t port = 0;
	int r = 0;

	if (parse_number(text, UINT16_MAX, &number) == 0)
		port = (uint32_t)number;
	else
		r = qos_system_service(text, &port);
	if (r == 0)
		*ret_port = (uint16_t)port;
	return r;
}

/* A port where its protocol has some, else none. */
static int read_port(struct parser *parser, const struct word *word, const char *text,
		     uint16_t *ret_port)
{
	struct word place = { (char *)text, word->column };

	if (!text)
		return 0;
	if (!wants_ports(parser)) {
		qos_diag_at(parser->diags, (struct qos_loc){ 1, word->column },
			    "this protocol has no ports: write the address alone");
		return -EINVAL;
	}
	if (port_of(text, ret_port) < 0)
		return parse_wrong(parser, &place,
				   "a port: a number from 0 to 65535, or a service of this "
				   "machine's /etc/services",
				   NULL);
	parser->packet.has_ports = true;
	return 0;
}

static int read_end(struct parser *parser, const char *what, struct in6_addr *ret_addr,
		    uint16_t *ret_port)
{
	const struct word *word = parse_next(parser);
	struct word place;
	_cleanup_(freep) char *text = word ? strdup(word->text) : NULL;
	char *port;
	int family;

	if (!word)
		return parse_wrong(parser, NULL, what, NULL);
	if (!text)
		return -ENOMEM;
	port = cut_port(text);
	family = read_address(text, ret_addr);
	place = (struct word){ word->text, word->column };
	if (family < 0)
		return parse_wrong(
			parser, &place,
			"an address: write 10.0.0.1:53 or [fd00::1]:53, or without a port "
			"10.0.0.1 or fd00::1",
			NULL);
	if (parser->packet.family && parser->packet.family != family) {
		qos_diag_at(parser->diags, (struct qos_loc){ 1, word->column },
			    "`%s` is of another family than the source", QOS_BRIEF(word->text));
		return -EINVAL;
	}
	parser->packet.family = (uint8_t)family;
	return read_port(parser, word, port, ret_port);
}

static int read_ends(struct parser *parser)
{
	struct qos_packet *p = &parser->packet;
	const struct word *arrow;
	int r = read_end(parser, "the source address", &p->src, &p->sport);
	bool sport = p->has_ports;

	if (r < 0)
		return r;
	arrow = parse_next(parser);
	if (!arrow || strcmp(arrow->text, ">") != 0)
		return parse_wrong(parser, arrow, "`>`, which is between source and destination",
				   NULL);
	p->has_ports = false;
	r = read_end(parser, "the destination address", &p->dst, &p->dport);
	if (r == 0 && sport != p->has_ports) {
		qos_diag_at(parser->diags, (struct qos_loc){ 1, parser->list[1].column },
			    "one end has a port, and the other has none");
		return -EINVAL;
	}
	return r;
}

bool parse_is_icmp(const struct qos_packet *p)
{
	return p->proto == (p->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

/* Of what is behind the IP header, which this packet does not show, nothing can be said. */
static int expect_nothing_behind(const struct parser *parser)
{
	static const enum parse_option behind[] = { PARSE_FLAGS, PARSE_TYPE, PARSE_CODE };

	for (size_t i = 0; i < ARRAY_SIZE(behind); i++) {
		if (parser->given[behind[i]])
			return parse_wrong(parser, parser->given[behind[i]],
					   "what a later fragment, or a truncated packet, shows: "
					   "leave it out",
					   NULL);
	}
	return 0;
}

static int complete_length(struct parser *parser)
{
	const struct word *given = parser->given[PARSE_LENGTH];
	uint32_t least = qos_packet_least(&parser->packet);

	if (!given)
		parser->packet.length = least;
	if (parser->packet.length >= least)
		return 0;
	qos_diag_at(parser->diags, (struct qos_loc){ 1, given[1].column },
		    "the headers alone are %u bytes long: write that, or more", least);
	return -EINVAL;
}

/* What was not said is as in the commonest packet. */
static int complete(struct parser *parser)
{
	struct qos_packet *p = &parser->packet;
	bool whole = p->fragment != QOS_FRAGMENT_LATER && !parser->given[PARSE_TRUNCATED];

	if (wants_ports(parser) && whole != p->has_ports) {
		qos_diag_at(parser->diags, (struct qos_loc){ 1, parser->list[1].column },
			    whole ? "the ports are missing: write 10.0.0.1:53 or [fd00::1]:53" :
				    "what is a later fragment, or truncated, shows no ports: "
				    "write the addresses alone");
		return -EINVAL;
	}
	if (!whole && expect_nothing_behind(parser) < 0)
		return -EINVAL;
	p->has_tcp_flags = whole && p->proto == IPPROTO_TCP;
	p->has_icmp = whole && parse_is_icmp(p);
	if (p->has_icmp && !parser->given[PARSE_TYPE])
		p->icmp_type = p->family == 4 ? ECHO4 : ECHO6;
	p->exempt = p->has_icmp && p->family == 6 && !p->fragment && p->icmp_type >= ND_FIRST &&
		    p->icmp_type <= ND_LAST;
	return complete_length(parser);
}

static int read_ip(struct parser *parser, const struct word *word)
{
	unsigned long proto = 0;
	int r = parse_named(parser, word, &qos_names_proto, 255,
			    "a protocol: a name such as udp, a number from 0 to 255, or arp",
			    &proto);

	if (r < 0)
		return r;
	parser->packet.proto = (uint8_t)proto;
	parser->packet.tcp_flags = proto == IPPROTO_TCP ? TCP_ACK : 0;
	r = read_ends(parser);
	if (r == 0 && parser->packet.family == 6 && qos_proto_is_extension((uint8_t)proto))
		return parse_wrong(parser, word, "a protocol of IPv6, but an extension header",
				   NULL);
	if (r == 0)
		r = parse_options(parser);
	return r < 0 ? r : complete(parser);
}

static int read_ethertype(struct parser *parser)
{
	const struct word *word = parse_next(parser);
	unsigned long type = 0;

	if (!word || parse_number(word->text, UINT16_MAX, &type) < 0 || type < 0x600)
		return parse_wrong(parser, word, "an EtherType: a number such as 0x88cc", NULL);
	if (type == 0x0800 || type == 0x86dd || type == 0x0806 || type == 0x8100 || type == 0x88a8)
		return parse_wrong(parser, word,
				   "for this: write a protocol, `arp`, or `vlan` after another",
				   NULL);
	parser->packet.ethertype = (uint16_t)type;
	return parse_options(parser);
}

static int read_packet(struct parser *parser)
{
	const struct word *word = parse_next(parser);

	if (word && strcmp(word->text, "arp") == 0) {
		parser->packet.exempt = true;
		parser->packet.ethertype = 0x0806;
		return parse_options(parser);
	}
	if (word && strcmp(word->text, "ethertype") == 0)
		return read_ethertype(parser);
	return read_ip(parser, word);
}

/* It is shown again, in JSON too. */
static int expect_utf8(const struct parser *parser, const char *text)
{
	size_t left = strlen(text), len;
	unsigned int column = 1;
	uint32_t code;

	for (; left; left -= len, text += len, column++) {
		len = qos_utf8_decode(text, left, &code);
		if (len)
			continue;
		qos_diag_at(parser->diags, (struct qos_loc){ 1, column },
			    "the packet's description is not UTF-8 text from here on");
		return -EINVAL;
	}
	return 0;
}

int qos_packet_parse(const char *text, struct qos_diags *diags, struct qos_packet *ret_packet,
		     char **ret_words)
{
	/* each '>' may need a zero of its own before and after it */
	_cleanup_(freep) char *words = malloc(3 * strlen(text) + 1);
	struct parser parser = {
		.diags = diags,
		.words = words,
		.packet = { .vlan = QOS_VLAN_NONE },
	};
	int r = words ? qos_diags_set_source(diags, "packet", text, strlen(text)) : -ENOMEM;

	if (r == 0)
		r = expect_utf8(&parser, text);
	if (r == 0)
		r = split(&parser, text);
	if (r == 0)
		r = read_packet(&parser);
	if (r < 0)
		return r;
	*ret_packet = parser.packet;
	*ret_words = TAKE_PTR(words);
	return 0;
}
