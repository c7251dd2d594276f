/* crit/url.c -- bytes from a web server, by libcurl, which is loaded when the first URL is met.
 *
 * The server is asked for its first bytes as a range. If it gives just these and says how many there are, it is read like a file, by ranges:
 * what is small by whole blocks, which are kept for a while, and what is large as it is asked for. Else it is read from front to end,
 * by a thread that passes on what comes.
 *
 * What is read in parts must not change meanwhile: the size and the entity tag of each part are those of the first.
 */

#include "url.h"

#include <string.h>
#include <strings.h>

bool crit_is_url(const char *path)
{
	return !strncasecmp(path, "http://", 7) || !strncasecmp(path, "https://", 8);
}

#if __has_include(<curl/curl.h>)

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "criuimg/array.h"
#include "criuimg/cleanup.h"

enum {
	BLOCK = 64 << 10,
	BLOCKS = 64, /* that are kept */
	TAG = 256,
	CONNECT_S = 30,
	STALL_S = 60, /* without a byte, until the server is given up */
	REDIRECTS = 5,

	HTTP_OK = 200,
	HTTP_PARTIAL = 206,
	HTTP_BAD = 400,
	HTTP_RANGE = 416, /* there is nothing at that place */
};

/* The same ABI with two libraries of TLS behind it. */
static const char *const libraries[] = { "libcurl-gnutls.so.4", "libcurl.so.4" };

#define FUNCTIONS(F)                                                                                         \
	F(curl_easy_init)                                                                                    \
	F(curl_easy_duphandle)                                                                               \
	F(curl_easy_setopt)                                                                                  \
	F(curl_easy_getinfo)                                                                                 \
	F(curl_easy_perform)                                                                                 \
	F(curl_easy_strerror)                                                                                \
	F(curl_easy_cleanup)

#define MEMBER(name) __typeof__(name) *name;
struct library {
	void *handle;
	FUNCTIONS(MEMBER)
};

struct block {
	uint64_t number; /* + 1; 0: none */
	uint64_t used;	 /* when */
	size_t len;
	unsigned char *data;
};

struct crit_url {
	char *address;
	struct library lib;
	CURL *easy;
	char message[CURL_ERROR_SIZE];
	bool ranges;
	uint64_t size;
	char tag[TAG]; /* "" : it has none */

	pthread_mutex_t lock; /* of all below, and of easy */
	int users;
	struct block blocks[BLOCKS];
	uint64_t clock;
};

/* What comes as the answer to a request for a range. */
struct answer {
	struct crit_url *url;
	unsigned char *buf;
	size_t room, len;
	bool other; /* it is not of that range */
	uint64_t start, size;
	bool has_range;
	char tag[TAG];
};

/* ---- the library ---- */

static int load(struct library *lib, struct img_err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(libraries) && !lib->handle; i++)
		lib->handle = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
	if (!lib->handle)
		return img_fail(err, IMG_UNSUPPORTED, "a URL takes %s or %s, which are not here", libraries[0], libraries[1]);
#define FIND(name)                                                                                           \
	lib->name = (__typeof__(name) *)dlsym(lib->handle, #name);                                           \
	if (!lib->name)                                                                                      \
		return img_fail(err, IMG_UNSUPPORTED, "libcurl has no %s", #name);
	FUNCTIONS(FIND)
	return 0;
}

/* Of all requests. */
static CURL *new_handle(struct crit_url *u)
{
	CURL *easy = u->lib.curl_easy_init();

	if (!easy)
		return NULL;
	u->lib.curl_easy_setopt(easy, CURLOPT_URL, u->address);
	u->lib.curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, u->message);
	u->lib.curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	u->lib.curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
	u->lib.curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTS);
	u->lib.curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL);
	u->lib.curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	u->lib.curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
	u->lib.curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)STALL_S);
	u->lib.curl_easy_setopt(easy, CURLOPT_USERAGENT, "crit/" VERSION);
	return easy;
}

static int curl_failed(const struct crit_url *u, CURLcode code, struct img_err *err)
{
	return img_fail(err, IMG_SYS, "%s: %s", u->address, *u->message ? u->message : u->lib.curl_easy_strerror(code));
}

static int http_failed(const struct crit_url *u, long status, struct img_err *err)
{
	return img_fail(err, IMG_SYS, "%s: the server answers with status %ld", u->address, status);
}

