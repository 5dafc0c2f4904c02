"""The official Google client, with a service account's delegation, against the simulator's Google Calendar."""

import sys

import requests
from google.oauth2 import service_account
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

BASE = sys.argv[1]
PERSON = "ingrid@brightwater.example"
GUEST = "tobias@brightwater.example"


def expect(condition, what):
    if not condition:
        sys.exit(f"   {what}")


def refused(call, status, what):
    try:
        call.execute()
    except HttpError as error:
        expect(error.resp.status == status, f"{what}: {error.resp.status} instead of {status}")
        return error
    sys.exit(f"   {what}: nothing was refused")


key = requests.get(f"{BASE}/_sim/calendars/service-account", timeout=30).json()
credentials = service_account.Credentials.from_service_account_info(
    key, scopes=["https://www.googleapis.com/auth/calendar"], subject=PERSON
)
calendar = build(
    "calendar",
    "v3",
    credentials=credentials,
    static_discovery=True,
    client_options={"api_endpoint": f"{BASE}/google/calendar/v3/"},
)
events = calendar.events()

body = {
    "id": "0123456789abcdefghijklmnopqrstuv",
    "summary": "Planning, part \"two\"; 🚀",
    "start": {"dateTime": "2027-03-16T09:00:00", "timeZone": "Europe/Berlin"},
    "end": {"dateTime": "2027-03-16T09:30:00", "timeZone": "Europe/Berlin"},
    "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"],
    "attendees": [{"email": GUEST}],
}
made = events.insert(calendarId="primary", body=body, sendUpdates="all").execute()
refused(events.insert(calendarId="primary", body=body), 409, "the same id twice")
instances = events.instances(calendarId="primary", eventId=made["id"]).execute()["items"]
starts = [one["start"]["dateTime"] for one in instances]
expect(
    starts[1:3] == ["2027-03-23T09:00:00+01:00", "2027-03-30T09:00:00+02:00"],
    f"nine o'clock stays nine o'clock across the change of clocks: {starts}",
)
moved = events.patch(
    calendarId="primary", eventId=instances[1]["id"], body={"summary": "Another title"}
).execute()
expect(moved["recurringEventId"] == made["id"], "an instance knows its series")
events.delete(calendarId="primary", eventId=instances[3]["id"]).execute()

request, items, token = events.list(calendarId="primary", maxResults=1), [], None
while request is not None:
    page = request.execute()
    items += page["items"]
    token = page.get("nextSyncToken", token)
    request = events.list_next(request, page)
expect(token, "the last page has a sync token")
expect({one["id"] for one in items} >= {made["id"], moved["id"]}, "the list has the series and its exception")
current = events.get(calendarId="primary", eventId=made["id"]).execute()
stale = events.patch(calendarId="primary", eventId=made["id"], body={"summary": "x"})
stale.headers["If-Match"] = '"0"'
refused(stale, 412, "a stale etag")
fresh = events.patch(calendarId="primary", eventId=made["id"], body={"summary": "x"})
fresh.headers["If-Match"] = current["etag"]
fresh.execute()
changed = events.list(calendarId="primary", syncToken=token).execute()["items"]
expect([one["id"] for one in changed] == [made["id"]], f"one event changed: {changed}")

window = {"timeMin": "2027-03-16T00:00:00Z", "timeMax": "2027-03-17T00:00:00Z"}
busy = calendar.freebusy().query(
    body=window | {"items": [{"id": PERSON}, {"id": GUEST}, {"id": "x@example.com"}]}
).execute()["calendars"]
expect(busy[PERSON]["busy"] == [{"start": "2027-03-16T08:00:00Z", "end": "2027-03-16T08:30:00Z"}], f"{busy}")
expect(busy["x@example.com"]["errors"][0]["reason"] == "notFound", "who is unknown is no free person")

channel = {"id": "c1", "type": "web_hook", "address": f"{BASE}/_sim/health", "token": "t"}
watched = events.watch(calendarId="primary", body=channel).execute()
calendar.channels().stop(body={"id": "c1", "resourceId": watched["resourceId"]}).execute()

events.delete(calendarId="primary", eventId=made["id"]).execute()
refused(events.delete(calendarId="primary", eventId=made["id"]), 410, "a second deletion")
requests.post(f"{BASE}/_sim/calendars", json="expire_sync", timeout=30)
refused(events.list(calendarId="primary", syncToken=token), 410, "a sync token that has run out")
requests.post(f"{BASE}/_sim/calendars", json={"per_minute": 0}, timeout=30)
refused(events.list(calendarId="primary"), 403, "a spent quota")
print("   the Google client inserted, changed, listed, synchronised, watched and deleted")
