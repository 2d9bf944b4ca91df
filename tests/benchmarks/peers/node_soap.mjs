// The same operation with node's `soap` server: node node_soap.mjs NODE_MODULES WSDL PORT TICKETS
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

const [modules, wsdl, port, ticketFile] = process.argv.slice(2);
const soap = createRequire(`${modules}/`)('soap');

const tickets = new Map(
  readFileSync(ticketFile, 'utf8').trim().split('\n').map((line) => {
    const [guid, expiresAt] = line.split(' ');
    return [guid.replaceAll('-', ''), Number(expiresAt)];
  }),
);
const user = {
  userid: '42', username: 'jsmith', firstName: 'John', lastName: 'Smith', fullname: 'John Smith',
  email: 'jsmith@example.com',
};
const GUID = /^\s*[{(]?([0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12})[})]?\s*$/i;

function isValidTicket({ AuthenticationTicket }) {
  const match = GUID.exec(AuthenticationTicket ?? '');
  const expiresAt = match && tickets.get(match[1].replaceAll('-', '').toLowerCase());
  const attributes = expiresAt && expiresAt * 1000 > Date.now()
    ? {
        success: 'true', ...user, expireOn: new Date(expiresAt * 1000).toISOString().replace(/\.\d+/, ''),
        isAuthenticated: 'True', xmlns: '',
      }
    : { success: 'false', error: '[901] Session expired or Invalid ticket', xmlns: '' };
  return { isValidTicketResult: { root: { attributes } } };
}

const server = createServer((_, response) => { response.statusCode = 404; response.end(); });
server.keepAliveTimeout = 60_000;
server.listen(Number(port), '127.0.0.1', () => {
  // The port's name in the WSDL is the service's with its binding's.
  const services = { srv: { srvSoap: { isValidTicket } } };
  soap.listen(server, { path: '/srv.asmx', services, xml: readFileSync(wsdl, 'utf8'), enableChunkedEncoding: false });
});
