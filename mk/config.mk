# Tools, flags and the directory that everything is built in.

SANITIZE ?= 0
V ?= 0
PREFIX ?= /usr/local
DESTDIR ?=

ifeq ($(SANITIZE),1)
B := build/sanitize
SAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
else
B := build
endif

VERSION := 0.1.0

CFLAGS ?= -O2 -g
PKGS := libprotobuf-c jansson libzstd libxxhash libcap libnl-3.0 libnl-route-3.0 libarchive libpcre2-8
WARN := -Wall -Wextra -Werror -Wno-unused-parameter -Wmissing-prototypes -Wstrict-prototypes -Wvla
BASE_CFLAGS := -std=gnu17 -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -fPIC -pthread $(WARN) $(SAN_FLAGS)
INCLUDES := -I$(B)/proto -I$(B)/gen -Iimagefmt/include -Iimagefmt -Iengines -I. $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
# A program starts as fast as the libraries that it names load: only those it uses.
LDFLAGS += -pthread $(SAN_FLAGS) -Wl,--as-needed
LDLIBS = $(shell pkg-config --libs $(PKGS) 2>/dev/null)

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-8s%s\n' '$(1)' '$(2)';)

# objects(sources): where the objects of these sources go
objects = $(patsubst %.c,$(B)/%.o,$(1))

# Made by mk/proto.mk: no object is compiled before the headers of the messages are there.
PROTO_HEADERS_STAMP := $(B)/proto/.stamp

define compile
	$(Q)mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(BASE_CFLAGS) $(INCLUDES) $(CFLAGS) -MMD -MP -c $< -o $@
endef

$(B)/%.o: %.c | $(PROTO_HEADERS_STAMP)
	$(compile)
