# The programs. The suffix of a room's file decides its binary: *-dump.c and *-restore.c.

COMMON_SRCS := $(wildcard engines/kernel/*.c engines/log/*.c engines/options/*.c engines/cpuinfo/*.c engines/remote/*.c engines/control/*.c engines/plugin/*.c)
ROOMS := $(wildcard engines/fd/*/ engines/task/*/ engines/mem/*/ engines/ns/*/)
DUMP_ROOM_SRCS := $(foreach r,$(ROOMS),$(wildcard $(r)*-dump.c))
RESTORE_ROOM_SRCS := $(foreach r,$(ROOMS),$(wildcard $(r)*-restore.c))

# What is known of the architecture, and what makes stopped tasks work: only a dump does that.
ARCH_HOST_SRCS := $(wildcard parasite/arch/x86_64/host/*.c)
PARASITE_HOST_SRCS := $(wildcard parasite/host/*.c)

COMMON_OBJS := $(call objects,$(COMMON_SRCS))
DUMP_OBJS := $(call objects,$(wildcard engines/criu-dump/*.c) $(DUMP_ROOM_SRCS) $(ARCH_HOST_SRCS) $(PARASITE_HOST_SRCS)) $(DUMP_BLOB_OBJS)
RESTORE_OBJS := $(call objects,$(wildcard engines/criu-restore/*.c) $(RESTORE_ROOM_SRCS) $(ARCH_HOST_SRCS)) $(RESTORE_BLOB_OBJS)
CRIU_OBJS := $(call objects,$(wildcard engines/criu/*.c))
LAZY_PAGES_OBJS := $(call objects,$(wildcard streamer/lazy-pages/*.c))
IMAGE_STREAMER_OBJS := $(call objects,$(wildcard streamer/image/*.c))
PAGE_SERVER_OBJS := $(call objects,$(wildcard streamer/page-server/*.c))

# The program is build/crit: a directory of that name, for its objects, would be in the way.
CRIT_OBJS := $(patsubst %.c,$(B)/obj/%.o,$(wildcard crit/*.c))
$(B)/obj/%.o: %.c | $(PROTO_HEADERS_STAMP)
	$(compile)

# A program is built once its main.c is there.
define program
ifneq ($$(wildcard $(2)/main.c),)
PROGRAMS += $(B)/$(1)
$(B)/$(1): $$($(3)) $$(COMMON_OBJS) $$(LIBCRIUIMG)
	$$(call say,LD,$$@)$$(CC) $$(LDFLAGS) $$(PLUGIN_API) -o $$@ $$^ $$(LDLIBS)
endif
endef

# What plugins may call (engines/plugin/criu-plugin.h).
$(B)/criu-dump $(B)/criu-restore: PLUGIN_API := $(patsubst %,-Wl$(,)--export-dynamic-symbol=%,criu_get_image_dir \
	add_inventory_plugin check_and_remove_inventory_plugin print_on_level)

$(eval $(call program,criu-dump,engines/criu-dump,DUMP_OBJS))
# Not without its half of the descriptors.
ifneq ($(wildcard engines/criu-restore/files.c),)
$(eval $(call program,criu-restore,engines/criu-restore,RESTORE_OBJS))
endif
$(eval $(call program,criu,engines/criu,CRIU_OBJS))
$(eval $(call program,criu-lazy-pages,streamer/lazy-pages,LAZY_PAGES_OBJS))
$(eval $(call program,criu-image-streamer,streamer/image,IMAGE_STREAMER_OBJS))
$(eval $(call program,criu-page-server,streamer/page-server,PAGE_SERVER_OBJS))
$(eval $(call program,crit,crit,CRIT_OBJS))

ALL += $(PROGRAMS)
