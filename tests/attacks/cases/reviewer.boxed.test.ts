import { suite } from '../suite.ts';
import { reviewer } from './reviewer.ts';

suite(reviewer);
