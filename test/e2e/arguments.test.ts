import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { box, CRT, crt, e2e, ended, folder, MIB, ROOTFS } from './support.js';

const SHOW = ['printf', '[%s]\\n'];
const words: readonly (readonly [title: string, words: readonly string[]])[] = [
  ['their order', ['b', 'a', 'b']],
  ['what looks like flags of crt', ['-la', '--memory', '5', '-t', '--help', '--rm=false', '-e', 'A=1']],
  ['a double dash', ['--', 'x', '--', '--']],
  ['text beyond ASCII', ['ü', '日本', '👩‍🚀', '\u202e']],
  ['nothing, and white space', ['', ' ', '\t', '']],
  ['new lines', ['a\nb', '\n', 'c\r\n']],
  ['what a shell would act on', ['$HOME', '*', '`id`', "'", '"', '\\', ';', '$(id)', '!']],
];
for (const [title, list] of words) {
  e2e(`the command's arguments are untouched: ${title}`, async (t) => {
    const expected = list.map((word) => `[${word}]\n`).join('');
    const withDash = await crt(t, ['run', box(t), '-e', 'B=2', '--', ...SHOW, ...list]);
    t.deepEqual([withDash.stdout, withDash.stderr, withDash.code], [expected, withDash.stderr, 0]);
    t.is((await crt(t, ['run', box(t), ...SHOW, ...list])).stdout, expected);
  });
}

e2e('a long argument arrives whole', async (t) => {
  const long = 'x'.repeat(100_000);
  const { stdout } = await crt(t, ['run', box(t), '--', 'sh', '-c', 'printf %s "$1" | wc -c', 'sh', long]);
  t.is(stdout, '100000\n');
});

e2e('-e and --env-file: the last one wins, KEY alone passes the caller’s', async (t) => {
  const file = `${await folder(t)}/env`;
  writeFileSync(file, '# a comment\nA=file\nB=from the file\n\nPASSED\nQUOTED="as it stands"\n');
  const env = { PASSED: 'on', ALSO: 'this' };
  const show = ['sh', '-c', 'echo "$A|$B|$PASSED|$ALSO|$QUOTED"; printenv MISSING || echo unset'];
  const { stdout } = await crt(
    t,
    ['run', box(t), '--env-file', file, '-e', 'A=first', '-e', 'A=flag', '-e', 'ALSO', '-e', 'MISSING', '--', ...show],
    { env },
  );
  t.is(stdout, 'flag|from the file|on|this|"as it stands"\nunset\n');
});

e2e('nothing of the caller’s environment gets in by itself', async (t) => {
  const { stdout } = await crt(t, ['run', box(t), '--', 'env'], { env: { SECRET: 'x', LD_PRELOAD: '', NODE_OPTIONS: '--no-warnings' } });
  t.deepEqual(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.split('=')[0])
      .sort(),
    ['HOME', 'HOSTNAME', 'PATH'],
  );
});

const codes: readonly (readonly [command: readonly string[], code: number, says?: RegExp])[] = [
  [['true'], 0],
  [['false'], 1],
  [['sh', '-c', 'exit 42'], 42],
  [['sh', '-c', 'exit 125'], 125],
  [['no-such-command'], 127, /no command "no-such-command"/],
  [['/no/such/file'], 127, /no command/],
  [['/etc/passwd'], 126, /not an executable file/],
  [['/etc'], 126, /not an executable file/],
  [['/usr/bin/python3', '-c', 'import os; os.kill(os.fork() or os.getpid(), 0); import ctypes; ctypes.string_at(0)'], 139],
];
for (const [command, code, says] of codes) {
  e2e(`exit code ${code}: ${command[0]} ${command[1] ?? ''}`, async (t) => {
    const ended = await crt(t, ['run', box(t), '--', ...command]);
    t.is(ended.code, code, ended.stderr);
    t.is(ended.stdout, '');
    if (says) t.regex(ended.stderr, says);
  });
}

