#!/usr/bin/env node
// postbox DIR COMMAND …: the command line. Exit 0 done, 1 could not, 2 not understood.

import { parseArgs } from 'node:util';
import { backup, restore } from '../src/backup.js';
import { addMessage, listMessages, mailboxes, makeMailbox, showMessage } from '../src/store.js';

const usage = 'usage: postbox DIR make BOX | add BOX --from WHO --subject WHAT TEXT | list [BOX] | show N | backup FILE | restore FILE';

const commands = {
  make: async (dir, [box]) => makeMailbox(dir, box),
  add: async (dir, [box, body], { from, subject }) => `message ${await addMessage(dir, box, { from, subject, body })}`,
  list: async (dir, [box]) => (box ? (await listMessages(dir, box)).map(line).join('\n') : (await mailboxes(dir)).join('\n')),
  show: async (dir, [id]) => whole(await showMessage(dir, id), id),
  backup: async (dir, [file]) => `kept ${counted(await backup(dir, file))}`,
  restore: async (dir, [file]) => `restored ${counted(await restore(dir, file))}`,
};
const needed = { make: 1, add: 2, list: 0, show: 1, backup: 1, restore: 1 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { from: { type: 'string', default: 'nobody@localhost' }, subject: { type: 'string', default: '' } },
});
const [dir, command, ...rest] = positionals;
if (!Object.hasOwn(commands, command ?? '') || rest.length < needed[command]) {
  console.error(usage);
  process.exit(2);
}
try {
  const said = await commands[command](dir, rest, values);
  if (said) console.log(said);
} catch (error) {
  console.error(`postbox: ${error.message}`);
  process.exitCode = 1;
}

function line({ id, from, subject }) {
  return `${String(id).padStart(4)}  ${from}  ${subject}`;
}

function whole(message, id) {
  if (message === null) throw new Error(`there is no message ${id}`);
  return `From: ${message.from}\nSubject: ${message.subject}\n\n${message.body}`;
}

function counted({ mailboxes, messages }) {
  return `mailboxes: ${mailboxes}, messages: ${messages}`;
}
