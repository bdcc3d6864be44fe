// Every family, in the order in which they are told.

import { behaviour } from './behaviour.ts';
import type { Family } from './case.ts';
import { environment } from './environment.ts';
import { evidence } from './evidence.ts';
import { peeking } from './peeking.ts';
import { reviewer } from './reviewer.ts';
import { stateFiles } from './stateFiles.ts';
import { theTests } from './theTests.ts';

export const families: Family[] = [theTests, environment, evidence, stateFiles, peeking, reviewer, behaviour];
