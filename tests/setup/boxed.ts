// Runs before the first test of the tiers `boxed` and `live`: installs bubblewrap and the programs that run in boxes.

import { installPackages } from './packages.ts';

export function setup(): void {
  installPackages('boxed');
}
