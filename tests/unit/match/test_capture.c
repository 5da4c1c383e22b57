/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Captures as libpcap writes them, and what is none; fragments in their order. */
#include "unit.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "match/capture.h"
#include "match/fragments.h"

DEFINE_CLEANUP(struct qos_diags *, diags_freep, qos_diags_free)
DEFINE_CLEANUP(struct qos_capture *, capture_freep, qos_capture_close)
DEFINE_CLEANUP(struct qos_fragments *, fragments_freep, qos_fragments_free)

static char path[] = "/tmp/qos-capture-XXXXXX";

static void put16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* What is before a frame's packet in a file of that type, in place of its Ethernet header; bytes.
 */
static size_t put_cooked(int link_type, const struct qos_packet *p, const uint8_t *frame,
			 uint8_t buf[24])
{
	size_t len = link_type == DLT_LINUX_SLL ? 16 : 20;
	bool tagged = p->vlan != QOS_VLAN_NONE;

	memset(buf, 0, 24);
	put16(buf + (link_type == DLT_LINUX_SLL ? 14 : 0),
	      tagged ? 0x8100 : (uint16_t)(frame[12] << 8 | frame[13]));
	if (!tagged)
		return len;
	put16(buf + len, p->vlan);
	memcpy(buf + len + 2, frame + 12, 2);
	return len + 4;
}

static void write_packets(int link_type, const char *const *packets, size_t count)
{
	pcap_t *pcap = pcap_open_dead(link_type, 65535);
	pcap_dumper_t *dumper = pcap_dump_open(pcap, path);

	assert_non_null(dumper);
	for (size_t i = 0; i < count; i++) {
		_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
		_cleanup_(freep) char *words = NULL;
		uint8_t frame[QOS_PACKET_HEADERS_MAX], data[24 + QOS_PACKET_HEADERS_MAX];
		struct pcap_pkthdr header = { .len = 0 };
		bool cooked = link_type == DLT_LINUX_SLL || link_type == DLT_LINUX_SLL2;
		size_t skip = link_type == DLT_EN10MB ? 0 : 14, len, before = 0;
		struct qos_packet p;

		assert_int_equal(qos_packet_parse(packets[i], diags, &p, &words), 0);
		len = qos_packet_headers(&p, frame);
		if (cooked)
			before = put_cooked(link_type, &p, frame, data);
		memcpy(data + before, frame + skip, len - skip);
		header.caplen = (bpf_u_int32)(before + len - skip);
		header.len =
			p.family ? (bpf_u_int32)(before + 14 - skip) + p.length : header.caplen;
		pcap_dump((u_char *)dumper, &header, data);
	}
	pcap_dump_close(dumper);
	pcap_close(pcap);
}

/* All of them come back, and then the end. */
static void expect_packets(const char *const *packets, size_t count)
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(capture_freep) struct qos_capture *capture = NULL;
	struct qos_frame frame;

	assert_int_equal(qos_capture_open(path, diags, &capture), 0);
	for (size_t i = 0; i < count; i++) {
		_cleanup_(freep) char *text = NULL;
		struct qos_packet p;

		assert_int_equal(qos_capture_next(capture, diags, &frame), 1);
		qos_packet_decode(&frame, false, &p);
		assert_int_equal(qos_packet_print(&p, &text), 0);
		assert_string_equal(text, packets[i]);
	}
	assert_int_equal(qos_capture_next(capture, diags, &frame), 0);
	assert_int_equal(qos_diags_status(diags), QOS_OK);
}

static const char *const ip_packets[] = {
	"udp 10.0.0.2:5000 > 1.1.1.1:53 dscp ef length 1200",
	"tcp [fd00::1]:40000 > [2001:db8::1]:443 flags syn",
	"icmp 10.0.0.1 > 10.0.0.2 type destination-unreachable code 4",
};

static void test_ethernet(void **state __attribute__((unused)))
{
	const char *const packets[] = { ip_packets[0], "arp", ip_packets[1], "ethertype 0x88cc" };

	write_packets(DLT_EN10MB, packets, ARRAY_SIZE(packets));
	expect_packets(packets, ARRAY_SIZE(packets));
	write_packets(DLT_EN10MB, NULL, 0);
	expect_packets(NULL, 0);
}

/* Without a link-layer header a packet says itself what it is. */
static void test_raw(void **state __attribute__((unused)))
{
	write_packets(DLT_RAW, ip_packets, ARRAY_SIZE(ip_packets));
	expect_packets(ip_packets, ARRAY_SIZE(ip_packets));
	write_packets(DLT_IPV6, &ip_packets[1], 1);
	expect_packets(&ip_packets[1], 1);
}

/* As of "any" interface, and of PPP; a tag is before the packet. */
static void test_cooked(void **state __attribute__((unused)))
{
	const char *const packets[] = { ip_packets[0], "arp", "ethertype 0x8864",
					"udp [fd00::1]:1 > [fd00::2]:53 length 1200 vlan 5" };
	const int types[] = { DLT_LINUX_SLL, DLT_LINUX_SLL2 };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		write_packets(types[i], packets, ARRAY_SIZE(packets));
		expect_packets(packets, ARRAY_SIZE(packets));
	}
}

