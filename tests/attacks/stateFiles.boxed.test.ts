import { stateFiles } from './stateFiles.ts';
import { suite } from './suite.ts';

suite(stateFiles);
