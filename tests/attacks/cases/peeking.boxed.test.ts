import { suite } from '../suite.ts';
import { peeking } from './peeking.ts';

suite(peeking);
