import test from 'ava';
import fc from 'fast-check';
import { UserError } from '../../src/errors.js';
import { type FlagTable, splitRun } from '../../src/spec/arguments.js';

const TABLE: FlagTable = {
  memory: { type: 'option', char: 'm' },
  'memory-swap': { type: 'option' },
  env: { type: 'option', char: 'e' },
  hostname: { type: 'option', char: 'h' },
  volume: { type: 'option', char: 'v' },
  interactive: { type: 'boolean', char: 'i' },
  tty: { type: 'boolean', char: 't', allowNo: true },
  init: { type: 'boolean' },
  explain: { type: 'boolean' },
};
const split = (line: string) => splitRun(line.split(' ').filter(Boolean), TABLE);

test('the shapes of a command line', (t) => {
  t.deepEqual(split(''), { name: undefined, flags: [], command: [] });
  t.deepEqual(split('box'), { name: 'box', flags: [], command: [] });
  t.deepEqual(split('box --memory 50'), { name: 'box', flags: ['--memory=50'], command: [] });
  t.deepEqual(split('--memory 50 box sh'), { name: 'box', flags: ['--memory=50'], command: ['sh'] });
  t.deepEqual(split('box -m 50 sh -c ls'), { name: 'box', flags: ['--memory=50'], command: ['sh', '-c', 'ls'] });
  t.deepEqual(split('box --'), { name: 'box', flags: [], command: [] });
  t.deepEqual(split('box -- -x'), { name: 'box', flags: [], command: ['-x'] });
});

test('as docker: after -- every word is bare, the first the name when there is none yet', (t) => {
  t.deepEqual(split('-- box cmd -m 3'), { name: 'box', flags: [], command: ['cmd', '-m', '3'] });
  t.deepEqual(split('--memory 50 -- box'), { name: 'box', flags: ['--memory=50'], command: [] });
  t.deepEqual(split('--'), { name: undefined, flags: [], command: [] });
});

test('what oclif gets wrong', (t) => {
  t.deepEqual(split('box head -m 3').command, ['head', '-m', '3']);
  t.deepEqual(split('box ls -la').command, ['ls', '-la']);
  t.deepEqual(split('box -- echo b a b').command, ['echo', 'b', 'a', 'b']);
  t.deepEqual(split('box -e A=1 box sh').command, ['box', 'sh']);
  t.deepEqual(split('box cmd -- -x --help').command, ['cmd', '--', '-x', '--help']);
});

test('short flags combine as in pflag', (t) => {
  const flags = (line: string) => split(`box ${line}`).flags;
  t.deepEqual(flags('-it'), ['--interactive', '--tty']);
  t.deepEqual(flags('-ti'), ['--tty', '--interactive']);
  t.deepEqual(flags('-i=false'), ['--interactive=false']);
  t.deepEqual(flags('-it=false'), ['--interactive', '--tty=false']);
  t.deepEqual(flags('-eA=1'), ['--env=A=1']);
  t.deepEqual(flags('-e A=1'), ['--env=A=1']);
  t.deepEqual(flags('-e=A=1'), ['--env=A=1']);
  t.deepEqual(flags('-itm 50'), ['--interactive', '--tty', '--memory=50']);
  t.deepEqual(flags('-itm50'), ['--interactive', '--tty', '--memory=50']);
});

test('long flags', (t) => {
  const flags = (line: string) => split(`box ${line}`).flags;
  t.deepEqual(flags('--env=A=1 --env B=2'), ['--env=A=1', '--env=B=2']);
  t.deepEqual(flags('--memory-swap -1'), ['--memory-swap=-1']);
  t.deepEqual(flags('--no-tty --explain=json --init=false'), ['--no-tty', '--explain=json', '--init=false']);
  t.deepEqual(splitRun(['box', '--env', '', '--env='], TABLE).flags, ['--env=', '--env=']);
});

test('a dash-word that is no flag suggests the nearest and --', (t) => {
  const error = t.throws(() => split('box --memroy 50'), { instanceOf: UserError, message: 'crt run has no flag --memroy' });
  t.regex(error?.hint ?? '', /did you mean --memory\?.*crt run box -- COMMAND --memroy/);
  t.regex(t.throws(() => split('box -la'), { instanceOf: UserError })?.hint ?? '', /after --: crt run box -- COMMAND -la/);
  t.regex(t.throws(() => split('box -tyy'), { instanceOf: UserError })?.hint ?? '', /did you mean --tty/);
  t.regex(t.throws(() => split('--no-ttyy box'), { instanceOf: UserError })?.hint ?? '', /did you mean --no-tty/);
  for (const word of ['--constructor', '--__proto__', '--no-init', '--no-tty=true', '-=', '--=x', '-x', '-iz', '---']) {
    t.throws(() => split(`box ${word}`), { instanceOf: UserError, message: /has no flag/ }, word);
  }
});

test('a bad word is echoed escaped', (t) => {
  const error = t.throws(() => splitRun(['box', '--\x1b[31m\u202e'], TABLE), { instanceOf: UserError });
  t.false(/[\x1b\u202e]/.test(`${error?.message} ${error?.hint}`));
});

test('a value that is missing', (t) => {
  for (const line of ['box --memory', 'box -e', 'box -ie', 'box --memory -- sh'])
    t.throws(() => split(line), { instanceOf: UserError, message: /needs a value/ }, line);
});

const words = fc.array(
  fc.oneof(fc.string(), fc.constantFrom('-m', '--', '-it', '--memory', '--memory=3', '-', '', 'sh', '-e', '--no-such')),
);
const flagWords = fc
  .array(
    fc.constantFrom(
      ['-it'],
      ['--memory', '50'],
      ['--memory=50'],
      ['-e', 'A=1'],
      ['-eB=2'],
      ['--no-tty'],
      ['-i=false'],
      ['--memory-swap', '-1'],
    ),
  )
  .map((groups) => groups.flat());
const bare = fc.string().filter((word) => word === '-' || !word.startsWith('-'));

test('no word of the command is lost, changed or moved', (t) => {
  fc.assert(
    fc.property(flagWords, flagWords, bare, bare, words, (before, after, name, first, rest) => {
      const command = [first, ...rest];
      const expected = { name, flags: splitRun([...before, name, ...after], TABLE).flags, command };
      t.deepEqual(splitRun([...before, name, ...after, ...command], TABLE), expected);
      t.deepEqual(splitRun([...before, name, ...after, '--', ...command], TABLE), expected);
    }),
  );
  fc.assert(
    fc.property(flagWords, words, (flags, rest) => {
      t.deepEqual(splitRun([...flags, 'box', '--', ...rest], TABLE).command, rest);
      t.deepEqual(splitRun([...flags, '--', 'box', ...rest], TABLE).command, rest);
    }),
  );
});

test('what was split is split the same again', (t) => {
  fc.assert(
    fc.property(flagWords, words, (flags, rest) => {
      const once = splitRun([...flags, 'box', '--', ...rest], TABLE);
      t.deepEqual(splitRun([...once.flags, 'box', '--', ...once.command], TABLE), once);
    }),
  );
});

test('any argv is either split or refused in words', (t) => {
  fc.assert(
    fc.property(words, (argv) => {
      try {
        const { name, command } = splitRun(argv, TABLE);
        t.deepEqual(command, argv.slice(argv.length - command.length));
        t.is(name === undefined || argv.includes(name), true);
      } catch (error) {
        t.true(error instanceof UserError && error.hint !== undefined);
      }
    }),
  );
});
