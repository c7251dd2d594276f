# Installation: programs, library, headers, man pages. And the samples.

SAMPLE_SRCS := $(filter-out samples/plugin/%,$(wildcard samples/*/*.c))
SAMPLE_PLUGINS := $(patsubst %.c,$(B)/%.so,$(wildcard samples/plugin/*.c))
SAMPLE_BINS := $(patsubst %.c,$(B)/%,$(SAMPLE_SRCS))

$(B)/samples/%: $(B)/samples/%.o $(LIBCRIUIMG)
	$(call say,LD,$@)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/samples/plugin/%.so: samples/plugin/%.c engines/plugin/criu-plugin.h
	@mkdir -p $(@D)
	$(call say,LD,$@)$(CC) $(CFLAGS) -Iengines/plugin -fPIC -shared $(LDFLAGS) -o $@ $< -lrt

.PHONY: install uninstall samples
samples: $(SAMPLE_BINS) $(SAMPLE_PLUGINS)
tests: $(SAMPLE_PLUGINS)

BINDIR := $(DESTDIR)$(PREFIX)/bin
LIBDIR := $(DESTDIR)$(PREFIX)/lib
INCDIR := $(DESTDIR)$(PREFIX)/include
MANDIR := $(DESTDIR)$(PREFIX)/share/man
BASH_COMPLETION := $(DESTDIR)$(PREFIX)/share/bash-completion/completions/crit
ZSH_COMPLETION := $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_crit

# What crit says of its own command line; a sanitizer's report would be no part of it.
$(B)/crit.bash $(B)/crit.zsh: $(B)/crit.%: $(B)/crit
	$(call say,GEN,$@)$(B)/crit --completion $* >$@.new && mv $@.new $@

all: $(B)/crit.bash $(B)/crit.zsh

# man_dir(page): man1 for crit.1
man_dir = $(MANDIR)/man$(subst .,,$(suffix $(1)))

install: all
	install -d $(BINDIR) $(LIBDIR)/pkgconfig $(INCDIR)/criuimg
	install -m 755 $(PROGRAMS) $(BINDIR)
	install -m 644 $(LIBCRIUIMG) $(LIBDIR)
	install -m 755 $(LIBCRIUIMG_SO) $(LIBDIR)
	ln -sf $(notdir $(LIBCRIUIMG_SO)) $(LIBDIR)/libcriuimg.so.$(SOVERSION)
	ln -sf $(notdir $(LIBCRIUIMG_SO)) $(LIBDIR)/libcriuimg.so
	install -m 644 imagefmt/include/criuimg/*.h $(INCDIR)/criuimg
	install -d $(INCDIR)/criuimg/proto
	install -m 644 $(B)/proto/*.pb-c.h $(INCDIR)/criuimg/proto
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' imagefmt/criuimg.pc.in >$(LIBDIR)/pkgconfig/criuimg.pc
	install -D -m 644 $(B)/crit.bash $(BASH_COMPLETION)
	install -D -m 644 $(B)/crit.zsh $(ZSH_COMPLETION)
	$(foreach p,$(MAN_PAGES),install -D -m 644 $(p) $(call man_dir,$(p))/$(notdir $(p)) &&) true

uninstall:
	rm -f $(patsubst $(B)/%,$(BINDIR)/%,$(PROGRAMS)) $(LIBDIR)/libcriuimg.a $(LIBDIR)/libcriuimg.so* $(LIBDIR)/pkgconfig/criuimg.pc
	rm -rf $(INCDIR)/criuimg
	rm -f $(BASH_COMPLETION) $(ZSH_COMPLETION)
	$(foreach p,$(MAN_PAGES),rm -f $(call man_dir,$(p))/$(notdir $(p)) &&) true

# What a chain of rules makes on the way is kept.
.SECONDARY: $(UNIT_BINS:%=%.o) $(SUBJECTS:%=%.o) $(SAMPLE_BINS:%=%.o)
