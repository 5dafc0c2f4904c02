// Zoom's JavaScript SDK, unmodified and with Zoom's hosts built in, against `parfocal simulate --tls`.
//
// The SDK reaches https://zoom.us and https://api.zoom.us through the simulator's proxy (HTTPS_PROXY) and trusts the
// simulator's certificate authority (NODE_EXTRA_CA_CERTS). The test command starts both and sets SIM_URL and the two variables.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { MeetingsOAuthClient, MeetingsS2SAuthClient } from "@zoom/rivet/meetings";
import { UsersS2SAuthClient } from "@zoom/rivet/users";
import { ProxyAgent, fetch } from "undici";

const sim = process.env.SIM_URL;
assert.ok(sim, "SIM_URL names the simulator's control address");
const credentials = { clientId: "simulator", clientSecret: "simulator", accountId: "simulator" };
const proxy = new ProxyAgent(process.env.HTTPS_PROXY);

const control = async (path, body) => {
  const answer = await fetch(`${sim}/_sim/${path}`, body
    ? { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }
    : undefined);
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
};

const until = async (what, probe, seconds = 20) => {
  for (let tries = 0; tries < seconds * 20; tries += 1) {
    const found = await probe();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`${what} did not happen within ${seconds} s`);
};

const everyPage = async (call, query, key) => {
  const items = [];
  let token;
  do {
    const { data } = await call({ ...query, ...(token ? { next_page_token: token } : {}) });
    items.push(...data[key]);
    token = data.next_page_token;
  } while (token);
  return items;
};

let meetings;
let users;
before(() => {
  meetings = new MeetingsS2SAuthClient({ ...credentials, disableReceiver: true });
  users = new UsersS2SAuthClient({ ...credentials, disableReceiver: true });
});

test("users: every user, by page and one by one", async () => {
  const known = await control("knowable?events=all");
  const listed = [];
  for (const status of ["active", "inactive", "pending"]) {
    listed.push(...await everyPage((query) => users.endpoints.users.listUsers({ query }), { status, page_size: 5 }, "users"));
  }
  assert.deepEqual(listed.map((u) => u.email).sort(), known.users.map((u) => u.email).sort());
  const one = await users.endpoints.users.getUser({ path: { userId: listed[0].id } });
  assert.equal(one.statusCode, 200);
  assert.equal(one.data.email, listed[0].email);
  assert.ok(one.trackingId, "an answer carries x-zm-trackingid");
});

test("meetings: create, read, change, list, delete; Zoom's error for what is gone", async () => {
  const [host] = (await users.endpoints.users.listUsers({ query: { page_size: 1 } })).data.users;
  const created = await meetings.endpoints.meetings.createMeeting({
    path: { userId: host.id },
    body: { topic: "Rivet's meeting", type: 2, start_time: "2031-03-04T09:00:00Z", duration: 45, timezone: "Europe/Lisbon" },
  });
  assert.equal(created.statusCode, 201);
  const path = { meetingId: created.data.id };
  const read = await meetings.endpoints.meetings.getMeeting({ path });
  assert.equal(read.data.topic, "Rivet's meeting");
  assert.equal(read.data.start_time, "2031-03-04T09:00:00Z");
  const changed = await meetings.endpoints.meetings.updateMeeting({ path, body: { topic: "Renamed" } });
  assert.equal(changed.statusCode, 204);
  assert.equal((await meetings.endpoints.meetings.getMeeting({ path })).data.topic, "Renamed");
  const all = await everyPage((query) => meetings.endpoints.meetings.listMeetings({ path: { userId: host.id }, query }), { type: "scheduled" }, "meetings");
  assert.ok(all.some((m) => m.id === created.data.id));
  assert.equal((await meetings.endpoints.meetings.deleteMeeting({ path })).statusCode, 204);
  await assert.rejects(meetings.endpoints.meetings.getMeeting({ path }), /\[404\/3001\]/);
});

