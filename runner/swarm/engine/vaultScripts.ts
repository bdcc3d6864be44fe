// What runs in the vault's helper containers, for busybox's sh. Pure. Names of an app's files never stand in a script: paths
// are arguments, and what a script prints of the app is numbers.

export const repositoryDir = '/vault';
/** Below these folders a volume is mounted, to write and to read alone. By its name from there, its own owner and mode are kept. */
const volumesDir = '/volume';
const safeVolumesDir = '/reading';
export const volumeName = 'data';
export const volumeDir = `${volumesDir}/${volumeName}`;
export const safeVolumeDir = `${safeVolumesDir}/${volumeName}`;

/** The password comes by standard input: no argument, no environment, no file that a volume could link to. */
const restic = `restic --repo ${repositoryDir} --no-cache --password-file /dev/stdin`;

export const initCommand: readonly string[] = shell(`${restic} init`);

/** `paths` below the volume; refused where one is not there, or is or lies behind a link: it would lead elsewhere. */
export function backCommand(paths: readonly string[], tag: string): readonly string[] {
  const script = `cd ${safeVolumesDir}
tag=$1; shift
for path do
  part=$path
  while [ "$part" != . ]; do
    if [ -L "$part" ] || [ ! -e "$part" ]; then echo "$part is a link, or is not there" >&2; exit 1; fi
    part=$(dirname -- "$part")
  done
done
exec ${restic} backup --json --quiet --force --host vault --tag "$tag" -- "$@"`;
  return shell(script, tag, ...paths);
}

/**
 * Prints the number of entries before and after; what could not be removed is counted, not complained of. `find` by its path:
 * by its name alone busybox takes its own, which no deep tree and no `-printf` is for.
 */
export const wipeCommand: readonly string[] = shell(`set -eo pipefail
cd ${volumeDir}
/bin/find . -mindepth 1 -printf . | wc -c
/bin/find . -mindepth 1 -delete || true
/bin/find . -mindepth 1 -printf . | wc -c`);

export function restoreCommand(snapshot: string): readonly string[] {
  return shell(`exec ${restic} restore "$1" --target ${volumesDir}`, snapshot);
}

/** The files of each snapshot as one archive after the other. No volume of the app is mounted here, so a file may hold the password. */
export function dumpCommand(snapshots: readonly string[]): readonly string[] {
  const script = `set -e
cat > /tmp/password
for snapshot do
  restic --repo ${repositoryDir} --no-cache --no-lock --password-file /tmp/password dump "$snapshot" /
done`;
  return shell(script, ...snapshots);
}

function shell(script: string, ...args: string[]): readonly string[] {
  return ['sh', '-c', script, 'sh', ...args];
}
