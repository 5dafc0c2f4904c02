// A real browser at the desk: a recording is fetched and plays beside its transcript, users, settings.
import assert from "node:assert/strict";
import { test } from "node:test";
import { look, lookAtAll, open, sizes } from "./walk.mjs";

// A console of an account whose recordings lie at Zoom.
const at = process.env.RECORDED_URL;
assert.ok(at, "RECORDED_URL names that console");

// A meeting with a transcript and a summary whose recording lies at Zoom.
const recorded = async () => {
  const page = await open("/meetings?with=recording", { at });
  const hrefs = await page.locator('main a[href^="/meetings/"]').evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  await page.context().close();
  for (const href of hrefs) {
    const page = await open(href, { at });
    const found = await page.locator(".talk li").count() > 5 && await page.locator(".statements a.at").count() > 0
      && await page.getByRole("button", { name: /^Fetch the video/ }).count() === 1;
    await page.context().close();
    if (found) return href;
  }
  throw new Error("no meeting with a transcript and a recording at Zoom");
};

test("a recording is fetched, plays, and its transcript follows", async () => {
  const href = await recorded();
  let page = await open(href, { at });
  await look(page, "meeting-to-fetch", { fullPage: false });
  await page.getByRole("button", { name: /^Fetch the video/ }).click();
  // The page puts the player in its place when the file is there.
  const screen = page.locator("#player[data-started] video");
  await screen.waitFor({ timeout: 60_000 });
  await page.waitForFunction(() => document.querySelector("#player video").readyState >= 1);
  assert.ok(await screen.evaluate((video) => video.duration > 10 && video.error === null));
  await page.context().close();

  page = await open(href, { at });
  await page.waitForFunction(() => document.querySelector("#player[data-started] video")?.readyState >= 1);
  // People interrupt each other: a line that begins well before the next, and well behind the one before it.
  const begins = await page.locator("#player .talk li").evaluateAll((lines) => lines.map((line) => Number(line.dataset.ms)));
  const n = begins.findIndex((_, place) => place > 0 && [place, place + 1, place + 2].every((next) => begins[next] > begins[next - 1] + 200));
  assert.ok(n > 0, `everybody interrupts: ${begins}`);
  const line = page.locator("#player .talk li").nth(n);
  const marked = (line) => page.waitForFunction((line) => document.querySelectorAll("#player .talk li")[line].getAttribute("aria-current") === "true", line);
  await line.locator("a.at").click();
  await marked(n);
  const now = await page.locator("#player video").evaluate((video) => video.currentTime);
  assert.ok(Math.abs(now - begins[n] / 1000) < 0.1, `${now} is not ${begins[n]} ms`);
  // The focus is on the line's time: keys work there.
  await page.keyboard.press("n");
  await marked(n + 1);
  await page.keyboard.press("p");
  await marked(n);
  await page.keyboard.press("k");
  await page.waitForFunction(() => !document.querySelector("#player video").paused);
  await page.keyboard.press("k");
  await page.waitForFunction(() => document.querySelector("#player video").paused);
  // A statement of the summary leads there, too.
  const said = page.locator(".statements a.at").last();
  const target = (await said.getAttribute("href")).slice(1);
  await said.click();
  await page.waitForFunction((id) => document.getElementById(id).getAttribute("aria-current") === "true", target);
  await page.context().close();

  for (const colorScheme of ["light", "dark"]) {
    for (const size of Object.keys(sizes)) {
      page = await open(href, { at, size, colorScheme });
      await page.waitForFunction(() => document.querySelector("#player[data-started] video")?.readyState >= 1);
      await page.locator("#player .talk a.at").nth(2).click();
      await page.locator("#player .talk li[aria-current]").waitFor();
      await look(page, "meeting-player", { colorScheme, size, fullPage: false });
      await page.context().close();
    }
  }
});

test("users are filtered, and one has a page; settings tell no secret", async () => {
  let page = await open("/users");
  const rows = page.locator('main a[href^="/users/"]');
  const all = await rows.count();
  assert.ok(all > 1, "no users");
  const name = await rows.first().innerText();
  const href = await rows.first().getAttribute("href");
  await page.getByLabel("Name or address").fill(name);
  await page.getByRole("button", { name: "Filter" }).click();
  await page.waitForURL(/q=/);
  assert.ok(await rows.count() >= 1 && await rows.count() < all, `${await rows.count()} of ${all}`);
  await page.context().close();
  await lookAtAll({ users: "/users", user: href, settings: "/settings" });
  page = await open("/settings?q=secret");
  const said = await page.locator("main").innerText();
  assert.ok(said.includes("ZOOM_S2S_CLIENT_SECRET") && !said.includes("simulator-webhook-secret"), said);
  await page.context().close();
});
