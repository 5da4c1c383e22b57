/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a rule asks for: protocols, prefixes, ports, DSCPs. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model/draft.h"

#define IPV4_BITS   32
#define IPV6_BITS   128
#define MAPPED_BITS 96 /* ::ffff:0:0/96, RFC 4291 2.5.5.2 */

static void read_proto(struct draft *draft, const struct key *key, const struct qos_node *value,
		       void *object)
{
	int found = qos_names_find(&qos_names_proto, value->text);
	unsigned int number = 0;
	const char *nearest;
	uint8_t *entry;

	if (qos_names_find(&qos_names_family, value->text) >= 0) {
		draft_error(draft, value->loc, "`%s` is not a protocol: write `family: %s`",
			    value->text, value->text);
		return;
	}
	if (found < 0 && value_decimal(value->text, 255, &number) < 0) {
		nearest = draft_nearest(draft, &qos_names_proto, value->text);
		draft_error(draft, value_place(value), "`%s` is not a protocol%s",
			    QOS_BRIEF(value->text),
			    nearest ? SUGGEST(nearest) :
				      ": write a name such as tcp or udp, or a number "
				      "from 0 to 255");
		return;
	}
	entry = draft_add(draft, key, object, sizeof(*entry));
	if (entry)
		*entry = found >= 0 ? (uint8_t)found : (uint8_t)number;
}

void read_protos(struct draft *draft, const struct key *key, const struct qos_node *value,
		 void *object)
{
	value_each(draft, key, value, read_proto, object);
}

/* IPv4 mapped into IPv6, so that there is one form of address. */
static void map_ipv4(const uint8_t ipv4[4], struct in6_addr *ret)
{
	*ret = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
	memcpy(&ret->s6_addr[12], ipv4, 4);
}

/* -EINVAL: not an address, or a length that its family has not. */
static int parse_prefix(const char *text, struct qos_prefix *ret)
{
	char addr[INET6_ADDRSTRLEN];
	size_t addr_len = strcspn(text, "/");
	unsigned int bits, len;
	uint8_t ipv4[4];

	if (addr_len >= sizeof(addr))
		return -EINVAL;
	memcpy(addr, text, addr_len);
	addr[addr_len] = '\0';

	if (inet_pton(AF_INET, addr, ipv4) == 1) {
		ret->family = 4;
		map_ipv4(ipv4, &ret->addr);
	} else if (inet_pton(AF_INET6, addr, &ret->addr) == 1) {
		ret->family = 6;
	} else {
		return -EINVAL;
	}
	bits = ret->family == 4 ? IPV4_BITS : IPV6_BITS;
	len = bits;
	if (text[addr_len] == '/' && value_decimal(text + addr_len + 1, bits, &len) < 0)
		return -ERANGE;
	ret->len = (uint8_t)len;
	return 0;
}

static void print_addr(const struct qos_prefix *prefix, char *buf)
{
	if (prefix->family == 4)
		inet_ntop(AF_INET, &prefix->addr.s6_addr[12], buf, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, &prefix->addr, buf, INET6_ADDRSTRLEN);
}

/* Clear the host bits; whether there were any. */
static bool clear_host_bits(struct qos_prefix *prefix)
{
	unsigned int bits = prefix->len + (prefix->family == 4 ? MAPPED_BITS : 0);
	bool found = false;

	for (unsigned int i = 0; i < 16; i++) {
		unsigned int left = bits > i * 8 ? bits - i * 8 : 0;
		uint8_t mask = left >= 8 ? 0xff : (uint8_t)(0xff00 >> left);

		found |= prefix->addr.s6_addr[i] & ~mask;
		prefix->addr.s6_addr[i] &= mask;
	}
	return found;
}

static void bad_prefix(struct draft *draft, const struct key *key, const struct qos_node *value,
		       const struct qos_prefix *prefix, int r)
{
	if (r == -ERANGE)
		draft_error(draft, value_place(value),
			    "`%s`: the prefix length of an IPv%d address is a number from 0 to %d",
			    QOS_BRIEF(value->text), prefix->family,
			    prefix->family == 4 ? IPV4_BITS : IPV6_BITS);
	else
		draft_error(draft, value_place(value),
			    "`%s` is not an address: `%s` takes IPv4 and IPv6 addresses and "
			    "prefixes, such as 10.0.0.0/8 or fd00::/8",
			    QOS_BRIEF(value->text), key->name);
}

