/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "env.h"

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>

#include <linux/pkt_cls.h>

#include "kernel/clsact.h"
#include "kernel/probe.h"

static const json_t *find(const json_t *checks, const char *name)
{
	const json_t *check;
	size_t i;

	json_array_foreach(checks, i, check)
		if (!strcmp(json_string_value(json_object_get(check, "name")), name))
			return check;
	return NULL;
}

static const char *part(const json_t *checks, const char *name, const char *key)
{
	const char *value = json_string_value(json_object_get(find(checks, name), key));

	if (!value)
		fail_msg("no %s of %s", key, name);
	return value;
}

static void assert_check(const json_t *checks, const char *name, const char *state,
			 const char *text)
{
	assert_string_equal(part(checks, name, "state"), state);
	assert_contains(part(checks, name, "text"), text);
}

static json_t *probe_system(bool police)
{
	json_t *checks = json_array();

	assert_int_equal(qos_probe_system(police, checks), 0);
	return checks;
}

/* Without what the kernel settles a moment after a link is up, whatever the probe does. */
#define SYSTEM                         \
	"tc qdisc show; ip -o link | " \
	"sed 's/NO-CARRIER,//; s/,LOWER_UP//; s/,M-DOWN//; s/ state [A-Z]*//'"

static void test_system(void **state)
{
	_cleanup_(json_decrefp) json_t *checks = NULL, *policed = NULL;
	_cleanup_(freep) char *before = NULL, *after = NULL;
	struct utsname name;

	(void)state;
	env_need_root();
	before = output_of(SYSTEM);
	checks = probe_system(false);
	policed = probe_system(true);
	after = output_of(SYSTEM);
	assert_string_equal(after, before);

	assert_int_equal(uname(&name), 0);
	assert_check(checks, "kernel", "ok", name.release);
	assert_check(checks, "privileges", "ok", "CAP_NET_ADMIN");
	assert_check(checks, "bpf", "ok", "load");
	assert_check(checks, "clsact", "ok", "with BPF filters");
	if (try_run("tc qdisc add dev " PEER " root fq")) {
		assert_check(checks, "fq", "ok", "available");
		assert_check(policed, "fq", "ok", "available");
		assert_non_null(find(checks, "bands"));
	} else {
		assert_check(checks, "fq", "fail", "Specified qdisc kind is unknown");
		assert_contains(part(checks, "fq", "hint"), "modprobe sch_fq");
		assert_contains(part(checks, "fq", "hint"), "CONFIG_NET_SCH_FQ");
		assert_null(find(checks, "bands"));
		assert_check(policed, "fq", "warn",
			     "Specified qdisc kind is unknown; the policy in force does without "
			     "it");
	}
}

static int probe_unprivileged(void *data)
{
	json_t *checks = json_array();

	(void)data;
	if (setuid(65534) < 0 || qos_probe_system(false, checks) < 0)
		return 2;
	if (strcmp(part(checks, "privileges", "state"), "fail") ||
	    strcmp(part(checks, "privileges", "text"),
		   "missing: CAP_NET_ADMIN, CAP_BPF, CAP_PERFMON"))
		return 3;
	return strcmp(part(checks, "fq", "state"), "warn") ? 4 : 0;
}

static void test_unprivileged(void **state)
{
	(void)state;
	env_need_root();
	assert_int_equal(in_child(probe_unprivileged, NULL), 0);
}

static json_t *probe_link(struct env *env, bool shaped, bool fq, bool filter)
{
	const struct qos_probe_known known = { .shaped = shaped, .fq = fq, .filter = filter };
	json_t *checks = json_array();

	assert_int_equal(qos_link_get(env->nl, DEV, env->diags, &env->link), 0);
	assert_int_equal(qos_probe_link(env->nl, &env->link, &known, env->diags, checks), 0);
	return checks;
}

