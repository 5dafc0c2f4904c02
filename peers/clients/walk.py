"""Two public Zoom clients for Python, unmodified and with Zoom's hosts built in, against the simulator as their proxy.

zoomus is what most scripts are written with; pyzoom checks every answer against models of its own.
SIM_URL names the simulator's control; HTTPS_PROXY and REQUESTS_CA_BUNDLE lead the clients there.
"""

import datetime
import os
import re
import urllib.parse

import pyzoom
import requests
import zoomus
from pyzoom import oauth

SIM = os.environ["SIM_URL"]
NOW = datetime.datetime.now()
MONTH_AGO = NOW - datetime.timedelta(days=29)


def control(path, **query):
    answer = requests.get(f"{SIM}/_sim/{path}", params=query, timeout=30)
    answer.raise_for_status()
    return answer.json()


def fine(answer, status=200):
    assert answer.status_code == status, f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:300]}"
    return answer.json() if answer.content else None


def with_zoomus():
    client = zoomus.ZoomClient("simulator", "simulator", "simulator")
    lists = {status: fine(client.user.list(status=status, page_size=300))["users"] for status in ("active", "inactive", "pending")}
    users = lists["active"]
    listed = sorted(user["email"] for one in lists.values() for user in one)
    known = sorted(user["email"] for user in control("knowable")["users"])
    assert listed == known, f"{listed} is not {known}"
    one = fine(client.user.get(id=users[0]["id"]))
    assert one["email"] == users[0]["email"]

    # What happened: reports, held meetings, who was there, by UUIDs that need encoding twice.
    reported = [
        (user, meeting)
        for user in users
        for meeting in fine(
            client.report.get_user_report(
                user_id=user["id"],
                start_time=MONTH_AGO,
                end_time=NOW,
                page_size=300,
            )
        )["meetings"]
    ]
    assert reported, "somebody has held a meeting"
    held = 0
    # zoomus encodes UUIDs that begin with "/" or hold "//", as Zoom's documentation says; one "/" inside it sends as it is,
    # which is another path, to Zoom as to us.
    told = [one for _, one in reported if "/" not in one["uuid"] or one["uuid"].startswith("/") or "//" in one["uuid"]]
    assert any("/" in one["uuid"] for one in told), "a UUID that needs encoding twice is among them"
    for meeting in told:
        past = fine(client.past_meeting.get(meeting_id=meeting["uuid"]))
        assert past["id"] == meeting["id"]
        people = fine(client.past_meeting.get_participants(meeting_id=meeting["uuid"], page_size=300))
        assert people["total_records"] == len(people["participants"])
        held += len(people["participants"])
    assert held, "somebody took part"

    recordings = sum(
        len(fine(client.recording.list(user_id=user["id"], start=MONTH_AGO, end=NOW, page_size=300))["meetings"])
        for user in users
    )

    # What shall happen: created, changed, looked up, registered for, deleted.
    host = reported[0][0]["id"]
    made = fine(
        client.meeting.create(
            user_id=host, topic="Planning — 計画", type=2, duration=45, timezone="Europe/Berlin",
            start_time=datetime.datetime(2031, 3, 4, 9, 0), settings={"approval_type": 1},
        ),
        201,
    )
    fine(client.meeting.update(id=made["id"], topic="Planning, moved"), 204)
    assert fine(client.meeting.get(id=made["id"]))["topic"] == "Planning, moved"
    person = fine(client.meeting.add_registrant(id=made["id"], email="bo@example.com", first_name="Bo", last_name="Lind"), 201)
    waiting = fine(client.meeting.list_registrants(id=made["id"], status="pending"))["registrants"]
    assert [one["id"] for one in waiting] == [person["registrant_id"]]
    fine(
        client.meeting.update_registrant_status(
            id=made["id"], action="approve", registrants=[{"id": person["registrant_id"], "email": "bo@example.com"}]
        ),
        204,
    )
    assert len(fine(client.meeting.list_registrants(id=made["id"], status="approved"))["registrants"]) == 1
    fine(client.meeting.delete(id=made["id"]), 204)
    gone = client.meeting.get(id=made["id"])
    assert (gone.status_code, gone.json()["code"]) == (404, 3001), gone.text
    print(f"   zoomus: {len(users)} users, {len(reported)} held meetings, {held} stays, {recordings} recordings; "
          "a meeting made, changed, registered for and deleted")


def consent():
    """A person's consent, given in the simulator's page through the same proxy."""
    redirect = "https://app.example/callback"
    page = requests.get(
        "https://zoom.us/oauth/authorize",
        params={"response_type": "code", "client_id": "simulator-user", "redirect_uri": redirect, "state": "s"},
        timeout=30,
    )
    form = re.search(r"<form[^>]*method=\"post\"[^>]*>(.*?)</form>", page.text, re.S | re.I)
    assert form, page.text[:200]
    fields = {}
    for tag in re.findall(r"<input[^>]*>", form[1]):
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name:
            fields[name[1]] = (value[1] if value else "").replace("&amp;", "&")
    button = re.search(r'<button[^>]*name="([^"]*)"[^>]*value="(allow)"', form[1])
    if button:
        fields[button[1]] = button[2]
    action = re.search(r'action="([^"]*)"', form[0])
    target = urllib.parse.urljoin("https://zoom.us/oauth/authorize", (action[1] if action else "").replace("&amp;", "&"))
    answer = requests.post(target, data=fields, allow_redirects=False, timeout=30)
    code = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.headers["location"]).query)["code"][0]
    return oauth.request_tokens("simulator-user", "simulator-user-secret", redirect, code)


def with_pyzoom():
    first = consent()
    tokens = oauth.refresh_tokens("simulator-user", "simulator-user-secret", first["refresh_token"])
    assert tokens["refresh_token"] != first["refresh_token"], "Zoom rotates refresh tokens"
    try:
        oauth.refresh_tokens("simulator-user", "simulator-user-secret", first["refresh_token"])
        raise AssertionError("a refresh token works once")
    except pyzoom.err.APIError as error:
        assert "invalid_grant" in str(error) or "Invalid Token" in str(error), error
    client = pyzoom.ZoomClient(tokens["access_token"], tokens["refresh_token"])
    meeting = client.meetings.create_meeting(
        "Review", start_time="2031-03-04T09:00:00Z", duration_min=30, timezone="Europe/Berlin",
    )
    assert client.meetings.get_meeting(meeting.id).uuid == meeting.uuid
    client.meetings.update_meeting(
        "Review, again", start_time="2031-03-04T10:00:00Z", duration_min=60, timezone="Europe/Berlin", meeting_id=meeting.id,
    )
    assert client.meetings.get_meeting(meeting.id).duration == 60
    assert meeting.id in [one.id for one in client.meetings.list_meetings().meetings]
    person = client.meetings.add_meeting_registrant(meeting.id, first_name="Bo", last_name="Lind", email="bo@example.com")
    client.meetings.cancel_registration(meeting.id, registrant_id=person.registrant_id, email="bo@example.com")
    assert client.meetings.delete_meeting(meeting.id)
    try:
        client.meetings.get_meeting(meeting.id)
        raise AssertionError("the meeting is gone")
    except pyzoom.err.NotFound:
        pass
    print("   pyzoom: consent, refresh, a meeting made, read by its models, changed, registered for and deleted")


with_zoomus()
with_pyzoom()
