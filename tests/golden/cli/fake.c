// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A libqos that answers with files: what the command prints and returns, apart
 * from what the library does. A document is answers/CALL-IFACE.json (or .txt);
 * where that is not, answers/CALL-IFACE.err holds the status, the errno, the
 * message and the hint, a line each. The Nth of all calls finds those of CALL-IFACE.N
 * before. A policy's file holds lines
 * "interface NAME", "error LINE COLUMN TEXT" and "warning TEXT".
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <qos/qos.h>

struct qos_diags {
	enum qos_status status;
	json_t *list;
};

struct qos_policy {
	char interface[64];
};

struct qos_diags *qos_diags_new(void)
{
	struct qos_diags *diags = calloc(1, sizeof(*diags));

	diags->list = json_array();
	return diags;
}

void qos_diags_free(struct qos_diags *diags)
{
	if (diags)
		json_decref(diags->list);
	free(diags);
}

enum qos_status qos_diags_status(const struct qos_diags *diags)
{
	return diags->status;
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

int qos_diags_text(const struct qos_diags *diags, char **ret_text)
{
	size_t len, i;
	json_t *diag;
	FILE *f = open_memstream(ret_text, &len);

	json_array_foreach(diags->list, i, diag) {
		const char *file = text_of(diag, "file"), *hint = text_of(diag, "hint");

		if (file)
			fprintf(f, "%s:%d:%d: ", file,
				(int)json_integer_value(json_object_get(diag, "line")),
				(int)json_integer_value(json_object_get(diag, "column")));
		fprintf(f, "%s: %s\n", text_of(diag, "severity"), text_of(diag, "message"));
		if (hint)
			fprintf(f, "hint: %s\n", hint);
	}
	fclose(f);
	return 0;
}

int qos_diags_json(const struct qos_diags *diags, char **ret_json)
{
	*ret_json = json_dumps(diags->list, JSON_COMPACT);
	return 0;
}

static void add(struct qos_diags *diags, enum qos_status status, const char *file, int line,
		int column, const char *message, const char *hint)
{
	if (status > diags->status)
		diags->status = status;
	json_array_append_new(diags->list,
			      json_pack("{s:s, s:s?, s:i, s:i, s:s, s:s?}", "severity",
					status ? "error" : "warning", "file", file, "line", line,
					"column", column, "message", message, "hint", hint));
}

int qos_policy_read(const char *path, struct qos_diags *diags, struct qos_policy **ret_policy)
{
	struct qos_policy *policy;
	char line[256], text[256];
	int row, column;
	FILE *f = fopen(path, "r");

	if (!f) {
		snprintf(text, sizeof(text), "cannot read %s: No such file or directory", path);
		add(diags, QOS_FAILED, NULL, 0, 0, text, NULL);
		return -ENOENT;
	}
	policy = calloc(1, sizeof(*policy));
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "error %d %d %255[^\n]", &row, &column, text) == 3)
			add(diags, QOS_INVALID, path, row, column, text, NULL);
		else if (sscanf(line, "warning %255[^\n]", text) == 1)
			add(diags, QOS_OK, NULL, 0, 0, text, NULL);
		else
			sscanf(line, "interface %63[^\n]", policy->interface);
	}
	fclose(f);
	if (diags->status) {
		free(policy);
		return -EINVAL;
	}
	*ret_policy = policy;
	return 0;
}

int qos_policy_read_at(const char *path, time_t when, struct qos_diags *diags,
		       struct qos_policy **ret_policy)
{
	(void)when;
	return qos_policy_read(path, diags, ret_policy);
}

void qos_policy_free(struct qos_policy *policy)
{
	free(policy);
}

const char *qos_policy_interface(const struct qos_policy *policy)
{
	return policy->interface;
}

void qos_policy_judge_file(const struct qos_policy *policy, struct qos_diags *diags)
{
	if (!strcmp(policy->interface, "shared0"))
		add(diags, QOS_OK, NULL, 0, 0, "others can write it: apply refuses the policy",
		    "chmod go-w it");
}

