/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "base/utf8.h"

/* The least code point of each length: less is an overlong writing. */
static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };

static size_t sequence_length(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xc0)
		return 0;
	if (lead < 0xe0)
		return 2;
	if (lead < 0xf0)
		return 3;
	return lead < 0xf8 ? 4 : 0;
}

size_t qos_utf8_decode(const char *text, size_t len, uint32_t *ret_code)
{
	unsigned char lead;
	uint32_t code;
	size_t size;

	if (!len)
		return 0;
	lead = (unsigned char)text[0];
	size = sequence_length(lead);
	if (!size || size > len)
		return 0;

	code = size == 1 ? lead : lead & (0x7fU >> size);
	for (size_t i = 1; i < size; i++) {
		if (((unsigned char)text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | ((unsigned char)text[i] & 0x3f);
	}
	if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return size;
}

bool qos_utf8_printable(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return false;
	/* line and paragraph separators, and the marks that change direction */
	if ((code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069))
		return false;
	return code != 0xfeff;
}

void qos_utf8_clean(char *text)
{
	size_t len = strlen(text);
	char *to = text;

	while (len) {
		uint32_t code = 0;
		size_t size = qos_utf8_decode(text, len, &code);

		if (size && qos_utf8_printable(code)) {
			memmove(to, text, size);
			to += size;
		} else {
			*to++ = '?';
		}
		size = size ? size : 1;
		text += size;
		len -= size;
	}
	*to = '\0';
}
