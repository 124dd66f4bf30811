#!/usr/bin/env node
// Temporary start script.
import * as net from 'node:net';
import { Core } from '../core/core.ts';
import { loadCoreModule } from '../core/load.node.ts';
import { Engine } from '../engine.ts';
import { chooseTransport } from '../net/choose.ts';

const args = process.argv.slice(2);
const option = (name: string, fallback: string) => {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? fallback : (args[at + 1] as string);
};
const engine = new Engine(new Core(loadCoreModule()));
const chosen = await chooseTransport(option('transport', 'auto') as 'auto', {
  view: () => engine.input(),
});
const server = net.createServer({ pauseOnConnect: true });
chosen.attach(server, {
  accept: { keepAliveSeconds: 300 },
  onAcceptError: () => {},
  onConnection: (connection) => {
    const client = engine.connect(
      connection,
      `${connection.remoteAddress}:${connection.remotePort}`,
      true,
    );
    if (!client) throw new Error('no memory');
    return {
      onData: (length) => client.run(length),
      onDrain: () => {},
      onClose: () => client.close(),
    };
  },
});
const timer = () => {
  const more = engine.cron(1000);
  setTimeout(timer, more ? 1 : 100);
};
timer();
server.listen(Number(option('port', '6379')), '127.0.0.1', 511, () =>
  console.log('Ready to accept connections'),
);
