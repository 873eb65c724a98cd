import { readFileSync } from 'node:fs';
import test from 'ava';
import { COMMANDS } from '../../src/cli/oclif.js';
import { RUN_FLAGS } from '../../src/cli/run-flags.js';
import { crt, ROOT } from './crt.js';

const { version } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { version: string };

for (const words of [['--version'], ['-v']]) {
  test(`crt ${words}: the version`, (t) => {
    t.deepEqual(crt(words), { exitCode: 0, stdout: `crt ${version}\n`, stderr: '' });
  });
}

for (const words of [[], ['--help'], ['-h'], ['help']]) {
  test(`crt ${words.join(' ')}: examples first, then the commands, without what is hidden or not built`, (t) => {
    const { exitCode, stdout, stderr } = crt(words);
    t.is(exitCode, 0);
    t.is(stderr, '');
    t.regex(stdout, /^EXAMPLES\n {2}\$ sudo crt run mycontainer\n/);
    const listed = [...stdout.slice(stdout.indexOf('COMMANDS')).matchAll(/^ {2}(\w+) {2}/gm)].map(([, name]) => name);
    t.deepEqual(
      listed,
      Object.keys(COMMANDS).filter((name) => name !== 'undo'),
    );
  });
}

for (const words of [
  ['run', '--help'],
  ['help', 'run'],
  ['run', 'box', '--memory', '50', '--help'],
]) {
  test(`crt ${words.join(' ')}: the help of run`, (t) => {
    const { exitCode, stdout } = crt(words);
    t.is(exitCode, 0);
    t.true(stdout.indexOf('EXAMPLES') < stdout.indexOf('USAGE'));
    t.regex(stdout, /\$ crt run NAME \[flags\] \[--\] \[COMMAND \[ARG\.\.\.\]\]/);
    for (const [name, flag] of Object.entries(RUN_FLAGS))
      t.is(new RegExp(`--(\\[no-\\])?${name}\\b`).test(stdout.slice(stdout.indexOf('FLAGS'))), !flag.hidden, name);
  });
}

for (const name of ['completion', 'diff', 'doctor', 'events', 'exec', 'inspect', 'prune', 'ps', 'rm', 'verify']) {
  test(`crt ${name} -h: help`, (t) => {
    const { exitCode, stdout } = crt([name, '-h']);
    t.is(exitCode, 0);
    t.true(stdout.indexOf('EXAMPLES') < stdout.indexOf('USAGE'));
  });
}

test('help fits 80 columns', (t) => {
  for (const words of [['--help'], ...['run', 'exec', 'ps', 'rm', 'doctor', 'inspect', 'verify'].map((name) => ['help', name])]) {
    for (const line of crt(words).stdout.split('\n')) t.true(line.length <= 80, line);
  }
});

test('--help after the command is the command’s', (t) => {
  const { exitCode, stdout, stderr } = crt(['run', 'box', 'ls', '--help'], { uid: 65534 });
  t.is(exitCode, 125);
  t.is(stdout, '');
  t.regex(stderr, /needs root: sudo \S+ run box ls --help/);
});