test("recordings: the listing, one meeting's files, and the bytes behind download_url", async () => {
  const known = await control("knowable?events=all");
  const wanted = known.instances.find((i) => i.transcript && !i.uuid.startsWith("/") && !i.uuid.includes("//"));
  const host = known.users.find((u) => u.email === wanted.host_email);
  const day = wanted.start_time.slice(0, 10);
  const listed = await everyPage(
    (query) => meetings.endpoints.cloudRecording.listAllRecordings({ path: { userId: host.id }, query }),
    { from: day, to: day }, "meetings");
  assert.ok(listed.some((m) => m.uuid === wanted.uuid), "the listing holds the meeting");
  const one = await meetings.endpoints.cloudRecording.getMeetingRecordings({ path: { meetingId: encodeURIComponent(wanted.uuid) } });
  const file = one.data.recording_files.find((f) => f.file_type === "TRANSCRIPT");
  const token = await meetings.auth.getToken();
  const answer = await fetch(file.download_url, { dispatcher: file.download_url.startsWith("https") ? proxy : undefined, headers: { authorization: `Bearer ${token}` } });
  const text = await answer.text();
  assert.match(text, /^WEBVTT/);
  assert.equal((text.match(/-->/g) ?? []).length, wanted.transcript.cues);
});

test("user OAuth: the SDK's installer, Zoom's consent page, the code, the user's own meetings", async () => {
  const client = new MeetingsOAuthClient({
    clientId: "simulator-user", clientSecret: "simulator-user-secret", webhooksSecretToken: "simulator-webhook-secret", port: 0,
    installerOptions: { redirectUri: "https://app.example", redirectUriPath: "/callback", stateStore: "rivet-state-secret", directInstall: true },
  });
  const server = await client.start();
  after(() => server.close());
  const own = `http://127.0.0.1:${server.address().port}`;
  const install = await fetch(`${own}/zoom/oauth/install`, { redirect: "manual" });
  assert.equal(install.status, 302);
  const cookie = install.headers.get("set-cookie").split(";")[0];
  const consent = await fetch(install.headers.get("location"), { dispatcher: proxy, redirect: "manual" });
  const page = await consent.text();
  const form = page.match(/<form[^>]*method="post"[^>]*>([\s\S]*?)<\/form>/i);
  assert.ok(form, `a consent page with a form, got ${consent.status}: ${page.slice(0, 200)}`);
  const fields = new URLSearchParams();
  for (const input of form[1].matchAll(/<input[^>]*>/gi)) {
    const name = input[0].match(/name="([^"]*)"/)?.[1];
    if (name) fields.set(name, (input[0].match(/value="([^"]*)"/)?.[1] ?? "").replaceAll("&amp;", "&"));
  }
  const allow = form[1].match(/<button[^>]*name="([^"]*)"[^>]*value="(allow)"/i);
  if (allow) fields.set(allow[1], allow[2]);
  const action = new URL((form[0].match(/action="([^"]*)"/)?.[1] ?? "").replaceAll("&amp;", "&"), "https://zoom.us/oauth/authorize");
  const granted = await fetch(action, { method: "POST", dispatcher: proxy, redirect: "manual", body: fields });
  const location = new URL(granted.headers.get("location"));
  assert.equal(location.origin + location.pathname, "https://app.example/callback");
  const landed = await fetch(`${own}/callback${location.search}`, { headers: { cookie } });
  assert.equal(landed.status, 200, await landed.text());
  const mine = await client.endpoints.meetings.listMeetings({ path: { userId: "me" }, query: {} });
  assert.equal(mine.statusCode, 200);
});

test("receiver: the challenge is answered and every signed event accepted", async () => {
  const receiver = new MeetingsS2SAuthClient({ ...credentials, webhooksSecretToken: "rivet-secret", port: 0 });
  const seen = [];
  for (const name of ["meeting.started", "meeting.ended", "recording.completed", "recording.transcript_completed"]) {
    receiver.webEventConsumer.event(name, (event) => { seen.push(event); });
  }
  const server = await receiver.start();
  after(() => server.close());
  const url = `http://127.0.0.1:${server.address().port}/zoom/events`;
  const subscription = await control("subscriptions", { url, events: ["*"], secret_token: "rivet-secret" });
  assert.equal(subscription.validated, true, JSON.stringify(subscription));
  const played = await control("live", { topic: "Grüße aus Köln — 会議 \"quoted\" \\ / & <b>", jump: true });
  const transcript = await until("recording.transcript_completed", () => seen.find((e) => e.event === "recording.transcript_completed" && e.payload.object.uuid === played.uuid));
  assert.equal(transcript.payload.object.topic, "Grüße aus Köln — 会議 \"quoted\" \\ / & <b>");
  assert.ok(seen.some((e) => e.event === "meeting.ended"));
  const deliveries = (await control("deliveries")).filter((d) => d.url === url);
  assert.ok(deliveries.length >= 4);
  assert.deepEqual(deliveries.filter((d) => d.state !== "delivered").map((d) => d.event), []);
});