int qos_policy_judge_rules(const struct qos_policy *policy, struct qos_diags *diags)
{
	if (!strcmp(policy->interface, "shared0"))
		add(diags, QOS_OK, "policies/shared.yml", 7, 5, "this rule never matches",
		    "take it out");
	return 0;
}

static FILE *open_answer(const char *call, const char *ifname, const char *suffix)
{
	char path[512];

	snprintf(path, sizeof(path), "answers/%s-%s.%s", call, ifname ? ifname : "all", suffix);
	return fopen(path, "r");
}

static int fail(const char *call, const char *ifname, struct qos_diags *diags)
{
	FILE *f = open_answer(call, ifname, "err");
	char message[256] = "", hint[256] = "";
	int status, error;

	if (!f || fscanf(f, "%d\n%d\n%255[^\n]\n%255[^\n]", &status, &error, message, hint) < 2) {
		fprintf(stderr, "no answer to %s %s\n", call, ifname ? ifname : "");
		abort();
	}
	fclose(f);
	if (*message)
		add(diags, (enum qos_status)status, NULL, 0, 0, message, *hint ? hint : NULL);
	return -error;
}

/* IFACE.N if there is anything for the Nth call, which this is; else IFACE. */
static const char *number_call(const char *call, const char *ifname, const char *suffix)
{
	static char numbered[64];
	static int calls;
	FILE *f;

	snprintf(numbered, sizeof(numbered), "%s.%d", ifname ? ifname : "all", ++calls);
	f = open_answer(call, numbered, suffix);
	f = f ? f : open_answer(call, numbered, "err");
	if (!f)
		return ifname;
	fclose(f);
	return numbered;
}

static int answer(const char *call, const char *ifname, int json, struct qos_diags *diags,
		  char **ret_text)
{
	const char *suffix = json ? "json" : "txt", *name = number_call(call, ifname, suffix);
	FILE *f = open_answer(call, name, suffix);
	size_t room = 0;

	if (!f)
		return fail(call, name, diags);
	if (getdelim(ret_text, &room, '\0', f) < 0)
		**ret_text = '\0';
	fclose(f);
	return 0;
}

int qos_plan(const struct qos_policy *policy, int json, struct qos_diags *diags, char **ret_text)
{
	return answer("plan", policy->interface, json, diags, ret_text);
}

int qos_plan_full(const struct qos_policy *policy, struct qos_diags *diags, char **ret_text)
{
	return answer("full", policy->interface, 0, diags, ret_text);
}

int qos_apply(const struct qos_policy *policy, int json, struct qos_diags *diags, char **ret_text)
{
	return answer("apply", policy->interface, json, diags, ret_text);
}

int qos_remove(const char *ifname, int json, struct qos_diags *diags, char **ret_text)
{
	return answer("remove", ifname, json, diags, ret_text);
}

int qos_set(const char *ifname, const char *class_name, const char *const *settings, size_t count,
	    const char *hold, int json, struct qos_diags *diags, char **ret_text)
{
	fprintf(stderr, "set %s for %s:", class_name, hold ? hold : "ever");
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, " %s", settings[i]);
	fputc('\n', stderr);
	return answer("apply", ifname, json, diags, ret_text);
}

int qos_unset(const char *ifname, const char *class_name, const char *const *keys, size_t count,
	      int json, struct qos_diags *diags, char **ret_text)
{
	fprintf(stderr, "unset %s:", class_name ? class_name : "all");
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, " %s", keys[i]);
	fputc('\n', stderr);
	return answer("apply", ifname, json, diags, ret_text);
}

int qos_schedule_run(const char *ifname, const char *name, int json, struct qos_diags *diags,
		     char **ret_text)
{
	fprintf(stderr, "run %s\n", name);
	return answer("apply", ifname, json, diags, ret_text);
}

int qos_schedule_install(const struct qos_policy *policy, const char *program,
			 struct qos_diags *diags, char **ret_path)
{
	return *program == '/' ? answer("install", policy->interface, 0, diags, ret_path) : -EINVAL;
}

int qos_schedule_uninstall(const char *ifname, struct qos_diags *diags, char **ret_path)
{
	return answer("install", ifname, 0, diags, ret_path);
}

