import { spawnSync } from 'node:child_process';
import test from 'ava';
import { displayWidth } from '../../src/format/printable.js';
import { type DoctorPage, type DoctorReport, type Finding, renderDoctor, renderFixScript } from '../../src/index.js';

const PAGE: DoctorPage = {
  width: 80,
  color: false,
  unicode: true,
  verbose: false,
  partial: false,
  program: 'sudo crt',
  manager: 'apt',
};
const OK: Finding = { verdict: 'pass', observed: 'fine' };
const BAD: Finding = {
  verdict: 'fail',
  observed: 'no overlay can be mounted on this file system, which is one with a long name',
  expected: 'an overlay',
  cost: 'no container can be started',
  fix: { packages: ['kmod'], commands: ['modprobe overlay'], advice: 'or a kernel that has it' },
};
const LACK: Finding = {
  verdict: 'warn',
  observed: 'swap is not counted',
  cost: 'memory limits leave swap alone',
  fix: { commands: ['true'] },
};

function report(findings: { [id: string]: readonly Finding[] }, root = true): DoctorReport {
  const rank = ['pass', 'info', 'unknown', 'warn', 'fail'] as const;
  const checks = Object.entries(findings).map(([id, all]) => {
    const verdict = rank[Math.max(...all.map((one) => rank.indexOf(one.verdict)))] ?? 'pass';
    return { id: id as 'overlay', group: 'storage' as const, title: id, verdict, findings: all, durationMs: 1 };
  });
  const verdict = checks.some((one) => one.verdict === 'fail') ? 'fail' : checks.some((one) => one.verdict === 'warn') ? 'warn' : 'pass';
  return { version: 1, root, verdict, checks, durationMs: 12.3 };
}

test('all is well: a line a group, and that crt run will work', (t) => {
  t.is(renderDoctor(report({ overlay: [OK] }), PAGE), '✔ ok       storage      fine\n\ncrt run will work here\n');
});

test('what is wrong is told in full', (t) => {
  t.is(
    renderDoctor(report({ 'disk-space': [OK], overlay: [BAD] }), PAGE),
    [
      '✖ failure  storage      no overlay can be mounted on this file system, which is…',
      '  ✖ overlay: no overlay can be mounted on this file system, which is one with',
      '    a long name',
      '      expected: an overlay',
      '      costs: no container can be started',
      '      to do: or a kernel that has it',
      '      as root, type:',
      '        apt-get install -y kmod',
      '        modprobe overlay',
      '',
      'crt run will not work here: overlay',
      'what repairs it, in one block: sudo crt doctor --fix-script',
      '',
    ].join('\n'),
  );
});

test('the last lines: what it will lack, what was not looked at, that it needs root', (t) => {
  const last = (given: DoctorReport, page: Partial<DoctorPage> = {}): string =>
    renderDoctor(given, { ...PAGE, ...page }).split('\n\n')[1] ?? '';
  t.regex(last(report({ 'cgroup-swap': [LACK] })), /^crt run will work here, and will lack: memory limits leave swap alone\n/);
  t.regex(last(report({ overlay: [{ verdict: 'unknown', observed: 'only root can look' }] })), /\nnot looked at: overlay\n/);
  t.is(last(report({ overlay: [OK] }, false)), 'crt run needs root: sudo crt doctor\n');
  t.is(last(report({ privilege: [BAD] }, false)), 'crt run needs root: sudo crt doctor\n');
  t.regex(last(report({ privilege: [BAD], helper: [BAD] }, false)), /will not work here: privilege, helper/);
  t.is(last(report({ overlay: [OK] }), { partial: true }), 'nothing of what was looked at keeps crt run from working\n');
});

test('-v shows what passes, and the time', (t) => {
  t.regex(renderDoctor(report({ overlay: [OK] }), { ...PAGE, verbose: true }), /^ {2}✔ overlay: fine$[\s\S]*^1 checks in 12 ms$/m);
});

test('plain ASCII where the locale is not UTF-8, and words beside the marks', (t) => {
  const text = renderDoctor(report({ overlay: [BAD, LACK], helper: [OK] }), { ...PAGE, unicode: false, verbose: true });
  t.regex(text, /^[\n -~]*$/);
  t.regex(text, /^x failure {2}storage/m);
});

