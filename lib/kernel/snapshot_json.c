/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A snapshot as JSON; options as the kernel gave them, in hexadecimal. */
#include "kernel/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* An attribute's length is 16 bits. */
#define OPTIONS_MAX 0xffff

static char *hex_encode(const struct qos_tc_blob *blob)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *data = blob->data;
	char *hex = malloc(blob->len * 2 + 1);

	if (!hex)
		return NULL;
	for (size_t i = 0; i < blob->len; i++) {
		hex[2 * i] = digits[data[i] >> 4];
		hex[2 * i + 1] = digits[data[i] & 15];
	}
	hex[blob->len * 2] = '\0';
	return hex;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static int hex_decode(const char *hex, struct qos_tc_blob *ret_blob)
{
	size_t len = strlen(hex) / 2;
	_cleanup_(freep) uint8_t *data = NULL;

	if (strlen(hex) % 2 || len > OPTIONS_MAX)
		return -EBADMSG;
	data = malloc(len + 1);
	if (!data)
		return -ENOMEM;

	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EBADMSG;
		data[i] = (uint8_t)(high << 4 | low);
	}

	*ret_blob = (struct qos_tc_blob){ .data = TAKE_PTR(data), .len = len, .present = true };
	return 0;
}

static json_t *qdisc_to_json(const struct qos_qdisc *qdisc)
{
	_cleanup_(freep) char *hex = NULL;

	if (qdisc->options.present) {
		hex = hex_encode(&qdisc->options);
		if (!hex)
			return NULL;
	}
	return json_pack("{s:s, s:I, s:I, s:b, s:s?}", "kind", qdisc->kind, "handle",
			 (json_int_t)qdisc->handle, "parent", (json_int_t)qdisc->parent, "stab",
			 qdisc->has_stab, "options", hex);
}

static int qdiscs_to_json(const struct qos_qdiscs *qdiscs, json_t **ret_json)
{
	_cleanup_(json_decrefp) json_t *array = json_array();

	if (!array)
		return -ENOMEM;
	for (size_t i = 0; i < qdiscs->count; i++)
		if (json_array_append_new(array, qdisc_to_json(&qdiscs->items[i])) < 0)
			return -ENOMEM;

	*ret_json = TAKE_PTR(array);
	return 0;
}

int qos_snapshot_to_json(const struct qos_snapshot *snapshot, json_t **ret_json)
{
	_cleanup_(json_decrefp) json_t *qdiscs = NULL;
	_cleanup_(json_decrefp) json_t *classes = NULL;
	json_t *json;
	int r;

	r = qdiscs_to_json(&snapshot->qdiscs, &qdiscs);
	if (r < 0)
		return r;
	r = qdiscs_to_json(&snapshot->classes, &classes);
	if (r < 0)
		return r;

	json = json_pack("{s:O, s:O, s:b, s:b, s:I, s:I}", "qdiscs", qdiscs, "classes", classes,
			 "filters", snapshot->has_filters, "clsact", snapshot->had_clsact,
			 "gso_max_size", (json_int_t)snapshot->gso_max_size, "gso_ipv4_max_size",
			 (json_int_t)snapshot->gso_ipv4_max_size);
	if (!json)
		return -ENOMEM;

	*ret_json = json;
	return 0;
}

static bool is_u32(json_int_t value)
{
	return value >= 0 && value <= UINT32_MAX;
}

static int qdisc_from_json(const json_t *json, struct qos_qdisc *ret_qdisc)
{
	struct qos_qdisc qdisc = { .handle = 0 };
	const char *kind;
	json_t *options;
	json_int_t handle, parent;
	int stab, r = 0;

	if (json_unpack((json_t *)json, "{s:s, s:I, s:I, s:b, s:o}", "kind", &kind, "handle",
			&handle, "parent", &parent, "stab", &stab, "options", &options) < 0)
		return -EBADMSG;
	if (!is_u32(handle) || !is_u32(parent) || strlen(kind) >= sizeof(qdisc.kind))
		return -EBADMSG;

	if (json_is_string(options))
		r = hex_decode(json_string_value(options), &qdisc.options);
	else if (!json_is_null(options))
		r = -EBADMSG;
	if (r < 0)
		return r;
	qdisc.handle = (uint32_t)handle;
	qdisc.parent = (uint32_t)parent;
	qdisc.has_stab = stab;
	snprintf(qdisc.kind, sizeof(qdisc.kind), "%s", kind);

	*ret_qdisc = qdisc;
	return 0;
}

/* Fills a snapshot's own list, which is freed with it whatever happens. */
static int qdiscs_from_json(const json_t *array, struct qos_qdiscs *qdiscs)
{
	const json_t *entry;
	size_t i;

	if (!json_is_array(array))
		return -EBADMSG;
	qdiscs->items = calloc(json_array_size(array) + 1, sizeof(*qdiscs->items));
	if (!qdiscs->items)
		return -ENOMEM;

	json_array_foreach(array, i, entry) {
		int r = qdisc_from_json(entry, &qdiscs->items[i]);

		if (r < 0)
			return r;
		qdiscs->count++;
	}
	return 0;
}

int qos_snapshot_from_json(const json_t *json, struct qos_snapshot **ret_snapshot)
{
	_cleanup_(qos_snapshot_freep) struct qos_snapshot *snapshot = calloc(1, sizeof(*snapshot));
	int filters, clsact, r;
	json_t *qdiscs, *classes;
	json_int_t gso, gso_ipv4;

	if (!snapshot)
		return -ENOMEM;
	if (json_unpack((json_t *)json, "{s:o, s:o, s:b, s:b, s:I, s:I}", "qdiscs", &qdiscs,
			"classes", &classes, "filters", &filters, "clsact", &clsact, "gso_max_size",
			&gso, "gso_ipv4_max_size", &gso_ipv4) < 0)
		return -EBADMSG;
	if (!is_u32(gso) || !is_u32(gso_ipv4))
		return -EBADMSG;

	snapshot->has_filters = filters;
	snapshot->had_clsact = clsact;
	snapshot->gso_max_size = (uint32_t)gso;
	snapshot->gso_ipv4_max_size = (uint32_t)gso_ipv4;
	r = qdiscs_from_json(qdiscs, &snapshot->qdiscs);
	if (r < 0)
		return r;
	r = qdiscs_from_json(classes, &snapshot->classes);
	if (r < 0)
		return r;

	*ret_snapshot = TAKE_PTR(snapshot);
	return 0;
}
