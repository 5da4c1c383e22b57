/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "parse/doc.h"
#include "unit.h"

DEFINE_CLEANUP(struct qos_diags *, diags_freep, qos_diags_free)
DEFINE_CLEANUP(struct qos_node *, node_freep, qos_node_free)

/* The tree of a text that is read without a word. */
static struct qos_node *read_good(const char *text)
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	struct qos_node *root = NULL;

	assert_int_equal(qos_doc_read(text, strlen(text), diags, &root), 0);
	assert_int_equal(qos_diags_status(diags), QOS_OK);
	return root;
}

static void expect_diags(const struct qos_diags *diags, const char *expected)
{
	_cleanup_(freep) char *got = NULL;

	assert_int_equal(qos_diags_text(diags, &got), 0);
	assert_string_equal(got, expected);
}

/* A text that cannot be read as a tree, and why. */
static void expect_bad_bytes(const char *text, size_t len, const char *expected)
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	struct qos_node *root = (struct qos_node *)diags;

	assert_int_equal(qos_doc_read(text, len, diags, &root), -EINVAL);
	assert_ptr_equal(root, diags);
	expect_diags(diags, expected);
}

static void expect_bad(const char *text, const char *expected)
{
	expect_bad_bytes(text, strlen(text), expected);
}

static void expect_loc(struct qos_loc loc, unsigned int line, unsigned int column)
{
	assert_int_equal(loc.line, line);
	assert_int_equal(loc.column, column);
}

static void expect_scalar(const struct qos_node *node, const char *text, int quoted)
{
	assert_non_null(node);
	assert_int_equal(node->kind, QOS_NODE_SCALAR);
	assert_string_equal(node->text, text);
	assert_int_equal(node->quoted, quoted);
}

static void test_tree(void **state)
{
	_cleanup_(node_freep) struct qos_node *root = read_good("a: 1\n"
								"b:\n"
								"  - x\n"
								"  - { c: 'two', \"d\": }\n"
								"\xc3\xa9: |\n"
								"  text\n");
	const struct qos_node *b, *map;

	(void)state;
	assert_int_equal(root->kind, QOS_NODE_MAP);
	expect_loc(root->loc, 1, 1);
	assert_string_equal(root->first->key, "a");
	expect_scalar(qos_node_get(root, "a"), "1", 0);
	expect_loc(qos_node_get(root, "a")->loc, 1, 4);
	b = qos_node_get(root, "b");
	assert_ptr_equal(b, root->first->next);
	expect_loc(b->key_loc, 2, 1);
	assert_int_equal(b->kind, QOS_NODE_LIST);
	expect_scalar(b->first, "x", 0);
	expect_loc(b->first->loc, 3, 5);
	map = b->first->next;
	assert_null(map->next);
	expect_loc(map->loc, 4, 5);
	expect_scalar(qos_node_get(map, "c"), "two", 1);
	expect_scalar(qos_node_get(map, "d"), "", 0);
	expect_loc(qos_node_get(map, "d")->key_loc, 4, 17);
	expect_scalar(qos_node_get(root, "\xc3\xa9"), "text\n", 1);
	assert_null(qos_node_get(root, "z"));
	assert_null(qos_node_get(b, "x"));
	assert_string_equal(qos_node_kind_text(root), "a mapping");
	assert_string_equal(qos_node_kind_text(b), "a list");
	assert_string_equal(qos_node_kind_text(b->first), "a text");
}

static void test_empty(void **state)
{
	static const char *const texts[] = { "", "\n", "# nothing\n", "---\n", "---\n...\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(node_freep) struct qos_node *root = read_good(texts[i]);

		assert_int_equal(root->kind, QOS_NODE_MAP);
		assert_null(root->first);
		expect_loc(root->loc, 1, 1);
	}
	qos_node_free(NULL);
}

static void test_root_kinds(void **state)
{
	_cleanup_(node_freep) struct qos_node *list = read_good("[a]");
	_cleanup_(node_freep) struct qos_node *scalar = read_good("a");
	_cleanup_(node_freep) struct qos_node *quoted = read_good("''");

	(void)state;
	assert_int_equal(list->kind, QOS_NODE_LIST);
	expect_scalar(scalar, "a", 0);
	expect_scalar(quoted, "", 1);
}

