import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { RUN_FLAGS } from '../../src/cli/run-flags.js';
import Attach from '../../src/commands/attach.js';
import Cp from '../../src/commands/cp.js';
import Diff from '../../src/commands/diff.js';
import Doctor from '../../src/commands/doctor.js';
import Events from '../../src/commands/events.js';
import Exec from '../../src/commands/exec.js';
import Inspect from '../../src/commands/inspect.js';
import Kill from '../../src/commands/kill.js';
import Logs from '../../src/commands/logs.js';
import Prune from '../../src/commands/prune.js';
import Ps from '../../src/commands/ps.js';
import Restart from '../../src/commands/restart.js';
import Rm from '../../src/commands/rm.js';
import Start from '../../src/commands/start.js';
import Stats from '../../src/commands/stats.js';
import Stop from '../../src/commands/stop.js';
import Top from '../../src/commands/top.js';
import Update from '../../src/commands/update.js';
import Verify from '../../src/commands/verify.js';
import { HEADER_BYTES, MAX_PLAN_BYTES, STEP_BYTES } from '../../src/plan/encode.js';
import { FLAG_BITS, OPS } from '../../src/plan/ops.js';
import { CHECKS } from '../../src/verify/checks.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const FOREIGN = new Set(['node_modules', 'dist', 'build']);

/** The Markdown files of the project, relative to its root. */
function markdownFiles(folder = root): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name.startsWith('.') || FOREIGN.has(entry.name) ? [] : markdownFiles(path);
    return entry.name.endsWith('.md') ? [relative(root, path)] : [];
  });
}

