import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { mounting } from '../doctor/around.js';
import { PATIENCE } from '../in-time.js';
import { e2e } from './support.js';

const crt = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
/** Every file below the folder: name, inode, mode, time. */
const LIST = "find /var/cache/crt -type f -printf '%P %i %m %T@\\n' | sort";

/** Starts crt twice where /var/cache is a fresh file system, prepared by a script, and lists what is kept after each start. */
function twice(prepare: string): { stderr: string; status: number | null; first: string; second: string } {
  const [unshare = '', ...words] = mounting(`mount -t tmpfs -o size=\${SIZE:-16m},mode=755 crt-test /var/cache\n${prepare}`);
  const start = `"$1" -- "$2" --version; ${LIST}`;
  const { stdout, stderr, status } = spawnSync(unshare, [...words, 'sh', '-ec', `${start}; echo; ${start}`, 'sh', process.execPath, crt], {
    encoding: 'utf8',
    timeout: PATIENCE,
  });
  const [first = '', second = ''] = stdout.split('\n\n').map((part) => part.trim());
  return { stderr, status, first, second };
}

e2e('the first start keeps what it has compiled, for root alone, and the second leaves it as it is', (t) => {
  const { stderr, status, first, second } = twice('');
  t.deepEqual([stderr, status], ['', 0]);
  t.regex(first, /^crt [\d.]+\n\S+ \d+ 600 /);
  t.is(second, first);
});

e2e('where nothing can be kept crt starts all the same, and says nothing', (t) => {
  for (const prepare of [
    'mount -o remount,ro crt-test',
    'mkdir -m 700 /var/cache/crt; mount -o remount,ro crt-test',
    'mkdir -m 700 /var/cache/crt; head -c 16m /dev/zero > /var/cache/full || true',
    'mkdir -m 777 /var/cache/crt',
    'mkdir -m 700 /var/cache/crt; chown 65534 /var/cache/crt',
    'mkdir -m 700 /var/cache/elsewhere; ln -s elsewhere /var/cache/crt',
    'echo a file > /var/cache/crt',
  ]) {
    const { stderr, status, first, second } = twice(`${prepare} 2> /dev/null`);
    t.deepEqual([stderr.replace(/^find: .*\n/gm, ''), status], ['', 0], prepare);
    t.regex(first, /^crt [\d.]+(\n \d+ \d+ [\d.]+)?$/, prepare);
    t.is(second, first, prepare);
  }
});
