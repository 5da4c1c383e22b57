/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames, whole, odd and cut, as packets. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "match/packet.h"

/* In hexadecimal, header by header. */
#define ETHER	 "020000000002 020000000001 "
#define TAG(id)	 "8100 " id
#define QINQ(id) "88a8 " id
/* tos, fragment offset and flags, protocol; addresses 10.0.0.1 and 10.0.0.2 */
#define IP4(tos, frag, proto) "45" tos " 0000 abcd " frag " 40" proto " 0000 0a000001 0a000002 "
/* traffic class and flow label, next header; fd00::1 and fd00::2 */
#define IP6(class, next)        \
	"6" class " 0000 " next \
		  "ff fd000000000000000000000000000001 fd000000000000000000000000000002 "
#define UDP	   "0001 0002 0008 0000 "
#define TCP(flags) "0001 0002 00000000 00000000 50" flags " 0000 0000 0000 "
#define VXLAN	   "c000 12b5 0000 0000 08000000 00000500 "

struct frame_case {
	const char *name, *hex, *text;
};

#define PLAIN "udp 10.0.0.1:1 > 10.0.0.2:2"

static const struct frame_case frames[] = {
	{ "plain", ETHER "0800" IP4("00", "0000", "11") UDP, PLAIN },
	{ "DSCP, not ECN", ETHER "0800" IP4("bb", "0000", "11") UDP, PLAIN " dscp ef" },
	{ "tag", ETHER TAG("2005") "0800" IP4("00", "0000", "11") UDP, PLAIN " vlan 5" },
	{ "two tags: the outermost",
	  ETHER QINQ("0007") TAG("0005") "0800" IP4("00", "0000", "11") UDP, PLAIN " vlan 7" },
	{ "three tags are too many",
	  ETHER TAG("0007") TAG("0005") TAG("0005") "0800" IP4("00", "0000", "11") UDP,
	  "ethertype 0x8100 vlan 7" },
	{ "priority tag", ETHER TAG("e000") "0800" IP4("00", "0000", "11") UDP, PLAIN " vlan 0" },
	{ "cut in its tag", ETHER TAG("00"), "ethertype 0x0000" },
	{ "cut in its second tag", ETHER TAG("0003") TAG("0004"), "ethertype 0x0000 vlan 3" },
	{ "cut before its type", "020000000002", "ethertype 0x0000" },
	{ "nothing", "", "ethertype 0x0000" },
	{ "ARP", ETHER "0806 0001", "arp" },
	{ "LLDP", ETHER "88cc 0001", "ethertype 0x88cc" },
	{ "IPv4 cut in its header", ETHER "0800 45000000", "ethertype 0x0800" },
	{ "IPv4 without more", ETHER "0800" IP4("00", "0000", "11"),
	  "udp 10.0.0.1 > 10.0.0.2 truncated" },
	{ "cut in its ports", ETHER "0800" IP4("00", "0000", "11") "000100",
	  "udp 10.0.0.1 > 10.0.0.2 truncated length 23" },
	{ "ports are all there is", ETHER "0800" IP4("00", "0000", "11") "00010002",
	  PLAIN " length 24" },
	{ "padded to Ethernet's least: that counts",
	  ETHER "0800 4500001c abcd0000 40110000 0a000001 0a000002" UDP
		"000000000000000000000000000000000000",
	  PLAIN " length 46" },
	{ "options", ETHER "0800 46000000 abcd0000 40110000 0a000001 0a000002 01010100" UDP,
	  PLAIN " length 32" },
	{ "options that are cut off", ETHER "0800 4f000000 abcd0000 40110000 0a000001 0a000002" UDP,
	  "udp 10.0.0.1 > 10.0.0.2 truncated length 28" },
	{ "a header shorter than there is",
	  ETHER "0800 44000000 abcd0000 40110000 0a000001 0a000002" UDP,
	  "udp 10.0.0.1 > 10.0.0.2 truncated length 28" },
	{ "first fragment", ETHER "0800" IP4("00", "2000", "11") UDP, PLAIN " fragment first" },
	{ "later fragment", ETHER "0800" IP4("00", "2001", "11") UDP,
	  "udp 10.0.0.1 > 10.0.0.2 fragment later length 28" },
	{ "last fragment", ETHER "0800" IP4("00", "1fff", "11") UDP,
	  "udp 10.0.0.1 > 10.0.0.2 fragment later length 28" },
	{ "may not be fragmented", ETHER "0800" IP4("00", "4000", "11") UDP, PLAIN },
	{ "TCP", ETHER "0800" IP4("00", "0000", "06") TCP("12"),
	  "tcp 10.0.0.1:1 > 10.0.0.2:2 flags syn+ack" },
	{ "ICMP", ETHER "0800" IP4("00", "0000", "01") "0304 0000 00000000",
	  "icmp 10.0.0.1 > 10.0.0.2 type destination-unreachable code 4" },
	{ "ICMP by IPv6 is none", ETHER "86dd" IP6("0000000", "01") "0304 0000 00000000",
	  "icmp fd00::1 > fd00::2 length 48" },
	{ "IPv6", ETHER "86dd" IP6("0000000", "11") UDP, "udp [fd00::1]:1 > [fd00::2]:2" },
	{ "IPv6, DSCP and not flow label", ETHER "86dd" IP6("bb12345", "11") UDP,
	  "udp [fd00::1]:1 > [fd00::2]:2 dscp ef" },
	{ "IPv6 cut in its header", ETHER "86dd 6000000000001140", "ethertype 0x86dd" },
	{ "an extension", ETHER "86dd" IP6("0000000", "00") "1100 000000000000" UDP,
	  "udp [fd00::1]:1 > [fd00::2]:2 length 56" },
	{ "a longer one, and AH that counts in fours",
	  ETHER "86dd" IP6("0000000", "3c") "3301 000000000000 0000000000000000"
					    "1102 000000000000 0000000000000000" UDP,
	  "udp [fd00::1]:1 > [fd00::2]:2 length 80" },
	{ "an extension that is cut", ETHER "86dd" IP6("0000000", "00") "1100 0000",
	  "0 fd00::1 > fd00::2 length 44" },
	{ "one that is longer than the packet",
	  ETHER "86dd" IP6("0000000", "00") "11ff 000000000000" UDP,
	  "udp fd00::1 > fd00::2 truncated length 56" },
	{ "eight",
	  ETHER "86dd" IP6("0000000", "3c") "3c00000000000000 3c00000000000000 3c00000000000000"
					    "3c00000000000000 3c00000000000000 3c00000000000000 "
					    "3c00000000000000 1100000000000000" UDP,
	  "udp [fd00::1]:1 > [fd00::2]:2 length 112" },
	{ "nine",
	  ETHER "86dd" IP6("0000000", "3c") "3c00000000000000 3c00000000000000 3c00000000000000"
					    "3c00000000000000 3c00000000000000 3c00000000000000 "
					    "3c00000000000000 3c00000000000000"
					    "1100000000000000" UDP,
	  "60 fd00::1 > fd00::2 length 120" },
	{ "IPv6, first fragment", ETHER "86dd" IP6("0000000", "2c") "1100 0001 12345678" UDP,
	  "udp [fd00::1]:1 > [fd00::2]:2 fragment first" },
	{ "IPv6, later fragment", ETHER "86dd" IP6("0000000", "2c") "1100 0009 12345678" UDP,
	  "udp fd00::1 > fd00::2 fragment later length 56" },
	{ "IPv6, atomic fragment", ETHER "86dd" IP6("0000000", "2c") "1100 0000 12345678" UDP,
	  "udp [fd00::1]:1 > [fd00::2]:2 length 56" },
	{ "neighbour solicitation", ETHER "86dd" IP6("0000000", "3a") "8700 0000 00000000",
	  "icmpv6 fd00::1 > fd00::2 type neighbour-solicitation" },
	{ "not asked: what is in it",
	  ETHER "0800" IP4("00", "0000", "04") IP4("b8", "0000", "11") UDP,
	  "ipip 10.0.0.1 > 10.0.0.2 length 48" },
};

