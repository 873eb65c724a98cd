import { fit, printable } from '../format/printable.js';
import { isOp, type Plan, type Step } from '../plan/step.js';
import type { Config } from '../spec/types.js';
import { CHAPTERS } from './chapters.js';
import { type Entry, entriesOf, sectionsOf } from './entries.js';
import type { Secrecy } from './secrets.js';
import { writeSecrets } from './sh-command.js';
import { enteredCgroups, isOutside, type ShellLimit, type SkeletonEntry, writeBirth, writeCgroups, writeSkeleton } from './sh-outside.js';
import { type Shell, translate } from './sh-steps.js';
import { folded, Places, quote } from './sh-words.js';

export type { ShellLimit, SkeletonEntry } from './sh-outside.js';

/** What the plan itself does not say, as the supervisor does it. */
export interface ShellExtras extends Secrecy {
  readonly name: string;
  /** The cgroup's limits, in the order in which they are written. */
  readonly limits: readonly ShellLimit[];
  /** A lower layer that crt makes itself: the script makes it, too. */
  readonly skeleton?: { readonly directory: string; readonly entries: readonly SkeletonEntry[] };
}

/**
 * A bash(1) script that starts a container comparable to the plan's with unshare(1), mount(8), pivot_root(8), setpriv(1): each
 * step in the plan's order, under its number, and a comment where a script cannot do what the step does. It needs root,
 * util-linux 2.38 or later, and a rootfs that has util-linux and coreutils itself. It removes what it made. Secrets are
 * not in it: they are taken from the environment in which it runs.
 */
export function explainShell(plan: Plan, config: Config, extras: ShellExtras): string {
  const cgroups = enteredCgroups(plan);
  const places = findPlaces(plan, extras);
  const shell: Shell = {
    places,
    pivoted: false,
    tools: toolsInside(plan),
    rights: [],
    resets: [],
    showSecrets: extras.showSecrets ?? false,
  };
  const story = sectionsOf(entriesOf(plan, [])).flatMap(({ chapter, place, entries }) => {
    const lines = entries.flatMap((entry) => writeEntry(entry, plan, shell, (step) => isOutside(step, cgroups)));
    if (lines.length === 0) return [];
    const { title, story: text } = CHAPTERS[chapter];
    return ['', `# ── ${title}${place === 'after' ? ', continued' : ''} ──`, ...(place === 'main' ? [`# ${text}`] : []), ...lines];
  });
  const inner = [
    'set -eu',
    'scratch=$1 stage=$1/stage',
    ...FUNCTIONS.filter(({ op }) => plan.steps.some((step) => op.includes(step.op))).flatMap(({ lines }) => ['', ...lines]),
    ...story,
  ];
  return [
    ...header(config, extras),
    ...plan.steps.flatMap((step) => (isOp(step, 'exec') ? writeSecrets(step.operands.env, extras) : [])),
    ...writeOutside(plan, extras, cgroups),
    '',
    '# ── What process number 1 does, until it turns into the command ──',
    "exec 3<<'INSIDE'",
    ...inner,
    'INSIDE',
    '',
    '# ── The birth ──',
    '# What the plan does step by step, one unshare(1) does at once:',
    ...writeNumbers(plan, (step) => isOutside(step, cgroups)),
    ...(cgroups.length === 0 ? [] : ['# unshare itself waits in the cgroups with its child, which the monitor of crt does not.']),
    ...writeBirth(plan, cgroups),
    '',
  ].join('\n');
}

