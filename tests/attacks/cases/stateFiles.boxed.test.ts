import { suite } from '../suite.ts';
import { stateFiles } from './stateFiles.ts';

suite(stateFiles);
