/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Packets as text: read, written, refused at the word that is wrong; and as headers. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "match/packet.h"

DEFINE_CLEANUP(struct qos_diags *, diags_freep, qos_diags_free)

#define INADDR(a, b, c, d)           \
	{                            \
		.s6_addr = {         \
			[10] = 0xff, \
			[11] = 0xff, \
			[12] = (a),  \
			[13] = (b),  \
			[14] = (c),  \
			[15] = (d)   \
		}                    \
	}

/* What it says wrong, or "". */
static char *read_text(const char *text, struct qos_packet *packet, char **words)
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	char *said = NULL;
	int r = qos_packet_parse(text, diags, packet, words);

	assert_int_equal(r, qos_diags_status(diags) == QOS_OK ? 0 : -EINVAL);
	assert_int_equal(qos_diags_text(diags, &said), 0);
	return said;
}

static void read_good(const char *text, struct qos_packet *packet, char **words)
{
	_cleanup_(freep) char *said = read_text(text, packet, words);

	if (*said)
		fail_msg("%s", said);
}

static void test_everything(void **state __attribute__((unused)))
{
	_cleanup_(freep) char *words = NULL;
	const struct in6_addr src = INADDR(10, 0, 0, 2), dst = INADDR(1, 1, 1, 1);
	struct qos_packet p;

	read_good("udp 10.0.0.2:5000 > 1.1.1.1:53 dscp ef uid 33 cgroup /system.slice/x.service/ "
		  "mark 0x10 vlan 5 length 1200",
		  &p, &words);
	assert_int_equal(p.family, 4);
	assert_int_equal(p.proto, 17);
	assert_memory_equal(&p.src, &src, sizeof(src));
	assert_memory_equal(&p.dst, &dst, sizeof(dst));
	assert_true(p.has_ports);
	assert_int_equal(p.sport, 5000);
	assert_int_equal(p.dport, 53);
	assert_int_equal(p.dscp, 46);
	assert_true(p.has_uid);
	assert_int_equal(p.uid, 33);
	assert_string_equal(p.cgroup, "system.slice/x.service");
	assert_int_equal(p.mark, 16);
	assert_int_equal(p.vlan, 5);
	assert_int_equal(p.length, 1200);
	assert_false(p.has_tcp_flags || p.has_icmp || p.exempt || p.fragment);
}

/* In the shortest form, and what is meant by what is not said. */
static const char *const written[][2] = {
	{ "udp 10.0.0.2:5000 > 1.1.1.1:53", NULL },
	{ "tcp 10.0.0.2:http > 1.1.1.1:https uid root",
	  "tcp 10.0.0.2:80 > 1.1.1.1:443 uid 0" }, /* as of netbase */
	{ "tcp [fd00::2]:1 > [fd00::1]:domain", "tcp [fd00::2]:1 > [fd00::1]:53" },
	{ "udp 10.0.0.2:5000>1.1.1.1:53", "udp 10.0.0.2:5000 > 1.1.1.1:53" },
	{ "17 10.0.0.2:5000 > 1.1.1.1:53 length 28", "udp 10.0.0.2:5000 > 1.1.1.1:53" },
	{ "udp [fd00::2]:5000 > [fd00::1]:53 dscp 3 length 1500", NULL },
	{ "tcp 10.0.0.2:1 > 1.1.1.1:2 flags ack", "tcp 10.0.0.2:1 > 1.1.1.1:2" },
	{ "tcp 10.0.0.2:1 > 1.1.1.1:2 flags syn+ack", NULL },
	{ "tcp 10.0.0.2:1 > 1.1.1.1:2 flags none", NULL },
	{ "tcp 10.0.0.2:1 > 1.1.1.1:2 fragment first", NULL },
	{ "tcp 10.0.0.2 > 1.1.1.1 fragment later", NULL },
	{ "tcp fd00::2 > fd00::1 fragment later length 1000", NULL },
	{ "sctp 10.0.0.2 > 1.1.1.1 truncated", NULL },
	{ "icmp 10.0.0.1 > 10.0.0.2", "icmp 10.0.0.1 > 10.0.0.2 type echo-request" },
	{ "icmp 10.0.0.1 > 10.0.0.2 type 3 code 4",
	  "icmp 10.0.0.1 > 10.0.0.2 type destination-unreachable code 4" },
	{ "icmpv6 fd00::1 > fd00::2 type 1",
	  "icmpv6 fd00::1 > fd00::2 type destination-unreachable" },
	{ "icmpv6 [fd00::1] > fd00::2 type 250", "icmpv6 fd00::1 > fd00::2 type 250" },
	{ "icmpv6 fe80::1 > ff02::1 type neighbour-solicitation", NULL },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 length 65535", NULL },
	{ "udp [fd00::1]:1 > [fd00::2]:2 length 65575", NULL },
	{ "udp 10.0.0.1 > 10.0.0.2 fragment first truncated", NULL },
	{ "gre 10.0.0.1 > 10.0.0.2 length 500 vlan none", "gre 10.0.0.1 > 10.0.0.2 length 500" },
	{ "200 10.0.0.1 > 10.0.0.2 mark 16", "200 10.0.0.1 > 10.0.0.2 mark 0x10" },
	{ "arp", NULL },
	{ "arp vlan 7 mark 0x1 uid 0 cgroup a/b", NULL },
	{ "ethertype 0x88cc cgroup /", NULL },
	{ "arp cgroup sys/fs/cgroup", NULL },
};

