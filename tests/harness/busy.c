// SPDX-License-Identifier: LGPL-2.1-or-later
/* How long CPU 0 was not idle in a span of time, to the ns: /proc/stat's ticks are 10 ms. */
#include "common.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char help[] =
	"usage: busy [--at NS] [--time SECONDS]\n"
	"\n"
	"Prints as JSON how long CPU 0 was busy, interrupts included, from --at (by\n"
	"CLOCK_MONOTONIC; default: now) for --time (default 1). The kernel's own figure, from\n"
	"/proc/timer_list, which only root reads.\n";

/* The time that the CPU has slept since the machine started; it is not asleep now. */
static int read_idle(int64_t *idle_ns)
{
	FILE *file = fopen("/proc/timer_list", "re");
	char line[256];
	intmax_t ns;
	int r = -ENODATA;

	if (!file)
		return -errno;
	while (r < 0 && fgets(line, sizeof(line), file)) {
		if (sscanf(line, " .idle_sleeptime : %jd nsecs", &ns) != 1)
			continue;
		*idle_ns = ns;
		r = 0;
	}
	fclose(file);
	return r;
}

int main(int argc, char **argv)
{
	int64_t at = 0, time = NSEC_PER_SEC, begin, end, before, after;
	const struct option_row rows[] = {
		OPTION("at", MOMENT, &at),
		OPTION("time", SECONDS, &time),
		{ 0 },
	};
	int first = take_options(rows, help, argc, argv), r;

	if (first != argc)
		usage_error("takes no argument", argv[first]);
	catch_signals();
	if (begin_at(at, &begin) < 0)
		return 1;
	r = read_idle(&before);
	sleep_until(begin + time);
	end = now_ns();
	if (!r)
		r = read_idle(&after);
	if (r < 0) {
		fprintf(stderr, "busy: /proc/timer_list: %s\n", strerror(-r));
		return 1;
	}
	printf("{\"time_ns\":%jd,\"busy_ns\":%jd}\n", (intmax_t)(end - begin),
	       (intmax_t)(end - begin - (after - before)));
	return 0;
}
