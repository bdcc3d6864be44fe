// The scripts of the vault's helper containers, for busybox's sh. Pure. An app's file names never appear in a script:
// paths are arguments, and all that a script prints about the app is numbers.

export const repositoryDir = '/vault';
/**
 * A volume is mounted as `data` in each of these folders: writable in the first, read-only in the second. Backups start
 * from the second folder and name `data`, which preserves the owner and mode of the volume's root.
 */
const volumesDir = '/volume';
const safeVolumesDir = '/reading';
export const volumeName = 'data';
export const volumeDir = `${volumesDir}/${volumeName}`;
export const safeVolumeDir = `${safeVolumesDir}/${volumeName}`;

/** The password comes on standard input: not in an argument, the environment, or a file that a volume could link to. */
const restic = `restic --repo ${repositoryDir} --no-cache --password-file /dev/stdin`;

export const initCommand: readonly string[] = shell(`${restic} init`);

/**
 * Backs up `paths` of the volume. Fails if a path is missing or contains a symbolic link, which could lead elsewhere.
 */
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
 * Prints the number of entries before and after; entries that could not be removed are counted, not an error. `find` is
 * called by its path because busybox would otherwise run its own, which can't handle deep trees or `-printf`.
 */
export const wipeCommand: readonly string[] = shell(`set -eo pipefail
cd ${volumeDir}
/bin/find . -mindepth 1 -printf . | wc -c
/bin/find . -mindepth 1 -delete || true
/bin/find . -mindepth 1 -printf . | wc -c`);

export function restoreCommand(snapshot: string): readonly string[] {
  return shell(`exec ${restic} restore "$1" --target ${volumesDir}`, snapshot);
}

/**
 * Prints each snapshot as an archive, one after the other. No app volume is mounted, so the password may be in a file.
 */
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
