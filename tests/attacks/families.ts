// All families, in the order of their letters.

import type { Family } from './case.ts';
import { behaviour } from './cases/behaviour.ts';
import { environment } from './cases/environment.ts';
import { evidence } from './cases/evidence.ts';
import { peeking } from './cases/peeking.ts';
import { reviewer } from './cases/reviewer.ts';
import { stateFiles } from './cases/stateFiles.ts';
import { theTests } from './cases/theTests.ts';

export const families: Family[] = [theTests, environment, evidence, stateFiles, peeking, reviewer, behaviour];
