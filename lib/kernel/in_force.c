/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/in_force.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static void set_done(struct qos_set *set)
{
	free(set->class);
	free(set->key);
	free(set->value);
}

void qos_in_force_done(struct qos_in_force *in_force)
{
	for (size_t i = 0; i < in_force->set_count; i++)
		set_done(&in_force->sets[i]);
	free(in_force->sets);
	free(in_force->path);
	free(in_force->source);
	free(in_force->applied);
	free(in_force->schedule);
}

static struct qos_set *find(const struct qos_in_force *in_force, const struct qos_set *set)
{
	for (size_t i = 0; i < in_force->set_count; i++) {
		struct qos_set *known = &in_force->sets[i];

		if (strcmp(known->class, set->class) == 0 && strcmp(known->key, set->key) == 0)
			return known;
	}
	return NULL;
}

static int append(struct qos_in_force *in_force, struct qos_set **ret_set)
{
	struct qos_set *grown =
		reallocarray(in_force->sets, in_force->set_count + 1, sizeof(*in_force->sets));

	if (!grown)
		return -ENOMEM;
	in_force->sets = grown;
	*ret_set = &grown[in_force->set_count++];
	**ret_set = (struct qos_set){ 0 };
	return 0;
}

int qos_in_force_set(struct qos_in_force *in_force, const struct qos_set *set)
{
	struct qos_set *at = find(in_force, set), copy = *set;
	int r;

	copy.class = strdup(set->class);
	copy.key = strdup(set->key);
	copy.value = strdup(set->value);
	r = copy.class && copy.key && copy.value ? 0 : -ENOMEM;
	if (r == 0 && !at)
		r = append(in_force, &at);
	if (r < 0) {
		set_done(&copy);
		return r;
	}
	set_done(at);
	*at = copy;
	return 0;
}

size_t qos_in_force_unset(struct qos_in_force *in_force, const char *class, const char *key)
{
	size_t kept = 0, count = in_force->set_count;

	for (size_t i = 0; i < count; i++) {
		struct qos_set *set = &in_force->sets[i];

		if ((!class || strcmp(set->class, class) == 0) &&
		    (!key || strcmp(set->key, key) == 0))
			set_done(set);
		else
			in_force->sets[kept++] = *set;
	}
	in_force->set_count = kept;
	return count - kept;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static int read_sets(const json_t *sets, struct qos_in_force *in_force)
{
	const json_t *item;
	size_t i;

	json_array_foreach(sets, i, item) {
		struct qos_set set = {
			.class = (char *)text_of(item, "class"),
			.key = (char *)text_of(item, "key"),
			.value = (char *)text_of(item, "value"),
			.ends = (uint64_t)json_integer_value(json_object_get(item, "ends")),
		};
		int r = qos_in_force_set(in_force, &set);

		if (r < 0)
			return r;
	}
	return 0;
}

static int read_state(const json_t *state, struct qos_in_force *in_force)
{
	const json_t *schedule = json_object_get(state, "schedule");

	in_force->path = strdup(text_of(state, "path"));
	in_force->source = strdup(text_of(state, "source"));
	if (!in_force->path || !in_force->source)
		return -ENOMEM;
	if (*text_of(state, "applied")) {
		in_force->applied = strdup(text_of(state, "applied"));
		if (!in_force->applied)
			return -ENOMEM;
	}
	if (json_is_object(schedule)) {
		in_force->schedule = strdup(text_of(schedule, "name"));
		in_force->since = json_integer_value(json_object_get(schedule, "since"));
		if (!in_force->schedule)
			return -ENOMEM;
	}
	return read_sets(json_object_get(state, "sets"), in_force);
}

int qos_in_force_get(const struct qos_device *device, struct qos_diags *diags,
		     struct qos_in_force *ret_in_force)
{
	_cleanup_(qos_in_force_done) struct qos_in_force in_force = { .path = NULL };
	int r = qos_device_expect_running(device, diags);

	if (r == 0)
		r = read_state(device->running->state, &in_force);
	if (r < 0)
		return r;
	*ret_in_force = in_force;
	in_force = (struct qos_in_force){ .path = NULL };
	return 0;
}
