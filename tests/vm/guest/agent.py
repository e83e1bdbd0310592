"""The guest's end: runs what the host asks for, and tells of it line by line.

One JSON object a line in both directions, over a virtio port.

    {"id": 1, "run": "shell script", "user": "cashier"}     {"id": 1, "out": "a line"}
    {"id": 1, "type": "a line for its standard input"}      {"id": 1, "err": "a line"}
    {"id": 1, "signal": 15}                                 {"id": 1, "status": 0}

Its first line is {"hello": true}: the system is up.
"""

import json
import os
import signal
import subprocess
import sys
import threading

lock = threading.Lock()
running = {}


def say(port, **message):
    with lock:
        port.write(json.dumps(message).encode() + b"\n")
        port.flush()


def tell(port, number, kind, stream):
    for line in stream:
        say(port, id=number, **{kind: line.decode(errors="replace").rstrip("\n")})


def run(port, number, script, user):
    command = ["sh", "-c", script]
    if user:
        command = ["runuser", "-u", user, "--", *command]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
    running[number] = process

    def attend():
        streams = [("out", process.stdout), ("err", process.stderr)]
        threads = [threading.Thread(target=tell, args=(port, number, *stream)) for stream in streams]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        say(port, id=number, status=process.wait())

    threading.Thread(target=attend, daemon=True).start()


def main(path):
    # A port of virtio is no file to seek in, and is read and written at the same time.
    port = os.fdopen(os.open(path, os.O_RDWR), "r+b", buffering=0)
    say(port, hello=True)
    for line in os.fdopen(os.dup(port.fileno()), "rb"):
        message = json.loads(line)
        number = message["id"]
        if "run" in message:
            run(port, number, message["run"], message.get("user"))
        elif "type" in message:
            running[number].stdin.write(message["type"].encode() + b"\n")
            running[number].stdin.flush()
        elif "signal" in message:
            os.killpg(running[number].pid, signal.Signals(message["signal"]))


main(sys.argv[1])