/* An alias is a copy that stands where its anchor was written. */
static void test_alias(void **state)
{
	_cleanup_(node_freep) struct qos_node *root = read_good("a: &list [1, { k: v }]\n"
								"b: *list\n"
								"c: &list 3\n"
								"d: [*list]\n");
	const struct qos_node *a = qos_node_get(root, "a"), *b = qos_node_get(root, "b");

	(void)state;
	assert_int_equal(b->kind, QOS_NODE_LIST);
	expect_loc(b->key_loc, 2, 1);
	assert_ptr_not_equal(a->first, b->first);
	expect_scalar(b->first, "1", 0);
	expect_loc(b->first->loc, 1, 11);
	expect_scalar(qos_node_get(b->first->next, "k"), "v", 0);
	expect_loc(qos_node_get(b->first->next, "k")->key_loc, 1, 16);
	expect_scalar(qos_node_get(root, "d")->first, "3", 0);
}

/* What is wrong but leaves a tree: reported, and the rest is there. */
static void test_pruned(void **state)
{
	static const char text[] = "a: 1\n"
				   "<<: { x: 1 }\n"
				   "b: &b [1]\n"
				   "a: &c 2\n"
				   "c: *b\n"
				   "d: *c\n"
				   "e: !!int 3\n"
				   "a: 4\n"
				   "---\n"
				   "f: 1\n";
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(node_freep) struct qos_node *root = NULL;

	(void)state;
	assert_int_equal(qos_doc_read(text, strlen(text), diags, &root), 0);
	assert_int_equal(qos_diags_status(diags), QOS_INVALID);
	expect_diags(diags,
		     "policy:2:1: error: merge keys (`<<`) are not supported: write the "
		     "keys out\n"
		     "policy:4:1: error: `a` is given twice\n"
		     "policy:1:1: note: first given here\n"
		     "policy:7:4: error: tags (`!!str` and the like) are not supported\n"
		     "policy:8:1: error: `a` is given twice\n"
		     "policy:1:1: note: first given here\n"
		     "policy:9:1: error: a second document (`---`): a policy file has one\n");
	expect_scalar(qos_node_get(root, "a"), "1", 0);
	expect_scalar(qos_node_get(root, "c")->first, "1", 0);
	expect_scalar(qos_node_get(root, "d"), "2", 0);
	expect_scalar(qos_node_get(root, "e"), "3", 0);
	assert_null(qos_node_get(root, "<<"));
	assert_null(qos_node_get(root, "f"));
	assert_null(qos_node_get(root, "e")->next);
}

static void test_syntax(void **state)
{
	(void)state;
	expect_bad("a: b: c\n", "policy:1:5: error: not valid YAML: mapping values are not allowed "
				"in this context\n");
	expect_bad("a:\n\tb: c\n",
		   "policy:2:1: error: YAML is indented with spaces, not with tabs\n");
	expect_bad("a: [1\nb: 2\n",
		   "policy:2:2: error: not valid YAML: did not find expected ',' or ']'\n"
		   "policy:1:4: note: while parsing a flow sequence from here\n");
	/* at the end of the text, though there is no further line */
	expect_bad("a: {\nb: [",
		   "policy:2:5: error: not valid YAML: did not find expected node content\n");
	expect_bad("a: [::1]\n",
		   "policy:1:5: error: not valid YAML: did not find expected node content\n"
		   "hint: put an IPv6 address that begins or ends with `:` in quotes\n");
	expect_bad("? [a]\n: b\n", "policy:1:3: error: a key has to be a text\n");
	expect_bad("a: &x b\n*x : c\n",
		   "policy:2:1: error: an alias cannot be a key: write the key out\n");
	expect_bad("a: *x\n", "policy:1:4: error: no anchor `&x` before this alias\n");
	expect_bad("a: &x [*x]\n",
		   "policy:1:8: error: `*x` stands for what it is itself a part of\n");
	expect_bad("a: \"\\0\"\n", "policy:1:4: error: a NUL character in a text\n");
}

