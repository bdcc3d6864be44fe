// Runs INSIDE a box that was granted hosts: listens on the box's loopback, forwards every connection to the proxy's
// socket, runs the command and exits as it does. Plain node without dependencies: node net.ts SOCKET PORT -- COMMAND …

import { spawn } from 'node:child_process';
import net from 'node:net';
import { constants } from 'node:os';

const [socketPath = '', port = '', , program = '', ...args] = process.argv.slice(2);

const server = net.createServer({ allowHalfOpen: true }, (inner) => {
  const outer = net.connect({ path: socketPath, allowHalfOpen: true });
  inner.on('error', () => outer.destroy());
  outer.on('error', () => inner.destroy());
  inner.pipe(outer);
  outer.pipe(inner);
});

server.listen(Number(port), '127.0.0.1', () => {
  // The handlers are set before the command starts: a signal in between would end this program alone.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  const child = spawn(program, args, { stdio: 'inherit' });
  child.on('error', (error) => {
    console.error(`${program}: ${error.message}`);
    process.exit(127);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
});
