/* engines/ns/cgroup/spec-dump.c -- --cgroup-props: which files of groups are to be carried besides those that are known.
 *
 * A small part of YAML, as the manual has it:
 *
 *	"cpu":
 *	 - "strategy": "replace"
 *	 - "properties": ["cpu.shares", "cpu.cfs_period_us"]
 *
 * `merge` adds to what is known of the controller, `replace` takes its place. What lies between the words does not matter here, and
 * quotes may be left out.
 */

#include <string.h>

#include "criu-dump/cgroups.h"

struct reader {
	const char *at, *what;
	unsigned line;
};

struct word {
	const char *text;
	size_t len;
};

static int bad(const struct reader *r, const char *wanted, struct img_err *err)
{
	return img_fail(err, IMG_USAGE, "%s, line %u: %s was expected at '%.20s'", r->what, r->line, wanted, r->at);
}

static void skip(struct reader *r, const char *these)
{
	for (; *r->at && strchr(these, *r->at); r->at++)
		r->line += *r->at == '\n';
}

#define BLANKS " \t\r\n"

static int get_word(struct reader *r, struct word *w, const char *wanted, struct img_err *err)
{
	char quote = 0;

	skip(r, BLANKS);
	if (*r->at == '"' || *r->at == '\'')
		quote = *r->at++;
	w->text = r->at;
	w->len = quote ? strcspn(r->at, quote == '"' ? "\"\n" : "'\n") : strcspn(r->at, " \t\r\n:,[]\"'");
	r->at += w->len;
	if (!w->len || (quote && *r->at != quote))
		return bad(r, wanted, err);
	r->at += quote != 0;
	return 0;
}

static int get_char(struct reader *r, char c, struct img_err *err)
{
	const char wanted[] = { '\'', c, '\'', '\0' };

	skip(r, BLANKS);
	if (*r->at != c)
		return bad(r, wanted, err);
	r->at++;
	return 0;
}

static bool is(const struct word *w, const char *text)
{
	return w->len == strlen(text) && !strncmp(w->text, text, w->len);
}

static int get_properties(struct reader *r, struct dump_cgroups *cg, struct cg_props *p, struct img_err *err)
{
	if (get_char(r, '[', err) < 0)
		return -1;
	for (;;) {
		struct word name;

		skip(r, BLANKS ",");
		if (*r->at == ']')
			break;
		if (get_word(r, &name, "a property", err) < 0)
			return -1;
		if (memchr(name.text, '/', name.len) || name.text[0] == '.')
			return img_fail(err, IMG_USAGE, "%s, line %u: '%.*s' is no name of a property", r->what, r->line,
				(int)name.len, name.text);
		if (cg_props_add(cg, p, name.text, name.len, err) < 0)
			return -1;
	}
	r->at++;
	return 0;
}

static int get_controller(struct reader *r, struct dump_cgroups *cg, struct img_err *err)
{
	struct word ctl, key, strategy;
	struct cg_props *p;

	if (get_word(r, &ctl, "a controller", err) < 0 || get_char(r, ':', err) < 0)
		return -1;
	p = cg_props_of(cg, ctl.text, ctl.len, err);
	if (!p)
		return -1;
	for (skip(r, BLANKS); *r->at == '-'; skip(r, BLANKS)) {
		r->at++;
		if (get_word(r, &key, "strategy or properties", err) < 0 || get_char(r, ':', err) < 0)
			return -1;
		if (is(&key, "properties")) {
			if (get_properties(r, cg, p, err) < 0)
				return -1;
			continue;
		}
		if (!is(&key, "strategy"))
			return img_fail(err, IMG_USAGE, "%s, line %u: '%.*s' is neither strategy nor properties", r->what, r->line,
				(int)key.len, key.text);
		if (get_word(r, &strategy, "merge or replace", err) < 0)
			return -1;
		if (is(&strategy, "replace"))
			p->nr = 0;
		else if (!is(&strategy, "merge"))
			return img_fail(err, IMG_USAGE, "%s, line %u: '%.*s' is neither merge nor replace", r->what, r->line,
				(int)strategy.len, strategy.text);
	}
	return 0;
}

int cg_spec_read(struct dump_cgroups *cg, const char *text, const char *what, struct img_err *err)
{
	struct reader r = { .at = text, .what = what, .line = 1 };

	for (skip(&r, BLANKS); *r.at; skip(&r, BLANKS))
		if (get_controller(&r, cg, err) < 0)
			return -1;
	return 0;
}