function read(file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** Without fenced code, in which brackets are no links. */
function prose(file: string): string {
  return read(file).replace(/^```.*?^```$/gms, '');
}

/** The anchors that a page of this text has, as GitHub and others make them from headings. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) => title.toLowerCase());
  return new Set(headings.map((title) => title.replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-')));
}

/** Why a link of a page leads nowhere; undefined when it is fine, or leads to another site. */
function linkProblem(file: string, target: string): string | undefined {
  if (/^[a-z]+:/.test(target)) return undefined;
  const [path = '', anchor] = target.split('#');
  const page = path === '' ? join(root, file) : resolve(root, dirname(file), path);
  if (!existsSync(page)) return `${file}: ${target} is not there`;
  if (anchor === undefined) return undefined;
  const isThere = statSync(page).isFile() && anchorsOf(prose(relative(root, page))).has(anchor);
  return isThere ? undefined : `${file}: ${target} has no such heading`;
}

/** The text of each `### \`name\`` section. */
function sectionsOf(text: string): Map<string, string> {
  const parts = text.split(/^(?=#{1,3} )/m);
  return new Map(
    parts.flatMap((part) => (/^### `([^`]+)`$/m.exec(part)?.[1] ? [[/^### `([^`]+)`$/m.exec(part)?.[1] ?? '', part] as const] : [])),
  );
}

test('every relative link of every page leads somewhere', (t) => {
  const files = markdownFiles();
  t.true(files.includes('README.md') && files.length > 10, files.join());
  const links = files.flatMap((file) => [...prose(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => [file, target] as const));
  t.true(links.length > 50);
  t.deepEqual(
    links.flatMap(([file, target]) => linkProblem(file, target) ?? []),
    [],
  );
});

test('a broken link and a broken anchor would be found', (t) => {
  t.regex(linkProblem('README.md', 'docs/nowhere.md') ?? '', /is not there/);
  t.regex(linkProblem('README.md', 'docs/plan.md#nowhere') ?? '', /no such heading/);
  t.is(linkProblem('README.md', 'docs/plan.md#the-wire'), undefined);
});

test('every page of docs can be reached from the README', (t) => {
  const reached = new Set<string>();
  const visit = (file: string): void => {
    if (reached.has(file)) return;
    reached.add(file);
    for (const [, target = ''] of prose(file).matchAll(/\]\(([^)#\s]+\.md)[^)]*\)/g))
      visit(relative(root, resolve(root, dirname(file), target)));
  };
  visit('README.md');
  t.deepEqual(
    markdownFiles().filter((file) => file.startsWith('docs/') && !reached.has(file)),
    [],
  );
});

test('docs/plan.md describes every op with its actors and operands, and no other', (t) => {
  const sections = sectionsOf(read('docs/plan.md'));
  t.deepEqual([...sections.keys()], Object.keys(OPS));
  for (const [name, { actors, operands }] of Object.entries(OPS)) {
    const line = `\`${actors}\` · ${operands === '' ? 'no operands' : `\`${operands}\``}`;
    t.true(sections.get(name)?.split('\n').includes(line), `${name}: no line ${line}`);
  }
});

test('docs/plan.md gives the sizes and flags of the wire', (t) => {
  const text = read('docs/plan.md');
  t.true(text.includes(`A header of ${HEADER_BYTES} bytes, one record of ${STEP_BYTES} bytes`));
  t.true(text.includes(`(${MAX_PLAN_BYTES} bytes)`));
  for (const [flag, bit] of Object.entries(FLAG_BITS)) t.true(text.includes(`| \`${flag}\` | ${bit} |`), flag);
});

test('docs/plan.md numbers events and requests as the helper does', (t) => {
  const text = read('docs/plan.md');
  const header = read('helper/sync.h');
  for (const kind of ['event', 'request']) {
    const [, list = ''] = new RegExp(`^enum ${kind} \\{\\s+([^}]*\\S)\\s+\\};$`, 'm').exec(header) ?? [];
    const names = list.split(/,\s+/).map((word) => word.replace(/^[A-Z]+_/, '').replace(/ = 1$/, ''));
    t.true(names.length >= 4);
    for (const [at, name] of names.entries()) t.true(text.includes(`| ${at + 1} | ${name} |`), `${name} is not number ${at + 1}`);
  }
});

test('docs/man/crt-run.md has every flag of crt run, with its letter and its value', (t) => {
  const text = read('docs/man/crt-run.md');
  for (const [name, flag] of Object.entries(RUN_FLAGS)) {
    t.true(new RegExp(`--${name}(?![\\w-])`).test(text), `--${name} is missing`);
    if (flag.char !== undefined) t.true(text.includes(`\`-${flag.char}\`, \`--${name}`), `-${flag.char} is not beside --${name}`);
    if ('allowNo' in flag && flag.allowNo) t.true(text.includes(`\`--no-${name}\``), `--no-${name} is missing`);
  }
});

test('docs/man has every flag of every other command', (t) => {
  for (const [page, flags] of [
    ['crt-attach', Attach.flags],
    ['crt-cp', Cp.flags],
    ['crt-diff', Diff.flags],
    ['crt-doctor', Doctor.flags],
    ['crt-events', Events.flags],
    ['crt-kill', Kill.flags],
    ['crt-logs', Logs.flags],
    ['crt-prune', Prune.flags],
    ['crt-restart', Restart.flags],
    ['crt-start', Start.flags],
    ['crt-stop', Stop.flags],
    ['crt-exec', Exec.flags],
    ['crt-ps', Ps.flags],
    ['crt-rm', Rm.flags],
    ['crt-update', Update.flags],
    ['crt-stats', Stats.flags],
    ['crt-top', Top.flags],
    ['crt-inspect', Inspect.flags],
    ['crt-verify', Verify.flags],
  ] as const) {
    const text = read(`docs/man/${page}.md`);
    for (const [name, { char }] of Object.entries(flags) as [string, { char?: string; hidden?: boolean }][]) {
      t.true(text.includes(char === undefined ? `\`--${name}` : `\`-${char}\`, \`--${name}`), `${page}: --${name}`);
    }
  }
});

test('docs/man/crt-verify.md has every check in its group, and no other', (t) => {
  const rows = [...read('docs/man/crt-verify.md').matchAll(/^\| `(\w+)` \| (`[^|]*) \|/gm)];
  const told = rows.flatMap(([, group, checks = '']) => [...checks.matchAll(/`([^`]+)`/g)].map(([, check]) => `${group} ${check}`));
  t.deepEqual(told.sort(), CHECKS.map(([group, check]) => `${group} ${check}`).sort());
});

test('no page names a folder of the machine that it was written on', (t) => {
  for (const file of markdownFiles()) t.notRegex(read(file), /\/(?:work|home\/\w+|root)\/[\w.-]+\//, file);
});

test('the README names every test file that runs in the version 2 guest', (t) => {
  const listed = read('test/v2/files.txt').replace(/#.*$/gm, '').split('\n').filter(Boolean);
  t.true(listed.length > 0);
  const readme = read('README.md');
  for (const file of listed) t.true(readme.includes(`\`${file}\``), file);
});
