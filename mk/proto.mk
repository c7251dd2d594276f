# Messages: proto/*.proto -> C by protoc-c, and the table of their annotations.

PROTO_INCLUDE := $(shell pkg-config --variable=includedir protobuf 2>/dev/null || echo /usr/include)
PROTOS := $(wildcard proto/*.proto)
PROTO_C := $(patsubst proto/%.proto,$(B)/proto/%.pb-c.c,$(PROTOS)) $(B)/proto/google/protobuf/descriptor.pb-c.c
PROTO_OBJS := $(PROTO_C:.c=.o)
PROTO_HEADERS_STAMP := $(B)/proto/.stamp

# One run for all: protoc-c is quick, and every object needs some of the headers.
$(PROTO_HEADERS_STAMP): $(PROTOS) mk/proto.mk
	$(Q)mkdir -p $(B)/proto
	$(call say,PROTOC,proto/*.proto)protoc-c --c_out=$(B)/proto -Iproto -I$(PROTO_INCLUDE) \
		$(notdir $(PROTOS)) google/protobuf/descriptor.proto
	$(Q)touch $@

$(PROTO_C): $(PROTO_HEADERS_STAMP)

# Generated code is not ours to warn about.
$(B)/proto/%.o: $(B)/proto/%.c
	$(call say,CC,$<)$(CC) -std=gnu17 -fPIC -w $(SAN_FLAGS) -I$(B)/proto $(CFLAGS) -MMD -MP -c $< -o $@
