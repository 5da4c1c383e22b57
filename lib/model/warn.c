/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is right in a policy and surely not meant: rules and classes of no effect, and more. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/extent.h"

#define SHOWN_MAX 100 /* warnings of a kind; the rest is counted */

/* Why a rule takes nothing, by its own keys. */
enum nothing {
	NOTHING_NOT,
	NOTHING_EXCLUDED,
	NOTHING_SHORT,
};

static const struct {
	const char *text, *hint;
} nothings[] = {
	[NOTHING_EXCLUDED] = { "its `not` takes away all that its other keys ask for",
			       "make the `not` smaller, or take the rule out" },
	[NOTHING_SHORT] = { "no IP packet is so short, its header alone is longer",
			    "`length` counts the IP header: 20 bytes or more, 40 of IPv6" },
};

/* Of each class, what the rules have for it. */
enum reach {
	REACH_UNNAMED,
	REACH_DEAD, /* only by rules that never match */
	REACH_LIVE,
};

struct judge {
	const struct qos_policy *policy;
	struct qos_diags *diags;
	struct extent *extents; /* of the rules */
	size_t extent_count;
	size_t *by;	       /* who takes a rule's packets, or SHADOW_NONE */
	bool complete;	       /* all are known */
	enum nothing *nothing; /* of the rules, by their own keys */
	enum reach *reach;
};

static void judge_done(struct judge *judge)
{
	for (size_t i = 0; i < judge->extent_count; i++)
		extent_done(&judge->extents[i]);
	free(judge->extents);
	free(judge->by);
	free(judge->nothing);
	free(judge->reach);
}

static enum nothing why_nothing(const struct extent *extent)
{
	if (extent_is_empty(extent))
		return NOTHING_EXCLUDED;
	return extent_is_too_short(extent) ? NOTHING_SHORT : NOTHING_NOT;
}

static int judge_init(struct judge *judge)
{
	const struct qos_policy *policy = judge->policy;
	size_t count = policy->rule_count;
	int r = 0;

	judge->extents = calloc(count + 1, sizeof(*judge->extents));
	judge->by = calloc(count + 1, sizeof(*judge->by));
	judge->nothing = calloc(count + 1, sizeof(*judge->nothing));
	if (!judge->extents || !judge->by || !judge->nothing)
		return -ENOMEM;
	for (; judge->extent_count < count && r == 0; judge->extent_count++)
		r = extent_init(&judge->extents[judge->extent_count],
				&policy->rules[judge->extent_count].match);
	for (size_t i = 0; i < count && r == 0; i++)
		judge->nothing[i] = why_nothing(&judge->extents[i]);
	return r < 0 ? r : shadows_find(judge->extents, count, judge->by, &judge->complete);
}

static bool is_dead(const struct judge *judge, size_t rule)
{
	return judge->nothing[rule] || judge->by[rule] != SHADOW_NONE;
}

static bool gives_the_same(const struct qos_rule_def *a, const struct qos_rule_def *b)
{
	return a->drop == b->drop && (a->drop || a->class_index == b->class_index);
}

static void warn_rule(const struct judge *judge, size_t i)
{
	const struct qos_policy *policy = judge->policy;
	const struct qos_rule_def *rule = &policy->rules[i], *first;
	enum nothing nothing = judge->nothing[i];

	if (nothing) {
		qos_diag_warn_at(judge->diags, rule->loc, "this rule never matches: %s",
				 nothings[nothing].text);
		qos_diag_hint(judge->diags, "%s", nothings[nothing].hint);
		return;
	}
	first = &policy->rules[judge->by[i]];
	qos_diag_warn_at(judge->diags, rule->loc,
			 "this rule never matches: the one at %s:%u takes all of its packets "
			 "before it",
			 policy->path, first->loc.line);
	qos_diag_hint(judge->diags, "%s",
		      gives_the_same(rule, first) ? "take it out: both do the same" :
						    "put it before that one, or take it out");
	qos_diag_note(judge->diags, first->loc, "the rule that takes them");
}

static void warn_rules(const struct judge *judge)
{
	size_t count = 0;

	for (size_t i = 0; i < judge->policy->rule_count; i++) {
		if (is_dead(judge, i) && count++ < SHOWN_MAX)
			warn_rule(judge, i);
	}
	if (count > SHOWN_MAX)
		qos_diag_warn(judge->diags, "%zu more rules never match", count - SHOWN_MAX);
	if (!judge->complete)
		qos_diag_warn(
			judge->diags,
			"the rules are too many and too alike to compare all of them: more of "
			"them may never match than are named");
}

