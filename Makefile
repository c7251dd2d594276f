# Everything is built below $(B); nothing is written beside the sources.
#
#   make                 programs and libraries
#   make demo            installs what is missing (as root), builds, dumps and restores a process
#   make check           installs what is missing (as root), builds, runs all tests
#   make check-unpriv    the tests that need no privilege
#   make bench           figures as ratios
#   make bench-plot      draw how they grow: docs/performance.svg
#   make format          clang-format over the sources
#   make install         PREFIX (default /usr/local) and DESTDIR
#
# CC=clang, SANITIZE=1 (ASan and UBSan, in build/sanitize) and V=1 work with all of them.

include mk/config.mk
include mk/proto.mk
include mk/imagefmt.mk
include mk/blobs.mk
include mk/programs.mk
include mk/man.mk
include mk/tests.mk
include mk/install.mk
include mk/fuzz.mk

.DEFAULT_GOAL := all
.PHONY: all clean deps demo format
all: $(ALL)

deps:
	@scripts/install-deps

# Two makes: what the first installs decides what the second finds.
demo: deps
	@$(MAKE) --no-print-directory all samples
	@samples/demo/demo.sh $(abspath $(B))

format:
	clang-format -i $(shell git ls-files '*.c' '*.h')

clean:
	rm -rf build

-include $(shell find $(B) -name '*.d' 2>/dev/null)