static void test_written(void **state __attribute__((unused)))
{
	for (size_t i = 0; i < ARRAY_SIZE(written); i++) {
		_cleanup_(freep) char *words = NULL, *text = NULL;
		struct qos_packet p;

		read_good(written[i][0], &p, &words);
		assert_int_equal(qos_packet_print(&p, &text), 0);
		assert_string_equal(text, written[i][1] ? written[i][1] : written[i][0]);
	}
}

/* As headers, and read from those, it is the same packet. */
static void test_headers(void **state __attribute__((unused)))
{
	for (size_t i = 0; i < ARRAY_SIZE(written); i++) {
		_cleanup_(freep) char *words = NULL, *text = NULL, *again = NULL;
		uint8_t buf[QOS_PACKET_HEADERS_MAX];
		struct qos_frame frame = { .data = buf, .tag = -1 };
		struct qos_packet p, q;

		read_good(written[i][0], &p, &words);
		frame.len = qos_packet_headers(&p, buf);
		assert_true(frame.len <= sizeof(buf));
		frame.wire_len = p.family ? 14 + p.length : frame.len;
		frame.tag = p.vlan == QOS_VLAN_NONE ? -1 : p.vlan;
		qos_packet_decode(&frame, false, &q);
		assert_int_equal(q.exempt, p.exempt);
		q.mark = p.mark;
		q.uid = p.uid;
		q.has_uid = p.has_uid;
		q.cgroup = p.cgroup;
		assert_int_equal(qos_packet_print(&p, &text), 0);
		assert_int_equal(qos_packet_print(&q, &again), 0);
		assert_string_equal(again, text);
	}
}

