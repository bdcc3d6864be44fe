import { evidence } from './evidence.ts';
import { suite } from './suite.ts';

suite(evidence);