function header(config: Config, { name }: ShellExtras): string[] {
  const command = config.process.args.length === 0 ? 'a shell' : fit(config.process.args.map(printable).join(' '), 80);
  return [
    '#!/bin/bash',
    `# A container like the one of \`crt run ${name}\`: ${command}`,
    `# in ${printable(config.root.path)}. Run it as root.`,
    '#',
    '# The numbers are those of the plan (crt run --dry-run). What differs: mount(8) follows the symbolic links of the',
    '# rootfs, so use this with a rootfs that you trust; there is no user namespace and no filter of system calls, so root inside',
    '# is root, in the folders of the host as well; nothing is checked beforehand; an error does not name its step; a command',
    '# that is killed by a signal shows as an error of unshare(1).',
    'set -eu',
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
    'umask 022',
    '[ "$(id -u)" = 0 ] || { echo "making a container needs root" >&2; exit 125; }',
  ];
}

function writeOutside(plan: Plan, { limits, skeleton }: ShellExtras, cgroups: ReturnType<typeof enteredCgroups>): string[] {
  const lower = plan.steps.find((step) => isOp(step, 'overlay'));
  const opened = lower && plan.steps.find((step): step is Step<'open'> => isOp(step, 'open') && step.operands.fd === lower.operands.lower);
  // With a user namespace the layer is a mapped view of the folder.
  const mapped = plan.steps.find(
    (step): step is Step<'bind-source'> => isOp(step, 'bind-source') && step.operands.target === opened?.operands.path,
  );
  const rootfs = skeleton ? '"$scratch/lower"' : quote(mapped?.operands.source ?? opened?.operands.path ?? '/');
  return [
    '',
    '# ── What is made on the host, and removed again ──',
    'cgroups=()',
    "# Fails when it is there already: it would be somebody else's.",
    'cgroup() { mkdir "$1"; cgroups=("$1" "${cgroups[@]}"); }',
    'cleanup() {',
    '  local path pid try',
    '  for path in "${cgroups[@]}"; do',
    '    for try in 1 2 3 4 5 6 7 8 9 10; do',
    '      if rmdir "$path" 2> /dev/null; then break; fi',
    '      while read -r pid; do kill -KILL "$pid" || :; done < "$path/cgroup.procs"',
    '      sleep 0.1',
    '    done',
    '  done',
    '  rm -rf --one-file-system -- "$scratch"',
    '}',
    'scratch=$(mktemp -d "${TMPDIR:-/var/tmp}/crt.XXXXXXXX")',
    'trap cleanup EXIT',
    ...(opened ? ['mkdir "$scratch/stage" "$scratch/upper" "$scratch/work"'] : ['mkdir "$scratch/stage"']),
    ...(skeleton ? ['mkdir "$scratch/lower"', ...writeSkeleton(skeleton.entries)] : []),
    ...(opened
      ? [
          '# The root folder shows the mode and the owner of the upper layer.',
          `chmod --reference ${rootfs} "$scratch/upper"`,
          `chown --reference ${rootfs} "$scratch/upper"`,
        ]
      : []),
    ...writeCgroups(cgroups, limits),
  ];
}

/** The plan's own places on the host, which the script has in its scratch folder. */
function findPlaces(plan: Plan, { skeleton }: ShellExtras): Places {
  const places = new Places();
  if (skeleton) places.add(skeleton.directory, 'scratch', '/lower');
  const staging = plan.steps.find((step) => isOp(step, 'staging'));
  if (staging) places.add(staging.operands.target, 'stage');
  const overlay = plan.steps.find((step) => isOp(step, 'overlay'));
  for (const step of plan.steps) {
    if (!overlay || !isOp(step, 'open') || places.has(step.operands.path)) continue;
    if (step.operands.fd === overlay.operands.upper) places.add(step.operands.path, 'scratch', '/upper');
    if (step.operands.fd === overlay.operands.work) places.add(step.operands.path, 'scratch', '/work');
  }
  return places;
}

/** The lines of one step, or of a run of like ones, below its number and reason. Links of one folder are made by one ln(1). */
function writeEntry({ first, last }: Entry, plan: Plan, shell: Shell, skip: (step: Step) => boolean): string[] {
  const steps = plan.steps.slice(first, last + 1).filter((step) => !skip(step));
  const [step] = steps;
  if (!step) return [];
  const number = first === last ? `${first + 1}` : `${first + 1}–${last + 1}`;
  const lines = joinLinks(steps) ?? steps.flatMap((one) => translate(one, shell));
  return [`# ${number} ${step.op}: ${printable(step.why)}`, ...lines];
}

