import { suite } from '../suite.ts';
import { theTests } from './theTests.ts';

suite(theTests);
