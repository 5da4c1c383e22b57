// SPDX-License-Identifier: LGPL-2.1-or-later
/* top: looks, shows what happened between two looks, and does what the keys say. */
#include <time.h>

#include "looks.h"
#include "report.h"
#include "text.h"
#include "top_screen.h"
#include "verbs.h"

#define SECONDS	      1.0  /* unless told */
#define FIRST_SECONDS 0.25 /* there is nothing to see before the second look */

struct session {
	const char *ifname; /* or null: all that are shaped */
	double seconds;
	double next;   /* look, on now()'s clock */
	json_t *last;  /* what was seen */
	char *message; /* why there is nothing newer, or null */
	struct top top;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Null when nothing was said. */
static char *first_message(const struct report *report)
{
	const char *text =
		json_string_value(json_object_get(json_array_get(report->diags, 0), "message"));
	_cleanup_(freep) char *safe = text_safe(text ? text : "");

	return text ? text_format("error: %s", safe) : NULL;
}

/* An interface may be away for a while: what was seen of it stays. */
static void look(struct session *session)
{
	struct report kept = { .json = true, .diags = json_array(), .asks_again = true };
	json_t *interfaces = look_at_all(session->ifname, &kept);

	free(session->message);
	session->message = first_message(&kept);
	json_decref(kept.diags);
	if (!interfaces)
		return;
	if (!json_array_size(interfaces) && !session->message)
		session->message = text_format("no interface is shaped");
	looks_compare(interfaces, session->last);
	top_update(&session->top, interfaces);
	json_decref(session->last);
	session->last = interfaces;
}

static void follow(struct session *session)
{
	_cleanup_(freep) char *subject = text_safe(session->ifname ? session->ifname : "all");
	_cleanup_(freep) char *title =
		text_format("qosctl top %s, every %g s", subject, session->seconds);
	enum screen_event event = SCREEN_TIME;
	int key;

	do {
		screen_draw(&session->top, title, session->message);
		event = screen_wait(session->next > now() ? session->next - now() : 0, &key);
		if (event == SCREEN_TIME) {
			look(session);
			session->next = now() + session->seconds;
		}
	} while (event == SCREEN_TIME || (event == SCREEN_KEY && screen_key(&session->top, key)));
}

void run_top(const struct args *args, struct report *report)
{
	struct session session = {
		.ifname = args->operand_count ? args->operands[0] : NULL,
		.seconds = args_seconds("top ", args->option[OPT_INTERVAL], SECONDS),
	};

	if (session.seconds < 0) {
		report_status(report, QOS_INVALID);
		return;
	}
	report->asks_again = true;
	session.last = look_at_all(session.ifname, report);
	if (session.last && screen_open(report)) {
		looks_compare(session.last, NULL);
		top_update(&session.top, session.last);
		session.next =
			now() + (session.seconds < FIRST_SECONDS ? session.seconds : FIRST_SECONDS);
		follow(&session);
		screen_close();
	}
	json_decref(session.last);
	free(session.message);
	top_free(&session.top);
}
