/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "env.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/qdisc.h"
#include "kernel/snapshot.h"

/* What tc tells of DEV, without counters. */
static char *qdiscs_and_classes(void)
{
	return output_of("tc qdisc show dev " DEV " | sort | sed 's/direct_packets_stat [0-9]*//';"
			 "tc class show dev " DEV " | grep -v 'class mq' | sort");
}

static struct qos_snapshot *take(struct env *env)
{
	struct qos_snapshot *snapshot = NULL;

	assert_int_equal(qos_link_get(env->nl, DEV, env->diags, &env->link), 0);
	assert_int_equal(qos_snapshot_take(env->nl, &env->link, env->diags, &snapshot), 0);
	return snapshot;
}

/* By way of text, as between two commands. */
static struct qos_snapshot *through_json(const struct qos_snapshot *snapshot)
{
	_cleanup_(json_decrefp) json_t *json = NULL;
	_cleanup_(json_decrefp) json_t *parsed = NULL;
	_cleanup_(json_decrefp) json_t *again = NULL;
	_cleanup_(freep) char *text = NULL;
	struct qos_snapshot *copy = NULL;

	assert_int_equal(qos_snapshot_to_json(snapshot, &json), 0);
	text = json_dumps(json, 0);
	parsed = json_loads(text, 0, NULL);
	assert_non_null(parsed);
	assert_int_equal(qos_snapshot_from_json(parsed, &copy), 0);
	assert_int_equal(qos_snapshot_to_json(copy, &again), 0);
	assert_true(json_equal(json, again));
	return copy;
}

/* An mq with our handle is taken for ours, and needs no fq in the kernel. */
static void install_ours(struct env *env)
{
	const struct qos_qdisc mq = { .handle = QOS_QDISC_ROOT, .parent = TC_H_ROOT, .kind = "mq" };

	assert_int_equal(qos_qdisc_put(env->nl, &env->link, &mq, env->diags), 0);
}

/* There, away, and back again; what was said about it. */
static char *round_trip(struct env *env, char **ret_before, char **ret_after)
{
	_cleanup_(qos_snapshot_freep) struct qos_snapshot *taken = take(env);
	_cleanup_(qos_snapshot_freep) struct qos_snapshot *snapshot = through_json(taken);
	char *ours;

	*ret_before = qdiscs_and_classes();
	install_ours(env);
	ours = qdiscs_and_classes();
	assert_contains(ours, "qdisc mq 7105: root");
	free(ours);
	assert_int_equal(qos_snapshot_restore(env->nl, &env->link, snapshot, env->diags), 0);
	*ret_after = qdiscs_and_classes();
	return diags_text(env->diags);
}

static void check_exact(struct env *env)
{
	_cleanup_(freep) char *before = NULL, *after = NULL, *text = NULL;

	text = round_trip(env, &before, &after);
	assert_string_equal(after, before);
	assert_string_equal(text, "");
}

static void test_default(void **state)
{
	env_need_root();
	check_exact(*state);
}

/* While it is down the kernel attaches no default yet. */
static void test_down(void **state)
{
	_cleanup_(freep) char *before = NULL, *after = NULL, *text = NULL, *up = NULL;

	env_need_root();
	run("ip link set " DEV " down");
	text = round_trip(*state, &before, &after);
	assert_string_equal(text, "");
	assert_string_equal(after, "");
	run("ip link set " DEV " up");
	up = qdiscs_and_classes();
	assert_string_equal(up, before);
}

/* All but these come back as they were. red and choke: the kernel does not tell
 * their idle-time table (TCA_RED_STAB, TCA_CHOKE_STAB), which it insists on.
 */
static bool told_right(const char *kind, const char *before, const char *after, const char *text)
{
	bool lost = !strncmp(kind, "red ", 4) || !strncmp(kind, "choke ", 6);

	if (lost)
		return strstr(after, "qdisc noqueue 0: root") && strstr(text, "cannot put back ");
	return !strcmp(before, after) && !*text;
}