/* Of these what is inside is asked for. */
static const struct frame_case tunnels[] = {
	{ "IP in IP", ETHER "0800" IP4("00", "0000", "04") IP4("b8", "0000", "11") UDP,
	  PLAIN " dscp ef length 48" },
	{ "IPv6 in IPv4", ETHER "0800" IP4("00", "0000", "29") IP6("0000000", "06") TCP("02"),
	  "tcp [fd00::1]:1 > [fd00::2]:2 flags syn length 80" },
	{ "IPv4 in IPv6", ETHER TAG("0009") "86dd" IP6("0000000", "04") IP4("00", "0000", "11") UDP,
	  PLAIN " length 68 vlan 9" },
	{ "IPv6 in IPv6",
	  ETHER "86dd" IP6("0000000", "29") IP6("0000000", "3a") "8700 0000 00000000",
	  "icmpv6 fd00::1 > fd00::2 type neighbour-solicitation length 88" },
	{ "one level only",
	  ETHER "0800" IP4("00", "0000", "04") IP4("00", "0000", "04") IP4("00", "0000", "11") UDP,
	  "ipip 10.0.0.1 > 10.0.0.2 length 68" },
	{ "inner header cut", ETHER "0800" IP4("00", "0000", "04") "45000000",
	  "ipip 10.0.0.1 > 10.0.0.2 length 24" },
	{ "first fragment of a tunnel's",
	  ETHER "0800" IP4("00", "2000", "04") IP4("b8", "0000", "11") UDP,
	  "ipip 10.0.0.1 > 10.0.0.2 fragment first length 48" },
	{ "later fragment of a tunnel's",
	  ETHER "0800" IP4("00", "0001", "04") IP4("b8", "0000", "11") UDP,
	  "ipip 10.0.0.1 > 10.0.0.2 fragment later length 48" },
	{ "GRE", ETHER "0800" IP4("00", "0000", "2f") "0000 0800" IP4("b8", "0000", "11") UDP,
	  PLAIN " dscp ef length 52" },
	{ "GRE with all it may have",
	  ETHER "0800" IP4("00", "0000", "2f") "b000 86dd 000000000000000000000000" IP6("0000000",
											"11") UDP,
	  "udp [fd00::1]:1 > [fd00::2]:2 length 84" },
	{ "Ethernet in GRE",
	  ETHER "0800" IP4("00", "0000", "2f") "2000 6558 00000005" ETHER
					       "0800" IP4("00", "0000", "11") UDP,
	  PLAIN " length 70" },
	{ "PPTP is no IP",
	  ETHER "0800" IP4("00", "0000", "2f") "2001 0800 00000005" IP4("00", "0000", "11") UDP,
	  "gre 10.0.0.1 > 10.0.0.2 length 56" },
	{ "VXLAN", ETHER "0800" IP4("00", "0000", "11") VXLAN ETHER "86dd" IP6("0000000", "11") UDP,
	  "udp [fd00::1]:1 > [fd00::2]:2 length 98" },
	{ "VXLAN, ARP in it", ETHER "0800" IP4("00", "0000", "11") VXLAN ETHER "0806 0001",
	  "udp 10.0.0.1:49152 > 10.0.0.2:4789 length 52" },
	{ "VXLAN without a network",
	  ETHER "0800" IP4("00", "0000", "11") "c000 12b5 0000 0000 00000000 00000500 " ETHER
					       "0800" IP4("00", "0000", "11") UDP,
	  "udp 10.0.0.1:49152 > 10.0.0.2:4789 length 78" },
};