/* What the program lets pass as it is (RFC 6980), or it would cut the host off. */
static void warn_discovery(const struct judge *judge)
{
	for (size_t i = 0; i < judge->policy->rule_count; i++) {
		if (is_dead(judge, i) || !extent_is_discovery(&judge->extents[i]))
			continue;
		qos_diag_warn_at(judge->diags, judge->policy->rules[i].loc,
				 "this rule takes no neighbour discovery that counts: that passes "
				 "before the rules, or the network would lose this host");
		qos_diag_hint(judge->diags, "take it out");
	}
}

static int find_reached(struct judge *judge)
{
	const struct qos_policy *policy = judge->policy;

	judge->reach = calloc(policy->class_count, sizeof(*judge->reach));
	if (!judge->reach)
		return -ENOMEM;
	judge->reach[policy->default_class] = REACH_LIVE;
	for (size_t i = 0; i < policy->rule_count; i++) {
		const struct qos_rule_def *rule = &policy->rules[i];
		enum reach reach = is_dead(judge, i) ? REACH_DEAD : REACH_LIVE;

		if (!rule->drop && judge->reach[rule->class_index] < reach)
			judge->reach[rule->class_index] = reach;
	}
	return 0;
}

static void warn_class(const struct judge *judge, const struct qos_class *class, enum reach reach)
{
	bool named = reach == REACH_DEAD;

	qos_diag_warn_at(judge->diags, class->loc, "class `%s` gets no packets: %s", class->name,
			 named ? "none of the rules that give it ever matches" :
				 "no rule gives it, and it is not the default");
	qos_diag_hint(judge->diags, "%s",
		      named ? "see what is said of those rules" :
			      "write a rule that gives it, or take it out");
}

static void warn_classes(const struct judge *judge)
{
	const struct qos_policy *policy = judge->policy;
	size_t count = 0;

	for (size_t i = 0; i < policy->class_count; i++) {
		const struct qos_class *class = &policy->classes[i];

		if (!class->inner && judge->reach[i] != REACH_LIVE && count++ < SHOWN_MAX)
			warn_class(judge, class, judge->reach[i]);
	}
	if (count > SHOWN_MAX)
		qos_diag_warn(judge->diags, "%zu more classes get no packets", count - SHOWN_MAX);
}

/* The first rule that takes all IP packets of a family, or SHADOW_NONE. */
static int find_last(const struct judge *judge, uint8_t family, size_t *ret)
{
	_cleanup_(extent_done) struct extent all = { 0 };
	struct qos_prefix any = { .family = family };
	struct qos_range length = { 0, QOS_LENGTH_LIMIT }, vlan = { 0, QOS_VLAN_NONE };
	const struct qos_match match = {
		/* clang-format off */
		.family = family,
		.src = &any,		.src_count = 1,
		.dst = &any,		.dst_count = 1,
		.vlan = &vlan,		.vlan_count = 1,
		.length = &length,	.length_count = 1,
		.dscp = UINT64_MAX,
		/* clang-format on */
	};
	size_t found = SHADOW_NONE;

	if (family == 4)
		any.addr = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
	if (extent_init(&all, &match) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < judge->extent_count && found == SHADOW_NONE; i++) {
		if (extent_covers(&judge->extents[i], &all))
			found = i;
	}
	*ret = found;
	return 0;
}

/* Nothing is left for it. That all else is dropped cannot be said in another way, so that is
 * meant.
 */
static int warn_starved(const struct judge *judge)
{
	const struct qos_policy *policy = judge->policy;
	size_t last4, last6, last;
	const struct qos_rule_def *rule;

	if (find_last(judge, 4, &last4) < 0 || find_last(judge, 6, &last6) < 0)
		return -ENOMEM;
	if (last4 == SHADOW_NONE || last6 == SHADOW_NONE)
		return 0;
	last = last4 > last6 ? last4 : last6;
	rule = &policy->rules[last];
	if (rule->drop || rule->class_index == policy->default_class)
		return 0;
	qos_diag_warn_at(judge->diags, rule->loc,
			 "with this rule the default class, `%s`, gets nothing but ARP, neighbour "
			 "discovery and what is not IP",
			 policy->classes[policy->default_class].name);
	if (last + 1 < policy->rule_count)
		qos_diag_hint(judge->diags, "nothing else comes to the rules after it either: put "
					    "them before it, or take them out");
	else
		qos_diag_hint(judge->diags, "without the rule, `default: %s` does the same",
			      policy->classes[rule->class_index].name);
	return 0;
}

