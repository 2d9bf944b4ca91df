// Runs the scenario with the npm package soap, made from the WSDL: node scenario.mjs ADDRESS 1.1|1.2
// Prints a line for each step, tab-separated: its name, then the attributes it was answered with.

import { createRequire } from "node:module";
import soap from "soap";

const manifest = createRequire(import.meta.url)("soap/package.json");
const [address, version] = process.argv.slice(2);
const client = await soap.createClientAsync(`${address}?WSDL`, { forceSoap12Headers: version === "1.2" });

function line(step, attributes) {
  console.log([step, ...Object.entries(attributes).map(([name, value]) => `${name}=${value}`)].join("\t"));
}

async function step(operation, parameters, name = operation) {
  const [answer] = await client[`${operation}Async`](parameters);
  const { root } = answer[`${operation}Result`];
  line(name, root.attributes);
  return root;
}

const login = { UID: "jsmith", PWD: "Secret123!" };
line("client", { version: `${manifest.version}, node ${process.versions.node}` });
const { ticket } = (await step("AuthenticateUser", login)).attributes;
await step("AuthenticateUser1", login);
await step("isValidTicket", { AuthenticationTicket: ticket });
await step("RenewTicket", { ...login, OldTicket: ticket });
await step("CreateTicketforUser", { TrustedUserPwd: "MyServerSecret", UserName: "jsmith" });
const { User } = await step("GetCurrentUser", { authenticationTicket: ticket });
line("User", User.attributes);
line("Preferences", User.Preferences.attributes);
await step("LogOut", { AuthenticationTicket: ticket });
await step("isValidTicket", { AuthenticationTicket: ticket }, "dead ticket");
await step("AuthenticateUser", { UID: "jsmith", PWD: "wrong" }, "wrong password");
await step("ServerInfo", {});

client.addSoapHeader('<u:Unknown xmlns:u="urn:example" soap:mustUnderstand="1"/>');
try {
  await client.ServerInfoAsync({});
} catch (error) {
  // The package throws plain errors; one for a SOAP fault carries the parsed envelope.
  const fault = error.root?.Envelope.Body.Fault;
  line("fault", {
    type: fault ? "Fault" : `no fault: ${error}`,
    code: fault?.faultcode ?? fault?.Code.Value,
    text: fault?.faultstring ?? fault?.Reason.Text.$value,
    envelope: client.lastResponse.match(/xmlns:soap="([^"]*)"/)[1],
  });
}
