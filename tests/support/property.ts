// fast-check with this run's seed: the same one in every ordinary run, so that no result is random, and a fresh one in
// `npm run long`. A failure is printed with its seed and path; pass them to `fc.assert` to see it again.

import fc from 'fast-check';
import { isLong } from './long.ts';

export const seed = isLong ? Date.now() % 2 ** 31 : 20260611;

if (isLong) console.log(`seed ${seed}`);
fc.configureGlobal({ seed });

export { fc };
