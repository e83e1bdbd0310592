"""Two UARTs wired through (tap), under a live systemd that keeps them open over a kill.

A break that the guest sends is not carried by the far ends' sockets. That it is made, and where, the machine tells
itself: it notes what the driver writes into the UARTs' registers.
"""

import re

from scene import Scene

CONFIGURATION = """
[[device]]
name = "box"
lane = "1"
role = "goods"
profile = "generic-line-scanner"
match = { tty = "/dev/ttyS0" }

[[device]]
name = "port"
lane = "1"
profile = "generic-scanner-port"
match = { tty = "/dev/ttyS1" }

[[route]]
mode = "tap"
from = "box"
to = "port"
"""
LINK = "https://example.org/%d\r"


def setup(machine):
    machine.configure(CONFIGURATION)
    machine.events = machine.watch("box", "port")


scene = Scene("tap", setup, lines=["telnet", "socket"], trace="serial_write")


def kill(machine):
    """Kills the daemon in its tracks; systemd starts the next."""
    process = machine.properties("MainPID")["MainPID"]
    machine.run(f"kill -KILL {process}")
    return process


def until_another(machine, process):
    machine.events.until_json(type="daemon", state="gone")
    machine.events.until_json(type="daemon", state="there")
    machine.events.until_json(device="port", state="ready")
    assert machine.properties("MainPID", "ActiveState")["MainPID"] != process


@scene.case("what comes over one UART goes out over the other, both ways, and is an event")
def through(machine):
    box, port = machine.lines
    every = bytes(range(256)) + b"\r"
    box.send(every)
    assert port.until(every) == every
    port.send(every)
    assert box.until(every) == every
    box.send(b"\r" + (LINK % 1).encode())
    machine.events.until_json(type="scan", text=(LINK % 1).strip())
    port.until((LINK % 1).encode())


@scene.case("a break comes out on the other side, in its place between the bytes")
def broken(machine):
    box, port = machine.lines
    begun = len(registers(machine))
    box.send(b"before\r")
    port.until(b"before\r")
    box.send_break()
    machine.events.until_json(type="fault", device="box", kind="break")
    box.send(b"behind\r")
    port.until(b"behind\r")
    written = registers(machine)[begun:]
    assert re.search("before\r<break></break>.*behind\r", written, re.DOTALL), written


@scene.case("systemd keeps both lines")
def kept(machine):
    assert machine.properties("NFileDescriptorStore")["NFileDescriptorStore"] == "2"


@scene.case("over a kill -9 everything goes on that came meanwhile, in its order and once")
def killed(machine):
    box, port = machine.lines
    box.send(b"first\r")
    port.until(b"first\r")
    # Held up until all is sent: so that it does come while no daemon runs.
    machine.run("mkdir -p /run/systemd/system/tillbusd.service.d")
    machine.write(
        "/run/systemd/system/tillbusd.service.d/wait.conf",
        "[Service]\nExecStartPre=+/bin/sh -c 'until [ -e /run/sent ]; do sleep 0.1; done'",
    )
    machine.run("systemctl daemon-reload")
    process = kill(machine)
    # Far more than the 4 kB of the kernel's line discipline.
    box.send(b"meanwhile\r" * 1000)
    port.send(b"answer\r" * 100)
    machine.run("touch /run/sent")
    until_another(machine, process)
    assert port.until(b"meanwhile\r" * 1000) == b"meanwhile\r" * 1000
    assert box.until(b"answer\r" * 100) == b"answer\r" * 100
    machine.run("rm -r /run/sent /run/systemd/system/tillbusd.service.d && systemctl daemon-reload")
    shown = machine.properties("NFileDescriptorStore", "NRestarts")
    assert shown == {"NFileDescriptorStore": "2", "NRestarts": "1"}, shown


@scene.case("over a kill -9 in the middle of a stream at most one read is lost, and nothing comes twice")
def in_the_middle(machine):
    box, port = machine.lines
    lines = [(LINK % number).encode() for number in range(1000, 1400)]
    box.send(b"".join(lines[:200]))
    port.until(lines[100])
    process = kill(machine)
    box.send(b"".join(lines[200:]))
    until_another(machine, process)
    heard = port.until(lines[-1])
    behind = b"".join(lines[101:])
    # What is missing is one piece, of one read, which is no longer than the kernel's buffer.
    same = next((n for n, (a, b) in enumerate(zip(heard, behind)) if a != b), len(heard))
    assert behind.endswith(heard[same:]), f"not the end of what was sent: {heard[same:][:200]}"
    lost = len(behind) - len(heard)
    assert 0 <= lost <= 4096, f"lost {lost} bytes"


@scene.case("after that the lines read on, and codes are events again")
def reads_on(machine):
    box, port = machine.lines
    # What comes soon after a kill may be the second half of a code, and is no event; after a silence it is one.
    machine.run("sleep 1")
    box.send((LINK % 2).encode())
    machine.events.until_json(type="scan", text=(LINK % 2).strip())
    port.until((LINK % 2).encode())


@scene.case("over a restart the lines stay open, and a stop closes them")
def stopped(machine):
    box, port = machine.lines
    machine.run("systemctl restart tillbusd")
    machine.events.until_json(type="daemon", state="there")
    box.send(b"restarted\r")
    port.until(b"restarted\r")
    machine.events.signal(15)
    machine.events.finish()
    machine.run("systemctl stop tillbusd")
    lines = machine.run("cat /proc/tty/driver/serial").splitlines()
    assert not [line for line in lines if "DTR" in line], lines


def registers(machine):
    """What the driver has written into the UARTs: bytes, and where a break began and ended."""
    text, low, latch = "", False, False
    with open(machine.path("trace")) as file:
        for line in file:
            found = re.search(r"serial_write .*addr 0x0*([0-9a-f]+) val 0x([0-9a-f]+)", line)
            if not found:
                continue
            register, value = int(found[1], 16) % 8, int(found[2], 16)
            if register == 3:
                latch = bool(value & 0x80)
                if bool(value & 0x40) != low:
                    low = not low
                    text += "<break>" if low else "</break>"
            elif register == 0 and not latch:
                text += chr(value)
    return text
