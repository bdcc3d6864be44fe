// Whether a file that the suite usually runs in part must now run whole (`tests/setup/parts.ts`).

/** A part of the suite that runs whole only now and then. */
export type Part = 'apps' | 'attacks';

/** Whether this is `npm run long`. */
export const isLong = process.env.COLDPASS_LONG === 'yes';

export function isWhole(part: Part): boolean {
  return isLong || (process.env.COLDPASS_WHOLE ?? '').split(' ').includes(part);
}
