/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Changes of what is in force: values put over the policy's, and schedules that begin. */
#include <qos/qos.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api.h"
#include "base/cleanup.h"
#include "base/units.h"
#include "compile/plan.h"
#include "kernel/apply.h"
#include "kernel/expiry.h"
#include "kernel/in_force.h"
#include "model/policy.h"
#include "parse/doc.h"

#define NS_PER_SEC 1000000000ULL

DEFINE_CLEANUP(struct qos_device *, devicep, qos_kernel_close)
DEFINE_CLEANUP(struct qos_node *, nodep, qos_node_free)
DEFINE_CLEANUP(struct qos_policy *, policyp, qos_policy_free)
DEFINE_CLEANUP(struct qos_diags *, diagsp, qos_diags_free)

/* A plan, and what it points into. */
struct version {
	struct qos_set *sets;
	struct qos_policy *policy;
	struct qos_plan *plan;
};

static void version_done(struct version *version)
{
	qos_plan_free(version->plan);
	qos_policy_free(version->policy);
	free(version->sets);
}

/* What is to be in force, and what that turns into by itself. */
struct future {
	struct version now, then[QOS_EXPIRIES];
	struct qos_plan_step steps[QOS_EXPIRIES];
	size_t count;
};

static void future_done(struct future *future)
{
	version_done(&future->now);
	for (size_t i = 0; i < future->count; i++)
		version_done(&future->then[i]);
}

/* The sets that still hold after a time. */
static int sets_after(const struct qos_in_force *in_force, uint64_t time, struct qos_set **ret_sets,
		      size_t *ret_count)
{
	_cleanup_(freep) struct qos_set *sets = calloc(in_force->set_count + 1, sizeof(*sets));
	size_t count = 0;

	if (!sets)
		return -ENOMEM;
	for (size_t i = 0; i < in_force->set_count; i++) {
		if (!in_force->sets[i].ends || in_force->sets[i].ends > time)
			sets[count++] = in_force->sets[i];
	}
	*ret_sets = TAKE_PTR(sets);
	*ret_count = count;
	return 0;
}

/* What everything is made of. */
struct basis {
	const struct qos_in_force *in_force;
	struct qos_node *root;
	struct qos_policy *policy; /* without what is put over it */
	const struct qos_schedule *schedule;
};

static void basis_done(struct basis *basis)
{
	qos_policy_free(basis->policy);
	qos_node_free(basis->root);
}

static const struct qos_schedule *find_schedule(const struct qos_policy *policy, const char *name)
{
	for (size_t i = 0; name && i < policy->schedule_count; i++) {
		if (strcmp(policy->schedules[i].name, name) == 0)
			return &policy->schedules[i];
	}
	return NULL;
}

static int read_basis(const struct qos_in_force *in_force, struct qos_diags *diags,
		      struct basis *basis)
{
	int r = api_read_in_force(in_force, diags, &basis->root, &basis->policy);

	if (r < 0)
		return r;
	basis->in_force = in_force;
	basis->schedule = find_schedule(basis->policy, in_force->schedule);
	if (basis->schedule || !in_force->schedule)
		return 0;
	qos_diag(diags, QOS_INVALID, "the policy in force has no schedule `%s`",
		 QOS_BRIEF(in_force->schedule));
	qos_diag_hint(diags, "qosctl schedule list %s; or apply the policy anew",
		      basis->policy->interface);
	return -EINVAL;
}

/* As it is after a time, when some values have ended. */
static int compile_version(const struct basis *basis, uint64_t time, struct qos_diags *diags,
			   struct version *version)
{
	size_t count;
	int r = sets_after(basis->in_force, time, &version->sets, &count);

	if (r == 0)
		r = api_build(basis->root, basis->policy, basis->schedule, basis->in_force->since,
			      version->sets, count, diags, &version->policy);
	if (r < 0)
		return r;
	return qos_plan_compile(version->policy, diags, &version->plan);
}

/* The next time after this one at which a set ends; 0: none does. */
static uint64_t next_end(const struct qos_in_force *in_force, uint64_t time)
{
	uint64_t next = 0;

	for (size_t i = 0; i < in_force->set_count; i++) {
		uint64_t ends = in_force->sets[i].ends;

		if (ends > time && (!next || ends < next))
			next = ends;
	}
	return next;
}

