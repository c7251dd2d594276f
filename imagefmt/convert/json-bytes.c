/* imagefmt/convert/json-bytes.c -- bytes in JSON strings: base64 and quoted-printable (RFC 2045), as MIME breaks them. */

#include "convert/json-write.h"

#include <string.h>

#include "criuimg/json.h"

/* ---- base64 ---- */

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* One line, of at most JSON_BASE64_LINE bytes, and its newline. */
static void base64_line(struct json_out *out, const uint8_t *data, size_t len)
{
	char text[JSON_BASE64_LINE / 3 * 4 + 2], *at = text;

	for (; len >= 3; data += 3, len -= 3) {
		uint32_t word = (uint32_t)data[0] << 16 | (uint32_t)data[1] << 8 | data[2];

		*at++ = base64_digits[word >> 18];
		*at++ = base64_digits[word >> 12 & 63];
		*at++ = base64_digits[word >> 6 & 63];
		*at++ = base64_digits[word & 63];
	}
	if (len) {
		uint32_t word = (uint32_t)data[0] << 16 | (len > 1 ? (uint32_t)data[1] << 8 : 0);

		*at++ = base64_digits[word >> 18];
		*at++ = base64_digits[word >> 12 & 63];
		*at++ = len > 1 ? base64_digits[word >> 6 & 63] : '=';
		*at++ = '=';
	}
	*at++ = '\\';
	*at++ = 'n';
	json_raw(out, text, at - text);
}

void json_base64_begin(struct json_base64 *b64, struct json_out *out)
{
	b64->out = out;
	b64->held = 0;
	json_raw(out, "\"", 1);
}

void json_base64_add(struct json_base64 *b64, const uint8_t *data, size_t len)
{
	if (b64->held) {
		size_t part = JSON_BASE64_LINE - b64->held;

		if (part > len)
			part = len;
		memcpy(b64->line + b64->held, data, part);
		b64->held += part;
		data += part;
		len -= part;
		if (b64->held < JSON_BASE64_LINE)
			return;
		base64_line(b64->out, b64->line, JSON_BASE64_LINE);
		b64->held = 0;
	}
	for (; len >= JSON_BASE64_LINE; data += JSON_BASE64_LINE, len -= JSON_BASE64_LINE)
		base64_line(b64->out, data, JSON_BASE64_LINE);
	if (len)
		memcpy(b64->line, data, len);
	b64->held = len;
}

void json_base64_end(struct json_base64 *b64)
{
	if (b64->held)
		base64_line(b64->out, b64->line, b64->held);
	json_raw(b64->out, "\"", 1);
}

void json_bytes(struct json_out *out, const uint8_t *data, size_t len)
{
	struct json_base64 b64;

	json_base64_begin(&b64, out);
	if (len)
		json_base64_add(&b64, data, len);
	json_base64_end(&b64);
}

/* ---- quoted-printable ---- */

/* Lines are broken so that they have, with the '=' of the soft break, no more characters than this. */
#define QP_LINE 76

/* crit calls Python's quopri.encodestring(); what is quoted and where lines break is that function's choice. It has the
 * line ends of the text follow the first of them, which loses the others' "\r": here the odd ones are quoted instead. */
struct qp {
	int (*put)(void *to, const char *text, size_t len, struct img_err *err);
	void *to;
	int failed;
	struct img_err *err;
	const uint8_t *data;
	size_t len;
	size_t column;
	bool crlf; /* lines end in "\r\n": the first one does */
};

static void qp_put(struct qp *qp, const char *text, size_t len)
{
	if (!qp->failed)
		qp->failed = qp->put(qp->to, text, len, qp->err);
	qp->column += len;
}

static void qp_soft_break(struct qp *qp)
{
	if (qp->crlf)
		qp_put(qp, "=\r\n", 3);
	else
		qp_put(qp, "=\n", 2);
	qp->column = 0;
}

static void qp_put_quoted(struct qp *qp, uint8_t c)
{
	static const char digits[] = "0123456789ABCDEF";
	const char text[3] = { '=', digits[c >> 4], digits[c & 15] };

	qp_put(qp, text, sizeof(text));
}

/* The character at i, or -1 after the end. */
static int qp_at(const struct qp *qp, size_t i)
{
	return i < qp->len ? qp->data[i] : -1;
}

/* How many characters at i make a line end: 0, 1 or 2. */
static size_t qp_line_end(const struct qp *qp, size_t i)
{
	if (qp_at(qp, i) == '\n')
		return 1;
	return qp_at(qp, i) == '\r' && qp_at(qp, i + 1) == '\n' ? 2 : 0;
}

static bool qp_must_quote(const struct qp *qp, size_t i)
{
	uint8_t c = qp->data[i];
	int next = qp_at(qp, i + 1);

	switch (c) {
	case '=':
		return true;
	case '.': /* alone on its line: the end of a mail to some */
		return qp->column == 0 && (next == -1 || next == '\n' || next == '\r' || next == 0);
	case ' ':
	case '\t':
		return next == -1;
	case '\r':
		return false;
	default:
		return c < ' ' || c > '~';
	}
}

/* Write a line end that has len characters in the data. */
static void qp_newline(struct qp *qp, size_t len)
{
	if (qp->crlf && len == 1) {
		qp_put_quoted(qp, '\n');
		return;
	}
	if (!qp->crlf && len == 2)
		qp_put_quoted(qp, '\r');
	qp_put(qp, qp->crlf ? "\r\n" : "\n", qp->crlf ? 2 : 1);
	qp->column = 0;
}

static void qp_write(struct qp *qp)
{
	const uint8_t *newline = qp->len ? memchr(qp->data, '\n', qp->len) : NULL;

	qp->crlf = newline && newline > qp->data && newline[-1] == '\r';
	for (size_t i = 0; i < qp->len;) {
		const char *c = (const char *)qp->data + i;
		size_t end = qp_line_end(qp, i);
		int next = qp_at(qp, i + 1);

		if (end) {
			qp_newline(qp, end);
			i += end;
			continue;
		}
		if (qp_must_quote(qp, i)) {
			if (qp->column + 3 >= QP_LINE)
				qp_soft_break(qp);
			qp_put_quoted(qp, *c);
		} else {
			if (next != -1 && next != '\n' && qp->column + 1 >= QP_LINE)
				qp_soft_break(qp);
			/* Blanks at the end of a line are quoted after the line was measured. */
			if ((*c == ' ' || *c == '\t') && qp_line_end(qp, i + 1))
				qp_put_quoted(qp, *c);
			else
				qp_put(qp, c, 1);
		}
		i++;
	}
}

static int put_json(void *to, const char *text, size_t len, struct img_err *err)
{
	json_text(to, text, len);
	return 0;
}

void json_quoted_printable(struct json_out *out, const uint8_t *data, size_t len)
{
	struct qp qp = { .put = put_json, .to = out, .data = data, .len = len };

	json_raw(out, "\"", 1);
	qp_write(&qp);
	json_raw(out, "\"", 1);
}

static int put_sink(void *to, const char *text, size_t len, struct img_err *err)
{
	return img_sink_write(to, text, len, err);
}

int img_quoted_printable(const void *data, size_t len, struct img_sink *out, struct img_err *err)
{
	struct qp qp = { .put = put_sink, .to = out, .data = data, .len = len, .err = err };

	qp_write(&qp);
	return qp.failed;
}
