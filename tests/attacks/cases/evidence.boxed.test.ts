import { suite } from '../suite.ts';
import { evidence } from './evidence.ts';

suite(evidence);
