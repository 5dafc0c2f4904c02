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

// Most bytes that a page and what it loads may have, and how much may move while it appears (0.1 counts as good).
const heaviest = 150 * 1024;
const shifts = 0.1;

let browser;
const trouble = [];
const measured = new Map();

// Counts what moves from the first moment on, other than after somebody's doing.
const watch = () => {
  globalThis.moved = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) globalThis.moved += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
};

// What a page weighs as it was loaded, how much of it moved, and when the first of it was seen, in milliseconds.
const measure = (page) => page.evaluate(() => {
  const loaded = performance.getEntriesByType("resource").filter(({ initiatorType }) => ["link", "script", "img", "css"].includes(initiatorType));
  const all = [...performance.getEntriesByType("navigation"), ...loaded];
  const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
  return { bytes: all.reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0), moved: globalThis.moved ?? 0, paint: Math.round(paint) };
});

before(async () => {
  mkdirSync(shots, { recursive: true });
  browser = await chromium.launch({ executablePath, args: quiet });
});
after(async () => {
  await browser?.close();
  for (const [name, { bytes, moved, paint }] of measured) {
    console.log(`${name}: ${(bytes / 1024).toFixed(1)} KiB, moved ${moved.toFixed(3)}, first seen after ${paint} ms`);
  }
  assert.deepEqual(trouble, [], "dialogs, script errors or failed requests");
});

// Opens a page in a browser of its own; `status` is what the server has to answer with, `failing` what later pages may.
export const open = async (path, { size = "wide", colorScheme = "light", status = 200, failing = [], at = base } = {}) => {
  const context = await browser.newContext({ viewport: sizes[size], colorScheme, reducedMotion: "reduce" });
  await context.addInitScript(watch);
  const page = await context.newPage();
  page.on("dialog", (dialog) => { trouble.push(`dialog: ${dialog.message()}`); return dialog.dismiss(); });
  page.on("pageerror", (error) => trouble.push(`${path}: ${error.message}`));
  page.on("console", (message) => {
    // A page that answers with an expected failure is told by Chromium as a failed resource.
    const expected = [status, ...failing].some((one) => one >= 400 && message.text().includes(`status of ${one}`));
    if (message.type() === "error" && !expected) trouble.push(`${path}: ${message.text()}`);
  });
  const answer = await page.goto(at + path);
  assert.equal(answer.status(), status, path);
  return page;
};

// A page as it was just loaded: light enough, and nothing in it moves while it appears.
const weigh = async (page, name, size) => {
  await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
  const { bytes, moved, paint } = await measure(page);
  const known = measured.get(name);
  measured.set(name, { bytes, moved: Math.max(moved, known?.moved ?? 0), paint: Math.min(paint, known?.paint ?? paint) });
  assert.ok(bytes <= heaviest, `${name} weighs ${bytes} bytes`);
  assert.ok(moved <= shifts, `${name} ${size}: what is shown moves while it appears (${moved})`);
  // How soon it is seen says more about the machine than about the page; the least of four is printed at the end.
  assert.ok(paint < 10_000, `${name} is first seen after ${paint} ms`);
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
export const lookAtAll = async (pages, { status = 200, at = base } = {}) => {
  const looks = Object.entries(pages).flatMap(([name, path]) => ["light", "dark"].flatMap((colorScheme) =>
    Object.keys(sizes).map((size) => ({ name, path, colorScheme, size }))));
  // Two at a time: the browser draws one while the server makes the other.
  const lookOn = async () => {
    for (let one = looks.shift(); one; one = looks.shift()) {
      const { name, path, colorScheme, size } = one;
      const page = await open(path, { size, colorScheme, status, at });
      await weigh(page, name, size);
      await look(page, name, { colorScheme, size, fullPage: name !== "meeting" });
      await page.context().close();
    }
  };
  await Promise.all([lookOn(), lookOn()]);
};
