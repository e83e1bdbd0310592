"""Payments on a ZVT terminal at a UART, cut off by kills and by power cuts: no money is ever taken twice or
forgotten.

The terminal is simulated on the host, so it outlives the machine, and keeps books of its own. The disk loses
with its power what was not flushed.
"""

import json
import os
import threading

from channel import PATIENCE
from scene import Scene
from terminal import Terminal

CONFIGURATION = """
[[device]]
name = "terminal"
lane = "1"
profile = "zvt"
match = { tty = "/dev/ttyS0" }
[device.access]
terminal = ["user:cashier"]
resolve = ["user:cashier"]
"""
# Authorization: what orders money, of PA00P015 2.1; behind it the length, amount and currency.
ORDER = b"\x10\x02\x06\x01"
STATUS = b"\x10\x02\x04\x0f"
# Repeat receipt, by which a cut-off payment is asked about: 2.55.
ENQUIRY = b"\x10\x02\x06\x20"
COMPLETION = b"\x10\x02\x06\x0f\x00"


def setup(machine):
    program = os.path.join(machine.files, "tillbusctl")
    machine.terminal = Terminal(program, machine.directory.name)
    machine.company.append(machine.terminal)
    machine.terminal.plug(machine.lines[0])
    # Where the configuration is has to outlive a power cut as well.
    machine.write("/etc/tillbus/tillbus.toml", CONFIGURATION)
    machine.run("systemctl enable tillbusd && sync")
    machine.run("systemctl restart tillbusd")
    machine.watch("terminal")


scene = Scene("payment", setup, lines=["socket"], keeps=True)


def pay(machine, amount, key):
    return machine.begin(f"tillbusctl pay terminal {amount} --key {key} --json", user="cashier")


def outcome(payment):
    """How it ended, as the cashier is told."""
    payment.finish()
    return json.loads(payment.out[-1])


def books(machine):
    """The ledger's lines by their keys."""
    lines = machine.run("tillbusctl ledger --csv").splitlines()
    names = lines[0].split(",")
    rows = [dict(zip(names, line.split(","))) for line in lines[1:]]
    return {row["key"]: row for row in rows}


def agree(machine):
    """What the terminal has booked, and nothing else, is approved in the ledger, each with its receipt."""
    approved = [
        f"payment {int(row['receipt'])} {row['authorised'].replace('.', '')}"
        for row in books(machine).values()
        if row["state"] == "approved"
    ]
    assert sorted(approved) == sorted(machine.terminal.booked), (approved, machine.terminal.booked)


@scene.case("a payment is approved, and both books say so")
def approved(machine):
    result = outcome(pay(machine, "10.01", "plain"))
    assert result["state"] == "approved", result
    assert len(machine.terminal.booked) == 1, machine.terminal.booked
    agree(machine)


def cut_off(machine, key, amount, towards, wanted, then=None):
    """Takes the power away as soon as `wanted` is on the line, and finds out what became of the payment."""
    machine.terminal.stop_at(towards, wanted, then or machine.cut_power)
    pay(machine, amount, key)
    machine.until_cut()
    machine.start_again()
    assert key in books(machine), f"the ledger knows nothing of {key}"
    machine.terminal.plug(machine.lines[0])
    result = outcome(pay(machine, amount, key))
    agree(machine)
    return result["state"]


@scene.case("over a kill -9 between the order and the terminal's answer the outcome is found out")
def killed(machine):
    stopped = threading.Event()
    machine.terminal.stop_at("till", STATUS, stopped.set)
    payment = pay(machine, "10.02", "killed")
    assert stopped.wait(PATIENCE), "the terminal has not answered"
    process = machine.properties("MainPID")["MainPID"]
    watch = machine.begin("tillbusctl watch --json", user="cashier")
    watch.until_json(type="daemon", state="there")
    machine.run(f"kill -KILL {process}")
    watch.until_json(type="daemon", state="gone")
    machine.terminal.go_on()
    result = outcome(payment)
    assert result["state"] == "approved", result
    agree(machine)


@scene.case("a power cut at the first bytes of the order: the intent is on the disk, and nothing more is taken")
def before_the_order(machine):
    machine.run("echo certain >/root/flushed; sync; echo uncertain >/root/written")
    state = cut_off(machine, "first", "10.03", "terminal", ORDER)
    # So the disk does forget.
    assert machine.run("cat /root/flushed") == "certain"
    assert "uncertain" not in machine.run("cat /root/written", may_fail=True)
    # It may have had the order, as far as the till can know.
    assert state == "unknown", state
    refused = pay(machine, "10.00", "too-soon")
    assert refused.finish() != 0 and "not known" in "\n".join(refused.err), refused.err
    number = books(machine)["first"]["number"]
    machine.run(f"tillbusctl resolve {number} declined 'not in the books of the terminal'", user="cashier")
    assert books(machine)["first"]["state"] == "declined"


@scene.case("a power cut once the terminal has booked: the payment is found again, and not made twice")
def at_the_status(machine):
    state = cut_off(machine, "status", "10.04", "till", STATUS)
    assert state == "approved", state


@scene.case("a power cut before the completion arrives: the payment is found again")
def at_the_completion(machine):
    state = cut_off(machine, "completion", "10.05", "till", COMPLETION)
    assert state == "approved", state


@scene.case("a power cut while the completion is acknowledged: the end is on the disk, nothing is asked")
def at_the_end(machine):
    # What comes from the till behind it is its acknowledgement.
    at_the_next = lambda: machine.terminal.stop_at("terminal", b"", machine.cut_power)
    state = cut_off(machine, "end", "10.06", "till", COMPLETION, then=at_the_next)
    assert state == "approved", state
    assert ENQUIRY not in machine.terminal.passed["terminal"]
