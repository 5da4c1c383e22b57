/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libyaml's events → tree. Events, not its documents: those have no limits and
 * lose where a key stood.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/utf8.h"
#include "parse/load.h"

/* A list or a map that is not complete. */
struct frame {
	struct qos_node *node;
	struct qos_node **tail;
	char *key; /* read, and its value is not; null: none */
	struct qos_loc key_loc;
};

struct anchor {
	char *name;
	const struct qos_node *node;
};

struct loader {
	yaml_parser_t parser;
	const char *text;
	size_t len;
	struct qos_diags *diags;
	struct qos_node *root;
	struct qos_node *removed; /* kept for the anchors that point to them */
	struct frame frames[DOC_LEVELS];
	size_t depth;
	struct anchor anchors[DOC_ANCHORS];
	size_t anchor_count;
	struct doc_size size;
	size_t documents;
};

static struct qos_loc mark_loc(const yaml_mark_t *mark)
{
	return (struct qos_loc){ .line = (unsigned int)mark->line + 1,
				 .column = (unsigned int)mark->column + 1 };
}

static int refuse(struct loader *loader, const yaml_event_t *event, const char *what)
{
	qos_diag_at(loader->diags, mark_loc(&event->start_mark), "%s", what);
	return -EINVAL;
}

static struct frame *top(struct loader *loader)
{
	return loader->depth ? &loader->frames[loader->depth - 1] : NULL;
}

/* A node gets its place in the tree as soon as it is begun, so that one owner
 * has all. */
static void attach(struct loader *loader, struct qos_node *node)
{
	struct frame *frame = top(loader);

	if (!frame) {
		loader->root = node;
		return;
	}
	node->key = TAKE_PTR(frame->key);
	node->key_loc = frame->key_loc;
	*frame->tail = node;
	frame->tail = &node->next;
}

static bool wants_key(struct loader *loader)
{
	struct frame *frame = top(loader);

	return frame && frame->node->kind == QOS_NODE_MAP && !frame->key;
}

static int set_anchor(struct loader *loader, const yaml_event_t *event, const yaml_char_t *name,
		      const struct qos_node *node)
{
	char *copy;

	if (!name)
		return 0;
	if (loader->anchor_count == DOC_ANCHORS)
		return refuse(loader, event, "more than 256 anchors");
	copy = strdup((const char *)name);
	if (!copy)
		return -ENOMEM;
	loader->anchors[loader->anchor_count++] = (struct anchor){ .name = copy, .node = node };
	return 0;
}

/* The last of that name counts, as YAML has it. */
static const struct qos_node *find_anchor(const struct loader *loader, const char *name)
{
	for (size_t i = loader->anchor_count; i > 0; i--) {
		if (strcmp(loader->anchors[i - 1].name, name) == 0)
			return loader->anchors[i - 1].node;
	}
	return NULL;
}

static bool is_open(const struct loader *loader, const struct qos_node *node)
{
	for (size_t i = 0; i < loader->depth; i++) {
		if (loader->frames[i].node == node)
			return true;
	}
	return false;
}

static int count_node(struct loader *loader, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
	case YAML_ALIAS_EVENT:
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		break;
	default:
		return 0;
	}
	if (++loader->size.nodes > DOC_NODES)
		return refuse(loader, event, "more than 1000000 values: too large for a policy");
	return 0;
}

static int read_alias(struct loader *loader, const yaml_event_t *event)
{
	const char *name = (const char *)event->data.alias.anchor;
	struct qos_loc loc = mark_loc(&event->start_mark);
	const struct qos_node *node = find_anchor(loader, name);
	struct qos_node *copy;
	int r;

	if (wants_key(loader))
		return refuse(loader, event, "an alias cannot be a key: write the key out");
	if (!node) {
		qos_diag_at(loader->diags, loc, "no anchor `&%s` before this alias",
			    QOS_BRIEF(name));
		return -EINVAL;
	}
	if (is_open(loader, node)) {
		qos_diag_at(loader->diags, loc, "`*%s` stands for what it is itself a part of",
			    QOS_BRIEF(name));
		return -EINVAL;
	}
	r = doc_node_copy(node, loader->depth + 1, &loader->size, &copy);
	if (r == -E2BIG)
		return refuse(loader, event, "too large or too deep with this alias expanded");
	if (r < 0)
		return r;
	attach(loader, copy);
	return 0;
}