/* ---- ranges ---- */

static long status_of(struct crit_url *u, CURL *easy)
{
	long status = 0;

	u->lib.curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

/* The value of a header, if it is this one; `line` ends with a line break. */
static bool header_is(const char *line, const char *name, char *value, size_t size)
{
	size_t len = strlen(name);

	if (strncasecmp(line, name, len) || line[len] != ':')
		return false;
	line += len + 1;
	line += strspn(line, " \t");
	snprintf(value, size, "%.*s", (int)strcspn(line, "\r\n"), line);
	return true;
}

static size_t take_header(char *data, size_t one, size_t len, void *arg)
{
	struct answer *a = arg;
	char line[TAG + 64], value[TAG];

	snprintf(line, sizeof(line), "%.*s", (int)(one * len), data);
	/* After a redirection there is another one. */
	if (!strncmp(line, "HTTP/", 5)) {
		a->has_range = false;
		*a->tag = '\0';
	}
	if (header_is(line, "etag", value, sizeof(value)))
		snprintf(a->tag, sizeof(a->tag), "%s", value);
	if (header_is(line, "content-range", value, sizeof(value)))
		a->has_range = sscanf(value, "bytes %" SCNu64 "-%*u/%" SCNu64, &a->start, &a->size) == 2;
	return one * len;
}

static size_t take_bytes(char *data, size_t one, size_t len, void *arg)
{
	struct answer *a = arg;

	len *= one;
	if (status_of(a->url, a->url->easy) != HTTP_PARTIAL) {
		a->other = true;
		return 0;
	}
	if (len > a->room - a->len)
		return 0;
	memcpy(a->buf + a->len, data, len);
	a->len += len;
	return len;
}

/* Ask for len bytes from `at` on. The status is for the caller to judge; *a has what came. The lock is held. */
static int ask(struct crit_url *u, uint64_t at, struct answer *a, long *status, struct img_err *err)
{
	char range[64];
	CURLcode code;

	snprintf(range, sizeof(range), "%" PRIu64 "-%" PRIu64, at, at + a->room - 1);
	a->url = u;
	*u->message = '\0';
	u->lib.curl_easy_setopt(u->easy, CURLOPT_RANGE, range);
	u->lib.curl_easy_setopt(u->easy, CURLOPT_HEADERFUNCTION, take_header);
	u->lib.curl_easy_setopt(u->easy, CURLOPT_HEADERDATA, a);
	u->lib.curl_easy_setopt(u->easy, CURLOPT_WRITEFUNCTION, take_bytes);
	u->lib.curl_easy_setopt(u->easy, CURLOPT_WRITEDATA, a);
	code = u->lib.curl_easy_perform(u->easy);
	*status = status_of(u, u->easy);
	return code == CURLE_OK || a->other ? 0 : curl_failed(u, code, err);
}

static int get(struct crit_url *u, void *buf, size_t len, uint64_t at, struct img_err *err)
{
	struct answer a = { .buf = buf, .room = len };
	long status;

	if (ask(u, at, &a, &status, err) < 0)
		return -1;
	if (status != HTTP_PARTIAL)
		return http_failed(u, status, err);
	if (!a.has_range || a.size != u->size || strcmp(a.tag, u->tag))
		return img_fail(err, IMG_SYS, "%s: was changed while it was read", u->address);
	if (a.start != at || a.len != len)
		return img_fail(err, IMG_SYS, "%s: the server gave another part than was asked for", u->address);
	return 0;
}

/* The block of that number: kept, or got in place of the one that was not used for longest. */
static struct block *block_of(struct crit_url *u, uint64_t number, struct img_err *err)
{
	struct block *b = u->blocks;
	uint64_t at = number * BLOCK;

	for (size_t i = 0; i < BLOCKS; i++) {
		if (u->blocks[i].number == number + 1) {
			u->blocks[i].used = ++u->clock;
			return &u->blocks[i];
		}
		if (u->blocks[i].used < b->used)
			b = &u->blocks[i];
	}
	if (!b->data)
		b->data = malloc(BLOCK);
	if (!b->data) {
		img_fail_nomem(err);
		return NULL;
	}
	b->number = 0;
	b->len = u->size - at < BLOCK ? u->size - at : BLOCK;
	if (get(u, b->data, b->len, at, err) < 0)
		return NULL;
	b->number = number + 1;
	b->used = ++u->clock;
	return b;
}

static int get_blocks(struct crit_url *u, unsigned char *buf, size_t len, uint64_t at, struct img_err *err)
{
	while (len) {
		struct block *b = block_of(u, at / BLOCK, err);
		size_t from = at % BLOCK, n;

		if (!b)
			return -1;
		n = b->len - from < len ? b->len - from : len;
		memcpy(buf, b->data + from, n);
		buf += n;
		at += n;
		len -= n;
	}
	return 0;
}

/* ---- a source by ranges ---- */

struct ranged {
	struct crit_url *url;
	uint64_t pos;
};

static ssize_t ranged_pread(void *self, void *buf, size_t len, uint64_t offset, struct img_err *err)
{
	struct crit_url *u = ((struct ranged *)self)->url;
	int ret;

	if (offset >= u->size || !len)
		return 0;
	if (len > u->size - offset)
		len = u->size - offset;
	pthread_mutex_lock(&u->lock);
	ret = len < BLOCK ? get_blocks(u, buf, len, offset, err) : get(u, buf, len, offset, err);
	pthread_mutex_unlock(&u->lock);
	return ret < 0 ? -1 : (ssize_t)len;
}

static ssize_t ranged_read(void *self, void *buf, size_t len, struct img_err *err)
{
	struct ranged *r = self;
	ssize_t n = ranged_pread(self, buf, len, r->pos, err);

	if (n > 0)
		r->pos += n;
	return n;
}

static int64_t ranged_size(void *self)
{
	return (int64_t)((struct ranged *)self)->url->size;
}

static int ranged_skip(void *self, uint64_t len, struct img_err *err)
{
	struct ranged *r = self;

	if (r->pos > r->url->size || len > r->url->size - r->pos)
		return img_fail(err, IMG_CORRUPT, "ends in the middle");
	r->pos += len;
	return 0;
}

static void ranged_close(void *self)
{
	crit_url_close(((struct ranged *)self)->url);
	free(self);
}

static const struct img_source_ops ranged_ops = {
	.read = ranged_read,
	.pread = ranged_pread,
	.size = ranged_size,
	.skip = ranged_skip,
	.close = ranged_close,
};

/* ---- a source from front to end ---- */

struct feed {
	struct crit_url *url;
	CURL *easy;
	pthread_t thread;
	bool started;
	int in, out; /* a pair of sockets */
	CURLcode code;
	long status;
};

static size_t pass_on(char *data, size_t one, size_t len, void *arg)
{
	struct feed *f = arg;
	size_t done = 0;

	len *= one;
	if (status_of(f->url, f->easy) != HTTP_OK)
		return 0;
	while (done < len) {
		ssize_t n = send(f->in, data + done, len - done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		done += n;
	}
	return len;
}

static void *transfer(void *arg)
{
	struct feed *f = arg;

	f->code = f->url->lib.curl_easy_perform(f->easy);
	f->status = status_of(f->url, f->easy);
	shutdown(f->in, SHUT_RDWR);
	return NULL;
}

static int start(struct feed *f, struct img_err *err)
{
	const struct library *lib = &f->url->lib;

	f->easy = new_handle(f->url);
	if (!f->easy)
		return img_fail_nomem(err);
	lib->curl_easy_setopt(f->easy, CURLOPT_WRITEFUNCTION, pass_on);
	lib->curl_easy_setopt(f->easy, CURLOPT_WRITEDATA, f);
	errno = pthread_create(&f->thread, NULL, transfer, f);
	if (errno)
		return img_fail_sys(err, "starting a thread");
	f->started = true;
	return 0;
}

static void join(struct feed *f)
{
	if (f->started)
		pthread_join(f->thread, NULL);
	f->started = false;
}

static ssize_t feed_read(void *self, void *buf, size_t len, struct img_err *err)
{
	struct feed *f = self;
	ssize_t n;

	if (!f->easy && start(f, err) < 0)
		return -1;
	do
		n = recv(f->out, buf, len, 0);
	while (n < 0 && errno == EINTR);
	if (n)
		return n < 0 ? img_fail_sys(err, "%s", f->url->address) : n;
	join(f);
	if (f->status >= HTTP_BAD)
		return http_failed(f->url, f->status, err);
	return f->code == CURLE_OK ? 0 : curl_failed(f->url, f->code, err);
}

static void feed_close(void *self)
{
	struct feed *f = self;

	shutdown(f->out, SHUT_RDWR);
	join(f);
	if (f->easy)
		f->url->lib.curl_easy_cleanup(f->easy);
	close(f->in);
	close(f->out);
	crit_url_close(f->url);
	free(f);
}

static const struct img_source_ops feed_ops = {
	.read = feed_read,
	.close = feed_close,
};

/* ---- opening ---- */

static struct img_source *ranged_source(struct crit_url *u, struct img_err *err)
{
	struct ranged *r = calloc(1, sizeof(*r));
	struct img_source *src;

	if (!r) {
		img_fail_nomem(err);
		return NULL;
	}
	r->url = u;
	src = img_source_new(&ranged_ops, r, err);
	if (!src)
		free(r);
	return src;
}

static struct img_source *feed_source(struct crit_url *u, struct img_err *err)
{
	struct feed *f = calloc(1, sizeof(*f));
	struct img_source *src = NULL;
	int pair[2];

	if (!f || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		img_fail_sys(err, "%s", u->address);
		free(f);
		return NULL;
	}
	*f = (struct feed){ .url = u, .in = pair[0], .out = pair[1] };
	src = img_source_new(&feed_ops, f, err);
	if (!src) {
		close(pair[0]);
		close(pair[1]);
		free(f);
	}
	return src;
}

struct img_source *crit_url_source(void *url, struct img_err *err)
{
	struct crit_url *u = url;
	struct img_source *src = u->ranges ? ranged_source(u, err) : feed_source(u, err);

	if (src) {
		pthread_mutex_lock(&u->lock);
		u->users++;
		pthread_mutex_unlock(&u->lock);
	}
	return src;
}

bool crit_url_has_ranges(const struct crit_url *url)
{
	return url->ranges;
}

/* The first block tells all there is to know. */
static int probe(struct crit_url *u, struct img_err *err)
{
	struct block *b = &u->blocks[0];
	struct answer a = { .room = BLOCK };
	long status;

	a.buf = b->data = malloc(BLOCK);
	if (!a.buf)
		return img_fail_nomem(err);
	if (ask(u, 0, &a, &status, err) < 0)
		return -1;
	if (status >= HTTP_BAD && status != HTTP_RANGE)
		return http_failed(u, status, err);
	u->ranges = status == HTTP_PARTIAL && a.has_range && !a.start && a.size <= INT64_MAX &&
		    a.len == (a.size < BLOCK ? a.size : BLOCK);
	if (!u->ranges)
		return 0;
	u->size = a.size;
	memcpy(u->tag, a.tag, sizeof(u->tag));
	*b = (struct block){ .number = 1, .used = ++u->clock, .len = a.len, .data = a.buf };
	return 0;
}

struct crit_url *crit_url_open(const char *path, struct img_err *err)
{
	struct crit_url *u = calloc(1, sizeof(*u));

	if (u) {
		pthread_mutex_init(&u->lock, NULL);
		u->users = 1;
		u->address = strdup(path);
	}
	if (!u || !u->address) {
		img_fail_nomem(err);
		crit_url_close(u);
		return NULL;
	}
	if (load(&u->lib, err) == 0) {
		u->easy = new_handle(u);
		if (!u->easy)
			img_fail_nomem(err);
		else if (probe(u, err) == 0)
			return u;
	}
	crit_url_close(u);
	return NULL;
}

void crit_url_close(struct crit_url *u)
{
	int users;

	if (!u)
		return;
	pthread_mutex_lock(&u->lock);
	users = --u->users;
	pthread_mutex_unlock(&u->lock);
	if (users > 0)
		return;
	if (u->easy)
		u->lib.curl_easy_cleanup(u->easy);
	for (size_t i = 0; i < BLOCKS; i++)
		free(u->blocks[i].data);
	/* The library itself stays: it may have threads and handlers of its own. */
	pthread_mutex_destroy(&u->lock);
	free(u->address);
	free(u);
}

#else /* built where libcurl's headers were not */

struct crit_url *crit_url_open(const char *path, struct img_err *err)
{
	img_fail(err, IMG_UNSUPPORTED, "%s: this crit was built without libcurl, which URLs take", path);
	return NULL;
}

void crit_url_close(struct crit_url *url)
{
}

bool crit_url_has_ranges(const struct crit_url *url)
{
	return false;
}

struct img_source *crit_url_source(void *url, struct img_err *err)
{
	return NULL;
}

#endif
