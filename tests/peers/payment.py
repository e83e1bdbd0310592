"""What other implementations say of identity numbers, BER-TLV, licences and check digits.

A line is a word and its argument; the answer is a line.

  ric NUMBER      check digit, day of birth and district, each 1 or 0; python-stdnum
  tlv HEX         tags and values of the objects, nested in brackets, or "damaged"; ber-tlv
  aamva HEX       the version of a licence; aamva-parser
  luhn NUMBER     1 where its check digit is right, else 0; python-stdnum
"""

import sys

import aamva_parser
from ber_tlv.tlv import Tlv
from stdnum import luhn
from stdnum.cn import ric


def right(check, *arguments):
    try:
        return check(*arguments) is not False
    except Exception:
        return False


def identity_number(number):
    checks = [
        right(lambda: ric.calc_check_digit(number) == number[-1]),
        right(ric.get_birth_date, number),
        right(ric.get_birth_place, number),
    ]
    # All of them make a valid number; that is what the library says, too.
    assert all(checks) == ric.is_valid(number), number
    return " ".join(str(int(check)) for check in checks)


def shown(objects):
    words = []
    for tag, value in objects:
        inner = f"[{shown(value)}]" if isinstance(value, list) else value.hex()
        words.append(f"{tag:X}={inner}")
    return " ".join(words)


def tlv(data):
    try:
        return shown(Tlv.parse(bytes.fromhex(data)))
    except Exception:
        return "damaged"


def licence(data):
    return aamva_parser.get_version(bytes.fromhex(data).decode("ascii"))


def check_digit(number):
    return str(int(luhn.is_valid(number)))


ANSWERS = {"ric": identity_number, "tlv": tlv, "aamva": licence, "luhn": check_digit}

for line in sys.stdin:
    word, argument = line.split()
    print(ANSWERS[word](argument))
