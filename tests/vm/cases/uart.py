"""Scanners at two UARTs (16550A, driver 8250), which codes, breaks and floods come to from outside.

What cannot be seen here: parity and framing errors, overruns of the UART and changes of its modem lines. The
machine's UART makes none of them; it holds its sender back in place of an overrun.
"""

from scene import Scene

CONFIGURATION = """
[[device]]
name = "box"
role = "goods"
profile = "generic-line-scanner"
match = { tty = "/dev/ttyS0" }
[device.protocol]
encoding = ["utf-8", "windows-1252"]

[[device]]
name = "nowhere"
role = "goods"
profile = "generic-line-scanner"
match = { tty = "/dev/ttyS3" }
"""
BEANS = b"4006381333931"
# Another program that has the box's port for itself.
HOLD = """
import fcntl, os, termios
fd = os.open("/dev/ttyS0", os.O_RDWR | os.O_NOCTTY)
fcntl.ioctl(fd, termios.TIOCEXCL)
print("held", flush=True)
input()
"""


def setup(machine):
    machine.configure(CONFIGURATION)
    machine.events = machine.watch("box")


scene = Scene("uart", setup, lines=["telnet", "socket"])


def counter(machine, name):
    """What the kernel has counted on the box's line, as the daemon shows it."""
    lines = machine.run("tillbusctl show box").splitlines()
    return next(int(line.split()[1]) for line in lines if line.split()[:1] == [name])


def until_received(machine, bytes_received):
    """Waits until the driver has had so many bytes from the UART; nothing tells of them but its count."""
    count = "sed -n 's/^0:.* rx:\\([0-9]*\\).*/\\1/p' /proc/tty/driver/serial"
    machine.run(f"until [ $({count}) -ge {bytes_received} ]; do sleep 0.2; done")


@scene.case("a code that comes over the UART is an event, on the bus and at the tool")
def scanned(machine):
    bus = machine.begin("busctl monitor --json=short org.tillbus1")
    # It says nothing once it listens; its name is then gone from the bus, as that of every monitor.
    bus.until("Monitoring bus message stream")
    machine.lines[0].send(BEANS + b"\r")
    scan = machine.events.until_json(type="scan")
    assert scan["text"] == BEANS.decode() and scan["content"] == "gtin" and "simulated" not in scan, scan
    bus.until('"member":"Scanned"')
    bus.signal(15)


@scene.case("a byte FF, which the driver's marks double, comes once")
def doubled(machine):
    machine.lines[0].send(b"caf\xff \xff\xff\r")
    assert machine.events.until_json(type="scan")["raw"] == b"caf\xff \xff\xff".hex()


@scene.case("a break is a fault, and what came before it is never part of a code")
def broken(machine):
    before, received = counter(machine, "breaks"), counter(machine, "received")
    machine.lines[0].send(b"40063")
    # A break overtakes what the UART has not taken yet.
    until_received(machine, received + 5)
    machine.lines[0].send_break()
    fault = machine.events.until_json(type="fault")
    assert fault["kind"] == "break" and fault["message"] == "break on the line", fault
    assert counter(machine, "breaks") == before + 1
    # Up to the next end, or some silence, nothing is a code.
    machine.lines[0].send(b"\r" + BEANS + b"\r")
    assert machine.events.until_json(type="scan")["text"] == BEANS.decode()


@scene.case("a line that is held low again and again is one fault after the other, and reads on")
def noisy(machine):
    before = counter(machine, "breaks")
    machine.lines[0].send_break(30)
    machine.events.until_json(type="fault", kind="break")
    machine.lines[0].send(b"\r" + BEANS + b"\r")
    assert machine.events.until_json(type="scan", text=BEANS.decode())
    assert counter(machine, "breaks") > before


@scene.case("what overruns the kernel's buffer while the daemon hangs is counted and shown")
def flooded(machine):
    process = machine.properties("MainPID")["MainPID"]
    assert counter(machine, "buffer-overruns") == 0
    received = counter(machine, "received")
    machine.run(f"systemctl service-watchdogs no && kill -STOP {process}")
    # Linux 6.1 was seen to hold 1.3 MB of a line; older ones hold 64 kB.
    flood = b"x" * 1_500_000
    machine.lines[0].send(flood)
    until_received(machine, received + len(flood))
    machine.run(f"kill -CONT {process} && systemctl service-watchdogs yes")
    machine.lines[0].send(b"\r" + BEANS + b"\r")
    machine.events.until_json(type="fault", kind="overlong-frame")
    machine.events.until_json(type="scan", text=BEANS.decode())
    assert counter(machine, "buffer-overruns") > 0


@scene.case("a port that no configuration names is never opened, and one without a UART is not there")
def unopened(machine):
    driver = machine.run("cat /proc/tty/driver/serial").splitlines()
    lines = {line.split(":")[0]: line for line in driver}
    assert "DTR" in lines["0"] and "RTS" in lines["0"], driver
    assert "DTR" not in lines["1"] and "RTS" not in lines["1"], driver
    listed = machine.run("tillbusctl devices --json")
    assert '"unconfigured"' in listed and "/dev/ttyS1" in listed, listed
    shown = machine.run("tillbusctl show nowhere")
    assert "absent" in shown and "not-found" in shown, shown


@scene.case("the port is the daemon's alone")
def exclusive(machine):
    machine.run("useradd --groups dialout other")
    other = machine.begin("exec 3<>/dev/ttyS0", user="other")
    assert other.finish() != 0 and "busy" in "\n".join(other.err).lower(), other.err


@scene.case("a port that another program holds is busy, and is opened once that has closed it")
def busy(machine):
    machine.run("systemctl stop tillbusd")
    machine.write("/run/hold.py", HOLD)
    holder = machine.begin("exec python3 /run/hold.py")
    holder.until("held")
    machine.run("systemctl start tillbusd")
    machine.events.until_json(type="device", device="box", access="busy")
    holder.type("")
    holder.finish()
    machine.events.until_json(type="device", device="box", state="ready")
    machine.lines[0].send(BEANS + b"\r")
    machine.events.until_json(type="scan", text=BEANS.decode())


@scene.case("another speed is set in the UART by a reload")
def speed(machine):
    faster = CONFIGURATION.replace("[device.protocol]", "[device.line]\nbaud = 38400\n[device.protocol]")
    machine.write("/etc/tillbus/tillbus.toml", faster)
    machine.run("systemctl reload tillbusd")
    machine.events.until_json(type="device", device="box", state="ready")
    assert "speed 38400 baud" in machine.run("stty -F /dev/ttyS0 -a")
    machine.lines[0].send(BEANS + b"\r")
    machine.events.until_json(type="scan", text=BEANS.decode())
