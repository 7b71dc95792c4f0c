"""Asks a control socket again and again, each time from a socket of its own, until standard input ends.

Then it waits for the answers, and prints how many requests were not answered with ok, and of how many.
"""

import json
import select
import socket
import sys

DAEMON = ("127.0.0.1", 55432)
PERIOD = 0.005
MOST = 10_000
PATIENCE = 30


def request(number):
    if number % 2:
        return {"cmd": "noop"}
    return {"cmd": "add", "name": f"host {number}", "addr": f"127.1.{number // 250}.{number % 250 + 1}", "itv": 60}


def ask(number):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(DAEMON)
    client.settimeout(PATIENCE)
    client.send(json.dumps(request(number)).encode())
    return client


def answered(client):
    try:
        return json.loads(client.recv(65536)) == {"status": "ok"}
    except OSError:
        return False


def main():
    asked, failed, good = [], 0, 0
    while not select.select([sys.stdin], [], [], PERIOD)[0] and len(asked) + good < MOST:
        try:
            asked.append(ask(len(asked) + good))
        except OSError:
            failed += 1
        # So that few sockets are open at a time.
        while asked and select.select([asked[0]], [], [], 0)[0] and answered(asked[0]):
            asked.pop(0).close()
            good += 1
    failed += sum(not answered(client) for client in asked)
    print(failed, good + len(asked))


main()
