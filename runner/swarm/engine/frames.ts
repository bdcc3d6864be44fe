// The engine's way to send two outputs over one connection: frames of an 8-byte head (channel, length) and a body. Read as
// they come, one at a time, so a slow reader slows the container and memory stays bounded.

export type Frame = { channel: 'stdout' | 'stderr'; bytes: Buffer };

const headBytes = 8;
const stderrChannel = 2;

/** Ends with the connection; a frame that was cut off gives what came of it. */
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
      const wanted = headBytes - head.length;
      head = Buffer.concat([head, bytes.subarray(0, wanted)]);
      bytes = bytes.subarray(wanted);
      if (head.length < headBytes) continue;
      channel = head[0] === stderrChannel ? 'stderr' : 'stdout';
      left = head.readUInt32BE(4);
      head = Buffer.alloc(0);
    }
  }
}
