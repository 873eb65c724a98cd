import { execFileSync } from 'node:child_process';
import test from 'ava';
import { explainShell, type ShellExtras, type ShellLimit } from '../../src/explain/sh.js';
import { below, quote } from '../../src/explain/sh-words.js';
import { type Plan, step, toContainerPath, toHostPath } from '../../src/plan/step.js';
import type { Config } from '../../src/spec/types.js';
import { samplePlan } from './fixture.js';

/** The config that the sample could come from, as far as the shell script reads it. */
const sampleConfig: Config = {
  ociVersion: '1.2.0',
  root: { path: '/ubuntu_rootfs' },
  hostname: 'box',
  mounts: [],
  process: { cwd: '/data', env: [], args: ['python3'], user: { uid: 0, gid: 0 } },
  linux: { namespaces: [], resources: { memory: { limit: 52428800, swap: 52428800 } } },
};

const limits: ShellLimit[] = [
  { controller: 'memory', file: 'memory.limit_in_bytes', value: '52428800', optional: false },
  { controller: 'memory', file: 'memory.memsw.limit_in_bytes', value: '52428800', optional: true },
];
const extras: ShellExtras = { name: 'box', limits };

/** The inner script is a here-document to the outer one: its syntax is checked apart. */
function checkSyntax(script: string): void {
  const inner = script.slice(script.indexOf("<<'INSIDE'\n") + "<<'INSIDE'\n".length, script.indexOf('\nINSIDE\n') + 1);
  for (const input of [script, inner]) execFileSync('bash', ['-n'], { input, stdio: ['pipe', 'ignore', 'pipe'] });
}

function bash(script: string): Buffer {
  return execFileSync('bash', ['--norc', '-c', script], { env: { LC_ALL: 'C' } });
}

const HOSTILE = [
  "it's",
  '$(id)',
  '`id`',
  'a b',
  '',
  '*',
  '~',
  '-n',
  'a\nb',
  '\x1b[2J',
  '\\',
  "\\'",
  '"',
  '$HOME',
  '\u202e',
  'é日本👩‍🚀',
  '\x7f\x9b',
  '!x',
  '#',
  "$'x'",
  'tab\tcr\r',
];

