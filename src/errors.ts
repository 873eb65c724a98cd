import type { CheckId } from './check-ids.js';

/** The user's problem: bad input, a missing file, a name that is taken. `hint` says what to type next. */
export class UserError extends Error {
  override readonly name: string = 'UserError';
  readonly hint: string | undefined;
  /** What `hint` says to type, as lines for a shell of root: set only where each word is quoted and nothing but crt's own is touched. */
  readonly commands: readonly string[] | undefined;
  /** Exit code of the command line, as docker numbers them: 125 crt itself, 126 not executable, 127 not found. */
  readonly exitCode: number;
  /** The check of `crt doctor` that tells more, where it lies in the machine. */
  readonly check: CheckId | undefined;
  /** What the caller asked for caused it: of that the check knows nothing, and may well pass. */
  readonly isAsked: boolean;

  constructor(
    message: string,
    options: { hint?: string; commands?: readonly string[]; exitCode?: number; check?: CheckId; isAsked?: boolean; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
    this.commands = options.commands;
    this.check = options.check;
    this.isAsked = options.isAsked ?? false;
    this.exitCode = options.exitCode ?? 125;
  }
}

/** There is no container of this name. */
export class NoContainerError extends UserError {
  override readonly name = 'NoContainerError';
}

/** A step of the launch plan failed in the kernel: which step, what errno, and the kernel's own text where it gave one. */
export class StepError extends UserError {
  override readonly name = 'StepError';
  /** Index in the plan, from 0. */
  readonly index: number;
  /** The step's verb, for example `mount`. */
  readonly op: string;
  /** errno(3) as a positive number; 0 when the step's process was killed instead. */
  readonly errno: number;

  constructor(
    message: string,
    detail: {
      index: number;
      op: string;
      errno: number;
      hint?: string;
      exitCode?: number;
      check?: CheckId;
      isAsked?: boolean;
      cause?: unknown;
    },
  ) {
    super(message, detail);
    this.index = detail.index;
    this.op = detail.op;
    this.errno = detail.errno;
  }
}

/** Ours: something that cannot happen did. Shown with a request to report it. */
export class BugError extends Error {
  override readonly name = 'BugError';
}
