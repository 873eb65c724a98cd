import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { explainForm } from '../../src/cli/explanation.js';
import { FlagValues } from '../../src/cli/flag-values.js';
import { refuseUnbuiltFlags } from '../../src/cli/not-built.js';
import { RUN_FLAGS, type RunFlagName } from '../../src/cli/run-flags.js';
import { toRunOptions } from '../../src/cli/run-options.js';
import { type RunOptions, splitRun, UserError } from '../../src/index.js';
import { checkOptions } from '../../src/spec/check-options.js';

/** Everything that reads the line before anything is done: options, or undefined for a line that is refused in words. */
function read(argv: readonly string[]): RunOptions | undefined {
  try {
    const { name, flags, command } = splitRun(argv, RUN_FLAGS);
    const values = new FlagValues<RunFlagName>(flags, RUN_FLAGS);
    refuseUnbuiltFlags(values);
    explainForm(values);
    const options = toRunOptions(name ?? '', command, values);
    checkOptions(options);
    return options;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}

const names = Object.keys(RUN_FLAGS) as RunFlagName[];
/** What flags take, and what nearly is it. */
const pieces = fc.constantFrom(
  ...[
    '',
    '0',
    '-1',
    '1',
    '50',
    '0.5',
    '1e9',
    '99999999999999999999',
    '64m',
    '1.5g',
    '10%',
    '0x10',
    'NaN',
    'Infinity',
    '１',
    '-',
    '--',
    '=',
  ],
  ...[
    '/',
    '/a',
    './a',
    '..',
    '/a/../b',
    '/dev/null',
    '/proc/self',
    'a:b',
    ':',
    '::',
    ',',
    'ro',
    'rw',
    'z',
    'size=1m',
    'type=bind',
    'source=/',
  ],
  ...['target=/x', 'nofile=64:128', 'core', 'A=1', 'A', '__proto__', 'constructor', 'toString', 'ALL', 'CAP_CHOWN', 'host', 'none', 'true'],
  ...[
    'no-new-privileges',
    'label=disable',
    'apparmor=x',
    'unmask=ALL',
    'seccomp=unconfined',
    'json',
    '1m30s',
    '\n',
    '\0',
    '\u202e',
    '💥',
    '\ud800',
  ],
);
const value = fc.oneof(
  pieces,
  fc.array(fc.oneof(pieces, fc.constantFrom(':', ',', '=')), { maxLength: 5 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary' }),
);
/** Reads whatever file is named: not for values made by chance. */
const FILES = ['env-file'];
const readable = names.filter((name) => !FILES.includes(name));
const flag = fc.tuple(fc.constantFrom(...readable), value).map(([name, text]) => {
  const { type } = RUN_FLAGS[name] as { type: string };
  return type === 'boolean' && text.length % 2 === 0 ? `--${name}` : `--${name}=${text}`;
});
const word = fc.oneof(
  { weight: 6, arbitrary: flag },
  { weight: 1, arbitrary: value },
  { weight: 1, arbitrary: fc.constantFrom('-it', '-m', '-m50', '-eA=1', '-v', '-i=x', '--no-tty', '--no-', '-', '--') },
);

function refusedInWords(t: ExecutionContext, argv: readonly string[]): void {
  t.notThrows(() => read(argv), JSON.stringify(argv));
}

test('any line of flags is options or refused in words', (t) => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (words) => refusedInWords(t, ['box', ...words])),
    { numRuns: 3000 },
  );
});

test('each flag alone with any value is an option or refused in words', (t) => {
  for (const name of readable) {
    fc.assert(
      fc.property(value, (text) => refusedInWords(t, ['box', `--${name}=${text}`])),
      { numRuns: 150 },
    );
  }
});

test('words after the command are its own, whatever they are', (t) => {
  const command = fc.tuple(fc.constantFrom('sh', 'ls', '-', ''), fc.array(fc.oneof(word, value), { maxLength: 5 }));
  const own = fc.constantFrom([], ['--memory', '50'], ['-it'], ['-e', 'A=1'], ['--no-tty']);
  fc.assert(
    fc.property(own, command, fc.boolean(), (flags, [first, rest], dashes) => {
      const { name, command: given } = splitRun([...flags, 'box', ...(dashes ? ['--'] : []), first, ...rest], RUN_FLAGS);
      t.is(name, 'box');
      t.deepEqual(given, [first, ...rest]);
    }),
    { numRuns: 1000 },
  );
});

test('a key that objects have by themselves does not become another object’s prototype', (t) => {
  for (const line of ['--ulimit=__proto__=1', '-e__proto__=1', '--env=constructor=1', '--tmpfs=/__proto__', '--mount=__proto__=1'])
    read(['box', line]);
  t.deepEqual(Object.keys(Object.prototype), []);
  const options = read(['box', '-e', '__proto__=1']);
  t.is(Object.getOwnPropertyDescriptor(options?.env ?? {}, '__proto__')?.value, '1');
});
