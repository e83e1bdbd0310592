"""The unit as it is installed, under a live systemd, bus and journal."""

import json
import re

from machine import CONFIGURATION
from scene import Scene

scene = Scene("service")

DEVICE = """
[[device]]
name = "till"
role = "goods"
profile = "generic-line-scanner"
match = { tty = "/dev/ttyS9" }
"""

# What systemd says when it cannot set the sandbox up or the sandbox has killed somebody.
SANDBOX = re.compile(r"status=\d+/(?!SUCCESS|CONFIG)[A-Z_]+|Failed to set up|SECCOMP|audit", re.IGNORECASE)


@scene.case("the bus starts the daemon when somebody calls it")
def activated(machine):
    assert machine.properties("ActiveState")["ActiveState"] == "inactive"
    listed = machine.run("tillbusctl devices", user="cashier")
    assert machine.properties("ActiveState")["ActiveState"] == "active", listed


@scene.case("the unit becomes active in its sandbox, and nothing of that fails")
def active(machine):
    machine.run("systemctl stop tillbusd && systemctl start tillbusd")
    shown = machine.properties("Type", "SubState", "Result", "NRestarts", "MainPID")
    assert shown["Type"] == "notify" and shown["SubState"] == "running", shown
    assert shown["Result"] == "success" and shown["NRestarts"] == "0", shown
    journal = machine.run("journalctl -b --no-pager -u tillbusd -u tillbusd-udev.socket")
    assert not SANDBOX.search(journal), journal
    errors = machine.run("journalctl -b --no-pager -u tillbusd -p warning -q -o cat")
    assert not errors, errors
    process = machine.run(f"cat /proc/{shown['MainPID']}/status")
    for line in ("NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000"):
        assert line in process, process


@scene.case("its exposure is what the unit's comment says")
def exposure(machine):
    said = machine.run("systemd-analyze security tillbusd --no-pager | tail -n 1")
    assert re.search(r"exposure level for tillbusd\.service: 0\.\d", said), said


@scene.case("the name on the bus is owned by the daemon's user")
def owned(machine):
    status = machine.run("busctl status org.tillbus1")
    assert "Unit=tillbusd.service" in status, status
    assert machine.run("stat -c %U /proc/$(systemctl show -P MainPID tillbusd)") == "tillbusd"


@scene.case("a member of the group may call it, and another user is refused")
def rights(machine):
    machine.run("tillbusctl devices", user="cashier")
    for command in ("tillbusctl devices", "busctl introspect org.tillbus1 /org/tillbus1"):
        stranger = machine.begin(command, user="stranger")
        assert stranger.finish() != 0, stranger.out
        assert re.search("denied|does not let you", "\n".join(stranger.err)), stranger.err
    request = "busctl call org.freedesktop.DBus / org.freedesktop.DBus RequestName su org.tillbus1 0"
    assert machine.begin(request).finish() != 0, "root could own the name"


@scene.case("what it logs has its fields in the journal")
def journal(machine):
    lines = machine.run("journalctl -b --no-pager -o json SYSLOG_IDENTIFIER=tillbusd").splitlines()
    entries = [json.loads(line) for line in lines]
    named = [entry for entry in entries if entry.get("TILLBUS_NAME") == "org.tillbus1"]
    assert named, entries
    assert named[-1]["_SYSTEMD_UNIT"] == "tillbusd.service" and named[-1]["PRIORITY"] == "6", named[-1]


@scene.case("a reload takes a new device in, and refuses a wrong configuration")
def reload(machine):
    process = machine.properties("MainPID")["MainPID"]
    watch = machine.begin("tillbusctl watch --json", user="cashier")
    watch.until_json(type="daemon")
    machine.write(CONFIGURATION, DEVICE)
    machine.run("systemctl reload tillbusd")
    watch.until_json(type="device-added", device="till")
    machine.write(CONFIGURATION, DEVICE.replace("goods", "gods"))
    refused = machine.begin("tillbusctl reload")
    assert refused.finish() != 0, refused.out
    assert '"gods"' in "\n".join(refused.err), refused.err
    assert "till" in machine.run("tillbusctl devices")
    watch.signal(15)
    watch.finish()
    assert machine.properties("MainPID")["MainPID"] == process


@scene.case("a configuration that is refused at the start is not tried again and again")
def refused(machine):
    machine.run("systemctl restart tillbusd", may_fail=True)
    shown = machine.properties("ActiveState", "ExecMainStatus", "NRestarts")
    assert shown == {"ActiveState": "failed", "ExecMainStatus": "78", "NRestarts": "0"}, shown
    machine.run(f"rm {CONFIGURATION} && systemctl start tillbusd")


@scene.case("it ends when it is told to, without a fault, and stays away though somebody watches")
def ends(machine):
    watch = machine.begin("tillbusctl watch --json", user="cashier")
    watch.until_json(type="daemon", state="there")
    machine.run("systemctl restart tillbusd && systemctl stop tillbusd")
    watch.until_json(type="daemon", state="gone")
    watch.signal(15)
    watch.finish()
    shown = machine.properties("ActiveState", "Result", "ExecMainStatus")
    assert shown == {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}, shown


@scene.case("the watchdog is fed; a daemon that hangs is ended and comes back")
def watchdog(machine):
    machine.run("mkdir -p /run/systemd/system/tillbusd.service.d")
    machine.write("/run/systemd/system/tillbusd.service.d/soon.conf", "[Service]\nWatchdogSec=20s")
    machine.run("systemctl daemon-reload && systemctl start tillbusd")
    first = machine.properties("MainPID")
    machine.run("systemd-analyze log-level debug")
    signs = machine.begin("journalctl -f -n 0 -o cat _PID=1 | grep --line-buffered ^tillbusd")
    for _ in range(2):
        signs.until("(WATCHDOG=1)")
    signs.signal(15)
    machine.run("systemd-analyze log-level info")
    assert machine.properties("MainPID")["MainPID"] == first["MainPID"]
    journal = machine.begin("journalctl -f -n 0 -u tillbusd -o cat")
    machine.run(f"kill -STOP {first['MainPID']}")
    journal.until("Watchdog timeout")
    journal.until("Started")
    journal.signal(15)
    shown = machine.properties("ActiveState", "NRestarts", "MainPID")
    assert shown["ActiveState"] == "active" and shown["NRestarts"] == "1", shown
    assert shown["MainPID"] != first["MainPID"], shown
    machine.run("rm -r /run/systemd/system/tillbusd.service.d && systemctl daemon-reload")
