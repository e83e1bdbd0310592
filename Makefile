# make demo     scans, a card and payments on simulated devices, as D-Bus clients see them, on this screen
# make test     every test; installs or names what it needs first
# make lint     format, clippy, documentation, licences
# make bench    throughput, and the whole path against a minimal C program
# make install  DESTDIR=… prefix=/usr
# make vm       against a live kernel, udev, systemd and bus, in a virtual machine; as root, on Debian
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

# What install builds with: release, or dev where the time to build counts.
profile ?= release

# Where the programs are built: bench builds with optimisation, too.
target = $(or $(CARGO_TARGET_DIR),target)
release = $(target)/release
built = $(target)/$(if $(filter dev,$(profile)),debug,$(profile))

# bench-quick: the same in under a minute once built, with one run each
.PHONY: build demo test bench bench-quick lint install install-programs install-data vm clean

build:
	@scripts/dependencies build
	$(CARGO) build --profile $(profile) --locked --bins

demo:
	@scripts/dependencies demo
	@scripts/demo

test:
	@scripts/dependencies test
	TILLBUS_TEST_PYTHON=$$(scripts/python-client) && export TILLBUS_TEST_PYTHON && \
	  TILLBUS_TEST_NODE=$$(scripts/node-peers) && export TILLBUS_TEST_NODE && \
	  $(CARGO) test --locked --quiet

# The whole path's yardstick: a C program that does nothing else.
$(release)/path-baseline: benches/path/baseline.c
	@mkdir -p $(release)
	cc -O2 -Wall -Wextra -o $@ $< $$(pkg-config --cflags --libs libsystemd)

bench bench-quick:
	@scripts/dependencies bench
	@$(MAKE) --no-print-directory $(release)/path-baseline
	$(CARGO) bench --locked --quiet --bench throughput
	$(CARGO) bench --locked --quiet --bench tap
	$(CARGO) bench --locked --quiet --bench path -- $(if $(filter bench-quick,$@),--quick)

lint:
	@scripts/lint

install: install-programs install-data

# The programs, and what they write about themselves.
install-programs: build
	install -d "$(DESTDIR)$(bindir)" "$(DESTDIR)$(sbindir)"
	$(INSTALL_PROGRAM) $(built)/tillbusctl "$(DESTDIR)$(bindir)/tillbusctl"
	$(INSTALL_PROGRAM) $(built)/tillbusd "$(DESTDIR)$(sbindir)/tillbusd"
	rm -rf $(built)/man && mkdir $(built)/man && $(built)/tillbusctl man $(built)/man
	$(built)/tillbusd --man >$(built)/man/tillbusd.8
	for section in 1 5 8; do \
	  for page in $(built)/man/*.$$section; do \
	    if [ -e "$$page" ]; then \
	      install -D -m 644 "$$page" "$(DESTDIR)$(mandir)/man$$section/$${page##*/}" || exit 1; \
	    fi; \
	  done; \
	done
	install -d "$(DESTDIR)$(bashdir)" "$(DESTDIR)$(zshdir)" "$(DESTDIR)$(fishdir)"
	$(built)/tillbusctl completions bash >"$(DESTDIR)$(bashdir)/tillbusctl"
	$(built)/tillbusctl completions zsh >"$(DESTDIR)$(zshdir)/_tillbusctl"
	$(built)/tillbusctl completions fish >"$(DESTDIR)$(fishdir)/tillbusctl.fish"

# What needs no build.
install-data:
	install -d "$(DESTDIR)$(unitdir)"
	sed 's|/usr/sbin/|$(sbindir)/|' systemd/tillbusd.service >"$(DESTDIR)$(unitdir)/tillbusd.service"
	chmod 644 "$(DESTDIR)$(unitdir)/tillbusd.service"
	$(INSTALL_DATA) systemd/tillbusd-udev.socket "$(DESTDIR)$(unitdir)/"
	$(INSTALL_DATA) -D systemd/sysusers.conf "$(DESTDIR)$(sysusersdir)/tillbus.conf"
	$(INSTALL_DATA) -D systemd/tmpfiles.conf "$(DESTDIR)$(tmpfilesdir)/tillbus.conf"
	$(INSTALL_DATA) -D systemd/org.tillbus1.conf "$(DESTDIR)$(busdir)/system.d/org.tillbus1.conf"
	$(INSTALL_DATA) -D systemd/org.tillbus1.service "$(DESTDIR)$(busdir)/system-services/org.tillbus1.service"
	$(INSTALL_DATA) -D udev/70-tillbus.rules "$(DESTDIR)$(udevdir)/rules.d/70-tillbus.rules"
	install -d "$(DESTDIR)$(datadir)/tillbus/profiles" "$(DESTDIR)$(docdir)/protocol-docs" "$(DESTDIR)$(licensedir)"
	$(INSTALL_DATA) profiles/*.toml "$(DESTDIR)$(datadir)/tillbus/profiles/"
	install -d "$(DESTDIR)$(mandir)/man5"
	$(INSTALL_DATA) man/*.5 "$(DESTDIR)$(mandir)/man5/"
	$(INSTALL_DATA) README.md ARCHITECTURE.md "$(DESTDIR)$(docdir)/"
	$(INSTALL_DATA) protocol-docs/*.md "$(DESTDIR)$(docdir)/protocol-docs/"
	$(INSTALL_DATA) LICENSE-APACHE LICENSE-MIT "$(DESTDIR)$(licensedir)/"

# vm cases="uart usb": these alone. profile=release: with the programs as they are shipped.
vm: profile = dev
vm:
	@scripts/dependencies vm
	@tests/vm/run --directory "$(abspath $(target))/vm" --profile $(profile) $(cases)

clean:
	$(CARGO) clean