static void test_unshaped(void **state)
{
	_cleanup_(json_decrefp) json_t *checks = NULL;

	env_need_root();
	checks = probe_link(*state, false, false, false);
	assert_check(checks, "link", "ok", "veth, up, 4 transmit queues");
	assert_check(checks, "filter", "ok", "no policy is in force");
	assert_check(checks, "others", "ok", "nobody");
	assert_null(find(checks, "qdisc"));
}

static void test_lost(void **state)
{
	_cleanup_(json_decrefp) json_t *checks = NULL;

	env_need_root();
	checks = probe_link(*state, true, true, false);
	assert_check(checks, "qdisc", "fail", "root is noqueue 0:, not mq 7105:");
	assert_check(checks, "filter", "fail", "ours is gone");
	assert_contains(part(checks, "filter", "hint"), "qosctl apply");
}

static void test_police(void **state)
{
	_cleanup_(json_decrefp) json_t *checks = NULL;

	env_need_root();
	checks = probe_link(*state, true, false, true);
	assert_check(checks, "filter", "ok", "in place");
	assert_null(find(checks, "qdisc"));
}

static void test_down_and_port(void **state)
{
	_cleanup_(json_decrefp) json_t *down = NULL;
	_cleanup_(json_decrefp) json_t *port = NULL;

	env_need_root();
	run("ip link set " DEV " down");
	down = probe_link(*state, false, false, false);
	assert_check(down, "link", "warn", DEV " is down");
	run("ip link set " DEV " up");
	if (!try_run("ip link add qkbr type bridge && ip link set " DEV " master qkbr"))
		return;
	port = probe_link(*state, false, false, false);
	assert_check(port, "link", "ok", ", port of bridge qkbr");
}

/* Only what runs before ours can keep packets from it. */
static void test_filters_before(void **state)
{
	_cleanup_(json_decrefp) json_t *checks = NULL;
	struct env *env = *state;
	_cleanup_(closep) int prog = -1;
	bool created;

	env_need_root();
	assert_int_equal(qos_clsact_ensure(env->nl, &env->link, env->diags, &created), 0);
	prog = load_program(TC_ACT_UNSPEC);
	assert_int_equal(qos_filter_put(env->nl, &env->link, prog, env->diags), 0);
	run("tc filter add dev " DEV " egress pref 200 bpf bytecode '1,6 0 0 0'");
	checks = probe_link(env, true, false, true);
	assert_check(checks, "others", "ok", "nobody");
	json_decref(checks);

	run("tc filter add dev " DEV " egress pref 9 bpf bytecode '1,6 0 0 0'");
	checks = probe_link(env, true, false, true);
	assert_check(checks, "others", "warn", "pref 9 runs before ours");
}

static void test_other_shaper(void **state)
{
	_cleanup_(json_decrefp) json_t *checks = NULL;

	env_need_root();
	run("tc qdisc add dev " DEV " root tbf rate 1mbit burst 9kb limit 9kb");
	checks = probe_link(*state, false, false, false);
	assert_check(checks, "others", "warn", "tbf shapes it too: apply would replace it");
}

/* What qos_probe_gso() says of a class of that rate, ceil and latency, in a device of 12500. */
static json_t *probe_gso(json_int_t rate, json_int_t ceil, json_int_t latency_ns, uint32_t gso,
			 uint32_t mtu)
{
	const struct qos_link_info link = { .name = DEV, .mtu = mtu, .gso_max_size = gso };
	json_t *checks = json_array();
	_cleanup_(json_decrefp) json_t *state = json_pack(
		"{s:{s:[{s:s, s:I, s:I, s:I}, {s:s, s:I, s:n, s:I}]}}", "show", "classes", "name",
		"a", "rate", rate, "ceil", ceil, "latency_ns", latency_ns, "name", "fast", "rate",
		(json_int_t)1000000000, "ceil", "latency_ns", (json_int_t)5000000);

	assert_non_null(state);
	assert_int_equal(qos_probe_gso(&link, state, checks), 0);
	return checks;
}

#define SLOW_NONE "no class is too slow"

