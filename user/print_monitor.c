// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string.h>

#include "print.h"
#include "text.h"

/* Of "2026-11-22T11:02:27.123456Z" the time of the day. */
static char *time_of_day(const json_t *event)
{
	_cleanup_(freep) char *text = json_text(json_object_get(event, "time"));
	const char *time = strchr(text, 'T');

	return text_format("%.*s", 15, time ? time + 1 : text);
}

static void print_packet(const json_t *event)
{
	_cleanup_(freep) char *class = json_text(json_object_get(event, "class"));
	const json_t *why = json_object_get(event, "reason");
	_cleanup_(freep) char *reason = json_text(why);
	_cleanup_(freep) char *wait = json_number(json_object_get(event, "wait_ns"), text_time_now);
	_cleanup_(freep) char *packets = json_number(json_object_get(event, "packets"), NULL);
	_cleanup_(freep) char *bytes = json_number(json_object_get(event, "bytes"), NULL);
	_cleanup_(freep) char *dscp = json_text(json_object_get(event, "dscp"));
	_cleanup_(freep) char *ecn = json_text(json_object_get(event, "ecn"));
	_cleanup_(freep) char *flow = json_flow(event);

	if (json_is_string(why))
		printf(" %s", reason);
	printf(", %s: wait %s, packets %s, bytes %s, %s, dscp %s, %s\n", class, wait, packets,
	       bytes, flow, dscp, ecn);
}

/* Of what is no packet's. */
static void print_news(const json_t *event, const char *what)
{
	const json_t *events = json_object_get(event, "events");
	const json_t *prog_id = json_object_get(event, "prog_id");

	if (events)
		printf(": %lld events, as they came too fast\n",
		       (long long)json_integer_value(events));
	else if (prog_id)
		printf(" by program %lld\n", (long long)json_integer_value(prog_id));
	else
		puts(strcmp(what, "removed") ? "" : ": it is not shaped any more");
}

void print_event(const json_t *event)
{
	_cleanup_(freep) char *time = time_of_day(event);
	_cleanup_(freep) char *ifname = json_text(json_object_get(event, "interface"));
	_cleanup_(freep) char *what = json_text(json_object_get(event, "event"));

	printf("%s %s %s", time, ifname, what);
	if (json_object_get(event, "packets"))
		print_packet(event);
	else
		print_news(event, what);
}
