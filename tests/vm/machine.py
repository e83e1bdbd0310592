"""A virtual machine with tillbus in it: started, asked, unplugged, cut off from its power."""

import itertools
import json
import os
import subprocess
import tempfile
import threading

from channel import PATIENCE, Inbox, Line, Missing, Socket
from power import Disk

CONFIGURATION = "/etc/tillbus/tillbus.toml"


class Refused(AssertionError):
    """A command in the guest failed, or the machine's monitor refused one."""


def json_of(line):
    """The object that a line is; an empty one of a line that is none."""
    try:
        return json.loads(line)
    except ValueError:
        return {}


class Process:
    """A command that runs in the guest."""

    def __init__(self, machine, number, script):
        self.machine = machine
        self.number = number
        self.script = script
        self.inbox = Inbox(script)
        self.out = []
        self.err = []
        self.status = None

    def hear(self, message):
        if "out" in message:
            self.out.append(message["out"])
            self.inbox.put(message["out"])
        elif "err" in message:
            self.err.append(message["err"])
            self.inbox.put(message["err"])
        else:
            self.status = message["status"]
            self.inbox.end(f"it ended with status {self.status}")

    def until(self, text):
        """Waits for a line with `text` in it, which is returned."""
        return self.inbox.until(lambda line: text in line, repr(text))

    def until_json(self, **members):
        """Waits for a JSON object with these members, which is returned."""

        def is_it(line):
            value = json_of(line)
            return all(value.get(name) == wanted for name, wanted in members.items())

        return json.loads(self.inbox.until(is_it, f"object with {members}"))

    def type(self, line):
        self.machine.tell(id=self.number, type=line)

    def signal(self, number):
        self.machine.tell(id=self.number, signal=int(number))

    def finish(self):
        """Waits for its end; its status."""
        with self.inbox.changed:
            ended = self.inbox.changed.wait_for(lambda: self.inbox.over, PATIENCE)
        if not ended or self.status is None:
            raise Missing(f"{self.script}: has not ended: {self.inbox.over}")
        return self.status


