# Manual pages: docs/man/*.in with the options filled in from their table, and those that are written out.

MAN_TOOL := $(B)/docs/man/tool/man
MAN_GENERATED := $(patsubst docs/man/%.in,$(B)/man/%,$(wildcard docs/man/*.in))
MAN_PAGES := $(MAN_GENERATED) $(wildcard docs/man/*.1 docs/man/*.8)

$(MAN_TOOL): $(B)/docs/man/tool/man.o $(COMMON_OBJS) $(LIBCRIUIMG)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# criu-dump.8 has the options of `dump`, criu.8 all.
$(B)/man/%: docs/man/%.in $(MAN_TOOL)
	$(Q)mkdir -p $(@D)
	$(call say,MAN,$@)$(MAN_TOOL) $(or $(filter-out criu,$(patsubst criu-%,%,$(basename $*))),all) <$< >$@

ALL += $(MAN_GENERATED)

# The tables of docs/format-messages.md, from the comments of proto/. They are kept in the tree: tests/check/docs.sh holds them against proto/.
.PHONY: docs
docs:
	scripts/format-tables