/* Of a packet that ends before its type nothing is known. */
static void test_cooked_cut(void **state __attribute__((unused)))
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(capture_freep) struct qos_capture *capture = NULL;
	pcap_t *pcap = pcap_open_dead(DLT_LINUX_SLL, 15);
	pcap_dumper_t *dumper = pcap_dump_open(pcap, path);
	const struct pcap_pkthdr header = { .caplen = 15, .len = 1000 };
	const uint8_t data[15] = { 0 };
	struct qos_frame frame;

	pcap_dump((u_char *)dumper, &header, data);
	pcap_dump_close(dumper);
	pcap_close(pcap);
	assert_int_equal(qos_capture_open(path, diags, &capture), 0);
	assert_int_equal(qos_capture_next(capture, diags, &frame), 1);
	assert_int_equal(frame.len, 0);
	assert_int_equal(frame.wire_len, 985);
	assert_int_equal(frame.ethertype, 0xffff);
}

static void expect_refused(const char *name, int error, enum qos_status status, const char *said)
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(capture_freep) struct qos_capture *capture = NULL;
	_cleanup_(freep) char *text = NULL;

	assert_int_equal(qos_capture_open(name, diags, &capture), error);
	assert_null(capture);
	assert_int_equal(qos_diags_status(diags), status);
	assert_int_equal(qos_diags_text(diags, &text), 0);
	if (!strstr(text, said))
		fail_msg("%s", text);
}

static void test_refused(void **state __attribute__((unused)))
{
	FILE *f;

	expect_refused("/nowhere/x.pcap", -ENOENT, QOS_INVALID,
		       "cannot open /nowhere/x.pcap: No such");
	f = fopen(path, "w");
	fputs("no capture at all, only text\n", f);
	fclose(f);
	expect_refused(path, -EINVAL, QOS_INVALID, "is no capture: ");
	write_packets(DLT_IEEE802_11, ip_packets, 0);
	expect_refused(
		path, -EINVAL, QOS_INVALID,
		"is of link type IEEE802_11, not of Ethernet, raw IP or Linux cooked packets");
}

/* What is there is read; that there is more is an error. */
static void test_cut_off(void **state __attribute__((unused)))
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(capture_freep) struct qos_capture *capture = NULL;
	_cleanup_(freep) char *text = NULL;
	struct qos_frame frame;
	struct stat st;

	write_packets(DLT_RAW, ip_packets, 2);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 1), 0);
	assert_int_equal(qos_capture_open(path, diags, &capture), 0);
	assert_int_equal(qos_capture_next(capture, diags, &frame), 1);
	assert_int_equal(qos_capture_next(capture, diags, &frame), -EINVAL);
	assert_int_equal(qos_diags_text(diags, &text), 0);
	assert_non_null(strstr(text, " ends in the middle of a packet: "));
}

/* The class of each of a series of packets, of an id each: 1 by the rule for port 53, else 0. */
static void test_fragments(void **state __attribute__((unused)))
{
	static const struct {
		const char *packet;
		uint32_t id;
		bool taken;
	} series[] = {
		{ "udp 10.0.0.1 > 10.0.0.2 fragment later", 1, false }, /* the first is not known */
		{ "udp 10.0.0.1:9 > 10.0.0.2:53 fragment first", 1, true },
		{ "udp 10.0.0.1 > 10.0.0.2 fragment later", 1, true },
		{ "udp 10.0.0.1 > 10.0.0.2 fragment later", 2, false },
		{ "udp 10.0.0.1 > 10.0.0.3 fragment later", 1, false },
		{ "tcp 10.0.0.1 > 10.0.0.2 fragment later", 1, false },
		{ "udp 10.0.0.1:9 > 10.0.0.2:54 fragment first", 1, false },
		{ "udp 10.0.0.1 > 10.0.0.2 fragment later", 1, false },
		{ "udp [fd00::1]:9 > [fd00::2]:53 fragment first", 1, true },
		/* of IPv6 it does not matter what a later one says it is of */
		{ "tcp fd00::1 > fd00::2 fragment later", 1, true },
	};
	struct qos_port_range dns = { 53, 53 };
	struct qos_rule_def rule = { .match = { .dport = &dns, .dport_count = 1 } };
	struct qos_policy policy = { .rules = &rule, .rule_count = 1 };
	_cleanup_(fragments_freep) struct qos_fragments *fragments = qos_fragments_new();

	for (size_t i = 0; i < ARRAY_SIZE(series); i++) {
		_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
		_cleanup_(freep) char *words = NULL;
		struct qos_judgement judgement;
		struct qos_packet p;

		assert_int_equal(qos_packet_parse(series[i].packet, diags, &p, &words), 0);
		p.fragment_id = series[i].id;
		qos_fragments_judge(fragments, &policy, &p, &judgement);
		if (judgement.by_rule != series[i].taken)
			fail_msg("%s, %u", series[i].packet, series[i].id);
	}
}

static int make_file(void **state __attribute__((unused)))
{
	int fd = mkstemp(path);

	if (fd >= 0)
		close(fd);
	return fd < 0;
}

static int remove_file(void **state __attribute__((unused)))
{
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ethernet),  cmocka_unit_test(test_raw),
		cmocka_unit_test(test_cooked),	  cmocka_unit_test(test_cooked_cut),
		cmocka_unit_test(test_refused),	  cmocka_unit_test(test_cut_off),
		cmocka_unit_test(test_fragments),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
