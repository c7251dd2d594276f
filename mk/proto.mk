# Messages: proto/*.proto -> C by protoc-c, and the tables of what protoc-c drops.

PROTO_INCLUDE := $(shell pkg-config --variable=includedir protobuf 2>/dev/null || echo /usr/include)
PROTOS := $(wildcard proto/*.proto)
PROTO_C := $(patsubst proto/%.proto,$(B)/proto/%.pb-c.c,$(PROTOS)) $(B)/proto/google/protobuf/descriptor.pb-c.c
PROTO_OBJS := $(PROTO_C:.c=.o)

# One run for all: protoc-c is quick, and every object needs some of the headers. What came out as before keeps its
# time, so an edit of one file does not rebuild the world.
$(PROTO_HEADERS_STAMP): $(PROTOS) mk/proto.mk
	$(Q)rm -rf $(B)/proto.new && mkdir -p $(B)/proto.new $(B)/proto/google/protobuf
	$(call say,PROTOC,proto/*.proto)protoc-c --c_out=$(B)/proto.new -Iproto -I$(PROTO_INCLUDE) \
		$(notdir $(PROTOS)) google/protobuf/descriptor.proto
	$(Q)cd $(B)/proto.new && for f in *.pb-c.[ch] google/protobuf/*.pb-c.[ch]; do \
		cmp -s $$f ../proto/$$f || cp $$f ../proto/$$f || exit 1; done
	$(Q)rm -rf $(B)/proto.new && touch $@

# The headers too: make must look at their times after the run, not before.
$(PROTO_C) $(PROTO_C:.c=.h): $(PROTO_HEADERS_STAMP) ;

# Generated code is not ours to warn about.
$(B)/proto/%.o: $(B)/proto/%.c
	$(call say,CC,$<)$(CC) -std=gnu17 -fPIC -w $(SAN_FLAGS) -I$(B)/proto $(CFLAGS) -MMD -MP -c $< -o $@

# proto/tool/tables runs on the machine that builds: HOSTCC, and the messages it needs compiled for that machine too.
HOSTCC ?= $(CC)
PROTO_SET := $(B)/gen/proto.set
PROTO_TABLES := $(B)/gen/tables
PROTO_TABLES_SRCS := proto/tool/tables.c $(B)/proto/opts.pb-c.c $(B)/proto/google/protobuf/descriptor.pb-c.c

$(PROTO_SET): $(PROTOS) mk/proto.mk
	$(Q)mkdir -p $(@D)
	$(Q)protoc --include_imports --descriptor_set_out=$@ -Iproto -I$(PROTO_INCLUDE) $(notdir $(PROTOS))

$(PROTO_TABLES): $(PROTO_TABLES_SRCS)
	$(Q)mkdir -p $(@D)
	$(call say,HOSTCC,$<)$(HOSTCC) -std=gnu17 -O1 -Wall -Wextra -I$(B)/proto -o $@ $(PROTO_TABLES_SRCS) -lprotobuf-c

$(B)/gen/%-table.c: $(PROTO_SET) $(PROTO_TABLES)
	$(call say,GEN,$@)$(PROTO_TABLES) $(PROTO_SET) $* >$@.new && mv $@.new $@

$(B)/gen/%.o: $(B)/gen/%.c
	$(call say,CC,$<)$(CC) $(BASE_CFLAGS) $(INCLUDES) $(CFLAGS) -MMD -MP -c $< -o $@

GEN_OBJS := $(B)/gen/annotations-table.o $(B)/gen/messages-table.o
.SECONDARY: $(GEN_OBJS:.o=.c)
