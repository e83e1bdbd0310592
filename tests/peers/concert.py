"""A till that pays with pyTeliumManager at the terminal on the port named.

Each line asked is an amount; each line answered is JSON: what the terminal said.
"""

import json
import sys

from telium import Telium, TeliumAsk

device = Telium(sys.argv[1], baudrate=9600, timeout=5)
for line in sys.stdin:
    amount, report = line.split()
    ask = TeliumAsk.new_payment(
        float(amount),
        payment_mode="debit",
        target_currency="EUR",
        wait_for_transaction_to_end=True,
        collect_payment_source_info=report == "report",
        force_bank_verification=False,
    )
    if not device.ask(ask):
        print(json.dumps({"taken": False}), flush=True)
        continue
    answer = device.verify(ask, waiting_timeout=20)
    print(
        json.dumps(
            {
                "taken": True,
                "succeeded": answer.has_succeeded,
                "result": answer.transaction_result,
                "amount": answer.amount,
                "currency": answer.currency_numeric,
                "till": answer.pos_number,
            }
        ),
        flush=True,
    )
device.close()
