"""A client that takes payments, in another language, made from what the daemon says of itself.

usage: payment.py ADDRESS

One payment with a signature, the same key again, and one that the daemon does not live to end: it is found
by its key. Each step is a line on standard output.
"""

import asyncio
import sys

from dbus_fast import DBusError, Variant
from dbus_fast.aio import MessageBus

NAME = "org.tillbus1"
ROOT = "/org/tillbus1"
TERMINAL = "/org/tillbus1/device/terminal"
ENDS = {"approved", "declined", "aborted", "failed", "unknown"}


def say(step):
    print(step, flush=True)


def plain(details):
    return {name: value.value for name, value in details.items()}


class Payment:
    """One transaction: what it says, and what it is asked."""

    @classmethod
    async def at(cls, bus, path):
        node = await bus.introspect(NAME, path)
        self = cls()
        self.proxy = bus.get_proxy_object(NAME, path, node).get_interface(NAME + ".Transaction")
        self.said = asyncio.Queue()
        self.proxy.on_progress(lambda state, details: self.said.put_nowait((state, plain(details))))
        self.proxy.on_completed(lambda state, result: self.said.put_nowait((state, plain(result))))
        # What was said before anybody listened.
        now = plain(await self.proxy.call_get_result())
        self.said.put_nowait((now["state"], now))
        return self

    async def until(self, wanted):
        while True:
            state, details = await asyncio.wait_for(self.said.get(), 20)
            if wanted(state, details):
                return state, details


async def main(address):
    bus = await MessageBus(bus_address=address).connect()

    async def interface(path, name):
        node = await bus.introspect(NAME, path)
        return bus.get_proxy_object(NAME, path, node).get_interface(NAME + "." + name)

    terminal = await interface(TERMINAL, "Terminal")
    amount = {"amount": Variant("t", 1250), "currency": Variant("s", "EUR")}
    path = await terminal.call_begin("payment", "sale 1", amount)
    payment = await Payment.at(bus, path)
    _, asked = await payment.until(lambda _, details: "question" in details)
    say(f"asked: {asked['question']} {asked['answers']}")
    await payment.proxy.call_answer("yes")
    state, result = await payment.until(lambda state, _: state in ENDS)
    say(f"{state} {result['authorised']} {result['currency']} {result['pan-masked']}")
    assert result["simulated"] and await payment.proxy.get_state() == "approved"

    assert await terminal.call_begin("payment", "sale 1", amount) == path
    try:
        await terminal.call_begin("payment", "sale 1", {**amount, "amount": Variant("t", 9900)})
    except DBusError as error:
        say(f"the key for another amount: {error.type}")

    begun = await terminal.call_begin("payment", "sale 2", amount)
    await (await Payment.at(bus, begun)).until(lambda state, _: state == "awaiting-customer")
    gone, came = asyncio.Event(), asyncio.Event()
    peer_node = await bus.introspect("org.freedesktop.DBus", "/org/freedesktop/DBus")
    peer = bus.get_proxy_object("org.freedesktop.DBus", "/org/freedesktop/DBus", peer_node)
    owners = peer.get_interface("org.freedesktop.DBus")
    owners.on_name_owner_changed(
        lambda name, _, new: (came if new else gone).set() if name == NAME else None
    )
    say("the customer is looking for the card")
    await asyncio.wait_for(gone.wait(), 20)
    await asyncio.wait_for(came.wait(), 20)
    manager = await interface(ROOT, "Manager")
    assert await manager.call_find_transaction("sale 2") == begun
    payment = await Payment.at(bus, begun)
    say("found again")
    state, result = await payment.until(lambda state, _: state in ENDS)
    say(f"in the end {state} {result.get('authorised')}")


asyncio.run(main(sys.argv[1]))
