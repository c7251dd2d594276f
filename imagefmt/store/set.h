/* store/set.h -- a set's inside: what every store has, and what each brings. */
#ifndef IMAGEFMT_STORE_SET_H
#define IMAGEFMT_STORE_SET_H

#include <pthread.h>
#include <sys/types.h>

#include "criuimg/arena.h"
#include "criuimg/set.h"

struct img_member;

/* What a kind of store can do. Names were checked; a set that is not being written sees none of sink, remove, link_parent. */
struct img_set_ops {
	int (*has)(struct img_set *set, const char *name, struct img_err *err);
	int (*each)(struct img_set *set, int (*fn)(void *arg, const char *name, struct img_err *err),
		void *arg, struct img_err *err);
	int (*source)(
		struct img_set *set, const char *name, struct img_source **src_out, struct img_err *err);
	/* The bytes of a member to the store; finish makes it one, close without finish leaves none. */
	struct img_sink *(*sink)(struct img_set *set, const char *name, struct img_err *err);
	int (*remove)(struct img_set *set, const char *name, struct img_err *err); /* not there: fine */
	int (*parent)(struct img_set *set, struct img_set **parent_out,
		struct img_err *err); /* a new set; NULL: never one */
	/* How the finished member is stored, for those that compress some: m->stored_size, m->codec. NULL: all as they are. */
	int (*stored)(struct img_set *set, const char *name, struct img_member *m, struct img_err *err);
	int (*link_parent)(struct img_set *set, const char *path, struct img_err *err); /* NULL: cannot */
	/* All is written, the manifest too, if there is to be one. NULL: nothing is left to do. */
	int (*finish)(struct img_set *set, struct img_err *err);
	/* As sink, of a member whose size is known: it can go straight to its place. NULL: as any other. */
	struct img_sink *(*sink_sized)(
		struct img_set *set, const char *name, uint64_t size, struct img_err *err);
	int (*dirfd)(const struct img_set *set); /* NULL: none */
	void (*close)(struct img_set *set);	 /* frees what is the store's own, and the set */
};

/* What the manifest will say of a member. */
struct img_member {
	char *name;
	uint64_t size;
	uint64_t stored_size; /* with a codec */
	const char *codec;    /* NULL: none */
	uint32_t revision;    /* of its kind, where it was written by someone else; 0: today's */
	bool digested;
	unsigned char digest[IMG_DIGEST_SIZE];
};

/* A page image to come, as its map has it. */
struct img_page_image {
	enum img_kind kind;
	uint64_t id;
	uint32_t pages_id;
	uint64_t bytes;
};

/* The first member of each store's own struct. */
struct img_set {
	const struct img_set_ops *ops;
	bool writing;
	struct img_set *origin;	     /* of a view: the set that it is a view of, through all others; else NULL */
	const struct img_set *child; /* the set whose parent link led here */
	dev_t dev;		     /* of the directory or archive: so that links in a circle are seen */
	ino_t ino;

	pthread_mutex_t lock; /* of all below */
	struct img_set *parent;
	bool parent_known;
	bool begun; /* a member was written: an old manifest is gone */
	bool sealed;
	bool compress;
	struct img_zstd_options zstd; /* of page images, with compress */
	uint32_t pages_ids;
	bool by_hand;	/* its images are text that people change: a manifest says nothing of its bytes */
	bool streams;	/* read: page images pass by elsewhere (criuimg/stream.h) */
	bool maps_first; /* written: bytes go out as they come, and page maps are to be there before page data */
	enum img_pages_pass pass;
	struct img_page_image *page_images; /* of the maps that were written in the first pass */
	size_t nr_page_images, room_page_images;
	struct img_member *members; /* sorted by name */
	size_t nr_members, room_members;
	char **requires; /* sorted */
	size_t nr_requires, room_requires;
	struct img_host_facts host; /* strings in the arena */
	bool host_known;
	struct img_arena arena;
};

void img_set_init(struct img_set *set, const struct img_set_ops *ops, bool writing);

/* A sink that hashes what passes on its way to `store`, and notes the member in the set when finished. Takes ownership of
 * store on success. */
struct img_sink *img_member_sink(
	struct img_set *set, const char *name, struct img_sink *store, struct img_err *err);
/* Note a member, in place of an older one of its name. */
int img_set_note(struct img_set *set, const struct img_member *member, struct img_err *err);

/* The member that was noted under this name, or NULL. */
struct img_member *img_set_member(const struct img_set *set, const char *name);

/* A member that is what an old manifest says keeps the revision that it has there. */
struct ManifestMember;
void img_set_note_revision(struct img_set *set, const struct ManifestMember *old);

/* A file beside the images: it is in the store, and the manifest does not list it. */
struct img_sink *img_set_sink_beside(struct img_set *set, const char *name, struct img_err *err);

/* The parent of set, which a link at path (relative to dirfd) leads to, be it a directory or an archive: 1; 0 when it leads
 * nowhere: no parent either, which matters only to a map that needs one; -1. */
int img_set_open_parent(
	struct img_set *set, int dirfd, const char *path, struct img_set **parent_out, struct img_err *err);

/* A manifest that was changed, as an image again: its identity and its own digest are worked out anew. Free *image_out. */
struct ManifestEntry;
int img_manifest_seal(
	struct ManifestEntry *manifest, unsigned char **image_out, size_t *size_out, struct img_err *err);

/* Is this a member that img_set_compress() is about? */
bool img_is_page_image(const char *name);

#endif
