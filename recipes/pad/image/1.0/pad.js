// The pad's page. Its address ends in `#NAME.KEY`, which browsers send to nobody: the name says which pad, the key reads it.
// What is typed is sealed and sent; what others wrote comes within a moment.

import { open, seal } from './cipher.js';

const waitMs = 300;
const area = document.querySelector('textarea');
const state = document.querySelector('output');
const hex = (bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
const random = (count) => crypto.getRandomValues(new Uint8Array(count));

if (!/^#[a-z0-9]{8,64}\.[0-9a-f]{64}$/.test(location.hash)) location.hash = `${hex(random(8))}.${hex(random(32))}`;
const [name, secret] = location.hash.slice(1).split('.');
const key = new Uint8Array(secret.match(/../g).map((pair) => Number.parseInt(pair, 16)));
/** The text as the server has it, and its revision. */
let known = { text: '', revision: '0' };

for (;;) {
  try {
    await exchanged();
  } catch {
    state.value = 'offline';
  }
  await new Promise((resolve) => setTimeout(resolve, waitMs));
}

async function exchanged() {
  const theirs = await fetched();
  if (theirs.revision !== known.revision) {
    area.value = area.value === known.text ? theirs.text : merged(theirs.text, area.value);
    known = theirs;
  }
  area.disabled = false;
  if (area.value !== known.text) return sent(area.value);
  state.value = `saved ${known.revision}`;
}

async function fetched() {
  const response = await fetch(`/api/pads/${name}`);
  if (response.status === 404) return { text: '', revision: '0' };
  if (!response.ok) throw new Error(`the pad cannot be had: ${response.status}`);
  return {
    text: open(new Uint8Array(await response.arrayBuffer()), key),
    revision: response.headers.get('x-revision'),
  };
}

async function sent(text) {
  state.value = 'saving';
  const headers = { 'x-revision': known.revision };
  const response = await fetch(`/api/pads/${name}`, { method: 'PUT', headers, body: seal(text, key) });
  if (response.status === 201) known = { text, revision: response.headers.get('x-revision') };
  else if (response.status !== 409) throw new Error(`the pad was not taken: ${response.status}`);
}

/** Line by line: theirs, then each line of ours that they lack. */
function merged(theirs, ours) {
  const lines = theirs.split('\n');
  return [...lines, ...ours.split('\n').filter((line) => !lines.includes(line))].join('\n');
}
