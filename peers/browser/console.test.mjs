// A real browser walks the console of a running server: filter, search, open a meeting, retry a dead letter.
//
// The test command starts a simulated account with a hostile meeting among its recordings and one call that fails, takes
// it in, and sets CONSOLE_URL. Screenshots of every page, light and dark, wide and narrow, go to SHOTS.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { base, lookAtAll, open, shots } from "./walk.mjs";

const aMeeting = async () => {
  const page = await open("/meetings?with=transcript");
  const href = await page.locator('main a[href^="/meetings/"]').first().getAttribute("href");
  await page.context().close();
  return href;
};

test("every page: nothing serious for axe, no sideways scrolling, a picture of each", async () => {
  const pages = { overview: "/", meetings: "/meetings", month: "/meetings?view=month&zone=Europe%2FBerlin", meeting: await aMeeting(), search: "/search?q=budget", "search-empty": "/search",
    "search-nothing": "/search?q=xyzzy", actions: "/actions", "actions-done": "/actions?show=done", jobs: "/jobs", "jobs-dead": "/jobs?show=dead", "meetings-nothing": "/meetings?topic=xyzzy" };
  await lookAtAll(pages);
});

test("meetings are filtered", async () => {
  const page = await open("/meetings");
  const rows = page.locator('main a[href^="/meetings/"]');
  const all = await rows.count();
  const word = (await rows.first().innerText()).split(/\s+/)[0];
  await page.getByLabel("Topic").fill(word);
  await page.getByRole("button", { name: "Filter" }).click();
  await page.waitForURL(/topic=/);
  const some = await rows.count();
  assert.ok(some > 0 && some <= all, `${some} of ${all}`);
  for (const text of await rows.allInnerTexts()) assert.ok(text.toLowerCase().includes(word.toLowerCase()), text);
  await page.getByRole("link", { name: "Clear" }).click();
  await page.waitForURL((url) => !url.search);
  await page.context().close();
});

test("search answers while one types, and a hit opens the meeting at its words", async () => {
  const page = await open("/search");
  await page.getByRole("searchbox").pressSequentially("budg*", { delay: 40 });
  // On a slow machine the answers to "b" and "bu" come before; the address changes once the words shown are answered.
  await page.waitForURL((url) => url.searchParams.get("q") === "budg*");
  await page.locator("#results mark").first().waitFor();
  // A title that matches leads to its meeting; words of the talk lead to their place in it.
  const hit = page.locator('#results a[href^="/meetings/"][href*="#c-"]').first();
  const href = await hit.getAttribute("href");
  await hit.click();
  await page.waitForURL(/\/meetings\/.+#c-/);
  const anchor = page.locator(`[id="${href.split("#")[1]}"]`);
  await anchor.waitFor();
  assert.match((await anchor.innerText()).toLowerCase(), /budg/);
  await page.context().close();
});

test("an insight leads to its place in the talk, and the keyboard opens the minutes", async () => {
  const page = await open(await aMeeting());
  const first = page.locator(".statements a.at").first();
  const href = await first.getAttribute("href");
  await first.click();
  const place = page.locator(`[id="${href.slice(1)}"]`);
  await place.waitFor();
  assert.ok(await place.evaluate((element) => element.matches(":target")), `${href} is not the place shown`);
  const menu = page.locator("details.menu").first();
  await menu.locator("summary").focus();
  await page.keyboard.press("Enter");
  const minutes = page.getByRole("link", { name: "Word document" });
  await minutes.waitFor();
  await page.screenshot({ path: join(shots, "meeting-menu-light-wide.png") });
  const [file] = await Promise.all([page.waitForEvent("download"), minutes.click()]);
  assert.match(file.suggestedFilename(), /\.docx$/);
  assert.ok(await page.locator("svg.bar-line rect.value").count() > 0, "no chart of talk times");
  await page.emulateMedia({ media: "print" });
  await page.screenshot({ path: join(shots, "meeting-print.png"), fullPage: true });
  await page.context().close();
});

test("something to be done is marked as done and taken back", async () => {
  const page = await open("/actions");
  const done = page.getByRole("button", { name: /^Mark as done: / });
  const before = await done.count();
  assert.ok(before > 0, "nothing is to be done");
  const name = (await done.first().getAttribute("aria-label")).replace("Mark as done: ", "");
  await done.first().click();
  await page.getByRole("status").filter({ hasText: "Marked as done" }).waitFor();
  await page.goto(`${base}/actions?show=done`);
  await page.getByRole("button", { name: `Reopen: ${name}` }).first().click();
  await page.getByRole("status").filter({ hasText: "To be done again" }).waitFor();
  assert.equal(await done.count(), before);
  await page.context().close();
});

test("the keyboard reaches the search and the content", async () => {
  const page = await open("/meetings");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("href")), "#main");
  await page.locator("h1").click();
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("name")), "q");
  await page.context().close();
});

test("a dead letter is retried", async () => {
  const page = await open("/jobs?show=dead");
  const retry = page.getByRole("button", { name: /^Retry .* now$/ });
  const dead = await retry.count();
  assert.ok(dead > 0, "no dead letter to retry");
  await page.screenshot({ path: join(shots, "jobs-dead-light-wide.png"), fullPage: true });
  await retry.first().click();
  await page.locator(".notice.good").waitFor();
  await page.screenshot({ path: join(shots, "jobs-retried-light-wide.png"), fullPage: true });
  for (let tries = 0; ; tries += 1) {
    await page.goto(`${base}/jobs?show=dead`);
    if ((await retry.count()) < dead) break;
    assert.ok(tries < 100, "the job stays dead");
    await page.waitForTimeout(100);
  }
  await page.context().close();
});

test("hostile topics, names and talk stay text", async () => {
  const page = await open("/search?q=" + encodeURIComponent('"quite harmless"'));
  await page.locator('#results a[href^="/meetings/"]').first().click();
  await page.waitForURL(/\/meetings\//);
  const text = await page.locator("main").innerText();
  assert.ok(text.includes("<script>alert(2)</script>"), text);
  assert.ok(text.includes("<img src=x onerror=alert(1)>"), text);
  assert.equal(await page.locator("main script, main img").count(), 0);
  await page.screenshot({ path: join(shots, "hostile-light-wide.png") });
  await page.context().close();
});
