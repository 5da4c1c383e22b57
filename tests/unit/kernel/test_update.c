/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The document that a program carries, and other numbers for a program that runs. */
#include "shaped.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "kernel/bpf_state.h"
#include "kernel/device.h"
#include "kernel/state.h"

#define SPARE 4096 /* bytes that a document may grow by, at least */

/* --- the document ------------------------------------------------------------------------- */

/* {"number": number, "text": length letters} */
static json_t *new_state(json_int_t number, size_t length)
{
	_cleanup_(freep) char *text = calloc(1, length + 1);

	memset(text, 'x', length);
	return json_pack("{s:I, s:s}", "number", number, "text", text);
}

static void bind_state(json_int_t number, struct qos_bpf_document *ret_document)
{
	struct bpf_map_info info = { .id = 0 };
	__u32 len = sizeof(info);
	int prog_fd = load_program(0);
	json_t *state = new_state(number, 100);

	*ret_document = (struct qos_bpf_document){ .fd = -1 };
	assert_int_equal(qos_bpf_state_bind(prog_fd, state, &ret_document->fd), 0);
	assert_int_equal(bpf_obj_get_info_by_fd(ret_document->fd, &info, &len), 0);
	ret_document->size = info.value_size;
	json_decref(state);
	close(prog_fd);
}

/* As another process finds it; -1: none. */
static json_int_t read_state(const struct qos_bpf_document *document)
{
	struct qos_bpf_document other = { .fd = document->fd, .size = document->size };
	_cleanup_(json_decrefp) json_t *state = NULL;
	int r = qos_bpf_state_read(&other, &state);

	if (r == -EBADMSG)
		return -1;
	assert_int_equal(r, 0);
	return json_integer_value(json_object_get(state, "number"));
}

static int write_state(struct qos_bpf_document *document, json_int_t number, size_t length)
{
	_cleanup_(json_decrefp) json_t *state = new_state(number, length);

	return qos_bpf_state_write(document, state);
}

static void test_versions(void **state)
{
	struct qos_bpf_document document;
	_cleanup_(json_decrefp) json_t *read = NULL;

	(void)state;
	env_need_root();
	bind_state(1, &document);
	assert_int_equal(qos_bpf_state_read(&document, &read), 0);
	for (json_int_t i = 2; i < 8; i++) {
		assert_int_equal(read_state(&document), i - 1);
		assert_int_equal(write_state(&document, i, 100 + (size_t)i), 0);
	}
	assert_int_equal(write_state(&document, 8, 100 + SPARE), 0);
	assert_int_equal(read_state(&document), 8);
	/* what has no place changes nothing, and the next that has takes its place */
	assert_int_equal(write_state(&document, 9, document.size), -ENOSPC);
	assert_int_equal(read_state(&document), 8);
	assert_int_equal(write_state(&document, 10, 1), 0);
	assert_int_equal(read_state(&document), 10);
	close(document.fd);
}

/* The bytes of an entry from begin on are what they were before the last version. */
static void tear(const struct qos_bpf_document *document, uint32_t key, size_t begin,
		 const void *before)
{
	_cleanup_(freep) char *value = calloc(1, document->size);

	assert_int_equal(bpf_map_lookup_elem(document->fd, &key, value), 0);
	memcpy(value + begin, (const char *)before + begin, document->size - begin);
	assert_int_equal(bpf_map_update_elem(document->fd, &key, value, BPF_ANY), 0);
}

/* A version that is half the one before it is none, and the other one holds. */
static void test_torn(void **state)
{
	struct qos_bpf_document document;
	_cleanup_(json_decrefp) json_t *read = NULL;
	_cleanup_(freep) char *before = NULL;
	uint32_t key;

	(void)state;
	env_need_root();
	bind_state(1000001, &document);
	assert_int_equal(qos_bpf_state_read(&document, &read), 0);
	assert_int_equal(write_state(&document, 1000002, 100), 0);
	before = calloc(1, document.size);
	/* in each entry once; cut in the middle of the number, or before the text */
	for (json_int_t number = 1000003; number < 1000007; number++) {
		key = (uint32_t)(document.serial + 1) & 1;
		assert_int_equal(bpf_map_lookup_elem(document.fd, &key, before), 0);
		assert_int_equal(write_state(&document, number * 10, 100), 0);
		assert_int_equal(read_state(&document), number * 10);
		tear(&document, key, number & 2 ? 16 : 32, before);
		assert_int_equal(read_state(&document), number == 1000003 ? 1000002 : number - 1);
		document.serial--;
		assert_int_equal(write_state(&document, number, 100), 0);
		assert_int_equal(read_state(&document), number);
	}
	memset(before, 'x', document.size);
	for (key = 0; key < 2; key++)
		tear(&document, key, 0, before);
	assert_int_equal(read_state(&document), -1);
	close(document.fd);
}

/* --- numbers ------------------------------------------------------------------------------ */

#define POLICY(rate, a, b)                                                                       \
	"link: { rate: " rate ", mode: police }\ndefault: c0\nclasses:\n  c0: { ceil: 1mbit }\n" \
	"  t:\n    rate: 6mbit\n    classes: { a: { rate: " a " }, b: { ceil: " b " } }\n"
