// SPDX-License-Identifier: LGPL-2.1-or-later
/* The maps of a loaded program: see fixture.h. */
#include "shaper.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/bpf_flows.h"
#include "kernel/bpf_tables.h"

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

static void put_before(const struct shaper *s, uint32_t slot, bool unsure)
{
	struct qos_class_cfg cls;
	struct qos_before was;

	assert_int_equal(bpf_map_lookup_elem(s->classes_fd, &slot, &cls), 0);
	was = qos_flows_before(&cls);
	was.unsure = unsure;
	assert_int_equal(bpf_map_update_elem(s->before_fd, &slot, &was, BPF_ANY), 0);
}

static void begin(const struct shaper *s)
{
	*s->began = 0;
	memset(s->left, 0, QOS_MAX_SLOTS / 8);
}

/* As kern/order.h has them. */
bool shaper_has_left(const struct shaper *s, uint32_t slot)
{
	return s->left[slot / 64] >> slot % 64 & 1;
}

static void replace(const struct shaper *s, bool unsure)
{
	for (uint32_t i = 0; i < s->flow_count; i++)
		s->flows[i].generation--;
	for (uint32_t slot = 0; slot < s->capacity; slot++)
		put_before(s, slot, unsure);
	begin(s);
}

void shaper_replace(const struct shaper *s)
{
	replace(s, false);
}

void shaper_replace_grown(const struct shaper *s)
{
	replace(s, true);
	for (uint32_t slot = 0; slot < s->capacity; slot++)
		shaper_put_clocks(s, slot, &(struct qos_clocks){ .busy = 0 });
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

/* Of so many rules, whatever they ask for: each group may have a word that is not full. */
static uint32_t most_words(uint32_t rules)
{
	return rules <= QOS_RULE_BLOCK ? 1 : 2 * (rules / QOS_RULE_BLOCK) + 1;
}

struct qos_tables *tables_compile(const struct qos_rule_def *defs, size_t count,
				  const struct qos_link_cfg *link)
{
	const struct qos_tables_shape least = {
		.used = link->used,
		.words = most_words(link->rules),
	};
	struct qos_tables *tables;

	assert_int_equal(qos_tables_compile(defs, count, &least, NULL, &tables), 0);
	return tables;
}

static int map_fd(const struct shaper *s, const char *name)
{
	return bpf_object__find_map_fd_by_name(s->object, name);
}

void shaper_set_rules(const struct shaper *s, const struct rule *rules, uint32_t count)
{
	_cleanup_(freep) struct rule *own = calloc(count + 1, sizeof(*own));
	_cleanup_(freep) struct qos_rule_def *defs = NULL;
	_cleanup_(freep) uint32_t *slots = calloc(s->capacity, sizeof(*slots));
	struct qos_tables *tables;
	size_t given;

	assert_true(own && slots);
	if (count)
		memcpy(own, rules, count * sizeof(*own));
	for (uint32_t i = 0; i < s->capacity; i++)
		slots[i] = i + 1;
	given = rules_define(own, count, &defs);
	tables = tables_compile(defs, given, &s->link);
	assert_int_equal(tables->used, s->link.used);
	assert_int_equal(tables->words, s->link.words);
	assert_int_equal(qos_tables_fill(s->object, tables, slots), 0);
	qos_tables_free(tables);
	forget_decisions(s);
}

void shaper_forget_rules(const struct shaper *s)
{
	uint32_t words = qos_set_words(s->link.words);
	_cleanup_(freep) uint64_t *none = calloc(words, sizeof(*none));

	assert_non_null(none);
	for (uint32_t i = 0; i < SETS_ROOM + 2 * s->link.rules; i++)
		assert_int_equal(bpf_map_update_elem(map_fd(s, "qos_sets"), &i, none, BPF_ANY), 0);
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
	begin(s);
}
