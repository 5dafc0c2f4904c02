// A real browser walks the rooms of destinations: sees how they do, previews a mapping with real people and with a mistake in it,
// asks why somebody is not on a list, makes good what a dead delivery lacked and sends it once more.
//
// The test command adds `newsletter` (the double of Brevo, with guests.yaml) and `crm` (an endpoint that is not there).
import assert from "node:assert/strict";
import { test } from "node:test";
import { base, look, lookAtAll, open } from "./walk.mjs";

const simulator = process.env.SIMULATOR_URL;

// Asks for a page until it shows what is waited for; every state comes by itself, however slow the machine is.
const until = async (page, path, locator) => {
  for (let tries = 0; ; tries += 1) {
    await page.goto(base + path);
    if (await locator.count() > 0) return;
    assert.ok(tries < 300, `${path} never shows ${locator}`);
    await page.waitForTimeout(200);
  }
};

// The first dead mail: Brevo does not have its template.
const deadMail = async (page) => {
  const mail = page.locator('tr:has(form[action="/deliveries/retry"]) a[href^="/deliveries/"]').filter({ hasText: /^mail$/ });
  await until(page, "/deliveries?show=dead&destination=newsletter", mail.first());
  return mail.first();
};

const guest = async (page) => {
  await until(page, "/people?find=pugh", page.locator('main td a[href^="/people/"]'));
  return page.locator('main td a[href^="/people/"]').first().getAttribute("href");
};

test("every page of the rooms: nothing serious for axe, no sideways scrolling, a picture of each", async () => {
  const page = await open("/destinations");
  const delivery = await (await deadMail(page)).getAttribute("href");
  const person = await guest(page);
  await page.context().close();
  await lookAtAll({ destinations: "/destinations", destination: "/destinations/newsletter", "destination-hook": "/destinations/crm",
    "destination-preview": "/destinations/newsletter/preview?person=gareth.pugh@valleybakes.example", deliveries: "/deliveries",
    "deliveries-none": "/deliveries?show=dropped&key=xyzzy", delivery, people: "/people", "people-nobody": "/people?find=xyzzy", person });
});

test("a mapping is previewed with a real person, and a mistake in one that is tried is told with its line", async () => {
  const page = await open("/destinations/newsletter");
  await page.getByRole("link", { name: "Preview with real people" }).click();
  await page.waitForURL(/\/preview$/);
  await page.getByLabel("Person").fill("gareth.pugh@valleybakes.example");
  await page.getByRole("button", { name: "Preview" }).click();
  const fields = page.getByRole("region", { name: "Fields of gareth.pugh@valleybakes.example" });
  await fields.waitFor();
  const attended = fields.getByRole("row").filter({ hasText: "ZOOM_MEETINGS_ATTENDED" });
  assert.match(await attended.innerText(), /2(\.0)?\s+\{person\.attended\}/);
  assert.match(await page.locator("main").innerText(), /list Zoom \| Newsletter: the person did not say yes/);
  await page.locator("summary").filter({ hasText: "Try another mapping" }).click();
  const mapping = page.getByLabel("Mapping", { exact: true });
  const held = await mapping.inputValue();
  await mapping.fill(held.replace("{person.attended}", "{person.atended}"));
  await page.getByRole("button", { name: "Preview" }).click();
  const alert = page.getByRole("alert");
  await alert.waitFor();
  const line = held.split("\n").findIndex((text) => text.includes("{person.attended}")) + 1;
  assert.ok((await alert.innerText()).includes(`line ${line} `), await alert.innerText());
  await look(page, "destination-preview-mistake");
  await page.context().close();
});

test("a person's page says why they are not on a list", async () => {
  const page = await open("/people?find=pugh");
  await page.locator('main td a[href^="/people/"]').first().click();
  await page.getByLabel("Of what").fill("newsletter");
  await page.getByRole("button", { name: "Ask" }).click();
  await page.waitForURL(/what=newsletter/);
  const missing = page.getByRole("region", { name: "Not at newsletter" });
  const text = await missing.innerText();
  assert.match(text, /Zoom \| Newsletter/);
  assert.match(text, /did not say yes/);
  assert.equal(await missing.locator("tbody tr").count(), 1);
  // They say yes: then it is only that it was before the destination, and a backfill brings it there.
  await page.getByRole("radio", { name: "Yes" }).check();
  await page.getByLabel("Who or what says so").fill("asked at the workshop");
  await page.getByRole("button", { name: "Write it down" }).click();
  await page.getByRole("status").filter({ hasText: "Written down" }).waitFor();
  const path = `${new URL(page.url()).pathname}?what=newsletter`;
  await page.goto(base + path);
  assert.match(await missing.innerText(), /it happened before/);
  await page.goto(`${base}/destinations/newsletter`);
  await page.getByLabel("Since").fill("2026-01-01");
  await page.getByLabel("Only").fill("membership");
  await page.getByRole("button", { name: "Begin" }).click();
  await page.getByRole("status").filter({ hasText: "Begun" }).waitFor();
  assert.match(await page.getByRole("region", { name: "Table of streams" }).innerText(), /only membership/);
  await until(page, path, page.getByRole("region", { name: "At newsletter", exact: true }).locator("tr").filter({ hasText: "Zoom | Newsletter" }));
  await page.context().close();
});

test("a dead delivery says what was sent, what came back and what to do, and arrives once that is done", async () => {
  const page = await open("/destinations");
  await (await deadMail(page)).click();
  await page.waitForURL(/\/deliveries\/.+/);
  const address = new URL(page.url()).pathname;
  const text = await page.locator("main").innerText();
  assert.match(text, /Template 2 does not exist/);
  assert.match(text, /"template": 2/);
  assert.match(text, /line 2[0-9]/);
  const answer = await fetch(`${simulator}/_sim/brevo`, { method: "POST", headers: { "content-type": "application/json" },
    body: JSON.stringify({ template: { id: 2, name: "We missed you" } }) });
  assert.ok(answer.ok, await answer.text());
  await page.getByRole("button", { name: "Send once more" }).click();
  await page.getByRole("status").filter({ hasText: "will be sent once more" }).waitFor();
  await until(page, address, page.locator(".page-head .badge.ok"));
  await look(page, "delivery-arrived");
  await page.context().close();
});

test("all dead deliveries are sent once more at once", async () => {
  const page = await open("/deliveries?show=dead&destination=newsletter");
  const all = page.getByRole("button", { name: "Retry all of newsletter" });
  if (await all.count() > 0) {
    await all.click();
    await page.getByRole("status").filter({ hasText: "once more" }).waitFor();
  }
  await until(page, "/deliveries?show=dead&destination=newsletter", page.getByRole("heading", { name: "Nothing is dead" }));
  await page.context().close();
});

test("a destination is tested, paused and switched", async () => {
  const page = await open("/destinations/newsletter");
  await page.getByRole("button", { name: "Test" }).click();
  await page.getByText("It works.").waitFor();
  await page.goto(`${base}/destinations/newsletter`);
  await page.getByRole("button", { name: "Pause: live" }).click();
  await page.getByRole("status").filter({ hasText: "Paused" }).waitFor();
  await page.getByRole("button", { name: "Let go on: live" }).click();
  await page.getByRole("status").filter({ hasText: "It goes on" }).waitFor();
  await page.getByRole("button", { name: "Switch off" }).click();
  await page.getByRole("status").filter({ hasText: "Switched off" }).waitFor();
  await page.getByRole("button", { name: "Switch on" }).click();
  await page.getByRole("status").filter({ hasText: "Switched on" }).waitFor();
  await page.context().close();
});
