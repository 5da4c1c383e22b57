/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "parse/doc.h"
#include "unit.h"

DEFINE_CLEANUP(struct qos_diags *, diags_freep, qos_diags_free)

static char directory[] = "/tmp/qos-unit-XXXXXX";

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

static const char *path_of(const char *name)
{
	static char path[sizeof(directory) + 32];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static int read_file(const char *path, struct qos_diags *diags, char **ret_text, size_t *ret_len)
{
	_cleanup_(closep) int fd = -1;
	int r = qos_file_open(path, diags, &fd);

	return r < 0 ? r : qos_file_read(fd, path, diags, ret_text, ret_len);
}

static void expect_read(const char *bytes, size_t len, const char *expected)
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(freep) char *text = NULL;
	const char *path = path_of("policy.yaml");
	size_t got = 0;
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(read_file(path, diags, &text, &got), 0);
	assert_int_equal(got, strlen(expected));
	assert_string_equal(text, expected);
	assert_int_equal(qos_diags_status(diags), QOS_OK);
	assert_int_equal(unlink(path), 0);
}

static void expect_error(const char *path, int error, enum qos_status status, const char *message)
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(freep) char *expected = NULL, *said = NULL;
	char *text = (char *)path;
	size_t len = 7;

	assert_int_equal(read_file(path, diags, &text, &len), error);
	assert_ptr_equal(text, path);
	assert_int_equal(len, 7);
	assert_int_equal(qos_diags_status(diags), status);
	assert_true(asprintf(&expected, message, path) > 0);
	assert_int_equal(qos_diags_text(diags, &said), 0);
	assert_string_equal(said, expected);
}

static void test_read(void **state)
{
	(void)state;
	expect_read("", 0, "");
	expect_read("a: b\n", 5, "a: b\n");
	expect_read("\xef\xbb\xbf"
		    "a: b\n",
		    8, "a: b\n");
}

/* Where it was read from is what messages about it name. */
static void test_source(void **state)
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(freep) char *text = NULL, *said = NULL, *expected = NULL;
	const char *path = path_of("eth0.yaml");
	size_t len;
	FILE *f = fopen(path, "w");

	(void)state;
	fputs("one\ntwo\n", f);
	fclose(f);
	assert_int_equal(read_file(path, diags, &text, &len), 0);
	qos_diag_at(diags, (struct qos_loc){ 2, 1 }, "bad");
	assert_int_equal(qos_diags_text(diags, &said), 0);
	assert_true(asprintf(&expected, "%s:2:1: error: bad\ntwo\n^\n", path) > 0);
	assert_string_equal(said, expected);
	assert_int_equal(unlink(path), 0);
}

static void test_not_a_file(void **state)
{
	const char *fifo;

	(void)state;
	expect_error(path_of("none"), -ENOENT, QOS_INVALID,
		     "error: cannot open %s: No such file or directory\n");
	expect_error(directory, -EINVAL, QOS_INVALID,
		     "error: %s is a directory; name a policy file in it\n");
	expect_error("/dev/zero", -EINVAL, QOS_INVALID,
		     "error: %s is not a regular file; name a policy file\n");
	/* without a writer: an open() that waits would wait for ever */
	fifo = path_of("fifo");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	expect_error(fifo, -EINVAL, QOS_INVALID,
		     "error: %s is not a regular file; name a policy file\n");
	assert_int_equal(unlink(fifo), 0);
}

static void test_size(void **state)
{
	_cleanup_(diags_freep) struct qos_diags *diags = qos_diags_new();
	_cleanup_(freep) char *text = NULL;
	const char *path = path_of("large");
	_cleanup_(closep) int fd = open(path, O_CREAT | O_WRONLY, 0600);
	size_t len = 0;

	(void)state;
	assert_int_equal(ftruncate(fd, QOS_DOC_MAX), 0);
	assert_int_equal(read_file(path, diags, &text, &len), 0);
	assert_int_equal(len, QOS_DOC_MAX);
	assert_int_equal(ftruncate(fd, QOS_DOC_MAX + 1), 0);
	expect_error(path, -EFBIG, QOS_INVALID,
		     "error: %s is larger than 4 MiB, the most a policy may be\n");
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_not_a_file),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
