// An identity provider that nobody here wrote (oidc-provider, certified) and a real browser: in, as somebody a list names, back to the
// page they wanted, out again; and somebody whom no list names.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Provider from "oidc-provider";
import { look, lookAtAll, open } from "./walk.mjs";

const issuer = process.env.ISSUER;
const console_ = process.env.SIGNIN_URL;
assert.ok(issuer && console_, "ISSUER and SIGNIN_URL name the provider and a console that asks it");

let server;
before(async () => {
  const provider = new Provider(issuer, {
    clients: [{
      client_id: "parfocal", client_secret: "a secret: of/the?client", redirect_uris: [`${console_}/login/oidc/callback`],
      response_types: ["code"], grant_types: ["authorization_code"],
    }],
    // Claims of scopes stand in the user info, not in the token, as the specification has it.
    claims: { email: ["email", "email_verified"], profile: ["name", "groups"] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: `${id}@example.org`, email_verified: true, groups: ["x"] }) }),
    pkce: { required: () => true },
    cookies: { keys: ["a key of this test"] },
  });
  server = provider.listen(Number(new URL(issuer).port), "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
});
after(() => { server?.closeAllConnections(); server?.close(); });

const signIn = async (page, name) => {
  // The provider's pages ask for fonts from elsewhere.
  await page.route((url) => url.hostname !== "127.0.0.1", (route) => route.fulfill({ status: 200, body: "" }));
  await page.getByRole("link", { name: "Sign in with Example" }).click();
  await page.waitForURL((url) => url.href.startsWith(issuer));
  await page.locator("[name=login]").fill(name);
  await page.locator("[name=password]").fill("any");
  await page.locator("[type=submit]").click();
  await page.getByRole("button", { name: "Continue" }).click();
};

test("people sign in at a provider and come back to the page they wanted", async () => {
  await lookAtAll({ "sign-in": "/login" }, { at: console_ });
  const page = await open("/components", { at: console_, failing: [403] });
  await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
  await signIn(page, "ana");
  await page.getByRole("heading", { level: 1, name: "Components" }).waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
  await page.goto(`${console_}/audit`);
  await page.getByRole("heading", { name: "Sign in", exact: true }).waitFor();
  await page.context().close();
});

test("whom no list names is told so", async () => {
  const page = await open("/login", { at: console_, failing: [403] });
  await signIn(page, "eve");
  await page.getByText("no list here names them").waitFor();
  await look(page, "sign-in-refused");
  await page.context().close();
});