static size_t read_hex(const char *hex, uint8_t *bytes)
{
	size_t digits = 0;

	for (; *hex; hex++) {
		unsigned int value;

		if (*hex == ' ')
			continue;
		value = (unsigned int)(*hex <= '9' ? *hex - '0' : *hex - 'a' + 10);
		bytes[digits / 2] = (uint8_t)(digits % 2 ? bytes[digits / 2] << 4 | value : value);
		digits++;
	}
	assert_int_equal(digits % 2, 0);
	return digits / 2;
}

/* In memory of its own, so that the sanitizer sees what reads beyond it. */
static char *decode(const uint8_t *bytes, size_t len, bool inner, struct qos_packet *ret_packet)
{
	_cleanup_(freep) uint8_t *data = malloc(len ? len : 1);
	char *text = NULL;

	if (len)
		memcpy(data, bytes, len);
	qos_packet_decode(
		&(struct qos_frame){ .data = data, .len = len, .wire_len = len, .tag = -1 }, inner,
		ret_packet);
	assert_int_equal(qos_packet_print(ret_packet, &text), 0);
	return text;
}

static void expect_text(const struct frame_case *c, bool inner)
{
	_cleanup_(freep) char *text = NULL;
	struct qos_packet p;
	uint8_t bytes[512];

	text = decode(bytes, read_hex(c->hex, bytes), inner, &p);
	if (strcmp(text, c->text) != 0)
		fail_msg("%s: %s, not %s", c->name, text, c->text);
}