function joinLinks(steps: readonly Step[]): string[] | undefined {
  const split = (path: string): [string, string] => [path.slice(0, path.lastIndexOf('/') + 1), path.slice(path.lastIndexOf('/') + 1)];
  const links = steps.flatMap((step) =>
    isOp(step, 'symlink')
      ? [{ content: step.operands.content, target: split(step.operands.target), file: split(step.operands.content)[1] }]
      : [],
  );
  const [first] = links;
  if (!first || links.length < 2 || links.length !== steps.length) return undefined;
  if (!links.every(({ target, file }) => target[0] === first.target[0] && target[1] === file)) return undefined;
  return folded([`ln -s -t "$root"${quote(first.target[0])} --`, ...links.map(({ content }) => quote(content))]);
}

function writeNumbers(plan: Plan, wanted: (step: Step) => boolean): string[] {
  const numbers = plan.steps.flatMap((step, index) => (wanted(step) ? [`${index + 1} ${step.op}`] : []));
  const lines: string[] = [];
  for (const number of numbers) {
    const line = lines.at(-1);
    if (line === undefined || line.length + number.length > 110) lines.push(`# ${number}`);
    else lines[lines.length - 1] = `${line}, ${number}`;
  }
  return lines.map((line, index) => (index < lines.length - 1 ? `${line},` : line));
}

/** The programs that are still needed once the root is the container's. */
function toolsInside(plan: Plan): ReadonlySet<string> {
  const at = plan.steps.findIndex((step) => step.op === 'pivot');
  const after = plan.steps.slice(at + 1);
  const tools = new Set(['umount', 'setpriv', 'env']);
  if (after.some((step) => step.op === 'remount')) tools.add('mount');
  if (after.some((step) => step.op === 'rlimit')) tools.add('prlimit');
  if (after.some((step) => step.flags.includes('mkdir'))) tools.add('mkdir');
  return tools;
}

/** What the inner script calls, where its plan has the op. */
const FUNCTIONS: readonly { readonly op: readonly string[]; readonly lines: readonly string[] }[] = [
  {
    op: ['bind-source', 'bind'],
    lines: [
      '# An empty file or folder, whichever the first is, at the second, to be mounted on.',
      'place() {',
      '  if [ -d "$1" ]; then mkdir -p "$2"; elif [ ! -e "$2" ]; then mkdir -p "${2%/*}"; : > "$2"; fi',
      '}',
    ],
  },
  {
    op: ['mask'],
    lines: [
      '# Covers a file or folder; one that this kernel does not have is passed over.',
      'mask() {',
      '  if [ -d "$3" ]; then mount --bind "$2" "$3"; mount -o remount,bind,ro "$3"',
      '  elif [ -e "$3" ] || [ "${4-}" ]; then mount --bind "$1" "$3"; fi',
      '}',
    ],
  },
  {
    op: ['readonly'],
    lines: ['lock() {', '  if [ -e "$1" ] || [ "${2-}" ]; then mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; fi', '}'],
  },
  {
    op: ['pivot'],
    lines: [
      '# What is called after the change of the root must be in there.',
      'need() {',
      '  local tool folder found',
      '  for tool; do',
      '    found=',
      '    for folder in usr/sbin usr/bin sbin bin; do',
      '      if [ -x "$root/$folder/$tool" ] || [ -L "$root/$folder/$tool" ]; then found=1; fi',
      '    done',
      '    [ "$found" ] || { echo "this script needs $tool in the rootfs, which has none (crt run needs nothing there)" >&2; exit 125; }',
      '  done',
      '}',
    ],
  },
];