static int compile_future(const struct basis *basis, struct qos_diags *diags, struct future *future)
{
	int r = compile_version(basis, 0, diags, &future->now);
	uint64_t time = 0;

	while (r == 0 && (time = next_end(basis->in_force, time))) {
		if (future->count == QOS_EXPIRIES) {
			qos_diag(diags, QOS_INVALID, "values end at more than %d different times",
				 QOS_EXPIRIES);
			qos_diag_hint(diags, "qosctl unset ends them earlier");
			return -EINVAL;
		}
		future->steps[future->count].at = time;
		r = compile_version(basis, time, diags, &future->then[future->count]);
		future->steps[future->count].plan = future->then[future->count].plan;
		future->count++;
	}
	if (r < 0)
		return r;
	future->now.plan->steps = future->steps;
	future->now.plan->step_count = future->count;
	return 0;
}

/* What is set may not go together with what another schedule sets. */
static void warn_of_schedules(const struct basis *basis, struct qos_diags *diags)
{
	const struct qos_in_force *in_force = basis->in_force;

	for (size_t i = 0; in_force->set_count && i < basis->policy->schedule_count; i++) {
		const struct qos_schedule *schedule = &basis->policy->schedules[i];
		_cleanup_(policyp) struct qos_policy *policy = NULL;
		_cleanup_(diagsp) struct qos_diags *tried = qos_diags_new();

		if (!tried || api_build(basis->root, basis->policy, schedule, 0, in_force->sets,
					in_force->set_count, tried, &policy) != -EINVAL)
			continue;
		qos_diag_warn(diags,
			      "schedule `%s` cannot begin while this is set: it does not fit",
			      schedule->name);
		qos_diag_hint(diags, "qosctl unset %s, before it begins", basis->policy->interface);
	}
}

/* Make the device follow what is to be in force now. */
static int follow(struct qos_device *device, const struct qos_in_force *in_force,
		  struct qos_diags *diags, char **ret_text)
{
	_cleanup_(future_done) struct future future = { .count = 0 };
	_cleanup_(basis_done) struct basis basis = { .root = NULL };
	int r = read_basis(in_force, diags, &basis);

	if (r == 0)
		r = compile_future(&basis, diags, &future);
	if (r == 0)
		r = qos_kernel_apply(device, future.now.plan, diags, ret_text);
	if (r == 0)
		warn_of_schedules(&basis, diags);
	return r;
}

/* What a call changes of what is in force. */
typedef int edit_fn(struct qos_in_force *in_force, const void *arg, struct qos_diags *diags);

static int change(const char *ifname, const char *who, edit_fn *edit, const void *arg,
		  struct qos_diags *diags, char **ret_text)
{
	_cleanup_(qos_in_force_done) struct qos_in_force in_force = { .path = NULL };
	_cleanup_(devicep) struct qos_device *device = NULL;
	int r = qos_kernel_open(ifname, who, diags, &device);

	if (r == 0)
		r = qos_in_force_get(device, diags, &in_force);
	if (r == 0)
		r = edit(&in_force, arg, diags);
	return r < 0 ? r : follow(device, &in_force, diags, ret_text);
}

static int give(int r, const char *ifname, char *text, int json, struct qos_diags *diags,
		char **ret_text)
{
	if (r == 0)
		r = api_give_changes(ifname, text, json, ret_text);
	return api_finish(r, diags);
}

/* --- schedules ------------------------------------------------------------------------------ */

/* Of schedules that cron begins at once, each in a process of its own, one holds: see policy.h. */
#define AT_ONCE_S 60

static const char *begun_with(const struct qos_policy *policy, const char *name, time_t now)
{
	const struct qos_schedule *named = find_schedule(policy, name), *last;
	time_t since, last_since;

	last = qos_policy_schedule_at(policy, now, &last_since);
	if (!named || !last || qos_cron_last(&named->cron, now, &since) < 0)
		return name;
	return since == last_since && now - since < AT_ONCE_S ? last->name : name;
}

static int edit_schedule(struct qos_in_force *in_force, const void *name, struct qos_diags *diags)
{
	_cleanup_(policyp) struct qos_policy *policy = NULL;
	_cleanup_(nodep) struct qos_node *root = NULL;
	time_t now = time(NULL);
	char *schedule;
	int r = api_read_in_force(in_force, diags, &root, &policy);

	if (r < 0)
		return r;
	schedule = strdup(begun_with(policy, name, now));
	if (!schedule)
		return -ENOMEM;
	free(in_force->schedule);
	in_force->schedule = schedule;
	in_force->since = now;
	return 0;
}

int qos_schedule_run(const char *ifname, const char *name, int json, struct qos_diags *diags,
		     char **ret_text)
{
	char *text = NULL;
	int r = change(ifname, "qosctl schedule run", edit_schedule, name, diags, &text);

	return give(r, ifname, text, json, diags, ret_text);
}

/* --- set ------------------------------------------------------------------------------------ */

