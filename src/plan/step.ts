import type { Actor, OPS, OpName, StepFlag } from './ops.js';

declare const hostPath: unique symbol;
declare const containerPath: unique symbol;
/** An absolute path on the host, or in the set-up mount namespace. Never mixed up with a path inside a container. */
export type HostPath = string & { readonly [hostPath]: true };
/** An absolute path inside the container's root. Only the helper resolves it, with openat2(2) RESOLVE_IN_ROOT. */
export type ContainerPath = string & { readonly [containerPath]: true };

/** @throws TypeError when the path is not absolute or carries a NUL. */
export function toHostPath(path: string): HostPath {
  return checkPath(path) as HostPath;
}

/** @throws TypeError when the path is not absolute or carries a NUL. */
export function toContainerPath(path: string): ContainerPath {
  return checkPath(path) as ContainerPath;
}

function checkPath(path: string): string {
  if (!path.startsWith('/') || path.includes('\0')) throw new TypeError(`not an absolute path: ${JSON.stringify(path)}`);
  return path;
}

/** A descriptor that one step fills (`out`) and later steps read (`in`). Encoded as a number from 0 to 31. */
export type Slot = string;

interface Values {
  in: Slot;
  out: Slot;
  host: HostPath;
  path: ContainerPath;
  str: string;
  list: readonly string[];
  bytes: Uint8Array;
  num: number | bigint;
}
type Field<T extends string> = T extends `${infer K extends keyof Values}?:${infer N}`
  ? { [P in N]?: Values[K] }
  : T extends `${infer K extends keyof Values}:${infer N}`
    ? { [P in N]: Values[K] }
    : unknown;
type Fields<T extends string> = T extends `${infer A} ${infer B}` ? Field<A> & Fields<B> : Field<T>;
export type Operands<N extends OpName> = Fields<(typeof OPS)[N]['operands']>;

/** The chapters of a start, in which `--explain` groups the steps. */
export type Chapter = 'prepare' | 'namespaces' | 'cgroup' | 'rootfs' | 'mounts' | 'devices' | 'masks' | 'console' | 'process';

/** One verb with its operands. `why` is for people: a few words, never encoded. */
export interface Step<N extends OpName = OpName> {
  readonly op: N;
  readonly actor: Actor;
  readonly flags: readonly StepFlag[];
  readonly operands: Operands<N>;
  readonly chapter: Chapter;
  readonly why: string;
}

export interface Plan {
  readonly steps: readonly Step[];
}

/** Builds a step; the operands are typed by the op's line in the table. */
export function step<N extends OpName>(
  op: N,
  actor: Actor,
  operands: Operands<N>,
  note: { chapter: Chapter; why: string; flags?: readonly StepFlag[] },
): Step<N> {
  return { op, actor, flags: note.flags ?? [], operands, chapter: note.chapter, why: note.why };
}

/** True for a step of this verb, and narrows its operands. */
export function isOp<N extends OpName>(candidate: Step, op: N): candidate is Step<N> {
  return candidate.op === op;
}
