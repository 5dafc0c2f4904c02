"""Answers out of a real mailbox: pymap serves it over IMAP, python's imaplib and icalendar put replies into it.

What is read stays unread; a letter counts once by its Message-ID, whatever number it has; what is no answer, or too large for
one, leaves no trace; a server that is silent, offers no STARTTLS or does not know the password is said, and holds nothing up.
"""

import contextlib
import datetime
import email.policy
import imaplib
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from email.message import EmailMessage
from pathlib import Path

import icalendar
import trustme

PROGRAM, BASE, PYMAP = sys.argv[1:4]
USER, PASSWORD = "plan@example.org", 'se "cret\\'
ANN, BOB, EVE = "ann@example.com", "bob@example.com", "eve@example.com"


def expect(condition, what):
    if not condition:
        sys.exit(f"   {what}")


def until(holds, what):
    end = time.monotonic() + 60
    while not holds():
        expect(time.monotonic() < end, f"{what}: not within a minute")
        time.sleep(0.2)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def mailbox(folder, *tls):
    port = free_port()
    options = ["--host", "127.0.0.1", "--port", str(port), *tls, "dict", "--demo-user", USER, "--demo-password", PASSWORD]
    process = subprocess.Popen([PYMAP, *options], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: process.poll() is not None or socket.socket().connect_ex(("127.0.0.1", port)) == 0, "the mailbox listens")
        expect(process.poll() is None, "pymap ended at once")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def encrypted(context, behind):
    """A port with TLS from the first byte before one without."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source, sink):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)

    def serve():
        while True:
            try:
                near = context.wrap_socket(listener.accept()[0], server_side=True)
            except ssl.SSLError:
                continue
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", behind))
            for pair in ((near, far), (far, near)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return listener


class World:
    """A folder of the program's own, which keeps its mails there and reads answers from one mailbox."""

    def __init__(self, folder, authority, port, security, folder_there):
        folder.mkdir()
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "ZOOM_API_URL": f"{BASE}/v2",
            "ZOOM_OAUTH_URL": BASE,
            "ZOOM_ACCOUNT_ID": "simulator",
            "ZOOM_S2S_CLIENT_ID": "simulator",
            "ZOOM_S2S_CLIENT_SECRET": "simulator",
            "PARFOCAL_SMTP__FROM": f"Planning <{USER}>",
            "PARFOCAL_IMAP__CA_FILE": str(authority),
            "PARFOCAL_IMAP__USERNAME": USER,
            "PARFOCAL_IMAP__PASSWORD": PASSWORD,
            "PARFOCAL_IMAP__FOLDER": folder_there,
            "PARFOCAL_IMAP__TIMEOUT_SECONDS": "5",
            "PARFOCAL_IMAP__EVERY_SECONDS": "1",
        }
        self.reach(port, security)
        self.run("connections", "check", "env")
        for name in ("mail", "scheduling", "calendar-feed", "mailbox"):
            self.run("component", "activate", name)

    def reach(self, port, security):
        self.environment |= {
            "PARFOCAL_IMAP__HOST": "127.0.0.1",
            "PARFOCAL_IMAP__PORT": str(port),
            "PARFOCAL_IMAP__SECURITY": security,
        }

    def run(self, *arguments):
        done = subprocess.run(
            [PROGRAM, *arguments, "--json"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=100,
        )
        expect(done.returncode == 0, f"{arguments} ended {done.returncode}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip().startswith(("{", "[")) else done.stdout

    def lacks(self):
        """What the component says that it lacks."""
        return json.dumps(self.run("component", "check", "mailbox"))

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
            address = next(value for value in said.values() if str(value).startswith("http"))

            def ask(path):
                with urllib.request.urlopen(f"{address}/v1/{path}", timeout=30) as answer:
                    return json.load(answer)

            yield ask
        finally:
            process.terminate()
            process.communicate(timeout=30)


def invitation(world):
    """The calendar of an invitation, as it lies in the folder."""
    for path in sorted((world.folder / "parfocal-data/mail").glob("*.eml")):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        for part in mail.walk():
            if part.get_content_type() == "text/calendar":
                return icalendar.Calendar.from_ical(part.get_payload(decode=True))
    sys.exit("   nobody was invited")


def reply(world, person, answer, *, sender=None, occurrence=None, padding=0, message_id=None):
    """A letter as a person's calendar writes it."""
    asked = invitation(world).events[0]
    said = icalendar.Event()
    for name in ("UID", "SEQUENCE", "SUMMARY", "ORGANIZER"):
        said[name] = asked[name]
    said.add("DTSTAMP", datetime.datetime.now(datetime.timezone.utc))
    said.add("DTSTART", occurrence or asked["DTSTART"].dt)
    if occurrence:
        said.add("RECURRENCE-ID", occurrence)
    who = icalendar.vCalAddress(f"mailto:{person}")
    who.params["PARTSTAT"] = answer
    said.add("ATTENDEE", who)
    calendar = icalendar.Calendar()
    calendar.add("PRODID", "-//somebody's calendar//EN")
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", "REPLY")
    calendar.add_component(said)
    letter = EmailMessage(policy=email.policy.SMTP)
    letter["From"] = f"Somebody <{sender or person}>"
    letter["To"] = USER
    letter["Subject"] = f"{answer.title()}: {asked['SUMMARY']}"
    letter["Message-ID"] = message_id or f"<{person}.{answer}.{time.monotonic_ns()}@example.com>"
    letter.set_content("See the calendar.\n" + "x" * padding)
    letter.add_alternative(calendar.to_ical().decode(), subtype="calendar", params={"method": "REPLY"})
    return letter.as_bytes()


def answers(ask, made):
    return {one["email"]: one["answer"] for one in ask(f"schedules/{made['id']}")["attendees"]}


def plain():
    letter = EmailMessage(policy=email.policy.SMTP)
    letter["From"], letter["To"], letter["Subject"], letter["Message-ID"] = ANN, USER, "Lunch?", "<lunch@example.com>"
    letter.set_content("Not about a meeting.")
    return letter.as_bytes()


class Postman:
    """Puts letters into the mailbox, by the standard library's IMAP."""

    def __init__(self, port, context):
        self.port, self.context = port, context

    @contextlib.contextmanager
    def line(self):
        line = imaplib.IMAP4("127.0.0.1", self.port)
        if self.context:
            line.starttls(self.context)
        line.login(USER, PASSWORD)
        yield line
        line.logout()

    def fresh(self, folder):
        with self.line() as line:
            line.delete(folder)
            expect(line.create(folder)[0] == "OK", f"{folder} cannot be made")

    def put(self, folder, *letters):
        with self.line() as line:
            for letter in letters:
                said = line.append(folder, None, None, letter)
                expect(said[0] == "OK", f"the mailbox does not take a letter: {said}")

    def unread(self, folder):
        with self.line() as line:
            line.select(folder, readonly=True)
            return len(line.search(None, "UNSEEN")[1][0].split())


def course(place, authority, server, client):
    place.mkdir()
    server.private_key_pem.write_to_path(str(place / "key.pem"))
    for pem in server.cert_chain_pems:
        pem.write_to_path(str(place / "cert.pem"), append=True)
    with mailbox(place, "--cert", str(place / "cert.pem"), "--key", str(place / "key.pem")) as port:
        postman = Postman(port, client)
        postman.fresh("Answers")
        world = World(place / "world", authority, port, "starttls", "Answers")
        people = [word for one in (ANN, BOB) for word in ("--with", one)]
        users = world.run("action", "run", "user.list", "--input", '{"limit": 1}')
        host = (users["output"] if "output" in users else users)["items"][0]["email"]
        made = world.run("schedule", 'Plan, "B" 🚀', "--at", "2031-05-05 09:00", "--timezone", "Europe/Berlin",
                         "--every", "week", "--count", "3", "--host", host, *people)  # fmt: skip
        made = made["meeting"] if isinstance(made.get("meeting"), dict) else made
        first = reply(world, ANN, "ACCEPTED", message_id="<one@example.com>")
        second = invitation(world).events[0]["DTSTART"].dt + datetime.timedelta(weeks=1)
        letters = [
            plain(),
            first,
            first,
            reply(world, BOB, "TENTATIVE", occurrence=second, sender="assistant@example.com"),
            reply(world, EVE, "ACCEPTED"),
            reply(world, BOB, "ACCEPTED", padding=2 * 1024 * 1024),
            b"\xff\xfe not a letter \x01\r\n\r\nBEGIN:VCALENDAR\r\n",
        ]
        postman.put("Answers", *letters)
        with world.serving() as ask:
            until(lambda: len(ask("mail/received")["items"]) >= 3, "three letters with answers are read")
            until(lambda: answers(ask, made)[ANN] == "accepted", "Ann's answer counts")
            one = [row for row in ask(f"responses?schedule={made['id']}")["items"] if row["email"] == BOB and row["occurrence"]]
            expect(one and one[0]["answer"] == "tentative" and not one[0]["verified"], f"Bob's answer to one of them: {one}")
            expect(one[0]["occurrence"] == "2031-05-12T09:00:00", f"{one}")
            expect(answers(ask, made)[BOB] == "pending", "the answer in a letter of two megabytes was read")
            outcomes = sorted(row["outcome"] for row in ask("mail/received")["items"])
            wanted = [f"{ANN}: accepted (taken)", f"{BOB}: tentative (taken, sent from another address)", f"{EVE}: accepted (unknown)"]
            expect(outcomes == wanted, f"{outcomes}")
        # What comes while nobody looks is read afterwards, once.
        postman.put("Answers", reply(world, BOB, "DECLINED"))
        with world.serving() as ask:
            until(lambda: answers(ask, made)[BOB] == "declined", "Bob's later answer counts")
            expect(postman.unread("Answers") == len(letters) + 1, "letters were marked as read")
            # The same letters under other numbers, as after a move of the mailbox, and one that is new.
            postman.fresh("Answers")
            postman.put("Answers", *letters, reply(world, ANN, "TENTATIVE"))
            until(lambda: answers(ask, made)[ANN] == "tentative", "what is new in a renumbered mailbox counts")
            rows = ask("mail/received")["items"]
            expect(len(rows) == 5, f"{len(rows)} letters instead of 5: {rows}")
            expect(answers(ask, made)[BOB] == "declined", "an old letter counted again")
        print("   answers read from pymap over STARTTLS, each once, by one occurrence and by all, after a renumbering too; none is marked")
        return world


def doors(world, place, server_context):
    with mailbox(place, "--no-tls") as port:
        Postman(port, None).fresh("Answers")
        listener = encrypted(server_context, port)
        world.reach(listener.getsockname()[1], "tls")
        expect("cannot be read" not in world.lacks(), world.lacks())
        world.environment["PARFOCAL_IMAP__PASSWORD"] = "wrong"
        expect("does not let us in" in world.lacks(), f"a wrong password is said: {world.lacks()}")
        world.environment["PARFOCAL_IMAP__PASSWORD"] = PASSWORD
        world.environment["PARFOCAL_IMAP__FOLDER"] = "Elsewhere"
        expect("cannot be read" in world.lacks(), "a folder that is not there is said")
        world.reach(port, "starttls")
        expect("STARTTLS" in world.lacks(), f"no STARTTLS is said: {world.lacks()}")
        listener.close()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        world.environment["PARFOCAL_IMAP__TIMEOUT_SECONDS"] = "1"
        world.reach(silent.getsockname()[1], "none")
        expect("said nothing" in world.lacks(), f"a silent server is said: {world.lacks()}")
    expect("cannot be reached" in world.lacks(), f"no server is said: {world.lacks()}")
    print("   TLS from the first byte; a wrong password, no folder, no STARTTLS, silence and nobody there are each said")


with tempfile.TemporaryDirectory() as place:
    place = Path(place)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(place / "authority.pem"))
    server = authority.issue_cert("127.0.0.1")
    server_context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.configure_cert(server_context)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    doors(course(place / "course", place / "authority.pem", server, client), place, server_context)
