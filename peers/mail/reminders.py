"""Reminders from three servers on one store, killed while they leave, over a change of clocks: each once.

Reminders by webhook are verified by the standardwebhooks package; those by mail lie in the folder. The receiver refuses the
first try now and then, and a server is killed with SIGKILL as soon as the first reminder of an occurrence has arrived.
"""

import collections
import contextlib
import datetime
import email.policy
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
from email.parser import BytesParser
from pathlib import Path

import standardwebhooks.webhooks

PROGRAM = sys.argv[1]
SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
PEOPLE = ["ann@example.com", "bob@example.com"]
# Nine o'clock in Berlin, before clocks go forward on 30 March 2031 and after.
STARTS = ["2031-03-24T08:00:00Z", "2031-03-31T07:00:00Z"]
MINUTES = 10


def expect(condition, what):
    if not condition:
        sys.exit(f"   {what}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def call(url, body=None):
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def until(holds, what):
    end = time.monotonic() + 90
    while not holds():
        expect(time.monotonic() < end, f"{what}: not within 90 s")
        time.sleep(0.05)


class Receiver(http.server.ThreadingHTTPServer):
    """Takes reminders whose signature is right; each person's first try is refused."""

    def __init__(self, now):
        self.now = now
        self.taken = collections.defaultdict(list)
        self.tries = collections.Counter()
        self.faults = []
        self.lock = threading.Lock()
        super().__init__(("127.0.0.1", 0), Take)


class Take(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        own = self.server
        identity = self.headers["webhook-id"]
        with own.lock:
            try:
                said = standardwebhooks.webhooks.Webhook(SECRET).verify(body, dict(self.headers))
            except Exception as error:  # whatever it is, it is no reminder
                own.faults.append(f"{error!r}: {body!r}")
                said = None
            own.tries[identity] += 1
            first = own.tries[identity] == 1 and said and said["data"]["attendee"]["email"] == PEOPLE[0]
            if said and not first:
                own.taken[identity].append(said)
        self.send_response(503 if first else 204)
        self.end_headers()

    def log_message(self, *_):
        pass


def main(place):
    folder = Path(place)
    clock_file = folder / "clock.json"
    simulator = subprocess.Popen(
        [PROGRAM, "simulate", "--port", "0", "--clock-file", str(clock_file), "--limits", "off", "--json"],
        cwd=folder, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    servers = {}
    try:
        base = json.loads(simulator.stdout.readline())["base_url"]
        receiver = Receiver(lambda: call(f"{base}/_sim/clock")["now"])
        threading.Thread(target=receiver.serve_forever, daemon=True).start()

        class Simulated(datetime.datetime):
            """The verifier compares with the time that all share."""

            @classmethod
            def now(cls, tz=None):
                return cls.fromisoformat(receiver.now()).astimezone(tz)

        standardwebhooks.webhooks.datetime = Simulated
        environment = {
            "PATH": os.environ["PATH"],
            "ZOOM_API_URL": f"{base}/v2",
            "ZOOM_OAUTH_URL": base,
            "ZOOM_ACCOUNT_ID": "simulator",
            "ZOOM_S2S_CLIENT_ID": "simulator",
            "ZOOM_S2S_CLIENT_SECRET": "simulator",
            "PARFOCAL_CLOCK__FILE": str(clock_file),
            "PARFOCAL_DATA__DIR": str(folder / "data"),
            "PARFOCAL_JOBS__LEASE_SECONDS": "10",
            "PARFOCAL_SMTP__TIMEOUT_SECONDS": "2",
            "PARFOCAL_REMINDERS__WEBHOOK_URL": f"http://127.0.0.1:{receiver.server_port}/hook",
            "PARFOCAL_REMINDERS__WEBHOOK_SECRET": SECRET,
        }
        if "DATABASE_URL" in os.environ:
            environment["DATABASE_URL"] = os.environ["DATABASE_URL"]
        for command in (["connections", "check", "env"], *(["component", "activate", one] for one in ("scheduling", "mail", "reminders"))):
            done = subprocess.run([PROGRAM, *command], cwd=folder, env=environment, capture_output=True, text=True)
            expect(done.returncode == 0, f"{command}: {done.stderr}")
        call(f"{base}/_sim/clock", {"set": "2031-03-20T08:00:00Z"})

        def serve(port):
            servers[port] = subprocess.Popen(
                [PROGRAM, "serve", "--listen", f"127.0.0.1:{port}", "--json"],
                cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            expect(servers[port].stdout.readline(), "a server did not start")

        for port in (free_port(), free_port(), free_port()):
            serve(port)
        ports = list(servers)
        api = lambda port, path, body=None: call(f"http://127.0.0.1:{port}/v1/{path}", body)
        ways = [{"minutes": MINUTES, "method": "webhook"}, {"minutes": MINUTES, "method": "email"}]
        made = api(ports[0], "schedules", {
            "title": "Reminded", "start": "2031-03-24T09:00:00", "timezone": "Europe/Berlin", "minutes": 30, "every": "week",
            "count": 2, "calendar": "none", "host": "ingrid@brightwater.example", "reminders": ways,
            "attendees": [{"email": one} for one in PEOPLE],
        })["meeting"]  # fmt: skip
        expect([one["start"] for one in made["occurrences"]] == STARTS, f"{made['occurrences']}")
        mails = lambda: [
            one
            for one in (
                BytesParser(policy=email.policy.default).parsebytes(path.read_bytes()) for path in (folder / "data/mail").glob("*.eml")
            )
            if not [part for part in one.walk() if part.get_content_type() == "text/calendar"]
        ]
        each = len(PEOPLE) * len(ways)
        for number, start in enumerate(STARTS, 1):
            at = datetime.datetime.fromisoformat(start) - datetime.timedelta(minutes=MINUTES)
            expect(len(receiver.taken) == (number - 1) * len(PEOPLE), "a reminder left too early")
            call(f"{base}/_sim/clock", {"set": (at + datetime.timedelta(seconds=1)).isoformat()})
            until(lambda: len(receiver.tries) > (number - 1) * len(PEOPLE), "the first reminder")
            # The first server dies in the middle of it; what it was at is done by the others when its leases end.
            died = ports[number % 3]
            servers[died].send_signal(signal.SIGKILL)
            servers[died].wait()
            call(f"{base}/_sim/clock", {"advance_ms": 100_000})
            serve(died)
            sent = lambda: [
                one for one in api(ports[0], f"reminders?schedule={made['id']}&state=sent&limit=500")["items"]
            ]
            until(lambda: len(sent()) == number * each, f"all reminders of {start}")
        expect(not receiver.faults, f"the verifier refuses: {receiver.faults[:2]}")
        got = sorted((said[0]["data"]["attendee"]["email"], said[0]["data"]["start"]) for said in receiver.taken.values())
        wanted = sorted((person, start) for person in PEOPLE for start in STARTS)
        expect(got == wanted, f"by webhook, by their ids: {got}")
        repeated = sum(len(said) - 1 for said in receiver.taken.values())
        to = collections.Counter(mail["To"].addresses[0].addr_spec for mail in mails())
        expect(to == {person: len(STARTS) for person in PEOPLE}, f"by mail: {to}")
        print(
            f"   three servers, {len(STARTS)} of them killed, over a change of clocks: {len(got)} reminders by webhook and "
            f"{sum(to.values())} by mail, each once ({repeated} repeated under the same id)"
        )
    finally:
        for one in [*servers.values(), simulator]:
            with contextlib.suppress(ProcessLookupError):
                one.kill()
            one.wait()


with tempfile.TemporaryDirectory() as directory:
    main(directory)
