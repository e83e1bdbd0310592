"""Opens what encrypting heads send with the published test key: DUKPT of ANSI X9.24-1, TDES in CBC mode.

JSON in: a list of [variant, KSN, ciphertext], in hex. JSON out: for each the clear bytes and, of those
without the zeros behind them, the SHA-1 hash, in hex.
"""

import hashlib
import json
import sys

from Crypto.Cipher import DES, DES3

# ANSI X9.24-1, annex A: the key of its examples, in the manuals of both makers.
TEST_KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
HALVES = bytes.fromhex("C0C0C0C000000000C0C0C0C000000000")
PIN = bytes.fromhex("00000000000000FF00000000000000FF")
DATA = bytes.fromhex("0000000000FF00000000000000FF0000")


def xor(one, other):
    return bytes(a ^ b for a, b in zip(one, other))


def step(key, register):
    inner = DES.new(key[:8], DES.MODE_ECB).encrypt(xor(register, key[8:]))
    return xor(inner, key[8:])


def initial_key(ksn):
    register = ksn[:7] + bytes([ksn[7] & 0xE0])
    return b"".join(
        DES3.new(key, DES3.MODE_ECB).encrypt(register) for key in (TEST_KEY, xor(TEST_KEY, HALVES))
    )


def key_of(ksn):
    key = initial_key(ksn)
    counter = int.from_bytes(ksn[-3:], "big") & 0x1FFFFF
    register = int.from_bytes(ksn[2:], "big") & ~0x1FFFFF
    for bit in reversed(range(21)):
        if counter >> bit & 1:
            register |= 1 << bit
            data = register.to_bytes(8, "big")
            key = step(xor(key, HALVES), data) + step(key, data)
    return key


def variant_of(name, key):
    if name == "pin":
        return xor(key, PIN)
    mixed = xor(key, DATA)
    cipher = DES3.new(mixed, DES3.MODE_ECB)
    return cipher.encrypt(mixed[:8]) + cipher.encrypt(mixed[8:])


def opened(variant, ksn, ciphertext):
    key = variant_of(variant, key_of(bytes.fromhex(ksn)))
    clear = DES3.new(key, DES3.MODE_CBC, bytes(8)).decrypt(bytes.fromhex(ciphertext))
    return [clear.hex(), hashlib.sha1(clear.rstrip(bytes(1))).hexdigest()]


json.dump([opened(*question) for question in json.load(sys.stdin)], sys.stdout)
