// Drives chromium through the help pages: node browser.mjs FLOW ADDRESS CHROMIUM
// Prints what it saw as JSON. `complaints` are the browser's own: scripts, resources, Content-Security-Policy.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const FLAGS = [
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-gpu",
  "--disable-quic",
  "--disable-sync",
  "--no-first-run",
];

const [flow, address, executablePath] = process.argv.slice(2);

/** Whether our pages are to blame: no page asks for the icon that browsers look for beside an XML answer. */
const isOurs = (complaint) => !complaint.startsWith(`${new URL(address).origin}/favicon.ico:`);

/** Submits the form: what is shown below it, or, without JavaScript, where that leads and what is to be seen there. */
async function answer(page) {
  const response = page.waitForResponse((candidate) => candidate.request().method() === "POST");
  await page.getByRole("button", { name: "Invoke" }).click();
  const sent = await response;
  if (flow === "withoutJavaScript") await page.waitForURL(sent.url());
  const shown = flow === "withoutJavaScript" ? page.locator(":root") : page.locator("#outcome");
  await shown.filter({ hasText: /<root/ }).waitFor(); // the page puts it there once it has all of it
  return { url: page.url(), status: sent.status(), shown: await shown.innerText() };
}

async function logIn(page) {
  await page.goto(address);
  await page.getByRole("link", { name: "AuthenticateUser", exact: true }).click();
  await page.getByLabel("UID").fill("jsmith");
  await page.getByLabel("PWD").fill("Secret123!");
  return { passwordType: await page.getByLabel("PWD").getAttribute("type"), ...(await answer(page)) };
}

async function invokeEmpty(page, operation) {
  await page.goto(`${address}?op=${operation}`);
  return (await answer(page)).shown;
}

const flows = {
  async form(context) {
    return logIn(await context.newPage());
  },

  async cookie(context) {
    const page = await context.newPage();
    const before = await invokeEmpty(page, "isValidTicket");
    const [ticket] = (await logIn(page)).shown.match(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/);
    await context.addCookies([{ name: "ticket", value: ticket, url: new URL(address).origin }]);
    const valid = await invokeEmpty(page, "isValidTicket");
    const loggedOut = await invokeEmpty(page, "LogOut");
    return { before, valid, loggedOut, after: await invokeEmpty(page, "isValidTicket") };
  },

  async copy(context) {
    const copied = {};
    for (const way of ["clipboard", "selection"]) {
      const page = await context.newPage();
      // Browsers give pages their clipboard over TLS and on loopback addresses only.
      if (way === "selection") await page.addInitScript(() => { delete Navigator.prototype.clipboard; });
      await page.goto(`${address}?op=${way === "selection" ? "LogOut" : "isValidTicket"}`);
      const command = await page.locator(".command code").innerText();
      await page.getByRole("button", { name: "Copy" }).click();
      await page.getByRole("button", { name: "Copied" }).waitFor();
      await page.getByLabel("AuthenticationTicket").focus();
      await page.keyboard.press("Control+V");
      copied[way] = { command, pasted: await page.getByLabel("AuthenticationTicket").inputValue() };
    }
    return { copied };
  },

  async folds(context) {
    const page = await context.newPage();
    await page.goto(`${address}?op=AuthenticateUser`);
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    const open = [];
    for (const title of ["SOAP 1.1", "SOAP 1.2", "HTTP GET", "HTTP POST"]) {
      await page.getByText(title, { exact: true }).click();
      open.push(await page.locator("details[open]").allInnerTexts());
    }
    return { height, open };
  },

  async accessibility(context) {
    const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    const page = await context.newPage();
    const pages = {};
    for (const path of ["", "?op=AuthenticateUser", "?op=RenewTicket", "?op=ServerInfo", "?op=Nope"]) {
      await page.goto(address + path);
      await page.evaluate(axe);
      // All that there is to see: an answer, and an open fold.
      for (const name of ["Invoke", "Copy"]) {
        for (const button of await page.getByRole("button", { name }).all()) await button.click();
      }
      if (path.startsWith("?op=") && path !== "?op=Nope") {
        await page.locator("#outcome").waitFor();
        await page.locator("summary").first().click();
      }
      for (const [colorScheme, width] of [["light", 1280], ["dark", 390]]) {
        await page.setViewportSize({ width, height: 800 });
        await page.emulateMedia({ colorScheme });
        const { passes, violations } = await page.evaluate(() => window.axe.run());
        pages[`${path} ${colorScheme} ${width}`] = {
          passed: passes.map(({ id }) => id),
          violated: violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`),
          scrollsSideways: await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth),
        };
      }
    }
    return { pages };
  },
};
flows.withoutJavaScript = flows.form;

const browser = await chromium.launch({ executablePath, args: FLAGS, chromiumSandbox: false });
try {
  const context = await browser.newContext({ javaScriptEnabled: flow !== "withoutJavaScript" });
  const complaints = [];
  const complain = (url, text) => complaints.push(`${url}: ${text}`);
  context.on("console", (message) => complain(message.location().url, message.text()));
  context.on("weberror", (error) => complain(error.page()?.url(), error.error()));
  context.on("requestfailed", (request) => complain(request.url(), request.failure().errorText));
  const seen = await flows[flow](context);
  console.log(JSON.stringify({ ...seen, complaints: complaints.filter(isOurs), version: browser.version() }));
} finally {
  await browser.close();
}
