/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Facts → the first rule that matches: the sets of entries that each piece of the packet
 * leaves possible, and what all of them have in common (abi.h, enum qos_piece). Exact, and
 * the same work for one rule as for thousands, but for the words that the summary leaves.
 */
#ifndef QOS_MATCH_H
#define QOS_MATCH_H

#include "packet.h"

/* A set's words begin behind its summary, which one word has not. */
#define SUMMARY_WORDS (qos_link.words > 1 ? (qos_link.words + 63) / 64 : 0)

/* clang-format off */
const __u8 qos_lowest[64] = {
	 0,  1, 48,  2, 57, 49, 28,  3, 61, 58, 50, 42, 38, 29, 17,  4,
	62, 55, 59, 36, 53, 51, 43, 22, 45, 39, 33, 30, 24, 18, 12,  5,
	63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21, 44, 32, 23, 11,
	46, 26, 40, 15, 34, 20, 31, 10, 25, 14, 19,  9, 13,  8,  7,  6,
};
/* clang-format on */

/*
 * Number of the lowest bit of a set that is not empty, by a de Bruijn sequence
 * (Leiserson, Prokop, Randall 1998): BPF has no instruction for it, and clang 14
 * does not end when it is asked for __builtin_ctzll().
 */
static __always_inline __u32 lowest(__u64 set)
{
	return qos_lowest[(set & -set) * 0x03f79d71b4cb0a89ULL >> 58];
}

/* The set of a value in a piece's table. */
static __always_inline __u32 set_in_table(enum qos_piece piece, __u32 value)
{
	__u32 at = qos_link.tables[piece] + value, line = at / QOS_VALUES;
	const struct qos_values *values = bpf_map_lookup_elem(&qos_values, &line);

	return values ? values->set[at % QOS_VALUES] : 0;
}

/* The compiler is kept from knowing anything of a number. */
static __always_inline __s64 any_number(__s64 number)
{
	asm volatile("" : "+r"(number));
	return number;
}

/*
 * step, where the number is not below a border; without the branch that a comparison becomes, and
 * to be added, not ORed, of which Linux 6.1 does not know how much it is.
 */
static __always_inline __u64 step_to(__u64 border, __u64 number, __u64 step)
{
	return any_number(any_number(border - 1 - number) >> 63 & step);
}

/*
 * Which of a node's ranges a number is in, by halves. A branch for each could not be foreseen, and
 * would give the verifier as many ways to go.
 */
static __always_inline __u64 range_of(const struct qos_ranges *node, __u32 number)
{
	__u64 at = 0;

	for (__u64 step = QOS_FANOUT / 2; step; step /= 2)
		at += step_to(node->first[at + step], number, step);
	return at;
}

/*
 * The set that a number's ranges lead to; next: the word of facts, in network order, that comes
 * after it. A function of its own, which the verifier looks at once.
 */
__noinline __u32 qos_set_in_ranges(const struct facts *f, __u32 to, __u32 number, __u32 next)
{
	if (!f)
		return 0;
	for (int i = 0; i < QOS_STEPS && !(to & QOS_TO_SET); i++) {
		__u32 at = QOS_TO(to), goes_on = to / QOS_TO_NEXT;
		const struct qos_ranges *node = bpf_map_lookup_elem(&qos_ranges, &at);
		__u32 word = bpf_ntohl(((const __u32 *)f)[next % 16]);

		if (!node)
			return 0;
		/* without a branch, so that the verifier has one way to go */
		number ^= (number ^ word) & -goes_on;
		next += goes_on;
		to = node->to[range_of(node, number)];
	}
	return QOS_TO(to);
}

static __always_inline __u32 set_in_ranges(const struct facts *f, __u32 to, __u32 number,
					   __u32 next)
{
	return to & QOS_TO_SET ? QOS_TO(to) : qos_set_in_ranges(f, to, number, next);
}

static __always_inline __u32 set_of_address(enum qos_piece piece, const struct facts *f,
					    __u32 offset)
{
	__u32 family = family_of(f), word = offset / sizeof(__u32);

	if (!family)
		return set_in_table(piece, 0);
	if (family == QOS_FAMILY_IPV6)
		return set_in_ranges(f, set_in_table(piece, QOS_RANGES6), 0, word);
	return set_in_ranges(f, set_in_table(piece, QOS_RANGES), 0, word + QOS_WORDS - 1);
}

static __always_inline __u32 set_of_uid(const struct facts *f)
{
	if (f->more.uid == QOS_NO_UID)
		return set_in_table(QOS_PIECE_UID, 0);
	return set_in_ranges(f, set_in_table(QOS_PIECE_UID, QOS_RANGES), f->more.uid, 0);
}

static __always_inline __u32 set_of_mark(__u32 number, const struct facts *f)
{
	return set_in_ranges(f, set_in_table(QOS_PIECE_MARK + number, QOS_RANGES),
			     f->more.mark & qos_link.masks[number], 0);
}

/*
 * Of the socket's cgroup, or the nearest above it that rules name. asked: the id that facts
 * have is such a one, and the packet is nobody's. A function of its own, which the
 * verifier looks at once.
 */
__noinline __u32 qos_set_of_cgroup(struct __sk_buff *skb, __u64 id, __u32 asked)
{
	const __u32 *set = bpf_map_lookup_elem(&qos_cgroups, &id);

	for (__u32 level = QOS_MAX_CGROUP_LEVELS; level > 0 && !set && !asked && id; level--) {
		__u64 above;

		if (level > qos_link.cgroup_levels)
			continue;
		above = bpf_skb_ancestor_cgroup_id(skb, level);
		if (above)
			set = bpf_map_lookup_elem(&qos_cgroups, &above);
	}
	return set ? *set : set_in_table(QOS_PIECE_CGROUP, 0);
}

