/* crit/completion.c -- completion for bash and zsh, generated from the rows of the verbs. */

#include <stdio.h>
#include <string.h>

#include "crit.h"
#include "x.h"

/* The words that a verb's WHAT can be: only x has such an operand. */
static void put_views(void)
{
	for (const struct x_view *const *view = x_views; *view; view++)
		printf("%s%s", view == x_views ? "" : " ", (*view)->name);
}

/* What can follow an option, where that is not a file; NULL: a file. */
static const char *values(const struct crit_option *o)
{
	return o->arg && !strcmp(o->arg, "VERSION") ? "1.0 1.1 2" : NULL;
}

/* ---- bash ---- */

static void bash_verb(const struct crit_verb *verb)
{
	printf("\t%s)\n\t\twords='", verb->name);
	for (const struct crit_option *o = verb->options; o && o->name; o++)
		o->letter ? printf("-%c --%s ", o->letter, o->name) : printf("--%s ", o->name);
	printf("--help'\n\t\twith_argument='");
	for (const struct crit_option *o = verb->options; o && o->name; o++)
		if (o->arg)
			o->letter ? printf(" -%c --%s", o->letter, o->name) : printf(" --%s", o->name);
	printf(" '\n");
	for (const struct crit_option *o = verb->options; o && o->name; o++)
		if (values(o))
			printf("\t\t[[ $previous == -%c || $previous == --%s ]] && values='%s'\n", o->letter, o->name, values(o));
	for (const struct crit_operand *o = verb->operands; o && o->name; o++)
		if (!strcmp(o->name, "PID"))
			printf("\t\t[[ -e $previous && $current != -* ]] && values=$(crit x \"$previous\" ps 2>/dev/null | awk 'NR > 1 { print $1 }')\n");
	printf("\t\t;;\n");
}

static void bash(const struct crit_verb *const *verbs, size_t nr)
{
	puts("# bash completion of crit. Load it with: source <(crit --completion bash)\n\n"
	     "_crit()\n{\n\tlocal current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words= with_argument= values=\n"
	     "\tCOMPREPLY=()\n\tif [ \"$COMP_CWORD\" = 1 ]; then");
	printf("\t\tCOMPREPLY=($(compgen -W '");
	for (size_t i = 0; i < nr; i++)
		printf("%s ", verbs[i]->name);
	puts("--help --version --completion' -- \"$current\"))\n\t\treturn\n\tfi\n\tcase ${COMP_WORDS[1]} in");
	for (size_t i = 0; i < nr; i++)
		bash_verb(verbs[i]);
	puts("\t--completion)\n\t\tCOMPREPLY=($(compgen -W 'bash zsh' -- \"$current\"))\n\t\treturn\n\t\t;;\n\tesac");
	puts("\tif [[ -n $values ]]; then\n\t\tCOMPREPLY=($(compgen -W \"$values\" -- \"$current\"))\n\t\treturn\n\tfi");
	printf("\tif [[ $current == -* && \"$with_argument\" != *\" $previous \"* ]]; then\n"
	       "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
	       "\telif [[ ${COMP_WORDS[1]} == x && -e $previous ]]; then\n\t\tCOMPREPLY=($(compgen -W '");
	put_views();
	puts("' -- \"$current\"))\n\telse\n\t\tCOMPREPLY=($(compgen -f -- \"$current\"))\n\tfi\n}\n"
	     "complete -o filenames -F _crit crit");
}

/* ---- zsh ---- */

/* Inside of '...' and of [...]. */
static void zsh_text(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\''", stdout);
		else if (strchr("[]:\\", *text))
			printf("\\%c", *text);
		else
			putchar(*text);
	}
}

static void zsh_option(const char *dashes, const struct crit_option *o, const char *name)
{
	printf(" \\\n\t\t\t'%s%s%s[", dashes, name, o->arg && dashes[1] ? "=" : "");
	zsh_text(o->help);
	if (values(o))
		printf("]:%s:(%s)'", o->arg, values(o));
	else
		printf("]%s%s%s'", o->arg ? ":" : "", o->arg ? o->arg : "", o->arg ? ":_files" : "");
}

static void zsh_verb(const struct crit_verb *verb)
{
	printf("\t%s)\n\t\t_arguments", verb->name);
	for (const struct crit_option *o = verb->options; o && o->name; o++) {
		char letter[2] = { o->letter, '\0' };

		zsh_option("--", o, o->name);
		if (o->letter)
			zsh_option("-", o, letter);
	}
	printf(" \\\n\t\t\t'--help[");
	zsh_text("options and examples");
	printf("]'");
	for (const struct crit_operand *o = verb->operands; o && o->name; o++) {
		printf(" \\\n\t\t\t':%s:", o->name);
		if (!strcmp(verb->name, "x") && !strcmp(o->name, "WHAT")) {
			printf("(");
			put_views();
			printf(")'");
		} else if (!strcmp(o->name, "PID")) {
			printf("_crit_pids'");
		} else {
			printf("_files'");
		}
	}
	printf("\n\t\t;;\n");
}

static void zsh(const struct crit_verb *const *verbs, size_t nr)
{
	puts("#compdef crit\n# zsh completion of crit: put it as _crit into a directory of $fpath.\n\n"
	     "_crit()\n{\n\tlocal -a verbs\n\tverbs=(");
	for (size_t i = 0; i < nr; i++) {
		printf("\t\t'%s:", verbs[i]->name);
		zsh_text(verbs[i]->summary);
		puts("'");
	}
	puts("\t)\n\tif (( CURRENT == 2 )); then\n\t\t_describe verb verbs\n\t\treturn\n\tfi\n"
	     "\tlocal verb=$words[2]\n\tshift words\n\t(( CURRENT-- ))\n\tcase $verb in");
	for (size_t i = 0; i < nr; i++)
		zsh_verb(verbs[i]);
	puts("\tesac\n}\n\n# The tasks of the images that an earlier word names.\n_crit_pids()\n{\n\tlocal word\n\tlocal -a pids\n"
	     "\tfor word in $words; do\n\t\t[[ -e $word ]] && pids=($(crit x $word ps 2>/dev/null | awk 'NR > 1 { print $1 }'))\n\tdone\n"
	     "\tcompadd -a pids\n}\n\n_crit \"$@\"");
}

int crit_print_completion(const struct crit_verb *const *verbs, size_t nr, const char *shell, struct img_err *err)
{
	if (!strcmp(shell, "bash"))
		bash(verbs, nr);
	else if (!strcmp(shell, "zsh"))
		zsh(verbs, nr);
	else
		return img_fail(err, IMG_USAGE, "--completion: bash or zsh");
	return 0;
}
