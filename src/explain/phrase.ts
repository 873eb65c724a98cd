import { printable } from '../format/printable.js';
import type { OpName, StepFlag } from '../plan/ops.js';
import { isOp, type Operands, type Step } from '../plan/step.js';
import { CAPABILITIES } from '../spec/capabilities.js';
import {
  attributeNames,
  capabilitySet,
  deviceType,
  filterFlagNames,
  limitName,
  limitValue,
  namespaceNames,
  octal,
  openFlagNames,
  ownedNamespaces,
  pair,
  propagationNames,
  signalName,
  signed,
} from './numbers.js';
import { type Secrecy, showVariable } from './secrets.js';

/** Characters of one text, and entries of one list, beyond which a phrase is shortened. */
const TEXT_LIMIT = 160;
const LIST_LIMIT = 6;
/** Operands of a run of like steps: up to so many are shown, and of more than those so many. */
const RUN_LIMIT = 16;
const RUN_SHOWN = 8;

type Phrases = { readonly [N in OpName]: (operands: Operands<N>, secrecy: Secrecy) => readonly string[] };

const ATTR = /^MOUNT_ATTR_/;
const flags = (names: readonly string[]): string => names.join('|');
const attributes = (attrs: number | bigint): string => flags(attributeNames(attrs));
const capabilities = (mask: number | bigint): readonly string[] => {
  const names = capabilitySet(mask);
  if (names.length === CAPABILITIES.length) return [`all ${names.length}`];
  return names.length === 0 ? ['none'] : names.map((name) => name.replace('CAP_', ''));
};
const arrow = (from: string, to: string): string => `${from} → ${to}`;

/** A line of user_namespaces(7): `0 1879048192 65536`. */
const mapping = (line: string): string => {
  const [inside = 0, outside = 0, size = 0] = line.split(' ').map(Number);
  return `${inside}–${inside + size - 1} are ${outside}–${outside + size - 1} of the host`;
};
const node = (target: string, mode: number | bigint, device: number | bigint, owner: number | bigint): string[] => [
  target,
  `${deviceType(mode)} ${pair(device).join(':')}`,
  octal(mode),
  Number(owner) === 0 ? '' : `owner ${pair(owner).join(':')}`,
];

/** The operands of each op in short human form, in parts; an empty part is left out. */
const PHRASES: Phrases = {
  'on-orphan': ({ argv }) => [command(argv)],
  pipes: ({ streams }) => [Number(streams) === 0 ? '' : 'to the log'],
  stage: () => [],
  report: ({ reason }) => [reason],
  await: () => [],
  control: ({ directory, timeout }) => [`${directory}/control`, Number(timeout) === 0 ? '' : `ends after ${timeout} ms`],
  log: ({ directory, size, files }) => [`${directory}/log`, Number(size) === 0 ? '' : `${files} files of ${size} bytes`],
  relay: ({ master }) => [arrow('the terminal', master)],
  answer: ({ listener }) => [arrow('mount(2)', listener)],
  propagation: ({ mode }) => ['/', flags(propagationNames(mode))],
  userns: ({ uid_map, ...slots }) => [...uid_map.trim().split('\n').map(mapping), flags(['CLONE_NEWUSER', ...ownedNamespaces(slots)])],
  staging: ({ target, options }) => [arrow('tmpfs', target), options.join(',')],
  open: ({ fd, path, flags: bits }) => [`${fd} = ${path}`, flags(openFlagNames(bits))],
  probe: ({ root, candidates }) => [candidates.length === 0 ? `the folder ${root}` : `below ${root}:`, ...shorten(candidates)],
  'bind-source': ({ from, source, target, attrs, idmap }) => [
    arrow(source ?? from ?? '', target),
    attributes(attrs),
    idmap === undefined ? '' : 'ids mapped',
  ],
  overlay: ({ lower, upper, work, target, options, attrs }) => [
    arrow(`${lower} + ${upper} (${work})`, target),
    options.join(','),
    attributes(attrs),
  ],
  file: ({ target, content, mode }) => [arrow(excerpt(content), target), octal(mode)],
  node: ({ target, mode, device, owner }) => node(target, mode, device, owner),
  'join-userns': (slots) => [flags(['CLONE_NEWUSER', ...ownedNamespaces(slots)])],
  'ids-root': () => [],
  'device-filter': ({ cgroup, program }) => [arrow(`${program.length / 8} instructions`, cgroup)],
  target: ({ pid }) => [`pid ${pid}`],
  enter: ({ namespaces }) => [flags(namespaceNames(namespaces))],
  clone: ({ namespaces, cgroup }) => [flags(namespaceNames(namespaces)), cgroup === undefined ? '' : `into ${cgroup}`],
  'parent-death': ({ signal }) => [signalName(signal)],
  'cgroup-join': ({ tasks }) => [tasks],
  unshare: ({ namespaces }) => [flags(namespaceNames(namespaces))],
  loopback: () => [],
  hostname: ({ name }) => [name],
  domainname: ({ name }) => [name],
  root: ({ root, path }) => [`${root} = ${path}`],
  mount: ({ type, source, target, options, attrs, mode }) => [
    arrow(source === undefined || source === type ? type : `${source} (${type})`, target),
    options.join(','),
    attributes(attrs),
    Number(mode) === 0 ? '' : octal(mode),
  ],
  bind: ({ source, target, attrs }) => [arrow(source, target), attributes(attrs)],
  device: ({ target, mode, device, owner }) => node(target, mode, device, owner),
  symlink: ({ target, content }) => [arrow(target, content)],
  mask: ({ target }) => [target],
  readonly: ({ target }) => [target],
  sysctl: ({ key, value }) => [`${key.replaceAll('/', '.')} = ${value}`],
  console: ({ rows, columns }) => [`${rows} rows, ${columns} columns`],
  pivot: ({ root }) => [arrow(root, '/')],
  remount: ({ target, attrs }) => [target, attributes(attrs)],
  session: () => [],
  keyring: ({ name }) => [name],
  user: ({ spec, groups }) => [spec, groups.length === 0 ? '' : `and groups ${shorten(groups).join(' ')}`],
  rlimit: ({ resource, soft, hard }) => [limitName(resource), limitValue(soft), soft === hard ? '' : `of ${limitValue(hard)}`],
  'oom-score': ({ value }) => [String(signed(value))],
  signals: () => [],
  umask: ({ mask }) => [octal(mask)],
  bounding: ({ capabilities: mask }) => capabilities(mask),
  identity: () => [],
  caps: ({ permitted, inheritable, ambient }) => [
    ...capabilities(permitted),
    ...(Number(inheritable) === 0 ? [] : ['· inheritable:', ...capabilities(inheritable)]),
    ...(Number(ambient) === 0 ? [] : ['· ambient:', ...capabilities(ambient)]),
  ],
  cwd: ({ directory }) => [directory],
  'no-new-privs': () => [],
  'close-fds': () => [],
  listener: ({ flags: bits }) => ['mount(2)', flags(filterFlagNames(bits))],
  'exec-label': ({ file, label }) => [`${file} = ${label}`],
  seccomp: ({ flags: bits }) => [flags(filterFlagNames(bits))],
  stdio: () => [],
  exec: ({ candidates, argv, env, reaper }, secrecy) => [
    command(argv[0] ? argv : candidates.slice(0, 1)),
    candidates.length > 1 ? `first of ${shorten(candidates, 3).join(' ')}` : '',
    ...(env.length === 0 ? [] : ['with', ...shorten(env.map((entry) => cut(showVariable(entry, secrecy), 40)))]),
    Number(reaper) === 0 ? '' : 'below a reaper',
  ],
  look: ({ target }) => [target],
  archive: ({ source, name }) => [arrow(source, 'stdout'), `as ${name}`],
  extract: ({ target }) => [arrow('stdin', target)],
};