/* 12500 bytes are 5 ms of 20 Mbit/s. */
static void test_gso(void **state)
{
	static const struct {
		json_int_t rate, ceil, latency;
		uint32_t gso, mtu;
		const char *text, *hint; /* hint null: no warning */
	} cases[] = {
		{ 20000000, 20000000, 5000000, 12500, 1500, SLOW_NONE, NULL },
		{ 19900000, 19900000, 5000000, 12500, 1500,
		  "class a: a GSO packet of 12500 bytes takes 6ms at 19900kbit, longer than its "
		  "latency of 5ms",
		  "'gso: 12437b'" },
		{ 0, 10000000, 5000000, 12500, 1500, "takes 10ms at 10mbit", "'gso: 6250b'" },
		/* what it may borrow counts, as only others keep it from that */
		{ 1000000, 20000000, 5000000, 12500, 1500, SLOW_NONE, NULL },
		{ 1000000, 0, 5000000, 65536, 1500, SLOW_NONE, NULL },
		{ 1000000, 90000000, 5000000, 65536, 1500, "takes 6ms at 90mbit", "'gso: 56250b'" },
		/* there are none that are shorter */
		{ 1000000, 1000000, 5000000, 3028, 1500, "no more than two frames", NULL },
		{ 1000000, 1000000, 5000000, 18028, 9000, "no more than two frames", NULL },
		/* hints that "check" takes, of a small MTU too */
		{ 1000000, 1000000, 5000000, 65536, 1500, "takes 525ms at 1mbit", "'gso: 3028b'" },
		{ 1000000, 1000000, 5000000, 65536, 1420, "takes 525ms at 1mbit", "'gso: 3028b'" },
		{ 1000000, 1000000, 5000000, 65536, 9000, "takes 525ms at 1mbit", "'gso: 18028b'" },
		/* no limit, no latency: nothing to be longer than */
		{ 0, 0, 5000000, 65536, 1500, SLOW_NONE, NULL },
		{ 1000, 1000, 0, 65536, 1500, SLOW_NONE, NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(json_decrefp) json_t *checks = probe_gso(
			cases[i].rate, cases[i].ceil, cases[i].latency, cases[i].gso, cases[i].mtu);

		assert_check(checks, "gso", cases[i].hint ? "warn" : "ok", cases[i].text);
		if (cases[i].hint)
			assert_contains(part(checks, "gso", "hint"), cases[i].hint);
	}
}

/* No virtual device has hw-tc-offload: the way to it is that of a feature which they have. */
static void test_features(void **state)
{
	_cleanup_(json_decrefp) json_t *checks = json_array();

	(void)state;
	env_need_root();
	assert_int_equal(qos_probe_feature(DEV, "hw-tc-offload"), 0);
	assert_int_equal(qos_probe_feature(DEV, "no-such-feature"), -ENOENT);
	assert_int_equal(qos_probe_feature("qk-none", "hw-tc-offload"), -ENODEV);
	run("ethtool -K " DEV " tso on");
	assert_int_equal(qos_probe_feature(DEV, "tx-tcp-segmentation"), 1);
	run("ethtool -K " DEV " tso off");
	assert_int_equal(qos_probe_feature(DEV, "tx-tcp-segmentation"), 0);

	assert_int_equal(qos_probe_say_offloads(true, false, checks), 0);
	assert_int_equal(json_array_size(checks), 1);
	assert_check(checks, "offloads", "warn", "hw-tc-offload is on");
	assert_contains(part(checks, "offloads", "hint"), "ethtool -K");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, env_setup, env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_system),	   TEST(test_unprivileged), TEST(test_unshaped),
		TEST(test_lost),	   TEST(test_police),	    TEST(test_down_and_port),
		TEST(test_filters_before), TEST(test_other_shaper), cmocka_unit_test(test_gso),
		TEST(test_features),
	};

	return cmocka_run_group_tests_name("kernel/probe", tests, NULL, NULL);
}
