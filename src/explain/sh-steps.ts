import type { OpName } from '../plan/ops.js';
import type { Operands, Step } from '../plan/step.js';
import { capabilitySet, deviceType, limitName, limitValue, octal, pair, signed } from './numbers.js';
import { attributeOptions } from './phrase.js';
import { writeCommand, writeUser } from './sh-command.js';
import { below, type Places, quote } from './sh-words.js';

/** What the script knows while it is written, step by step. */
export interface Shell {
  readonly places: Places;
  /** The rootfs is / already. */
  pivoted: boolean;
  /** Programs that the rootfs itself must have. */
  readonly tools: ReadonlySet<string>;
  /** What setpriv(1) is told at the end. */
  readonly rights: string[];
  /** What env(1) is told at the end. */
  readonly resets: string[];
  readonly showSecrets: boolean;
}

/** Lines for a step; a line that begins with `#` says why there is no other. */
type Translate<N extends OpName> = (operands: Operands<N>, shell: Shell, step: Step<N>) => readonly string[];
type Translations = { readonly [N in OpName]: Translate<N> };

const nothing = (why: string): readonly string[] => [`# (${why})`];
/** It takes util-linux 2.39, and Debian 12 has 2.38. */
const NO_USERNS = nothing('mount(8) cannot map the ids of an overlay: the script goes without a user namespace');
const atEnd = nothing('by setpriv, at the end');

/** A path of the container, as it is reached at this point. */
function inside(path: string, { pivoted }: Shell): string {
  return pivoted ? quote(path) : below('root', path);
}

function mountLine(type: string, source: string, target: string, options: readonly string[]): string {
  return `mount -t ${quote(type)}${options.length === 0 ? '' : ` -o ${quote(options.join(','))}`} ${quote(source)} ${target}`;
}

/** Read-only is set afterwards, for this mount only: the file system behind it can be shared with the host. */
function restrict(target: string, attrs: number | bigint): string[] {
  const options = attributeOptions(attrs);
  return options.length === 0 ? [] : [`mount -o ${quote(['remount', 'bind', ...options].join(','))} ${target}`];
}

