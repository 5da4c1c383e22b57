/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/kind.h"

#include <string.h>

#include <linux/rtnetlink.h>

/* Linux 6.7 ("net_sched: sch_fq: add 3 bands and WRR scheduling", "…: add
 * TCA_FQ_WEIGHTS attribute"), newer than Debian 12's headers. Older kernels
 * pass over attributes they do not know in this nest (fq_change():
 * nla_parse_nested_deprecated()).
 */
#define TCA_FQ_PRIOMAP_ 16
#define TCA_FQ_WEIGHTS_ 17
#define FQ_BANDS_	3

/* What was dumped, by attribute. */
struct attrs {
	const struct nlattr *tb[TCA_FQ_WEIGHTS_ + 1];
};

struct number {
	int type;
	uint32_t value;
};

/* The last two are not the policy's: they are the kernel's defaults, and a rate
 * limit of fq's own would come on top of ours.
 */
#define NUMBERS 9
static void numbers_of(const struct qos_fq_params *params, struct number *ret)
{
	const struct number numbers[NUMBERS] = {
		{ TCA_FQ_PLIMIT, params->limit },
		{ TCA_FQ_FLOW_PLIMIT, params->flow_limit },
		{ TCA_FQ_QUANTUM, params->quantum },
		{ TCA_FQ_INITIAL_QUANTUM, params->initial_quantum },
		{ TCA_FQ_BUCKETS_LOG, params->buckets_log },
		{ TCA_FQ_ORPHAN_MASK, params->orphan_mask },
		{ TCA_FQ_HORIZON, params->horizon_us },
		{ TCA_FQ_RATE_ENABLE, 1 },
		{ TCA_FQ_FLOW_MAX_RATE, ~0U },
	};

	memcpy(ret, numbers, sizeof(numbers));
}

static struct tc_prio_qopt priomap_of(const struct qos_fq_params *params)
{
	struct tc_prio_qopt priomap = { .bands = FQ_BANDS_ };

	_Static_assert(sizeof(priomap.priomap) == sizeof(params->priomap), "priomap");
	memcpy(priomap.priomap, params->priomap, sizeof(priomap.priomap));
	return priomap;
}

static void fill_options(const struct qos_fq_params *params, struct nlmsghdr *msg)
{
	struct tc_prio_qopt priomap = priomap_of(params);
	struct number numbers[NUMBERS];

	numbers_of(params, numbers);
	for (size_t i = 0; i < NUMBERS; i++)
		mnl_attr_put_u32(msg, (uint16_t)numbers[i].type, numbers[i].value);
	mnl_attr_put_u8(msg, TCA_FQ_HORIZON_DROP, 1);
	mnl_attr_put(msg, TCA_FQ_PRIOMAP_, sizeof(priomap), &priomap);
	mnl_attr_put(msg, TCA_FQ_WEIGHTS_, sizeof(params->weights), params->weights);
}

static int take_attr(const struct nlattr *attr, void *data)
{
	struct attrs *attrs = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type < ARRAY_SIZE(attrs->tb))
		attrs->tb[type] = attr;
	return MNL_CB_OK;
}

static struct attrs parse(const struct qos_tc_blob *options)
{
	struct attrs attrs = { .tb = { NULL } };

	if (options->present)
		mnl_attr_parse_payload(options->data, options->len, take_attr, &attrs);
	return attrs;
}

static bool same(const struct nlattr *attr, const void *value, size_t len)
{
	return attr && mnl_attr_get_payload_len(attr) == len &&
	       !memcmp(mnl_attr_get_payload(attr), value, len);
}

static bool verify(const struct qos_fq_params *params, const struct qos_tc_blob *options)
{
	struct tc_prio_qopt priomap = priomap_of(params);
	struct attrs attrs = parse(options);
	struct number numbers[NUMBERS];
	const uint8_t one = 1;

	numbers_of(params, numbers);
	for (size_t i = 0; i < NUMBERS; i++)
		if (!same(attrs.tb[numbers[i].type], &numbers[i].value, sizeof(uint32_t)))
			return false;
	if (!same(attrs.tb[TCA_FQ_HORIZON_DROP], &one, sizeof(one)))
		return false;
	if (!attrs.tb[TCA_FQ_PRIOMAP_])
		return true;
	return same(attrs.tb[TCA_FQ_PRIOMAP_], &priomap, sizeof(priomap)) &&
	       same(attrs.tb[TCA_FQ_WEIGHTS_], params->weights, sizeof(params->weights));
}

const struct qos_kind qos_kind_fq = {
	.name = "fq",
	.fill_options = fill_options,
	.verify = verify,
};

bool qos_fq_has_bands(const struct qos_tc_blob *options)
{
	return parse(options).tb[TCA_FQ_PRIOMAP_];
}

/* struct tc_fq_qd_stats as of Linux 6.7, whatever the headers have; before, it
 * ends after horizon_caps.
 */
struct fq_qd_stats {
	uint64_t gc_flows;
	uint64_t highprio_packets;
	uint64_t tcp_retrans;
	uint64_t throttled;
	uint64_t flows_plimit;
	uint64_t pkts_too_long;
	uint64_t allocation_errors;
	int64_t time_next_delayed_flow;
	uint32_t flows;
	uint32_t inactive_flows;
	uint32_t throttled_flows;
	uint32_t unthrottle_latency_ns;
	uint64_t ce_mark;
	uint64_t horizon_drops;
	uint64_t horizon_caps;
	uint64_t fastpath_packets;
	uint64_t band_drops[FQ_BANDS_];
	uint32_t band_pkt_count[FQ_BANDS_];
	uint32_t pad;
};

void qos_fq_stats_add(const struct qos_qdisc *fq, struct qos_fq_stats *stats)
{
	struct fq_qd_stats own = { .flows = 0 };
	size_t len = fq->xstats.len < sizeof(own) ? fq->xstats.len : sizeof(own);

	if (fq->xstats.present)
		memcpy(&own, fq->xstats.data, len);

	stats->drops += fq->stats.drops;
	stats->drops_flow_limit += own.flows_plimit;
	stats->drops_horizon += own.horizon_drops;
	for (size_t i = 0; i < FQ_BANDS_; i++)
		stats->drops_band[i] += own.band_drops[i];
	stats->throttled += own.throttled;
	stats->flows += own.flows;
	stats->throttled_flows += own.throttled_flows;
	stats->qlen += fq->stats.qlen;
	stats->backlog += fq->stats.backlog;
}
