// Whether a file that the suite usually runs in part must now run whole (`tests/setup/parts.ts`).

import type { Part } from '../setup/parts.ts';

/** Whether this is `npm run long`. */
export const isLong = process.env.COLDPASS_LONG === 'yes';

export function isWhole(part: Part): boolean {
  return isLong || (process.env.COLDPASS_WHOLE ?? '').split(' ').includes(part);
}
