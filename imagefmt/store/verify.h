/* store/verify.h -- a set that was read, held against its manifest. */
#ifndef IMAGEFMT_STORE_VERIFY_H
#define IMAGEFMT_STORE_VERIFY_H

#include "manifest.pb-c.h"
#include "store/set.h"

/* As img_set_verify(), but for the parent, and but for members of which known() says that they need no look; the first finding is
 * the failure. 0 for a set without a manifest, too, and for one that is changed by hand. */
int img_set_verify_rest(
	struct img_set *set, bool (*known)(void *arg, const ManifestMember *m), void *arg, struct img_err *err);

#endif
