import { behaviour } from './behaviour.ts';
import { suite } from './suite.ts';

suite(behaviour);
