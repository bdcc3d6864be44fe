import { peeking } from './peeking.ts';
import { suite } from './suite.ts';

suite(peeking);
