// SPDX-License-Identifier: LGPL-2.1-or-later
#include "wire_report.h"

#include <errno.h>
#include <linux/if_packet.h>

static void print_marks(const struct key *k)
{
	const char *comma = "";

	printf(",\"dscp\":{");
	for (int i = 0; i < 64; i++) {
		if (k->dscps[i]) {
			printf("%s\"%d\":%ju", comma, i, (uintmax_t)k->dscps[i]);
			comma = ",";
		}
	}
	printf("},\"ecn\":[%ju,%ju,%ju,%ju]", (uintmax_t)k->ecns[0], (uintmax_t)k->ecns[1],
	       (uintmax_t)k->ecns[2], (uintmax_t)k->ecns[3]);
}

static void print_sequence(const struct key *k)
{
	uint64_t received = 0, expected = 0, late = 0;

	for (size_t i = 0; i < k->flows; i++) {
		received += k->flow[i].received;
		expected += k->flow[i].next - k->flow[i].first;
		late += k->flow[i].late;
	}
	printf(",\"flows\":%zu,\"probes\":%ju,\"reordered\":%ju,\"gaps\":%ju,\"missing\":%jd",
	       k->flows, (uintmax_t)received, (uintmax_t)late, (uintmax_t)k->gaps,
	       (intmax_t)(expected - received));
	if (k->delay.count) {
		printf(",\"delay_ns\":");
		hist_print(&k->delay, stdout);
	}
}

static void print_key(const struct key *k)
{
	printf("\n  \"%s\":{\"packets\":%ju,\"bytes\":%ju,\"first_ns\":%jd,\"last_ns\":%jd",
	       k->text, (uintmax_t)k->packets, (uintmax_t)k->bytes, (intmax_t)k->first_ns,
	       (intmax_t)k->last_ns);
	printf(",\"max_gap_ns\":%jd,\"largest\":%ju", (intmax_t)k->max_gap_ns,
	       (uintmax_t)k->largest);
	print_marks(k);
	print_sequence(k);
	printf(",\"intervals\":[");
	for (size_t i = 0; i < k->intervals; i++)
		printf("%s%ju", i ? "," : "", (uintmax_t)k->interval[i]);
	printf("]}");
}

int report(const char *interface, const struct keys *keys, const struct capture *c)
{
	struct tpacket_stats_v3 stats = { 0 };
	socklen_t size = sizeof(stats);

	if (getsockopt(c->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) < 0)
		return -errno;
	printf("{\"interface\":\"%s\",\"interval_ns\":%jd,\"dropped\":%u,\"keys\":{", interface,
	       (intmax_t)keys->interval_ns, stats.tp_drops);
	for (size_t i = 0; i < keys->count; i++) {
		fputs(i ? "," : "", stdout);
		print_key(&keys->key[i]);
	}
	printf("\n}}\n");
	if (stats.tp_drops) {
		fprintf(stderr, "wirecount: the kernel dropped %u packets: the counts are wrong\n",
			stats.tp_drops);
		return -EIO;
	}
	return fflush(stdout) ? -errno : 0;
}
