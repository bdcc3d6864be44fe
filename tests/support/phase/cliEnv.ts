// Environment variables for every command line in tests; they make it cache compiled code, as `bin/coldpass` does.

import { join } from 'node:path';

export const cliEnv = {
  NODE_COMPILE_CACHE: join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'coldpass'),
};
