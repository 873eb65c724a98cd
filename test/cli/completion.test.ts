import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test, { type ExecutionContext } from 'ava';
import { RUN_FLAGS } from '../../src/cli/run-flags.js';
import { PATIENCE } from '../in-time.js';
import { crt, ROOT } from './crt.js';

interface Manifest {
  readonly commands: Readonly<Record<string, { hidden?: boolean; flags: Readonly<Record<string, { hidden?: boolean; char?: string }>> }>>;
}
const { commands } = JSON.parse(readFileSync(new URL('oclif.manifest.json', ROOT), 'utf8')) as Manifest;
const shown = Object.entries(commands).filter(([, { hidden }]) => hidden !== true);

/** Where CI runs they must be there. */
const has = (shell: string): boolean => process.env['CI'] !== undefined || spawnSync(shell, ['-c', 'true']).status === 0;
const inZsh = has('zsh') ? test : test.skip;
const inFish = has('fish') ? test : test.skip;

/** A folder with the script, and a state directory with names, some of which are traps. */
function prepare(t: ExecutionContext, shell: string): { script: string; state: string; trap: string } {
  const folder = mkdtempSync(`${tmpdir()}/crt-completion-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const state = `${folder}/state`;
  const trap = `${folder}/trapped`;
  for (const name of ['web1', 'web2', 'db', '.hidden', `$(touch ${trap.replaceAll('/', '_')})`, 'a b', '-rf', '`id`', 'x\ny'])
    mkdirSync(`${state}/${name}`, { recursive: true });
  const { exitCode, stdout } = crt(['completion', shell]);
  t.is(exitCode, 0);
  writeFileSync(`${folder}/script`, stdout);
  return { script: `${folder}/script`, state, trap };
}

function output(t: ExecutionContext, shell: string, words: readonly string[], env: NodeJS.ProcessEnv = {}): string[] {
  const { status, stdout, stderr } = spawnSync(shell, words, { encoding: 'utf8', env: { ...process.env, ...env }, timeout: PATIENCE });
  t.deepEqual([status, stderr], [0, '']);
  return stdout.split('\n').filter(Boolean).sort();
}

/** What bash offers for the last of these words. */
function bash(t: ExecutionContext, { script, state }: { script: string; state: string }, ...line: string[]): string[] {
  const program = 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _crt; printf "%s\\n" "${COMPREPLY[@]}"';
  return output(t, 'bash', ['--norc', '-c', program, 'bash', script, 'crt', ...line], { CRT_STATE_DIR: state });
}

test('bash: commands, every flag of every command, names and values', (t) => {
  const made = prepare(t, 'bash');
  t.deepEqual(bash(t, made, ''), shown.map(([name]) => name).sort());
  t.deepEqual(bash(t, made, 'p'), ['pause', 'prune', 'ps']);
  for (const [name, { flags }] of shown) {
    const words = Object.entries(flags).flatMap(([flag, { hidden, char }]) => (hidden ? [] : [`--${flag}`, ...(char ? [`-${char}`] : [])]));
    t.deepEqual(bash(t, made, name, '-'), words.sort(), name);
  }
  t.deepEqual(bash(t, made, 'rm', ''), ['db', 'web1', 'web2']);
  t.deepEqual(bash(t, made, 'rm', 'db', 'w'), ['web1', 'web2']);
  t.deepEqual(bash(t, made, 'diff', 'web1'), ['web1']);
  t.deepEqual(bash(t, made, 'run', ''), []);
  t.deepEqual(bash(t, made, 'run', 'box', '--network', ''), ['host', 'none']);
  t.deepEqual(bash(t, made, 'run', 'box', '--rootfs', ''), []);
  t.deepEqual(bash(t, made, 'run', 'box', '--', 'ls', '-'), []);
  t.deepEqual(bash(t, made, 'completion', ''), ['bash', 'fish', 'zsh']);
  t.deepEqual(bash(t, { ...made, state: '/nowhere' }, 'rm', ''), []);
});

test('bash: the script is fit for strict shells, and of those that cannot read the state it asks nothing', (t) => {
  const { script } = prepare(t, 'bash');
  t.deepEqual(output(t, 'bash', ['-n', script]), []);
  t.deepEqual(
    output(t, 'bash', [
      '--norc',
      '-euc',
      'shopt -s failglob; source "$1"; COMP_WORDS=(crt rm ""); COMP_CWORD=2; CRT_STATE_DIR=/nowhere _crt',
      'bash',
      script,
    ]),
    [],
  );
  t.notRegex(readFileSync(script, 'utf8'), /sudo|node/);
});

inZsh('zsh: names, values and flags', (t) => {
  const { script, state } = prepare(t, 'zsh');
  t.deepEqual(output(t, 'zsh', ['-n', script]), []);
  // The functions that draw are replaced by ones that print what they are given.
  const program = `compdef() { :; }; _files() { print files; }; _normal() { print normal; }
    _describe() { print -rl -- \${(P)\${@[-1]}}; }; compadd() { print -rl -- \${(P)2}; }
    source $1; shift; words=("$@"); CURRENT=$#; _crt`;
  const offer = (...line: string[]): string[] =>
    output(t, 'zsh', ['-f', '-c', program, 'zsh', script, 'crt', ...line], { CRT_STATE_DIR: state });
  t.deepEqual(offer('rm', ''), ['db', 'web1', 'web2']);
  t.deepEqual(offer('run', 'box', '--userns', ''), ['auto', 'host']);
  t.deepEqual(offer('run', 'box', '--', ''), ['normal']);
  t.deepEqual(offer('run', 'box', ''), ['files']);
  t.true(offer('').some((line) => line.startsWith('prune:')));
  const flags = offer('run', '-').map((line) => line.split(':')[0]);
  for (const [name, { hidden }] of Object.entries(RUN_FLAGS)) t.is(flags.includes(`--${name}`), !hidden, name);
});

inFish('fish: names, values and flags', (t) => {
  const { script, state } = prepare(t, 'fish');
  t.deepEqual(output(t, 'fish', ['--no-execute', script]), []);
  const offer = (line: string): string[] =>
    output(t, 'fish', ['--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', script, line], { CRT_STATE_DIR: state }).map(
      (each) => each.split('\t')[0] ?? '',
    );
  t.deepEqual(offer('crt rm '), ['db', 'web1', 'web2']);
  t.deepEqual(offer('crt p'), ['pause', 'prune', 'ps']);
  t.deepEqual(offer('crt run box --network '), ['host', 'none']);
  const flags = offer('crt run --');
  for (const [name, { hidden }] of Object.entries(RUN_FLAGS)) t.is(flags.includes(`--${name}`), !hidden, name);
});
