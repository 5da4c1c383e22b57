/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Policies whose shares test_share.c looks at. */
#ifndef QOS_TESTS_BPF_SHARE_POLICIES_H
#define QOS_TESTS_BPF_SHARE_POLICIES_H

#include "share.h"

#define WEIGHTS                                          \
	POLICY("x", "  x: { rate: 10mbit, weight: 3 }\n" \
		    "  y: { rate: 10mbit, weight: 1 }\n")
#define LIMIT(limit)                                            \
	POLICY("x", "  x: { rate: 10mbit, limit: " limit " }\n" \
		    "  y: { rate: 30mbit, limit: " limit " }\n")
#define FIVE                               \
	POLICY("a", "  a: { weight: 1 }\n" \
		    "  b: { weight: 2 }\n" \
		    "  c: { weight: 3 }\n" \
		    "  d: { weight: 4 }\n" \
		    "  e: { weight: 5 }\n")
#define PRIORITIES                                            \
	POLICY("n", "  h: { rate: 10mbit, priority: high }\n" \
		    "  n: { rate: 20mbit }\n"                 \
		    "  l: { rate: 10mbit, priority: low }\n")
#define CEILINGS                                            \
	POLICY("r", "  p: { rate: 10mbit, ceil: 15mbit }\n" \
		    "  q: { rate: 30mbit, ceil: 40mbit }\n" \
		    "  r: { rate: 20mbit }\n")
#define GUARANTEES                            \
	POLICY("a", "  a: { rate: 30mbit }\n" \
		    "  b: { rate: 50mbit }\n" \
		    "  c: { rate: 20mbit }\n")
#define TWO_LEVELS                                             \
	POLICY("a1", "  a:\n"                                  \
		     "    rate: 40mbit\n"                      \
		     "    classes:\n"                          \
		     "      a1: { rate: 10mbit, weight: 1 }\n" \
		     "      a2: { rate: 10mbit, weight: 3 }\n" \
		     "  b:\n"                                  \
		     "    rate: 20mbit\n"                      \
		     "    classes:\n"                          \
		     "      b1: { rate: 5mbit }\n"             \
		     "      b2: { rate: 5mbit }\n")
#define LOW_INNER_CEILING                          \
	POLICY("a", "  a: { rate: 2mbit }\n"       \
		    "  b:\n"                       \
		    "    rate: 20mbit\n"           \
		    "    ceil: 30mbit\n"           \
		    "    classes:\n"               \
		    "      b1: { rate: 10mbit }\n" \
		    "      b2: { rate: 10mbit }\n")
#define CEILINGS_BELOW                                  \
	POLICY("a", "  a: { rate: 2mbit }\n"            \
		    "  b:\n"                            \
		    "    rate: 60mbit\n"                \
		    "    ceil: 80mbit\n"                \
		    "    classes:\n"                    \
		    "      b1: { rate: 5mbit }\n"       \
		    "      b2:\n"                       \
		    "        rate: 40mbit\n"            \
		    "        ceil: 50mbit\n"            \
		    "        classes:\n"                \
		    "          b21: { rate: 20mbit }\n" \
		    "          b22: { rate: 10mbit }\n")
#define CEILINGS_BESIDE                            \
	POLICY("a", "  a: { rate: 5mbit }\n"       \
		    "  b:\n"                       \
		    "    rate: 30mbit\n"           \
		    "    ceil: 35mbit\n"           \
		    "    classes:\n"               \
		    "      b1: { rate: 10mbit }\n" \
		    "      b2: { rate: 20mbit }\n" \
		    "  c:\n"                       \
		    "    rate: 20mbit\n"           \
		    "    ceil: 25mbit\n"           \
		    "    classes:\n"               \
		    "      c1: { rate: 15mbit }\n" \
		    "      c2: { rate: 5mbit }\n")
/* each level has all of its ceiling, which is well above what its guarantees are */
#define NESTED(n, rate, ceil, inside)                                            \
	"x" #n ": { rate: 2mbit }, c" #n ": { rate: " #rate "mbit, ceil: " #ceil \
	"mbit, classes: { " inside " } }"
#define MANY_CEILINGS                           \
	"link: { rate: 100mbit }\n"             \
	"default: x1\n"                         \
	"classes: { " NESTED(                   \
		1, 70, 90,                      \
		NESTED(2, 60, 80,               \
		       NESTED(3, 50, 70,        \
			      NESTED(4, 40, 60, \
				     "y: { rate: 2mbit }, z: { rate: 2mbit }")))) " }\n"
/* what bounds is below, and told upwards */
#define BOUNDED_LEAF                       \
	POLICY("z", "  z: { weight: 1 }\n" \
		    "  b:\n"               \
		    "    weight: 23\n"     \
		    "    classes: { bb: { ceil: 47mbit } }\n")
#define BOUNDED_LEAVES                     \
	POLICY("z", "  z: { weight: 1 }\n" \
		    "  b:\n"               \
		    "    weight: 23\n"     \
		    "    classes: { bb: { ceil: 30mbit }, bc: { ceil: 20mbit } }\n")
