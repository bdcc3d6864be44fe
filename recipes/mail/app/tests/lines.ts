// Line-based protocols over a stream that the run opened: reads and writes lines, and reads blocks of a given length.

import type { Duplex } from 'node:stream';

const waitMs = 15_000;

export class Lines {
  readonly #stream: Duplex;
  #buffer = Buffer.alloc(0);
  #ended: Error | null = null;
  #wake: () => void = () => {};

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk]);
      this.#wake();
    });
    const ended = (error?: Error | null) => {
      this.#ended ??= error ?? new Error('the server closed the connection');
      this.#wake();
    };
    stream.on('error', ended).on('close', () => ended());
  }

  write(text: string): void {
    this.#stream.write(text);
  }

  /** The next line, without its line break. */
  async line(): Promise<string> {
    const end = await this.#until(() => this.#buffer.indexOf('\r\n'));
    const line = this.#take(end).toString();
    this.#take(2);
    return line;
  }

  async block(length: number): Promise<Buffer> {
    await this.#until(() => (this.#buffer.length >= length ? length : -1));
    return this.#take(length);
  }

  close(): void {
    this.#stream.destroy();
  }

  #take(length: number): Buffer {
    const bytes = this.#buffer.subarray(0, length);
    this.#buffer = this.#buffer.subarray(length);
    return bytes;
  }

  async #until(look: () => number): Promise<number> {
    const deadline = Date.now() + waitMs;
    for (;;) {
      const length = look();
      if (length >= 0) return length;
      if (this.#ended) throw this.#ended;
      if (Date.now() > deadline) throw new Error(`no complete answer within ${waitMs / 1000} s, only: ${this.#buffer}`);
      await this.#arrival(deadline - Date.now());
    }
  }

  #arrival(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(ms, 1));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
