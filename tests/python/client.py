"""A client of the daemon in another language, made from what the daemon says of itself alone.

usage: client.py ADDRESS

It lists the devices, hears an unclaimed scan, claims the scanner, gets its scans one by one,
releases it, and sees it go. Each step is a line on standard output.
"""

import asyncio
import sys

from dbus_fast import Variant
from dbus_fast.aio import MessageBus

NAME = "org.tillbus1"
ROOT = "/org/tillbus1"


def say(step):
    print(step, flush=True)


async def soon(what, future):
    try:
        return await asyncio.wait_for(future, 10)
    except asyncio.TimeoutError:
        sys.exit(f"{what}: not within 10 s")


class Events:
    """The signals of one member, each as a dictionary with the names that introspection gives."""

    def __init__(self, node, proxy, interface, member):
        described = next(one for one in node.interfaces if one.name == interface)
        signal = next(one for one in described.signals if one.name == member)
        self.names = [argument.name for argument in signal.args]
        self.queue = asyncio.Queue()
        snake = "".join("_" + c.lower() if c.isupper() else c for c in member)
        getattr(proxy.get_interface(interface), "on" + snake)(self.put)

    def put(self, *values):
        self.queue.put_nowait(dict(zip(self.names, values)))

    async def next(self, what):
        return await soon(what, self.queue.get())


async def main(address):
    bus = await MessageBus(bus_address=address).connect()
    root_node = await bus.introspect(NAME, ROOT)
    root = bus.get_proxy_object(NAME, ROOT, root_node)
    removed = Events(root_node, root, "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved")
    manager = root.get_interface("org.freedesktop.DBus.ObjectManager")
    daemon = root.get_interface(NAME + ".Manager")
    objects = await manager.call_get_managed_objects()
    (path,) = [path for path, has in objects.items() if NAME + ".Scanner" in has]
    properties = objects[path][NAME + ".Device"]
    assert properties["Name"].value == "lane1-box", properties
    assert properties["State"].value == "ready", properties

    node = await bus.introspect(NAME, path)
    proxy = bus.get_proxy_object(NAME, path, node)
    device = proxy.get_interface(NAME + ".Device")
    scans = Events(node, proxy, NAME + ".Scanner", "Scanned")
    # An answer to a call shows that the subscriptions before it have been made.
    assert await device.get_owner() == ""
    say("listening")

    scan = await scans.next("the unclaimed scan")
    assert scan["text"] == "4006381333931", scan
    assert scan["symbology"] == "ean-13" and scan["content"] == "gtin", scan
    assert scan["details"]["gtin-14"].value == "04006381333931", scan
    assert scan["details"]["raw"].value == b"4006381333931", scan
    say("heard the unclaimed scan")

    await device.call_claim({"credit": Variant("u", 1)})
    assert await device.get_owner() == bus.unique_name
    say("claimed")

    first = await scans.next("the first scan of its own")
    assert first["text"] == "first" and "age-ms" not in first["details"], first
    say("has the first")
    # The second has been read and is held until the first is done with.
    while await daemon.get_sequence() < 3:
        pass
    assert scans.queue.empty()
    await device.call_acknowledge(first["sequence"])
    second = await scans.next("the second scan of its own")
    assert second["text"] == "second" and "age-ms" in second["details"], second
    await device.call_acknowledge(second["sequence"])
    await device.call_release()
    assert await device.get_owner() == ""
    say("released")

    gone = set()
    while not {NAME + ".Device", NAME + ".Scanner"} <= gone:
        event = await removed.next("the device goes")
        values = list(event.values())
        assert values[0] == path, event
        gone.update(values[1])
    assert path not in await manager.call_get_managed_objects()
    say("saw it go")


asyncio.run(main(sys.argv[1]))