static void read_tag(struct loader *loader, const yaml_event_t *event, const yaml_char_t *tag)
{
	if (tag)
		qos_diag_at(loader->diags, mark_loc(&event->start_mark),
			    "tags (`!!str` and the like) are not supported");
}

static int read_scalar(struct loader *loader, const yaml_event_t *event)
{
	const char *value = (const char *)event->data.scalar.value;
	struct frame *frame = top(loader);
	struct qos_node *node;
	char *text;

	if (memchr(value, '\0', event->data.scalar.length))
		return refuse(loader, event, "a NUL character in a text");
	read_tag(loader, event, event->data.scalar.tag);
	text = strdup(value);
	if (!text)
		return -ENOMEM;
	if (wants_key(loader)) {
		frame->key = text;
		frame->key_loc = mark_loc(&event->start_mark);
		return set_anchor(loader, event, event->data.scalar.anchor, NULL);
	}

	node = doc_node_new(QOS_NODE_SCALAR, mark_loc(&event->start_mark));
	if (!node) {
		free(text);
		return -ENOMEM;
	}
	node->text = text;
	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	attach(loader, node);
	return set_anchor(loader, event, event->data.scalar.anchor, node);
}

static int open_node(struct loader *loader, const yaml_event_t *event, enum qos_node_kind kind,
		     const yaml_char_t *anchor, const yaml_char_t *tag)
{
	struct qos_node *node;

	if (wants_key(loader))
		return refuse(loader, event, "a key has to be a text");
	if (loader->depth == DOC_LEVELS)
		return refuse(loader, event, "nested more than 64 levels deep");
	read_tag(loader, event, tag);
	node = doc_node_new(kind, mark_loc(&event->start_mark));
	if (!node)
		return -ENOMEM;
	attach(loader, node);
	loader->frames[loader->depth++] = (struct frame){ .node = node, .tail = &node->first };
	return set_anchor(loader, event, anchor, node);
}

static int close_node(struct loader *loader)
{
	struct qos_node *node = top(loader)->node;

	loader->depth--;
	return node->kind == QOS_NODE_MAP ? doc_map_prune(node, loader->diags, &loader->removed) :
					    0;
}

/* 1: that was the last event. */
static int read_event(struct loader *loader, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_STREAM_END_EVENT:
		return 1;
	case YAML_DOCUMENT_START_EVENT:
		if (!loader->documents++)
			return 0;
		refuse(loader, event, "a second document (`---`): a policy file has one");
		return 1;
	case YAML_SCALAR_EVENT:
		return read_scalar(loader, event);
	case YAML_ALIAS_EVENT:
		return read_alias(loader, event);
	case YAML_SEQUENCE_START_EVENT:
		return open_node(loader, event, QOS_NODE_LIST, event->data.sequence_start.anchor,
				 event->data.sequence_start.tag);
	case YAML_MAPPING_START_EVENT:
		return open_node(loader, event, QOS_NODE_MAP, event->data.mapping_start.anchor,
				 event->data.mapping_start.tag);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_node(loader);
	default:
		return 0;
	}
}

/* The offset of a place in the text; where libyaml puts the end on a line of its
 * own that is not there, *loc moves to the real one.
 */
static size_t find_place(const struct loader *loader, struct qos_loc *loc)
{
	struct qos_loc here = { .line = 1, .column = 1 };
	size_t at = 0;

	while (at < loader->len && (here.line < loc->line || here.column < loc->column)) {
		uint32_t code = 0;

		if (here.line == loc->line && loader->text[at] == '\n')
			break;
		at += qos_utf8_decode(loader->text + at, loader->len - at, &code);
		here.column++;
		if (code == '\n')
			here = (struct qos_loc){ .line = here.line + 1, .column = 1 };
	}
	*loc = here;
	return at;
}

