import type { DecodedStep } from './decode.js';
import { operandsOf } from './encode.js';
import { CLONE_FLAGS, O_PATH } from './numbers.js';
import type { OpName } from './ops.js';
import { dieWithParent } from './process.js';
import { type ContainerPath, isOp, type Operands, type Plan, type Slot, type Step, step, toHostPath } from './step.js';

/** Bits of `flags` of look, archive and extract (helper/op-archive.c). */
export const COPY = { follow: 1, real: 2, owners: 4, setIds: 8 } as const;

/** One end of a copy: what is read, under which name it goes into the stream, or where a stream is unpacked. */
export type CopyEnd =
  | { readonly kind: 'archive'; readonly path: ContainerPath; readonly name: string; readonly flags: number; readonly look: boolean }
  | { readonly kind: 'extract'; readonly path: ContainerPath; readonly flags: number; readonly look: boolean };

/** A container that runs, by its PID 1. */
export interface CopyTarget {
  readonly pid: number;
  /** Clock ticks after the boot. */
  readonly startTime: number;
  readonly hasUserNamespace: boolean;
}

const ROOT: Slot = 'root';
/** chown, dac_override, fowner, fsetid: what it takes to read and make any file, and no more. */
const CAPABILITIES = 0b11011;
const way = { chapter: 'namespaces' as const };
const note = { chapter: 'process' as const };

/**
 * Into a container that runs: its users and its mounts, and nothing else of it. Not its processes: so they do not see the helper, and
 * not its cgroup: so one that is paused can be copied from.
 */
export function copyInRunning({ pid, startTime, hasUserNamespace }: CopyTarget, end: CopyEnd): Plan {
  const namespaces = (CLONE_FLAGS.mount | (hasUserNamespace ? CLONE_FLAGS.user : 0)) >>> 0;
  return {
    steps: [
      stage(),
      step('target', 'stage', { pidfd: 'target', pid, start: startTime }, { ...way, why: 'the container, and no other process' }),
      step('enter', 'stage', { target: 'target', root: ROOT, namespaces }, { ...way, why: 'its users and its mounts' }),
      ...(hasUserNamespace ? [step('ids-root', 'stage', {}, { ...way, why: 'root of the container' })] : []),
      ...bear(0),
      ...copy(ROOT, end),
    ],
  };
}

/** For a container that is stopped: its root as for a start, and nothing of it is run. @throws TypeError for a start that had no root */
export function copyInStopped(started: readonly DecodedStep[], end: CopyEnd): Plan {
  const staged = new Set(started.filter(({ op }) => op === 'bind-source').map(({ operands }) => operands['target']));
  const slots = new Set(started.filter(({ op }) => op === 'overlay' || op === 'bind-source').flatMap(slotsRead));
  const outside = started.filter(
    ({ op, operands }) =>
      OUTSIDE.has(op) || (op === 'open' && slots.has(operands['fd'])) || (op === 'bind-source' && operands['source'] !== '/dev/null'),
  );
  const root = started.find(({ op }) => op === 'root');
  if (root === undefined) throw new TypeError('the start has no root');
  const binds = started.filter(({ op, operands }) => op === 'bind' && staged.has(operands['source']));
  return {
    steps: [
      stage(),
      ...outside.map(again),
      ...(started.some(({ op }) => op === 'join-userns') ? [step('ids-root', 'stage', {}, { ...way, why: 'root of the container' })] : []),
      ...bear(CLONE_FLAGS.mount),
      again(root),
      ...binds.map(again),
      ...copy(slotName(root.operands['root']), end),
    ],
  };
}

/** Of a start, what makes the root. */
const OUTSIDE: ReadonlySet<OpName> = new Set<OpName>(['propagation', 'userns', 'staging', 'overlay', 'join-userns']);

/** On the host itself: by descriptors, which Node has not, since a folder may be a container's as well. */
export function copyOnHost(end: CopyEnd): Plan {
  return {
    steps: [
      stage(),
      step('open', 'stage', { fd: ROOT, path: toHostPath('/'), flags: O_PATH }, { ...way, why: 'where the path begins' }),
      ...bear(0),
      ...copy(ROOT, end),
    ],
  };
}

/** A root that is read-only while the container runs. */
export function isReadOnly(started: readonly DecodedStep[]): boolean {
  return started.some(({ op, operands }) => op === 'remount' && operands['target'] === '/');
}

/** A writable layer that has gone with the container. */
export function isInMemory(started: readonly DecodedStep[]): boolean {
  const staging = started.find(({ op }) => op === 'staging')?.operands['target'];
  const upper = started.find(({ op }) => op === 'overlay')?.operands['upper'];
  const opened = started.find(({ op, operands }) => op === 'open' && upper !== undefined && operands['fd'] === upper);
  return String(opened?.operands['path'] ?? '').startsWith(`${staging}/`);
}

function stage(): Step {
  return step('stage', 'monitor', {}, { chapter: 'prepare', why: 'a helper process that can change its namespaces' });
}

function bear(namespaces: number): Step[] {
  return [
    step('clone', 'stage', { pidfd: 'init', namespaces }, { ...way, why: 'the process that copies' }),
    dieWithParent('namespaces', 'if crt dies, the copy ends'),
  ];
}

function copy(root: Slot, end: CopyEnd): Step[] {
  const { path, flags } = end;
  return [
    step('bounding', 'init', { capabilities: CAPABILITIES }, { ...note, why: 'files, and nothing else' }),
    step('caps', 'init', { permitted: CAPABILITIES, inheritable: 0, ambient: 0 }, { ...note, why: 'files, and nothing else' }),
    step('no-new-privs', 'init', {}, { ...note, why: 'and it stays so' }),
    ...(end.look
      ? [
          step('look', 'init', { root, target: path, flags }, { ...note, why: 'is it there, and what is it' }),
          step('report', 'monitor', { reason: 'found' }, { ...note, why: 'crt chooses names by it' }),
          step('await', 'monitor', {}, { ...note, why: 'until the other end is there' }),
        ]
      : []),
    end.kind === 'archive'
      ? step('archive', 'init', { root, source: path, name: end.name, flags }, { ...note, why: 'to stdout' })
      : step('extract', 'init', { root, target: path, flags }, { ...note, why: 'from stdin' }),
    step('report', 'monitor', { reason: 'copied' }, { ...note, why: 'it is complete' }),
  ];
}

function slotName(value: unknown): Slot {
  return `slot-${value}`;
}

function slotsRead({ op, operands }: DecodedStep): unknown[] {
  return operandsOf(op).flatMap(({ kind, name }) => (kind === 'in' && operands[name] !== undefined ? [operands[name]] : []));
}

/** A step as it ran; slots keep their numbers, as names. */
function again({ op, actor, flags, operands }: DecodedStep): Step {
  const entries = operandsOf(op).flatMap(({ kind, name }) => {
    const value = operands[name];
    if (value === undefined) return [];
    return [[name, kind === 'in' || kind === 'out' ? slotName(value) : value] as const];
  });
  const values = Object.fromEntries(entries) as unknown as Operands<OpName>;
  return step(op, actor, values, { chapter: 'rootfs', why: 'as for its start', flags });
}

/** The step that a failure in the copying itself has. */
export function isCopyStep(candidate: Step | undefined): boolean {
  return candidate !== undefined && (isOp(candidate, 'look') || isOp(candidate, 'archive') || isOp(candidate, 'extract'));
}
