// How to fetch between repositories of this machine.

/** Options of `git fetch`: no tags, no FETCH_HEAD, no background packing, no submodules. */
export const fetchQuietly = [
  '--quiet',
  '--no-tags',
  '--no-write-fetch-head',
  '--no-auto-maintenance',
  '--no-recurse-submodules',
];
