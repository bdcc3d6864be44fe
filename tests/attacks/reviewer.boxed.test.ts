import { reviewer } from './reviewer.ts';
import { suite } from './suite.ts';

suite(reviewer);