static bool is_at(const struct loader *loader, size_t at, char c)
{
	return at < loader->len && loader->text[at] == c;
}

/* A `:` beside another: an IPv6 address where YAML sees a mapping. */
static bool is_ipv6(const struct loader *loader, size_t at)
{
	return is_at(loader, at, ':') &&
	       (is_at(loader, at + 1, ':') || (at > 0 && is_at(loader, at - 1, ':')));
}

/* The times of a schedule: where YAML sees an alias, or what it keeps for later. */
static bool is_cron(const struct loader *loader, size_t at)
{
	return is_at(loader, at, '@') || (at > 0 && is_at(loader, at - 1, '*'));
}

/* What libyaml stumbled over, the commonest in plainer words than its own. */
static int syntax_error(struct loader *loader)
{
	const yaml_parser_t *parser = &loader->parser;
	bool placed = parser->error == YAML_SCANNER_ERROR || parser->error == YAML_PARSER_ERROR;
	struct qos_loc loc = mark_loc(placed ? &parser->problem_mark : &parser->mark);
	size_t at = find_place(loader, &loc);

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_SCANNER_ERROR && is_at(loader, at, '\t')) {
		qos_diag_at(loader->diags, loc, "YAML is indented with spaces, not with tabs");
		return -EINVAL;
	}
	qos_diag_at(loader->diags, loc, "not valid YAML: %s",
		    parser->problem ? parser->problem : "cannot be read");
	if (is_ipv6(loader, at))
		qos_diag_hint(loader->diags, "put an IPv6 address that begins or ends with `:` "
					     "in quotes");
	else if (is_cron(loader, at))
		qos_diag_hint(loader->diags, "put what begins with `*` or `@` in quotes, as cron's "
					     "\"*/10 * * * *\" or \"@daily\"");
	if (placed && parser->context && parser->context_mark.line != parser->problem_mark.line)
		qos_diag_note(loader->diags, mark_loc(&parser->context_mark), "%s from here",
			      parser->context);
	return -EINVAL;
}

static int load(struct loader *loader)
{
	int r;

	do {
		yaml_event_t event;

		if (!yaml_parser_parse(&loader->parser, &event))
			return syntax_error(loader);
		r = count_node(loader, &event);
		if (r == 0)
			r = read_event(loader, &event);
		yaml_event_delete(&event);
	} while (r == 0);
	return r < 0 ? r : 0;
}

static void loader_free(struct loader *loader)
{
	if (!loader)
		return;
	for (size_t i = 0; i < loader->depth; i++)
		free(loader->frames[i].key);
	for (size_t i = 0; i < loader->anchor_count; i++)
		free(loader->anchors[i].name);
	qos_node_free(loader->removed);
	qos_node_free(loader->root);
	yaml_parser_delete(&loader->parser);
	free(loader);
}

DEFINE_CLEANUP(struct loader *, loader_freep, loader_free)

/* `---` alone, or a file of comments, has one empty text: nothing was said. */
static bool says_nothing(const struct qos_node *root)
{
	return !root || (root->kind == QOS_NODE_SCALAR && !root->quoted && !*root->text);
}

int qos_doc_read(const char *text, size_t len, struct qos_diags *diags, struct qos_node **ret_root)
{
	_cleanup_(loader_freep) struct loader *loader = NULL;
	int r;

	r = doc_check_text(text, len, diags);
	if (r < 0)
		return r;
	loader = calloc(1, sizeof(*loader));
	if (!loader)
		return -ENOMEM;
	loader->diags = diags;
	loader->text = text;
	loader->len = len;
	if (!yaml_parser_initialize(&loader->parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&loader->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&loader->parser, (const unsigned char *)text, len);
	r = load(loader);
	if (r < 0)
		return r;
	if (says_nothing(loader->root)) {
		qos_node_free(loader->root);
		loader->root = doc_node_new(QOS_NODE_MAP, (struct qos_loc){ 1, 1 });
		if (!loader->root)
			return -ENOMEM;
	}
	*ret_root = TAKE_PTR(loader->root);
	return 0;
}
