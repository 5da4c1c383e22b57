/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kernel/bpf_tables.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/cleanup.h"

struct qos_tables_room qos_tables_room(const struct qos_tables *t, size_t rules)
{
	return (struct qos_tables_room){
		.entries = t->words * QOS_RULE_BLOCK,
		.rules = (uint32_t)rules + 1,
		.sets = (uint32_t)t->set_count,
		.set_words = qos_set_words(t->words),
		.values = (uint32_t)t->value_count / QOS_VALUES,
		.nodes = (uint32_t)t->node_count,
		.cgroups = (uint32_t)t->cgroup_count,
	};
}

static int resize(const struct bpf_object *obj, const char *name, uint32_t entries)
{
	return bpf_map__set_max_entries(bpf_object__find_map_by_name(obj, name),
					entries ? entries : 1);
}

int qos_tables_configure(const struct bpf_object *obj, const struct qos_tables_room *room)
{
	/* those that are, and were when the program was loaded; and some that are gone */
	uint32_t ids = room->cgroups ? 2 * room->cgroups + QOS_CGROUPS_GONE : 0;
	const struct {
		const char *name;
		uint32_t entries;
	} maps[] = {
		{ "qos_rules", room->entries },	      { "qos_hits", room->rules },
		{ "qos_sets", room->sets },	      { "qos_values", room->values },
		{ "qos_ranges", room->nodes },	      { "qos_cgroups", ids },
		{ "qos_cgroup_path", room->cgroups },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(maps); i++)
		r = resize(obj, maps[i].name, maps[i].entries);
	if (r < 0)
		return r;
	return bpf_map__set_value_size(bpf_object__find_map_by_name(obj, "qos_sets"),
				       (room->set_words ? room->set_words : 1) * sizeof(uint64_t));
}

/* An array's values at once, by its memory: many, and in no order that matters. */
static int write_array(int fd, const void *values, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len = (bytes + page - 1) / page * page;
	void *map;

	if (!bytes)
		return 0;
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -errno;
	memcpy(map, values, bytes);
	return munmap(map, len) ? -errno : 0;
}

static int put_entries(int fd, const struct qos_tables *t, const uint32_t *slots)
{
	uint32_t count = t->words * QOS_RULE_BLOCK;
	_cleanup_(freep) uint32_t *keys = calloc(count + 1, sizeof(*keys));
	_cleanup_(freep) struct qos_entry *entries = calloc(count + 1, sizeof(*entries));

	if (!keys || !entries)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t slot = QOS_DECIDED_SLOT(t->decided[i]);

		keys[i] = i;
		entries[i].skip = t->skip[i / QOS_RULE_BLOCK];
		entries[i].decided = t->decided[i];
		if (slot && slot != QOS_DROP_SLOT)
			entries[i].decided =
				QOS_DECIDED(slots[slot - 1], QOS_DECIDED_RULE(t->decided[i]));
	}
	return count && bpf_map_update_batch(fd, keys, entries, &count, NULL) ? -errno : 0;
}

int qos_tables_fill(const struct bpf_object *obj, const struct qos_tables *t, const uint32_t *slots)
{
	int r = put_entries(bpf_object__find_map_fd_by_name(obj, "qos_rules"), t, slots);

	if (r == 0)
		r = write_array(bpf_object__find_map_fd_by_name(obj, "qos_sets"), t->sets,
				t->set_count * qos_set_words(t->words) * sizeof(*t->sets));
	if (r == 0)
		r = write_array(bpf_object__find_map_fd_by_name(obj, "qos_values"), t->values,
				t->value_count * sizeof(*t->values));
	if (r == 0)
		r = write_array(bpf_object__find_map_fd_by_name(obj, "qos_ranges"), t->nodes,
				t->node_count * sizeof(*t->nodes));
	return r;
}

int qos_tables_freeze(const struct bpf_object *obj)
{
	static const char *const names[] = { "qos_rules", "qos_sets", "qos_values", "qos_ranges" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (bpf_map_freeze(bpf_object__find_map_fd_by_name(obj, names[i])))
			return -errno;
	return 0;
}