/* The most that both could borrow, of the nearest class above both; 0: it has no limit. */
static uint64_t shared_limit(const struct qos_policy *policy, const struct qos_class *a,
			     const struct qos_class *b)
{
	for (int up = a->parent; up != QOS_PARENT_LINK; up = policy->classes[up].parent) {
		for (int other = b->parent; other != QOS_PARENT_LINK;
		     other = policy->classes[other].parent) {
			if (other == up)
				return policy->classes[up].ceil;
		}
	}
	return policy->link.rate;
}

/* Whether class can take all that other could borrow: no ceil is in the way of either. */
static bool can_take(const struct qos_policy *policy, const struct qos_class *class,
		     const struct qos_class *other)
{
	uint64_t limit = shared_limit(policy, class, other);

	return limit && class->ceil >= limit && (!other->rate || other->rate < other->ceil);
}

/* Whatever nobody thought of comes first, and nothing holds it. */
static void warn_urgent(const struct judge *judge)
{
	const struct qos_policy *policy = judge->policy;
	const struct qos_class *class = &policy->classes[policy->default_class];

	if (class->priority != QOS_PRIORITY_HIGH)
		return;
	for (size_t i = 0; i < policy->class_count; i++) {
		const struct qos_class *other = &policy->classes[i];

		if (other->inner || judge->reach[i] != REACH_LIVE ||
		    other->priority == QOS_PRIORITY_HIGH || !can_take(policy, class, other))
			continue;
		qos_diag_warn_at(
			judge->diags, class->loc,
			"the default class, `%s`, has priority high and no ceil that "
			"holds it: what no rule takes, whatever it is, takes all that `%s` "
			"could borrow",
			class->name, other->name);
		qos_diag_hint(judge->diags, "give it a lower priority and what is urgent a class "
					    "of its own, or give it a lower ceil");
		return;
	}
}

/* What it says of its queue, or of flows; null: nothing that is not the default. */
static const char *queue_key(const struct qos_class *class)
{
	if (class->per_flow)
		return "per-flow";
	if (class->limit)
		return "limit";
	if (class->latency != QOS_POLICY_LATENCY)
		return "latency";
	return class->fairness != QOS_FAIR_FLOW ? "fairness" : NULL;
}

/* With a policer nothing waits, and no flow is told from another. */
static void warn_queue(const struct judge *judge)
{
	const struct qos_policy *policy = judge->policy;

	for (size_t i = 0; i < policy->class_count; i++) {
		const struct qos_class *class = &policy->classes[i];
		const char *key = queue_key(class);

		if (!key)
			continue;
		qos_diag_warn_at(judge->diags, class->loc,
				 "`%s` of class `%s` has no effect with `mode: police`", key,
				 class->name);
		qos_diag_hint(
			judge->diags,
			class->per_flow ?
				"take it out, or give its traffic a class with a ceil" :
				"take it out: nothing waits, and no flow is told from another");
		return;
	}
}

static uint64_t rates_in(const struct qos_policy *policy, size_t parent)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < policy->class_count; i++)
		sum += policy->classes[i].parent == (int)parent ? policy->classes[i].rate : 0;
	return sum;
}

/* Nor does it divide what is borrowed: of an inner class's rate its classes' own are kept. */
static void warn_inner_rate(const struct judge *judge)
{
	const struct qos_policy *policy = judge->policy;

	for (size_t i = 0; i < policy->class_count; i++) {
		const struct qos_class *class = &policy->classes[i];

		if (!class->inner || class->rate <= rates_in(policy, i))
			continue;
		qos_diag_warn_at(judge->diags, class->loc,
				 "with `mode: police` no more of the rate of class `%s` is kept "
				 "than the classes in it have as theirs",
				 class->name);
		qos_diag_hint(judge->diags, "give those the rest of it as their `rate`");
		return;
	}
}

int qos_policy_warn(const struct qos_policy *policy, struct qos_diags *diags)
{
	_cleanup_(judge_done) struct judge judge = { .policy = policy, .diags = diags };

	if (judge_init(&judge) < 0 || find_reached(&judge) < 0)
		return -ENOMEM;
	warn_rules(&judge);
	warn_discovery(&judge);
	warn_classes(&judge);
	warn_urgent(&judge);
	if (policy->link.police) {
		warn_queue(&judge);
		warn_inner_rate(&judge);
	}
	return warn_starved(&judge);
}
