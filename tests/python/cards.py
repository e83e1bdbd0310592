"""A client of a card reader in another language.

usage: cards.py ADDRESS

It claims the reader, hears a card, and takes it whole through the pipe. Each step is a line on standard
output.
"""

import asyncio
import os
import sys

from dbus_fast.aio import MessageBus

NAME = "org.tillbus1"
PATH = "/org/tillbus1/device/lane1_2dbox"


def say(step):
    print(step, flush=True)


async def main(address):
    bus = await MessageBus(bus_address=address, negotiate_unix_fd=True).connect()
    node = await bus.introspect(NAME, PATH)
    proxy = bus.get_proxy_object(NAME, PATH, node)
    device = proxy.get_interface(NAME + ".Device")
    reader = proxy.get_interface(NAME + ".CardReader")
    cards = asyncio.Queue()
    reader.on_card_read(lambda sequence, card: cards.put_nowait((sequence, card)))
    await device.call_claim({})
    say("claimed")
    sequence, card = await asyncio.wait_for(cards.get(), 10)
    card = {name: value.value for name, value in card.items()}
    tracks = {number: state.value for number, state in card["tracks"].items()}
    say(f"{card['brand']} {card['pan-masked']} {card['expiry']} {sorted(tracks.items())}")
    with os.fdopen(await device.call_take(sequence)) as pipe:
        say(f"took {[line.split(' ')[0] for line in pipe.read().splitlines()]}")


asyncio.run(main(sys.argv[1]))