static void test_bytes(void **state)
{
	(void)state;
	expect_bad_bytes("a: \0\n", 5, "policy:1:4: error: a NUL byte: a policy is a text file\n");
	expect_bad("a: b\nc: \xff\n",
		   "policy:2:4: error: not UTF-8: a policy is a text file in UTF-8\n");
	expect_bad("\xff\xfe"
		   "a",
		   "policy:1:1: error: not UTF-8: a policy is a text file in UTF-8\n");
	expect_bad("# \xc3\xa9\x1b\n",
		   "policy:1:4: error: the control character U+001B is not allowed in YAML\n");
	expect_bad("a: \xc2\x85\n",
		   "policy:1:4: error: the control character U+0085 is not allowed in YAML\n");
	expect_bad("a: \xe2\x80\xa8\n",
		   "policy:1:4: error: the control character U+2028 is not allowed in YAML\n");
	expect_bad("a: b\rc: d\n", "policy:1:5: error: a carriage return without a newline: lines "
				   "end with a newline, or with both\n");
	expect_bad("a: b\r", "policy:1:5: error: a carriage return without a newline: lines end "
			     "with a newline, or with both\n");
}

/* n times text, then end; the caller's. */
static char *repeat(const char *text, size_t n, const char *end)
{
	size_t len = strlen(text);
	char *all = malloc(n * len + strlen(end) + 1);

	assert_non_null(all);
	for (size_t i = 0; i < n; i++)
		memcpy(all + i * len, text, len);
	strcpy(all + n * len, end);
	return all;
}

static void test_depth(void **state)
{
	_cleanup_(freep) char *bad = repeat("[", 65, ""), *good = repeat("[", 64, "");
	_cleanup_(freep) char *good_end = repeat("]", 64, ""), *text = NULL, *aliased = NULL;
	_cleanup_(node_freep) struct qos_node *root = NULL;

	(void)state;
	expect_bad(bad, "policy:1:65: error: nested more than 64 levels deep\n");
	assert_true(asprintf(&text, "%s%s", good, good_end) > 0);
	root = read_good(text);
	/* within the bound, but not where the alias stands */
	assert_true(asprintf(&aliased, "[&a %.*s%.*s, [*a]]", 63, good, 63, good_end) > 0);
	expect_bad(aliased,
		   "policy:1:134: error: too large or too deep with this alias expanded\n");
}

static void test_too_large(void **state)
{
	_cleanup_(freep) char *comment = repeat("#\n", QOS_DOC_MAX / 2, "#");
	_cleanup_(freep) char *values = repeat("1,", 1000001, "");
	_cleanup_(freep) char *list = NULL;

	(void)state;
	expect_bad(comment, "error: the policy has 4194305 bytes, more than the 4194304 it may "
			    "have\n");
	assert_true(asprintf(&list, "[\n%s", values) > 0);
	expect_bad(list, "policy:2:1999999: error: more than 1000000 values: too large for a "
			 "policy\n");
}

/* A few lines that stand for a billion values, or for terabytes of text. */
static void test_bombs(void **state)
{
	_cleanup_(freep) char *long_text = repeat("x", 1 << 20, "");
	_cleanup_(freep) char *anchors = repeat("- &a b\n", 257, "");
	_cleanup_(freep) char *aliases = repeat(" *a ,", 16, ""), *text = NULL;

	(void)state;
	expect_bad("a: &a [x,x,x,x,x,x,x,x,x,x]\n"
		   "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
		   "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
		   "d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
		   "e: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n"
		   "f: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\n",
		   "policy:6:29: error: too large or too deep with this alias expanded\n");
	assert_true(asprintf(&text, "- &a %s\n- [%s]\n", long_text, aliases) > 0);
	expect_bad(text, "policy:2:80: error: too large or too deep with this alias expanded\n");
	expect_bad(anchors, "policy:257:3: error: more than 256 anchors\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),	   cmocka_unit_test(test_empty),
		cmocka_unit_test(test_root_kinds), cmocka_unit_test(test_alias),
		cmocka_unit_test(test_pruned),	   cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_bytes),	   cmocka_unit_test(test_depth),
		cmocka_unit_test(test_too_large),  cmocka_unit_test(test_bombs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
