"""Idle means idle: with devices open on real drivers nothing wakes the daemon but the watchdog."""

from cases.usb import KEYBOARD, RULE
from scene import Scene

CONFIGURATION = """
[[device]]
name = "box"
lane = "1"
role = "goods"
profile = "generic-line-scanner"
match = { tty = "/dev/ttyS0" }

[[device]]
name = "terminal"
lane = "1"
profile = "zvt"
match = { tty = "/dev/ttyS1" }
"""
DROP_IN = "/run/systemd/system/tillbusd.service.d/watchdog.conf"


def setup(machine):
    machine.write("/etc/udev/rules.d/75-site.rules", RULE)
    machine.run("udevadm control --reload")
    machine.plug("usb-kbd", "keyboard", port="2")
    machine.write(DROP_IN, "[Service]\nWatchdogSec=0")
    machine.run("systemctl daemon-reload")
    rest(machine)


scene = Scene("idle", setup, lines=["socket", "socket"], usb=True)


def rest(machine):
    """Starts the daemon anew, and waits until it has all its devices and nothing more to do."""
    machine.configure(CONFIGURATION + KEYBOARD)
    watch = machine.watch("box", "terminal", "gun")
    watch.signal(15)
    watch.finish()
    machine.run("sleep 10")


def switches(machine):
    """How often its threads have gone to sleep."""
    process = machine.properties("MainPID")["MainPID"]
    counts = machine.run(f"sed -n 's/^voluntary_ctxt_switches:[^0-9]*//p' /proc/{process}/task/*/status")
    return sum(int(count) for count in counts.split())


@scene.case("with two UARTs and a keyboard open, and no watchdog, it sleeps for a minute without a break")
def asleep(machine):
    before = switches(machine)
    machine.run("sleep 60")
    assert switches(machine) - before == 0


@scene.case("with the watchdog it wakes for that alone")
def fed(machine):
    machine.run(f"rm {DROP_IN} && systemctl daemon-reload && systemd-analyze log-level debug")
    rest(machine)
    signs = machine.begin("journalctl -f -n 0 -o cat _PID=1 | grep --line-buffered ^tillbusd")
    # A sign of life is where the measurement begins and ends.
    signs.until("(WATCHDOG=1)")
    before = switches(machine)
    for _ in range(2):
        signs.until("(WATCHDOG=1)")
    woken = switches(machine) - before
    signs.signal(15)
    # tokio's timers come to a moment so far ahead in up to three steps.
    assert 2 <= woken <= 6, woken