/* Where the sets are: of the packet's kind, and of each other piece that rules look at. */
struct scan {
	const __u64 *set[QOS_PIECES];
	__u64 sets;
	__u64 summary;
	__u32 base;    /* word that the summary's first bit is of */
	__u32 skip;    /* words before it are done with */
	__u32 decided; /* by the best entry so far */
};

static __always_inline const __u64 *set_at(__u32 number)
{
	return bpf_map_lookup_elem(&qos_sets, &number);
}

/* What all pieces have in common, of one word. */
static __always_inline __u64 common(const struct scan *s, __u32 i)
{
	__u64 set;

	if (i >= SUMMARY_WORDS + qos_link.words)
		return 0;
	set = s->set[0][i];
	/* a loop, as the kernel would have to take out what is for pieces that no rule looks at */
#pragma clang loop unroll(disable)
	for (__u32 n = 1; n < s->sets; n++)
		set &= s->set[n][i];
	return set;
}

/* All of the sets, or 0: there is none, which never is. */
static __always_inline int find_sets(struct __sk_buff *skb, const struct facts *f, __u32 asked,
				     struct scan *s)
{
#define FIND(piece, number)                                               \
	do {                                                              \
		if (USES(piece) && !(s->set[s->sets++] = set_at(number))) \
			return 0;                                         \
	} while (0)
	FIND(QOS_PIECE_KIND, set_in_table(QOS_PIECE_KIND, kind_of(f)));
	FIND(QOS_PIECE_DSCP,
	     set_in_table(QOS_PIECE_DSCP, family_of(f) ? f->dscp & 63 : QOS_NO_DSCP));
	FIND(QOS_PIECE_SPORT,
	     set_in_table(QOS_PIECE_SPORT, f->key & QOS_KEY_PORTS ? f->sport : QOS_NO_PORT));
	FIND(QOS_PIECE_DPORT,
	     set_in_table(QOS_PIECE_DPORT, f->key & QOS_KEY_PORTS ? f->dport : QOS_NO_PORT));
	FIND(QOS_PIECE_VLAN, set_in_table(QOS_PIECE_VLAN, f->more.vlan));
	FIND(QOS_PIECE_LENGTH, f->more.length_set);
	FIND(QOS_PIECE_TCP,
	     f->key & QOS_KEY_TCP ? f->more.l4_set - 1 : set_in_table(QOS_PIECE_TCP, QOS_NO_TCP));
	FIND(QOS_PIECE_ICMP, f->key & QOS_KEY_ICMP ? f->more.l4_set - 1 :
						     set_in_table(QOS_PIECE_ICMP, QOS_NO_ICMP));
	FIND(QOS_PIECE_SRC, set_of_address(QOS_PIECE_SRC, f, offsetof(struct facts, src)));
	FIND(QOS_PIECE_DST, set_of_address(QOS_PIECE_DST, f, offsetof(struct facts, dst)));
	FIND(QOS_PIECE_UID, set_of_uid(f));
	FIND(QOS_PIECE_CGROUP, qos_set_of_cgroup(skb, f->more.cgroup, asked));
	FIND(QOS_PIECE_MARK, set_of_mark(0, f));
	FIND(QOS_PIECE_MARK + 1, set_of_mark(1, f));
	FIND(QOS_PIECE_MARK + 2, set_of_mark(2, f));
	FIND(QOS_PIECE_MARK + 3, set_of_mark(3, f));
#undef FIND
	return 1;
}

/* Its first entry that matches, and with it what its group has to say. */
static __always_inline void scan_word(struct scan *s, __u32 word)
{
	__u64 set = common(s, SUMMARY_WORDS + word);
	const struct qos_entry *entry;
	__u32 number;

	if (!set)
		return;
	number = word * QOS_RULE_BLOCK + lowest(set);
	entry = bpf_map_lookup_elem(&qos_rules, &number);
	if (!entry)
		return;
	s->skip = entry->skip;
	/* of the first rule; the default is of none, number 0 */
	if (QOS_DECIDED_RULE(entry->decided) - 1 < QOS_DECIDED_RULE(s->decided) - 1)
		s->decided = entry->decided;
}

/* Words from first on that are done with are in no summary. */
static __always_inline __u64 without_skipped(const struct scan *s, __u64 summary)
{
	__u32 done = s->skip - s->base;

	if ((__s32)done <= 0)
		return summary;
	return done < 64 ? summary & ~0ULL << done : 0;
}

/* The next word that the summary has; 1 ends the loop. */
static long next_word(__u32 i __attribute__((unused)), struct scan *s)
{
	if (!s->summary)
		return 1;
	scan_word(s, s->base + lowest(s->summary));
	s->summary = without_skipped(s, s->summary & (s->summary - 1));
	return 0;
}

static long next_summary(__u32 i, struct scan *s)
{
	s->base = i * 64;
	s->summary = without_skipped(s, common(s, i));
	if (s->summary)
		bpf_loop(64, next_word, s, 0);
	return 0;
}

/*
 * What the first rule that matches says (QOS_DECIDED), or the default. A function of its own:
 * the verifier looks at it once, for any facts, and not again for each way that a packet
 * was read.
 */
__noinline __u32 qos_first_match(struct __sk_buff *skb, const struct facts *f, __u32 asked)
{
	struct scan scan = { .decided = qos_link.default_slot };

	if (!f || !find_sets(skb, f, asked, &scan))
		return qos_link.default_slot;
	if (qos_link.words == 1)
		scan_word(&scan, 0);
	else
		bpf_loop(SUMMARY_WORDS, next_summary, &scan, 0);
	return scan.decided;
}

#endif
