import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { GROUPS } from '../../src/doctor/check.js';
import { CHECKS } from '../../src/doctor/checks.js';
import { checksPage, explainCheck } from '../../src/doctor/page.js';
import { crt, ROOT } from '../cli/crt.js';
import { serial } from '../e2e/support.js';
import { PATIENCE } from '../in-time.js';
import { checkOf } from './report.js';
import { crtDoctor, readText, reportOf } from './support.js';

/** Checks of what every machine has, for tests of the command itself. */
const CHEAP = ['node', 'tools', 'environment'];

/** The part of JSON Schema that docs/doctor.schema.json uses. */
interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: false;
  readonly items?: Schema;
}
const KEYWORDS = new Set(
  '$schema title description type const enum pattern minimum required properties additionalProperties items'.split(' '),
);
const schema = JSON.parse(readText('docs/doctor.schema.json')) as Schema;

/** What of a value is not as the schema says. */
function misfits(value: unknown, { properties = {}, required = [], items, ...rules }: Schema, at = '$'): string[] {
  const type = Array.isArray(value) ? 'array' : typeof value;
  const wrong = [
    ...(rules.type !== undefined && rules.type !== type ? [`${at}: ${type}`] : []),
    ...('const' in rules && rules.const !== value ? [`${at}: ${value}`] : []),
    ...(rules.enum && !rules.enum.includes(value) ? [`${at}: ${value}`] : []),
    ...(rules.pattern !== undefined && !new RegExp(rules.pattern).test(String(value)) ? [`${at}: ${value}`] : []),
    ...(rules.minimum !== undefined && !(Number(value) >= rules.minimum) ? [`${at}: ${value}`] : []),
  ];
  if (Array.isArray(value)) return [...wrong, ...value.flatMap((one, index) => (items ? misfits(one, items, `${at}[${index}]`) : []))];
  if (typeof value !== 'object' || value === null) return wrong;
  const missing = required.filter((key) => !(key in value)).map((key) => `${at}.${key} is missing`);
  const below = Object.entries(value).flatMap(([key, one]) => {
    const rule = properties[key];
    return rule === undefined ? [`${at}.${key} is not known`] : misfits(one, rule, `${at}.${key}`);
  });
  return [...wrong, ...missing, ...below];
}

function schemas(one: Schema): Schema[] {
  return [one, ...Object.values(one.properties ?? {}).flatMap(schemas), ...(one.items ? schemas(one.items) : [])];
}

test('--json is what docs/doctor.schema.json says, as root or not', (t) => {
  for (const said of [crtDoctor(['--json']), crt(['doctor', '--json'], { uid: 65534 })]) {
    t.is(said.stderr, '');
    t.deepEqual(misfits(JSON.parse(said.stdout), schema), []);
  }
});

test('the schema itself: every word of it is checked here, its groups are those that there are', (t) => {
  for (const one of schemas(schema)) for (const key of Object.keys(one)) t.true(KEYWORDS.has(key), key);
  t.deepEqual(schema.properties?.['checks']?.items?.properties?.['group']?.enum, GROUPS);
  t.deepEqual(misfits({ version: 2, root: 'yes', extra: 1 }, schema), [
    '$.verdict is missing',
    '$.checks is missing',
    '$.durationMs is missing',
    '$.version: 2',
    '$.root: string',
    '$.extra is not known',
  ]);
});

test('docs/doctor.md names every field', (t) => {
  const text = readText('docs/doctor.md');
  const names = schemas(schema).flatMap(({ properties = {} }) => Object.keys(properties));
  for (const name of names) t.regex(text, new RegExp(`[\`.]${name}(\\[\\]|[\`.])`), name);
});

test('docs/doctor.md has every check as --explain tells it; else: node --import=tsx scripts/doctor-page.js', (t) => {
  t.true(readText('docs/doctor.md').endsWith(`\n\n${checksPage()}`));
  const flat = (text: string): string => text.replace(/\s+/g, ' ');
  const page = flat(checksPage().replaceAll('**', ''));
  for (const { id } of CHECKS) {
    const { exitCode, stdout } = crt(['doctor', '--explain', id]);
    t.is(exitCode, 0);
    const [, ...parts] = stdout.trimEnd().split('\n\n');
    t.is(parts.length, 3);
    for (const part of parts) t.true(page.includes(flat(part)), `${id}: ${part}`);
  }
});