#define BOUNDED_SIBLING                          \
	POLICY("ab", "  a:\n"                    \
		     "    classes:\n"            \
		     "      ab: { weight: 3 }\n" \
		     "      ac: { ceil: 25mbit, weight: 8 }\n")
#define BOUNDED_NEARLY                                              \
	POLICY("aa", "  a:\n"                                       \
		     "    ceil: 90mbit\n"                           \
		     "    classes:\n"                               \
		     "      aa: { rate: 5mbit, weight: 4 }\n"       \
		     "      ab:\n"                                  \
		     "        weight: 8\n"                          \
		     "        classes:\n"                           \
		     "          aba: { ceil: 65mbit, weight: 1 }\n" \
		     "          abb: { ceil: 35mbit, weight: 2 }\n")
#define FLAT_CEILING POLICY("b", "  a: { ceil: 25mbit }\n  b: {}\n")
/* above what there is */
#define INNER_CEILING_FAR(keys)       \
	POLICY("aa", "  a:\n"         \
		     "    " keys "\n" \
		     "    classes: { aa: {} }\n  b: {}\n")
#define LEAF_CEILING_FAR                                  \
	POLICY("aaa", "  a:\n"                            \
		      "    classes:\n"                    \
		      "      aa:\n"                       \
		      "        classes:\n"                \
		      "          aaa: {}\n"               \
		      "          aab: { ceil: 80mbit }\n" \
		      "      ab: {}\n")
#define HIGHER_CEILING_FAR                                                  \
	POLICY("aa", "  a:\n"                                               \
		     "    classes:\n"                                       \
		     "      aa: {}\n"                                       \
		     "      ab:\n"                                          \
		     "        ceil: 95mbit\n"                               \
		     "        classes: { aba: {}, abd: { rate: 4mbit } }\n" \
		     "  c: {}\n")
#define PRIORITIES_BOUNDED                                        \
	POLICY("a", "  a: { rate: 2mbit }\n"                      \
		    "  z: { rate: 3mbit, priority: low }\n"       \
		    "  b:\n"                                      \
		    "    rate: 20mbit\n"                          \
		    "    ceil: 30mbit\n"                          \
		    "    classes:\n"                              \
		    "      h: { rate: 10mbit, priority: high }\n" \
		    "      n: { rate: 5mbit }\n"                  \
		    "      l: { rate: 5mbit, priority: low }\n")
#define MIDDLE                                               \
	POLICY("c", "  t:\n"                                 \
		    "    rate: 20mbit\n"                     \
		    "    ceil: 40mbit\n"                     \
		    "    classes:\n"                         \
		    "      a: { rate: 10mbit, weight: 1 }\n" \
		    "      b: { rate: 5mbit, weight: 3 }\n"  \
		    "  c: { rate: 20mbit }\n")

/* the heaviest outweighs the others by far, and is idle */
#define SKEWED                         \
	"link: { rate: 1gbit }\n"      \
	"default: x\n"                 \
	"classes:\n"                   \
	"  heavy: { rate: 900mbit }\n" \
	"  x: { rate: 1mbit }\n"       \
	"  y: { rate: 3mbit }\n"
#define NEARLY_ALL(link, heavy)          \
	"link: { rate: " link " }\n"     \
	"default: x\n"                   \
	"classes:\n"                     \
	"  heavy: { rate: " heavy " }\n" \
	"  x: { rate: 1mbit }\n"
#define FAR_LIMIT                                     \
	POLICY("x", "  heavy: { weight: 10000 }\n"    \
		    "  x: { weight: 1, limit: 2s }\n" \
		    "  y: { weight: 3, limit: 2s }\n")
#define UNLIMITED                                               \
	"default: z\n"                                          \
	"classes:\n"                                            \
	"  t:\n"                                                \
	"    ceil: 20mbit\n"                                    \
	"    classes: { x: { weight: 1 }, y: { weight: 3 } }\n" \
	"  z: {}\n"
#define SKEWED_BELOW                                      \
	POLICY("x", "  heavy: { weight: 1000 }\n"         \
		    "  t:\n"                              \
		    "    weight: 1\n"                     \
		    "    classes:\n"                      \
		    "      heavier: { weight: 100000 }\n" \
		    "      x: { weight: 1 }\n"            \
		    "      y: { weight: 3 }\n")
/* who waits below is seldom looked at */
#define SLOW_BELOW                                   \
	POLICY("y", "  y: {}\n"                      \
		    "  b:\n"                         \
		    "    ceil: 10mbit\n"             \
		    "    classes:\n"                 \
		    "      bx: { weight: 6 }\n"      \
		    "      by:\n"                    \
		    "        weight: 10\n"           \
		    "        classes: { by1: {} }\n" \
		    "      bz:\n"                    \
		    "        weight: 6\n"            \
		    "        classes: { bz1: {}, bz2: {} }\n")
#define PRIORITIES_BELOW                                          \
	POLICY("n", "  g:\n"                                      \
		    "    rate: 60mbit\n"                          \
		    "    classes:\n"                              \
		    "      h: { rate: 10mbit, priority: high }\n" \
		    "      n: { rate: 20mbit }\n"                 \
		    "      l: { rate: 5mbit, priority: low }\n"   \
		    "  b: { rate: 5mbit, priority: low }\n")

#endif