/* Kinds without classes of their own; the kernel need not have all of them. */
static void test_kinds(void **state)
{
	static const char *const kinds[] = {
		"pfifo limit 77",
		"bfifo limit 7777",
		"pfifo_fast",
		"tbf rate 5mbit burst 20kb latency 50ms",
		"tbf rate 40gbit burst 2mb latency 50ms",
		"tbf rate 5mbit burst 20kb latency 50ms peakrate 10mbit mtu 3000",
		"mq",
		"fq limit 5000 flow_limit 50 horizon 3s",
		"fq_codel limit 500 target 7ms",
		"codel target 7ms",
		"pie limit 50",
		"fq_pie limit 5000 flows 512",
		"sfq limit 50 perturb 10 quantum 3000",
		"cake bandwidth 20mbit besteffort overhead 18",
		"prio bands 4 priomap 1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 3",
		"drr",
		"hhf limit 500",
		"ets bands 3 strict 1 quanta 5000 3000",
		"mqprio num_tc 2 map 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 1 queues 2@0 2@2 hw 0",
		"choke limit 100 bandwidth 10mbit min 30 max 50",
		"red limit 400kb min 30kb max 90kb avpkt 1000 bandwidth 10mbit",
	};
	struct env *env = *state;
	unsigned int tried = 0, wrong = 0;

	env_need_root();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		_cleanup_(freep) char *before = NULL, *after = NULL, *text = NULL;

		if (!try_run("tc qdisc replace dev " DEV " root handle 5: %s", kinds[i])) {
			print_message("not in this kernel: %s\n", kinds[i]);
			continue;
		}
		tried++;
		text = round_trip(env, &before, &after);
		if (!told_right(kinds[i], before, after, text)) {
			print_message("before: %safter:  %s%s", before, after, text);
			wrong++;
		}

		qos_diags_free(env->diags);
		env->diags = qos_diags_new();
		run("tc qdisc del dev " DEV " root 2>/dev/null || true");
	}
	assert_int_equal(wrong, 0);
	assert_true(tried >= 5);
}

static void make_htb(void)
{
	run("tc qdisc add dev " DEV " root handle 1: htb default 10 r2q 20");
	run("tc class add dev " DEV " parent 1: classid 1:fff htb rate 50mbit ceil 60mbit");
	run("tc class add dev " DEV
	    " parent 1:fff classid 1:10 htb rate 20mbit ceil 60mbit prio 3");
	run("tc class add dev " DEV " parent 1:fff classid 1:2 htb rate 20mbit burst 40kb");
	run("tc class add dev " DEV " parent 1:2 classid 1:20 htb rate 5mbit quantum 9000");
	run("tc qdisc add dev " DEV " parent 1:10 handle 110: pfifo limit 33");
	run("tc qdisc add dev " DEV " parent 1:20 handle 120: tbf rate 1mbit burst 9kb limit 9kb");
	run("tc qdisc add dev " DEV " parent 120:1 handle 9: bfifo limit 4321");
}

static void test_htb(void **state)
{
	env_need_root();
	make_htb();
	check_exact(*state);
}

static void test_hfsc(void **state)
{
	env_need_root();
	if (!try_run("tc qdisc add dev " DEV " root handle 1: hfsc default 2")) {
		print_message("this kernel has no hfsc\n");
		skip();
	}
	run("tc class add dev " DEV " parent 1: classid 1:1 hfsc sc rate 5mbit ul rate 9mbit");
	run("tc class add dev " DEV " parent 1:1 classid 1:2 hfsc rt m1 1mbit d 10ms m2 500kbit "
	    "ls m1 0 d 0 m2 1mbit");
	check_exact(*state);
}

/* Filters are not brought back, and that is said, wherever they are. */
static void check_filters_told(struct env *env, const char *parent)
{
	_cleanup_(freep) char *before = NULL, *after = NULL, *text = NULL;

	make_htb();
	run("tc filter add dev " DEV " parent %s protocol ip u32 match ip dport 53 0xffff "
	    "flowid 1:10",
	    parent);
	text = round_trip(env, &before, &after);
	assert_string_equal(after, before);
	assert_string_equal(text, "warning: the filters of the qdiscs of " DEV
				  " are not put back: run the script that made them\n");
}

static void test_filters(void **state)
{
	env_need_root();
	check_filters_told(*state, "1:");
}

static void test_class_filters(void **state)
{
	env_need_root();
	check_filters_told(*state, "1:2");
}

