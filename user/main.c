// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy.h"
#include "privileges.h"
#include "verbs.h"

/* Tables. */
/* clang-format off */
#define HELP  { OPT_HELP, 'h', "help", NULL, "print this help" }
#define JSON  { OPT_JSON, 'j', "json", NULL, "print JSON; on stderr the diagnostics as JSON" }
#define WHERE { OPT_DIR, 'd', "dir", "DIR", "where the policies are, instead of " POLICY_DIR }

static const struct opt opts_help[] = { HELP, {} };
static const struct opt opts_state[] = { HELP, JSON, {} };
static const struct opt opts_plan[] = {
	HELP, JSON, WHERE,
	{ OPT_OFFLINE, 'o', "offline", NULL, "print the complete plan, whatever is in force" },
	{},
};
static const struct opt opts_apply[] = {
	HELP, JSON, WHERE,
	{ OPT_ALL, 'a', "all", NULL, "apply every policy there, also after one failed" },
	{},
};

static const struct opt opts_remove[] = {
	HELP, JSON,
	{ OPT_ALL, 'a', "all", NULL, "every interface that is shaped, also after one failed" },
	{},
};

static const struct opt opts_flows[] = {
	HELP, JSON,
	{ OPT_NUMBER, 'n', "number", "N", "how many, those that send most (20; 0: all)" },
	{},
};

static const struct opt opts_explain[] = {
	HELP, JSON,
	{ OPT_PCAP, 'p', "pcap", "CAPTURE", "all packets of a file of tcpdump(1); -: standard input" },
	{},
};

static const struct opt opts_set[] = {
	HELP, JSON,
	{ OPT_FOR, 'f', "for", "TIME", "only for so long: 90s, 30min, 2h, 1d" },
	{},
};
static const struct opt opts_schedule[] = { HELP, JSON, WHERE, {} };
static const struct opt opts_stats[] = {
	HELP, JSON,
	{ OPT_WATCH, 'w', "watch", "[SECONDS]", "repeat, and print what happened in between (1)" },
	{ OPT_OPENMETRICS, 'm', "openmetrics", NULL, "print the text format of OpenMetrics" },
	{ OPT_RULES, 'r', "rules", NULL, "print what each rule took instead" },
	{},
};
static const struct opt opts_top[] = {
	HELP,
	{ OPT_INTERVAL, 'i', "interval", "SECONDS", "how often to look (1)" },
	{},
};

static const struct opt opts_monitor[] = {
	HELP, JSON,
	{ OPT_DROPS, 'd', "drops", NULL, "only drops and, with --marks, marks" },
	{ OPT_MARKS, 'm', "marks", NULL, "only marks and, with --drops, drops" },
	{ OPT_SAMPLE, 's', "sample", "N", "also one in N of the packets that pass as they came" },
	{ OPT_CLASS, 'c', "class", "CLASS", "only this class, and those in it" },
	{ OPT_EVENTS, 'n', "count", "N", "end after N events" },
	{},
};

/* In full, what is short where all verbs are listed. */
static const char *const forms_explain[] = {
	"FILE|IFACE PACKET", "--pcap CAPTURE FILE|IFACE", NULL,
};
static const char *const forms_set[] = { "IFACE CLASS KEY=VALUE...", NULL };
static const char *const forms_unset[] = { "IFACE [CLASS [KEY]...]", NULL };
static const char *const forms_schedule[] = {
	"install FILE|IFACE", "remove IFACE", "list IFACE", "run IFACE NAME", NULL,
};

static void run_help(const struct args *args, struct report *report);

