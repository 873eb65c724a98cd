// Runs a command of this package as root: as it is for root, through sudo(8) for others.
//   node scripts/as-root.js FILE [ARG…]
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';

/** What the tests read; sudo drops the rest of the environment. */
const KEPT = ['CI', 'CRT_FAULTS', 'CRT_ROOTFS', 'CRT_TEST_ROOTFS', 'NO_COLOR', 'TERM'];

const words = process.argv.slice(2);
// npm puts its own folders first in PATH; root gets the caller's node, wherever that is, and the usual folders.
const path = `${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
const [file, ...args] =
  process.getuid() === 0
    ? [process.execPath, ...words]
    : ['sudo', `--preserve-env=${KEPT.join(',')}`, 'env', `PATH=${path}`, process.execPath, ...words];
const { status, signal, error } = spawnSync(file, args, { stdio: 'inherit' });
if (error) {
  console.error(error.code === 'ENOENT' ? 'crt: this needs root: become root, or install sudo' : `crt: ${error.message}`);
}
process.exitCode = status ?? (signal ? 1 : 125);
