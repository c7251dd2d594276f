# Sets that must be refused, and what the fuzzers run.

NASTY := $(B)/samples/nasty-image/nasty-image
tests: $(NASTY)
