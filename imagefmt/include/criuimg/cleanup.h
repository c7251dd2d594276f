/* criuimg/cleanup.h -- cleanup on the declaration, "steal" to give away.
 *
 *	cleanup_fd int fd = open(...);
 *	cleanup_free char *name = strdup(...);
 *	...
 *	*fd_out = steal_fd(&fd);
 */
#ifndef CRIUIMG_CLEANUP_H
#define CRIUIMG_CLEANUP_H

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void img_cleanup_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	errno = saved;
}

static inline void img_cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void img_cleanup_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void img_cleanup_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

static inline int steal_fd(int *fd)
{
	int got = *fd;

	*fd = -1;
	return got;
}

#define cleanup_fd   __attribute__((cleanup(img_cleanup_fd)))
#define cleanup_free __attribute__((cleanup(img_cleanup_free)))
#define cleanup_file __attribute__((cleanup(img_cleanup_file)))
#define cleanup_dir  __attribute__((cleanup(img_cleanup_dir)))

/* cleanup_with(f): f takes the variable's value, and NULL. */
#define IMG_DEFINE_CLEANUP(type, func)                      \
	static inline void img_cleanup_##func(type *p)      \
	{                                                   \
		if (*p)                                     \
			func(*p);                           \
	}                                                   \
	struct img_cleanup_semicolon_##func
#define cleanup_with(func) __attribute__((cleanup(img_cleanup_##func)))

#define steal_ptr(pp)                            \
	({                                       \
		__typeof__(*(pp)) got_ = *(pp);  \
		*(pp) = NULL;                    \
		got_;                            \
	})

#endif