const TRANSLATIONS: Translations = {
  'on-orphan': () => nothing('the trap above cleans up, unless this script itself is killed by SIGKILL'),
  pipes: () => nothing('the script passes its own on'),
  stage: () => nothing('by unshare, below'),
  report: () => nothing('a script has nobody to tell'),
  await: () => nothing('a script has nobody to wait for'),
  control: () => nothing('a script has no monitor'),
  log: () => nothing('the script keeps no log'),
  relay: () => nothing('the command keeps your terminal'),
  answer: () => nothing('a script cannot answer system calls'),
  propagation: () => nothing('by unshare, below'),
  userns: () => NO_USERNS,
  staging: ({ target, options }, { places }) => {
    const word = places.word(target);
    // Of root, as everything that the script makes: it has no user namespace.
    const own = options.filter((option) => !/^[ug]id=/.test(option));
    return [`mkdir -p ${word}`, `mount -t tmpfs -o ${quote([...own, 'nosuid', 'noexec'].join(','))} crt ${word}`];
  },
  open: ({ fd, path }, { places }, step) => [
    ...(step.flags.includes('mkdir') ? [`mkdir -p ${places.word(path)}`] : []),
    `${variable(fd)}=${places.word(path)}`,
  ],
  probe: () => nothing('crt looks into the file; a script finds out at exec'),
  'bind-source': ({ from, source, target, attrs }, { places }) => {
    const word = source === undefined ? `"$${variable(from ?? '')}"` : places.word(source);
    return [
      `place ${word} ${places.word(target)}`,
      `mount --rbind ${word} ${places.word(target)}`,
      ...restrict(places.word(target), attrs),
    ];
  },
  overlay: ({ lower, upper, work, target, options, attrs }, { places }) => {
    const word = places.word(target);
    const extra = [...options, ...attributeOptions(attrs)].map((option) => `,${option}`).join('');
    // By links, as a comma or a colon in a path would be taken for a separator.
    return [
      `ln -sn "$${variable(lower)}" "$scratch/below"`,
      `mkdir -p ${word}`,
      `mount -t overlay -o "lowerdir=$scratch/below,upperdir=$${variable(upper)},workdir=$${variable(work)}"${quote(extra)} overlay ${word}`,
    ];
  },
  file: ({ target, content, mode }, { places }) => [
    `printf %s ${quote(Buffer.from(content).toString())} > ${places.word(target)}`,
    `chmod ${octal(mode)} ${places.word(target)}`,
  ],
  node: ({ target, mode, device }, { places }, step) => {
    const [major, minor] = pair(device);
    const folder = step.flags.includes('mkdir') ? [`mkdir -p ${places.word(target.slice(0, target.lastIndexOf('/')))}`] : [];
    return [...folder, `mknod -m ${octal(mode)} ${places.word(target)} ${deviceType(mode)} ${major} ${minor}`];
  },
  'join-userns': () => NO_USERNS,
  'ids-root': () => NO_USERNS,
  'device-filter': () => nothing('a script cannot load a program into the kernel: without CAP_MKNOD there are no other devices to open'),
  target: () => nothing('a script makes its own container'),
  enter: () => nothing('a script makes its own container'),
  clone: () => nothing('by unshare, below'),
  'parent-death': () => nothing('by unshare --kill-child, below'),
  'cgroup-join': () => nothing('before unshare, below'),
  unshare: () => nothing('by unshare, below'),
  loopback: () => [
    'if command -v ip > /dev/null; then ip link set lo up; else echo "no ip(8) here (package iproute2): lo stays down" >&2; fi',
  ],
  hostname: ({ name }) => [`hostname -- ${quote(name)}`],
  domainname: ({ name }) => [`domainname -- ${quote(name)}`],
  root: ({ path }, { places }) => [`root=${places.word(path)}`],
  mount: ({ type, source, target, options, attrs, mode }, shell) => {
    const word = inside(target, shell);
    const settings = [...attributeOptions(attrs).filter((option) => option !== 'ro'), ...options];
    const isReadOnly = (BigInt(attrs) & 1n) === 1n;
    return [
      `mkdir -p ${Number(mode) === 0 ? '' : `-m ${octal(mode)} `}${word}`,
      mountLine(type, source ?? type, word, settings),
      ...(isReadOnly ? restrict(word, attrs) : []),
    ];
  },
  bind: ({ source, target, attrs }, shell, step) => {
    const [from, to] = [shell.places.word(source), inside(target, shell)];
    const bind = `mount --rbind ${from} ${to}`;
    if (step.flags.includes('optional')) return [`[ ! -e ${to} ] || ${bind}`];
    return [`place ${from} ${to}`, bind, ...restrict(to, attrs)];
  },
  device: ({ target, mode, device, owner }, shell, step) => {
    const word = inside(target, shell);
    const folder = step.flags.includes('mkdir') ? [`mkdir -p ${inside(target.slice(0, target.lastIndexOf('/')), shell)}`] : [];
    const make = `mknod -m ${octal(mode)} ${word} ${deviceType(mode)}${deviceType(mode) === 'p' ? '' : ` ${pair(device).join(' ')}`}`;
    return Number(owner) === 0 ? [...folder, make] : [...folder, make, `chown -h ${pair(owner).join(':')} ${word}`];
  },
  symlink: ({ target, content }, shell) => [`ln -s -- ${quote(content)} ${inside(target, shell)}`],
  mask: ({ file, directory, target }, shell, step) => [
    `mask ${shell.places.word(file)} ${shell.places.word(directory)} ${inside(target, shell)}${ifThere(step)}`,
  ],
  readonly: ({ target }, shell, step) => [`lock ${inside(target, shell)}${ifThere(step)}`],
  sysctl: ({ key, value }, shell) => [`echo ${quote(value)} > ${inside(`/proc/sys/${key}`, shell)}`],
  console: () => nothing('a script cannot open a terminal in there: the command keeps yours, whose path does not exist inside'),
  pivot: (_, shell) => {
    shell.pivoted = true;
    return [
      `need ${[...shell.tools].join(' ')}`,
      'cd "$root"',
      'pivot_root . .',
      '# The old root now lies on top of the new one.',
      'umount -l .',
      'cd /',
      'hash -r',
    ];
  },
  remount: ({ target, attrs }, shell) => restrict(inside(target, shell), attrs),
  session: () => nothing('left out: in a session of its own the command would not hear your Ctrl-C'),
  keyring: () => nothing('left out: it takes keyctl, of the package keyutils'),
  user: (operands, shell) => writeUser(operands, (path) => inside(path, shell)),
  rlimit: ({ resource, soft, hard }) => [
    `prlimit --pid $$ --${limitName(resource).replace('RLIMIT_', '').toLowerCase()}=${limitValue(soft)}:${limitValue(hard)}`,
  ],
  'oom-score': ({ value }) => [`echo ${signed(value)} > /proc/self/oom_score_adj`],
  signals: (_, { resets }) => {
    resets.push('--default-signal');
    return nothing('by env, at the end');
  },
  umask: ({ mask }) => [`umask ${octal(mask)}`],
  bounding: ({ capabilities }, { rights }) => {
    rights.push(`--bounding-set=${capabilityList(capabilities)}`);
    return atEnd;
  },
  identity: (_, { rights }) => {
    rights.push('--reuid "$uid" --regid "$gid" "$groups"');
    return atEnd;
  },
  caps: ({ inheritable, ambient }, { rights }) => {
    // Of two steps the last counts, and setpriv takes each option once.
    const before = rights.findIndex((right) => right.startsWith('--inh-caps='));
    if (before >= 0) rights.splice(before, 1);
    rights.push(`--inh-caps=${capabilityList(inheritable)} --ambient-caps=${capabilityList(ambient)}`);
    return nothing('by setpriv, at the end; what is permitted follows from the bounding set at exec');
  },
  cwd: ({ directory }, shell, step) => [
    ...(step.flags.includes('mkdir') ? [`mkdir -p ${inside(directory, shell)}`] : []),
    `cd ${inside(directory, shell)}`,
  ],
  'no-new-privs': (_, { rights }) => {
    rights.push('--no-new-privs');
    return atEnd;
  },
  listener: () => nothing('a script cannot load a filter'),
  'exec-label': () => nothing('left out: what this shell runs next would get it, setpriv, not the command'),
  seccomp: () => nothing('a script cannot load a filter'),
  stdio: () => nothing('a script keeps what it was given'),
  // 255 is this script, which bash itself closes at exec.
  'close-fds': () => [
    'for fd in /proc/self/fd/*; do',
    '  fd=${fd##*/}',
    '  if [ "$fd" -gt 2 ] && [ "$fd" != 255 ]; then eval "exec $fd>&-"; fi',
    'done',
  ],
  exec: (operands, shell) => writeCommand(operands, shell),
  look: () => nothing('a script copies nothing'),
  archive: () => nothing('a script copies nothing'),
  extract: () => nothing('a script copies nothing'),
};

/** The lines of bash(1) that do what a step does, as far as a script can. */
export function translate<N extends OpName>(step: Step<N>, shell: Shell): readonly string[] {
  return TRANSLATIONS[step.op](step.operands, shell, step);
}

/** What a descriptor slot is called in the script. */
function variable(slot: string): string {
  return `at_${slot.replace(/\W/g, '_')}`;
}

function ifThere(step: Step): string {
  return step.flags.includes('optional') ? '' : ' must';
}

function capabilityList(mask: number | bigint): string {
  const names = capabilitySet(mask).map((name) => `+${name.replace('CAP_', '').toLowerCase()}`);
  return ['-all', ...names].join(',');
}