test('--explain fits a narrow terminal', (t) => {
  for (const { id } of CHECKS)
    for (const line of explainCheck(id, { width: 40, color: false }).split('\n')) t.true(line.length <= 40, line);
});

test('groups and checks, in the order of the groups, each once', (t) => {
  const ids = (...only: string[]): string[] => reportOf(crtDoctor([...only, '--json'])).checks.map(({ id }) => id);
  t.deepEqual(ids('rootless', 'node', 'network'), ['node', 'rootless', 'network']);
  const all = CHECKS.filter(({ group }) => group === 'install').map(({ id }) => id);
  t.deepEqual(ids('install', 'node'), all);
});

test('a word that is no check: exit code 125, on stderr', (t) => {
  for (const words of [['nonsense'], ['kernel', 'nonsense'], ['--explain', 'nonsense']]) {
    const { exitCode, stdout, stderr } = crtDoctor(words);
    t.is(exitCode, 125);
    t.is(stdout, '');
    t.regex(stderr, /^crt: crt doctor has no .*"nonsense"/);
  }
});

for (const words of [[], ['-v'], ['--json'], ['--fix-script'], ['--explain', 'node']]) {
  test(`a full stdout: crt doctor ${words.join(' ')}`, (t) => {
    const fd = openSync('/dev/full', 'w');
    t.teardown(() => closeSync(fd));
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--', fileURLToPath(new URL('bin/run.js', ROOT)), 'doctor', ...(words[0] === '--explain' ? [] : CHEAP), ...words],
      {
        encoding: 'utf8',
        stdio: ['ignore', fd, 'pipe'],
        timeout: PATIENCE,
      },
    );
    t.is(status, 125);
    t.is(stderr, 'crt: cannot write to stdout: no space left on device\n');
  });
}

test('--fix-script of this machine is a script of sh', (t) => {
  const { stdout } = crtDoctor(['--fix-script']);
  t.regex(stdout, /^# crt doctor: /);
  t.is(spawnSync('sh', ['-n'], { input: stdout, encoding: 'utf8' }).stderr, '');
});

test('not root: it says so, looks at what it can, exit code 1', (t) => {
  const { exitCode, stdout, stderr } = crt(['doctor'], { uid: 65534 });
  t.is(exitCode, 1);
  t.is(stderr, '');
  t.regex(stdout, /user 65534, not root/);
  t.regex(stdout, /only root can look: .*namespaces/);
  t.regex(stdout, /\ncrt run (needs root: sudo \S+ doctor|will not work here: privilege, .*\n)/);
});

test('not root: each check that root alone can make is unknown, the helper is known', (t) => {
  const report = reportOf(crt(['doctor', '--json'], { uid: 65534 }));
  t.false(report.root);
  for (const { id, needsRoot } of CHECKS) if (needsRoot) t.is(checkOf(report, id).verdict, 'unknown', id);
  t.is(checkOf(report, 'helper').verdict, 'pass');
  t.is(checkOf(report, 'privilege').verdict, 'fail');
});

serial('a warning: exit code 0, with --strict 1', (t) => {
  const by = ['setpriv', '--bounding-set', '-net_admin'];
  t.is(crtDoctor(['capabilities'], { by }).exitCode, 0);
  t.is(crtDoctor(['capabilities', '--strict'], { by }).exitCode, 1);
  t.is(crtDoctor(['node', '--strict']).exitCode, 0);
  return Promise.resolve();
});

serial('--rootfs', (t) => {
  const { findings } = checkOf(reportOf(crtDoctor(['rootfs', '--json', '--rootfs', '/no/such'])), 'rootfs');
  t.is(findings[0]?.observed, 'rootfs: /no/such is not there');
  return Promise.resolve();
});

test('ASCII without a locale', (t) => {
  const { stdout } = crtDoctor(CHEAP, { env: { LC_ALL: '', LC_CTYPE: '', LANG: 'C' } });
  t.regex(stdout, /^[\n -~]*$/);
  t.regex(crtDoctor(['node'], { env: { LC_ALL: 'C.UTF-8' } }).stdout, /^✔ ok/);
});

test('an error of run that lies in the machine names its check', (t) => {
  const { stderr } = crtDoctor(['node'], { env: { CRT_STATE_DIR: 'relative' } });
  t.notRegex(stderr, /tells more/, 'the words of the user are no matter of a check');
});
