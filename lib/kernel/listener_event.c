/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What happened to a packet, as a document. */
#include "kernel/listener.h"

#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/names.h"
#include "kernel/flows.h"
#include "kernel/live.h"

#define NS_PER_SEC 1000000000LL

/* What struct facts says. */
struct facts {
	uint32_t key;
	uint16_t sport, dport;
	uint8_t dscp, ecn, verdict;
	__u64 src[2], dst[2];
	uint64_t lead;
	uint32_t sample[2];
};

static struct facts read_facts(const struct qos_facts_layout *at, const struct qos_event *event)
{
	struct facts facts;

#define READ(member) memcpy(&facts.member, event->facts + at->member, sizeof(facts.member))
	READ(key);
	READ(sport);
	READ(dport);
	READ(dscp);
	READ(ecn);
	READ(verdict);
	READ(src);
	READ(dst);
	READ(lead);
	READ(sample);
#undef READ
	return facts;
}

/* The clock of the wall says "2026-11-22T11:02:27.123456Z" when the other one says this. */
static json_t *wall_json(uint64_t monotonic)
{
	struct timespec now;
	int64_t ns;
	time_t seconds;
	struct tm tm;
	char text[32];

	clock_gettime(CLOCK_REALTIME, &now);
	ns = now.tv_sec * NS_PER_SEC + now.tv_nsec - (int64_t)(qos_live_now() - monotonic);
	seconds = (time_t)(ns / NS_PER_SEC);
	if (!gmtime_r(&seconds, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
		return json_null();
	return json_sprintf("%s.%06dZ", text, (int)(ns % NS_PER_SEC / 1000));
}

static const char *event_name(uint8_t verdict)
{
	if (verdict >= QOS_DROP_LIMIT)
		return "drop";
	return verdict == QOS_PASS ? "pass" : "mark";
}

static const char *reason_name(const struct qos_listener *listener, uint8_t verdict)
{
	static const char *const names[QOS_VERDICTS] = {
		[QOS_MARK] = "aqm",
		[QOS_MARK_L4S] = "l4s",
		[QOS_DROP_LIMIT] = "limit",
		[QOS_DROP_AQM] = "aqm",
		[QOS_DROP_HORIZON] = "horizon",
		[QOS_DROP_POLICE] = "police",
		[QOS_DROP_RULE] = "rule",
	};

	if (verdict >= QOS_VERDICTS)
		return NULL;
	return verdict == QOS_MARK && listener->police ? "police" : names[verdict];
}

/* What passed waits until its stamp says. Null: nothing waits, or there is no class to wait in. */
static json_t *wait_json(const struct qos_listener *listener, const struct qos_event *event,
			 const struct facts *facts)
{
	if (facts->verdict == QOS_DROP_RULE || (facts->verdict == QOS_PASS && listener->police))
		return json_null();
	if (facts->verdict != QOS_PASS)
		return json_integer((json_int_t)facts->lead);
	return json_integer(event->at > event->time ? (json_int_t)(event->at - event->time) : 0);
}

static json_t *number_or_name(const struct qos_names *names, unsigned int value)
{
	const char *name = qos_names_text(names, (int)value);

	return name ? json_string(name) : json_sprintf("%u", value);
}

static json_t *address_json(const __u64 addr[2], uint32_t key)
{
	char text[QOS_FLOW_END_LEN];

	return json_string(qos_flow_end(addr, key, 128, text));
}

static json_t *packet_json(const struct facts *facts)
{
	static const char *const ecn[] = { "not-ect", "ect1", "ect0", "ce" };
	bool ip = facts->key & QOS_KEY_FAMILY(0xff), ports = facts->key & QOS_KEY_PORTS;

	if (!ip)
		return json_pack("{s:n, s:n, s:n, s:n, s:n, s:n, s:n}", "proto", "src", "sport",
				 "dst", "dport", "dscp", "ecn");
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "proto",
			 number_or_name(&qos_names_proto, facts->key & 0xff), "src",
			 address_json(facts->src, facts->key), "sport",
			 ports ? json_integer(facts->sport) : json_null(), "dst",
			 address_json(facts->dst, facts->key), "dport",
			 ports ? json_integer(facts->dport) : json_null(), "dscp",
			 number_or_name(&qos_names_dscp, facts->dscp), "ecn", ecn[facts->ecn & 3]);
}

json_t *qos_listener_event(const struct qos_listener *listener, const struct qos_event *event)
{
	struct facts facts = read_facts(&listener->layout, event);
	const json_t *cls = NULL;
	bool passed = facts.verdict == QOS_PASS;
	json_t *packet, *json;

	/* a rule drops without a class */
	if (facts.verdict != QOS_DROP_RULE && event->slot < listener->capacity)
		cls = listener->classes[event->slot];
	json = json_pack("{s:s, s:s, s:O?, s:s?, s:o, s:I, s:o, s:I, s:I}", "event",
			 event_name(facts.verdict), "interface", listener->ifname, "class",
			 json_object_get(cls, "name"), "reason",
			 reason_name(listener, facts.verdict), "time", wall_json(event->time),
			 "time_ns", (json_int_t)event->time, "wait_ns",
			 wait_json(listener, event, &facts), "packets",
			 (json_int_t)(passed ? event->segments : facts.sample[0]), "bytes",
			 (json_int_t)(passed ? event->bytes : facts.sample[1]));
	packet = packet_json(&facts);
	if (!json || !packet || json_object_update_new(json, packet)) {
		json_decref(json);
		return NULL;
	}
	return json;
}

json_t *qos_listener_news(const char *ifname, const char *what, const char *key, uint64_t value)
{
	uint64_t now = qos_live_now();
	json_t *json = json_pack("{s:s, s:s, s:o, s:I}", "event", what, "interface", ifname, "time",
				 wall_json(now), "time_ns", (json_int_t)now);

	if (json && key && json_object_set_new(json, key, json_integer((json_int_t)value))) {
		json_decref(json);
		return NULL;
	}
	return json;
}
