// What all walks through the console share: a browser, pages that report their troubles, axe, pictures.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before } from "node:test";
import { AxeBuilder } from "@axe-core/playwright";
import { chromium } from "playwright-core";

export const base = process.env.CONSOLE_URL;
assert.ok(base, "CONSOLE_URL names the console");
export const shots = process.env.SHOTS ?? "shots";
export const sizes = { wide: { width: 1280, height: 900 }, narrow: { width: 390, height: 844 } };
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

let browser;
const trouble = [];

before(async () => {
  mkdirSync(shots, { recursive: true });
  browser = await chromium.launch({ executablePath, args: quiet });
});
after(async () => {
  await browser?.close();
  assert.deepEqual(trouble, [], "dialogs, script errors or failed requests");
});

// Opens a page in a browser of its own; `status` is what the server has to answer with, `failing` what later pages may.
export const open = async (path, { size = "wide", colorScheme = "light", status = 200, failing = [] } = {}) => {
  const context = await browser.newContext({ viewport: sizes[size], colorScheme, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.on("dialog", (dialog) => { trouble.push(`dialog: ${dialog.message()}`); return dialog.dismiss(); });
  page.on("pageerror", (error) => trouble.push(`${path}: ${error.message}`));
  page.on("console", (message) => {
    // A page that answers with an expected failure is told by Chromium as a failed resource.
    const expected = [status, ...failing].some((one) => one >= 400 && message.text().includes(`status of ${one}`));
    if (message.type() === "error" && !expected) trouble.push(`${path}: ${message.text()}`);
  });
  const answer = await page.goto(base + path);
  assert.equal(answer.status(), status, path);
  return page;
};

// Nothing serious for axe, no sideways scrolling, and a picture.
export const look = async (page, name, { colorScheme = "light", size = "wide", fullPage = true } = {}) => {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${name} ${colorScheme} ${size}: ${id} at ${nodes.slice(0, 3).map((node) => node.target.join(" ")).join(", ")}`);
  assert.deepEqual(serious, []);
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(sideways <= 0, `${name} ${size} scrolls sideways by ${sideways} px`);
  await page.screenshot({ path: join(shots, `${name}-${colorScheme}-${size}.png`), fullPage });
};

// Looks at a page in light and dark, wide and narrow.
export const lookAtAll = async (pages, { status = 200 } = {}) => {
  const looks = Object.entries(pages).flatMap(([name, path]) => ["light", "dark"].flatMap((colorScheme) =>
    Object.keys(sizes).map((size) => ({ name, path, colorScheme, size }))));
  // Two at a time: the browser draws one while the server makes the other.
  const lookOn = async () => {
    for (let one = looks.shift(); one; one = looks.shift()) {
      const { name, path, colorScheme, size } = one;
      const page = await open(path, { size, colorScheme, status });
      await look(page, name, { colorScheme, size, fullPage: name !== "meeting" });
      await page.context().close();
    }
  };
  await Promise.all([lookOn(), lookOn()]);
};
