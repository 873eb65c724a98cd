import type { CheckId } from '../check-ids.js';
import type { HostFacts } from '../host/facts.js';
import type { OpName } from '../plan/ops.js';
import type { Step } from '../plan/step.js';
import type { Roots } from '../state/roots.js';

/** Parts of `crt doctor`, in the order in which they are shown. */
export const GROUPS = [
  'environment',
  'install',
  'kernel',
  'cgroup',
  'rootfs',
  'storage',
  'isolation',
  'start',
  'leftovers',
  'rootless',
  'network',
] as const;
export type Group = (typeof GROUPS)[number];

/**
 * `fail`: `crt run` does not work. `warn`: it works and lacks something. `info`: worth knowing, nothing to judge. `unknown`: could not be
 * looked at, for a reason that another check tells, or because only root can.
 */
export type Verdict = 'pass' | 'info' | 'unknown' | 'warn' | 'fail';

/** What repairs it. */
export interface Fix {
  /** Lines for a shell of root. */
  readonly commands?: readonly string[];
  /** Packages to install, before the commands: see packages.ts. */
  readonly packages?: readonly string[];
  /** What no command does, in words; also where the commands need a word before. */
  readonly advice?: string;
}

/** One thing that a check has seen. Texts are for people, without a full stop at the end. */
export interface Finding {
  readonly verdict: Verdict;
  /** Where it passes, `few words: details`: the line of the group has the few words of each check's first finding. */
  readonly observed: string;
  readonly expected?: string;
  /** What that costs whoever runs containers here. */
  readonly cost?: string;
  readonly fix?: Fix;
}

/** How a plan of a few steps ended. */
export type Probed = { readonly ok: true } | ProbeFailure;

/** A step of a probe that the kernel refused. */
export interface ProbeFailure {
  readonly ok: false;
  readonly step: Step;
  readonly op: OpName;
  /** errno(3) by name; empty when the process was killed instead. */
  readonly code: string;
  /** What the kernel or the helper said beside that. */
  readonly text: string;
  /** Both in words: `no such device (ENODEV)`. */
  readonly reason: string;
  /** The check that an error of this step points to. */
  readonly check: CheckId;
}

/** Steps of a probe; the rest of a plan is put around them (probe-plan.ts). */
export interface ProbeSteps {
  /** Performed by the stage, in a private copy of the mount table. */
  readonly stage?: readonly Step[];
  /** CLONE_NEW… of the process that is born. */
  readonly namespaces?: number;
  /** Performed by that process, before it execs a program that does nothing. */
  readonly init?: readonly Step[];
  /** Called at each `report` among the steps; the `await` that belongs to it goes on afterwards. `pid`: that process, once it is born. */
  readonly onReport?: (text: string, pid: number | undefined) => void;
}

/** What a check may look at. */
export interface Context {
  readonly facts: HostFacts;
  readonly roots: Roots;
  readonly env: NodeJS.ProcessEnv;
  /** Effective user 0. */
  readonly isRoot: boolean;
  /** `--rootfs`, else undefined: then the one that `run` takes. */
  readonly rootfs: string | undefined;
  /** How crt is called by a shell of root: `crt`, `./bin/run.js`. */
  readonly program: string;
  /** Aborted when nobody waits for the check any more. */
  readonly signal: AbortSignal;
  /** Runs steps by the helper, as `run` does. @throws UserError when the helper cannot be started */
  probe(steps: ProbeSteps): Promise<Probed>;
  /** A name for what a check makes; unique to this call. */
  name(suffix: string): string;
}

/** One thing that is proven by trying it. */
export interface Check {
  readonly id: CheckId;
  readonly group: Group;
  /** A few words, for a heading. */
  readonly title: string;
  /** For the page of the docs and `--explain`, a sentence or two each: what is tried, why a container needs it, how it is repaired. */
  readonly proves: string;
  readonly why: string;
  readonly repair: string;
  /** Only root can look: for others it is `unknown`. */
  readonly needsRoot: boolean;
  /** Leaves nothing behind. @throws UserError, which becomes a finding: a failure, or `unknown` when it is about another check */
  run(context: Context): readonly Finding[] | Promise<readonly Finding[]>;
}