static void test_frames(void **state __attribute__((unused)))
{
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
		expect_text(&frames[i], false);
}

static void test_tunnels(void **state __attribute__((unused)))
{
	for (size_t i = 0; i < ARRAY_SIZE(tunnels); i++)
		expect_text(&tunnels[i], true);
}

/* Nothing is read that is not there. */
static void cut(const struct frame_case *c)
{
	uint8_t bytes[512];

	for (size_t len = read_hex(c->hex, bytes); len--;) {
		_cleanup_(freep) char *text = NULL;
		struct qos_packet p;

		text = decode(bytes, len, true, &p);
		assert_true(p.length <= len);
		assert_true(!p.has_ports || len >= 14 + 24);
	}
}

static void test_cut(void **state __attribute__((unused)))
{
	for (size_t i = 0; i < ARRAY_SIZE(frames); i++)
		cut(&frames[i]);
	for (size_t i = 0; i < ARRAY_SIZE(tunnels); i++)
		cut(&tunnels[i]);
}

static void test_beside(void **state __attribute__((unused)))
{
	uint8_t bytes[512];
	struct qos_frame frame = {
		.data = bytes,
		.len = read_hex(ETHER TAG("0005") "0800" IP4("00", "0000", "11") UDP, bytes),
		.wire_len = 1518,
		.tag = 9,
	};
	struct qos_packet p;

	/* the outermost is the one that the kernel keeps; the length is the wire's */
	qos_packet_decode(&frame, false, &p);
	assert_int_equal(p.vlan, 9);
	assert_int_equal(p.length, 1500);
	/* a device without Ethernet headers */
	frame.len = frame.wire_len = read_hex(IP6("0000000", "11") UDP, bytes);
	frame.ethertype = 0x86dd;
	frame.tag = -1;
	qos_packet_decode(&frame, false, &p);
	assert_int_equal(p.family, 6);
	assert_int_equal(p.length, 48);
	assert_int_equal(p.dport, 2);
}

/* Only what comes from this link, whole, is neighbour discovery. */
static void test_exempt(void **state __attribute__((unused)))
{
	static const struct {
		const char *hex;
		bool exempt;
	} kinds[] = {
		{ ETHER "0806", true },
		{ ETHER TAG("0001") "0806", true },
		{ ETHER "86dd" IP6("0000000", "3a") "8500", true },
		{ ETHER "86dd" IP6("0000000", "3a") "8900", true },
		{ ETHER "86dd" IP6("0000000", "3a") "8400", false },
		{ ETHER "86dd" IP6("0000000", "3a") "8a00", false },
		{ ETHER "86dd" IP6("0000000", "3a"), false },
		{ ETHER "86dd" IP6("0000000", "00") "3a00 000000000000 8700", true },
		{ ETHER "86dd" IP6("0000000", "2c") "3a00 0001 00000000 8700", false },
		{ ETHER "0800" IP4("00", "0000", "3a") "8700", false },
	};
	uint8_t bytes[512];

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		_cleanup_(freep) char *text = NULL;
		struct qos_packet p;
		size_t len = read_hex(kinds[i].hex, bytes);

		text = decode(bytes, len, false, &p);
		if (p.exempt != kinds[i].exempt)
			fail_msg("%s", text);
	}
	/* routed */
	read_hex(ETHER "86dd" IP6("0000000", "3a") "8700", bytes);
	bytes[14 + 7] = 254;
	{
		_cleanup_(freep) char *text = NULL;
		struct qos_packet p;

		text = decode(bytes, 55, false, &p);
		assert_false(p.exempt);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames), cmocka_unit_test(test_tunnels),
		cmocka_unit_test(test_cut),    cmocka_unit_test(test_beside),
		cmocka_unit_test(test_exempt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
