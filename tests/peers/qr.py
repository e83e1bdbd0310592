"""What PyPI's generators and readers make of merchants' codes, networks, addresses and drawings: JSON in,
JSON out.

`read` is a list of payloads of ours, taken apart by cemacqr and summed by crccheck; `written` is how many
codes each generator is to write, answered with what it was given; `drawn` is a list of drawings, read by
zxing-cpp; `encoded` asks for codes that name their encoding, as zxing-cpp passes them on.
"""

import json
import random
import re
import string
import sys
from decimal import Decimal

import numpy
import segno
import zxingcpp
from cemacqr import MerchantQr, parse_payload
from crccheck.crc import Crc16CcittFalse
from promptpay_qr import generate_payload
from pypix_static import create_pix_string_code
from qrbill import QRBill
from segno import helpers
from sgqrgen.sgqrgen import SgQRGenerator

PRINTABLE = string.ascii_letters + string.digits + " .,-/&+()"
LETTERS = PRINTABLE + "äößéñçøł"


def read(payload):
    found = parse_payload(payload)
    body = payload[:-4].encode()
    return {
        "crc": found.crc_ok and Crc16CcittFalse.calc(body) == int(payload[-4:], 16),
        "fields": {tag: found.get(tag) for tag in found.tags},
        "accounts": found.merchant_accounts,
    }


def text(source, letters, least, most):
    """Blanks at the ends are left out: generators trim them."""
    while True:
        found = "".join(source.choice(letters) for _ in range(source.randint(least, most)))
        if found == found.strip() and found:
            return found


def cents(source):
    return source.randint(1, 10 ** source.randint(1, 8))


def pix(source):
    key = text(source, string.ascii_letters + string.digits + "@.-", 5, 60)
    name, city = text(source, PRINTABLE, 3, 25), text(source, string.ascii_uppercase, 3, 15)
    amount = cents(source) if source.random() < 0.7 else None
    reference = text(source, string.ascii_letters + string.digits, 1, 25)
    value = Decimal(amount) / 100 if amount else None
    code = create_pix_string_code(key, name, city, value, reference)
    # It leaves out the zeros at the beginning of a checksum: one of its codes in sixteen is none.
    body, checksum = code[: code.rindex("6304") + 4], code[code.rindex("6304") + 4 :]
    code = body + checksum.rjust(4, "0")
    return code.encode(), {
        "content": "merchant-qr", "format": "emv", "crc": "right", "currency": "BRL", "amount": amount,
        "merchant-name": name, "merchant-city": city, "reference": reference,
        "accounts": {"scheme": "pix", "key": key},
    }


def promptpay(source):
    amount = cents(source) if source.random() < 0.7 else None
    kind, name = source.choice([(10, "mobile-number"), (13, "national-or-tax-id"), (15, "e-wallet")])
    number = "".join(source.choice(string.digits) for _ in range(kind - 1))
    number = ("0" if kind == 10 else "1") + number
    code = generate_payload(number, amount / 100 if amount else None)
    shown = "0066" + number[1:] if kind == 10 else number
    return code.encode(), {
        "content": "merchant-qr", "crc": "right", "currency": "THB", "amount": amount, "country": "TH",
        "initiation": "dynamic" if amount else "static", "accounts": {"scheme": "promptpay", name: shown},
    }


def merchant(source):
    name, city = text(source, PRINTABLE, 1, 25), text(source, PRINTABLE, 1, 15)
    local, amount = text(source, "最佳运输北京äж", 1, 20), cents(source)
    identifier = text(source, string.ascii_lowercase + ".", 3, 30)
    account = text(source, PRINTABLE, 1, 40)
    bill = text(source, PRINTABLE, 1, 25)
    code = (
        MerchantQr()
        .merchant(name=name, city=city, country="DE", postal_code="10115")
        .category("5411").currency("978").amount(f"{amount // 100}.{amount % 100:02}").reusable(False)
        .account("26", gui=identifier, **{"05": account})
        .bill_number(bill).convenience_fee_percentage("01.50")
        .alternate_language(language="ZH", merchant_name=local)
    )
    return str(code).encode(), {
        "content": "merchant-qr", "crc": "right", "currency": "EUR", "amount": amount, "country": "DE",
        "merchant-name": name, "merchant-city": city, "postal-code": "10115", "category": "5411",
        "initiation": "dynamic", "bill-number": bill, "fee-percent": "1.50",
        "merchant-name-local": local, "accounts": {"identifier": identifier, "05": account},
    }


def sgqr(source):
    base = ("00020101021126370009SG.PAYNOW010120210201403121W03011520400005303702" "5802SG5904ACME6009Singapore6304")
    base += f"{Crc16CcittFalse.calc(base.encode()):04X}"
    amount, comment = cents(source), text(source, PRINTABLE, 1, 25)
    code = SgQRGenerator(base).change_price(Decimal(amount) / Decimal("1.00") / 100 + Decimal("0.00"))
    code = code.change_comment(comment)
    return code.qr.encode(), {
        "content": "merchant-qr", "crc": "right", "currency": "SGD", "amount": amount,
        "bill-number": comment, "accounts": {"scheme": "paynow", "proxy": "201403121W"},
    }


def iban(source, country, length):
    account = "".join(source.choice(string.digits) for _ in range(length))
    digits = "".join(str(int(one, 36)) for one in f"{account}{country}00")
    return f"{country}{98 - int(digits) % 97:02}{account}"


