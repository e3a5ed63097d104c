// TLS 1.3 by Node.js, as common.py's OwnPeer runs it.
'use strict';
const fs = require('fs');
const tls = require('tls');

const groups = {X25519: 'x25519', prime256v1: 'secp256r1', secp384r1: 'secp384r1'};

function account(socket, group) {
  return 'account ' + JSON.stringify({version: socket.getProtocol(), suite: socket.getCipher().standardName, group}) + '\n';
}

function client(port, ca, suite, group, path) {
  const socket = tls.connect({
    port, host: '127.0.0.1', servername: 'localhost', ca: fs.readFileSync(ca), minVersion: 'TLSv1.3', ciphers: suite,
    ecdhCurve: group,
  }, () => {
    process.stdout.write(account(socket, groups[socket.getEphemeralKeyInfo().name]));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  });
  socket.pipe(process.stdout);
  socket.on('error', (error) => {
    console.log(String(error));
    process.exit(1);
  });
}

function server(port, cert, key, suite, group) {
  tls.createServer({
    cert: fs.readFileSync(cert), key: fs.readFileSync(key), minVersion: 'TLSv1.3', ciphers: suite, ecdhCurve: group,
  }, (socket) => {
    socket.once('data', () => {
      const page = account(socket, null);  // Node tells the group to clients only
      socket.end(`HTTP/1.1 200 OK\r\nContent-Length: ${page.length}\r\nConnection: close\r\n\r\n${page}`);
    });
    socket.on('error', (error) => console.log(String(error)));
  }).on('tlsClientError', (error) => console.log(String(error))).listen(port, '127.0.0.1');
}

const [role, ...rest] = process.argv.slice(2);
(role === 'client' ? client : server)(...rest);