test('colour is more, never all', (t) => {
  const plain = renderDoctor(report({ overlay: [BAD, LACK] }), PAGE);
  const colored = renderDoctor(report({ overlay: [BAD, LACK] }), { ...PAGE, color: true });
  t.not(colored, plain);
  t.is(colored.replace(/\x1b\[[\d;]*m/g, '').replace(/ +$/gm, ''), plain);
});

for (const width of [30, 40, 60, 80]) {
  test(`fits ${width} columns, but for commands`, (t) => {
    const long: Finding = { ...BAD, observed: 'word '.repeat(40), cost: `/${'x'.repeat(90)}`, fix: { advice: 'do '.repeat(50) } };
    for (const line of renderDoctor(report({ overlay: [long, LACK], masks: [OK] }), { ...PAGE, width, verbose: true }).split('\n'))
      t.true(displayWidth(line) <= width, line);
  });
}

test('a text cannot drive the terminal', (t) => {
  const evil = 'x\x1b[2J\ny\u202e';
  const finding: Finding = {
    verdict: 'fail',
    observed: evil,
    expected: evil,
    cost: evil,
    fix: { commands: [evil], advice: evil, packages: [] },
  };
  const text = renderDoctor(report({ overlay: [finding] }), PAGE) + renderFixScript(report({ overlay: [finding] }), 'apt');
  t.notRegex(text, /[\x00-\x09\x0b-\x1f\u202e]/);
});

test('--fix-script: each line once, with its reasons; what is well is left out', (t) => {
  const other: Finding = { ...LACK, fix: { commands: ['modprobe overlay'], packages: ['kmod', 'make'] } };
  const fine: Finding = { ...OK, fix: { commands: ['never'] } };
  const info: Finding = { verdict: 'unknown', observed: 'only root can look', fix: { commands: ['crt doctor'] } };
  t.is(
    renderFixScript(report({ overlay: [BAD], masks: [other, fine, info] }), 'dnf'),
    [
      '# crt doctor: read it, then paste it into a shell of root (sudo -s)',
      '',
      `# overlay: ${BAD.observed}`,
      '# masks: swap is not counted',
      'dnf install -y kmod make',
      '',
      `# overlay: ${BAD.observed}`,
      '# masks: swap is not counted',
      'modprobe overlay',
      '',
      `# overlay: ${BAD.observed}`,
      '#   by hand: or a kernel that has it',
      '',
    ].join('\n'),
  );
  t.is(renderFixScript(report({ overlay: [OK] }), 'apt'), '# crt doctor: nothing to repair\n');
});

test('--fix-script: what packages need comes before them, what needs them after', (t) => {
  const fixed = (...commands: string[]): Finding => ({ ...LACK, fix: { commands } });
  const given = report({ helper: [BAD], leftovers: [fixed('crt rm')], masks: [fixed('mknod /dev/null')] });
  const checks = given.checks.map((check) => ({
    ...check,
    group: check.id === ('leftovers' as string) ? ('leftovers' as const) : check.group,
  }));
  const script = renderFixScript({ ...given, checks }, 'apt');
  t.deepEqual(
    script.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
    ['mknod /dev/null', 'apt-get install -y kmod', 'modprobe overlay', 'crt rm'],
  );
});

test('--fix-script is a script of sh, whatever is in a text', (t) => {
  const evil: Finding = {
    verdict: 'fail',
    observed: "it's `$(touch x)`\n)(rm -rf /",
    fix: { commands: ["mkdir -p '/a b'\nchmod 700 '/a b'"], packages: ['make'], advice: "don't\n`stop`" },
  };
  for (const manager of ['apt', 'apk', undefined] as const) {
    const script = renderFixScript(report({ overlay: [evil, BAD, LACK] }), manager);
    t.is(spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' }).stderr, '');
    t.notRegex(script, /^\)\(rm/m);
    t.deepEqual(
      script.split('\n').filter((line) => line !== '' && !line.startsWith('#')),
      [
        'true',
        ...(manager === 'apt' ? ['apt-get install -y make kmod'] : manager === 'apk' ? ['apk add make kmod'] : []),
        "mkdir -p '/a b'",
        "chmod 700 '/a b'",
        'modprobe overlay',
      ],
    );
  }
});
