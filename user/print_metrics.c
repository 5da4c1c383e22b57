// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The text format of OpenMetrics 1.0, and of it only what the older format of Prometheus has as
 * well: node_exporter's textfile collector refuses a file with a type that it does not know.
 */
#include <qos/qos.h>

#include "print.h"
#include "text.h"

#define BUCKET_NS 1024 /* the end of the first; each is twice as long as the one before */
#define LAST_NS	  1e10 /* of the last, which has no end: the longest limit */

enum subject { OF_INTERFACE, OF_LINK, OF_CLASS, OF_FQ };
enum type { COUNTER, GAUGE, HISTOGRAM };

static const char *const types[] = { "counter", "gauge", "histogram" };

struct family {
	const char *name; /* ends in the unit */
	enum type type;
	enum subject of;
	const char *unit; /* or null */
	const char *key;  /* in the document of that */
	double divisor;	  /* of what it has there */
	const char *help;
};

/* Tables. */
/* clang-format off */
static const struct family families[] = {
	{ "qosctl_in_force", GAUGE, OF_INTERFACE, NULL, "in_force", 1,
	  "Whether all that was applied is in place." },

	{ "qosctl_link_rate_bytes_per_second", GAUGE, OF_LINK, "bytes_per_second", "rate", 8,
	  "What the interface may send." },
	{ "qosctl_link_backlog_seconds", GAUGE, OF_LINK, "seconds", "backlog_ns", 1e9,
	  "How long what was promised keeps the link busy." },
	{ "qosctl_link_dropped_packets", COUNTER, OF_LINK, "packets", "drops", 1,
	  "Packets that a rule dropped." },

	{ "qosctl_class_rate_bytes_per_second", GAUGE, OF_CLASS, "bytes_per_second", "rate", 8,
	  "What a class is guaranteed." },
	{ "qosctl_class_ceil_bytes_per_second", GAUGE, OF_CLASS, "bytes_per_second", "ceil", 8,
	  "What a class never exceeds." },
	{ "qosctl_class_current_bytes_per_second", GAUGE, OF_CLASS, "bytes_per_second", "rate_now", 8,
	  "What a class sends now." },
	{ "qosctl_class_backlog_seconds", GAUGE, OF_CLASS, "seconds", "backlog_ns", 1e9,
	  "How long a packet of a new flow would wait that came now." },
	{ "qosctl_class_bytes", COUNTER, OF_CLASS, "bytes", "bytes", 1,
	  "What passed, as it is on the wire." },
	{ "qosctl_class_borrowed_bytes", COUNTER, OF_CLASS, "bytes", "borrowed_bytes", 1,
	  "What of it was borrowed." },
	{ "qosctl_class_packets", COUNTER, OF_CLASS, "packets", "packets", 1,
	  "Packets that passed." },
	{ "qosctl_class_marked_packets", COUNTER, OF_CLASS, "packets", "marks", 1,
	  "Packets that passed with congestion marked (ECN)." },
	{ "qosctl_class_l4s_marked_packets", COUNTER, OF_CLASS, "packets", "marks_l4s", 1,
	  "Those of the marked packets that the step of L4S marked." },
	{ "qosctl_class_exempt_packets", COUNTER, OF_CLASS, "packets", "exempt", 1,
	  "Packets of ARP and neighbour discovery that passed." },
	{ "qosctl_class_dropped_packets", COUNTER, OF_CLASS, "packets", "drops", 1,
	  "Packets dropped, by reason." },
	{ "qosctl_class_queue_delay_seconds", HISTOGRAM, OF_CLASS, "seconds", "delay", 1e9,
	  "How long packets waited; in the sum each counts as the end of its bucket." },

	{ "qosctl_fq_bytes", COUNTER, OF_FQ, "bytes", "bytes", 1,
	  "What passed fq, as it counts." },
	{ "qosctl_fq_packets", COUNTER, OF_FQ, "packets", "packets", 1,
	  "Packets that passed fq." },
	{ "qosctl_fq_dropped_packets", COUNTER, OF_FQ, "packets", "drops", 1,
	  "Packets that fq dropped, for any reason." },
	{ "qosctl_fq_flow_limit_dropped_packets", COUNTER, OF_FQ, "packets", "flows_plimit", 1,
	  "Packets that fq dropped since their flow had too many." },
	{ "qosctl_fq_horizon_dropped_packets", COUNTER, OF_FQ, "packets", "horizon_drops", 1,
	  "Packets that fq dropped since they asked to leave too late." },
	{ "qosctl_fq_band_dropped_packets", COUNTER, OF_FQ, "packets", "band_drops", 1,
	  "Packets that fq dropped since their band was full." },
	{ "qosctl_fq_backlog_packets", GAUGE, OF_FQ, "packets", "backlog_packets", 1,
	  "Packets that wait in fq." },
	{ "qosctl_fq_flows", GAUGE, OF_FQ, NULL, "flows", 1,
	  "Flows that fq knows." },
	{ "qosctl_fq_throttled_flows", GAUGE, OF_FQ, NULL, "throttled_flows", 1,
	  "Flows of which no packet may leave yet." },
};
/* clang-format on */

