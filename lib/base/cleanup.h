/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Ownership by attribute: a local that owns something says so where it is
 * declared, and is released on every way out of its scope.
 *
 *	_cleanup_(freep) char *name = NULL;
 *	...
 *	*ret = TAKE_PTR(name);
 */
#ifndef QOS_BASE_CLEANUP_H
#define QOS_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(fn) __attribute__((cleanup(fn)))

/* The value of a pointer that no longer owns. */
#define TAKE_PTR(ptr)                            \
	({                                       \
		__typeof__(ptr) *_pptr = &(ptr); \
		__typeof__(ptr) _ptr = *_pptr;   \
		*_pptr = NULL;                   \
		_ptr;                            \
	})

#define TAKE_FD(fd)                \
	({                         \
		int *_pfd = &(fd); \
		int _fd = *_pfd;   \
		*_pfd = -1;        \
		_fd;               \
	})

#define DEFINE_CLEANUP(type, name, fn)   \
	static inline void name(type *p) \
	{                                \
		if (*p)                  \
			fn(*p);          \
	}

static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void fclosep(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
