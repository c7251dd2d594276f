/* engines/remote/tls.c -- TLS around a connection, by gnutls, with certificates at both ends.
 *
 * The library is loaded when a connection is to be secured: other runs need not wait for it, nor have it installed.
 *
 * Files that are not named are where criu(8) says: /etc/pki/CA/cacert.pem and cacrl.pem, /etc/pki/criu/cert.pem and
 * /etc/pki/criu/private/key.pem. Of these only the list of revoked certificates may be missing.
 */

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "criuimg/cleanup.h"
#include "remote/tls.h"

#define LIBRARY "libgnutls.so.30"

#define FUNCTIONS(F)                                                                                         \
	F(gnutls_init)                                                                                       \
	F(gnutls_deinit)                                                                                     \
	F(gnutls_set_default_priority)                                                                       \
	F(gnutls_transport_set_int2)                                                                         \
	F(gnutls_handshake_set_timeout)                                                                      \
	F(gnutls_handshake)                                                                                  \
	F(gnutls_error_is_fatal)                                                                             \
	F(gnutls_strerror)                                                                                   \
	F(gnutls_record_set_timeout)                                                                         \
	F(gnutls_record_send)                                                                                \
	F(gnutls_record_recv)                                                                                \
	F(gnutls_bye)                                                                                        \
	F(gnutls_free)                                                                                       \
	F(gnutls_credentials_set)                                                                            \
	F(gnutls_certificate_allocate_credentials)                                                           \
	F(gnutls_certificate_free_credentials)                                                               \
	F(gnutls_certificate_set_x509_trust_file)                                                            \
	F(gnutls_certificate_set_x509_crl_file)                                                              \
	F(gnutls_certificate_set_x509_key_file)                                                              \
	F(gnutls_certificate_server_set_request)                                                             \
	F(gnutls_certificate_verify_peers3)                                                                  \
	F(gnutls_certificate_verification_status_print)                                                      \
	F(gnutls_certificate_type_get)

#define MEMBER(name) __typeof__(name) *name;
struct library {
	void *handle;
	FUNCTIONS(MEMBER)
};

struct remote_tls {
	struct library lib;
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
};

static int load(struct library *lib, struct img_err *err)
{
	lib->handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!lib->handle)
		return img_fail(err, IMG_UNSUPPORTED, "TLS needs %s: %s", LIBRARY, dlerror());
