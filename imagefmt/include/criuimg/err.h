/* criuimg/err.h -- how a failure travels.
 *
 * One value, owned by the caller, always the last parameter, with no pointer inside: it can be copied, sent through a
 * pipe, thrown away. A function that takes one returns a failure (-1, or NULL) and fills it in, or reports nothing; it
 * never prints. Each level that has a noun of its own puts it in front with img_wrap(): "pid 12: fd 3: eventfd: ...".
 * A successful call leaves the error untouched. See docs/errors.md.
 */
#ifndef CRIUIMG_ERR_H
#define CRIUIMG_ERR_H

#include <stdarg.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The closed list of reasons. Values are frozen: they travel in pipes and become exit statuses. */
enum img_code {
	IMG_OK = 0,
	IMG_NOMEM = 1,	     /* no memory; nothing was changed */
	IMG_SYS = 2,	     /* a system call failed: sys_errno says why */
	IMG_CORRUPT = 3,     /* the bytes of an image contradict the format or each other */
	IMG_UNSUPPORTED = 4, /* well understood, and not something this program or this host can do */
	IMG_USAGE = 5,	     /* the caller asked for something that makes no sense */
};

struct img_err {
	enum img_code code;
	int sys_errno; /* 0 unless code is IMG_SYS */
	char text[1016];
};

#define IMG_ERR_INIT { IMG_OK, 0, "" }

/* Fill in *err (which may be NULL) and return -1, so that a caller writes `return img_fail(...)`. */
int img_fail(struct img_err *err, enum img_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same for a system call that just failed: code IMG_SYS (IMG_NOMEM for ENOMEM of malloc is not distinguished),
 * sys_errno = errno, text "<fmt>: <strerror(errno)>". */
int img_fail_sys(struct img_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Out of memory. */
int img_fail_nomem(struct img_err *err);

/* Put "<fmt>: " before the text. Keeps code and sys_errno. A text that grows too long loses its end. Returns -1. */
int img_wrap(struct img_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The name of a code: "corrupt image", "not supported", ... Never NULL. */
const char *img_code_name(enum img_code code);

/* The exit status a program ends with after this failure: 1 failed, 2 usage, 3 unsupported, 4 bad image. */
int img_exit_status(const struct img_err *err);

#ifdef __cplusplus
}
#endif
#endif
