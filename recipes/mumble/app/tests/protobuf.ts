// The part of Protocol Buffers that the suite needs: numbers and byte strings, by field number.
// https://protobuf.dev/programming-guides/encoding/

export type Fields = Record<number, number | boolean | string>;
export type Decoded = { numbers(field: number): number[]; texts(field: number): string[] };

export function encode(fields: Fields): Buffer {
  const parts = Object.entries(fields).map(([field, value]) => {
    if (typeof value !== 'string') return Buffer.concat([varint(Number(field) * 8), varint(Number(value))]);
    const bytes = Buffer.from(value);
    return Buffer.concat([varint(Number(field) * 8 + 2), varint(bytes.length), bytes]);
  });
  return Buffer.concat(parts);
}

export function decode(bytes: Buffer): Decoded {
  const fields = new Map<number, (number | Buffer)[]>();
  let at = 0;
  while (at < bytes.length) {
    const key = next();
    const values = fields.get(key >> 3) ?? [];
    fields.set(key >> 3, [...values, fieldOf(key & 7)]);
  }
  return {
    numbers: (field) => (fields.get(field) ?? []).filter((value) => typeof value === 'number'),
    texts: (field) => (fields.get(field) ?? []).filter((value) => typeof value !== 'number').map(String),
  };

  function fieldOf(wire: number): number | Buffer {
    if (wire === 0) return next();
    const length = wire === 2 ? next() : wire === 5 ? 4 : 8;
    at += length;
    return bytes.subarray(at - length, at);
  }

  /** Reads a number, exactly up to 2^53. */
  function next(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = bytes[at] ?? 0;
      at += 1;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 128) {
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
  return Buffer.from([...bytes, rest]);
}
