# make demo     a scan on a simulated box, arriving at a D-Bus subscriber, on this screen
# make test     every test; installs or names what it needs first
# make lint     format, clippy, documentation, licences
# make bench    throughput, and the whole path against a minimal C program
# make install  DESTDIR=… prefix=/usr
# make clean

prefix ?= /usr/local
DESTDIR ?=
CARGO ?= cargo

# A path per kind of file, so that a distribution can move one.
bindir ?= $(prefix)/bin
# The daemon is started by systemd, but `tillbusd --check` is for the administrator's shell.
sbindir ?= $(prefix)/sbin
datadir ?= $(prefix)/share
mandir ?= $(datadir)/man
docdir ?= $(datadir)/doc/tillbus
licensedir ?= $(datadir)/licenses/tillbus
unitdir ?= $(prefix)/lib/systemd/system
sysusersdir ?= $(prefix)/lib/sysusers.d
tmpfilesdir ?= $(prefix)/lib/tmpfiles.d
udevdir ?= $(prefix)/lib/udev
busdir ?= $(datadir)/dbus-1
bashdir ?= $(datadir)/bash-completion/completions
fishdir ?= $(datadir)/fish/vendor_completions.d
# Debian's zsh does not look into site-functions below /usr.
zshdir ?= $(datadir)/zsh/$(if $(wildcard /etc/debian_version),vendor-completions,site-functions)
sysconfdir ?= $(if $(filter /usr,$(prefix)),/etc,$(prefix)/etc)

INSTALL_DATA = install -m 644
INSTALL_PROGRAM = install -m 755

# The programs' directory: bench and install build with optimisation.
release = $(or $(CARGO_TARGET_DIR),target)/release

.PHONY: build demo test bench lint install install-programs install-data clean

build:
	@scripts/dependencies build
	$(CARGO) build --release --locked --bins

demo:
	@scripts/dependencies demo
	@scripts/demo

test:
	@scripts/dependencies test
	TILLBUS_TEST_PYTHON=$$(scripts/python-client) && export TILLBUS_TEST_PYTHON && \
	  $(CARGO) test --locked --quiet

lint:
	@scripts/lint

clean:
	$(CARGO) clean
