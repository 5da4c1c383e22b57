// SPDX-License-Identifier: LGPL-2.1-or-later
/* The maps of a loaded program: see fixture.h. */
#include "shaper.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "compile/plan.h"

struct qos_clocks shaper_clocks(const struct shaper *s, uint32_t slot)
{
	struct qos_clocks clocks;

	assert_int_equal(bpf_map_lookup_elem(s->clocks_fd, &slot, &clocks), 0);
	return clocks;
}

void shaper_put_clocks(const struct shaper *s, uint32_t slot, const struct qos_clocks *clocks)
{
	assert_int_equal(bpf_map_update_elem(s->clocks_fd, &slot, clocks, BPF_ANY), 0);
}

void shaper_set_clocks(const struct shaper *s, uint32_t slot, const struct qos_clocks *clocks)
{
	shaper_put_clocks(s, slot, clocks);
	shaper_forget_flows(s);
}

void shaper_set_all_clocks(const struct shaper *s, const struct qos_clocks *clocks)
{
	for (uint32_t slot = 0; slot < s->capacity; slot++)
		shaper_put_clocks(s, slot, clocks);
	shaper_forget_flows(s);
}

void shaper_forget_flows(const struct shaper *s)
{
	memset(s->flows, 0, s->flow_count * sizeof(*s->flows));
}

uint32_t shaper_flows(const struct shaper *s, const struct qos_flow **ret_flows)
{
	*ret_flows = s->flows;
	return s->flow_count;
}

void shaper_set_class(const struct shaper *s, uint32_t slot, const struct qos_class_cfg *cls)
{
	struct qos_class_cfg cfg = *cls;

	if (!s->tree)
		cfg.parent = cfg.hard = QOS_NO_SLOT;
	assert_int_equal(bpf_map_update_elem(s->classes_fd, &slot, &cfg, BPF_ANY), 0);
}

/* What earlier rules said; the controller never changes rules under a program. */
static void forget_decisions(const struct shaper *s)
{
	_cleanup_(freep) struct qos_decision *none = calloc((size_t)s->cpus, sizeof(*none));

	assert_non_null(none);
	for (uint32_t i = 0; i < QOS_DECISIONS; i++)
		assert_int_equal(bpf_map_update_elem(s->decisions_fd, &i, none, BPF_ANY), 0);
}

void shaper_set_rules(const struct shaper *s, const struct qos_rule *rules, uint32_t count)
{
	_cleanup_(freep) struct qos_rule_index *index = malloc(sizeof(*index));

	assert_non_null(index);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(bpf_map_update_elem(s->rules_fd, &i, &rules[i], BPF_ANY), 0);
	for (uint32_t block = 0; block * QOS_RULE_BLOCK < count; block++) {
		uint32_t first = block * QOS_RULE_BLOCK;

		qos_rules_index(rules + first, count - first, index);
		assert_int_equal(bpf_map_update_elem(s->index_fd, &block, index, BPF_ANY), 0);
	}
	forget_decisions(s);
}

void shaper_forget_rules(const struct shaper *s)
{
	_cleanup_(freep) struct qos_rule_index *none = calloc(1, sizeof(*none));
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	assert_non_null(none);
	assert_int_equal(bpf_obj_get_info_by_fd(s->index_fd, &info, &len), 0);
	for (uint32_t block = 0; block < info.max_entries; block++)
		assert_int_equal(bpf_map_update_elem(s->index_fd, &block, none, BPF_ANY), 0);
}

/* The only entry in use, by any CPU. */
static struct qos_decision find_decision(const struct shaper *s, struct qos_decision *each)
{
	struct qos_decision found = { 0 };
	int count = 0;

	for (uint32_t i = 0; i < QOS_DECISIONS; i++) {
		assert_int_equal(bpf_map_lookup_elem(s->decisions_fd, &i, each), 0);
		for (int cpu = 0; cpu < s->cpus; cpu++) {
			if (!each[cpu].rest)
				continue;
			found = each[cpu];
			count++;
		}
	}
	assert_int_equal(count, 1);
	return found;
}

void shaper_spread_decision(const struct shaper *s)
{
	_cleanup_(freep) struct qos_decision *each = calloc((size_t)s->cpus, sizeof(*each));
	struct qos_decision found;

	assert_non_null(each);
	found = find_decision(s, each);
	for (int cpu = 0; cpu < s->cpus; cpu++)
		each[cpu] = found;
	for (uint32_t i = 0; i < QOS_DECISIONS; i++)
		assert_int_equal(bpf_map_update_elem(s->decisions_fd, &i, each, BPF_ANY), 0);
}

struct qos_counters shaper_counters(const struct shaper *s, uint32_t slot)
{
	_cleanup_(freep) struct qos_counters *each = calloc((size_t)s->cpus, sizeof(*each));
	struct qos_counters sum = { 0 };

	assert_non_null(each);
	assert_int_equal(bpf_map_lookup_elem(s->counters_fd, &slot, each), 0);
	for (int cpu = 0; cpu < s->cpus; cpu++) {
		for (int v = 0; v < QOS_VERDICTS; v++) {
			sum.by[v].packets += each[cpu].by[v].packets;
			sum.by[v].bytes += each[cpu].by[v].bytes;
		}
		sum.borrowed += each[cpu].borrowed;
		for (int i = 0; i < QOS_DELAYS; i++)
			sum.delay[i] += each[cpu].delay[i];
	}
	return sum;
}

void shaper_clear_counters(const struct shaper *s)
{
	_cleanup_(freep) struct qos_counters *zero = calloc((size_t)s->cpus, sizeof(*zero));

	assert_non_null(zero);
	for (uint32_t slot = 0; slot < s->capacity; slot++)
		assert_int_equal(bpf_map_update_elem(s->counters_fd, &slot, zero, BPF_ANY), 0);
}

void shaper_expect(const struct shaper *s, const char *what, uint32_t slot,
		   enum qos_verdict verdict)
{
	for (uint32_t i = 0; i < CLASSES_MAX; i++) {
		struct qos_counters c = shaper_counters(s, i);

		for (unsigned int v = 0; v < QOS_VERDICTS; v++) {
			uint64_t want = i == slot && v == verdict;

			if (c.by[v].packets != want)
				fail_msg("%s: slot %u has %llu packets of verdict %u, not %llu",
					 what, i, (unsigned long long)c.by[v].packets, v,
					 (unsigned long long)want);
		}
	}
}

static void forget_fragments(const struct shaper *s)
{
	struct qos_frag_key key;

	while (bpf_map_get_next_key(s->frags_fd, NULL, &key) == 0)
		assert_int_equal(bpf_map_delete_elem(s->frags_fd, &key), 0);
}

void shaper_forget_all(const struct shaper *s)
{
	shaper_set_all_clocks(s, &(struct qos_clocks){ 0 });
	shaper_clear_counters(s);
	forget_fragments(s);
}