class Machine:
    """The machine.

    `lines` says what its serial lines ttyS0, ttyS1 … are: "socket" or "telnet". With `keeps` its disk outlives
    its power; else whatever it writes is gone with it. `trace` is an event of QEMU's to be noted.
    """

    def __init__(self, files, lines=(), usb=False, keeps=False, trace=None):
        self.files = files
        self.usb = usb
        self.trace = trace
        self.kinds = list(lines)
        self.directory = tempfile.TemporaryDirectory(prefix="tillbus-vm.")
        self.disk = Disk(os.path.join(files, "disk"), files) if keeps else None
        self.starts = 0
        self.sockets = {}
        self.qemu = None
        # What else is to be ended with it.
        self.company = []

    def path(self, name):
        """Where something of this start of the machine is."""
        return os.path.join(self.directory.name, f"{self.starts}.{name}")

    # Starting and ending.

    def start(self):
        self.starts += 1
        self.over = None
        self.numbers = itertools.count(1)
        self.processes = {}
        self.hello = Inbox("the guest's agent")
        self.replies = Inbox("the machine's monitor")
        names = ["monitor", "agent", "usb", *(f"line{n}" for n in range(len(self.kinds)))]
        self.sockets = {name: Socket(self.path(name)) for name in names}
        self.log = open(self.path("qemu.log"), "w")
        self.qemu = subprocess.Popen(
            self._command(),
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            pass_fds=[socket.listening.fileno() for socket in self.sockets.values()],
        )
        self.lines = [
            Line(f"ttyS{n}", self.sockets[f"line{n}"].connection, kind == "telnet")
            for n, kind in enumerate(self.kinds)
        ]
        # What is behind a serial adapter, once one is plugged in.
        self.usb_line = Line("usb", self.sockets["usb"].connection) if self.usb else None
        for listener in (self._listen_to_monitor, self._listen_to_agent, self._attend):
            threading.Thread(target=listener, daemon=True).start()
        self.order("qmp_capabilities")
        self.until_up()

    def _command(self):
        # It must not outlive this process, however that ends.
        command = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64"]
        command += ["-machine", "pc,i8042=off", "-accel", "tcg", "-smp", "1", "-m", "1024"]
        command += ["-nodefaults", "-no-user-config", "-display", "none"]
        command += ["-kernel", os.path.join(self.files, "kernel")]
        command += ["-initrd", os.path.join(self.files, "initrd")]
        command += ["-append", "root=/dev/vda rw console=hvc0 mitigations=off quiet systemd.show_status=no"]
        command += self.sockets["monitor"].chardev("monitor") + ["-mon", "chardev=monitor,mode=control"]
        image = os.path.join(self.files, "disk")
        lost = ["-drive", f"if=none,id=disk,file={image},format=raw,snapshot=on"]
        command += self.disk.arguments() if self.disk else lost
        command += ["-device", "virtio-blk-pci,drive=disk", "-device", "virtio-serial-pci"]
        command += ["-chardev", f"file,id=console,path={self.path('console')}"]
        command += ["-device", "virtconsole,chardev=console"]
        command += self.sockets["agent"].chardev("agent")
        command += ["-device", "virtserialport,chardev=agent,name=agent"]
        for number, kind in enumerate(self.kinds):
            telnet = ",telnet=on" if kind == "telnet" else ""
            command += self.sockets[f"line{number}"].chardev(f"line{number}", telnet)
            command += ["-device", f"isa-serial,chardev=line{number},index={number}"]
        if self.usb:
            command += ["-device", "qemu-xhci,id=bus"] + self.sockets["usb"].chardev("usb")
        command += ["-trace", f"enable={self.trace}", "-D", self.path("trace")] if self.trace else []
        return command

    def _attend(self):
        self.over = f"the machine's process has ended with status {self.qemu.wait()}"
        inboxes = [process.inbox for process in list(self.processes.values())]
        for inbox in [self.hello, self.replies, *inboxes]:
            inbox.end(self.over)

    def until_up(self):
        self.hello.until(lambda message: "hello" in message, "sign of the guest")

    def cut_power(self):
        """At once, whatever it is doing. May be called from any thread."""
        self.qemu.kill()

    def until_cut(self):
        try:
            self.qemu.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Missing("the power has not been cut") from None

    def start_again(self):
        """After a power cut; how many writes to the disk were lost in it."""
        self.end()
        lost = self.disk.lose_power()
        self.start()
        return lost

    def end(self):
        if self.qemu:
            self.qemu.kill()
            self.qemu.wait()
        for socket in self.sockets.values():
            socket.close()

    def close(self):
        self.end()
        for one in self.company:
            one.close()
        if self.disk:
            self.disk.close()
        self.directory.cleanup()

    def _messages(self, name):
        try:
            for line in self.sockets[name].connection.makefile("rb"):
                yield json.loads(line)
        except OSError:
            # The machine is gone, and `_attend` tells everybody.
            return

    # What the host does from outside.

    def _listen_to_monitor(self):
        for message in self._messages("monitor"):
            if "return" in message or "error" in message:
                self.replies.put(message)

    def order(self, command, **arguments):
        """Has the machine's monitor do something."""
        message = {"execute": command, "arguments": arguments}
        self.sockets["monitor"].connection.sendall(json.dumps(message).encode() + b"\n")
        reply = self.replies.until(lambda _: True, f"reply to {command}")
        if "error" in reply:
            raise Refused(f"{command}: {reply['error']['desc']}")
        return reply["return"]

    def plug(self, driver, name, port, **options):
        """Plugs a device into a port of the USB controller."""
        self.order("device_add", driver=driver, id=name, bus="bus.0", port=port, **options)

    def unplug(self, name):
        self.order("device_del", id=name)

    def press(self, *keys):
        """Presses keys of the keyboard one after the other, and lets go of each."""
        for key in keys:
            self.order("send-key", keys=[{"type": "qcode", "data": key}])

    # What the guest does.

    def _listen_to_agent(self):
        for message in self._messages("agent"):
            if "hello" in message:
                self.hello.put(message)
            else:
                self.processes[message["id"]].hear(message)

    def tell(self, **message):
        self.sockets["agent"].connection.sendall(json.dumps(message).encode() + b"\n")

    def begin(self, script, user=None):
        """Starts a shell script in the guest."""
        number = next(self.numbers)
        process = Process(self, number, script)
        self.processes[number] = process
        if self.over:
            process.inbox.end(self.over)
            return process
        self.tell(id=number, run=script, user=user)
        return process

    def run(self, script, user=None, may_fail=False):
        """Runs a shell script in the guest; what it printed."""
        process = self.begin(script, user)
        status = process.finish()
        if status != 0 and not may_fail:
            raise Refused(f"{script}: status {status}\n" + "\n".join(process.out + process.err))
        return "\n".join(process.out + process.err) if may_fail else "\n".join(process.out)

    def write(self, path, text):
        assert "\nEND\n" not in text
        self.run(f"mkdir -p $(dirname {path}) && cat >{path} <<'END'\n{text}\nEND")

    def configure(self, text):
        """Gives the daemon this configuration, and starts it anew."""
        self.write(CONFIGURATION, text)
        self.run("systemctl restart tillbusd")

    def properties(self, *names, unit="tillbusd"):
        """Properties of a unit, as systemd shows them."""
        lines = self.run(f"systemctl show {unit} " + " ".join(f"-p {name}" for name in names)).splitlines()
        return dict(line.split("=", 1) for line in lines)

    def watch(self, *devices, state="ready"):
        """What the tool shows to a cashier, from when each of these devices is in this state."""
        watch = self.begin("tillbusctl watch --json", user="cashier")
        left = set(devices)

        def are_there(line):
            event = json_of(line)
            if event.get("state") == state:
                left.discard(event.get("device"))
            return not left

        watch.inbox.until(are_there, f"{state}: {', '.join(devices)}")
        return watch

    def evidence(self):
        """What may say why something went wrong."""
        parts = []
        try:
            parts.append(self.run("journalctl --no-pager -b -n 60 -o short-monotonic", may_fail=True))
        except AssertionError as error:
            parts.append(f"no journal to be had: {error}")
        for name in ("console", "qemu.log"):
            if os.path.exists(self.path(name)):
                with open(self.path(name), errors="replace") as file:
                    parts.append(f"{name}:\n" + "".join(file.readlines()[-20:]))
        return "\n".join(parts)