#define FIND(name)                                                                                           \
	lib->name = (__typeof__(name) *)dlsym(lib->handle, #name);                                           \
	if (!lib->name)                                                                                      \
		return img_fail(err, IMG_UNSUPPORTED, "%s has no %s", LIBRARY, #name);
	FUNCTIONS(FIND)
	return 0;
}

static int fail(const struct remote_tls *t, int code, const char *what, struct img_err *err)
{
	errno = EPROTO;
	img_fail_sys(err, "TLS");
	if (err) {
		img_fail(err, IMG_SYS, "TLS: %s: %s", what, t->lib.gnutls_strerror(code));
		err->sys_errno = EPROTO;
	}
	return -1;
}

/* ---- certificates ---- */

static int authorities(struct remote_tls *t, const struct options *opt, struct img_err *err)
{
	const char *ca = opt->tls_cacert ? opt->tls_cacert : "/etc/pki/CA/cacert.pem";
	const char *crl = opt->tls_cacrl ? opt->tls_cacrl : "/etc/pki/CA/cacrl.pem";
	int ret = t->lib.gnutls_certificate_set_x509_trust_file(t->credentials, ca, GNUTLS_X509_FMT_PEM);

	if (ret < 0)
		return fail(t, ret, ca, err);
	if (ret == 0)
		return img_fail(err, IMG_USAGE, "TLS: %s: no certificate in it", ca);
	if (!opt->tls_cacrl && access(crl, F_OK) < 0)
		return 0;
	ret = t->lib.gnutls_certificate_set_x509_crl_file(t->credentials, crl, GNUTLS_X509_FMT_PEM);
	return ret < 0 ? fail(t, ret, crl, err) : 0;
}

static int own_certificate(struct remote_tls *t, const struct options *opt, struct img_err *err)
{
	const char *cert = opt->tls_cert ? opt->tls_cert : "/etc/pki/criu/cert.pem";
	const char *key = opt->tls_key ? opt->tls_key : "/etc/pki/criu/private/key.pem";
	int ret;

	if (access(cert, R_OK) < 0)
		return img_fail_sys(err, "TLS: %s", cert);
	if (access(key, R_OK) < 0)
		return img_fail_sys(err, "TLS: %s", key);
	ret = t->lib.gnutls_certificate_set_x509_key_file(t->credentials, cert, key, GNUTLS_X509_FMT_PEM);
	return ret < 0 ? fail(t, ret, cert, err) : 0;
}

/* After the handshake: whoever it is has a certificate of our authority, not revoked, in force now, and a client's
 * server has the name that it was called by. */
static int verify(struct remote_tls *t, const char *host, struct img_err *err)
{
	gnutls_datum_t text = { 0 };
	unsigned int status;
	int ret = t->lib.gnutls_certificate_verify_peers3(t->session, host, &status);

	if (ret < 0)
		return fail(t, ret, "the certificate of the other end", err);
	if (!status)
		return 0;
	ret = t->lib.gnutls_certificate_verification_status_print(
		status, t->lib.gnutls_certificate_type_get(t->session), &text, 0);
	img_fail(err, IMG_SYS, "TLS: the certificate of the other end is refused: %s",
		ret == 0 ? (char *)text.data : "not valid");
	if (err)
		err->sys_errno = EACCES;
	if (ret == 0)
		(*t->lib.gnutls_free)(text.data);
	return -1;
}

/* ---- the session ---- */

enum {
	HANDSHAKE_MS = 30000,
	FAREWELL_MS = 5000,
};

static int prepare(struct remote_tls *t, const struct options *opt, struct img_err *err)
{
	int ret;

	if (load(&t->lib, err) < 0)
		return -1;
	ret = t->lib.gnutls_certificate_allocate_credentials(&t->credentials);
	if (ret < 0)
		return fail(t, ret, "credentials", err);
	return authorities(t, opt, err) < 0 ? -1 : own_certificate(t, opt, err);
}

int remote_tls_check(const struct options *opt, struct img_err *err)
{
	struct remote_tls *t = calloc(1, sizeof(*t));
	int ret;

	if (!t)
		return img_fail_nomem(err);
	ret = prepare(t, opt, err);
	remote_tls_close(t, false);
	return ret;
}

static int start(struct remote_tls *t, const struct options *opt, int fd, bool server, const char *host,
	struct img_err *err)
{
	int ret;

	if (prepare(t, opt, err) < 0)
		return -1;
	/* A lost connection is an error like others, not SIGPIPE. */
	ret = t->lib.gnutls_init(&t->session, (server ? GNUTLS_SERVER : GNUTLS_CLIENT) | GNUTLS_NO_SIGNAL);
	if (ret < 0)
		return fail(t, ret, "session", err);
	ret = t->lib.gnutls_set_default_priority(t->session);
	if (ret >= 0)
		ret = t->lib.gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE, t->credentials);
	if (ret < 0)
		return fail(t, ret, "session", err);
	if (server)
		t->lib.gnutls_certificate_server_set_request(t->session, GNUTLS_CERT_REQUIRE);
	t->lib.gnutls_transport_set_int2(t->session, fd, fd);
	t->lib.gnutls_handshake_set_timeout(t->session, HANDSHAKE_MS);
	do
		ret = t->lib.gnutls_handshake(t->session);
	while (ret < 0 && !t->lib.gnutls_error_is_fatal(ret));
	if (ret < 0)
		return fail(t, ret, "handshake", err);
	return verify(t, server || opt->tls_no_cn_verify ? NULL : host, err);
}

struct remote_tls *remote_tls_start(
	const struct options *opt, int fd, bool server, const char *host, struct img_err *err)
{
	struct remote_tls *t = calloc(1, sizeof(*t));

	if (!t) {
		img_fail_nomem(err);
		return NULL;
	}
	if (start(t, opt, fd, server, host, err) == 0)
		return t;
	remote_tls_close(t, false);
	return NULL;
}

int remote_tls_send(struct remote_tls *t, const void *buf, size_t len, struct img_err *err)
{
	const char *from = buf;

	while (len) {
		ssize_t put = t->lib.gnutls_record_send(t->session, from, len);

		if (put == GNUTLS_E_INTERRUPTED || put == GNUTLS_E_AGAIN)
			continue;
		if (put < 0)
			return fail(t, put, "sending", err);
		from += put;
		len -= put;
	}
	return 0;
}

ssize_t remote_tls_recv(struct remote_tls *t, void *buf, size_t len, struct img_err *err)
{
	for (;;) {
		ssize_t got = t->lib.gnutls_record_recv(t->session, buf, len);

		/* No word of farewell: it was cut, and who cut it may be somebody in between. For whom it ends in the
		 * middle of something this is an error all the same. */
		if (got == GNUTLS_E_PREMATURE_TERMINATION)
			return 0;
		if (got >= 0)
			return got;
		if (t->lib.gnutls_error_is_fatal(got))
			return fail(t, got, "receiving", err);
	}
}

void remote_tls_close(struct remote_tls *t, bool orderly)
{
	if (!t)
		return;
	if (t->session) {
		/* Not to read it, and to close the socket, would look like a lost connection there. */
		t->lib.gnutls_record_set_timeout(t->session, FAREWELL_MS);
		t->lib.gnutls_bye(t->session, orderly ? GNUTLS_SHUT_RDWR : GNUTLS_SHUT_WR);
		t->lib.gnutls_deinit(t->session);
	}
	if (t->credentials)
		t->lib.gnutls_certificate_free_credentials(t->credentials);
	/* The library stays loaded: it does not like to be taken out. */
	free(t);
}
