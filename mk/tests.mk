# Tests. Each program and script speaks TAP; tests/run adds them up.

UNIT_SRCS := $(wildcard tests/unit/*/*.c tests/unit/*.c)
UNIT_BINS := $(patsubst tests/%.c,$(B)/tests/%,$(UNIT_SRCS))
SUBJECTS := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/kinds/*/*.c tests/bench/*.c))

$(B)/tests/unit/%: $(B)/tests/unit/%.o $(COMMON_OBJS) $(LIBCRIUIMG)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka

$(B)/tests/unit/parasite/abi $(B)/tests/unit/parasite/jump: $(call objects,$(ARCH_HOST_SRCS))
$(B)/tests/unit/lazy/ranges: $(B)/streamer/lazy-pages/ranges.o
# The files of parasite/host are compiled into the test itself.
$(B)/tests/unit/parasite/blob: $(call objects,$(ARCH_HOST_SRCS)) $(DUMP_BLOB_OBJS)

# A subject is a small program of its own: it links nothing of ours, and no sanitizer looks into what is carried.
$(SUBJECTS:%=%.o): BASE_CFLAGS := $(filter-out $(SAN_FLAGS),$(BASE_CFLAGS))
$(SUBJECTS): LDFLAGS := $(filter-out $(SAN_FLAGS),$(LDFLAGS))
# Some are 32-bit programs, where the compiler can make such; others skip. They are sources of other subjects, written for 64 bits.
COMPAT_SUBJECTS := $(foreach s,$(SUBJECTS),$(if $(findstring /compat-,$(s)),$(s)))
M32 = $(shell echo 'int main(void) { return 0; }' | $(CC) -m32 -x c -o /dev/null - -lrt 2>/dev/null && echo -m32)
$(COMPAT_SUBJECTS:%=%.o): BASE_CFLAGS := $(filter-out $(SAN_FLAGS),$(BASE_CFLAGS)) $(M32) -Wno-format -Wno-int-to-pointer-cast -Wno-pointer-to-int-cast
$(COMPAT_SUBJECTS): LDFLAGS := $(filter-out $(SAN_FLAGS),$(LDFLAGS)) $(M32)
$(SUBJECTS): %: %.o
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^ -lrt

.PHONY: tests check check-unpriv bench bench-plot
tests: all samples $(UNIT_BINS) $(SUBJECTS)

check: deps
	@$(MAKE) --no-print-directory tests
	@tests/run --build $(abspath $(B))

check-unpriv:
	@$(MAKE) --no-print-directory tests
	@tests/run --build $(abspath $(B)) --unprivileged

bench:
	@$(MAKE) --no-print-directory tests
	@tests/bench/run --build $(abspath $(B))

# docs/performance.svg, which docs/performance.md shows.
bench-plot:
	@$(MAKE) --no-print-directory tests
	@tests/bench/plot --build $(abspath $(B))


# What scripts of tests/cli need beside the programs. A plugin is built by its script.
CLI_HELPERS := $(patsubst tests/%.c,$(B)/tests/%,$(filter-out %-hook.c,$(wildcard tests/cli/criu/*.c)))
tests: $(CLI_HELPERS)
$(CLI_HELPERS): %: %.o $(LIBCRIUIMG)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
