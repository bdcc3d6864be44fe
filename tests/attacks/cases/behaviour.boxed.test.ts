import { suite } from '../suite.ts';
import { behaviour } from './behaviour.ts';

suite(behaviour);
