import { suite } from '../suite.ts';
import { environment } from './environment.ts';

suite(environment);
