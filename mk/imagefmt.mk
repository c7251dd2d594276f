# libcriuimg, static and shared.

IMAGEFMT_DIRS := base io wire kinds read write store compress validate convert
IMAGEFMT_SRCS := $(foreach d,$(IMAGEFMT_DIRS),$(wildcard imagefmt/$(d)/*.c))
IMAGEFMT_OBJS := $(call objects,$(IMAGEFMT_SRCS)) $(PROTO_OBJS) $(GEN_OBJS)
LIBCRIUIMG := $(B)/libcriuimg.a

$(LIBCRIUIMG): $(IMAGEFMT_OBJS)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

ALL += $(LIBCRIUIMG)
