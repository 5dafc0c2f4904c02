"""Random recurrence rules, expanded by us and by two other programs.

python-dateutil expands on the bare wall clock, and each time is then placed in its zone by the standard library; times
that the zone's clocks skip are left out and not counted (RFC 5545, section 3.3.10), which is where dateutil alone differs.
recurring-ical-events expands a part of the rules once more, zone and all, from a calendar file, where no time is skipped.

Usage: compare.py PROGRAM [COUNT [SEED]]
"""

import datetime as dt
import json
import random
import subprocess
import sys
import zoneinfo

import icalendar
import recurring_ical_events
from dateutil import rrule

LIMIT = 40
ZONES = [
    "UTC", "Europe/Berlin", "America/New_York", "America/Los_Angeles", "America/Sao_Paulo", "Asia/Kolkata",
    "Asia/Tehran", "Australia/Lord_Howe", "Australia/Sydney", "Pacific/Apia", "Africa/Casablanca", "Europe/Dublin",
    "Asia/Pyongyang", "America/St_Johns", "Pacific/Chatham", "Asia/Kathmandu",
]
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
UTC = dt.timezone.utc


def rule(chance, start):
    """A rule of the kind that calendars hold, and now and then of a kind that they do not."""
    frequency = chance.choice(["DAILY", "WEEKLY", "WEEKLY", "MONTHLY", "MONTHLY", "YEARLY", "HOURLY"])
    parts = ["FREQ=" + frequency]
    if chance.random() < 0.5:
        parts.append(f"INTERVAL={chance.choice([1, 2, 3, 4, 5, 6, 13])}")
    if chance.random() < 0.3:
        parts.append("WKST=" + chance.choice(DAYS))
    some = lambda low, high, most: ",".join(
        str(n) for n in sorted({chance.choice([n for n in range(low, high + 1) if n]) for _ in range(chance.randint(1, most))})
    )
    chosen = False
    if chance.random() < 0.2:
        parts.append("BYMONTH=" + some(1, 12, 4))
        chosen = True
    if frequency in ("MONTHLY", "YEARLY") and chance.random() < 0.4:
        parts.append("BYMONTHDAY=" + some(-31, 31, 3))
        chosen = True
    if frequency == "YEARLY" and chance.random() < 0.15:
        parts.append("BYYEARDAY=" + some(-366, 366, 4))
        chosen = True
    week = frequency == "YEARLY" and not chosen and chance.random() < 0.2
    if week:
        parts.append("BYWEEKNO=" + some(-53, 53, 3))
    if chance.random() < 0.4 or week:
        days = chance.sample(DAYS, chance.randint(1, 4))
        plain = frequency not in ("MONTHLY", "YEARLY") or week or chance.random() < 0.4
        parts.append("BYDAY=" + ",".join(day if plain else f"{chance.choice([1, 2, 3, 4, 5, -1, -2])}{day}" for day in days))
        chosen = True
    if frequency == "DAILY" and chance.random() < 0.1:
        parts.append("BYHOUR=" + some(1, 23, 3))
        chosen = True
    if chosen and frequency in ("MONTHLY", "YEARLY") and chance.random() < 0.2:
        parts.append("BYSETPOS=" + some(-3, 3, 2))
    end = chance.random()
    if end < 0.5:
        parts.append(f"COUNT={chance.randint(1, 30)}")
    elif end < 0.75:
        until = start + dt.timedelta(days=chance.randint(0, 900), hours=chance.randint(0, 23))
        parts.append(until.strftime("UNTIL=%Y%m%dT%H%M%SZ"))
    return ";".join(parts)


def placed(wall, zone):
    """The instant of a wall clock's time, the first of two; none for a time that is skipped."""
    at = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return int(at.timestamp()) if at.astimezone(zone).replace(tzinfo=None) == wall else None


def by_dateutil(start, zone, text):
    parts = dict(part.split("=") for part in text.split(";"))
    count = int(parts.pop("COUNT", 0))
    until = parts.pop("UNTIL", None)
    last = dt.datetime.strptime(until, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp() if until else None
    pattern = ";".join(f"{name}={value}" for name, value in parts.items())
    out, skipped = [], 0
    for looked, wall in enumerate(rrule.rrulestr(pattern, dtstart=start)):
        at = placed(wall, zone)
        if at is None:
            skipped += 1
            continue
        if (last is not None and at > last) or (count and len(out) == count) or len(out) == LIMIT or looked > 5000:
            break
        out.append(at)
    return out, skipped


def by_ical_events(start, zone_name, text, expected):
    event = icalendar.Event()
    zone = zoneinfo.ZoneInfo(zone_name)
    event.add("uid", "compare")
    event.add("summary", "compare")
    event.add("dtstart", start.replace(tzinfo=zone))
    event.add("duration", dt.timedelta(minutes=30))
    event.add("rrule", icalendar.vRecur.from_ical(text))
    calendar = icalendar.Calendar()
    calendar.add_component(event)
    first = dt.datetime.fromtimestamp(expected[0], UTC)
    last = dt.datetime.fromtimestamp(expected[-1] + 1, UTC)
    found = recurring_ical_events.of(calendar).between(first, last)
    return sorted(int(one["DTSTART"].dt.timestamp()) for one in found)


def main():
    program = sys.argv[1]
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    chance = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 5545)
    cases = []
    while len(cases) < count:
        day = dt.datetime(1995, 1, 1) + dt.timedelta(days=chance.randint(0, 16_000))
        start = day.replace(hour=chance.choice([0, 1, 2, 3, 9, 12, 17, 23]), minute=chance.choice([0, 15, 30]))
        zone = chance.choice(ZONES)
        if placed(start, zoneinfo.ZoneInfo(zone)) is not None:
            cases.append((start, zone, rule(chance, start)))
    lines = "".join(
        json.dumps({"start": start.isoformat(), "zone": zone, "rule": text, "limit": LIMIT}) + "\n"
        for start, zone, text in cases
    )
    done = subprocess.run([program], input=lines, capture_output=True, text=True, check=True, timeout=600)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(cases), f"{len(answers)} answers to {len(cases)} rules"
    wrong, instances, empty, gaps, twice_checked = [], 0, 0, 0, 0
    for (start, zone, text), answer in zip(cases, answers):
        expected, skipped = by_dateutil(start, zoneinfo.ZoneInfo(zone), text)
        gaps += skipped
        ours = answer.get("instances")
        if ours != expected:
            wrong.append(f"{start} {zone} {text}\n  ours  {answer}\n  dateutil {expected}")
            continue
        instances += len(ours)
        empty += not ours
        # The other library adds a start that its rule does not give, and has its own way with times that are skipped.
        if ours and not skipped and ours[0] == placed(start, zoneinfo.ZoneInfo(zone)) and twice_checked < count // 10:
            other = by_ical_events(start, zone, text, ours)
            if other != ours:
                wrong.append(f"{start} {zone} {text}\n  ours  {ours}\n  recurring-ical-events {other}")
            twice_checked += 1
    for line in wrong[:10]:
        print(line)
    print(
        f"{len(cases)} rules in {len(ZONES)} zones, {instances} instances, {empty} rules that never happen, {gaps} skipped times: "
        f"{len(wrong)} differ; {twice_checked} of them compared with recurring-ical-events as well"
    )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
