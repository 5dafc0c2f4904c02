"""A real mail server (aiosmtpd) whose mailbox is read: what the program sends, by python's email and icalendar.

Invitation, change, one occurrence called off and the end of a series go over STARTTLS with a login; then one person's server
refuses, one asks to come back later, one goes silent before it takes the mail and one after it, and at last TLS from the
first byte, a server without STARTTLS, and a wrong password that is put right.
"""

import asyncio
import collections
import concurrent.futures
import contextlib
import datetime
import email.policy
import json
import logging
import mailbox
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import warnings
from email.parser import BytesParser
from pathlib import Path
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import AuthResult, LoginPassword

# aiosmtpd says at every login that an attribute of its own is old.
logging.disable(logging.WARNING)
warnings.simplefilter("ignore")

PROGRAM, BASE = sys.argv[1], sys.argv[2]
TITLE = 'Plan "B", Jörg; 日本 \\n 🚀'
AGENDA = 'First line, with a comma;\nsecond "line" with \\ and 🚀\n\nBEGIN:VALARM\nlast: ' + "ä" * 80
GUEST = "ann.o'neil+plan@example.com"


def expect(condition, what):
    if not condition:
        sys.exit(f"   {what}")


class Box(Mailbox):
    """A Maildir, and what single people's servers do with a mail: a list for each, taken from the front."""

    def __init__(self, folder):
        super().__init__(folder)
        self.folder = folder
        self.does = collections.defaultdict(list)
        self.asked = collections.Counter()

    def mails(self):
        box = mailbox.Maildir(self.folder, factory=None)
        parser = BytesParser(policy=email.policy.default)
        return [parser.parsebytes(box.get_bytes(key)) for key in sorted(box.keys())]

    async def handle_RCPT(self, server, session, envelope, address, options):
        self.asked[address] += 1
        now = self.does[address][0] if self.does[address] else None
        if now == "refuse":
            return "550 5.1.1 nobody of that name"
        if now == "later":
            self.does[address].pop(0)
            return "451 4.7.1 greylisted, come back later"
        if now == "silent":
            self.does[address].pop(0)
            await asyncio.sleep(30)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(self, server, session, envelope):
        answer = await super().handle_DATA(server, session, envelope)
        (person,) = envelope.rcpt_tos
        if self.does[person] and self.does[person][0] == "lose":
            self.does[person].pop(0)
            await asyncio.sleep(30)
        return answer


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Servers:
    """Mail servers on this machine, each with a mailbox of its own, all under one authority."""

    def __init__(self, folder):
        self.folder = folder
        self.authority = trustme.CA()
        self.authority.cert_pem.write_to_path(str(folder / "authority.pem"))
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority.issue_cert("127.0.0.1").configure_cert(self.context)
        self.running = []

    def start(self, security, password=None):
        box = Box(tempfile.mkdtemp(dir=self.folder) + "/box")
        options = {}
        if security == "starttls":
            options["tls_context"] = self.context
            options["require_starttls"] = True
        if security == "tls":
            options["ssl_context"] = self.context
        if password:
            right = LoginPassword(b"parfocal", password)
            options["auth_required"] = True
            # Where all is TLS it does not know that the line is encrypted.
            options["auth_require_tls"] = security == "starttls"
            options["authenticator"] = lambda server, session, envelope, mechanism, data: AuthResult(
                success=data == right, handled=False
            )
        server = Controller(box, hostname="127.0.0.1", port=free_port(), **options)
        server.start()
        self.running.append(server)
        return box, server.port

    def stop(self):
        for server in self.running:
            server.stop(no_assert=True)


