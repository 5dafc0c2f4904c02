// A real browser opens the panel as inside Zoom's client: the simulator's window, its consent, a live meeting, a token that is
// over, a permission that is taken back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { base, look, open } from "./walk.mjs";

const zoom = process.env.SIMULATOR_URL;
assert.ok(zoom, "SIMULATOR_URL names the simulated account");
const client = "simulator-user";

const control = async (path, body = {}) => {
  const answer = await fetch(`${zoom}/_sim/${path}`, { method: "POST", body: JSON.stringify(body) });
  assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
};
const signIn = async (page) => {
  await page.getByRole("button", { name: "Sign in with Zoom" }).click();
  await page.waitForURL((url) => url.href.startsWith(zoom));
  await page.getByRole("button", { name: "Allow" }).click();
  await page.getByRole("heading", { name: "In the meeting" }).waitFor();
};

test("the panel: sign in, a live meeting, notes, settings, a follow-up, and a permission that is taken back", async () => {
  await control("zoomapp", { client_id: client, home_url: `${base}/zoomapp` });
  await control("subscriptions", { url: `${base}/webhooks/zoom`, events: ["*"], app: client });
  // Whoever is in Zoom's client may have connected in a test before this one.
  await control("deauthorize", { client_id: client });
  const page = await open("/zoomapp", { size: "narrow", failing: [401] });
  await page.getByRole("link", { name: "Open Zoom’s client" }).waitFor();
  await look(page, "panel-closed", { size: "narrow" });
  await page.getByRole("link", { name: "Open Zoom’s client" }).click();
  await page.getByRole("button", { name: "Start a meeting" }).click();
  const enter = page.getByRole("button", { name: "Open the app in the meeting" });
  while (!await enter.isVisible()) await page.reload();
  await enter.click();
  await page.getByRole("button", { name: "Sign in with Zoom" }).waitFor();
  await look(page, "panel-sign-in", { size: "narrow" });
  await signIn(page);
  await page.getByText("Live.", { exact: true }).waitFor();
  // They come in one after the other; nothing is reloaded by hand.
  await page.locator("section", { has: page.locator("#inside") }).locator("li").nth(2).waitFor({ timeout: 60_000 });
  const box = page.getByRole("checkbox", { name: "Mute people as they come in" });
  await box.and(page.locator(":enabled")).waitFor();
  await look(page, "panel-live", { size: "narrow" });
  await page.emulateMedia({ colorScheme: "dark" });
  await look(page, "panel-live", { size: "narrow", colorScheme: "dark" });
  await page.emulateMedia({ colorScheme: "light" });

  await page.getByLabel("Notes of this meeting").fill("Ask about <b>budget</b>");
  await page.getByText("Kept.").waitFor();
  // The token is over meanwhile; nobody notices.
  await control("faults", { kind: "expired_token", times: 1 });
  await box.focus();
  await page.keyboard.press("Space");
  await page.getByText("Changed.").waitFor();
  await page.getByLabel("Topic").fill("One more thing");
  await page.getByRole("button", { name: "Schedule" }).click();
  await page.getByText("Scheduled: One more thing.").waitFor();

  await control("deauthorize", { client_id: client, silent: true });
  await box.focus();
  await page.keyboard.press("Space");
  await page.getByRole("button", { name: "Sign in with Zoom" }).waitFor({ timeout: 30_000 });
  await signIn(page);
  assert.equal(await page.getByLabel("Notes of this meeting").inputValue(), "Ask about <b>budget</b>");
  const cookies = await page.context().cookies(base);
  const cookie = cookies.find(({ name }) => name === "parfocal_zoomapp");
  assert.ok(cookie.httpOnly && cookie.secure, JSON.stringify(cookie));
  await page.context().close();
});
