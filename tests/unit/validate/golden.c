/* tests/unit/validate/golden.c -- nothing is wrong with the sets of another writer, all of which it could restore. */

#include "tests/unit/golden.h"

#include "criuimg/validate.h"

struct seen {
	int sets;
	char complaints[8192];
	size_t len;
};

/* An external network namespace has no image: that is all that may look odd in these sets. */
static bool expected(const struct img_finding *f)
{
	return f->severity == IMG_WARNING && strstr(f->text, "is a network namespace of its own");
}

static int finding(void *arg, const struct img_finding *f)
{
	struct seen *seen = arg;

	if (f->severity != IMG_NOTE && !expected(f) && seen->len < sizeof(seen->complaints))
		seen->len += snprintf(seen->complaints + seen->len, sizeof(seen->complaints) - seen->len,
			"%s: %s: %lld: %s: %s\n", img_severity_name(f->severity), f->file,
			(long long)f->entry, f->field, f->text);
	return 0;
}

static void look(void *arg, struct img_set *set)
{
	struct img_validate_result result;
	struct img_err err = IMG_ERR_INIT;
	struct seen *seen = arg;

	if (img_set_has(set, "inventory.img", &err) != 1)
		return;
	seen->sets++;
	OK(img_validate(set, NULL, finding, seen, &result, &err));
}

static void test_clean(void **state)
{
	struct seen seen = { 0 };

	golden_each(look, &seen);
	if (seen.len)
		fail_msg("%s", seen.complaints);
	assert_true(seen.sets >= 59);
}

static void test_checks(void **state)
{
	const char *about;
	size_t n = 0;

	for (; img_validate_check(n, &about); n++)
		assert_non_null(about);
	assert_true(n > 10);
	assert_string_equal(img_severity_name(IMG_ERROR), "error");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_checks),
	};

	RUN("validate/golden", tests);
}
