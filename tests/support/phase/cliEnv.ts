// What every command line in tests is given besides its own environment: compiled code is kept, as `bin/coldpass` has it.

import { join } from 'node:path';

export const cliEnv = {
  NODE_COMPILE_CACHE: join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'coldpass'),
};
