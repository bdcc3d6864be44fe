// The engine sends stdout and stderr over one connection, as frames: an 8-byte header (channel, length) and a body.
// Frames are read one at a time, so a slow reader slows the container down and memory stays bounded.

export type Frame = { channel: 'stdout' | 'stderr'; bytes: Buffer };

const headBytes = 8;
const stderrChannel = 2;

/** Ends when the connection ends; if the last frame is truncated, yields the part that arrived. */
export async function* frames(connection: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let head = Buffer.alloc(0);
  let channel: Frame['channel'] = 'stdout';
  let left = 0;
  for await (let bytes of connection) {
    while (bytes.length > 0) {
      if (left > 0) {
        const body = bytes.subarray(0, left);
        yield { channel, bytes: body };
        left -= body.length;
        bytes = bytes.subarray(body.length);
        continue;
      }
      const missing = headBytes - head.length;
      head = Buffer.concat([head, bytes.subarray(0, missing)]);
      bytes = bytes.subarray(missing);
      if (head.length < headBytes) continue;
      channel = head[0] === stderrChannel ? 'stderr' : 'stdout';
      left = head.readUInt32BE(4);
      head = Buffer.alloc(0);
    }
  }
}