static void test_stab(void **state)
{
	_cleanup_(freep) char *before = NULL, *after = NULL, *text = NULL;

	env_need_root();
	run("tc qdisc add dev " DEV
	    " root handle 3: stab overhead 22 linklayer atm mtu 2048 tsize 128"
	    " pfifo limit 9");
	text = round_trip(*state, &before, &after);
	assert_contains(after, "qdisc pfifo 3: root refcnt 5 limit 9p");
	assert_string_equal(text, "warning: cannot put back pfifo 3: of " DEV
				  ": the kernel does not tell its size table (stab)\n");
}

static void test_mq_children(void **state)
{
	struct env *env = *state;

	env_need_root();
	run("tc qdisc add dev " DEV " root handle 5: mq");
	run("tc qdisc add dev " DEV " parent 5:2 handle 52: pfifo limit 12");
	run("tc qdisc add dev " DEV " parent 5:3 handle 53: tbf rate 1mbit burst 9kb limit 9kb");
	check_exact(env);
}

/* The root is refused: the kernel's default instead, and a warning, no error. */
static void test_refused(void **state)
{
	_cleanup_(qos_snapshot_freep) struct qos_snapshot *snapshot = NULL;
	_cleanup_(freep) char *text = NULL, *tc = NULL;
	struct env *env = *state;

	env_need_root();
	make_htb();
	snapshot = take(env);
	install_ours(env);
	strcpy(snapshot->qdiscs.items[0].kind, "htbx");
	assert_int_equal(qos_snapshot_restore(env->nl, &env->link, snapshot, env->diags), 0);
	text = diags_text(env->diags);
	assert_string_equal(text, "warning: cannot put back htbx 1: of " DEV
				  ": Specified qdisc kind is unknown\nhint: " DEV
				  " has the kernel's default qdisc now\n");
	assert_int_equal(qos_diags_status(env->diags), QOS_OK);
	tc = output_of("tc qdisc show dev " DEV);
	assert_string_equal(tc, "qdisc noqueue 0: root refcnt 2 \n");
}

/* Options that were not taken as they were are told, though nothing failed. */
static void test_different(void **state)
{
	_cleanup_(qos_snapshot_freep) struct qos_snapshot *snapshot = NULL;
	_cleanup_(freep) char *text = NULL;
	struct env *env = *state;

	env_need_root();
	run("tc qdisc add dev " DEV " root handle 5: pfifo_fast");
	snapshot = take(env);
	install_ours(env);
	((char *)snapshot->qdiscs.items[0].options.data)[5] ^= 1; /* of the priomap */
	assert_int_equal(qos_snapshot_restore(env->nl, &env->link, snapshot, env->diags), 0);
	text = diags_text(env->diags);
	assert_string_equal(text, "warning: cannot put back pfifo_fast 5: of " DEV
				  ": some options are not what they were\n");
}

static void test_foreign_stays(void **state)
{
	_cleanup_(qos_snapshot_freep) struct qos_snapshot *snapshot = NULL;
	_cleanup_(freep) char *text = NULL, *tc = NULL;
	struct env *env = *state;

	env_need_root();
	snapshot = take(env);
	install_ours(env);
	run("tc qdisc replace dev " DEV " root handle 6: pfifo limit 6");
	assert_int_equal(qos_snapshot_restore(env->nl, &env->link, snapshot, env->diags), 0);
	tc = output_of("tc qdisc show dev " DEV);
	assert_contains(tc, "qdisc pfifo 6: root refcnt 5 limit 6p");
	text = diags_text(env->diags);
	assert_string_equal(text, "warning: the root qdisc of " DEV " is pfifo 6:, not ours: "
				  "it stays\n");
}

/* Ours was never put there: nothing to do, nothing to say. */
static void test_untouched(void **state)
{
	_cleanup_(qos_snapshot_freep) struct qos_snapshot *snapshot = NULL;
	_cleanup_(freep) char *before = NULL, *after = NULL, *text = NULL;
	struct env *env = *state;

	env_need_root();
	make_htb();
	before = output_of("tc qdisc show dev " DEV);
	snapshot = take(env);
	assert_int_equal(qos_snapshot_restore(env->nl, &env->link, snapshot, env->diags), 0);
	after = output_of("tc qdisc show dev " DEV);
	assert_string_equal(after, before);
	text = diags_text(env->diags);
	assert_string_equal(text, "");
}

