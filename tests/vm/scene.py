"""A scene is one machine and what is to be seen on it, in its order."""

import time
import traceback


class Scene:
    """`machine` are the machine's arguments; `setup` is called once it is up."""

    def __init__(self, name, setup=None, **machine):
        self.name = name
        self.setup = setup
        self.machine = machine
        self.cases = []

    def case(self, sentence):
        def add(function):
            self.cases.append((sentence, function))
            return function

        return add

    def play(self, machine):
        """Plays all cases and prints a line for each; how many failed."""
        begun = time.monotonic()
        try:
            machine.start()
            if self.setup:
                self.setup(machine)
        except Exception:
            self._say("FAILED", "the machine starts", begun)
            print(traceback.format_exc(), machine.evidence(), sep="\n", flush=True)
            return len(self.cases)
        self._say("started", "", begun)
        return sum(not self._one(machine, *case) for case in self.cases)

    def _one(self, machine, sentence, function):
        begun = time.monotonic()
        try:
            function(machine)
        except Exception:
            self._say("FAILED", sentence, begun)
            print(traceback.format_exc(), machine.evidence(), sep="\n", flush=True)
            return False
        self._say("ok", sentence, begun)
        return True

    def _say(self, verdict, sentence, begun):
        print(f"{verdict:8}{self.name:9}{sentence:78} {time.monotonic() - begun:5.0f} s", flush=True)