#define BASE  POLICY("10mbit", "2mbit", "3mbit")
#define OTHER POLICY("20mbit", "4mbit", "5mbit")
#define RENAMED \
	"link: { rate: 10mbit, mode: police }\ndefault: c0\nclasses: { c0: { ceil: 1mbit } }\n"

static json_t *show(struct env *env)
{
	_cleanup_(freep) char *text = NULL;
	_cleanup_(json_decrefp) json_t *all = NULL;

	assert_int_equal(qos_show(DEV, env->diags, &text), 0);
	all = json_loads(text, 0, NULL);
	return json_incref(json_array_get(all, 0));
}

static bool in_force(struct env *env)
{
	_cleanup_(json_decrefp) json_t *shown = show(env);

	return json_is_true(json_object_get(shown, "in_force"));
}

/* bits/s: all that follows from the policy's numbers, the document too. */
static void expect_rates(struct env *env, uint64_t link, uint64_t a, uint64_t b)
{
	_cleanup_(json_decrefp) json_t *shown = show(env);
	const json_t *classes = json_object_get(shown, "classes");

	assert_int_equal(running_class(env, "").ceil * 8, link);
	assert_int_equal(running_class(env, "t").ceil * 8, link);
	assert_int_equal(running_class(env, "a").rate * 8, a);
	assert_int_equal(running_class(env, "b").ceil * 8, b);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(shown, "link"), "rate")), link);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(classes, 2), "rate")),
			 a);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(classes, 3), "ceil")),
			 b);
	assert_true(json_is_true(json_object_get(shown, "in_force")));
}

#define MBIT 1000000ULL

static void test_numbers(void **state)
{
	struct env *env = *state;
	struct qos_class_cfg before, after;
	uint32_t id;

	env_need_root();
	apply_changes(env, DEV, BASE, true);
	expect_rates(env, 10 * MBIT, 2 * MBIT, 3 * MBIT);
	before = running_class(env, "a");
	id = running_program(env);
	apply_changes(env, DEV, OTHER, true);
	assert_int_equal(running_program(env), id);
	expect_rates(env, 20 * MBIT, 4 * MBIT, 5 * MBIT);
	after = running_class(env, "a");
	assert_int_equal(after.parent, before.parent);
	assert_int_equal(after.hard, before.hard);
	apply_changes(env, DEV, OTHER, false);
	/* there and back, more often than there are places for documents */
	for (int i = 0; i < 5; i++) {
		apply_changes(env, DEV, i & 1 ? OTHER : BASE, true);
		apply_changes(env, DEV, i & 1 ? OTHER : BASE, false);
	}
	assert_int_equal(running_program(env), id);
	expect_rates(env, 10 * MBIT, 2 * MBIT, 3 * MBIT);
	/* other classes are another program */
	apply_changes(env, DEV, RENAMED, true);
	assert_int_not_equal(running_program(env), id);
}

/* No clock is touched: what a class owes, it owes. */
static void test_clocks(void **state)
{
	struct env *env = *state;
	struct qos_clocks before = { .rate = 1 }, after;
	struct qos_device *device;
	int slot;

	env_need_root();
	apply_changes(env, DEV, BASE, true);
	device = running_device(env);
	slot = qos_bpf_slot(device->running->state, "a");
	memset(before.pace, 0x5a, sizeof(before.pace));
	assert_int_equal(bpf_map_update_elem(device->running->clocks_fd, &slot, &before, BPF_ANY),
			 0);
	apply_changes(env, DEV, OTHER, true);
	assert_int_equal(bpf_map_lookup_elem(device->running->clocks_fd, &slot, &after), 0);
	assert_memory_equal(&before, &after, sizeof(before));
	qos_device_close(device);
}

#define UNDIVIDED                                                                             \
	"link: { rate: 10mbit, mode: police }\ndefault: c0\nclasses: { c0: { ceil: 1mbit }, " \
	"t: { rate: 6mbit } }\n"

static int slot_of(struct env *env, const char *class)
{
	_cleanup_(qos_device_closep) struct qos_device *device = running_device(env);

	return qos_bpf_slot(device->running->state, class);
}

/* What a divided class has in its clocks is other things than what another has there. */
static void test_kinds(void **state)
{
	struct env *env = *state;
	int divided, other;

	env_need_root();
	apply_changes(env, DEV, BASE, true);
	divided = slot_of(env, "t");
	other = slot_of(env, "c0");
	apply_changes(env, DEV, UNDIVIDED, true);
	assert_int_equal(slot_of(env, "c0"), other);
	assert_int_not_equal(slot_of(env, "t"), divided);
	divided = slot_of(env, "t");
	apply_changes(env, DEV, BASE, true);
	assert_int_not_equal(slot_of(env, "t"), divided);
}

static json_int_t generation(struct env *env)
{
	_cleanup_(qos_device_closep) struct qos_device *device = running_device(env);

	return json_integer_value(json_object_get(device->running->state, "generation"));
}