e2e('the docker letters, as fingers type them', async (t) => {
  const name = box(t);
  const show = 'cat /proc/sys/kernel/hostname; pwd; id -u; echo $A; cat /scratch/none 2>/dev/null; grep -c /scratch /proc/mounts';
  const { stdout, stderr } = await crt(t, [
    'run',
    name,
    '-h',
    'other',
    '-w',
    '/work',
    '-u',
    '1',
    '-eA=1',
    '-m50',
    '--tmpfs',
    '/scratch',
    '-i',
    '--rm',
    'sh',
    '-c',
    show,
  ]);
  t.is(stdout, 'other\n/work\n1\n1\n1\n', stderr);
});

e2e('flags before the name are taken too', async (t) => {
  const { stdout } = await crt(t, ['run', '-e', 'A=1', '--rm', box(t), 'sh', '-c', 'echo $A']);
  t.is(stdout, '1\n');
});

e2e('crt’s own failure is 125, with one line and no trace of Node', async (t) => {
  const name = box(t);
  for (const wrong of [
    ['--no-such-flag'],
    ['--memory', '1'],
    ['--memory', '4194304'],
    ['-v', 'relative:/data'],
    ['--user', '4294967296'],
    ['--cpus', '0'],
    ['-d', '--log-opt', 'x'],
    ['--image', 'x'],
    ['--network', 'bridge'],
    ['--entrypoint', 'sh'],
  ]) {
    const { code, stdout, stderr } = await crt(t, ['run', name, ...wrong, '--', 'echo', 'ran']);
    t.is(code, 125, wrong.join(' '));
    t.is(stdout, '');
    t.regex(stderr, /^crt: .+/);
    t.notRegex(stderr, /at .*\.js:\d+|report it/);
  }
});

e2e('notices are on stderr, and say which rootfs was taken', async (t) => {
  const unnamed = await crt(t, ['run', box(t), '--', 'echo', 'out'], { env: { CRT_ROOTFS: 'host' } });
  t.is(unnamed.stdout, 'out\n');
  t.regex(unnamed.stderr, /^crt: the rootfs is .*host/);
  const named = await crt(t, ['run', box(t), '--rootfs', ROOTFS, '--', 'echo', 'out']);
  t.deepEqual([named.stdout, named.stderr], ['out\n', '']);
});

e2e('--memory: a bare number is MiB, a large one bytes', async (t) => {
  const show = ['sh', '-c', 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null'];
  for (const [given, bytes] of [
    ['50', 50 * MIB],
    ['52428800', 50 * MIB],
    ['64m', 64 * MIB],
    ['0.1g', 107372544],
  ] as const) {
    const { stdout, stderr } = await crt(t, ['run', box(t), '--memory', given, '--', ...show]);
    // The kernel counts pages.
    t.true(Math.abs(Number(stdout) - bytes) < 4096, `${given}: ${stdout} ${stderr}`);
  }
});

e2e('words and variables that are not UTF-8 are refused, not changed', async (t) => {
  const program = CRT.map((word) => `'${word}'`).join(' ');
  const refused = async (line: string): Promise<string> => {
    const child = spawn('bash', ['-c', line.replace('crt', program)], { env: { ...process.env, CRT_ROOTFS: ROOTFS } });
    const { code, stdout, stderr } = await ended(child);
    t.deepEqual([code, stdout], [125, ''], line);
    return stderr;
  };
  const name = box(t);
  t.regex(await refused(`crt run ${name} -- printf %s $'a\\xff\\xfe'`), /the word \$'a\\xff\\xfe' is not UTF-8/);
  t.regex(await refused(`crt run ${name} -e A=$'\\xff' -- env`), /the word \$'A=\\xff' is not UTF-8/);
  t.regex(await refused(`A=$'\\xff' crt run ${name} -e A -- env`), /the variable \$'A=\\xff' is not UTF-8/);
  const file = `${await folder(t)}/env`;
  writeFileSync(file, Buffer.from([0x41, 0x3d, 0xff]));
  t.regex(await refused(`crt run ${name} --env-file ${file} -- env`), /--env-file \S+ is not UTF-8/);
  t.is((await crt(t, ['run', name, '-e', 'A=\ufffd', '--', 'sh', '-c', 'printf %s "$A"'])).stdout, '\ufffd', 'which is a character, too');
});
