/* kernel/net-conf.h -- the settings of network devices below /proc/sys/net/ipv[46]/conf, in the order in which images of network
 * namespaces have their values (netdev.proto: conf4, conf6). */
#ifndef ENGINES_KERNEL_NET_CONF_H
#define ENGINES_KERNEL_NET_CONF_H

#include <stddef.h>

extern const char *const kern_net_conf4[];
extern const size_t kern_net_conf4_nr;
extern const char *const kern_net_conf6[];
extern const size_t kern_net_conf6_nr;

#endif
