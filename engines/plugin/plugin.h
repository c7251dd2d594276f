/* engines/plugin/plugin.h -- plugins of a run: loaded, asked, told of its end. What they are: criu-plugin.h. */
#ifndef ENGINES_PLUGIN_PLUGIN_H
#define ENGINES_PLUGIN_PLUGIN_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "criuimg/err.h"
#include "log/log.h"
#include "options/options.h"
#include "plugin/criu-plugin.h"

struct plugins;

/* Load every NAME.so of the directory that --libdir or $CRIU_LIBS_DIR names (else /usr/lib/criu, if it is there) and call their
 * init(). images_dirfd may be -1; it stays the caller's. noted: names in the inventory, of a restore; borrowed. One run at a time. */
int plugins_load(const struct options *opt, struct log *log, int stage, int images_dirfd, char *const *noted, size_t nr_noted,
	struct plugins **out, struct img_err *err);
/* exit() of all, and away with them; NULL is fine. */
void plugins_end(struct plugins *p, int ret);

/* Names that add_inventory_plugin() was given. */
size_t plugins_noted(const struct plugins *p, char ***names);

/* The n-th function for a hook, NULL at the end. p NULL: there is none. */
void *plugins_hook(const struct plugins *p, int hook, size_t n);

/* Ask one after the other: the first result that is not -ENOTSUP, which is the result when there is no other. */
#define plugins_ask(p, hook, ...)                                                                            \
	({                                                                                                   \
		int ret_ = -ENOTSUP;                                                                         \
		hook##_t *ask_;                                                                              \
		for (size_t n_ = 0; ret_ == -ENOTSUP && (ask_ = (hook##_t *)plugins_hook((p), (hook), n_)); n_++) \
			ret_ = ask_(__VA_ARGS__);                                                            \
		ret_;                                                                                        \
	})
/* Tell all, up to the first failure: 0 or -errno. */
#define plugins_tell(p, hook, ...)                                                                           \
	({                                                                                                   \
		int ret_ = 0;                                                                                \
		hook##_t *tell_;                                                                             \
		for (size_t n_ = 0; ret_ >= 0 && (tell_ = (hook##_t *)plugins_hook((p), (hook), n_)); n_++) { \
			ret_ = tell_(__VA_ARGS__);                                                           \
			if (ret_ == -ENOTSUP)                                                                \
				ret_ = 0;                                                                    \
		}                                                                                            \
		ret_ < 0 ? ret_ : 0;                                                                         \
	})
/* The same, with its failure as ours: -1. */
#define plugins_must(p, hook, err, ...)                                                                      \
	({                                                                                                   \
		int must_ = plugins_tell((p), hook, ##__VA_ARGS__);                                          \
		if (must_ < 0) {                                                                             \
			errno = -must_;                                                                      \
			img_fail_sys((err), "plugin: hook %s", &#hook[sizeof("CR_PLUGIN_HOOK__") - 1]);     \
		}                                                                                            \
		must_ < 0 ? -1 : 0;                                                                          \
	})

#endif