/* Names in it may hold anything: safe to print, then as a value in quotes has it. */
static void print_value(const char *name, const char *value)
{
	_cleanup_(freep) char *safe = text_safe(value ? value : "");

	printf("%s=\"", name);
	for (const char *at = safe; *at; at++)
		printf("%s%c", *at == '"' || *at == '\\' ? "\\" : "", *at);
	putchar('"');
}

static void print_label(const json_t *object, const char *key)
{
	print_value(key, json_string_value(json_object_get(object, key)));
}

struct sample {
	const struct family *family;
	const json_t *interface, *class; /* class: null where it is of none */
};

/* All of a sample's line but its value: with a label more, or null. */
static void print_name(const struct sample *sample, const char *suffix, const char *label,
		       const char *value)
{
	printf("%s%s{", sample->family->name, suffix);
	print_label(sample->interface, "interface");
	if (sample->class) {
		putchar(',');
		print_value("class", json_string_value(json_object_get(sample->class, "name")));
		putchar(',');
		print_label(sample->class, "parent");
		printf(",inner=\"%s\"",
		       json_is_true(json_object_get(sample->class, "inner")) ? "true" : "false");
	}
	if (label) {
		putchar(',');
		print_value(label, value);
	}
	printf("} ");
}

static void print_number(const struct family *family, const json_t *number)
{
	if (!json_is_integer(number))
		printf("%d\n", json_is_true(number));
	else if (family->divisor > 1)
		printf("%.15g\n", (double)json_integer_value(number) / family->divisor);
	else
		printf("%lld\n", (long long)json_integer_value(number));
}

static void print_reasons(const struct sample *sample, json_t *drops)
{
	const char *reason;
	json_t *number;

	json_object_foreach(drops, reason, number) {
		print_name(sample, "_total", "reason", reason);
		print_number(sample->family, number);
	}
}

static void print_histogram(const struct sample *sample, const json_t *buckets)
{
	double end = BUCKET_NS, sum = 0;
	long long below = 0;
	const json_t *bucket;
	size_t i;

	json_array_foreach(buckets, i, bucket) {
		int last = i + 1 == json_array_size(buckets);
		_cleanup_(freep) char *le =
			last ? text_format("+Inf") : text_format("%.10g", end / 1e9);

		below += json_integer_value(bucket);
		sum += (double)json_integer_value(bucket) * (last ? LAST_NS : end);
		end *= 2;
		print_name(sample, "_bucket", "le", le);
		printf("%lld\n", below);
	}
	print_name(sample, "_count", NULL, NULL);
	printf("%lld\n", below);
	print_name(sample, "_sum", NULL, NULL);
	printf("%.15g\n", sum / 1e9);
}

/* What is null does not apply. */
static void print_sample(const struct sample *sample, const json_t *object)
{
	json_t *value = json_object_get(object, sample->family->key);

	if (sample->family->type == HISTOGRAM && json_is_object(value)) {
		print_histogram(sample, json_object_get(value, "histogram"));
	} else if (json_is_object(value)) {
		print_reasons(sample, value);
	} else if (json_is_integer(value) || json_is_boolean(value)) {
		print_name(sample, sample->family->type == COUNTER ? "_total" : "", NULL, NULL);
		print_number(sample->family, value);
	}
}

static void print_samples(const struct family *family, const json_t *interface)
{
	struct sample sample = { .family = family, .interface = interface };
	const json_t *class;
	size_t i;

	switch (family->of) {
	case OF_INTERFACE:
		print_sample(&sample, interface);
		break;
	case OF_LINK:
		print_sample(&sample, json_object_get(interface, "link"));
		break;
	case OF_FQ:
		print_sample(&sample, json_object_get(interface, "fq"));
		break;
	case OF_CLASS:
		json_array_foreach(json_object_get(interface, "classes"), i, class) {
			sample.class = class;
			print_sample(&sample, class);
		}
	}
}

static void print_family(const char *name, enum type type, const char *unit, const char *help)
{
	printf("# HELP %s %s\n# TYPE %s %s\n", name, help, name, types[type]);
	if (unit)
		printf("# UNIT %s %s\n", name, unit);
}

static void print_infos(const json_t *interfaces)
{
	static const char *const labels[] = { "interface", "mode", "policy", "applied", "default" };
	const json_t *interface;
	size_t i, j;

	print_family("qosctl_build_info", GAUGE, NULL, "The version of qosctl.");
	printf("qosctl_build_info{version=\"%s\"} 1\n", qos_version());
	print_family("qosctl_interface_info", GAUGE, NULL, "What is applied to an interface.");
	json_array_foreach(interfaces, i, interface) {
		for (j = 0; j < ARRAY_SIZE(labels); j++) {
			fputs(j ? "," : "qosctl_interface_info{", stdout);
			print_label(interface, labels[j]);
		}
		puts("} 1");
	}
}

void print_metrics(const json_t *interfaces)
{
	const json_t *interface;
	size_t i, j;

	print_infos(interfaces);
	for (i = 0; i < ARRAY_SIZE(families); i++) {
		const struct family *family = &families[i];

		print_family(family->name, family->type, family->unit, family->help);
		json_array_foreach(interfaces, j, interface)
			print_samples(family, interface);
	}
	puts("# EOF");
}
