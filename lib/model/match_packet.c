/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a rule asks of a packet besides its addresses: VLAN, length, TCP flags, type of ICMP. */
#include <errno.h>
#include <string.h>

#include "model/draft.h"

static void add_range(struct draft *draft, const struct key *key, const struct qos_node *value,
		      struct qos_range range, void *object)
{
	struct qos_range *entry;

	if (!value_in_order(draft, value, &range))
		return;
	entry = draft_add(draft, key, object, sizeof(*entry));
	if (entry)
		*entry = range;
}

static void read_vlan(struct draft *draft, const struct key *key, const struct qos_node *value,
		      void *object)
{
	struct qos_range vlan = { .min = QOS_VLAN_NONE, .max = QOS_VLAN_NONE };

	if (strcmp(value->text, "none") != 0 &&
	    value_range(value->text, (unsigned int)key->max, &vlan) < 0) {
		draft_error(
			draft, value_place(value),
			"`%s` is not a VLAN: `vlan` takes identifiers from 0 to %d, ranges, such "
			"as 10-19, and none, for packets without a tag",
			QOS_BRIEF(value->text), (int)key->max);
		return;
	}
	add_range(draft, key, value, vlan, object);
}

void read_vlans(struct draft *draft, const struct key *key, const struct qos_node *value,
		void *object)
{
	value_each(draft, key, value, read_vlan, object);
}

static void read_length(struct draft *draft, const struct key *key, const struct qos_node *value,
			void *object)
{
	struct qos_range length;

	if (value_range(value->text, (unsigned int)key->max, &length) < 0) {
		draft_error(
			draft, value_place(value),
			"`%s` is not a length: `length` takes the bytes of the IP packet, from 0 "
			"to %d, without a unit, and ranges, such as 0-127",
			QOS_BRIEF(value->text), (int)key->max);
		return;
	}
	add_range(draft, key, value, length, object);
}

void read_lengths(struct draft *draft, const struct key *key, const struct qos_node *value,
		  void *object)
{
	value_each(draft, key, value, read_length, object);
}

/* The name before a separator, cut at a length that no name has. */
#define NAME_LEN 32
static const char *cut_name(const char *text, size_t len, char *buf)
{
	len = len < NAME_LEN ? len : NAME_LEN - 1;
	memcpy(buf, text, len);
	buf[len] = '\0';
	return buf;
}

/* "syn+ack", from text to its end or a slash. False, with the error reported. */
static bool read_flags(struct draft *draft, const struct key *key, const struct qos_node *value,
		       const char *text, uint32_t *ret)
{
	char name[NAME_LEN];
	uint32_t flags = 0;

	for (;; text++) {
		size_t len = strcspn(text, "+/");
		int flag = qos_names_find(key->names, cut_name(text, len, name));
		const char *nearest;

		if (flag < 0) {
			nearest = draft_nearest(draft, key->names, name);
			draft_error(draft, value_place(value), "`%s` is not a TCP flag%s", name,
				    nearest ? SUGGEST(nearest) :
					      ": write fin, syn, rst, psh, ack, urg, ece or cwr, "
					      "joined by `+`, such as syn+ack or "
					      "syn/syn+ack");
			return false;
		}
		flags |= (uint32_t)flag;
		text += len;
		if (*text != '+')
			break;
	}
	*ret = flags;
	return true;
}

/* FLAGS: those are set, whatever the others; FLAGS/MASK: of the mask's those and no other. */
static void read_flag_set(struct draft *draft, const struct key *key, const struct qos_node *value,
			  void *object)
{
	const char *mask = strchr(value->text, '/');
	struct qos_masked set = { 0 }, *entry;

	if (!(mask && strncmp(value->text, "none/", 5) == 0) &&
	    !read_flags(draft, key, value, value->text, &set.value))
		return;
	set.mask = set.value;
	if (mask && strchr(mask + 1, '/')) {
		draft_error(draft, value->loc, "`%s` has more than one mask",
			    QOS_BRIEF(value->text));
		return;
	}
	if (mask && !read_flags(draft, key, value, mask + 1, &set.mask))
		return;
	if (set.value & ~set.mask) {
		draft_error(draft, value->loc,
			    "`%s` asks for a flag that is not behind the slash: write all that are "
			    "looked at there",
			    QOS_BRIEF(value->text));
		return;
	}
	entry = draft_add(draft, key, object, sizeof(*entry));
	if (entry)
		*entry = set;
}

void read_tcp_flags(struct draft *draft, const struct key *key, const struct qos_node *value,
		    void *object)
{
	value_each(draft, key, value, read_flag_set, object);
}

static void add_icmp(struct draft *draft, const struct key *key, void *object, uint8_t family,
		     int type, int code)
{
	struct qos_icmp_type *entry = draft_add(draft, key, object, sizeof(*entry));

	if (entry)
		*entry = (struct qos_icmp_type){ .family = family,
						 .type = (uint8_t)type,
						 .code = (int16_t)code };
}

static void bad_icmp(struct draft *draft, const struct qos_node *value, const char *name)
{
	const char *nearest = draft_nearest(draft, &qos_names_icmp, name);

	if (!nearest)
		nearest = draft_nearest(draft, &qos_names_icmpv6, name);
	draft_error(draft, value_place(value), "`%s` is not a type of ICMP%s", QOS_BRIEF(name),
		    nearest ? SUGGEST(nearest) :
			      ": write a name such as echo-request or time-exceeded, or a number "
			      "from 0 to 255, and perhaps a code, such as 3/4");
}

/* A name is of each family that has it. */
static void read_icmp_type(struct draft *draft, const struct key *key, const struct qos_node *value,
			   void *object)
{
	const char *slash = strchr(value->text, '/');
	unsigned int type = 0, code = 0;
	char name[NAME_LEN];
	int ipv4, ipv6;

	cut_name(value->text, strcspn(value->text, "/"), name);
	ipv4 = qos_names_find(&qos_names_icmp, name);
	ipv6 = qos_names_find(&qos_names_icmpv6, name);
	if (ipv4 < 0 && ipv6 < 0 && value_decimal(name, UINT8_MAX, &type) < 0) {
		bad_icmp(draft, value, name);
		return;
	}
	if (slash && value_decimal(slash + 1, UINT8_MAX, &code) < 0) {
		draft_error(draft, value->loc,
			    "`%s`: the code of a type of ICMP is a number from 0 to 255",
			    QOS_BRIEF(value->text));
		return;
	}
	if (ipv4 >= 0)
		add_icmp(draft, key, object, 4, ipv4, slash ? (int)code : -1);
	if (ipv6 >= 0)
		add_icmp(draft, key, object, 6, ipv6, slash ? (int)code : -1);
	if (ipv4 < 0 && ipv6 < 0)
		add_icmp(draft, key, object, 0, (int)type, slash ? (int)code : -1);
}

void read_icmp_types(struct draft *draft, const struct key *key, const struct qos_node *value,
		     void *object)
{
	value_each(draft, key, value, read_icmp_type, object);
}
