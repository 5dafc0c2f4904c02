// Brevo's own JavaScript SDK, unmodified and with its base URL moved, against the double of `parfocal simulate`.
//
// The test command starts the simulator and sets SIM_URL.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BrevoClient, Brevo, BrevoError } from "@getbrevo/brevo";

const sim = process.env.SIM_URL;
assert.ok(sim, "SIM_URL names the simulator's address");
const client = new BrevoClient({ apiKey: "xkeysib-simulator", baseUrl: `${sim}/brevo/v3`, maxRetries: 0 });

const control = async (path, body) => {
  const answer = await fetch(`${sim}/_sim/${path}`, body
    ? { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }
    : undefined);
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
};

const refused = (status, code) => (error) => {
  assert.ok(error instanceof BrevoError, `${error}`);
  assert.equal(error.statusCode, status);
  assert.equal(error.body.code, code);
  return true;
};

test("the account answers to its key and to no other", async () => {
  assert.equal((await client.account.getAccount()).companyName, "Brightwater");
  const stranger = new BrevoClient({ apiKey: "xkeysib-wrong", baseUrl: `${sim}/brevo/v3`, maxRetries: 0 });
  await assert.rejects(stranger.account.getAccount(), refused(401, "unauthorized"));
});

test("attributes, folders and lists", async () => {
  await client.contacts.createAttribute({ attributeCategory: "normal", attributeName: "ZOOM_TOTAL_MINUTES", type: "float" });
  await client.contacts.createAttribute({ attributeCategory: "category", attributeName: "ZOOM_USER_TYPE", enumeration: [{ value: 1, label: "internal" }, { value: 2, label: "external" }] });
  const { attributes } = await client.contacts.getAttributes();
  const named = Object.fromEntries(attributes.map((one) => [one.name, one]));
  assert.equal(named.ZOOM_TOTAL_MINUTES.type, "float");
  assert.deepEqual(named.ZOOM_USER_TYPE.enumeration.map((one) => one.label), ["internal", "external"]);
  const folder = await client.contacts.createFolder({ name: "Zoom" });
  const list = await client.contacts.createList({ name: "Zoom | Attended", folderId: folder.id });
  assert.equal((await client.contacts.getList({ listId: list.id })).folderId, folder.id);
  assert.equal((await client.contacts.getFolderLists({ folderId: folder.id })).count, 1);
  await assert.rejects(client.contacts.createAttribute({ attributeCategory: "normal", attributeName: "ZOOM_TOTAL_MINUTES", type: "float" }), refused(400, "invalid_parameter"));
});

test("a contact from first sight to its end", async () => {
  const { lists } = await client.contacts.getLists({ limit: 50 });
  const list = lists.find((one) => one.name === "Zoom | Attended");
  const { id } = await client.contacts.createContact({ email: "ada@example.com", ext_id: "parfocal:1", attributes: { FIRSTNAME: "Ada", ZOOM_TOTAL_MINUTES: 42.5, ZOOM_USER_TYPE: "external" }, listIds: [list.id], updateEnabled: true });
  assert.ok(id > 0);
  const again = await client.contacts.createContact({ email: "ada@example.com", attributes: { ZOOM_TOTAL_MINUTES: 43 }, updateEnabled: true });
  assert.equal(again?.id, undefined);
  await assert.rejects(client.contacts.createContact({ email: "ada@example.com" }), refused(400, "duplicate_parameter"));
  const seen = await client.contacts.getContactInfo({ identifier: "parfocal:1", identifierType: "ext_id" });
  assert.deepEqual([seen.email, seen.attributes.ZOOM_TOTAL_MINUTES, seen.attributes.ZOOM_USER_TYPE, seen.listIds], ["ada@example.com", 43, 2, [list.id]]);
  await client.contacts.updateContact({ identifier: id, identifierType: "contact_id", attributes: { LASTNAME: "Byron" }, unlinkListIds: [list.id] });
  const back = await client.contacts.addContactToList({ listId: list.id, body: { emails: ["ada@example.com", "nobody@example.com"] } });
  assert.deepEqual(back.contacts, { success: ["ada@example.com"], failure: ["nobody@example.com"] });
  await client.contacts.updateBatchContacts({ contacts: [{ email: "ada@example.com", attributes: { LASTNAME: "Lovelace" } }] });
  assert.equal((await client.contacts.getContactInfo({ identifier: "ada@example.com" })).attributes.LASTNAME, "Lovelace");
  assert.equal((await client.contacts.getContacts({ limit: 10, listIds: [list.id] })).count, 1);
  await client.contacts.deleteContact({ identifier: "ada@example.com", identifierType: "email_id" });
  await assert.rejects(client.contacts.getContactInfo({ identifier: "ada@example.com" }), Brevo.NotFoundError);
});

