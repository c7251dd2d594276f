/* engines/fd/packet/packet-dump.c -- what criu-dump saves of a packet socket: packet(7). What is in its queue and its rings is not saved:
 * it is what passed by. */

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "criu-dump/dump.h"
#include "criu-dump/files.h"
#include "criu-dump/per-netns.h"
#include "kernel/packet-diag.h"
#include "packet-sock.pb-c.h"

extern const struct fd_dump_ops packet_dump_ops;

static int read_list(void *memory, struct img_err *err)
{
	return kern_packet_sockets(memory, err);
}

static void drop_list(void *memory)
{
	kern_packet_sockets_free(memory);
}

static const struct per_netns_ops lists = { sizeof(struct kern_packet_sockets), read_list, drop_list };

static void drop_kept(void *memory)
{
	dump_per_netns_free(memory, &lists);
}

static const struct kern_packet_socket *look(struct dump *d, struct dump_task *t, uint64_t ino, struct img_err *err)
{
	struct per_netns *kept = dump_files_keep(d, &packet_dump_ops, sizeof(*kept), drop_kept);
	const struct kern_packet_sockets *all = kept ? dump_per_netns(d, t, kept, &lists, err) : NULL;
	const struct kern_packet_socket *s = all ? kern_packet_socket_find(all, ino) : NULL;

	if (!kept)
		img_fail_nomem(err);
	else if (all && !s)
		img_fail(err, IMG_UNSUPPORTED, "a packet socket of another network namespace is not supported");
	return s;
}

static bool packet_claims(const struct fd_probe *probe)
{
	return probe->domain == AF_PACKET;
}

static int packet_check(struct dump *d, struct dump_task *t, const struct fd_probe *probe, struct img_err *err)
{
	const struct kern_packet_socket *s = look(d, t, probe->ino, err);

	if (!s)
		return -1;
	if (s->info.pdi_flags & ~(uint32_t)(PDI_RUNNING | PDI_AUXDATA | PDI_ORIGDEV | PDI_VNETHDR | PDI_LOSS))
		return img_fail(err, IMG_UNSUPPORTED, "a packet socket with flags %#x is not supported", s->info.pdi_flags);
	return 0;
}

struct record {
	PacketSockEntry ps;
	SkOptsEntry opts;
	FownEntry fown;
	PacketRing rx, tx;
	PacketMclist *mc, **mc_list;
};

static PacketRing *ring(PacketRing *out, const struct packet_diag_ring *in)
{
	packet_ring__init(out);
	out->block_size = in->pdr_block_size;
	out->block_nr = in->pdr_block_nr;
	out->frame_size = in->pdr_frame_size;
	out->frame_nr = in->pdr_frame_nr;
	out->retire_tmo = in->pdr_retire_tmo;
	out->sizeof_priv = in->pdr_sizeof_priv;
	out->features = in->pdr_features;
	return out;
}

static int memberships(struct dump *d, const struct kern_packet_socket *s, struct record *r, struct img_err *err)
{
	r->mc = img_arena_array(&d->arena, s->nr_memberships, sizeof(*r->mc));
	r->mc_list = img_arena_array(&d->arena, s->nr_memberships, sizeof(*r->mc_list));
	if (!r->mc || !r->mc_list)
		return img_fail_nomem(err);
	for (size_t i = 0; i < s->nr_memberships; i++) {
		struct packet_diag_mclist *m = &s->memberships[i];

		packet_mclist__init(&r->mc[i]);
		r->mc[i].index = m->pdmc_index;
		r->mc[i].type = m->pdmc_type;
		r->mc[i].addr.data = m->pdmc_addr;
		r->mc[i].addr.len = m->pdmc_alen < sizeof(m->pdmc_addr) ? m->pdmc_alen : sizeof(m->pdmc_addr);
		r->mc_list[i] = &r->mc[i];
	}
	r->ps.mclist = r->mc_list;
	r->ps.n_mclist = s->nr_memberships;
	return 0;
}

static int packet_dump(struct dump *d, const struct fd_target *t, struct img_err *err)
{
	const struct kern_packet_socket *s = look(d, t->task, t->probe->ino, err);
	struct record r = { .ps = PACKET_SOCK_ENTRY__INIT, .opts = SK_OPTS_ENTRY__INIT, .fown = FOWN_ENTRY__INIT };
	FileEntry rec = FILE_ENTRY__INIT;

	if (!s || dump_file_owner(d, t, &r.fown, err) < 0 || dump_sock_opts(d, t->lfd, &r.opts, err) < 0 ||
	    (s->nr_memberships && memberships(d, s, &r, err) < 0))
		return -1;
	r.ps.id = t->id;
	r.ps.type = (uint32_t)t->probe->type;
	r.ps.protocol = htons(s->protocol);
	r.ps.flags = t->probe->flags;
	r.ps.ifindex = s->info.pdi_index;
	r.ps.version = s->info.pdi_version;
	r.ps.reserve = s->info.pdi_reserve;
	r.ps.aux_data = s->info.pdi_flags & PDI_AUXDATA;
	r.ps.orig_dev = s->info.pdi_flags & PDI_ORIGDEV;
	r.ps.vnet_hdr = s->info.pdi_flags & PDI_VNETHDR;
	r.ps.loss = s->info.pdi_flags & PDI_LOSS;
	r.ps.timestamp = s->info.pdi_tstamp;
	r.ps.copy_thresh = s->info.pdi_copy_thresh;
	r.ps.has_fanout = s->has_fanout;
	r.ps.fanout = s->fanout;
	r.ps.rx_ring = s->has_rx_ring ? ring(&r.rx, &s->rx_ring) : NULL;
	r.ps.tx_ring = s->has_tx_ring ? ring(&r.tx, &s->tx_ring) : NULL;
	r.ps.has_ns_id = t->task->ids != NULL;
	r.ps.ns_id = t->task->ids ? t->task->ids->net_ns_id : 0;
	r.ps.fown = &r.fown;
	r.ps.opts = &r.opts;
	rec.type = FD_TYPES__PACKETSK;
	rec.id = t->id;
	rec.psk = &r.ps;
	log_info(d->log, "packet socket %#x: inode %u, protocol %#x, device %u", t->id, s->ino, s->protocol, s->info.pdi_index);
	return dump_write_file(d, &rec, err);
}

const struct fd_dump_ops packet_dump_ops = {
	.name = "packet socket",
	.type = FD_TYPES__PACKETSK,
	.claims = packet_claims,
	.check = packet_check,
	.dump = packet_dump,
};
