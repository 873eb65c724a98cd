import type { StepResult } from '../options.js';
import type { Plan } from '../plan/step.js';
import { errnoName } from './numbers.js';
import { type Decoded, decodeOperands } from './operands.js';
import { meaningOf } from './ops.js';
import type { Secrecy } from './secrets.js';

/** One line of {@link explainJson}. The names are stable: new ones may be added, none is renamed. */
export interface ExplainedStep {
  /** Index in the plan, from 0. */
  readonly index: number;
  /** The step's verb, as in docs/plan.md. */
  readonly op: string;
  readonly actor: 'monitor' | 'stage' | 'init';
  readonly chapter: string;
  /** Of `optional`, `mkdir`, `mkfile`. */
  readonly flags: readonly string[];
  /** By the operands' names; flags and capabilities are lists of names, octal modes and `major:minor` are text. */
  readonly operands: Readonly<Record<string, Decoded>>;
  /** Why this plan has the step. */
  readonly why: string;
  /** What the op is, in a sentence. */
  readonly purpose: string;
  readonly syscalls: readonly string[];
  /** `mount_setattr(2)` … */
  readonly man: readonly string[];
  /** errno(3), 0 = success; null = has not run. */
  readonly errno: number | null;
  /** `EACCES` …; null without an error. */
  readonly error: string | null;
  /** Wall time in microseconds; null = has not run. */
  readonly micros: number | null;
}

/**
 * The plan as JSON lines, one {@link ExplainedStep} each, every line ended by a newline. Characters that a terminal would
 * act on are escaped in the JSON way, so the lines can be printed as they are.
 */
export function explainJson(plan: Plan, options: Secrecy & { readonly results?: readonly StepResult[] } = {}): string {
  const byIndex = new Map((options.results ?? []).map((result) => [result.index, result]));
  return plan.steps
    .map((step, index): ExplainedStep => {
      const { syscalls, man, purpose } = meaningOf(step);
      const { op, actor, chapter, flags, why } = step;
      const result = byIndex.get(index);
      const { errno = null, micros = null } = result ?? {};
      const error = errno === null || errno === 0 ? null : errnoName(errno);
      return {
        index,
        op,
        actor,
        chapter,
        flags,
        operands: decodeOperands(step, options),
        why,
        purpose,
        syscalls,
        man,
        errno,
        error,
        micros,
      };
    })
    .map((line) => `${escapeHarmful(JSON.stringify(line))}\n`)
    .join('');
}

/** JSON.stringify escapes what is below U+0020 only. All of these are inside strings. */
function escapeHarmful(json: string): string {
  return json.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from({ length: character.length }, (_, unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`).join(''),
  );
}
