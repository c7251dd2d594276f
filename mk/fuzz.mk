# Sets that must be refused, and the fuzzers: a program per harness (tests/fuzz/<name>.c) in two forms. build/tests/fuzz/<name> replays a
# corpus without clang and is one of the tests; build/fuzz/tests/fuzz/<name> is libFuzzer's.
#
#   make check-sanitize [SANITIZE_TESTS=pattern]    the tests that need no privilege under ASan and UBSan: minutes, so not part of
#                                                  `make check`
#   make fuzz [FUZZ_SECONDS=60] [FUZZ=name...]     runs each so long, from its corpus and what it found before (build/fuzz/found)

NASTY := $(B)/samples/nasty-image/nasty-image
tests: $(NASTY)

FUZZ_NAMES := $(patsubst tests/fuzz/%.c,%,$(filter-out tests/fuzz/driver.c,$(wildcard tests/fuzz/*.c)))
FUZZ_BINS := $(FUZZ_NAMES:%=$(B)/tests/fuzz/%)
FUZZ ?= $(FUZZ_NAMES)
FUZZ_SECONDS ?= 60
FUZZ_B := build/fuzz
# A failed call in the one has a meaning in the other: no file that is larger, no input that takes longer.
FUZZ_FLAGS := -max_len=65536 -rss_limit_mb=2048 -timeout=10 -print_final_stats=1

tests: $(FUZZ_BINS)

.PHONY: fuzz fuzzers
fuzz:
	@$(MAKE) --no-print-directory CC=clang B=$(FUZZ_B) FUZZING=1 \
		SAN_FLAGS='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer' fuzzers
	@for f in $(FUZZ); do mkdir -p $(FUZZ_B)/found/$$f; echo "== $$f"; \
		nice -n 10 $(FUZZ_B)/tests/fuzz/$$f $(FUZZ_FLAGS) -max_total_time=$(FUZZ_SECONDS) \
			-artifact_prefix=$(FUZZ_B)/found/$$f- $(FUZZ_B)/found/$$f tests/fuzz/corpus/$$f 2>$(FUZZ_B)/$$f.log; \
		status=$$?; tail -8 $(FUZZ_B)/$$f.log; [ $$status = 0 ] || exit $$status; done
fuzzers: $(FUZZ_BINS)

ifeq ($(FUZZING),1)
$(FUZZ_BINS): $(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(LIBCRIUIMG)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $(filter-out %.a,$^) $(filter %.a,$^) $(LDLIBS)
else
$(FUZZ_BINS): $(B)/tests/fuzz/%: $(B)/tests/fuzz/%.o $(B)/tests/fuzz/driver.o $(LIBCRIUIMG)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $(filter-out %.a,$^) $(filter %.a,$^) $(LDLIBS)
endif
# All that needs no privilege, under ASan and UBSan.
.PHONY: check-sanitize
check-sanitize:
	@$(MAKE) --no-print-directory SANITIZE=1 tests
	@tests/run --build $(abspath build/sanitize) --unprivileged $(SANITIZE_TESTS)

.SECONDARY: $(FUZZ_BINS:%=%.o)

# What is not in the library is linked in.
$(B)/tests/fuzz/shards: $(filter-out %/main.o,$(IMAGE_STREAMER_OBJS))
$(B)/tests/fuzz/page-server: $(filter-out %/main.o %/loop.o,$(PAGE_SERVER_OBJS)) $(COMMON_OBJS)
