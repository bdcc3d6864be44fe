// Searches one stream and, two layers deep, the compressed data in it. Compressed data that is already complete is
// opened at once; otherwise it is fed as the stream arrives. Keeps only one kilobyte of the stream and the open
// decompressors in memory.

import {
  candidatesIn,
  headBytes,
  type Member,
  type ObjectKind,
  objectMember,
  openWhole,
  type Sink,
} from '../engine/members.ts';
import type { FormMatch, Scan } from './scan.ts';

/** Shared by all layers of a search. */
export type LeakEye = {
  scan(see: (sight: FormMatch) => void): Scan;
  /** `within`: the compressed formats around the hit, innermost first; `start` is where the outermost one begins. */
  hit(sight: FormMatch, within: readonly ObjectKind[]): void;
  /** False once too much has been decompressed. */
  mayOpen(bytes: number): boolean;
  /** Notes what was not searched. */
  leaveOut(what: string): void;
};

const openMembersMax = 32;
const depthMax = 2;

export class LeakLayer implements Sink {
  readonly #eye: LeakEye;
  readonly #within: readonly ObjectKind[];
  readonly #offset: number | null;
  readonly #scan: Scan;
  #members: Member[] = [];
  /** The end of the stream so far: compressed data may begin here, but too little of it has arrived to judge. */
  #rest: Buffer = Buffer.alloc(0);
  #restAt = 0;

  constructor(eye: LeakEye, within: readonly ObjectKind[] = [], offset: number | null = null) {
    this.#eye = eye;
    this.#within = within;
    this.#offset = offset;
    this.#scan = eye.scan((sight) => eye.hit({ ...sight, start: offset ?? sight.start }, within));
  }

  async feed(bytes: Buffer): Promise<boolean> {
    if (this.#within.length > 0 && !this.#eye.mayOpen(bytes.length)) return false;
    this.#scan.feed(bytes);
    if (this.#within.length >= depthMax) return true;
    for (const member of this.#members) await member.write(bytes);
    const joined = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const judged = Math.max(0, joined.length - headBytes);
    await this.#open(joined, judged);
    this.#rest = Buffer.from(joined.subarray(judged));
    this.#restAt += judged;
    return true;
  }

  async end(): Promise<void> {
    if (this.#within.length < depthMax) await this.#open(this.#rest, this.#rest.length);
    for (const member of this.#members) await member.end();
  }

  async #open(bytes: Buffer, end: number): Promise<void> {
    for (const { kind, at, dataAt } of candidatesIn(bytes, end)) {
      if (!this.#eye.mayOpen(0)) return;
      const inner = new LeakLayer(this.#eye, [kind, ...this.#within], this.#offset ?? this.#restAt + at);
      const data = bytes.subarray(dataAt);
      const whole = openWhole(kind, data);
      if (whole === null) await this.#follow(kind, inner, data);
      else {
        await inner.feed(whole);
        await inner.end();
      }
    }
  }

  async #follow(kind: ObjectKind, inner: LeakLayer, data: Buffer): Promise<void> {
    this.#members = this.#members.filter((member) => member.isOpen());
    if (this.#members.length >= openMembersMax) {
      this.#eye.leaveOut(`more than ${openMembersMax} compressed streams at once`);
      return;
    }
    const member = objectMember(kind, inner);
    this.#members.push(member);
    await member.write(data);
  }
}
