import { environment } from './environment.ts';
import { suite } from './suite.ts';

suite(environment);
