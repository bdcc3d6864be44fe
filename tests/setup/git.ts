// Runs before the first test of the tier `git`: installs git, OpenSSH and OpenSSL.

import { installPackages } from './packages.ts';

export function setup(): void {
  installPackages('git');
}
