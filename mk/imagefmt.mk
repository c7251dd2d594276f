# libcriuimg, static and shared.

IMAGEFMT_DIRS := base io wire kinds read write store compress validate convert
IMAGEFMT_SRCS := $(foreach d,$(IMAGEFMT_DIRS),$(wildcard imagefmt/$(d)/*.c))
IMAGEFMT_OBJS := $(call objects,$(IMAGEFMT_SRCS)) $(PROTO_OBJS) $(GEN_OBJS)
LIBCRIUIMG := $(B)/libcriuimg.a

$(LIBCRIUIMG): $(IMAGEFMT_OBJS)
	$(call say,AR,$@)rm -f $@ && $(AR) rcs $@ $^

# The number is raised when a program that was linked against an older library would not work with a newer one.
SOVERSION := 0
LIBCRIUIMG_SO := $(B)/libcriuimg.so.$(VERSION)
LIBCRIUIMG_LIBS = $(shell pkg-config --libs libprotobuf-c jansson libzstd libxxhash libarchive libnl-3.0 2>/dev/null)

$(LIBCRIUIMG_SO): $(IMAGEFMT_OBJS) imagefmt/criuimg.map
	$(call say,LD,$@)$(CC) -shared $(LDFLAGS) -Wl,-soname,libcriuimg.so.$(SOVERSION) $(if $(SAN_FLAGS),,-Wl$(,)-z$(,)defs) \
		-Wl,--version-script,imagefmt/criuimg.map -o $@ $(IMAGEFMT_OBJS) $(LIBCRIUIMG_LIBS)
	$(Q)ln -sf $(notdir $@) $(B)/libcriuimg.so.$(SOVERSION) && ln -sf $(notdir $@) $(B)/libcriuimg.so

, := ,

ALL += $(LIBCRIUIMG) $(LIBCRIUIMG_SO)
