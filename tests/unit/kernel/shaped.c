/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "shaped.h"

#include <bpf/bpf.h>

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/bpffs.h"
#include "kernel/clsact.h"

int shaped_setup(void **state)
{
	(void)state;
	if (geteuid() != 0)
		return 0;
	return unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	       mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL);
}

struct qos_policy *policy_at(const char *path, const char *ifname, const char *text)
{
	struct qos_diags *diags = qos_diags_new();
	struct qos_policy *policy = NULL;
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file, "interface: %s\n%s", ifname, text);
	assert_int_equal(fclose(file), 0);
	if (qos_policy_read(path, diags, &policy) < 0)
		fail_msg("%s", diags_text(diags));
	unlink(path);
	qos_diags_free(diags);
	return policy;
}

/* Several of these programs run at the same time. */
static struct qos_policy *own_policy(const char *ifname, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "/run/qk-%d.yaml", (int)getpid());
	return policy_at(path, ifname, text);
}

int apply(struct env *env, const char *ifname, const char *text, char **ret_changes)
{
	_cleanup_(policy_freep) struct qos_policy *policy = own_policy(ifname, text);

	return qos_apply(policy, 0, env->diags, ret_changes);
}

void apply_changes(struct env *env, const char *ifname, const char *text, bool changes)
{
	_cleanup_(freep) char *said = NULL, *why = NULL;

	if (apply(env, ifname, text, &said) < 0) {
		why = diags_text(env->diags);
		fail_msg("%s", why);
	}
	if (!*said == changes)
		fail_msg("changes: \"%s\"", said);
}

void apply_heals(struct env *env, const char *ifname, const char *text)
{
	_cleanup_(policy_freep) struct qos_policy *policy = own_policy(ifname, text);
	_cleanup_(freep) char *planned = NULL, *done = NULL;

	assert_int_equal(qos_plan(policy, 0, env->diags, &planned), 0);
	assert_string_not_equal(planned, "");
	assert_int_equal(qos_apply(policy, 0, env->diags, &done), 0);
	assert_string_equal(planned, done);
	apply_changes(env, ifname, text, false);
}

void remove_from(struct env *env, const char *ifname)
{
	_cleanup_(freep) char *said = NULL, *why = NULL;

	if (qos_remove(ifname, 0, env->diags, &said) < 0) {
		why = diags_text(env->diags);
		fail_msg("%s", why);
	}
}

int filters_of(const char *ifname)
{
	_cleanup_(freep) char *text = output_of("tc filter show dev %s egress", ifname);
	int count = 0;

	for (const char *p = text; (p = strstr(p, "direct-action")); p++)
		count++;
	return count;
}

uint32_t attached_program(struct env *env)
{
	_cleanup_(qos_filters_done) struct qos_filters filters = { .items = NULL };
	const struct qos_filter *ours;

	assert_int_equal(qos_filters_get(env->nl, &env->link, env->diags, &filters), 0);
	ours = qos_filters_ours(&filters);
	return ours ? ours->prog_id : 0;
}

static char *pins_of(const char *ifname)
{
	char *dir = NULL;

	assert_int_equal(qos_bpffs_path(ifname, NULL, &dir), 0);
	return dir;
}

bool has_pins(const char *ifname)
{
	_cleanup_(freep) char *dir = pins_of(ifname), *pin = NULL;

	assert_true(asprintf(&pin, "%s/qos_egress", dir) > 0);
	return access(pin, F_OK) == 0;
}

void apply_fails(struct env *env, const char *text, const char *why, uint32_t program)
{
	_cleanup_(freep) char *said = NULL, *changes = NULL;

	assert_true(apply(env, DEV, text, &changes) < 0);
	assert_null(changes);
	said = diags_text(env->diags);
	assert_contains(said, why);
	assert_int_equal(attached_program(env), program);
	qos_diags_free(env->diags);
	env->diags = qos_diags_new();
}

void block_pins(bool block)
{
	_cleanup_(freep) char *dir = pins_of(DEV), *below = NULL;

	assert_true(asprintf(&below, "%s/other", dir) > 0);
	if (block) {
		assert_int_equal(qos_bpffs_make(dir, NULL), 0);
		assert_int_equal(mkdir(below, 0700), 0);
	} else {
		assert_int_equal(rmdir(below), 0);
	}
}

char *root_qdisc(void)
{
	return output_of("tc qdisc show dev " DEV " | grep -v clsact | sort");
}

struct qos_device *running_device(struct env *env)
{
	struct qos_device *device = NULL;

	assert_int_equal(qos_device_open(DEV, NULL, env->diags, &device), 0);
	assert_non_null(device->running);
	return device;
}

uint32_t running_program(struct env *env)
{
	_cleanup_(qos_device_closep) struct qos_device *device = running_device(env);

	return device->running->prog_id;
}

struct qos_class_cfg running_class(struct env *env, const char *name)
{
	_cleanup_(qos_device_closep) struct qos_device *device = running_device(env);
	struct qos_class_cfg cfg;
	int slot = *name ? qos_bpf_slot(device->running->state, name) : QOS_SLOT_LINK;

	assert_true(slot >= 0);
	assert_int_equal(bpf_map_lookup_elem(device->running->classes_fd, &slot, &cfg), 0);
	return cfg;
}