def epc(source):
    account, amount = iban(source, "DE", 18), cents(source)
    name = text(source, LETTERS, 1, 70)
    encoding = source.choice([None, "utf-8", "iso-8859-15"])
    try:
        data = helpers._make_epc_qr_data(
            name=name, iban=account, amount=Decimal(amount) / 100, text="Bon 42", encoding=encoding)
    except UnicodeEncodeError:
        return epc(source)
    return data, {
        "content": "merchant-qr", "format": "epc", "currency": "EUR", "amount": amount,
        "merchant-name": name, "iban": account[:2] + "*" * 16 + account[-4:], "iban-check": "right",
    }


def bill(source):
    account = iban(source, "CH", 17)
    # A bank whose number is 30000 to 31999 has another kind of reference.
    if 30000 <= int(account[4:9]) <= 31999:
        return bill(source)
    amount, name = cents(source), text(source, LETTERS, 1, 70)
    place = {"name": name, "street": "Weg", "house_num": "1", "pcode": "8000", "city": "Zürich", "country": "CH"}
    code = QRBill(account=account, creditor=place, amount=str(Decimal(amount) / 100), currency="CHF")
    return code.qr_data().encode(), {
        "content": "merchant-qr", "format": "swiss-qr-bill", "currency": "CHF", "amount": amount,
        "merchant-name": name, "country": "CH", "reference-type": "NON",
    }


def wifi(source):
    name, password = text(source, LETTERS + "\\;:,\"", 1, 32), text(source, LETTERS + "\\;:,\"", 8, 63)
    hidden = source.random() < 0.5
    code = helpers.make_wifi_data(name, password, "WPA", hidden)
    expected = {"content": "wifi", "private": True, "ssid": name, "security": "wpa", "has-password": True}
    return code.encode(), expected | ({"hidden": True} if hidden else {})


def address(source):
    name = text(source, LETTERS, 1, 30)
    if source.random() < 0.5:
        code = helpers.make_mecard_data(name=name, email="a@b.example", phone="+4930")
        fields = ["n", "tel", "email"]
        return code.encode(), {"content": "contact", "private": True, "format": "mecard", "fields": fields}
    code = helpers.make_vcard_data(name=name, displayname=name, email="a@b.example", phone="+4930")
    return code.encode(), {
        "content": "contact", "private": True, "format": "vcard", "version": "3.0",
        "fields": ["n", "fn", "email", "tel"],
    }


def place(source):
    code = helpers.make_geo_data(source.uniform(-90, 90), source.uniform(-180, 180))
    return code.encode(), {"content": "url", "scheme": "geo"}


WRITERS = [pix, promptpay, merchant, sgqr, epc, bill, wifi, address, place]


def written(count):
    source = random.Random(7)
    return [
        {"by": writer.__name__, "code": code.hex(), "expected": expected}
        for writer in WRITERS
        for code, expected in (writer(source) for _ in range(count))
    ]


def of_terminal(lines):
    """Half blocks are light modules, two rows a line."""
    rows = []
    for line in lines:
        rows.append([letter in "\u2588\u2580" for letter in line])
        rows.append([letter in "\u2588\u2584" for letter in line])
    return numpy.array(rows)


def of_svg(svg):
    size = int(re.search(r'width="(\d+)"', svg).group(1))
    light = numpy.ones((size, size), dtype=bool)
    for left, top, width, height in re.findall(r"M(\d+) (\d+)h(\d+)v(\d+)H\d+V\d+", svg):
        left, top = int(left), int(top)
        light[top : top + int(height), left : left + int(width)] = False
    return light


def seen(light, scale):
    """What a reader sees of light and dark squares."""
    image = numpy.kron(light, numpy.ones((scale, scale))).astype(numpy.uint8) * 255
    found = zxingcpp.read_barcodes(image, formats=zxingcpp.BarcodeFormat.QRCode)
    return [code.bytes.hex() for code in found]


def drawn(drawing):
    return {"terminal": seen(of_terminal(drawing["lines"]), 4), "svg": seen(of_svg(drawing["svg"]), 1)}


TEXTS = {
    "iso-8859-1": "Zürich \\ ñ", "iso-8859-5": "Привет \\\\ мир", "iso-8859-7": "Ελλάδα", "iso-8859-15": "10 €",
    "shift-jis": "日本 \\ 茶", "windows-1251": "Москва", "utf-8": "北京 \\000026 🙂", "gb18030": "茶 \\",
    "iso-8859-2": "Łódź", "big5": "台北",
}


def passed_on(image):
    """A code as a scanner that passes identifiers and ECI sends it."""
    found = zxingcpp.read_barcode(image, text_mode=zxingcpp.TextMode.HexECI)
    return found.text.replace(" ", "").lower()


def encoded(_):
    answers = []
    for encoding, words in TEXTS.items():
        code = segno.make(words, encoding=encoding, eci=True, micro=False, mode="byte")
        light = numpy.array([list(row) for row in code.matrix_iter(scale=4, border=4)]) == 0
        answers.append({"text": words, "sent": passed_on(light.astype(numpy.uint8) * 255)})
        for kind in ("Aztec", "PDF417", "DataMatrix", "QRCode"):
            code = zxingcpp.create_barcode(words, getattr(zxingcpp.BarcodeFormat, kind))
            answers.append({"text": words, "sent": passed_on(code.to_image(scale=4))})
    return answers


def main():
    questions = json.load(sys.stdin)
    json.dump({
        "read": [read(payload) for payload in questions["read"]],
        "written": written(questions["written"]),
        "drawn": [drawn(drawing) for drawing in questions["drawn"]],
        "encoded": encoded(questions["encoded"]),
    }, sys.stdout)


main()
