# Installation: programs, library, headers, man pages.

.PHONY: install uninstall samples
samples:
