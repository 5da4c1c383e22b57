/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What tests of shares have in common: what is asked, and policies. */
#ifndef QOS_TESTS_BPF_SHARE_H
#define QOS_TESTS_BPF_SHARE_H

#define CLASSES		       16
#define SHARE_ERROR	       0.05
#define LEAST_USE	       0.97
#define MOST_USE	       1.01

#define POLICY(first, classes) "link: { rate: 100mbit }\ndefault: " first "\nclasses:\n" classes

#define PAIR		       POLICY("x", "  x: { rate: 10mbit }\n  y: { rate: 30mbit }\n")
/* the heaviest outweighs the others by far */
#define OUTWEIGHED(rate)             \
	"link: { rate: " rate " }\n" \
	"default: x\n"               \
	"classes:\n"                 \
	"  heavy: { weight: 900 }\n" \
	"  x: { weight: 1 }\n"       \
	"  y: { weight: 3 }\n"
#define THREE_LEVELS                                    \
	POLICY("a1", "  a:\n"                           \
		     "    rate: 60mbit\n"               \
		     "    classes:\n"                   \
		     "      a1: { rate: 20mbit }\n"     \
		     "      a2: { rate: 40mbit }\n"     \
		     "  b:\n"                           \
		     "    rate: 40mbit\n"               \
		     "    classes:\n"                   \
		     "      b1: { rate: 30mbit }\n"     \
		     "      b2:\n"                      \
		     "        rate: 10mbit\n"           \
		     "        classes:\n"               \
		     "          b21: { rate: 5mbit }\n" \
		     "          b22: { rate: 5mbit }\n")

#endif