int qos_schedules(const char *ifname, struct qos_diags *diags, char **ret_json)
{
	return answer("schedules", ifname, 1, diags, ret_json);
}

int qos_show(const char *ifname, struct qos_diags *diags, char **ret_json)
{
	return answer("show", ifname, 1, diags, ret_json);
}

int qos_stats(const char *ifname, struct qos_diags *diags, char **ret_json)
{
	return answer("stats", ifname, 1, diags, ret_json);
}

int qos_rules(const char *ifname, struct qos_diags *diags, char **ret_json)
{
	return answer("rules", ifname, 1, diags, ret_json);
}

int qos_doctor(const char *ifname, struct qos_diags *diags, char **ret_json)
{
	return answer("doctor", ifname, 1, diags, ret_json);
}

/* flows-IFACE-MOST.json */
int qos_flows(const char *ifname, unsigned int most, struct qos_diags *diags, char **ret_json)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-%u", ifname, most);
	return answer("flows", name, 1, diags, ret_json);
}

int qos_explain(const char *ifname, const char *packet, struct qos_diags *diags, char **ret_json)
{
	fprintf(stderr, "explain %s\n", packet);
	return answer("explain", ifname, 1, diags, ret_json);
}

int qos_explain_policy(const struct qos_policy *policy, const char *packet, struct qos_diags *diags,
		       char **ret_json)
{
	return qos_explain(policy->interface, packet, diags, ret_json);
}

/* A packet is a line of packets-IFACE.json. */
int qos_explain_capture(const char *ifname, const char *path, qos_explain_each each, void *arg,
			struct qos_diags *diags, char **ret_json)
{
	FILE *f = open_answer("packets", ifname, "json");
	char *line = NULL;
	size_t room = 0;
	int r = 0;

	fprintf(stderr, "capture %s\n", path);
	while (f && r == 0 && getline(&line, &room, f) > 0)
		r = each(arg, line);
	free(line);
	if (f)
		fclose(f);
	return r < 0 ? r : answer("sums", ifname, 1, diags, ret_json);
}

int qos_explain_policy_capture(const struct qos_policy *policy, const char *path,
			       qos_explain_each each, void *arg, struct qos_diags *diags,
			       char **ret_json)
{
	return qos_explain_capture(policy->interface, path, each, arg, diags, ret_json);
}

/* monitor-IFACE.json holds events, a line each; then nothing is shaped any more. */
struct qos_monitor {
	char *text;
};

int qos_monitor_open(const char *const *ifnames, size_t count,
		     const struct qos_monitor_filter *filter, struct qos_diags *diags,
		     struct qos_monitor **ret_monitor)
{
	struct qos_monitor *monitor = calloc(1, sizeof(*monitor));
	int r;

	fprintf(stderr, "monitor %zu:%s%s sample %u class %s\n", count,
		filter->drops ? " drops" : "", filter->marks ? " marks" : "", filter->sample,
		filter->class_name ? filter->class_name : "all");
	r = answer("monitor", count ? ifnames[0] : NULL, 1, diags, &monitor->text);
	if (r < 0) {
		free(monitor);
		return r;
	}
	*ret_monitor = monitor;
	return 0;
}

int qos_monitor_wait(struct qos_monitor *monitor, int timeout_ms, qos_monitor_fn *fn, void *arg,
		     struct qos_diags *diags)
{
	char *rest = monitor->text;
	int r = 0;

	(void)timeout_ms;
	for (char *line; r == 0 && (line = strsep(&rest, "\n")) && *line;)
		r = fn(line, arg);
	if (r)
		return r;
	add(diags, QOS_FAILED, NULL, 0, 0, "eth0 is not shaped any more", NULL);
	return -ENOENT;
}

void qos_monitor_free(struct qos_monitor *monitor)
{
	if (monitor)
		free(monitor->text);
	free(monitor);
}

int qos_privileges_keep(enum qos_privileges keep, struct qos_diags *diags)
{
	(void)keep;
	(void)diags;
	return 0;
}

const char *qos_version(void)
{
	return "1.2.3";
}