test("an import is followed to its end", async () => {
  const { lists } = await client.contacts.getLists({});
  const jsonBody = Array.from({ length: 300 }, (_, n) => ({ email: `guest${n}@example.com`, attributes: { FIRSTNAME: `Guest ${n}` } }));
  const { processId } = await client.contacts.importContacts({ jsonBody, listIds: [lists[0].id], updateExistingContacts: true });
  assert.notEqual((await client.process.getProcess({ processId })).status, "completed");
  await control("clock", { advance_ms: 10_000 });
  const ended = await client.process.getProcess({ processId });
  assert.equal(ended.status, "completed");
  assert.equal(ended.info.import.invalid_emails, null);
  assert.equal((await client.contacts.getContactsFromList({ listId: lists[0].id, limit: 500 })).count, 300);
});

test("events, one by one and in batches", async () => {
  const event = (n) => ({ event_name: "zoom_meeting_attended", event_date: "2026-11-20T10:00:00Z", identifiers: { email_id: `guest${n}@example.com` }, event_properties: { event_id: `${n}`, minutes: 30 } });
  await client.event.createEvent(event(0));
  const all = await client.event.createBatchEvents({ events: [event(1), event(2)] });
  assert.equal(all.count, 2);
  const part = await client.event.createBatchEvents({ events: [event(3), { ...event(4), event_name: "not a name" }] });
  assert.deepEqual([part.successful_events, part.errors[0].eventIndex], [1, [1]]);
  const seen = await client.event.getEvents({ event_name: "zoom_meeting_attended" });
  assert.equal(seen.count, 4);
  await assert.rejects(client.event.createEvent({ event_name: "zoom_x", identifiers: {} }), Brevo.BadRequestError);
});

test("transactional mail is sent once for its key", async () => {
  const mail = { templateId: 1, to: [{ email: "guest1@example.com" }], params: { topic: "Budget" }, headers: { idempotencyKey: "6ba7b810-9dad-41d1-80b4-00c04fd430c8" }, tags: ["zoom"] };
  assert.ok((await client.transactionalEmails.sendTransacEmail(mail)).messageId);
  await assert.rejects(client.transactionalEmails.sendTransacEmail(mail), refused(400, "duplicate_request"));
  await control("brevo", { credits: 0 });
  await assert.rejects(client.transactionalEmails.sendTransacEmail({ ...mail, headers: {} }), refused(402, "not_enough_credits"));
});

test("notes and tasks", async () => {
  const { id } = await client.contacts.getContactInfo({ identifier: "guest1@example.com" });
  const note = await client.notes.createANote({ text: "<p>Came for 30 minutes</p>", contactIds: [id] });
  assert.ok(note.id);
  const kinds = await client.tasks.getAllTaskTypes();
  const task = await client.tasks.createATask({ name: "Send the budget", taskTypeId: kinds[0].id, date: "2026-11-27T09:00:00Z", contactsIds: [id] });
  assert.ok(task.id);
  const seen = await control("brevo");
  assert.deepEqual([seen.counts.notes, seen.counts.tasks], [1, 1]);
});

test("limits are those of the reference and are told in headers", async () => {
  await control("brevo", { limited: true });
  let limited;
  for (let call = 0; call < 11 && !limited; call += 1) {
    await client.contacts.getContacts({ limit: 1 }).catch((error) => { limited = error; });
  }
  assert.equal(limited?.statusCode, 429);
  const headers = limited.rawResponse.headers;
  assert.equal(headers.get("x-sib-ratelimit-limit"), "10");
  assert.ok(Number(headers.get("x-sib-ratelimit-reset")) >= 1);
  assert.equal(headers.get("retry-after"), null);
  await control("brevo", { limited: false });
});

test("what arrived is there once", async () => {
  const seen = await control("brevo");
  assert.equal(seen.counts.contacts, 300);
  assert.equal(seen.counts.joined, 300);
  assert.deepEqual(seen.dropped, []);
  assert.deepEqual(seen.resubscribed, []);
});
