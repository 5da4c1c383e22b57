/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether the file that was applied still says what is in force, and who can change that. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/cleanup.h"
#include "kernel/check.h"
#include "kernel/crontab.h"
#include "kernel/privileges.h"
#include "kernel/probe.h"

/* What to do, the caller's; null: there is no memory. */
__attribute__((format(printf, 1, 2))) static char *print_hint(const char *format, ...)
{
	char *hint = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&hint, format, args) < 0)
		hint = NULL;
	va_end(args);
	return hint;
}

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

static bool is_newer(const char *path, const char *applied)
{
	_raised_ uint64_t raised = qos_kernel_raise_to_read(path);
	struct tm tm = { .tm_isdst = 0 };
	struct stat st;

	return stat(path, &st) == 0 && strptime(applied, "%Y-%m-%dT%H:%M:%SZ", &tm) &&
	       st.st_mtime > timegm(&tm);
}

static int probe_writers(const struct qos_probe_file *file, json_t *checks)
{
	if (file->writers)
		return qos_check_add(checks, "writers", QOS_CHECK_FAIL, file->writers_hint,
				     "apply refuses the policy: %s", file->writers);
	return qos_check_add(checks, "writers", QOS_CHECK_OK, NULL,
			     "nobody but root can write the policy");
}

/* Its plan is what is in force now. Not so what is hidden by the schedule that holds. */
static int probe_text(const struct qos_probe_file *file, json_t *checks)
{
	_cleanup_(freep) char *hint = NULL;

	hint = print_hint("qosctl apply %s", file->path);
	if (!hint)
		return -ENOMEM;
	return qos_check_add(checks, "policy", QOS_CHECK_WARN, hint,
			     "%s was changed since it was applied: its plan is the same, but "
			     "schedules and set still begin from what was applied",
			     file->path);
}

static int probe_content(const struct qos_probe_file *file, json_t *checks)
{
	bool newer = is_newer(file->path, file->applied);
	_cleanup_(freep) char *hint = NULL;
	size_t changes = count_lines(file->changes);

	if (!changes && file->read)
		return qos_check_add(checks, "policy", QOS_CHECK_OK, NULL, "%s is in force",
				     file->path);
	if (!changes)
		return probe_text(file, checks);
	hint = print_hint("'qosctl plan %s' shows what, 'qosctl apply %s' does it", file->path,
			  file->path);
	if (!hint)
		return -ENOMEM;
	return qos_check_add(checks, "policy", QOS_CHECK_WARN, hint,
			     newer ? "%s was changed after it was applied: its plan differs in "
				     "%zu line%s" :
				     "%s is not what was applied: its plan differs in %zu line%s",
			     file->path, changes, changes == 1 ? "" : "s");
}

int qos_probe_schedules(const char *ifname, const char *state, json_t *checks)
{
	_cleanup_(freep) char *hint = NULL;

	if (strcmp(state, "installed") == 0)
		return qos_check_add(checks, "schedules", QOS_CHECK_OK, NULL,
				     "cron knows the policy's schedules");
	hint = print_hint("qosctl schedule install %s", ifname);
	if (!hint)
		return -ENOMEM;
	return qos_check_add(checks, "schedules", QOS_CHECK_WARN, hint,
			     "the policy's schedules are %s: cron does not begin them as it says",
			     state);
}

int qos_probe_stray_jobs(const char *ifname, const char *why, json_t *checks)
{
	_cleanup_(freep) char *hint = NULL;

	hint = print_hint("qosctl schedule remove %s", ifname);
	if (!hint)
		return -ENOMEM;
	return qos_check_add(checks, "schedules", QOS_CHECK_WARN, hint,
			     "cron has jobs that begin schedules, but %s", why);
}

/* The job does nothing, and nobody hears of it, where qosctl was moved or another one installed. */
static int probe_gone(const char *ifname, const char *program, json_t *checks)
{
	_cleanup_(freep) char *hint = NULL;

	hint = print_hint("qosctl schedule install %s", ifname);
	if (!hint)
		return -ENOMEM;
	return qos_check_add(checks, "crontab", QOS_CHECK_WARN, hint,
			     "cron begins no schedule: %s is gone", program);
}

int qos_probe_crontab(const char *ifname, struct qos_diags *diags, json_t *checks)
{
	_cleanup_(qos_trust_done) struct qos_trust trust = { .why = NULL };
	_cleanup_(freep) char *program = NULL;
	int r = qos_crontab_judge(ifname, diags, &trust);

	if (r == 0 && !trust.why) {
		r = qos_crontab_judge_program(ifname, diags, &program, &trust);
		if (r == -ENOENT && program)
			return probe_gone(ifname, program, checks);
		r = r == -ENOENT ? 0 : r;
	}
	if (r < 0 || !qos_trust_matters())
		return r == -ENOMEM ? r : 0;
	if (trust.why)
		return qos_check_add(checks, "crontab", QOS_CHECK_FAIL, trust.hint,
				     "cron runs as root what others may have written: %s",
				     trust.why);
	return qos_check_add(checks, "crontab", QOS_CHECK_OK, NULL,
			     "nobody but root can write what cron runs");
}

/* As after one of them was renamed. */
static int probe_other(const struct qos_probe_file *file, json_t *checks)
{
	_cleanup_(freep) char *hint = NULL;

	hint = print_hint("write 'interface: %s' into it, then 'qosctl apply %s'", file->ifname,
			  file->path);
	if (!hint)
		return -ENOMEM;
	return qos_check_add(checks, "policy", QOS_CHECK_WARN, hint,
			     "%s names the interface %s, not %s: nothing brings back "
			     "what is in force",
			     file->path, file->other, file->ifname);
}

int qos_probe_file(const struct qos_probe_file *file, json_t *checks)
{
	_cleanup_(freep) char *hint = NULL;
	int r;

	if (file->error == -ENOENT)
		return qos_check_add(checks, "policy", QOS_CHECK_WARN,
				     "write it anew, 'qosctl apply' it from where it is now, or "
				     "'qosctl remove'",
				     "%s is gone: nothing brings back what is in force when the "
				     "system starts",
				     file->path);
	if (file->other)
		return probe_other(file, checks);
	if (file->error < 0) {
		hint = print_hint("qosctl check %s", file->path);
		if (!hint)
			return -ENOMEM;
		return qos_check_add(checks, "policy", QOS_CHECK_WARN, hint,
				     "%s cannot be applied again: what is in force is older",
				     file->path);
	}
	r = probe_content(file, checks);
	return r < 0 || !file->judged ? r : probe_writers(file, checks);
}
