import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Parser } from '@oclif/core';
import test from 'ava';
import fc from 'fast-check';
import { FlagValues } from '../../src/cli/flag-values.js';
import { RUN_FLAGS, type RunFlagName } from '../../src/cli/run-flags.js';
import { toRunOptions } from '../../src/cli/run-options.js';
import { type RunOptions, splitRun, UserError } from '../../src/index.js';

function read(line: readonly string[]): RunOptions {
  const { name, flags, command } = splitRun(line, RUN_FLAGS);
  const options = toRunOptions(name ?? '', command, new FlagValues<RunFlagName>(flags, RUN_FLAGS));
  // What was not asked for must not be there in another form.
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as unknown as RunOptions;
}

/** Of a command line without any flag; ava's workers have no terminal. */
const PLAIN = {
  name: 'box',
  env: {},
  ulimits: {},
  mounts: [],
  keep: false,
  input: 'inherit',
  stdout: 'inherit',
  stderr: 'inherit',
  tty: false,
};

function reads(line: string, expected: object): void {
  test(`crt run ${line}`, (t) => t.deepEqual<unknown, unknown>(read(line.split(' ')), { ...PLAIN, ...expected }));
}

reads('box', {});
reads('box --memory 50', { memory: 52_428_800 });
reads('-m 50 box', { memory: 52_428_800 });
reads('box head -m 3', { command: ['head', '-m', '3'] });
reads('box ls -la', { command: ['ls', '-la'] });
reads('box -- echo b a b', { command: ['echo', 'b', 'a', 'b'] });
reads('box -e A=1 sh', { env: { A: '1' }, command: ['sh'] });
reads('box -e A=1 -e A=2 -eB=3', { env: { A: '2', B: '3' } });
reads('box -it', { tty: true });
reads('box -ti', { tty: true });
reads('box -itm 50', { tty: true, memory: 52_428_800 });
reads('box --no-tty', { tty: false });
reads('box --rm', { keep: false });
reads('box --rm=false', { keep: true });
reads('box --keep', { keep: true });
reads('box -w /data -u 1000:1000 -h web', { cwd: '/data', user: '1000:1000', hostname: 'web' });
reads('box --memory 50 --memory-swap -1', { memory: 52_428_800, memorySwap: -1 });
reads('box --cpus 0.5 -c 512 --cpuset-cpus 0 --pids-limit -1', { cpus: 0.5, cpuShares: 512, cpusetCpus: '0', pidsLimit: -1 });
reads('box --ulimit nofile=64:128 --ulimit core=0', { ulimits: { nofile: [64, 128], core: [0, 0] } });
reads('box --timeout 1m30s', { timeout: 90_000 });
reads('box --storage-size 64m --read-only --init', { storageSize: 67_108_864, readOnly: true, init: true });
reads('box --writable-rootfs --rootfs /srv/root', { writableRootfs: true, rootfs: '/srv/root' });
reads('box -v /srv:/data:ro --tmpfs /scratch:size=1m', {
  mounts: [
    { type: 'bind', source: '/srv', target: '/data', readonly: true },
    { type: 'tmpfs', target: '/scratch', size: 1_048_576 },
  ],
});

reads('box --cap-add net_admin,CAP_SYS_TIME --cap-add all --cap-drop KILL', {
  capAdd: ['CAP_NET_ADMIN', 'CAP_SYS_TIME', 'ALL'],
  capDrop: ['CAP_KILL'],
});
reads('box --device /dev/kvm --device /dev/fuse:/dev/other:rw --device /dev/tty0:r', {
  devices: [{ source: '/dev/kvm' }, { source: '/dev/fuse', target: '/dev/other', access: 'rw' }, { source: '/dev/tty0', access: 'r' }],
});
reads('box --network host --userns=host --privileged --group-add 44', {
  network: 'host',
  userns: 'host',
  privileged: true,
  groupAdd: [44],
});
reads('box --net none', { network: 'none' });
reads('box --security-opt no-new-privileges:false --security-opt unmask=/proc/a:/proc/b', {
  securityOpt: { noNewPrivileges: false, unmask: ['/proc/a', '/proc/b'] },
});

test('-i=false closes stdin', (t) => {
  t.false('input' in read(['box', '-i=false']));
});

test('-e NAME passes a value on; a flag wins over a file', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'crt-test-'));
  try {
    writeFileSync(join(folder, 'env'), '# comment\nA=file\nB=file\n');
    const { env } = read(['box', '-e', 'PATH', '-e', 'A=flag', '--env-file', join(folder, 'env')]);
    t.deepEqual({ ...env }, { A: 'flag', B: 'file', PATH: process.env['PATH'] ?? '' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a toggle takes the truth values of docker and no others', (t) => {
  for (const [word, value] of [
    ['1', true],
    ['t', true],
    ['TRUE', true],
    ['0', false],
    ['f', false],
    ['False', false],
  ] as const) {
    t.is(read(['box', `--init=${word}`]).init, value);
  }
  t.throws(() => read(['box', '--init=yes']), { instanceOf: UserError });
});

/** Words that both parsers take for the value of a flag. */
const value = fc.stringMatching(/^[A-Za-z0-9_./:=,+]{1,12}$/);
const names = Object.keys(RUN_FLAGS) as RunFlagName[];
const given = fc.constantFrom(...names).chain((name) => {
  const { type, char } = RUN_FLAGS[name] as { type: string; char?: string };
  if (type === 'boolean') return fc.constantFrom([`--${name}`], ...(char ? [[`-${char}`]] : [])).map((words) => ({ name, words }));
  const long = value.map((text) => [`--${name}=${text}`]);
  const apart = value.map((text) => [`--${name}`, text]);
  const short = value.map((text) => (char ? [`-${char}`, text] : [`--${name}`, text]));
  return fc.oneof(long, apart, short).map((words) => ({ name, words }));
});

test('what is given to crt’s own flags is what oclif’s parser would read', async (t) => {
  const property = fc.asyncProperty(fc.uniqueArray(given, { selector: ({ name }) => name, maxLength: 8 }), async (list) => {
    const words = list.flatMap((one) => one.words);
    const { flags } = splitRun(['box', ...words], RUN_FLAGS);
    const ours = new FlagValues<RunFlagName>(flags, RUN_FLAGS);
    const flagsWithNames = Object.fromEntries(names.map((name) => [name, { ...RUN_FLAGS[name], name }]));
    const theirs = await Parser.parse(words, { flags: flagsWithNames as never, strict: true });
    for (const { name } of list) {
      const expected = (theirs.flags as Record<string, unknown>)[name];
      if (typeof expected === 'boolean') t.is(ours.toggle(name), expected, name);
      else t.deepEqual(ours.all(name), [expected].flat() as string[], name);
    }
    t.deepEqual(Object.keys(theirs.flags).sort(), list.map(({ name }) => name).sort());
  });
  await fc.assert(property, { numRuns: 200 });
});
