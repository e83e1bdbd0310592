"""USB: a serial adapter (ftdi_sio) and a keyboard (usbhid), plugged in and out while the daemon runs.

What cannot be seen here: a break. The machine's adapter tells of it in a packet without a byte, which the driver
passes over; real ones send a zero with it.
"""

from scene import Scene

# The socket by the path of its controller, and its port.
SERIAL = """
[[device]]
name = "box"
role = "goods"
profile = "generic-line-scanner"
match = { path = "/dev/serial/by-path/pci-0000:%s-usb-0:1:1.0-port0" }
"""
KEYBOARD = """
[[device]]
name = "gun"
role = "goods"
profile = "generic-hid-keyboard"
match = { usb = "0627:0001" }
"""
# None of the scanners that tillbus has rules for: the site has its own.
RULE = 'SUBSYSTEM=="usb", ATTR{idVendor}=="0627", ATTR{idProduct}=="0001", GROUP="tillbusd"'
BEANS = "4006381333931"


def setup(machine):
    controller = machine.run("basename $(readlink -f /sys/bus/usb/devices/usb1/..)").split(":", 1)[1]
    machine.configure(SERIAL % controller + KEYBOARD)
    machine.events = machine.watch("box", "gun", state="absent")


scene = Scene("usb", setup, usb=True)


def plug_serial(machine):
    machine.plug("usb-serial", "serial", port="1", chardev="usb")
    machine.events.until_json(device="box", state="ready")


@scene.case("a serial adapter that is plugged in is opened at the socket that configuration names")
def plugged(machine):
    plug_serial(machine)
    machine.usb_line.send(BEANS.encode() + b"\r")
    scan = machine.events.until_json(type="scan", device="box")
    assert scan["text"] == BEANS, scan
    assert "/dev/ttyUSB0" in machine.run("tillbusctl show box")


@scene.case("pulled out in the middle of a code: a fault and no scan; plugged in again it reads on")
def unplugged(machine):
    count = "tillbusctl show box | sed -n 's/^ *bytes *//p'"
    before = int(machine.run(count))
    machine.usb_line.send(b"40063")
    machine.run(f"until [ $({count}) = {before + 5} ]; do :; done")
    machine.unplug("serial")
    machine.events.until_json(type="fault", device="box", kind="partial-frame")
    machine.events.until_json(type="device", device="box", state="absent")
    plug_serial(machine)
    machine.usb_line.send(BEANS.encode() + b"\r")
    assert machine.events.until_json(type="scan")["text"] == BEANS


@scene.case("a keyboard that no rule gives to the daemon is listed with that, and taken once one does")
def permitted(machine):
    machine.plug("usb-kbd", "keyboard", port="2")
    machine.events.until_json(type="device", device="gun", access="permission-denied")
    machine.write("/etc/udev/rules.d/75-site.rules", RULE)
    machine.run("udevadm control --reload && udevadm trigger --settle --subsystem-match=usb")
    machine.events.until_json(type="device", device="gun", state="ready")


@scene.case("what it types is one scan, and reaches nobody else")
def typed(machine):
    assert "QEMU USB Keyboard" not in machine.run("cat /proc/bus/input/devices")
    machine.press(*BEANS, "ret")
    scan = machine.events.until_json(type="scan", device="gun")
    assert scan["text"] == BEANS and scan["content"] == "gtin", scan


@scene.case("pulled out and plugged in again it types on")
def replugged(machine):
    machine.press(*BEANS[:5])
    machine.unplug("keyboard")
    machine.events.until_json(type="device", device="gun", state="absent")
    machine.plug("usb-kbd", "keyboard", port="2")
    machine.events.until_json(type="device", device="gun", state="ready")
    machine.press(*BEANS, "ret")
    assert machine.events.until_json(type="scan")["text"] == BEANS


@scene.case("a daemon that was killed takes it again, and one that ends gives it back to the kernel")
def given_back(machine):
    machine.run("kill -KILL $(systemctl show -P MainPID tillbusd)")
    machine.events.until_json(type="daemon", state="gone")
    machine.events.until_json(device="gun", state="ready")
    machine.press(*BEANS, "ret")
    assert machine.events.until_json(type="scan")["text"] == BEANS
    machine.events.signal(15)
    machine.events.finish()
    machine.run("systemctl stop tillbusd && udevadm settle")
    assert "QEMU USB Keyboard" in machine.run("cat /proc/bus/input/devices")
