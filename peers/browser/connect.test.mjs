// A real browser connects an account: through Zoom's consent page, by a link, and again after the grant was withdrawn.
//
// Besides what the console's walk needs, the test command names the simulated account in SIMULATOR_URL and has configured its
// public client, which Zoom leads back to 127.0.0.1.
import assert from "node:assert/strict";
import { test } from "node:test";
import { base, look, lookAtAll, open } from "./walk.mjs";

const zoom = process.env.SIMULATOR_URL;
assert.ok(zoom, "SIMULATOR_URL names the simulated account");

const control = async (path, body = {}) => {
  const answer = await fetch(`${zoom}/_sim/${path}`, { method: "POST", body: JSON.stringify(body) });
  assert.ok(answer.ok, `${path}: ${answer.status}`);
};
const agree = async (page) => {
  await page.waitForURL((url) => url.href.startsWith(zoom));
  await page.getByRole("button", { name: "Allow" }).click();
};
const state = (page) => page.locator(".page-head .badge");

test("connect, lose the grant, connect again", async () => {
  const page = await open("/connections/new");
  await page.getByRole("link", { name: /^Continue to Zoom/ }).first().click();
  await agree(page);
  await page.waitForURL(/\/connections\/[0-9a-f-]+\?did=connected$/);
  await page.getByText("Connected. What it reaches").waitFor();
  assert.match(await state(page).innerText(), /^Works/);
  const here = new URL(page.url()).pathname;
  for (const colorScheme of ["light", "dark"]) {
    for (const size of ["wide", "narrow"]) {
      const one = await open(here, { colorScheme, size });
      await look(one, "connection", { colorScheme, size });
      await one.context().close();
    }
  }

  // The page that is open follows what a check elsewhere finds.
  await page.goto(base + here);
  await page.getByText("Live.").waitFor({ state: "attached" });
  await control("deauthorize", { client_id: "simulator-user" });
  const elsewhere = await open(here);
  await elsewhere.getByRole("button", { name: "Check now" }).click();
  await elsewhere.waitForURL(/did=checked/);
  await elsewhere.context().close();
  await page.locator(".page-head .badge", { hasText: "Needs reconnect" }).waitFor({ timeout: 15_000 });
  await page.getByText("Somebody has to connect it again").waitFor();
  for (const colorScheme of ["light", "dark"]) {
    for (const size of ["wide", "narrow"]) {
      const one = await open(here, { colorScheme, size });
      await look(one, "connection-broken", { colorScheme, size });
      await one.context().close();
    }
  }
  await lookAtAll({ connections: "/connections", "connection-remove": `${here}/remove` });

  await page.getByRole("link", { name: "Connect again" }).click();
  await agree(page);
  await page.waitForURL(/did=reconnected$/);
  assert.equal(new URL(page.url()).pathname, here, "it keeps its id");
  assert.match(await state(page).innerText(), /^Works/);
  await page.context().close();
});

test("a link: made, opened by somebody else, used once", async () => {
  const operator = await open("/connections/new");
  await operator.getByLabel("Who is it for?").fill("Ana Souza");
  await operator.getByRole("button", { name: "Make the link" }).click();
  const field = operator.getByRole("textbox", { name: "The link", exact: true });
  const link = new URL(await field.inputValue());
  await look(operator, "connection-link-made");
  const path = link.pathname;
  await lookAtAll({ "connect-link": path });

  const guest = await open(path);
  await guest.getByText("Made for Ana Souza").or(guest.getByText("made for Ana Souza")).waitFor();
  await guest.keyboard.press("Tab");
  await guest.getByRole("link", { name: "Continue to Zoom" }).focus();
  await guest.keyboard.press("Enter");
  await agree(guest);
  await guest.getByRole("heading", { name: /^Connected/ }).waitFor();
  await look(guest, "connected");
  await guest.context().close();
  await lookAtAll({ "connect-link-used": path }, { status: 410 });
  await operator.goto(`${base}/connections`);
  await operator.getByText("somebody connected through it").first().waitFor();
  await operator.context().close();
});

test("consent is denied: the page says so and leads on", async () => {
  const page = await open("/connections/new", { failing: [403] });
  await page.getByRole("link", { name: /^Continue to Zoom/ }).first().click();
  await page.waitForURL((url) => url.href.startsWith(zoom));
  await page.getByRole("button", { name: "Decline" }).click();
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.getByText("consent_denied").waitFor();
  await look(page, "consent-denied");
  await page.context().close();
});

test("pages that stand still: nothing serious for axe, pictures", async () => {
  await lookAtAll({ "connection-new": "/connections/new" });
  await lookAtAll({ "login-forged": "/oauth/zoom/callback?code=x&state=forged" }, { status: 400 });
  await lookAtAll({ "connect-link-unknown": "/connect/nothing" }, { status: 404 });
});

test("a wrong secret is told beside the form, and the keyboard gets everywhere", async () => {
  const page = await open("/connections/new", { failing: [422] });
  await page.getByLabel("Account id").focus();
  await page.keyboard.type("simulator");
  await page.keyboard.press("Tab");
  await page.keyboard.type("simulator");
  await page.keyboard.press("Tab");
  await page.keyboard.type("a wrong secret");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByLabel("Account id").inputValue(), "simulator");
  assert.equal(await page.getByLabel("Client secret").inputValue(), "");
  await look(page, "connection-refused");
  await page.context().close();
});
