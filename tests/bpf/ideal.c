// SPDX-License-Identifier: LGPL-2.1-or-later
#include "ideal.h"

#include <math.h>
#include <stdlib.h>

#include "../unit/unit.h"
#include "base/cleanup.h"

#define PRIORITIES 3

struct ideal {
	const struct qos_policy *policy;
	const double *demand;
	double *share;
};

/* All that a class could use that has a link of its own. */
static double wanted(const struct ideal *ideal, size_t cls)
{
	const struct qos_class *c = &ideal->policy->classes[cls];
	double sum = c->inner ? 0 : ideal->demand[cls];

	for (size_t i = 0; i < ideal->policy->class_count; i++) {
		if (ideal->policy->classes[i].parent == (int)cls)
			sum += wanted(ideal, i);
	}
	return fmin(sum, (double)c->ceil);
}

static double sure(const struct ideal *ideal, size_t cls)
{
	return fmin((double)ideal->policy->classes[cls].rate, wanted(ideal, cls));
}

/* And of it what is guaranteed, or asked for with priorities up to one. */
static double wanted_by(const struct ideal *ideal, size_t cls, int priority)
{
	const struct qos_class *c = &ideal->policy->classes[cls];
	double sum = c->inner || (int)c->priority > priority ? 0 : ideal->demand[cls];

	for (size_t i = 0; i < ideal->policy->class_count; i++) {
		if (ideal->policy->classes[i].parent == (int)cls)
			sum += wanted_by(ideal, i, priority);
	}
	return fmin(fmax(sum, sure(ideal, cls)), (double)c->ceil);
}

/* How much the children of parent take at weight * x above what they have. */
static double taken(const struct ideal *ideal, int parent, int priority, double x, bool take)
{
	double sum = 0;

	for (size_t i = 0; i < ideal->policy->class_count; i++) {
		const struct qos_class *c = &ideal->policy->classes[i];
		double more;

		if (c->parent != parent)
			continue;
		more = fmin(x * (double)c->weight, wanted_by(ideal, i, priority) - ideal->share[i]);
		more = fmax(more, 0);
		sum += more;
		if (take)
			ideal->share[i] += more;
	}
	return sum;
}

/* Pour amount over the children of parent: the x that uses it up, by bisection. */
static double pour(const struct ideal *ideal, int parent, int priority, double amount)
{
	double low = 0, high = IDEAL_GREEDY;

	for (int i = 0; i < 200; i++) {
		double x = (low + high) / 2;

		if (taken(ideal, parent, priority, x, false) > amount)
			high = x;
		else
			low = x;
	}
	return amount - taken(ideal, parent, priority, low, true);
}

static void divide(const struct ideal *ideal, int parent, double amount)
{
	for (size_t i = 0; i < ideal->policy->class_count; i++) {
		const struct qos_class *c = &ideal->policy->classes[i];

		if (c->parent != parent)
			continue;
		ideal->share[i] = sure(ideal, i);
		amount -= ideal->share[i];
	}
	for (int priority = 0; priority < PRIORITIES; priority++)
		amount = pour(ideal, parent, priority, amount);
	for (size_t i = 0; i < ideal->policy->class_count; i++) {
		const struct qos_class *c = &ideal->policy->classes[i];

		if (c->parent == parent && c->inner)
			divide(ideal, (int)i, ideal->share[i]);
	}
}

void ideal_shares(const struct qos_policy *policy, const double *demand, double *ret_share)
{
	const struct ideal ideal = { policy, demand, ret_share };

	assert_true(policy->link.rate > 0);
	divide(&ideal, QOS_PARENT_LINK, (double)policy->link.rate);
}
