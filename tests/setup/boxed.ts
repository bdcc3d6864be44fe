// Before the first test of the tiers `boxed` and `live`: bubblewrap and what runs in boxes.

import { installPackages } from './packages.ts';

export function setup(): void {
  installPackages('boxed');
}
