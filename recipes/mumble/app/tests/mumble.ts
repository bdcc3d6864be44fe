// A visitor of the server: TLS, then messages that consist of a type, a length and Protocol Buffers.
// https://mumble-protocol.readthedocs.io/ and Mumble.proto

import tls from 'node:tls';
import type { App } from 'coldpass/app';
import { type Decoded, decode, encode, type Fields } from './protobuf.ts';

const waitMs = 15_000;

export const kinds = { version: 0, authenticate: 2, reject: 4, sync: 5, channel: 7, text: 11, config: 24 } as const;
export const wrongPassword = 3;
type Kind = (typeof kinds)[keyof typeof kinds];

export type Visitor = {
  session: number;
  welcome: string;
  bandwidth: number;
  usersMax: number;
  channels: Channel[];
  protocol: string | null;
  /** The fingerprint of the server's certificate. */
  fingerprint: string;
  send(kind: Kind, fields: Fields): void;
  /** The next message of that kind for which `wanted` is true. */
  next(kind: Kind, wanted?: (message: Decoded) => boolean): Promise<Decoded>;
  leave(): void;
};
export type Channel = { id: number; name: string; description: string };

/** Enters the server, or returns the reason for the rejection. */
export async function enter(app: App, name: string, password = ''): Promise<Visitor | { rejected: number }> {
  const wire = await open(app);
  wire.send(kinds.version, { 1: 0x010304, 2: 'suite' });
  wire.send(kinds.authenticate, { 1: name, 2: password, 5: true });
  const [first] = await wire.until((all) => all.some(({ kind }) => kind === kinds.reject || kind === kinds.config));
  const rejected = wire.messages.find(({ kind }) => kind === kinds.reject)?.message;
  if (rejected || !first) {
    wire.leave();
    return { rejected: rejected?.numbers(1)[0] ?? -1 };
  }
  const sync = wire.must(kinds.sync);
  const channels = wire.messages.filter(({ kind }) => kind === kinds.channel).map(({ message }) => channelOf(message));
  return {
    session: sync.numbers(1)[0] as number,
    bandwidth: sync.numbers(2)[0] as number,
    welcome: sync.texts(3)[0] ?? '',
    usersMax: wire.must(kinds.config).numbers(6)[0] as number,
    channels,
    protocol: wire.protocol,
    fingerprint: wire.fingerprint,
    send: wire.send,
    next: wire.next,
    leave: wire.leave,
  };
}

/** Calls `use` with a visitor, who leaves afterwards. */
export async function visit<T>(
  app: App,
  who: { name: string; password?: string },
  use: (visitor: Visitor) => Promise<T> | T,
): Promise<T> {
  const visitor = await enter(app, who.name, who.password);
  if ('rejected' in visitor) throw new Error(`${who.name} was rejected (${visitor.rejected})`);
  try {
    return await use(visitor);
  } finally {
    visitor.leave();
  }
}

/** Creates a permanent channel under the root; only SuperUser may do that. */
export async function makeChannel(app: App, { name, description }: Omit<Channel, 'id'>): Promise<Channel> {
  return visit(app, { name: 'SuperUser', password: await app.secret('superuser') }, async (visitor) => {
    visitor.send(kinds.channel, { 2: 0, 3: name, 5: description });
    return channelOf(await visitor.next(kinds.channel, (message) => message.texts(3)[0] === name));
  });
}

function channelOf(message: Decoded): Channel {
  return {
    id: message.numbers(1)[0] ?? 0,
    name: message.texts(3)[0] ?? '',
    description: message.texts(5)[0] ?? '',
  };
}

async function open(app: App) {
  const socket = tls.connect({ socket: await app.tcp('app', 64738), rejectUnauthorized: false });
  const messages: { kind: number; message: Decoded }[] = [];
  let buffer = Buffer.alloc(0);
  let ended: Error | null = null;
  let wake = () => {};
  socket.on('data', (chunk: Buffer) => {
    buffer = Buffer.concat([buffer, chunk]);
    while (buffer.length >= 6 && buffer.length >= 6 + buffer.readUInt32BE(2)) {
      const end = 6 + buffer.readUInt32BE(2);
      messages.push({ kind: buffer.readUInt16BE(0), message: decode(buffer.subarray(6, end)) });
      buffer = buffer.subarray(end);
    }
    wake();
  });
  socket.on('error', (error) => {
    ended ??= error;
    wake();
  });
  socket.on('close', () => {
    ended ??= new Error('the server closed the connection');
    wake();
  });

  async function until(look: (all: typeof messages) => boolean): Promise<typeof messages> {
    const deadline = Date.now() + waitMs;
    while (!look(messages)) {
      if (ended) throw ended;
      if (Date.now() > deadline) throw new Error(`the expected message did not come within ${waitMs / 1000} s`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(1, deadline - Date.now()));
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return messages;
  }

  await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
  return {
    messages,
    until,
    protocol: socket.getProtocol(),
    fingerprint: socket.getPeerCertificate().fingerprint256,
    must(kind: Kind): Decoded {
      const first = messages.find((each) => each.kind === kind);
      if (!first) throw new Error(`no message of kind ${kind} came`);
      return first.message;
    },
    send(kind: Kind, fields: Fields): void {
      const body = encode(fields);
      const head = Buffer.alloc(6);
      head.writeUInt16BE(kind, 0);
      head.writeUInt32BE(body.length, 2);
      socket.write(Buffer.concat([head, body]));
    },
    async next(kind: Kind, wanted: (message: Decoded) => boolean = () => true): Promise<Decoded> {
      const from = messages.length;
      const match = () => messages.slice(from).find((each) => each.kind === kind && wanted(each.message));
      await until(() => match() !== undefined);
      return (match() as { message: Decoded }).message;
    },
    leave: () => socket.destroy(),
  };
}
