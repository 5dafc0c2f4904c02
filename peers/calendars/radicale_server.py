"""Radicale, a real CalDAV server: our adapter writes, Python's caldav reads and changes, our adapter finds the change."""

import datetime
import json
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import caldav

ADAPTER = sys.argv[1]


def expect(condition, what):
    if not condition:
        sys.exit(f"   {what}")


def port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(folder):
    number = port()
    (folder / "users").write_text("ana:secret\n")
    (folder / "config").write_text(
        f"[server]\nhosts = 127.0.0.1:{number}\n"
        f"[auth]\ntype = htpasswd\nhtpasswd_filename = {folder}/users\nhtpasswd_encryption = plain\ndelay = 0\n"
        f"[storage]\nfilesystem_folder = {folder}/collections\n[rights]\ntype = owner_only\n"
        "[logging]\nlevel = error\n"
    )
    server = subprocess.Popen([sys.executable, "-m", "radicale", "--config", str(folder / "config")])
    until = time.monotonic() + 60
    while time.monotonic() < until:
        expect(server.poll() is None, "Radicale ended at once")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", number)) == 0:
                return server, f"http://127.0.0.1:{number}"
        time.sleep(0.05)
    server.kill()
    sys.exit("   Radicale did not listen within a minute")


def ours(data, url, **order):
    said = subprocess.run(
        [ADAPTER, str(data), url, "ana", "secret"],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        timeout=120,
    )
    expect(said.returncode == 0, f"{order}: {said.stderr}")
    return json.loads(said.stdout)


def run(folder, url):
    client = caldav.DAVClient(url=url, username="ana", password="secret")
    calendar = client.principal().make_calendar(name="Work")
    data = folder / "data"
    data.mkdir()
    event = {
        "key": "019a-radicale",
        "ical_uid": "019a-radicale@parfocal",
        "sequence": 0,
        "title": "Planning, part \"two\"; 🚀",
        "body": "First line,\nsecond; line",
        "location": "https://zoom.example/j/1?pwd=a&b",
        "join_url": "https://zoom.example/j/1?pwd=a&b",
        "when": {"timed": {"start": "2027-03-16T09:00:00", "zone": "Europe/Berlin", "minutes": 30}},
        "recurrence": {"rule": "FREQ=WEEKLY;COUNT=4"},
        "overrides": [{"original": "2027-03-30T09:00:00", "change": "cancelled"}],
        "organizer": None,
        "attendees": [{"email": "bo@example.com"}],
        "reminders": [{"minutes": 10}],
        "cancelled": False,
    }
    made = ours(data, url, put=event)
    again = ours(data, url, put=event)
    expect(made["id"] == again["id"], "a repeated write is the same event")
    found = calendar.events()
    expect(len(found) == 1, f"{len(found)} events instead of one")
    main = found[0].icalendar_component
    expect(str(main["SUMMARY"]) == event["title"], f"title {main['SUMMARY']!r}")
    expect(str(main["DESCRIPTION"]) == event["body"], f"text {main['DESCRIPTION']!r}")
    expect(str(main["LOCATION"]) == event["location"], f"place {main['LOCATION']!r}")
    utc = datetime.timezone.utc
    window = (datetime.datetime(2027, 3, 1, tzinfo=utc), datetime.datetime(2027, 5, 1, tzinfo=utc))
    expanded = calendar.search(start=window[0], end=window[1], event=True, expand=True)
    starts = sorted(
        one.icalendar_component["DTSTART"].dt.astimezone(utc).isoformat() for one in expanded
    )
    expect(
        starts == ["2027-03-16T08:00:00+00:00", "2027-03-23T08:00:00+00:00", "2027-04-06T07:00:00+00:00"],
        f"occurrences {starts}",
    )
    token = ours(data, url, changes=None)["next"]
    expect(ours(data, url, changes=token)["events"] == [], "nothing changed")
    with found[0].edit_icalendar_instance() as edited:
        for part in edited.subcomponents:
            if part.name == "VEVENT":
                part["SUMMARY"] = "Moved by a person"
    found[0].save()
    changed = ours(data, url, changes=token)
    expect([one["title"] for one in changed["events"]] == ["Moved by a person"], f"{changed}")
    expect(changed["events"][0]["echo"] is False and changed["full_resync"] is False, f"{changed}")
    busy = ours(data, url, busy=["2027-03-16T00:00:00Z", "2027-03-17T00:00:00Z"])
    expect(busy["known"] == [["2027-03-16T08:00:00Z", "2027-03-16T08:30:00Z"]], f"{busy}")
    event["title"] = "Zoom is the source of truth"
    ours(data, url, put=event)
    expect(len(calendar.events()) == 1, "still one event")
    stale = ours(data, url, changes="http://radicale.org/ns/sync/" + "0" * 64)
    expect(stale["full_resync"] is True and len(stale["events"]) == 1, f"{stale}")
    calendar.events()[0].delete()
    gone = ours(data, url, changes=changed["next"])
    expect([one["title"] for one in gone["events"]] == [None], f"{gone}")
    ours(data, url, remove=made["id"])
    print("   Radicale holds what was written, once; a person's change and deletion were found")


with tempfile.TemporaryDirectory() as place:
    program, address = start(Path(place))
    try:
        run(Path(place), address)
    finally:
        program.terminate()
        program.wait()