static const struct verb verbs[] = {
	{ "check", "FILE...", 1, INT_MAX, opts_state, run_check,
	  "Read and judge policies, without privilege", NULL },
	{ "plan", "FILE|IFACE", 1, 1, opts_plan, run_plan,
	  "Print what apply would change, and change nothing", NULL },
	{ "apply", "FILE|IFACE|--all", 0, 1, opts_apply, run_apply,
	  "Make an interface follow its policy", NULL },
	{ "show", "[IFACE]", 0, 1, opts_state, run_show,
	  "Show the tree of classes, and what each sends now", NULL },
	{ "stats", "[IFACE]", 0, 1, opts_stats, run_stats,
	  "Print what each class sent, dropped and waited", NULL },
	{ "top", "[IFACE]", 0, 1, opts_top, run_top,
	  "Follow the classes on the whole screen", NULL },
	{ "flows", "IFACE", 1, 1, opts_flows, run_flows,
	  "Print the flows that send now: class, rate, delay", NULL },
	{ "explain", "FILE|IFACE PACKET", 1, INT_MAX, opts_explain, run_explain,
	  "Say which class and rule take a packet, and why", forms_explain },
	{ "monitor", "[IFACE...]", 0, INT_MAX, opts_monitor, run_monitor,
	  "Print drops and marks as they happen", NULL },
	{ "set", "IFACE CLASS K=V...", 3, INT_MAX, opts_set, run_set,
	  "Change numbers of a class, perhaps for a while", forms_set },
	{ "unset", "IFACE [CLASS...]", 1, INT_MAX, opts_state, run_unset,
	  "Go back to what the policy says", forms_unset },
	{ "schedule", "ACTION IFACE...", 2, 3, opts_schedule, run_schedule,
	  "install, remove, list or run the policy's schedules", forms_schedule },
	{ "remove", "IFACE|--all", 0, 1, opts_remove, run_remove,
	  "Stop shaping and put back what was there before", NULL },
	{ "doctor", "[IFACE]", 0, 1, opts_state, run_doctor,
	  "Check what this kernel and an interface can do", NULL },
	{ "help", "[VERB]", 0, 1, opts_help, run_help,
	  "Print this help, or that of a verb", NULL },
};

static const struct opt opts_main[] = {
	HELP,
	{ OPT_VERSION, 'V', "version", NULL, "print the version" },
	{},
};

/* clang-format on */

/* The command line before its verb. */
static const struct verb no_verb = { .name = "", .opts = opts_main };

static void print_help(void)
{
	puts("Usage: qosctl VERB [OPTION]... [ARGUMENT]...\n\n"
	     "Shape what a network interface sends.\n\n"
	     "Verbs:");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		printf("  %-8s %-18s  %s\n", verbs[i].name, verbs[i].operands, verbs[i].help);
	help_print_options(opts_main);
	puts("\n"
	     "IFACE's policy is " POLICY_DIR "/IFACE.yaml. Exit status: 0 done, 1 failed,\n"
	     "2 usage or policy error, 3 the kernel or the privileges do not allow it.\n"
	     "More: qosctl VERB --help, qosctl(8), qos-policy(5).");
}

/* Null after it was said that there is none of that name. */
static const struct verb *find_verb(const char *name)
{
	struct nearest nearest = {};

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
		nearest_offer(&nearest, name, verbs[i].name);
	}
	usage_unknown("", "verb", name, nearest.name);
	return NULL;
}

static void run_help(const struct args *args, struct report *report)
{
	const struct verb *verb;

	if (!args->operand_count) {
		print_help();
		return;
	}
	verb = find_verb(args->operands[0]);
	if (verb)
		help_print(verb);
	else
		report_status(report, QOS_INVALID);
}

static void run_options(int argc, char **argv, struct report *report)
{
	struct args args;

	if (args_parse(&no_verb, argc, argv, &args))
		report_status(report, QOS_INVALID);
	else if (args.option[OPT_VERSION])
		printf("qosctl %s\n", qos_version());
	else
		print_help();
}

static void run_verb(int argc, char **argv, struct report *report)
{
	const struct verb *verb = find_verb(argv[0]);
	struct args args;

	if (!verb || args_parse(verb, argc - 1, argv + 1, &args)) {
		report_status(report, QOS_INVALID);
		return;
	}
	report->json = args.option[OPT_JSON];
	if (args.option[OPT_HELP])
		help_print(verb);
	else
		verb->run(&args, report);
}

/*
 * A closed stdin, stdout or stderr would be the number of the next descriptor
 * opened, a netlink socket say, and be written to. In its place comes one that
 * every use of fails.
 */
static void guard_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)!open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int main(int argc, char **argv)
{
	struct report report = { .diags = json_array() };

	guard_standard_streams();
	/* What is begun is done, and said on standard error, also when the reader went away. */
	signal(SIGPIPE, SIG_IGN);
	/* Schedules go by the system's time zone, as cron does, and not by the caller's. */
	unsetenv("TZ");
	/* Names are UTF-8 wherever this runs, as policies are. */
	setlocale(LC_CTYPE, "C.UTF-8");
	if (!privileges_keep(QOS_PRIVILEGES_SHAPE, &report)) {
		/* said */
	} else if (argc < 2) {
		usage_error("", "a verb is missing");
		report_status(&report, QOS_INVALID);
	} else if (argv[1][0] == '-') {
		run_options(argc - 1, argv + 1, &report);
	} else {
		run_verb(argc - 1, argv + 1, &report);
	}
	report_finish(&report);
	return report_exit(&report);
}
