/* engines/ns/netdev/plan-restore.c -- the records of all network namespaces, checked: which device is whose peer. */

#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <linux/if_link.h>

#include "criu-restore/net-own.h"
#include "criuimg/array.h"
#include "criuimg/image.h"
#include "kernel/link-kinds.h"
#include "options/external.h"

/* ---- looking for one ---- */

struct net_space *net_space_find(const struct restore *r, uint32_t id)
{
	for (size_t i = 0; r->net && i < r->net->nr; i++)
		if (r->net->spaces[i].id == id)
			return &r->net->spaces[i];
	return NULL;
}

static int by_index(const void *va, const void *vb)
{
	const NetDeviceEntry *a = *(NetDeviceEntry *const *)va, *b = *(NetDeviceEntry *const *)vb;

	return a->ifindex < b->ifindex ? -1 : a->ifindex > b->ifindex;
}

NetDeviceEntry *net_device_find(const struct net_space *space, uint32_t ifindex)
{
	NetDeviceEntry seek = { .ifindex = ifindex }, *key = &seek, **found;

	found = space->nr ? bsearch(&key, space->devices, space->nr, sizeof(key), by_index) : NULL;
	return found ? *found : NULL;
}

const NetDeviceEntry *net_device_named(const struct net_space *space, const char *name)
{
	for (size_t i = 0; i < space->nr; i++)
		if (!strcmp(space->devices[i]->name, name))
			return space->devices[i];
	return NULL;
}

/* Images older than peer_nsid know of one namespace only; what is not there is outside, then. */
struct net_space *net_peer_space(const struct restore *r, const struct net_space *space, const NetDeviceEntry *e)
{
	struct net_space *other = e->has_peer_nsid ? net_space_find(r, e->peer_nsid) : NULL;
	const NetDeviceEntry *peer = other && e->has_peer_ifindex ? net_device_find(other, e->peer_ifindex) : NULL;

	if (!peer || peer == e || (other == space && peer->ifindex == e->ifindex))
		return NULL;
	if (e->type == ND_TYPE__VETH && (peer->type != ND_TYPE__VETH || peer->peer_ifindex != e->ifindex))
		return NULL;
	return other;
}

/* Kinds that stand on another device. */
static bool has_lower(const NetDeviceEntry *e)
{
	const char *kind = net_link_kind(e);
	const struct kern_link_kind *k = kind ? kern_link_kind(kind) : NULL;

	return k && k->lower;
}

bool net_is_outside(const struct restore *r, const struct net_space *space, const NetDeviceEntry *e)
{
	if (e->type == ND_TYPE__EXTLINK || options_external(r->opt, "netdev[%s]", e->name))
		return true;
	return (e->type == ND_TYPE__VETH || has_lower(e)) && !net_peer_space(r, space, e);
}

/* ---- checks ---- */

static bool is_attrs(protobuf_c_boolean has, const ProtobufCBinaryData *data)
{
	const struct rtattr *at[1];

	return !has || kern_attrs(data->data, data->len, at, 1, NULL);
}

static int check_name(const char *name, struct img_err *err)
{
	if (strlen(name) < IFNAMSIZ && *name && *name != '.' && !strchr(name, '/'))
		return 0;
	return img_fail(err, IMG_CORRUPT, "a device called '%s'", name);
}

static int check_device(const NetDeviceEntry *e, struct img_err *err)
{
	const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(&nd_type__descriptor, (int)e->type);
	const char *kind = net_link_kind(e);

	if (check_name(e->name, err) < 0)
		return -1;
	if (!e->ifindex || e->ifindex > INT32_MAX || (e->has_address && e->address.len > 32) ||
		!is_attrs(e->has_info_data, &e->info_data) || !is_attrs(e->has_slave_data, &e->slave_data) ||
		!is_attrs(e->has_attrs, &e->attrs))
		return img_fail(err, IMG_CORRUPT, "device %s: its record", e->name);
	for (size_t i = 0; i < e->n_sysctl; i++)
		if (strstr(e->sysctl[i]->name, "..") || e->sysctl[i]->name[0] == '/' || strlen(e->sysctl[i]->name) > 200)
			return img_fail(err, IMG_CORRUPT, "device %s: a setting '%s'", e->name, e->sysctl[i]->name);
	if ((e->type == ND_TYPE__TUN && !e->tun) || (e->type == ND_TYPE__MACVLAN && !e->macvlan && !e->has_info_data))
		return img_fail(err, IMG_CORRUPT, "device %s: its record has nothing of its kind", e->name);
	if (e->type == ND_TYPE__LOOPBACK || e->type == ND_TYPE__EXTLINK || (kind && kern_link_kind(kind)))
		return 0;
	return img_fail(err, IMG_UNSUPPORTED, "device %s: kind %s is not supported", e->name, kind ? kind : v ? v->name : "unknown");
}

static int check_space(struct restore *r, struct net_space *space, struct img_err *err)
{
	if (space->nr)
		qsort(space->devices, space->nr, sizeof(*space->devices), by_index);
	for (size_t i = 0; i < space->nr; i++) {
		if (i && space->devices[i]->ifindex == space->devices[i - 1]->ifindex)
			return img_fail(err, IMG_CORRUPT, "two devices with index %u", space->devices[i]->ifindex);
		if (check_device(space->devices[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; space->settings && i < space->settings->n_sysctl; i++) {
		const char *name = space->settings->sysctl[i]->name;

		if (strstr(name, "..") || *name == '/' || strlen(name) > 200)
			return img_fail(err, IMG_CORRUPT, "a setting '%s'", name);
	}
	(void)r;
	return 0;
}

/* ---- reading ---- */

static int read_devices(struct restore *r, struct net_space *space, struct img_err *err)
{
	struct img_reader *reader;
	ProtobufCMessage *msg;
	int ret = img_reader_open(r->set, IMG_NETDEV, space->id, &reader, err);

	if (ret <= 0)
		return ret;
	while ((ret = img_read(reader, &msg, err)) > 0) {
		NetDeviceEntry **at = img_array_more(&space->devices, space->nr, &space->room);

		if (!at) {
			img_message_free(msg);
			ret = img_fail_nomem(err);
			break;
		}
		*at = (NetDeviceEntry *)msg;
		space->nr++;
	}
	img_reader_close(reader);
	return ret;
}

int net_plan(struct restore *r, uint32_t id, struct img_err *err)
{
	struct net_space *space;

	if (!r->net) {
		r->net = img_arena_alloc(&r->arena, sizeof(*r->net));
		if (!r->net)
			return img_fail_nomem(err);
		r->net->inside = -1;
	}
	space = img_array_more(&r->net->spaces, r->net->nr, &r->net->room);
	if (!space)
		return img_fail_nomem(err);
	space->id = id;
	r->net->nr++;
	if (img_read_single(r->set, IMG_NETNS, id, (ProtobufCMessage **)&space->settings, err) < 0 || read_devices(r, space, err) < 0)
		return -1;
	return check_space(r, space, err);
}
