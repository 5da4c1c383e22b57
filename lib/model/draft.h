/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Private to model/: a policy while it is being read. A reader reports what is
 * wrong at its place, leaves its field as it was, and the next one goes on.
 */
#ifndef QOS_MODEL_DRAFT_H
#define QOS_MODEL_DRAFT_H

#include <stddef.h>

#include "base/cleanup.h"
#include "base/diag.h"
#include "base/names.h"
#include "model/policy.h"
#include "parse/doc.h"

/* What of a rate was given, so that no error follows from another error. */
enum rate_state {
	RATE_ABSENT,
	RATE_GOOD,
	RATE_BAD,
};

struct rate {
	enum rate_state state;
	uint64_t bps;
	struct qos_loc loc;
	const char *key; /* that says it */
	int owner;	 /* index of the class that says it, or QOS_PARENT_LINK */
};

struct class_draft;

/* What the classes in a class, or in the link, come to together. */
struct family {
	uint64_t given;					 /* bits/s guaranteed to them */
	const struct class_draft *over;			 /* the first with which that is too much */
	bool judged;					 /* one of them is too much alone */
	const struct class_draft *weighted, *unweighted; /* the first of them */
	uint64_t least;					 /* of their rates; 0: none has any */
};

struct class_draft {
	struct qos_class c;
	struct rate rate, ceil, per_flow;
	/* Its ceil or, without one, what the nearest class above has for it; where there
	 * is none its rate. */
	struct rate limit;
	struct qos_loc weight_loc;
	bool weighted;	 /* it has one, which could be read or not */
	bool weightless; /* it is not even misspelt */
	const struct qos_node *children;
	struct family family;
};

/* What the machine made of a name. */
struct known {
	char *name;
	uint32_t value;
};

struct known_list {
	struct known *list;
	size_t count;
};

/* What is put over the values of a class, or of the link. */
struct overlay {
	const struct qos_override *const *list;
	size_t count;
};

struct draft {
	const struct qos_node *root;
	struct qos_diags *diags;
	size_t errors;
	bool text_bad;		/* errors were there before: not all that was written can be read */
	size_t schedule_errors; /* of errors, those in `schedules` */
	bool no_memory;

	const struct qos_override **overrides; /* by class and then by place */
	size_t override_count;
	struct qos_diags *override_diags;   /* for what is wrong with one of them alone */
	const struct qos_override *reading; /* that is being read */
	const struct qos_schedule *trying;  /* whose they are */

	struct qos_policy *policy;
	struct known_list services, users; /* those that were looked up and are there */
	uint32_t masks[QOS_POLICY_MASKS];  /* of all marks in the rules */
	size_t mask_count;
	struct rate link_rate;
	struct class_draft *classes; /* as in the policy; they stay when all are read */
	size_t class_count;
	const struct class_draft **by_name; /* all of them, by name and then by place */
	bool classes_bad;     /* not all are there: a name that is not known may be right */
	struct family family; /* of the link */
};

