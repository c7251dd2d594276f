# The freestanding code that runs inside other tasks: parasite/<name>-blob -> a C array.

BLOB_CFLAGS := -std=gnu17 -O2 -g -DBLOB_FREESTANDING -ffreestanding -fPIE -fvisibility=hidden -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fno-builtin -fcf-protection=none -mgeneral-regs-only -I. \
	$(filter-out -Wvla,$(WARN)) -Wvla
BLOB_LD ?= $(CC) -nostdlib -static-pie -Wl,-z,noexecstack -Wl,--build-id=none -Wl,--no-warn-rwx-segments

$(B)/blob/%.o: %.c
	$(Q)mkdir -p $(@D)
	$(call say,BLOB,$<)$(CC) $(BLOB_CFLAGS) -MMD -MP -c $< -o $@

$(B)/blob/%.o: %.S
	$(Q)mkdir -p $(@D)
	$(call say,BLOB,$<)$(CC) $(BLOB_CFLAGS) -MMD -MP -c $< -o $@

# ---- dump: one file of assembler, linked into criu-dump as bytes ----

DUMP_BLOB_OBJS := $(B)/parasite/arch/x86_64/dump-blob.o

$(B)/parasite/%.o: parasite/%.S
	$(Q)mkdir -p $(@D)
	$(call say,AS,$<)$(CC) -I. $(CFLAGS) -MMD -MP -c $< -o $@

# ---- restore ----

RESTORE_BLOB_SRCS := $(wildcard parasite/restore-blob/*.c) parasite/arch/x86_64/restore-blob.S parasite/nolibc/string.c
RESTORE_BLOB_PARTS := $(patsubst %,$(B)/blob/%.o,$(basename $(RESTORE_BLOB_SRCS)))
RESTORE_BLOB_OBJS := $(B)/gen/restore-blob.o

$(B)/gen/restore-blob.elf: $(RESTORE_BLOB_PARTS) parasite/restore-blob/blob.lds
	$(Q)mkdir -p $(@D)
	$(call say,LD,$@)$(BLOB_LD) -Wl,-T,parasite/restore-blob/blob.lds -o $@ $(RESTORE_BLOB_PARTS)

$(B)/gen/restore-blob.bin: $(B)/gen/restore-blob.elf
	$(Q)objcopy -O binary -j .blob $< $@

# The array, and its size: what parasite/restore-code.h declares.
$(B)/gen/restore-blob.c: $(B)/gen/restore-blob.bin
	$(call say,GEN,$@){ echo '#include "parasite/restore-code.h"'; \
		echo 'const unsigned char restore_blob_code[] = {'; od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g'; echo '};'; \
		echo 'const size_t restore_blob_size = sizeof(restore_blob_code);'; } >$@.new && mv $@.new $@
