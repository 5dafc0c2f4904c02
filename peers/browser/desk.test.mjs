// A real browser at the desk: a recording is fetched and plays beside its transcript, users, settings.
import assert from "node:assert/strict";
import { test } from "node:test";
import { look, lookAtAll, open, sizes } from "./walk.mjs";

// A meeting with a transcript whose recording lies at Zoom.
const recorded = async () => {
  const page = await open("/meetings?with=recording");
  const hrefs = await page.locator('main a[href^="/meetings/"]').evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  await page.context().close();
  for (const href of hrefs) {
    const page = await open(href);
    const found = await page.locator(".talk li").count() > 5 && await page.getByRole("button", { name: /^Fetch the video/ }).count() === 1;
    await page.context().close();
    if (found) return href;
  }
  throw new Error("no meeting with a transcript and a recording at Zoom");
};

test("a recording is fetched, plays, and its transcript follows", async () => {
  const href = await recorded();
  let page = await open(href);
  await look(page, "meeting-to-fetch", { fullPage: false });
  await page.getByRole("button", { name: /^Fetch the video/ }).click();
  // The page puts the player in its place when the file is there.
  const screen = page.locator("#player[data-started] video");
  await screen.waitFor({ timeout: 60_000 });
  await page.waitForFunction(() => document.querySelector("#player video").readyState >= 1);
  assert.ok(await screen.evaluate((video) => video.duration > 10 && video.error === null));
  await page.context().close();

  page = await open(href);
  await page.waitForFunction(() => document.querySelector("#player[data-started] video")?.readyState >= 1);
  const line = page.locator("#player .talk li").nth(3);
  await line.locator("a.at").click();
  await page.waitForFunction(() => document.querySelectorAll("#player .talk li")[3].getAttribute("aria-current") === "true");
  const at = Number(await line.getAttribute("data-ms")) / 1000;
  const now = () => page.locator("#player video").evaluate((video) => video.currentTime);
  assert.ok(Math.abs(await now() - at) < 0.1, `${await now()} is not ${at}`);
  // The focus is on the line's time: keys work there.
  await page.keyboard.press("n");
  await page.waitForFunction(() => document.querySelectorAll("#player .talk li")[4].getAttribute("aria-current") === "true");
  await page.keyboard.press("p");
  await page.waitForFunction(() => document.querySelectorAll("#player .talk li")[3].getAttribute("aria-current") === "true");
  await page.keyboard.press("k");
  await page.waitForFunction((from) => document.querySelector("#player video").currentTime > from + 0.2, at);
  await page.keyboard.press("k");
  await page.waitForFunction(() => document.querySelector("#player video").paused);
  const chapter = page.locator("#player [data-chapter]").last();
  await chapter.click();
  await page.waitForFunction(() => [...document.querySelectorAll("#player [data-chapter]")].at(-1).getAttribute("aria-current") === "true");
  await page.context().close();

  for (const colorScheme of ["light", "dark"]) {
    for (const size of Object.keys(sizes)) {
      page = await open(href, { size, colorScheme });
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
  await lookAtAll({ users: "/users", "users-nothing": "/users?q=xyzzy", user: href, settings: "/settings", "settings-given": "/settings?show=given" });
  page = await open("/settings?q=secret");
  const said = await page.locator("main").innerText();
  assert.ok(said.includes("ZOOM_S2S_CLIENT_SECRET") && !said.includes("simulator-webhook-secret"), said);
  await page.context().close();
});