struct set_arg {
	const char *class;
	const char *const *settings;
	size_t count;
	uint64_t ns; /* 0: until the next apply */
};

/* len: of its key and the sign. */
static bool is_given_before(const struct set_arg *arg, size_t n, size_t len)
{
	for (size_t i = 0; i < n; i++) {
		if (strncmp(arg->settings[i], arg->settings[n], len) == 0)
			return true;
	}
	return false;
}

static int set_one(struct qos_in_force *in_force, const struct set_arg *arg, size_t n,
		   struct qos_diags *diags)
{
	const char *setting = arg->settings[n];
	const char *equals = strchr(setting, '=');
	_cleanup_(freep) char *key = equals ? strndup(setting, (size_t)(equals - setting)) : NULL;
	struct qos_set set = { .class = (char *)arg->class, .key = key };

	if (!equals || equals == setting || !equals[1]) {
		qos_diag(diags, QOS_INVALID, "`%s` is no KEY=VALUE", QOS_BRIEF(setting));
		qos_diag_hint(diags, "rate=5mbit, say");
		return -EINVAL;
	}
	if (!key)
		return -ENOMEM;
	if (is_given_before(arg, n, strlen(key) + 1)) {
		qos_diag(diags, QOS_INVALID, "`%s` is given twice", QOS_BRIEF(key));
		return -EINVAL;
	}
	set.value = (char *)equals + 1;
	if (arg->ns)
		set.ends = qos_expiry_now() + arg->ns;
	return qos_in_force_set(in_force, &set);
}

static int edit_set(struct qos_in_force *in_force, const void *data, struct qos_diags *diags)
{
	const struct set_arg *arg = data;
	int r = 0;

	for (size_t i = 0; r == 0 && i < arg->count; i++)
		r = set_one(in_force, arg, i, diags);
	return r;
}

/* A year: nobody means more, and all sums fit. */
#define HOLD_MAX (366ULL * 86400 * NS_PER_SEC)

static int read_hold(const char *hold, struct qos_diags *diags, uint64_t *ret_ns)
{
	const char *unit = NULL;
	uint64_t ns = 0;
	int r = hold ? qos_parse_duration(hold, &ns, &unit) : 0;

	if (hold && r == 0 && (ns < NS_PER_SEC || ns > HOLD_MAX))
		r = -ERANGE;
	if (r < 0) {
		qos_diag(diags, QOS_INVALID, "`%s` is no time from 1s to a year", QOS_BRIEF(hold));
		if (r == -ENODATA && hold[strspn(hold, "0.")])
			qos_diag_hint(diags, "%ss or %s%s, perhaps?", hold, hold, unit);
		else
			qos_diag_hint(diags, "90s, 30min, 2h or 1d, say");
		return -EINVAL;
	}
	*ret_ns = ns;
	return 0;
}

int qos_set(const char *ifname, const char *class_name, const char *const *settings, size_t count,
	    const char *hold, int json, struct qos_diags *diags, char **ret_text)
{
	struct set_arg arg = { .class = class_name, .settings = settings, .count = count };
	char *text = NULL;
	int r = read_hold(hold, diags, &arg.ns);

	if (r == 0)
		r = change(ifname, "qosctl set", edit_set, &arg, diags, &text);
	return give(r, ifname, text, json, diags, ret_text);
}

/* --- unset ---------------------------------------------------------------------------------- */

struct unset_arg {
	const char *class; /* null: all */
	const char *const *keys;
	size_t count; /* 0: all */
};

static int edit_unset(struct qos_in_force *in_force, const void *data, struct qos_diags *diags)
{
	const struct unset_arg *arg = data;

	if (!arg->count && !qos_in_force_unset(in_force, arg->class, NULL) && arg->class) {
		qos_diag(diags, QOS_FAILED, "nothing of `%s` is set", QOS_BRIEF(arg->class));
		return -ENOENT;
	}
	for (size_t i = 0; i < arg->count; i++) {
		if (qos_in_force_unset(in_force, arg->class, arg->keys[i]))
			continue;
		qos_diag(diags, QOS_FAILED, "`%s` of `%s` is not set", QOS_BRIEF(arg->keys[i]),
			 QOS_BRIEF(arg->class));
		return -ENOENT;
	}
	return 0;
}

int qos_unset(const char *ifname, const char *class_name, const char *const *keys, size_t count,
	      int json, struct qos_diags *diags, char **ret_text)
{
	struct unset_arg arg = { .class = class_name, .keys = keys, .count = count };
	char *text = NULL;
	int r = change(ifname, "qosctl unset", edit_unset, &arg, diags, &text);

	return give(r, ifname, text, json, diags, ret_text);
}