/* Remembered, and not put back here: they may be somebody else's by then. */
static void test_gso(void **state)
{
	_cleanup_(qos_snapshot_freep) struct qos_snapshot *snapshot = NULL;
	_cleanup_(freep) char *text = NULL;
	struct env *env = *state;

	env_need_root();
	run("ip link set " DEV " gso_max_size 31000");
	snapshot = take(env);
	assert_int_equal(snapshot->gso_max_size, 31000);
	assert_int_equal(snapshot->gso_ipv4_max_size, env->link.gso_ipv4_max_size);
	run("ip link set " DEV " gso_max_size 9000");
	assert_int_equal(qos_snapshot_restore(env->nl, &env->link, snapshot, env->diags), 0);
	text = output_of("ip -d link show " DEV);
	assert_contains(text, "gso_max_size 9000 ");
}

static void test_clsact(void **state)
{
	_cleanup_(qos_snapshot_freep) struct qos_snapshot *without = NULL, *with = NULL;
	struct env *env = *state;

	env_need_root();
	without = take(env);
	assert_false(without->had_clsact);
	run("tc qdisc add dev " DEV " clsact");
	with = take(env);
	assert_true(with->had_clsact);
	assert_int_equal(with->qdiscs.count, 1);
	assert_string_equal(with->qdiscs.items[0].kind, "noqueue");
}

#define SNAPSHOT(qdiscs)                                           \
	"{\"qdiscs\":" qdiscs ",\"classes\":[],\"filters\":false," \
	"\"clsact\":false,\"gso_max_size\":1,\"gso_ipv4_max_size\":0}"
#define QDISC(kind, handle, options)                 \
	"[{\"kind\":\"" kind "\",\"handle\":" handle \
	",\"parent\":4294967295,\"stab\":false,\"options\":\"" options "\"}]"

static int read_text(const char *text)
{
	_cleanup_(json_decrefp) json_t *json = json_loads(text, 0, NULL);
	_cleanup_(qos_snapshot_freep) struct qos_snapshot *snapshot = NULL;

	assert_non_null(json);
	return qos_snapshot_from_json(json, &snapshot);
}

static void test_bad_json(void **state)
{
	(void)state;
	assert_int_equal(read_text(SNAPSHOT(QDISC("pfifo", "65536", "2a000000"))), 0);
	assert_int_equal(read_text(SNAPSHOT("[]")), 0);
	assert_int_equal(read_text("{}"), -EBADMSG);
	assert_int_equal(read_text("[]"), -EBADMSG);
	assert_int_equal(read_text(SNAPSHOT("{}")), -EBADMSG);
	assert_int_equal(read_text(SNAPSHOT("[1]")), -EBADMSG);
	assert_int_equal(read_text(SNAPSHOT("[{\"kind\":\"mq\",\"handle\":65536,\"parent\":1,"
					    "\"stab\":false,\"options\":7}]")),
			 -EBADMSG);
	assert_int_equal(read_text(SNAPSHOT(QDISC("pfifo", "-1", ""))), -EBADMSG);
	assert_int_equal(read_text(SNAPSHOT(QDISC("pfifo", "4294967296", ""))), -EBADMSG);
	assert_int_equal(read_text(SNAPSHOT(QDISC("sixteen-letters-", "1", ""))), -EBADMSG);
	assert_int_equal(read_text(SNAPSHOT(QDISC("pfifo", "65536", "2a0"))), -EBADMSG);
	assert_int_equal(read_text(SNAPSHOT(QDISC("pfifo", "65536", "2g"))), -EBADMSG);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, env_setup, env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_default),	  TEST(test_down),
		TEST(test_kinds),	  TEST(test_htb),
		TEST(test_hfsc),	  TEST(test_filters),
		TEST(test_class_filters), TEST(test_stab),
		TEST(test_mq_children),	  TEST(test_refused),
		TEST(test_different),	  TEST(test_foreign_stays),
		TEST(test_untouched),	  TEST(test_gso),
		TEST(test_clsact),	  cmocka_unit_test(test_bad_json),
	};

	return cmocka_run_group_tests_name("kernel/snapshot", tests, NULL, NULL);
}