const FLAG_WORDS: Readonly<Record<StepFlag, string>> = {
  optional: 'if it is there',
  mkdir: 'made if missing',
  mkfile: 'made if missing',
};

/**
 * A step's operands for people, without its verb: `tmpfs → /run mode=755 MOUNT_ATTR_NOSUID|MOUNT_ATTR_NODEV`. Harmless to
 * print: control and bidirectional characters are spelled out. Long lists and texts are shortened, secrets hidden.
 */
export function phraseStep<N extends OpName>(step: Step<N>, secrecy: Secrecy = {}): string {
  return PHRASES[step.op](step.operands, secrecy)
    .filter((word) => word !== '')
    .map((word) => cut(printable(word), TEXT_LIMIT))
    .join(' ');
}

/** What a step's flags mean, in brackets; empty without flags. */
export function phraseFlags(step: Step): string {
  const words = [...new Set(step.flags.map((flag) => FLAG_WORDS[flag]))];
  return words.length === 0 ? '' : `(${words.join(', ')})`;
}

/** Several steps in a row that differ only in their operands. Links of one folder into another are told by their names. */
export function phraseRun(steps: readonly Step[], secrecy: Secrecy = {}): string {
  const [first, ...rest] = steps.map((step) => (isOp(step, 'symlink') && isParallel(step.operands) ? step.operands : undefined));
  const phrases = steps.map((step) => phraseStep(step, secrecy));
  const isOneFolder =
    first && rest.every((link) => link && folder(link.target) === folder(first.target) && folder(link.content) === folder(first.content));
  const names = isOneFolder ? [phrases[0] ?? '', ...rest.map((link) => printable(base(link?.target ?? '')))] : phrases;
  const shown = names.length > RUN_LIMIT ? [...names.slice(0, RUN_SHOWN), `and ${names.length - RUN_SHOWN} more`] : names;
  return shown.join(', ');
}

/** Attributes as mount(8) spells them: `ro,nosuid`. */
export function attributeOptions(attrs: number | bigint): string[] {
  return attributeNames(attrs).map((name) => name.replace(ATTR, '').replace('RDONLY', 'ro').toLowerCase());
}

function command(argv: readonly string[]): string {
  return shorten(argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${cut(word, 60)}'`))).join(' ');
}

function shorten(list: readonly string[], limit = LIST_LIMIT): string[] {
  // A list that is one too long is not worth a "1 more".
  return list.length <= limit + 1 ? [...list] : [...list.slice(0, limit), `(${list.length - limit} more)`];
}

function cut(text: string, limit: number): string {
  const characters = [...text.slice(0, limit * 2)];
  return characters.length <= limit && text.length <= limit * 2 ? text : `${characters.slice(0, limit - 1).join('')}…`;
}

function excerpt(content: Uint8Array): string {
  const text = Buffer.from(content.subarray(0, 256)).toString().split('\n')[0] ?? '';
  const isWhole = content.length <= Buffer.byteLength(text) + 1;
  // Escaped, as esbuild does with strings alone: one such character would make V8 hold the whole bundle with two bytes for each.
  return `"${cut(isWhole ? text : `${text}…`, 32).replace(/\u2026+$/, '…')}" (${content.length} bytes)`;
}

/** `NAME/file` under the name `file`. */
function isParallel({ target, content }: Operands<'symlink'>): boolean {
  return base(target) === base(content);
}

function folder(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 1);
}

function base(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
