import test from 'ava';
import { decodeOperands } from '../../src/explain/operands.js';
import { phraseFlags, phraseRun, phraseStep } from '../../src/explain/phrase.js';
import { type Step, step, toContainerPath, toHostPath } from '../../src/plan/step.js';
import { CAPABILITIES, capabilityMask } from '../../src/spec/capabilities.js';

const note = { chapter: 'process', why: 'because' } as const;
const exec = (env: readonly string[], argv: readonly string[] = ['sh']) =>
  step('exec', 'init', { candidates: ['/bin/sh'], argv, env, reaper: 0 }, note);

test('flags, limits, signals and capabilities have their names', (t) => {
  const clone = step('clone', 'stage', { pidfd: 'init', namespaces: 0x20000 | 0x20000000 }, note);
  t.is(phraseStep(clone), 'CLONE_NEWNS|CLONE_NEWPID');
  t.is(
    phraseStep(step('remount', 'init', { target: toContainerPath('/'), attrs: 0x1 | 0x2 | 0x400000 }, note)),
    '/ MOUNT_ATTR_RDONLY|MOUNT_ATTR_NOSUID|0x400000',
  );
  t.is(phraseStep(step('rlimit', 'monitor', { resource: 7, soft: 1024, hard: 2n ** 64n - 1n }, note)), 'RLIMIT_NOFILE 1024 of unlimited');
  t.is(phraseStep(step('parent-death', 'init', { signal: 15 }, note)), 'SIGTERM');
  t.is(phraseStep(step('bounding', 'init', { capabilities: capabilityMask(['CAP_KILL', 'CAP_BPF']) }, note)), 'KILL BPF');
  t.is(phraseStep(step('bounding', 'init', { capabilities: capabilityMask(CAPABILITIES) }, note)), `all ${CAPABILITIES.length}`);
  t.is(phraseStep(step('bounding', 'init', { capabilities: 0 }, note)), 'none');
  t.is(phraseStep(step('oom-score', 'stage', { value: 2n ** 64n - 500n }, note)), '-500');
});

test('the access mode of open(2) is told, but for O_PATH, which has none', (t) => {
  const open = (flags: number) => phraseStep(step('open', 'stage', { fd: 'x', path: toHostPath('/x'), flags }, note));
  t.is(open(0x80001), 'x = /x O_WRONLY|O_CLOEXEC');
  t.is(open(0), 'x = /x O_RDONLY');
  t.is(open(0x210000), 'x = /x O_DIRECTORY|O_PATH');
});

test('a device node is told as mknod(1) takes it', (t) => {
  const device = step(
    'device',
    'init',
    { root: 'root', target: toContainerPath('/dev/sda'), mode: 0o060640, device: (8n << 32n) | 1n, owner: (5n << 32n) | 6n },
    note,
  );
  t.is(phraseStep(device), '/dev/sda b 8:1 0640 owner 5:6');
  t.deepEqual(decodeOperands(device), { root: 'root', target: '/dev/sda', mode: 'b 0640', device: '8:1', owner: '5:6' });
});

test('values of secret-looking variables are not shown, unless asked for', (t) => {
  for (const name of ['API_KEY', 'GITHUB_TOKEN', 'db_password', 'CLIENT_SECRET']) {
    const one = exec([`${name}=s3cr3t`, 'LANG=C']);
    t.false(phraseStep(one).includes('s3cr3t'), name);
    t.true(phraseStep(one).includes(`${name}=(hidden) LANG=C`), name);
    t.false(JSON.stringify(decodeOperands(one)).includes('s3cr3t'), name);
    t.true(phraseStep(one, { showSecrets: true }).includes(`${name}=s3cr3t`), name);
    t.deepEqual(decodeOperands(one, { showSecrets: true })['env'], [`${name}=s3cr3t`, 'LANG=C']);
  }
});

test('nothing in an operand reaches the terminal as a command', (t) => {
  const text = phraseStep(exec(['A=\x1b[2J\u202e\u2028\x9b1m'], ['sh', '-c', 'a\nb\x07']));
  t.notRegex(text, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  t.true(text.includes("'a\\nb\\x07'"));
});

test('long lists and texts are shortened', (t) => {
  const many = Array.from({ length: 40 }, (_, index) => `V${index}=${'x'.repeat(500)}`);
  const text = phraseStep(exec(many, ['sh', ...many]));
  t.true(text.length < 1500, String(text.length));
  t.true(text.includes('(34 more)'));
  const file = step('file', 'stage', { target: toHostPath('/f'), content: Buffer.from(`${'y'.repeat(5000)}\n`), mode: 0o600 }, note);
  t.is(phraseStep(file), `"${'y'.repeat(31)}…" (5001 bytes) → /f 0600`);
});

test('flags of a step are told once', (t) => {
  const both = step(
    'bind',
    'init',
    { root: 'root', source: toHostPath('/s'), target: toContainerPath('/t'), attrs: 0 },
    { ...note, flags: ['mkdir', 'mkfile'] },
  );
  t.is(phraseFlags(both), '(made if missing)');
  t.is(phraseFlags(exec([])), '');
});

test('links of one folder into another are told by their names', (t) => {
  const link = (target: string, content: string): Step =>
    step('symlink', 'init', { root: 'root', target: toContainerPath(target), content }, note);
  t.is(phraseRun([link('/m/a', 'box/a'), link('/m/b', 'box/b')]), '/m/a → box/a, b');
  t.is(phraseRun([link('/m/a', 'box/a'), link('/n/b', 'box/b')]), '/m/a → box/a, /n/b → box/b');
  const long = Array.from({ length: 30 }, (_, index) => link(`/m/${index}`, `box/${index}`));
  t.true(phraseRun(long).endsWith('7, and 22 more'));
});
