"""The program's own calendar clients through other people's programs; needs nothing but Python and Node.

`doubles.py prism PROGRAM SIMULATOR MODULES DOCUMENTS`: Prism stands between the program and the simulator's Google Calendar and
Microsoft Graph, and holds each call and each answer against the vendor's schema.
`doubles.py emulate PROGRAM SIMULATOR MODULES`: the program takes its tokens from, and writes to, npm's emulator of Google.
"""

import contextlib
import html.parser
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

HOW, PROGRAM, BASE, MODULES = sys.argv[1:5]
OWNER, GUEST = "ingrid@brightwater.example", "tobias@brightwater.example"
# What Prism objects to and the vendor allows, with the vendor's words.
ALLOWED = [
    # "A time zone offset is required unless a time zone is explicitly specified in timeZone", which it always is.
    re.compile(r'Violation: request\.body\.(start|end)\.dateTime .* must match format "date-time"'),
    # The document for Graph holds events only; the mailbox's calendar is read once to try the account.
    re.compile(r"/users/[^/ ]+/calendar Violation: request Selected route not found"),
]


def expect(condition, what):
    if not condition:
        sys.exit(f"   {what}")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def running(log, port, *arguments):
    """A program of npm's that listens; its standard output goes to a file."""
    with open(log, "w", encoding="utf-8") as out:
        process = subprocess.Popen([f"{MODULES}/.bin/{arguments[0]}", *arguments[1:]], stdout=out, stderr=out)
    try:
        until = time.monotonic() + 60
        while True:
            expect(process.poll() is None, f"{arguments[0]} ended at once: {Path(log).read_text()[-500:]}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            expect(time.monotonic() < until, f"{arguments[0]} did not listen within a minute")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


class World:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.environment = {
            "PATH": os.environ["PATH"],
            "ZOOM_API_URL": f"{BASE}/v2",
            "ZOOM_OAUTH_URL": BASE,
            "ZOOM_ACCOUNT_ID": "simulator",
            "ZOOM_S2S_CLIENT_ID": "simulator",
            "ZOOM_S2S_CLIENT_SECRET": "simulator",
        }
        self.run("connections", "check", "env")
        for name in ("scheduling", "mail", "calendar-google", "calendar-microsoft"):
            self.run("component", "activate", name)

    def file(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def run(self, *arguments):
        done = subprocess.run(
            [PROGRAM, *arguments, "--json"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )
        expect(done.returncode == 0, f"{arguments} ended {done.returncode}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip().startswith(("{", "[")) else done.stdout

    @contextlib.contextmanager
    def serving(self):
        process = subprocess.Popen(
            [PROGRAM, "serve", "--listen", "127.0.0.1:0", "--json"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            said = json.loads(process.stdout.readline())
            yield next(value for value in said.values() if str(value).startswith("http"))
        finally:
            process.terminate()
            process.communicate(timeout=30)

    def schedule(self, title, calendar, *more):
        asked = ["--timezone", "Europe/Berlin", "--with", GUEST, "--host", OWNER, "--calendar", calendar, "--allow-conflicts"]
        said = self.run("schedule", title, *asked, *more)
        return said["meeting"] if isinstance(said.get("meeting"), dict) else said


def ask(url, token=None, form=None, body=None):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    data = urllib.parse.urlencode(form).encode() if form is not None else None
    if body is not None:
        data, headers["content-type"] = json.dumps(body).encode(), "application/json"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=30) as answer:
            return answer.status, answer.read().decode(), answer.geturl()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), error.headers.get("location")


def violations(log):
    """What Prism objected to, each with the path of its call."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", Path(log).read_text())
    path, out = "", []
    for line in text.splitlines():
        asked = re.search(r"\[HTTP SERVER\] \w+ (\S+)", line)
        path = asked[1] if asked else path
        if "Violation" in line:
            out.append(f"{path} {line[line.index('Violation'):]}")
    calls = text.count("Request received")
    return calls, [one for one in out if not any(allowed.search(one) for allowed in ALLOWED)]


def course(world, calendar, account):
    """What a calendar's client does: a series made, changed in one occurrence, called off in one, changed, read, called off."""
    made = world.schedule(
        'Budget, "final" 🚀', calendar, "--at", "2031-03-24 09:00", "--every", "mon,wed", "--count", "6",
        "--remind", "10m", "--agenda", "First line,\nsecond",
    )  # fmt: skip
    expect(made["state"] == "scheduled", f"{calendar}: {made}")
    world.run("reschedule", made["id"], "--occurrence", "2031-03-26", "--at", "2031-03-26 14:00", "--allow-conflicts")
    world.run("cancel", made["id"], "--occurrence", "2031-03-31")
    world.run("reschedule", made["id"], "--title", "Another title")
    world.run("calendars", "sync", account)
    world.run("cancel", made["id"])


def prism(documents):
    with tempfile.TemporaryDirectory() as place:
        ports = {"google": free_port(), "graph": free_port()}
        logs = {name: f"{place}/{name}.log" for name in ports}
        proxy = lambda name, document, upstream: running(
            logs[name], ports[name], "prism", "proxy", "-h", "127.0.0.1", "-p", str(ports[name]),
            f"{documents}/{document}", f"{BASE}{upstream}",
        )  # fmt: skip
        with proxy("google", "gcal-oas.json", "/google/calendar/v3"), proxy("graph", "graph-oas.json", "/graph/v1.0"):
            world = World(place)
            key = world.file("key.json", ask(f"{BASE}/_sim/calendars/service-account")[1])
            url = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
            world.run("calendars", "add", "google", "work", "--key-file", key, "--person", OWNER,
                      "--api-url", url["google"], "--token-url", f"{BASE}/google/token")  # fmt: skip
            secret = world.file("secret", "simulator")
            world.run("calendars", "add", "microsoft", "office", "--tenant", "brightwater.example", "--person", OWNER,
                      "--client-id", "simulator", "--secret-file", secret,
                      "--api-url", url["graph"], "--token-url", f"{BASE}/graph")  # fmt: skip
            course(world, "google", "work")
            course(world, "microsoft", "office")
            # A proxy that checks nothing would find nothing either.
            calls, found = violations(logs["google"])
            before = len(found)
            status, _, _ = ask(f"{url['google']}/calendars/primary/events", token="x", body={"start": 7, "attendees": "x"})
            _, now = violations(logs["google"])
            expect(status in (400, 401, 422) and len(now) > before, "Prism finds nothing in a body that is wrong")
        graph_calls, graph_found = violations(logs["graph"])
        expect(calls > 10 and graph_calls > 10, f"only {calls} and {graph_calls} calls went through Prism")
        expect(not found and not graph_found, "\n   ".join(["violations:", *found, *graph_found]))
        print(f"   {calls} calls to Google Calendar and {graph_calls} to Graph through Prism, no violation")


class Form(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.action, self.fields = None, {}

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form":
            self.action = attributes["action"]
        if tag == "input" and self.action:
            self.fields[attributes["name"]] = attributes.get("value", "")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


def agree(google, page):
    """Agrees on the emulator's page of consent; where it leads back to."""
    form = Form()
    form.feed(ask(page)[1])
    status, _, back = ask(google + form.action, form=form.fields)
    expect(status in (302, 303), f"consent answered {status}")
    return back


def own_access(google):
    """Access of the test's own, to look at what the program did."""
    query = {
        "client_id": "test", "redirect_uri": "http://127.0.0.1:9/back", "response_type": "code", "state": "s",
        "scope": "openid https://www.googleapis.com/auth/calendar",
    }  # fmt: skip
    back = agree(google, f"{google}/o/oauth2/v2/auth?{urllib.parse.urlencode(query)}")
    code = urllib.parse.parse_qs(urllib.parse.urlparse(back).query)["code"][0]
    grant = {"grant_type": "authorization_code", "code": code, "redirect_uri": query["redirect_uri"],
             "client_id": "test", "client_secret": "secret"}  # fmt: skip
    return json.loads(ask(f"{google}/oauth2/token", form=grant)[1])


def connect(world, google):
    """Connects a calendar in the console, as a browser does that keeps its cookie."""
    with world.serving() as base:
        form = urllib.parse.urlencode({"calendar": "google", "name": "mine", "own": "on"}).encode()
        headers = {"origin": base, "accept": "text/html"}
        page, cookie = led(urllib.request.Request(f"{base}/schedule/calendars", form, headers))
        back = agree(google, page)
        expect(back.startswith(f"{base}/oauth/calendar/callback?"), f"led back to {back}")
        headers = {"cookie": cookie.split(";")[0], "accept": "text/html"}
        end, _ = led(urllib.request.Request(back, headers=headers))
        expect(end.endswith("did=connected"), f"ended at {end}")
    (mine,) = world.run("calendars", "list")
    expect(mine["state"] == "working", f"{mine}")


def led(request):
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            sys.exit(f"   {request.full_url} answered a page: {answer.read().decode()[:2000]}")
    except urllib.error.HTTPError as error:
        expect(error.code == 303, f"{request.full_url} answered {error.code}: {error.read().decode()[:2000]}")
        return error.headers["location"], error.headers.get("set-cookie", "")


def emulate():
    urllib.request.install_opener(urllib.request.build_opener(NoRedirect))
    with tempfile.TemporaryDirectory() as place:
        port = free_port()
        google = f"http://127.0.0.1:{port}"
        with running(f"{place}/log", port, "emulate", "start", "--service", "google", "--port", str(port)):
            world = World(place)
            world.environment |= {
                "PARFOCAL_GOOGLE__CLIENT_ID": "parfocal",
                "PARFOCAL_GOOGLE__CLIENT_SECRET": "secret",
                "PARFOCAL_GOOGLE__CONSENT_URL": f"{google}/o/oauth2/v2/auth",
                "PARFOCAL_GOOGLE__TOKEN_URL": f"{google}/oauth2/token",
                "PARFOCAL_GOOGLE__API_URL": f"{google}/calendar/v3",
            }
            connect(world, google)
            tokens = own_access(google)
            events = f"{google}/calendar/v3/calendars/primary/events"
            there = lambda: [
                one for one in json.loads(ask(events, token=tokens["access_token"])[1])["items"] if one["summary"] == 'Talk, "one" 🚀'
            ]
            expect(not there(), "the event is there before it was made")
            made = world.schedule('Talk, "one" 🚀', "google", "--at", "2031-03-24 09:00")
            expect(made["state"] == "scheduled", f"{made}")
            found = there()
            expect(len(found) == 1, f"{len(found)} events instead of one")
            start = found[0]["start"]["dateTime"]
            expect("2031-03-24T0" in start and made["join_url"] in found[0]["location"], f"{found[0]}")
            expect(not found[0].get("attendees"), f"a guest that we mail ourselves: {found[0].get('attendees')}")
            world.run("cancel", made["id"])
            expect(not there(), "the event is there though it was called off")
        print("   consent in the console, tokens, an insertion and a deletion with npm's emulator of Google")


if HOW == "prism":
    prism(sys.argv[5])
else:
    emulate()