/* What tells the flows that the program before placed (kern/order.h): one more per program. */
static void test_generations(void **state)
{
	struct env *env = *state;
	json_int_t first;

	env_need_root();
	apply_changes(env, DEV, BASE, true);
	first = generation(env);
	apply_changes(env, DEV, OTHER, true);
	assert_int_equal(generation(env), first);
	apply_changes(env, DEV, OTHER "rules: [{ match: { dport: 53 }, class: a }]\n", true);
	assert_int_equal(generation(env), first + 1);
	apply_changes(env, DEV, BASE "rules: [{ match: { dport: 53 }, class: a }]\n", true);
	assert_int_equal(generation(env), first + 1);
	apply_changes(env, DEV, BASE, true);
	assert_int_equal(generation(env), first + 2);
}

static json_t *salt(struct env *env)
{
	_cleanup_(qos_device_closep) struct qos_device *device = running_device(env);

	return json_incref(json_object_get(device->running->state, "salt"));
}

/* By what the flows' records are found, which the next program has too. */
static void test_salts(void **state)
{
	_cleanup_(json_decrefp) json_t *first = NULL, *second = NULL, *numbers = NULL;
	struct env *env = *state;
	const json_t *word;
	size_t i;

	env_need_root();
	apply_changes(env, DEV, BASE, true);
	first = salt(env);
	assert_int_equal(json_array_size(first), 5);
	json_array_foreach(first, i, word)
		assert_int_not_equal(json_integer_value(word), 0);
	apply_changes(env, DEV, BASE "rules: [{ match: { dport: 53 }, class: a }]\n", true);
	second = salt(env);
	assert_true(json_equal(first, second));
	apply_changes(env, DEV, OTHER "rules: [{ match: { dport: 53 }, class: a }]\n", true);
	numbers = salt(env);
	assert_true(json_equal(first, numbers));
}

/* As an apply of OTHER over BASE leaves it that was killed after it wrote one class. */
static void interrupt(struct env *env)
{
	_cleanup_(qos_device_closep) struct qos_device *device = running_device(env);
	_cleanup_(qos_buffer_done) struct qos_buffer made = { 0 };
	struct qos_bpf *bpf = device->running;
	struct qos_class_cfg cfg = running_class(env, "a");
	int slot = qos_bpf_slot(bpf->state, "a");

	assert_int_equal(qos_bpf_state_begin(&bpf->document, bpf->state, &made), 0);
	cfg.rate = 12345;
	assert_int_equal(bpf_map_update_elem(bpf->classes_fd, &slot, &cfg, BPF_ANY), 0);
}

/* Whatever comes next: the policy of before, the one that was to be, or another. */
static void test_interrupted(void **state)
{
	struct env *env = *state;
	uint32_t id;

	env_need_root();
	apply_changes(env, DEV, BASE, true);
	id = running_program(env);
	interrupt(env);
	assert_false(in_force(env));
	apply_heals(env, DEV, BASE);
	expect_rates(env, 10 * MBIT, 2 * MBIT, 3 * MBIT);
	assert_int_equal(running_program(env), id);

	interrupt(env);
	apply_changes(env, DEV, OTHER, true);
	expect_rates(env, 20 * MBIT, 4 * MBIT, 5 * MBIT);
	assert_int_equal(running_program(env), id);

	interrupt(env);
	apply_changes(env, DEV, RENAMED, true);
	assert_true(in_force(env));
}

/* Make the document as long as there is room for. */
static void fill_document(struct env *env)
{
	_cleanup_(qos_device_closep) struct qos_device *device = running_device(env);
	struct qos_bpf *bpf = device->running;
	size_t len = bpf->document.size;
	int r;

	do {
		_cleanup_(freep) char *text = calloc(1, --len + 1);

		memset(text, 'x', len);
		json_object_set_new(qos_state_origin(bpf->state), "filler", json_string(text));
		r = qos_bpf_state_write(&bpf->document, bpf->state);
	} while (r == -ENOSPC);
	assert_int_equal(r, 0);
}

/* Where another document has no room there is another program, and all is as it has to be. */
static void test_no_room(void **state)
{
	struct env *env = *state;
	uint32_t id;

	env_need_root();
	apply_changes(env, DEV, BASE, true);
	id = running_program(env);
	fill_document(env);
	apply_changes(env, DEV, BASE, false);
	apply_changes(env, DEV, OTHER, true);
	assert_int_not_equal(running_program(env), id);
	expect_rates(env, 20 * MBIT, 4 * MBIT, 5 * MBIT);
	/* which has room again */
	id = running_program(env);
	apply_changes(env, DEV, BASE, true);
	assert_int_equal(running_program(env), id);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, env_setup, env_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_versions),	TEST(test_torn),	TEST(test_numbers),
		TEST(test_clocks),	TEST(test_generations), TEST(test_salts),
		TEST(test_interrupted), TEST(test_no_room),	TEST(test_kinds),
	};

	return cmocka_run_group_tests(tests, shaped_setup, NULL);
}
