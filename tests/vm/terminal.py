"""A simulated payment terminal at the far end of a serial line. It outlives the machine, as a real one would."""

import os
import subprocess
import termios
import threading
import tty

from channel import Inbox


# Nothing passes any more, either way.
STOPPED = (None, None, None)


class Terminal:
    """`tillbusctl simulate` with its own books, which it tells line by line."""

    def __init__(self, program, directory, profile="zvt"):
        link = os.path.join(directory, "terminal")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", program, "simulate", "--profile", profile, "--port", link],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.notices = Inbox("the terminal")
        assert self.process.stdout.readline().strip(), "the terminal does not start"
        self.booked = []
        self.port = os.open(link, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.port)
        settings = termios.tcgetattr(self.port)
        settings[4] = settings[5] = termios.B9600
        termios.tcsetattr(self.port, termios.TCSANOW, settings)
        self.line = None
        self.lock = threading.RLock()
        self.stop = None
        self.held = {"till": b"", "terminal": b""}
        self.passed = {"till": b"", "terminal": b""}
        for listener in (self._listen, self._carry):
            threading.Thread(target=listener, daemon=True).start()

    def _listen(self):
        for notice in self.process.stdout:
            self.booked.append(notice.strip())
            self.notices.put(notice.strip())

    def plug(self, line):
        """Plugs the cable into a line of a machine; what was on its way to another is gone."""
        with self.lock:
            self.line = line
            self.stop = None
            self.held = {"till": b"", "terminal": b""}
            self.passed = {"till": b"", "terminal": b""}
            line.watchers.append(lambda data: self._pass("terminal", data))

    def stop_at(self, towards, wanted, then):
        """Once `wanted` is on its way there ("till" or "terminal") nothing passes, and `then` is called."""
        with self.lock:
            self.passed[towards] = b""
            self.stop = (towards, wanted, then)

    def go_on(self):
        """What was stopped arrives."""
        with self.lock:
            self.stop = None
            for towards, data in self.held.items():
                self._deliver(towards, data)
            self.held = {"till": b"", "terminal": b""}

    def _carry(self):
        while True:
            try:
                data = os.read(self.port, 4096)
            except OSError:
                return
            self._pass("till", data)

    def _pass(self, towards, data):
        with self.lock:
            self.passed[towards] += data
            if self.stop and self.stop[0] == towards and self.stop[1] in self.passed[towards]:
                then = self.stop[2]
                self.stop = STOPPED
                then()
            if self.stop is STOPPED:
                self.held[towards] += data
            else:
                self._deliver(towards, data)

    def _deliver(self, towards, data):
        try:
            if towards == "terminal":
                os.write(self.port, data)
            elif self.line:
                self.line.send(data)
        except OSError:
            # The other end has no power.
            pass

    def behave(self, words):
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.port)