/* An IPv4 address written as IPv6 is on no wire: the rule would match nothing. */
static bool is_mapped(struct draft *draft, const struct qos_node *value,
		      const struct qos_prefix *prefix)
{
	struct qos_prefix ipv4 = { .family = 4, .addr = prefix->addr };
	char text[INET6_ADDRSTRLEN];

	if (prefix->family != 6 || prefix->len < MAPPED_BITS ||
	    !IN6_IS_ADDR_V4MAPPED(&prefix->addr))
		return false;
	print_addr(&ipv4, text);
	draft_error(draft, value->loc, "`%s` is an IPv4 address in IPv6 writing: write `%s/%d`",
		    QOS_BRIEF(value->text), text, prefix->len - MAPPED_BITS);
	return true;
}

static void read_prefix(struct draft *draft, const struct key *key, const struct qos_node *value,
			void *object)
{
	struct qos_prefix prefix = { 0 }, *entry;
	char host[INET6_ADDRSTRLEN], net[INET6_ADDRSTRLEN];
	int r;

	r = parse_prefix(value->text, &prefix);
	if (r < 0) {
		bad_prefix(draft, key, value, &prefix, r);
		return;
	}
	if (is_mapped(draft, value, &prefix))
		return;
	print_addr(&prefix, host);
	if (clear_host_bits(&prefix)) {
		print_addr(&prefix, net);
		draft_error(draft, value->loc,
			    "`%s` has bits set beyond its length: write `%s/%d` for the network, "
			    "or `%s` for the host",
			    QOS_BRIEF(value->text), net, prefix.len, host);
		return;
	}
	entry = draft_add(draft, key, object, sizeof(*entry));
	if (entry)
		*entry = prefix;
}

void read_prefixes(struct draft *draft, const struct key *key, const struct qos_node *value,
		   void *object)
{
	value_each(draft, key, value, read_prefix, object);
}

static bool has_letter(const char *text)
{
	return text[strcspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")];
}

/* Not a number, and not a range; 0, with ret, where it is a service all the same. */
static int read_service(struct draft *draft, const struct key *key, const struct qos_node *value,
			uint32_t *ret)
{
	const char *text = value->text;

	if (has_letter(text) && draft_find_service(draft, text, ret) == 0)
		return 0;
	if (has_letter(text) && (text[0] < '0' || text[0] > '9'))
		draft_error(draft, value->loc,
			    "`%s` is not a service of this machine's /etc/services: write the "
			    "port's number",
			    QOS_BRIEF(text));
	else
		draft_error(draft, value_place(value),
			    "`%s` is not a port: `%s` takes numbers from 0 to 65535, without "
			    "leading zeros, ranges, such as 3478-3481, and names of services",
			    QOS_BRIEF(text), key->name);
	return -ENOENT;
}

static void read_port(struct draft *draft, const struct key *key, const struct qos_node *value,
		      void *object)
{
	struct qos_port_range *entry;
	struct qos_range ports = { 0 };

	if (value_range(value->text, UINT16_MAX, &ports) < 0) {
		if (read_service(draft, key, value, &ports.min) < 0)
			return;
		ports.max = ports.min;
	}
	if (!value_in_order(draft, value, &ports))
		return;
	entry = draft_add(draft, key, object, sizeof(*entry));
	if (entry)
		*entry = (struct qos_port_range){ .min = (uint16_t)ports.min,
						  .max = (uint16_t)ports.max };
}

void read_ports(struct draft *draft, const struct key *key, const struct qos_node *value,
		void *object)
{
	value_each(draft, key, value, read_port, object);
}

static void read_one_dscp(struct draft *draft, const struct key *key, const struct qos_node *value,
			  void *object)
{
	int dscp = value_to_dscp(draft, value);

	if (dscp >= 0)
		*(uint64_t *)key_field(key, object) |= 1ULL << dscp;
}

void read_dscps(struct draft *draft, const struct key *key, const struct qos_node *value,
		void *object)
{
	value_each(draft, key, value, read_one_dscp, object);
}
