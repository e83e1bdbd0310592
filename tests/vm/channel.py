"""What comes from the machine, to be waited for: never by the clock, always for something."""

import os
import socket
import threading
import time

# An emulated processor on a busy host is slow; whatever takes longer than this will never come.
PATIENCE = float(os.environ.get("TILLBUS_VM_PATIENCE", "600"))


class Missing(AssertionError):
    """Something was waited for, and did not come."""


class Inbox:
    """What has come so far, in its order, for one who waits."""

    def __init__(self, what):
        self.what = what
        self.items = []
        self.taken = 0
        self.over = None
        self.changed = threading.Condition()

    def put(self, item):
        with self.changed:
            self.items.append(item)
            self.changed.notify_all()

    def end(self, why):
        with self.changed:
            self.over = self.over or why
            self.changed.notify_all()

    def until(self, is_it, wanted):
        """Takes items up to the first that `is_it`, which is returned."""
        deadline = time.monotonic() + PATIENCE
        with self.changed:
            begun = self.taken
            while True:
                while self.taken < len(self.items):
                    item = self.items[self.taken]
                    self.taken += 1
                    if is_it(item):
                        return item
                left = deadline - time.monotonic()
                if self.over or left <= 0:
                    why = self.over or f"waited {PATIENCE:.0f} s"
                    seen = "\n".join(f"    {item}" for item in self.items[begun:][-40:])
                    raise Missing(f"{self.what}: no {wanted} ({why}); there was:\n{seen}")
                self.changed.wait(left)


class Socket:
    """A socket that the machine's process is started with, and a connection to it, made before."""

    def __init__(self, path):
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(path)
        self.listening.listen(1)
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.connect(path)

    def chardev(self, name, options=""):
        number = self.listening.fileno()
        return ["-chardev", f"socket,id={name},fd={number},server=on,wait=off{options}"]

    def close(self):
        self.listening.close()
        self.connection.close()


class Line:
    """The far end of one of the machine's serial lines.

    What the guest sends is in `heard`. On a `telnet` line there can be breaks.
    """

    # RFC 854. The machine takes a command for three bytes long, whatever it is.
    BREAK = b"\xff\xf3\x00"

    def __init__(self, name, connection, telnet=False):
        self.name = name
        self.telnet = telnet
        self.connection = connection
        self.heard = b""
        self.over = False
        self.watchers = []
        self.changed = threading.Condition()
        # What the machine says first on a telnet line: three bytes for each of its wishes.
        self.greeting = 12 if telnet else 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self):
        while True:
            try:
                data = self.connection.recv(4096)
            except OSError:
                data = b""
            with self.changed:
                self.over = not data
                skipped = min(self.greeting, len(data))
                self.greeting -= skipped
                self.heard += data[skipped:]
                self.changed.notify_all()
            for watcher in self.watchers:
                watcher(data[skipped:])
            if not data:
                return

    def send(self, data):
        if self.telnet:
            data = data.replace(b"\xff", b"\xff\xff")
        self.connection.sendall(data)

    def send_break(self, times=1):
        assert self.telnet, f"{self.name} has no telnet, so no break"
        self.connection.sendall(self.BREAK * times)

    def until(self, wanted):
        """Waits until the guest has sent `wanted`, and takes all up to its end, which is returned."""
        deadline = time.monotonic() + PATIENCE
        with self.changed:
            while wanted not in self.heard:
                left = deadline - time.monotonic()
                if self.over or left <= 0:
                    raise Missing(f"{self.name}: no {wanted!r}; heard {self.heard!r}")
                self.changed.wait(left)
            before, _, self.heard = self.heard.partition(wanted)
            return before + wanted
