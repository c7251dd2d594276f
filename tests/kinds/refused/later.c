/* tests/kinds/refused/later.c -- descriptors of kinds that are not carried yet: all of them are named at once.
 *
 * harness: until: epoll: fd 101: epoll is not supported
 * harness: until: unix: fd 107: unix socket is not supported
 * harness: until: tcp: fd 108: tcp socket is not supported
 * harness: until: inet: fd 109: udp socket is not supported
 * harness: until: netlink: fd 110: netlink socket is not supported
 * harness: until: packet: fd 111: packet socket is not supported
 * harness: until: flock: fd 112: '
 * Those that are meanwhile have subjects of their own.
 */

#include <linux/netlink.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/socket.h>

#include "tests/harness/subject.h"

enum { FIRST = 100 };

static void put(int fd, int nr)
{
	MUST(fd >= 0);
	MUST(dup2(fd, FIRST + nr) == FIRST + nr);
	close(fd);
}

int main(int argc, char **argv)
{
	uint64_t value = 0;

	subject_begin(argc, argv);
	put(eventfd(42, 0), 0);
	put(epoll_create1(0), 1);
	put(socket(AF_UNIX, SOCK_STREAM, 0), 7);
	put(socket(AF_INET, SOCK_STREAM, 0), 8);
	put(socket(AF_INET, SOCK_DGRAM, 0), 9);
	put(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), 10);
	put(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), 11);
	put(open("locked", O_CREAT | O_RDWR, 0600), 12);
	MUST(flock(FIRST + 12, LOCK_EX) == 0);

	subject_wait();

	CHECK(read(FIRST, &value, sizeof(value)) == sizeof(value) && value == 42, "the eventfd has %lu", value);
	return subject_end();
}
