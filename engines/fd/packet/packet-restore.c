/* engines/fd/packet/packet-restore.c -- how criu-restore makes packet sockets: packet(7), Documentation/networking/packet_mmap.rst. */

#include <linux/if_packet.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "criu-restore/files.h"
#include "criu-restore/restore.h"
#include "criuimg/array.h"
#include "packet-sock.pb-c.h"

#define SOCK_TYPE_PACKET 10 /* SOCK_PACKET: of family AF_INET when it is made */
#define NO_FANOUT UINT32_MAX

static int packet_plan(struct restore *r, const struct restore_file *f, struct img_err *err)
{
	const PacketSockEntry *ps = f->rec->psk;

	if (!ps)
		return img_fail(err, IMG_CORRUPT, "has no packet socket record");
	if (ps->id != f->id)
		return img_fail(err, IMG_CORRUPT, "calls itself %#x", ps->id);
	if (ps->type != SOCK_RAW && ps->type != SOCK_DGRAM && ps->type != SOCK_TYPE_PACKET)
		return img_fail(err, IMG_CORRUPT, "has type %u", ps->type);
	if (ps->version > TPACKET_V3)
		return img_fail(err, IMG_UNSUPPORTED, "has rings of version %u", ps->version);
	for (size_t i = 0; i < ps->n_mclist; i++)
		if (ps->mclist[i]->addr.len > sizeof(((struct packet_mreq *)0)->mr_address))
			return img_fail(err, IMG_UNSUPPORTED, "an address of %zu bytes is not supported", ps->mclist[i]->addr.len);
	return 0;
}

/* What differs from a new socket only: a kernel may not know an option. */
static int set_options(int fd, const PacketSockEntry *ps, struct img_err *err)
{
	const struct {
		int name;
		const char *what;
		uint32_t value;
	} options[] = {
		{ PACKET_VERSION, "PACKET_VERSION", ps->version },
		{ PACKET_RESERVE, "PACKET_RESERVE", ps->reserve },
		{ PACKET_AUXDATA, "PACKET_AUXDATA", ps->aux_data },
		{ PACKET_ORIGDEV, "PACKET_ORIGDEV", ps->orig_dev },
		{ PACKET_VNET_HDR, "PACKET_VNET_HDR", ps->vnet_hdr },
		{ PACKET_LOSS, "PACKET_LOSS", ps->loss },
		{ PACKET_TIMESTAMP, "PACKET_TIMESTAMP", ps->timestamp },
		{ PACKET_COPY_THRESH, "PACKET_COPY_THRESH", ps->copy_thresh },
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].value && setsockopt(fd, SOL_PACKET, options[i].name, &options[i].value, sizeof(options[i].value)) < 0)
			return img_fail_sys(err, "%s %u", options[i].what, options[i].value);
	return 0;
}

static int make_ring(int fd, const PacketSockEntry *ps, const PacketRing *ring, int name, struct img_err *err)
{
	struct tpacket_req3 req;
	socklen_t len = ps->version == TPACKET_V3 ? sizeof(req) : sizeof(struct tpacket_req);

	if (!ring)
		return 0;
	req = (struct tpacket_req3){ /* begins like struct tpacket_req */
		.tp_block_size = ring->block_size,
		.tp_block_nr = ring->block_nr,
		.tp_frame_size = ring->frame_size,
		.tp_frame_nr = ring->frame_nr,
		.tp_retire_blk_tov = ring->retire_tmo,
		.tp_sizeof_priv = ring->sizeof_priv,
		.tp_feature_req_word = ring->features,
	};
	if (setsockopt(fd, SOL_PACKET, name, &req, len) < 0)
		return img_fail_sys(err, "a ring of %u blocks of %u bytes", ring->block_nr, ring->block_size);
	return 0;
}

/* The old type is bound by the name of a device. */
static int bind_old(int fd, const PacketSockEntry *ps, struct img_err *err)
{
	struct sockaddr addr = { .sa_family = AF_PACKET };
	char name[IF_NAMESIZE];

	if (!ps->ifindex)
		return 0;
	if (!if_indextoname(ps->ifindex, name))
		return img_fail_sys(err, "device %u", ps->ifindex);
	memcpy(addr.sa_data, name, strnlen(name, sizeof(addr.sa_data) - 1)); /* the kernel looks at no more */
	return bind(fd, &addr, sizeof(addr)) < 0 ? img_fail_sys(err, "bind to device %s", name) : 0;
}

static int bind_it(int fd, const PacketSockEntry *ps, struct img_err *err)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = (uint16_t)ps->protocol,
		.sll_ifindex = (int)ps->ifindex,
	};

	if (ps->type == SOCK_TYPE_PACKET)
		return bind_old(fd, ps, err);
	if (ps->ifindex && bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return img_fail_sys(err, "bind to device %u", ps->ifindex);
	return 0;
}

static int join(int fd, const PacketSockEntry *ps, struct img_err *err)
{
	for (size_t i = 0; i < ps->n_mclist; i++) {
		const PacketMclist *m = ps->mclist[i];
		struct packet_mreq req = { .mr_ifindex = (int)m->index, .mr_type = (unsigned short)m->type };

		req.mr_alen = (unsigned short)m->addr.len;
		memcpy(req.mr_address, m->addr.data, m->addr.len);
		if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &req, sizeof(req)) < 0)
			return img_fail_sys(err, "membership of type %u, device %u", m->type, m->index);
	}
	if (ps->has_fanout && ps->fanout != NO_FANOUT &&
	    setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &ps->fanout, sizeof(ps->fanout)) < 0)
		return img_fail_sys(err, "join the fan-out group %#x", ps->fanout);
	return 0;
}

static int packet_make(struct restore *r, struct restore_task *t, const struct restore_file *const *files, size_t nr, int *fds,
	struct img_err *err)
{
	const PacketSockEntry *ps = files[0]->rec->psk;

	fds[0] = socket(ps->type == SOCK_TYPE_PACKET ? AF_INET : AF_PACKET, (int)ps->type | SOCK_CLOEXEC, (int)ps->protocol);
	if (fds[0] < 0)
		return img_fail_sys(err, "make a socket of type %u, protocol %#x", ps->type, ps->protocol);
	if (set_options(fds[0], ps, err) < 0 || make_ring(fds[0], ps, ps->rx_ring, PACKET_RX_RING, err) < 0 ||
	    make_ring(fds[0], ps, ps->tx_ring, PACKET_TX_RING, err) < 0 || bind_it(fds[0], ps, err) < 0 ||
	    join(fds[0], ps, err) < 0 || restore_sock_opts(fds[0], ps->opts, err) < 0 ||
	    restore_file_flags(fds[0], ps->flags, err) < 0)
		return -1;
	return restore_file_owner(r, fds[0], ps->fown, err);
}

static const FownEntry *packet_owner(const struct restore *r, const struct restore_file *f)
{
	return f->rec->psk->fown;
}

const struct fd_restore_ops packet_restore_ops = {
	.name = "packet socket",
	.type = FD_TYPES__PACKETSK,
	.plan = packet_plan,
	.make = packet_make,
	.owner = packet_owner,
};
