// ChaCha20 (RFC 8439, 2.4) in plain script: `crypto.subtle` is there for https pages alone. Seals texts so that the server
// learns their length and nothing else. It does not notice a changed byte; a pad for more than trials needs Poly1305 too.

const nonceBytes = 12;

/** @param {string} text @param {Uint8Array} key 32 bytes */
export function seal(text, key) {
  const nonce = crypto.getRandomValues(new Uint8Array(nonceBytes));
  const sealed = chacha20(key, nonce, 1, new TextEncoder().encode(text));
  return new Uint8Array([...nonce, ...sealed]);
}

/** @param {Uint8Array} sealed @param {Uint8Array} key 32 bytes */
export function open(sealed, key) {
  return new TextDecoder().decode(chacha20(key, sealed.subarray(0, nonceBytes), 1, sealed.subarray(nonceBytes)));
}

/** @param {Uint8Array} key @param {Uint8Array} nonce @param {number} counter @param {Uint8Array} bytes */
export function chacha20(key, nonce, counter, bytes) {
  const start = new Uint32Array([
    0x61707865,
    0x3320646e,
    0x79622d32,
    0x6b206574,
    ...words(key),
    counter,
    ...words(nonce),
  ]);
  const out = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += 64, start[12] += 1) {
    const block = new Uint8Array(stirred(start).buffer);
    for (let i = at; i < Math.min(at + 64, bytes.length); i += 1) out[i] = bytes[i] ^ block[i - at];
  }
  return out;
}

function stirred(start) {
  const x = start.slice();
  for (let round = 0; round < 10; round += 1) {
    for (let i = 0; i < 4; i += 1) quarter(x, i, i + 4, i + 8, i + 12);
    for (let i = 0; i < 4; i += 1) quarter(x, i, 4 + ((i + 1) % 4), 8 + ((i + 2) % 4), 12 + ((i + 3) % 4));
  }
  return x.map((word, i) => word + start[i]);
}

function quarter(x, a, b, c, d) {
  const turn = (to, by, other, bits) => {
    x[to] += x[by];
    x[other] = ((x[other] ^ x[to]) << bits) | ((x[other] ^ x[to]) >>> (32 - bits));
  };
  turn(a, b, d, 16);
  turn(c, d, b, 12);
  turn(a, b, d, 8);
  turn(c, d, b, 7);
}

function words(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getUint32(4 * i, true));
}
