"""Outbound webhooks from a server that is killed while they leave: all there, each meeting in order, verified by others.

The receiver verifies with the standardwebhooks package and is down at first. What has to arrive is what the server says
happened (/v1/domain-events).
"""

import collections
import contextlib
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

from standardwebhooks.webhooks import Webhook

PROGRAM = sys.argv[1]


def expect(condition, what):
    if not condition:
        sys.exit(f"   {what}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def until(holds, what):
    end = time.monotonic() + 120
    while not holds():
        expect(time.monotonic() < end, f"{what}: not within 120 s")
        time.sleep(0.1)


class Receiver(http.server.ThreadingHTTPServer):
    """Takes what verifies; down, it answers 503."""

    def __init__(self):
        self.secret = None
        self.down = True
        self.taken = []
        self.refused = 0
        self.faults = []
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Take)


class Take(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        own = self.server
        with own.lock:
            try:
                said = Webhook(own.secret).verify(body, dict(self.headers))
            except Exception as error:  # whatever it is, it is no message of ours
                own.faults.append(f"{error!r}: {body!r}")
                said = None
            down = own.down
            own.refused += down
            if said and not down:
                own.taken.append((self.headers["webhook-id"], said))
        self.send_response(503 if down else 204)
        self.end_headers()

    def log_message(self, *_):
        pass


def main(place):
    folder = Path(place)
    simulator = subprocess.Popen(
        [PROGRAM, "simulate", "--port", "0", "--limits", "off", "--json"],
        cwd=folder, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    servers = []
    try:
        base = json.loads(simulator.stdout.readline())["base_url"]
        receiver = Receiver()
        threading.Thread(target=receiver.serve_forever, daemon=True).start()
        environment = {
            "PATH": os.environ["PATH"],
            "ZOOM_API_URL": f"{base}/v2",
            "ZOOM_OAUTH_URL": base,
            "ZOOM_ACCOUNT_ID": "simulator",
            "ZOOM_S2S_CLIENT_ID": "simulator",
            "ZOOM_S2S_CLIENT_SECRET": "simulator",
            "PARFOCAL_DATA__DIR": str(folder / "data"),
            "PARFOCAL_JOBS__LEASE_SECONDS": "10",
        }
        if "DATABASE_URL" in os.environ:
            environment["DATABASE_URL"] = os.environ["DATABASE_URL"]

        def run(*command):
            done = subprocess.run([PROGRAM, *command, "--json"], cwd=folder, env=environment, capture_output=True, text=True)
            expect(done.returncode == 0, f"{command}: {done.stdout} {done.stderr}")
            return json.loads(done.stdout)

        run("connections", "check", "env")
        run("component", "activate", "activation")
        made = run("destination", "add", "webhook", "out", "--url", f"http://127.0.0.1:{receiver.server_port}/hook", "--private-networks")
        receiver.secret = made["secret"]
        port = free_port()

        def serve():
            one = subprocess.Popen(
                [PROGRAM, "serve", "--listen", f"127.0.0.1:{port}", "--json"],
                cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            servers.append(one)
            expect(one.stdout.readline(), "a server did not start")

        def api(path):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/{path}", timeout=60) as answer:
                return json.load(answer)

        serve()
        run("backfill", "start")
        until(lambda: receiver.refused >= 1, "the first knock")
        until(lambda: run("backfill", "status")["items"][0]["state"] in ("done", "failed"), "the backfill")
        receiver.down = False
        run("destination", "enable", "out")
        until(lambda: len(receiver.taken) >= 5, "the first messages")
        # In the middle of it; what was on its way is sent again under the same id once its lease has ended.
        servers[0].send_signal(signal.SIGKILL)
        servers[0].wait()
        serve()

        def settled():
            view = api("destinations/out")
            return view["unread"] == 0 and view["deliveries"]["pending"] == 0

        until(settled, "everything")
        events, after = {}, None
        while True:
            page = api("domain-events?limit=200" + (f"&after={after}" if after else ""))
            events.update({one["seq"]: one["type"] for one in page["items"]})
            after = page["next"]
            if not after:
                break
        expect(not receiver.faults, f"the verifier refuses: {receiver.faults[:2]}")
        first = {}
        for identity, said in receiver.taken:
            first.setdefault(identity, said)
        came = {said["sequence"]: said["type"] for said in first.values()}
        expect(came == events, f"{len(events)} happened, {len(came)} came; missing: {sorted(set(events) - set(came))[:10]}")
        lanes = collections.defaultdict(list)
        for said in first.values():
            lanes[said["order_key"]].append(said["sequence"])
        expect(all(order == sorted(order) for order in lanes.values()), "a meeting's events came out of order")
        print(
            f"   a receiver that was down and a server that was killed: {len(came)} events of {len(lanes)} meetings, each there and in "
            f"order ({len(receiver.taken) - len(first)} repeated under the same id), verified by standardwebhooks"
        )
    finally:
        for one in [*servers, simulator]:
            with contextlib.suppress(ProcessLookupError):
                one.kill()
            one.wait()


with tempfile.TemporaryDirectory() as directory:
    main(directory)
