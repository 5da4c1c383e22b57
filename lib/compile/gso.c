/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Link → the largest packet that the stack builds. The program gives times to
 * whole GSO packets and cannot split one: what is longer than a moment of the
 * link keeps everybody else waiting for as long.
 */
#include "compile/compile.h"

#include "base/cleanup.h"

#define GSO_PER_SEC 1000 /* a ms of the link each */
#define GSO_FRAMES  2	 /* at least: with one there would be no GSO */
#define MTU_MIN	    1500U
#define ETH_HEADER  14
/* GSO_MAX_SIZE, include/linux/netdevice.h since 5.19; no device has more. */
#define GSO_MAX 524280U

/* Below some 320 bytes sk_setup_caps() (net/core/sock.c) wraps round to 4 GiB,
 * so the smallest is of Ethernet's frames also where the MTU is less.
 */
uint32_t qos_plan_gso_least(uint32_t mtu)
{
	return GSO_FRAMES * ((mtu > MTU_MIN ? mtu : MTU_MIN) + ETH_HEADER);
}

/* Of the link or, without its rate, of the fastest class; 0: something has no bound. */
static uint64_t top_rate(const struct qos_policy *policy)
{
	uint64_t rate = policy->link.rate;

	for (size_t i = 0; !policy->link.rate && i < policy->class_count; i++) {
		const struct qos_class *cls = &policy->classes[i];

		if (cls->inner)
			continue;
		if (!cls->ceil)
			return 0;
		if (cls->ceil > rate)
			rate = cls->ceil;
	}
	return rate;
}

uint32_t qos_compile_gso(const struct qos_policy *policy)
{
	uint64_t bytes = top_rate(policy) / 8 / GSO_PER_SEC;

	if (policy->link.gso == QOS_GSO_KEEP)
		return 0;
	if (policy->link.gso == QOS_GSO_SIZE)
		return policy->link.gso_size;
	if (!top_rate(policy) || bytes >= GSO_MAX)
		return 0;
	return bytes > qos_plan_gso_least(MTU_MIN) ? (uint32_t)bytes : qos_plan_gso_least(MTU_MIN);
}

uint32_t qos_plan_gso(const struct qos_plan *plan, uint32_t mtu, uint32_t has)
{
	uint32_t size = plan->gso_max_size;

	if (!size || plan->policy->link.gso != QOS_GSO_AUTO)
		return size;
	if (size < qos_plan_gso_least(mtu))
		size = qos_plan_gso_least(mtu);
	return size < has ? size : 0;
}
