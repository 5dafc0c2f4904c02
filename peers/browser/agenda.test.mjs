// A real browser schedules a meeting: who is busy is told before anything is made; the week shows it; it is moved and called off.
//
// Runs before the walks that lose connections. Every step waits for what the page says, never for time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { base, look, lookAtAll, open, sizes } from "./walk.mjs";

const people = { host: "ingrid@brightwater.example", guest: "tobias@brightwater.example" };
const day = "2030-01-08";
const week = `/schedule?day=${day}&zone=Europe/Berlin`;

const fill = async (page, title, time) => {
  await page.goto(`${base}/schedule/new?zone=Europe/Berlin`);
  await page.getByLabel("Title").fill(title);
  await page.getByLabel("Start").fill(`${day}T${time}`);
  await page.getByLabel("Who has to come").fill(people.guest);
  await page.getByText("Host, calendar, reminder, description").click();
  await page.getByLabel("Host", { exact: true }).fill(people.host);
};

test("a meeting is looked at, made, moved and called off", async () => {
  const page = await open("/schedule");
  await page.getByRole("link", { name: "Schedule", exact: true }).first().waitFor();
  await fill(page, "Planning by hand", "10:00");
  await page.getByRole("button", { name: "See who is busy" }).click();
  await page.locator("#preview").getByText("Tue 8 Jan 10:00–10:30").waitFor();
  await page.getByRole("button", { name: "Schedule", exact: true }).click();
  await page.waitForURL(/\/schedule\/[0-9a-f-]{36}/);
  await page.getByRole("heading", { name: "Planning by hand" }).waitFor();
  const address = new URL(page.url()).pathname;

  // A second one at the same time is refused, and says why.
  await fill(page, "Too late", "10:15");
  await page.getByRole("button", { name: "Schedule", exact: true }).click();
  await page.getByRole("alert").filter({ hasText: "is busy" }).waitFor();
  await page.locator("#preview").getByText("Planning by hand").first().waitFor();

  for (const colorScheme of ["light", "dark"]) {
    for (const size of Object.keys(sizes)) {
      for (const [name, path] of Object.entries({ "schedule-week": `${week}&with=${people.guest}&minutes=30`, "schedule-one": address })) {
        const other = await open(path, { size, colorScheme });
        await look(other, name, { colorScheme, size });
        await other.context().close();
      }
    }
  }

  // The keyboard reaches the meeting in the grid.
  await page.goto(base + week);
  const event = page.locator("a.event").filter({ hasText: "Planning by hand" }).first();
  await event.focus();
  await page.keyboard.press("Enter");
  await page.waitForURL((url) => url.pathname === address);

  await page.getByLabel(/^New start/).fill(`${day}T15:00`);
  await page.getByRole("button", { name: "Move", exact: true }).click();
  await page.getByRole("status").filter({ hasText: "Moved" }).waitFor();
  await page.goto(base + week);
  await page.locator("a.event").filter({ hasText: "15:00 Planning by hand" }).first().waitFor();

  await page.goto(base + address);
  const off = page.getByRole("button", { name: "Call off" });
  await off.click();
  assert.equal(new URL(page.url()).pathname, address, "nothing is called off without the tick");
  await page.getByLabel("Yes, call it off").check();
  await off.click();
  await page.getByRole("status").filter({ hasText: "Called off" }).waitFor();
  await page.goto(base + week);
  assert.equal(await page.locator("a.event").filter({ hasText: "Planning by hand" }).count(), 0);
  await page.context().close();
});

test("the form and the mails", async () => {
  await lookAtAll({ "schedule-new": "/schedule/new", mail: "/mail" });
});