test('a quoted word is exactly itself, and harmless to print', (t) => {
  for (const text of HOSTILE) {
    t.is(bash(`printf %s ${quote(text)}`).toString(), text);
    t.notRegex(quote(text), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    t.is(bash(`at=/x; printf %s ${below('at', `/${text}`)}`).toString(), `/x/${text}`);
  }
});

test('the script of the sample', (t) => {
  const script = explainShell(samplePlan(), sampleConfig, extras);
  checkSyntax(script);
  t.snapshot(script);
});

test('every step is there, by number and verb: inside, or with the birth', (t) => {
  const plan = samplePlan();
  const script = explainShell(plan, sampleConfig, extras);
  const ranges = [...script.matchAll(/^# (\d+)(?:–(\d+))? ([a-z-]+): /gm)].flatMap(([, first, last = first, op]) =>
    Array.from({ length: Number(last) - Number(first) + 1 }, (_, offset) => `${Number(first) + offset} ${op}`),
  );
  const outside = script.slice(script.indexOf('# ── The birth')).match(/\d+ [a-z-]+(?=,|\n)/g) ?? [];
  t.deepEqual([...ranges, ...outside].sort(), plan.steps.map(({ op }, index) => `${index + 1} ${op}`).sort());
});

test('version 2: the controllers are handed down, and one cgroup is entered', (t) => {
  const note = { chapter: 'cgroup', why: 'the cgroup that init is born in' } as const;
  const plan: Plan = {
    steps: samplePlan().steps.flatMap((one) => {
      if (one.op === 'cgroup-join') return [];
      if (one.op !== 'clone') return [one];
      return [
        step('open', 'stage', { fd: 'cgroup', path: toHostPath('/sys/fs/cgroup/crt/box'), flags: 0x210000 }, note),
        step('clone', 'stage', { pidfd: 'init', cgroup: 'cgroup', namespaces: 0x20020000 }, { ...note, why: 'init is born' }),
      ];
    }),
  };
  const max = { controller: 'memory', file: 'memory.max', value: '52428800', optional: false };
  const script = explainShell(plan, sampleConfig, {
    name: 'box',
    limits: [max, { ...max, controller: 'pids', file: 'pids.max', value: '64' }],
  });
  checkSyntax(script);
  const wanted = [
    'mkdir -p /sys/fs/cgroup/crt',
    "echo '+memory +pids' > /sys/fs/cgroup/cgroup.subtree_control",
    "echo '+memory +pids' > /sys/fs/cgroup/crt/cgroup.subtree_control",
    'cgroup /sys/fs/cgroup/crt/box',
    'echo 52428800 > /sys/fs/cgroup/crt/box/memory.max',
    'echo 64 > /sys/fs/cgroup/crt/box/pids.max',
    '  echo 0 > /sys/fs/cgroup/crt/box/cgroup.procs',
  ];
  t.deepEqual(
    script.split('\n').filter((line) => wanted.includes(line)),
    wanted,
  );
});

test('a limit whose controller is not entered is said to be missing', (t) => {
  const script = explainShell(samplePlan(), sampleConfig, {
    name: 'box',
    limits: [{ controller: 'cpu', file: 'cpu.shares', value: '2', optional: false }],
  });
  t.true(script.includes('# cpu.shares cannot be set: no cgroup with the cpu controller is entered'));
});

test('secrets are not written, and asked for before anything is made', (t) => {
  const script = explainShell(samplePlan(), sampleConfig, extras);
  t.false(script.includes('hunter2') || script.includes('tok-4711'));
  t.true(script.indexOf(': "${API_TOKEN?') < script.indexOf('mktemp'));
  t.true(script.includes('  db_password="$db_password" \\'));
  t.true(explainShell(samplePlan(), sampleConfig, { ...extras, showSecrets: true }).includes('  API_TOKEN=tok-4711 \\'));
});

test('hostile paths, names and texts are quoted everywhere', (t) => {
  const note = { chapter: 'mounts', why: 'x\nrm -rf /\x1b[2J' } as const;
  const hostile = HOSTILE.filter((text) => text !== '').flatMap((text) => [
    step('bind-source', 'stage', { source: toHostPath(`/${text}`), target: toHostPath(`/run/crt/box/${text}`), attrs: 1 }, note),
    step('bind', 'init', { root: 'root', source: toHostPath(`/run/crt/box/${text}`), target: toContainerPath(`/${text}`), attrs: 0 }, note),
    step(
      'mount',
      'init',
      { root: 'root', type: text, source: text, target: toContainerPath(`/${text}`), options: [text], attrs: 1, mode: 0 },
      note,
    ),
    step('symlink', 'init', { root: 'root', content: `x/${text}`, target: toContainerPath(`/l/${text}`) }, note),
    step('hostname', 'init', { name: text }, note),
    step('file', 'stage', { target: toHostPath('/run/crt/box/f'), content: Buffer.from(text), mode: 0o600 }, note),
  ]);
  const plan = { steps: samplePlan().steps.flatMap((one) => (one.op === 'root' ? [one, ...hostile] : [one])) };
  const script = explainShell(plan, { ...sampleConfig, root: { path: '/a\nrm -rf /' } }, extras);
  checkSyntax(script);
  t.notRegex(script, /^rm -rf \//m);
  t.notRegex(script.replaceAll('\n', ''), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
});

test('a rootfs that crt puts together is put together by the script', (t) => {
  const skeleton = {
    directory: '/ubuntu_rootfs',
    entries: [
      { path: '/tmp', kind: 'directory', mode: 0o1777 },
      { path: '/bin', kind: 'link', content: 'usr/bin' },
      { path: '/passwd', kind: 'file', mode: 0o644, content: 'root:x:0:0:::\n' },
    ],
  } as const;
  const script = explainShell(samplePlan(), sampleConfig, { ...extras, skeleton });
  checkSyntax(script);
  for (const line of [
    'mkdir -p "$scratch"/lower/tmp',
    'chmod 1777 "$scratch"/lower/tmp',
    'ln -s usr/bin "$scratch"/lower/bin',
    'printf %s $\'root:x:0:0:::\\n\' > "$scratch"/lower/passwd',
    'at_lower="$scratch/lower"',
  ]) {
    t.true(script.split('\n').includes(line), line);
  }
});