class World:
    """A folder of the program's own, which sends to one mail server."""

    def __init__(self, folder, authority, port, security, password=None, timeout=10):
        folder.mkdir()
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "ZOOM_API_URL": f"{BASE}/v2",
            "ZOOM_OAUTH_URL": BASE,
            "ZOOM_ACCOUNT_ID": "simulator",
            "ZOOM_S2S_CLIENT_ID": "simulator",
            "ZOOM_S2S_CLIENT_SECRET": "simulator",
            "PARFOCAL_SMTP__HOST": "127.0.0.1",
            "PARFOCAL_SMTP__PORT": str(port),
            "PARFOCAL_SMTP__SECURITY": security,
            "PARFOCAL_SMTP__FROM": "Planning <plan@example.org>",
            "PARFOCAL_SMTP__CA_FILE": str(authority),
            "PARFOCAL_SMTP__TIMEOUT_SECONDS": str(timeout),
        }
        if password:
            self.environment["PARFOCAL_SMTP__USERNAME"] = "parfocal"
            self.environment["PARFOCAL_SMTP__PASSWORD"] = password
        self.run("connections", "check", "env")
        for name in ("mail", "scheduling", "calendar-feed"):
            self.run("component", "activate", name)

    def start(self, *arguments):
        return subprocess.Popen(
            [PROGRAM, *arguments, "--json"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def end(self, process, wants=0):
        out, err = process.communicate(timeout=100)
        expect(process.returncode == wants, f"{process.args[1:]} ended {process.returncode}: {out}{err}")
        return json.loads(out) if out.strip().startswith(("{", "[")) else out

    def run(self, *arguments, wants=0):
        return self.end(self.start(*arguments), wants)

    def show(self, made):
        return meeting(self.run("schedule", "show", made["id"]))

    @contextlib.contextmanager
    def serving(self):
        server = self.start("serve", "--listen", "127.0.0.1:0")
        try:
            yield
        finally:
            server.terminate()
            server.communicate(timeout=30)

    def host(self):
        users = self.run("action", "run", "user.list", "--input", '{"limit": 1}')
        return users["output"]["items"][0]["email"] if "output" in users else users["items"][0]["email"]


def meeting(said):
    return said.get("meeting", said) if isinstance(said.get("meeting"), dict) else said


def part(mail, method):
    """The calendar of a mail, as icalendar reads it, with its one kind of method."""
    body = mail.get_body(("plain",)).get_content()
    page = mail.get_body(("html",)).get_content()
    parts = [one for one in mail.walk() if one.get_content_type() == "text/calendar"]
    expect(parts, f"no calendar in {mail['Subject']}")
    expect(parts[0].get_param("method") == method, f"method {parts[0].get_param('method')} in the type of the part")
    calendar = icalendar.Calendar.from_ical(parts[0].get_payload(decode=True))
    expect(str(calendar["METHOD"]) == method, f"METHOD {calendar['METHOD']} instead of {method}")
    expect(not calendar.errors, f"the calendar has faults {calendar.errors}")
    for event in calendar.events:
        expect(not event.errors, f"the event has faults {event.errors}")
    return calendar, body, page


def check_text(event):
    expect(str(event["SUMMARY"]) == TITLE, f"title {event['SUMMARY']!r}")
    expect(str(event["DESCRIPTION"]).startswith(AGENDA), f"text {event['DESCRIPTION']!r}")
    (person,) = [one for one in event.attendees if one.lower() == f"mailto:{GUEST}"]
    expect(person.params["PARTSTAT"] == "NEEDS-ACTION" and person.params["RSVP"] == "TRUE", f"{person.params}")
    expect(str(event["ORGANIZER"]).lower() == "mailto:plan@example.org", f"organizer {event['ORGANIZER']}")


def check_zone(calendar):
    (zone,) = calendar.timezones
    expect(str(zone["TZID"]) == "Europe/Berlin", f"VTIMEZONE {zone['TZID']}")
    ours, theirs = zone.to_tz(), ZoneInfo("Europe/Berlin")
    for moment in (datetime.datetime(2031, 3, 28, 9), datetime.datetime(2031, 4, 2, 9), datetime.datetime(2031, 12, 1)):
        expect(
            moment.replace(tzinfo=ours).utcoffset() == moment.replace(tzinfo=theirs).utcoffset(),
            f"VTIMEZONE is wrong on {moment}",
        )


def starts(calendar):
    """When it takes place, in universal time, as recurring-ical-events reads it."""
    window = recurring_ical_events.of(calendar).between((2031, 1, 1), (2032, 1, 1))
    return sorted(one.start.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ") for one in window)


def course(servers):
    """A series over a change of clocks: invited, changed, one called off, all called off."""
    box, port = servers.start("starttls", b"se cret")
    world = World(servers.folder / "course", servers.folder / "authority.pem", port, "starttls", "se cret")
    host = world.host()
    made = meeting(
        world.run(
            "schedule", TITLE, "--at", "2031-03-24 09:00", "--timezone", "Europe/Berlin", "--every", "weekday", "--count", "8",
            "--except", "2031-03-27", "--with", GUEST, "--remind", "15m", "--agenda", AGENDA, "--host", host,
        )
    )  # fmt: skip
    identity = made["id"]
    world.run("reschedule", identity, "--at", "2031-03-24 10:30", "--duration", "45m")
    world.run("cancel", identity, "--occurrence", "2031-04-01")
    shown = meeting(world.run("schedule", "show", identity))
    world.run("cancel", identity)

    mails = [mail for mail in box.mails() if mail["To"].addresses[0].addr_spec == GUEST]
    expect(len(mails) == 4, f"{len(mails)} mails instead of 4: {[mail['Subject'] for mail in mails]}")
    expect(len({mail["Message-ID"] for mail in mails}) == 4, "two mails have one Message-ID")
    mails.sort(key=lambda mail: int(sequence_of(mail)))
    invited, changed, one_off, all_off = mails
    uids, sequences = set(), []

    calendar, body, page = part(invited, "REQUEST")
    (event,) = calendar.events
    check_text(event)
    check_zone(calendar)
    expect(TITLE in invited["Subject"], f"subject {invited['Subject']!r}")
    expect(body.count(made["join_url"]) == 1, f"{body}: the link to join is in the text, once")
    expect(made["join_url"].replace("&", "&amp;") in page, "the link to join is on the page")
    expect(starts(calendar) == sorted(one["start"] for one in made["occurrences"]), f"instances {starts(calendar)}")
    expect("2031-03-28T08:00:00Z" in starts(calendar) and "2031-03-31T07:00:00Z" in starts(calendar), "nine stays nine")
    (alarm,) = event.alarms.times[:1] and event.walk("VALARM")
    expect(alarm["TRIGGER"].dt == datetime.timedelta(minutes=-15), f"alarm {alarm['TRIGGER'].dt}")
    uids.add(str(event["UID"]))
    sequences.append(event["SEQUENCE"])

    calendar, _, _ = part(changed, "REQUEST")
    (event,) = calendar.events
    check_text(event)
    check_zone(calendar)
    expect(event.duration == datetime.timedelta(minutes=45), f"length {event.duration}")
    expect("2031-03-28T09:30:00Z" in starts(calendar) and len(starts(calendar)) == 7, f"moved {starts(calendar)}")
    uids.add(str(event["UID"]))
    sequences.append(event["SEQUENCE"])

    calendar, _, _ = part(one_off, "CANCEL")
    (event,) = calendar.events
    expect(
        event["RECURRENCE-ID"].dt.replace(tzinfo=ZoneInfo("Europe/Berlin")).isoformat() == "2031-04-01T10:30:00+02:00",
        f"RECURRENCE-ID {event['RECURRENCE-ID'].to_ical()}",
    )
    expect(str(event["STATUS"]) == "CANCELLED", "one occurrence is called off")
    expect(len(shown["occurrences"]) == 6, f"{len(shown['occurrences'])} occurrences are left instead of 6")
    uids.add(str(event["UID"]))
    sequences.append(event["SEQUENCE"])

    calendar, body, _ = part(all_off, "CANCEL")
    event = calendar.events[0]
    expect("RECURRENCE-ID" not in event and str(event["STATUS"]) == "CANCELLED", "all is called off")
    expect(made["join_url"] not in body, "who is told of the end is not asked to join")
    uids.add(str(event["UID"]))
    sequences.append(event["SEQUENCE"])

    expect(uids == {made["ics_uid"]}, f"one UID in all: {uids}")
    expect(sequences == sorted(set(sequences)), f"SEQUENCE grows: {sequences}")
    print("   over STARTTLS: invitation, change, one occurrence and the end of a series, as icalendar reads them")


def sequence_of(mail):
    (found,) = [one for one in mail.walk() if one.get_content_type() == "text/calendar"][:1]
    return icalendar.Calendar.from_ical(found.get_payload(decode=True)).events[0]["SEQUENCE"]


def weather(servers):
    """One person's server refuses, others are slow or silent: the rest get theirs, and nobody gets two."""
    box, port = servers.start("none")
    box.does["refused@example.com"] = ["refuse"]
    box.does["grey@example.com"] = ["later", "later"]
    box.does["silent@example.com"] = ["silent"]
    box.does["lost@example.com"] = ["lose"] * 9
    names = ["plain", "refused", "grey", "silent", "lost", "last"]
    world = World(servers.folder / "weather", servers.folder / "authority.pem", port, "none", timeout=4)
    with_ = [word for name in names for word in ("--with", f"{name}@example.com")]
    made = meeting(world.run("schedule", "Weather", "--at", "2031-05-05 09:00", "--host", world.host(), *with_, "--detach"))
    with world.serving():
        until(lambda: not world.show(made)["under_way"], "everybody was told or cannot be")
    made = world.show(made)
    expect(made["state"] == "scheduled", made["state"])
    got = collections.defaultdict(list)
    for mail in box.mails():
        got[mail["To"].addresses[0].addr_spec.split("@")[0]].append(mail["Message-ID"])
    for name in ("plain", "grey", "silent", "last"):
        expect(len(got[name]) == 1, f"{name} got {len(got[name])} mails instead of one")
    expect(not got["refused"], "a refused mail was taken")
    expect(box.asked["refused@example.com"] == 1, f"asked {box.asked['refused@example.com']} times after a refusal for good")
    expect(
        len(got["lost"]) == 2 and len(set(got["lost"])) == 1,
        f"after a lost answer: once more under the same Message-ID, and no more: {got['lost']}",
    )
    people = {one["email"].split("@")[0]: one for one in made["attendees"]}
    expect("nobody of that name" in (people["refused"]["trouble"] or ""), f"{people['refused']}")
    for name in ("plain", "grey", "silent", "lost", "last"):
        expect(people[name]["told"] and not people[name]["trouble"], f"{people[name]}")
    print("   a server that refuses, one that greylists, two that go silent: each mail once, one of doubt twice under one id")


def doors(servers):
    """TLS from the first byte; no STARTTLS, no mail; a wrong password loses nothing."""
    box, port = servers.start("tls", b"secret")
    authority = servers.folder / "authority.pem"
    world = World(servers.folder / "tls", authority, port, "tls", "wrong")
    host = world.host()
    asked = ["schedule", "Doors", "--at", "2031-06-05 09:00", "--host", host, "--with", GUEST]
    made = meeting(world.run(*asked, "--detach"))
    trouble = lambda: world.show(made)["attendees"][0]["trouble"]
    with world.serving():
        until(trouble, "a wrong password is said")
    expect("535" in trouble() and not box.mails(), f"a mail without the right password: {trouble()}")
    world.environment["PARFOCAL_SMTP__PASSWORD"] = "secret"
    with world.serving():
        until(lambda: world.show(made)["attendees"][0]["told"], "the mail arrives once the password is right")
    expect(len(box.mails()) == 1, "one mail")

    box, port = servers.start("none")
    world = World(servers.folder / "plain", authority, port, "starttls")
    made = meeting(world.run(*asked))
    expect("STARTTLS" in made["attendees"][0]["trouble"], f"no STARTTLS is said: {made['attendees'][0]}")
    expect(not box.mails(), "a mail went out unencrypted")
    print("   TLS from the first byte; nothing goes out without STARTTLS; a wrong password loses no mail")


def until(holds, what):
    end = time.monotonic() + 60
    while not holds():
        expect(time.monotonic() < end, f"{what}: not within a minute")
        time.sleep(0.3)


with tempfile.TemporaryDirectory() as place:
    all_servers = Servers(Path(place))
    try:
        # They mostly wait for servers that are slow on purpose.
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for one in [pool.submit(scenario, all_servers) for scenario in (course, weather, doors)]:
                one.result()
    finally:
        all_servers.stop()
