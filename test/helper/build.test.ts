import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import test from 'ava';
import { HELPER, HELPER_FOLDER } from './_helper.js';

/** Whether a program can be compiled with these flags: what decides is a real one. */
function compiles(compiler: string, ...flags: readonly string[]): boolean {
  return (
    spawnSync(compiler, [...flags, '-x', 'c', '-o', '/dev/null', '-'], { input: '#include <stdio.h>\nint main(void) { return 0; }\n' })
      .status === 0
  );
}

function has(program: string): boolean {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

function make(...words: readonly string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync('make', ['--no-print-directory', '-C', HELPER_FOLDER, ...words], { encoding: 'utf8' });
  return { status, output: stdout + stderr };
}

const sanitizers = compiles('cc', '-fsanitize=address,undefined') ? test.serial : test.serial.skip;
const fuzzer =
  has('clang') &&
  spawnSync('clang', ['-fsanitize=fuzzer', '-x', 'c', '-o', '/dev/null', '-'], {
    input: 'int LLVMFuzzerTestOneInput(void) { return 0; }\n',
  }).status === 0
    ? test.serial
    : test.serial.skip;
const format = has('clang-format') ? test.serial : test.serial.skip;

// One after the other: they build in one folder.
sanitizers('the loader takes real plans and refuses all others, under sanitizers (needs gcc or clang with libasan, libubsan)', (t) => {
  const { status, output } = make('test');
  t.is(status, 0, output);
  t.regex(output, /plan-test: \d+ checks, 2\d files, 0 failures/);
});

fuzzer('the loader and the text parsers stand random bytes (needs clang and libclang-rt-dev, in Debian 12 libclang-rt-14-dev)', (t) => {
  const { status, output } = make('fuzz', 'RUNS=20000');
  t.is(status, 0, output);
});

format('the C is formatted (needs clang-format)', (t) => {
  const { status, output } = make('lint');
  t.is(status, 0, output);
});

test('make leaves a helper that only its owner can change', (t) => {
  t.is(statSync(HELPER).mode & 0o7777, 0o755);
});

/** Lines of code, one after the other: without comments, and without the blank lines that are there or left by them. */
function linesOf(file: string): string[] {
  // A string holds no comment here, a comment no string that matters.
  const code = readFileSync(`${HELPER_FOLDER}/${file}`, 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  return code.split('\n').filter((line) => line.trim() !== '');
}

test('the helper stays small: under 3,500 lines of C, no function longer than 60', (t) => {
  const files = readdirSync(HELPER_FOLDER).filter((file) => file.endsWith('.c'));
  t.true(files.length > 20);
  const all = files.flatMap(linesOf);
  t.true(all.length < 3500, `${all.length} lines`);
  let begin = 0;
  let functions = 0;
  all.forEach((line, at) => {
    if (line === '{') begin = at;
    if (line !== '}' || begin === 0) return;
    functions += 1;
    t.true(at - begin - 1 <= 60, `${all[begin - 1]}: ${at - begin - 1} lines`);
    begin = 0;
  });
  t.true(functions > 200, `${functions} functions`);
});

for (const compiler of ['musl-gcc', 'gcc', 'clang']) {
  const there = compiles(compiler, '-static') ? test.serial : test.serial.skip;
  there(`it builds with ${compiler} without a warning, and runs (needs ${compiler} and its static libc)`, (t) => {
    const { status, output } = make(`STATIC_CC=${compiler}`, `OUT=build/crt-init-${compiler}`, `build/crt-init-${compiler}`);
    t.is(status, 0, output);
    t.notRegex(output, /warning/);
    t.is(spawnSync(`${HELPER_FOLDER}/build/crt-init-${compiler}`, ['--ops']).status, 0);
  });
}