static const struct {
	const char *text, *said;
} refused[] = {
	{ "", "1:1: error: a protocol: a name such as udp, a number from 0 to 255, or arp is "
	      "missing" },
	{ "upd 10.0.0.1:1 > 10.0.0.2:2", "1:1: error: `upd` is not a protocol: a name such as udp, "
					 "a number from 0 to 255, or arp, "
					 "did you mean `udp`?" },
	{ "256 10.0.0.1 > 10.0.0.2", "1:1: error: `256` is not a protocol" },
	{ "udp", "1:4: error: the source address is missing" },
	{ "udp 10.0.0.300:1 > 10.0.0.2:2", "1:5: error: `10.0.0.300:1` is not an address" },
	{ "udp 10.0.0.1:1 10.0.0.2:2", "1:16: error: `10.0.0.2:2` is not `>`" },
	{ "udp 10.0.0.1:1 >", "1:17: error: the destination address is missing" },
	{ "udp 10.0.0.1:1 > fd00::1", "1:18: error: `fd00::1` is of another family" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 cgroup a\xff",
	  "1:37: error: the packet's description is not UTF-8" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 cgroup \xc3\xbc\xe2\x82\xac\xff",
	  "1:38: error: the packet's description is not UTF-8" },
	{ "udp 10.0.0.1:70000 > 10.0.0.2:2", "1:5: error: `70000` is not a port" },
	{ "udp 10.0.0.1:1 > 10.0.0.2", "1:5: error: one end has a port" },
	{ "udp 10.0.0.1:no-such-service > 10.0.0.2:2",
	  "1:5: error: `no-such-service` is not a port: a number from 0 to 65535, or a service of "
	  "this machine's /etc/services" },
	{ "udp 10.0.0.1 > 10.0.0.2", "1:5: error: the ports are missing" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 fragment later", "1:5: error: what is a later fragment, or "
							"truncated, shows no ports: write the "
							"addresses alone" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 truncated", "1:5: error: what is a later fragment, or" },
	{ "tcp 10.0.0.1 > 10.0.0.2 truncated flags syn",
	  "1:35: error: `flags` is not what a later fragment, or a truncated packet, shows: leave "
	  "it out" },
	{ "tcp fd00::1 > fd00::2 flags syn fragment later", "1:23: error: `flags` is not what a" },
	{ "icmp 10.0.0.1 > 10.0.0.2 fragment later type 8", "1:41: error: `type` is not what a" },
	{ "icmpv6 fd00::1 > fd00::2 code 1 truncated", "1:26: error: `code` is not what a" },
	{ "icmpv6 10.0.0.1 > 10.0.0.2 type 128",
	  "1:33: error: `128` is not for this protocol: icmp of IPv4 and icmpv6 of IPv6" },
	{ "icmp 10.0.0.1:1 > 10.0.0.2:2", "1:6: error: this protocol has no ports" },
	{ "60 fd00::1 > fd00::2", "1:1: error: `60` is not a protocol of IPv6" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 dcsp ef",
	  "1:29: error: `dcsp` is not known here: dscp, mark, uid, cgroup, vlan, length, flags, "
	  "type, "
	  "code, fragment or truncated can follow, did you mean `dscp`?" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 dscp", "1:33: error: a DSCP: a name such as ef" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 dscp 64", "1:34: error: `64` is not a DSCP" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 dscp EF", "1:34: error: `EF` is not a DSCP: a name such as "
						 "ef, or a number from 0 to 63, did you mean "
						 "`ef`?" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 dscp ef dscp ef",
	  "1:37: error: `dscp` is not to be said twice" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 mark -1", "1:34: error: `-1` is not a mark" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 mark 0x100000000",
	  "1:34: error: `0x100000000` is not a mark" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 uid no-such-user",
	  "1:33: error: `no-such-user` is not a user: a number, or the name of one of this "
	  "machine" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 uid 4294967295",
	  "1:33: error: `4294967295` is not a user: a number, or" },
	{ "arp cgroup /sys/fs/cgroup/a/b",
	  "1:12: error: `/sys/fs/cgroup/a/b` is where files are: write the path from the root of "
	  "cgroup v2, `a/b`" },
	{ "arp cgroup /sys/fs/cgroup/unified/a", "from the root of cgroup v2, `a`" },
	{ "arp cgroup 0::/a",
	  "1:12: error: `0::/a` is a line of /proc/PID/cgroup: write the path from "
	  "the root of cgroup v2, `a`" },
	{ "arp cgroup 0::/", "from the root of cgroup v2, `/`" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 vlan 4096", "1:34: error: `4096` is not a VLAN" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 length 70000", "1:36: error: `70000` is not a length" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 length 65536",
	  "1:36: error: `65536` is not a length: bytes of the IP packet, at most 65535 of IPv4" },
	{ "udp [fd00::1]:1 > [fd00::2]:2 length 65576", "1:38: error: `65576` is not a length" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 length 20",
	  "1:36: error: the headers alone are 28 bytes long: write that, or more" },
	{ "gre fd00::1 > fd00::2 length 0 dscp ef",
	  "1:30: error: the headers alone are 40 bytes long" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 flags syn", "1:35: error: `syn` is not for this protocol" },
	{ "tcp 10.0.0.1:1 > 10.0.0.2:2 flags syn+", "1:35: error: `syn+` is not TCP flags" },
	{ "tcp 10.0.0.1:1 > 10.0.0.2:2 type 8", "1:34: error: `8` is not for this protocol" },
	{ "icmp 10.0.0.1 > 10.0.0.2 type echo-replay",
	  "1:31: error: `echo-replay` is not a type: a name such as echo-request, or a number from "
	  "0 "
	  "to 255, did you mean `echo-reply`?" },
	{ "icmp 10.0.0.1 > 10.0.0.2 fragment middle", "1:35: error: `middle` is not `first` or" },
	{ "arp dscp ef", "1:5: error: `dscp` is not what a packet has that is not IP" },
	{ "ethertype 0x800", "1:11: error: `0x800` is not for this" },
	{ "ethertype 5", "1:11: error: `5` is not an EtherType" },
	{ "udp 10.0.0.1:1 > 10.0.0.2:2 cgroup \xc3\xa4/b dcsp ef",
	  "1:40: error: `dcsp` is not known" },
};

static void test_refused(void **state __attribute__((unused)))
{
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		_cleanup_(freep) char *words = NULL, *said = NULL;
		const char *place = refused[i].said;
		struct qos_packet p;

		said = read_text(refused[i].text, &p, &words);
		if (!strstr(said, place))
			fail_msg("`%s` says %s, not %s", refused[i].text, said, place);
		assert_null(words);
	}
}

/* Words without an end, and no text that a shell would give is too much. */
static void test_long(void **state __attribute__((unused)))
{
	_cleanup_(freep) char *words = NULL, *said = NULL, *text = malloc(10001);
	struct qos_packet p;

	memset(text, '>', 10000);
	text[10000] = '\0';
	said = read_text(text, &p, &words);
	assert_non_null(strstr(said, "a packet is of at most 64 words"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything), cmocka_unit_test(test_written),
		cmocka_unit_test(test_headers),	   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