/* An error of the policy, at loc. */
void draft_error(struct draft *draft, struct qos_loc loc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* One to begin with; -ENOMEM. To be released by draft_done(). */
int draft_init(struct draft *draft, const struct qos_node *root, struct qos_diags *diags);
void draft_done(struct draft *draft);

/* Room in array for one more than count: it doubles at powers of two. Null, and
 * no_memory, when there is none; then the old array is as it was. */
void *draft_grow(struct draft *draft, void *array, size_t count, size_t size);

struct key;

/* Reads a key's value into object, as the key says. */
typedef void key_reader(struct draft *draft, const struct key *key, const struct qos_node *value,
			void *object);

struct key {
	const char *name;
	key_reader *read;
	size_t offset; /* of the field in the object */
	size_t count;  /* of the number of a list's entries in the object */
	const struct qos_names *names;
	int64_t min, max;
	bool leaf; /* of a class's: only for those without classes in them */
	bool live; /* a number in the tables of a running program: can be overridden */
};

/* The field of a key in its object. */
static inline void *key_field(const struct key *key, void *object)
{
	return (char *)object + key->offset;
}

struct key_table {
	const char *where;	/* "a class": where the keys stand */
	const struct key *keys; /* read in this order, whatever the file's */
	size_t count;
	bool inner; /* of class_keys, those of leaves are refused */
	bool live;  /* those that cannot be overridden are refused */
};

extern const struct key_table keys_policy;   /* into a struct draft */
extern const struct key_table keys_link;     /* struct draft */
extern const struct key_table keys_overhead; /* struct qos_link */
extern const struct key_table keys_class;    /* struct class_draft */
extern const struct key_table keys_inner;    /* the same, with classes in it */
extern const struct key_table keys_rule;     /* struct qos_rule_def */
extern const struct key_table keys_match;    /* struct qos_match */
extern const struct key_table keys_excluded; /* the same, of a `not` */
extern const struct key_table keys_schedule; /* struct qos_schedule */
/* What can be overridden: for keys_expect_live(). */
extern const struct key_table keys_live_class, keys_live_inner, keys_live_link;

/* Read all keys of a map, reporting those that no table has. */
void keys_read(struct draft *draft, const struct key_table *table, const struct qos_node *map,
	       void *object);

/* The same, with overrides in place of what the map has. */
void keys_read_over(struct draft *draft, const struct key_table *table, const struct qos_node *map,
		    struct overlay over, void *object);
/* Of a policy only what overrides change, and what that is judged by: link and classes. */
void keys_read_numbers(struct draft *draft);
/* Whether a key of that name can be overridden, by a table of those; otherwise reported. */
bool keys_expect_live(struct draft *draft, const struct key_table *table, const char *name,
		      struct qos_loc loc);

/* Whether a map has a key, well or badly spelt: the latter is reported as that,
 * and is not also missing. */
bool keys_given(const struct key_table *table, const struct qos_node *map, const char *name);

/* Where to point for a value: itself, or its key where nothing is written. */
struct qos_loc value_place(const struct qos_node *value);
/* Where to point for its key: that, or the value where it has none. */
struct qos_loc key_place(const struct qos_node *item);
/* The error for a leaf's key on an inner class. */
void refuse_leaf_key(struct draft *draft, const struct key *key, struct qos_loc loc,
		     const struct class_draft *class);
/* Whether it can be the name of a class or a schedule: see QOS_CLASS_NAME_MAX. */
bool name_valid(const char *name);
/* Whether nothing, `~` or `null` is written. */
bool value_is_null(const struct qos_node *value);
/* Whether it is of that kind and says something; otherwise reported. name: of its key. */
bool value_expect(struct draft *draft, const char *name, const struct qos_node *value,
		  enum qos_node_kind kind);
/* A decimal number from 0 to max, without sign or leading zeros. -EINVAL, -ERANGE. */
int value_decimal(const char *text, unsigned int max, unsigned int *ret);
/* One number as value_decimal() takes it, or two, "MIN-MAX", not put in order. -EINVAL, -ERANGE. */
int value_range(const char *text, unsigned int max, struct qos_range *ret);
/* Whether a range is not from high to low; otherwise reported. */
bool value_in_order(struct draft *draft, const struct qos_node *value,
		    const struct qos_range *range);
/* A boolean of YAML 1.1 (yes, on, true, ...), unquoted. -EINVAL. */
int value_bool(const struct qos_node *value, bool *ret);
/* ", did you mean `x`?", or "" for null. In a buffer of SUGGEST_LEN. */
#define SUGGEST_LEN 96
const char *value_suggest(const char *nearest, char *buf);
#define SUGGEST(nearest) value_suggest((nearest), (char[SUGGEST_LEN]){ 0 })
/*
 * What was meant by a text that is no quantity: without leading zeros, or its number with the unit
 * that is near, or null. In a buffer of MEANT_LEN.
 */
#define MEANT_LEN 64
const char *value_meant(const char *text, const char *unit, char *buf);
#define MEANT(text, unit) value_meant((text), (unit), (char[MEANT_LEN]){ 0 })
/* "0", "0.0": a unit would not help. */
bool value_is_bare_zero(const char *text);
/* Whether a search for a nearest name is worth it: not after a hundred errors,
 * or a hostile file would keep us busy for minutes. */
static inline bool draft_suggests(const struct draft *draft)
{
	return draft->errors < 100;
}

/* A new entry at the end of a key's list, of that size, or null. */
void *draft_add(struct draft *draft, const struct key *key, void *object, size_t size);

/* The nearest name, where it is worth the search. */
const char *draft_nearest(const struct draft *draft, const struct qos_names *names,
			  const char *text);

/* Do each on every scalar of a value that may be a list, or lists in it (an alias
 * to a list stands for its items). */
void value_each(struct draft *draft, const struct key *key, const struct qos_node *value,
		key_reader *each, void *object);
/* text, of the value, is none of key->names: reported with the nearest of them. */
void value_no_name(struct draft *draft, const struct key *key, const struct qos_node *value,
		   const char *text);
/* Sort the classes by name, when all are read; reports those given twice. */
void draft_sort_classes(struct draft *draft);
/* The leaf that value names; false, and reported, when there is none. */
bool draft_find_class(struct draft *draft, const struct qos_node *value, size_t *ret_index);
/* The class of that name, inner or not; false, and reported at loc, when there is none. */
bool draft_find_any(struct draft *draft, const char *name, struct qos_loc loc,
		    const struct class_draft **ret_class);
/* 0 to 63 or a name; -1 with the error reported. */
int value_to_dscp(struct draft *draft, const struct qos_node *value);

/* Readers of single values; the type of the field in parentheses. */
key_reader value_name;	  /* int: a number of key->names */
key_reader value_family;  /* uint8_t */
key_reader value_integer; /* int32_t, from key->min to key->max */
key_reader value_size;	  /* uint64_t: bytes, from key->min to key->max */
key_reader value_time;	  /* uint64_t: ns, the same */
key_reader value_flag;	  /* bool */
key_reader value_rate;	  /* struct rate */
key_reader value_dscp;	  /* int */

/* Readers of the rest; each knows the object of its table. */
key_reader read_interface, read_link, read_classes, read_default, read_rules;
key_reader read_mode, read_tunnel, read_gso, read_overhead, read_atm;
key_reader read_class_rate, read_class_ceil, read_members;
key_reader read_weight, read_fairness;
key_reader read_rule_class, read_rule_action, read_rule_match;
key_reader read_schedules, read_schedule_name, read_schedule_cron, read_schedule_set;
key_reader read_protos, read_prefixes, read_ports, read_dscps;
key_reader read_marks, read_cgroups, read_uids, read_vlans, read_lengths;
key_reader read_tcp_flags, read_icmp_types, read_excluded;

/* Whether a packet can have all that a match asks for; otherwise reported. */
void match_check(struct draft *draft, const struct qos_node *map, const struct qos_match *match);

/* The port of a service, the number of a user, as this machine has them. -ENOENT, or the errno
 * of asking. */
int draft_find_service(struct draft *draft, const char *name, uint32_t *ret_port);
int draft_find_user(struct draft *draft, const char *name, uint32_t *ret_uid);

/* The classes that class is divided into, or the link for QOS_PARENT_LINK. */
static inline struct family *draft_family(struct draft *draft, int class)
{
	return class == QOS_PARENT_LINK ? &draft->family : &draft->classes[class].family;
}

/* What the classes in class, or in the link, may not exceed. */
static inline const struct rate *draft_limit(const struct draft *draft, int class)
{
	return class == QOS_PARENT_LINK ? &draft->link_rate : &draft->classes[class].limit;
}

/* "the link's 10mbit", "the 5mbit of `web`", or "its `ceil` of 5mbit" if the class with
 * index self says it. In a buffer of WHOSE_LEN. */
#define WHOSE_LEN 160
const char *rate_whose(const struct draft *draft, const struct rate *rate, int self, char *buf);

/* Take overrides, which stay the caller's. */
void overlay_set(struct draft *draft, const struct qos_override *overrides, size_t count);
/* Those of a class, or of "link". */
struct overlay overlay_of(const struct draft *draft, const char *class);
/* The one that holds for a key, or null. */
const struct qos_override *overlay_get(struct overlay over, const char *key);
/* Whether there is such a class (or "link") to override something of, and what keys of it
 * can be; otherwise reported at loc. */
bool overlay_expect(struct draft *draft, const char *class, struct qos_loc loc,
		    const struct key_table **ret_table);
/* Judge those that were taken, when the classes are known. */
void overlay_check(struct draft *draft);

/* Build the policy with each of its schedules, to see what is wrong with them. */
void schedules_try(struct draft *draft);

/* The cross-field rules; fills in the defaults. */
void policy_check(struct draft *draft);
/* Those of weights and flows, when the rates are known. */
void shares_check(struct draft *draft);

#endif
