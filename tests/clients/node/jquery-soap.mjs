// Runs the scenario with the jQuery plugin jquery.soap in chromium: node jquery-soap.mjs ADDRESS 1.1|1.2 CHROMIUM
// Prints a line for each step, tab-separated: its name, then the attributes it was answered with.

import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const [address, version, executablePath] = process.argv.slice(2);

/** In the page: calls an operation; the answer's attributes by element, or what the plugin says of a fault. */
function send({ address, version, operation, data, header }) {
  const namespace = "http://tempuri.org/";
  const attributes = (element) => {
    const own = [...element.attributes].filter(({ name }) => name !== "xmlns");
    return Object.fromEntries(own.map(({ name, value }) => [name, value]));
  };
  return new Promise((resolve) => {
    $.soap({
      url: address,
      appendMethodToURL: false,
      method: operation,
      data,
      namespaceURL: namespace,
      // SOAP 1.2 as the plugin does it by itself: with a prefix, and the bare name for an action.
      ...(version === "1.2" ? { soap12: true, namespaceQualifier: "srv" } : { SOAPAction: namespace + operation }),
      ...(header && {
        SOAPHeader: (SOAPObject) =>
          new SOAPObject("u:Unknown").addNamespace("u", "urn:example").attr("soap:mustUnderstand", "1"),
      }),
      success(response) {
        const elements = ["root", "User", "Preferences"].map((name) => response.toXML().querySelector(name));
        resolve(Object.fromEntries(elements.filter(Boolean).map((element) => [element.localName, attributes(element)])));
      },
      error(response) {
        const text = (names) => response.toXML().querySelector(names)?.textContent;
        resolve({
          fault: {
            type: response.typeOf,
            code: text("faultcode, Code > Value"),
            text: text("faultstring, Reason > Text"),
            envelope: response.toXML().documentElement.namespaceURI,
          },
        });
      },
    });
  });
}

function line(step, attributes) {
  console.log([step, ...Object.entries(attributes).map(([name, value]) => `${name}=${value}`)].join("\t"));
}

const browser = await chromium.launch({ executablePath, args: ["--disable-gpu"], chromiumSandbox: false });
try {
  const page = await browser.newPage();
  // A page of the same site that uses the service.
  const own = new URL("/page", address).href;
  await page.route(own, (route) => route.fulfill({ contentType: "text/html", body: "<!DOCTYPE html><title>page</title>" }));
  await page.goto(own);
  await page.addScriptTag({ path: require.resolve("jquery/dist/jquery.js") });
  await page.addScriptTag({ path: require.resolve("jquery.soap") });

  const call = (operation, data = {}, header = false) => page.evaluate(send, { address, version, operation, data, header });
  const step = async (operation, data, name = operation) => {
    const { root, ...children } = await call(operation, data);
    line(name, root);
    Object.entries(children).forEach(([child, attributes]) => line(child, attributes));
    return root;
  };

  const login = { UID: "jsmith", PWD: "Secret123!" };
  const { version: plugin } = require("jquery.soap/package.json");
  line("client", { version: `${plugin}, jQuery ${await page.evaluate(() => $.fn.jquery)}` });
  const { ticket } = await step("AuthenticateUser", login);
  await step("AuthenticateUser1", login);
  await step("isValidTicket", { AuthenticationTicket: ticket });
  await step("RenewTicket", { ...login, OldTicket: ticket });
  await step("CreateTicketforUser", { TrustedUserPwd: "MyServerSecret", UserName: "jsmith" });
  await step("GetCurrentUser", { authenticationTicket: ticket });
  await step("LogOut", { AuthenticationTicket: ticket });
  await step("isValidTicket", { AuthenticationTicket: ticket }, "dead ticket");
  await step("AuthenticateUser", { UID: "jsmith", PWD: "wrong" }, "wrong password");
  await step("ServerInfo");
  line("fault", (await call("ServerInfo", {}, true)).fault);
} finally {
  await browser.close();
}
