/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a rule asks of who sends: its cgroup, its user, the mark that was put on the packet. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model/cgroup_path.h"
#include "model/draft.h"

/* Decimal, or hexadecimal after 0x. -EINVAL, -ERANGE. */
static int parse_bits(const char *text, uint32_t *ret)
{
	unsigned int value = 0;
	size_t len;
	int r;

	if (strncmp(text, "0x", 2) != 0) {
		r = value_decimal(text, UINT32_MAX, &value);
		if (r == 0)
			*ret = value;
		return r;
	}
	len = strlen(text + 2);
	if (!len || strspn(text + 2, "0123456789abcdefABCDEF") != len)
		return -EINVAL;
	if (len > 8)
		return -ERANGE;
	*ret = (uint32_t)strtoul(text + 2, NULL, 16);
	return 0;
}

/* VALUE or VALUE/MASK. */
static int parse_mark(const char *text, struct qos_masked *ret)
{
	size_t len = strcspn(text, "/");
	char value[16];
	int r;

	if (len >= sizeof(value))
		return -EINVAL;
	memcpy(value, text, len);
	value[len] = '\0';
	ret->mask = UINT32_MAX;
	r = parse_bits(value, &ret->value);
	return r < 0 || !text[len] ? r : parse_bits(text + len + 1, &ret->mask);
}

/* Each mask costs a look of its own at every packet. */
static bool take_mask(struct draft *draft, const struct qos_node *value, uint32_t mask)
{
	for (size_t i = 0; i < draft->mask_count; i++) {
		if (draft->masks[i] == mask)
			return true;
	}
	if (draft->mask_count == ARRAY_SIZE(draft->masks)) {
		draft_error(draft, value->loc,
			    "with `%s` there are more than %d different masks of `mark`: use one "
			    "mask for what belongs together",
			    value->text, QOS_POLICY_MASKS);
		return false;
	}
	draft->masks[draft->mask_count++] = mask;
	return true;
}

static void read_mark(struct draft *draft, const struct key *key, const struct qos_node *value,
		      void *object)
{
	struct qos_masked mark = { 0 }, *entry;

	if (parse_mark(value->text, &mark) < 0) {
		draft_error(draft, value_place(value),
			    "`%s` is not a mark: `mark` takes numbers of 32 bits, such as 16 or "
			    "0x10, alone or with a mask, such as 0x10/0xff",
			    QOS_BRIEF(value->text));
		return;
	}
	if (!mark.mask) {
		draft_error(draft, value->loc, "`%s` has an empty mask, which every packet matches",
			    value->text);
		return;
	}
	if (mark.value & ~mark.mask) {
		draft_error(draft, value->loc,
			    "`%s` has bits that its mask leaves out, so that no packet matches: "
			    "write `0x%x/0x%x`, or a larger mask",
			    value->text, mark.value & mark.mask, mark.mask);
		return;
	}
	if (!take_mask(draft, value, mark.mask))
		return;
	entry = draft_add(draft, key, object, sizeof(*entry));
	if (entry)
		*entry = mark;
}

void read_marks(struct draft *draft, const struct key *key, const struct qos_node *value,
		void *object)
{
	value_each(draft, key, value, read_mark, object);
}

static void read_uid(struct draft *draft, const struct key *key, const struct qos_node *value,
		     void *object)
{
	const char *text = value->text;
	struct qos_range uid = { 0 }, *entry;

	if (value_range(text, (unsigned int)key->max, &uid) < 0) {
		if (!*text || (text[0] >= '0' && text[0] <= '9') || text[0] == '-') {
			draft_error(draft, value_place(value),
				    "`%s` is not a uid: `uid` takes numbers from 0 to %u, without "
				    "leading zeros, ranges, such as 1000-1999, and names of users",
				    QOS_BRIEF(text), (unsigned int)key->max);
			return;
		}
		if (draft_find_user(draft, text, &uid.min) < 0) {
			draft_error(draft, value->loc,
				    "`%s` is not a user of this machine: for one that it does not "
				    "know, write the number",
				    QOS_BRIEF(text));
			return;
		}
		uid.max = uid.min;
	}
	if (!value_in_order(draft, value, &uid))
		return;
	entry = draft_add(draft, key, object, sizeof(*entry));
	if (entry)
		*entry = uid;
}

void read_uids(struct draft *draft, const struct key *key, const struct qos_node *value,
	       void *object)
{
	value_each(draft, key, value, read_uid, object);
}

/* Why a path without its outer slashes is none, or null. */
static const char *bad_component(const char *path, size_t len)
{
	for (size_t at = 0, next; at <= len; at = next + 1) {
		next = at + strcspn(path + at, "/");
		next = next < len ? next : len;
		if (next == at)
			return "a part that is empty";
		if (next - at == 1 && path[at] == '.')
			return "a part `.`";
		if (next - at == 2 && strncmp(path + at, "..", 2) == 0)
			return "a part `..`";
	}
	return memchr(path, '\n', len) ? "a line break" : NULL;
}

static bool is_path(struct draft *draft, const struct qos_node *value, const char *path, size_t len)
{
	const char *bad, *what, *within = qos_cgroup_path_in(value->text, &what);

	if (!len || (within && strcmp(within, "/") == 0)) {
		draft_error(draft, value_place(value),
			    "`%s` is no cgroup below the root: write a path such as "
			    "system.slice/nginx.service",
			    QOS_BRIEF(value->text));
		return false;
	}
	if (within) {
		draft_error(draft, value->loc,
			    "`%s` is %s: write the path from the root of cgroup v2, `%s`",
			    QOS_BRIEF(value->text), what, QOS_BRIEF(within));
		return false;
	}
	if (len >= QOS_CGROUP_PATH) {
		draft_error(draft, value->loc,
			    "`%s` is longer than %d bytes: name a cgroup above it",
			    QOS_BRIEF(value->text), QOS_CGROUP_PATH - 1);
		return false;
	}
	if (qos_cgroup_levels(path, len) > QOS_CGROUP_LEVELS) {
		draft_error(draft, value->loc,
			    "`%s` is more than %d levels deep: name a cgroup above it",
			    QOS_BRIEF(value->text), QOS_CGROUP_LEVELS);
		return false;
	}
	bad = bad_component(path, len);
	if (bad)
		draft_error(draft, value->loc,
			    "`%s` has %s: write the path as /proc/PID/cgroup has it",
			    QOS_BRIEF(value->text), bad);
	return !bad;
}

static void read_cgroup(struct draft *draft, const struct key *key, const struct qos_node *value,
			void *object)
{
	const char *path = value->text + (value->text[0] == '/');
	size_t len = strlen(path);
	_cleanup_(freep) char *copy = NULL;
	char **entry;

	if (len && path[len - 1] == '/')
		len--;
	if (!is_path(draft, value, path, len))
		return;
	copy = strndup(path, len);
	if (!copy) {
		draft->no_memory = true;
		return;
	}
	entry = draft_add(draft, key, object, sizeof(*entry));
	if (entry)
		*entry = TAKE_PTR(copy);
}

void read_cgroups(struct draft *draft, const struct key *key, const struct qos_node *value,
		  void *object)
{
	value_each(draft, key, value, read_cgroup, object);
}
