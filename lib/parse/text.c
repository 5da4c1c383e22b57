/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "parse/load.h"

/* A position in the text, a character at a time. */
struct position {
	const char *p;
	size_t left;
	struct qos_loc loc;
};

static int bad(struct qos_diags *diags, const struct position *at, const char *what)
{
	qos_diag_at(diags, at->loc, "%s", what);
	return -EINVAL;
}

static int check_char(struct qos_diags *diags, const struct position *at, uint32_t code)
{
	switch (code) {
	case 0:
		return bad(diags, at, "a NUL byte: a policy is a text file");
	case '\n':
	case '\t':
		return 0;
	case '\r':
		if (at->left > 1 && at->p[1] == '\n')
			return 0;
		return bad(diags, at,
			   "a carriage return without a newline: lines end with a "
			   "newline, or with both");
	}
	if (code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
	    code == 0xfeff || code == 0xfffe || code == 0xffff) {
		qos_diag_at(diags, at->loc, "the control character U+%04X is not allowed in YAML",
			    code);
		return -EINVAL;
	}
	return 0;
}

/* Printable ASCII, which most of a policy is, needs no decoding: so much of what is left. */
static size_t skip_plain(const struct position *at)
{
	size_t len = 0;

	while (len < at->left && at->p[len] >= ' ' && at->p[len] <= '~')
		len++;
	return len;
}

int doc_check_text(const char *text, size_t len, struct qos_diags *diags)
{
	struct position at = { .p = text, .left = len, .loc = { 1, 1 } };
	int r;

	if (len > QOS_DOC_MAX) {
		qos_diag(diags, QOS_INVALID,
			 "the policy has %zu bytes, more than the %u it may "
			 "have",
			 len, QOS_DOC_MAX);
		return -EINVAL;
	}
	for (;;) {
		size_t size = skip_plain(&at);
		uint32_t code;

		at.p += size;
		at.left -= size;
		at.loc.column += (unsigned int)size;
		if (!at.left)
			return 0;
		size = qos_utf8_decode(at.p, at.left, &code);
		if (!size)
			return bad(diags, &at, "not UTF-8: a policy is a text file in UTF-8");
		r = check_char(diags, &at, code);
		if (r < 0)
			return r;
		at.p += size;
		at.left -= size;
		at.loc.column++;
		if (code == '\n')
			at.loc = (struct qos_loc){ .line = at.loc.line + 1, .column = 1 };
	}
}
