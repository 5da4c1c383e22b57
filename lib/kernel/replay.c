/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/replay.h"

#include <errno.h>
#include <string.h>

#include <linux/rtnetlink.h>

/* The version is dumped as 0x30011 and wanted as 3 (htb_dump(), htb_init() in
 * net/sched/sch_htb.c); direct_pkts is a counter.
 */
static void fix_htb(struct nlattr *attr)
{
	struct tc_htb_glob glob;

	if (mnl_attr_get_type(attr) != TCA_HTB_INIT ||
	    mnl_attr_get_payload_len(attr) < sizeof(glob))
		return;

	memcpy(&glob, mnl_attr_get_payload(attr), sizeof(glob));
	if (glob.version > UINT16_MAX)
		glob.version >>= 16;
	glob.direct_pkts = 0;
	memcpy(mnl_attr_get_payload(attr), &glob, sizeof(glob));
}

/* Times are kept in units of 1024 ns and rounded down both ways
 * (include/net/codel.h): what is dumped is up to 1 us less than what gives it.
 */
static void add_rounding(struct nlattr *attr)
{
	uint32_t us;

	if (mnl_attr_get_payload_len(attr) != sizeof(us))
		return;
	memcpy(&us, mnl_attr_get_payload(attr), sizeof(us));
	if (us != UINT32_MAX)
		us++;
	memcpy(mnl_attr_get_payload(attr), &us, sizeof(us));
}

static void fix_codel(struct nlattr *attr)
{
	switch (mnl_attr_get_type(attr)) {
	case TCA_CODEL_TARGET:
	case TCA_CODEL_INTERVAL:
	case TCA_CODEL_CE_THRESHOLD:
		add_rounding(attr);
	}
}

static void fix_fq_codel(struct nlattr *attr)
{
	switch (mnl_attr_get_type(attr)) {
	case TCA_FQ_CODEL_TARGET:
	case TCA_FQ_CODEL_INTERVAL:
	case TCA_FQ_CODEL_CE_THRESHOLD:
		add_rounding(attr);
	}
}

/* ets_qdisc_change() parses strictly what ets_qdisc_dump() writes without the flag. */
static void fix_ets(struct nlattr *attr)
{
	switch (mnl_attr_get_type(attr)) {
	case TCA_ETS_QUANTA:
	case TCA_ETS_PRIOMAP:
		attr->nla_type |= NLA_F_NESTED;
	}
}

static const struct fix {
	const char *kind;
	void (*fn)(struct nlattr *attr);
} fixes[] = {
	{ "htb", fix_htb },
	{ "codel", fix_codel },
	{ "fq_codel", fix_fq_codel },
	{ "ets", fix_ets },
};

static void fix_all(const struct fix *fix, struct qos_tc_blob *options)
{
	int left = (int)options->len;
	struct nlattr *attr = options->data;

	for (; mnl_attr_ok(attr, left); attr = mnl_attr_next(attr)) {
		left -= MNL_ALIGN(attr->nla_len);
		fix->fn(attr);
	}
}

/* Without offload mqprio_parse_opt() refuses the attributes that mqprio_dump() writes after it. */
static void cut_mqprio(struct qos_tc_blob *options)
{
	const struct tc_mqprio_qopt *opt = options->data;

	if (options->len > NLA_ALIGN(sizeof(*opt)) && !opt->hw)
		options->len = NLA_ALIGN(sizeof(*opt));
}

int qos_replay_options(const struct qos_qdisc *qdisc, struct qos_tc_blob *ret_options)
{
	struct qos_tc_blob options = qdisc->options;

	options.data = calloc(1, options.len + 1);
	if (!options.data)
		return -ENOMEM;
	if (options.len)
		memcpy(options.data, qdisc->options.data, options.len);
	for (size_t i = 0; i < ARRAY_SIZE(fixes); i++)
		if (!strcmp(fixes[i].kind, qdisc->kind))
			fix_all(&fixes[i], &options);
	if (!strcmp(qdisc->kind, "mqprio"))
		cut_mqprio(&options);

	*ret_options = options;
	return 0;
}
