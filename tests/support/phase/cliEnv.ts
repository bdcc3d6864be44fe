// What every command line in tests gets besides its own environment: compiled code is cached, as `bin/coldpass` does.

import { join } from 'node:path';

export const cliEnv = {
  NODE_COMPILE_CACHE: join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'coldpass'),
};
