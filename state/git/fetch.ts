// Fetches between repositories of this machine.

/** No tags, no FETCH_HEAD, no background packing, no submodules. */
export const fetchQuietly = [
  '--quiet',
  '--no-tags',
  '--no-write-fetch-head',
  '--no-auto-maintenance',
  '--no-recurse-submodules',
];
