/* convert/convert.c -- from any version to any other: a chain of steps, each of them in a file of its own, and a copy of what comes out. */

#include "criuimg/convert.h"

#include <stdarg.h>
#include <stdio.h>

#include "convert/view.h"
#include "criuimg/array.h"
#include "inventory.pb-c.h"

/* In order. A step leads from versions[i] to versions[i + 1], or back. */
static const enum img_version versions[] = { IMG_VERSION_1_0, IMG_VERSION_1_1, IMG_VERSION_2 };

static struct img_set *(*const steps_up[])(
	struct img_set *below, struct img_loss *loss, struct img_err *err) = {
	img_step_framing_up,
	img_step_manifest_up,
};

static struct img_set *(*const steps_down[])(
	struct img_set *below, struct img_loss *loss, struct img_err *err) = {
	img_step_framing_down,
	img_step_manifest_down,
};

void img_lose(struct img_loss *loss, const char *fmt, ...)
{
	char text[sizeof(loss->first)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!loss->nr++)
		snprintf(loss->first, sizeof(loss->first), "%s", text);
	if (loss->opt && loss->opt->lost)
		loss->opt->lost(loss->opt->arg, text);
}

int img_set_version(struct img_set *set, struct img_err *err)
{
	InventoryEntry *inventory;
	uint32_t version;
	int ret = img_set_has(set, img_kind_info(IMG_MANIFEST)->file, err);

	if (ret)
		return ret < 0 ? -1 : IMG_VERSION_2;
	ret = img_read_single(set, IMG_INVENTORY, 0, (ProtobufCMessage **)&inventory, err);
	if (ret < 0)
		return -1;
	/* A pre-dump may have none; what it has was written by programs of 1.1. */
	if (ret == 0)
		return IMG_VERSION_1_1;
	version = inventory->img_version;
	img_message_free(&inventory->base);
	/* The same of a pre-dump: CRIU leaves it at 0. */
	if (version > 2)
		return img_fail(err, IMG_UNSUPPORTED, "inventory.img: image version %u", version);
	return version == 1 ? IMG_VERSION_1_0 : IMG_VERSION_1_1;
}

static int index_of(enum img_version version)
{
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
		if (versions[i] == version)
			return i;
	return -1;
}

/* The view at the end of the chain, which owns the others; `from` stays the caller's. */
static struct img_set *chain(
	struct img_set *from, int have, int want, struct img_loss *loss, struct img_err *err)
{
	struct img_view *bottom = img_view_new(from, false, err);
	struct img_set *top = bottom ? &bottom->set : NULL, *next;

	while (top && have != want) {
		next = have < want ? steps_up[have](top, loss, err) : steps_down[have - 1](top, loss, err);
		/* Today's forms are understood by all that read 1.1. */
		if (next && have < want) {
			top = next;
			next = img_step_forms(top, err);
		}
		have += have < want ? 1 : -1;
		if (!next)
			img_set_close(top);
		top = next;
	}
	return top;
}

int img_set_convert(
	struct img_set *from, struct img_set *to, const struct img_convert_options *opt, struct img_err *err)
{
	static const struct img_convert_options none;
	struct img_loss loss = { .opt = opt };
	struct img_set *view;
	int have, want, ret;

	if (!opt)
		opt = &none;
	have = img_set_version(from, err);
	if (have < 0)
		return -1;
	want = opt->version == IMG_VERSION_SAME ? have : (int)opt->version;
	if (index_of(want) < 0)
		return img_fail(err, IMG_USAGE, "there is no version %#x", want);
	view = chain(from, index_of(have), index_of(want), &loss, err);
	if (!view)
		return -1;
	if (loss.nr && !opt->lossy)
		ret = loss.nr == 1 ? img_fail(err, IMG_UNSUPPORTED, "would be lost: %s", loss.first)
				   : img_fail(err, IMG_UNSUPPORTED, "would be lost: %s, and %u more",
					     loss.first, loss.nr - 1);
	else
		ret = img_copy(view, from, to, want, opt, err);
	img_set_close(view);
	return ret;
}
