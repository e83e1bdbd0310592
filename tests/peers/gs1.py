"""What biip and python-stdnum make of codes: JSON in, JSON out.

Each key of the input is a kind of question with a list of codes; the output has the answers under the
same key, in the same order. An answer is null where the peer refuses the code.
"""

import json
import sys

from biip import ParseError
from biip.checksums import gs1_price_weight_check_digit, gs1_standard_check_digit
from biip.gs1_application_identifiers import _GS1_APPLICATION_IDENTIFIERS
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from biip.gs1_messages import GS1Message
from stdnum import ean, isbn, ismn, issn


def element(found):
    said = found.datetime or found.date
    refused = found.gtin_error or found.sscc_error or found.gln_error
    return {
        "ai": found.ai.ai,
        "value": found.value,
        "date": said.isoformat() if said else None,
        "decimal": str(found.decimal) if found.decimal is not None else None,
        "check": refused is None,
    }


def elements(parse):
    def answer(code):
        try:
            return [element(found) for found in parse(code).element_strings]
        except (ParseError, ValueError):
            return None

    return answer


def book(code):
    """The numbers that thirteen digits stand for, empty where the library knows none."""
    numbers = {}
    if code.startswith("978"):
        numbers["isbn-10"] = isbn.to_isbn10(code).replace("-", "")
    if code.startswith(("978", "979")) and not code.startswith("9790"):
        numbers["isbn"] = isbn.compact(code)
    if code.startswith("9790"):
        numbers["ismn"] = ismn.compact(code) if ismn.is_valid(code) else ""
    if code.startswith("977"):
        body = code[3:10]
        number = issn.format(body + issn.calc_check_digit(body))
        assert issn.is_valid(number)
        numbers["issn"] = number
    return numbers


QUESTIONS = {
    "table": lambda _: [
        [found.ai, found.data_title, found.separator_required, found.format]
        for found in _GS1_APPLICATION_IDENTIFIERS.values()
    ],
    "element-strings": elements(GS1Message.parse),
    "hri": elements(GS1Message.parse_hri),
    "links": elements(GS1DigitalLinkURI.parse),
    "check-digits": gs1_standard_check_digit,
    "measure-check-digits": gs1_price_weight_check_digit,
    "ean": ean.is_valid,
    "books": book,
}

asked = json.load(sys.stdin)
json.dump({key: [QUESTIONS[key](code) for code in codes] for key, codes in asked.items()}, sys.stdout)
