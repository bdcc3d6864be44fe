// Protocols of lines over a stream that the run opened: lines in, lines out, blocks of a counted length.

import type { Duplex } from 'node:stream';

const waitMs = 15_000;

export class Lines {
  readonly #stream: Duplex;
  #held = Buffer.alloc(0);
  #ended: Error | null = null;
  #wake: () => void = () => {};

  constructor(stream: Duplex) {
    this.#stream = stream;
    stream.on('data', (chunk: Buffer) => {
      this.#held = Buffer.concat([this.#held, chunk]);
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

  /** The next line without its end. */
  async line(): Promise<string> {
    const end = await this.#until(() => this.#held.indexOf('\r\n'));
    const line = this.#take(end).toString();
    this.#take(2);
    return line;
  }

  async block(length: number): Promise<Buffer> {
    await this.#until(() => (this.#held.length >= length ? length : -1));
    return this.#take(length);
  }

  close(): void {
    this.#stream.destroy();
  }

  #take(length: number): Buffer {
    const taken = this.#held.subarray(0, length);
    this.#held = this.#held.subarray(length);
    return taken;
  }

  async #until(look: () => number): Promise<number> {
    const deadline = Date.now() + waitMs;
    for (;;) {
      const found = look();
      if (found >= 0) return found;
      if (this.#ended) throw this.#ended;
      if (Date.now() > deadline) throw new Error(`nothing more came within ${waitMs / 1000} s; held: ${this.#held}`);
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
