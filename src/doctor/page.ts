import { UserError } from '../errors.js';
import { paint, span, wrap } from '../explain/layout.js';
import { nearest } from '../spec/nearest.js';
import { type Check, GROUPS } from './check.js';
import { CHECKS } from './checks.js';

/** The parts of what is told of a check, in the docs and by `--explain`. */
function partsOf({ proves, why, repair }: Check): readonly (readonly [title: string, text: string])[] {
  return [
    ['What is tried.', proves],
    ['Why a container needs it.', why],
    ['How it is repaired.', repair],
  ];
}

/** What is known of a check, for a terminal of this many columns. @throws UserError for a check that there is not */
export function explainCheck(id: string, { width, color }: { width: number; color: boolean }): string {
  const check = CHECKS.find((one) => one.id === id);
  if (check === undefined) {
    const names = CHECKS.map((one) => one.id);
    const guess = nearest(id, names);
    throw new UserError(`crt doctor has no check ${JSON.stringify(id)}`, {
      hint: guess === undefined ? `checks: ${names.join(' ')}` : `did you mean: crt doctor --explain ${guess}`,
    });
  }
  const title = wrap([span(check.id, 'heading'), span(`(${check.group}): ${check.title}`)], width);
  const parts = partsOf(check).flatMap(([head, text]) => [[], ...wrap([span(head, 'verb'), span(text)], width)]);
  return [...title, ...parts].map((line) => `${paint(line, color)}\n`).join('');
}

/** The part of docs/doctor.md that describes the checks, in Markdown. */
export function checksPage(): string {
  const groups = GROUPS.filter((group) => CHECKS.some((check) => check.group === group));
  return groups
    .map(
      (group) =>
        `## ${group}\n\n${CHECKS.filter((check) => check.group === group)
          .map(describe)
          .join('\n')}`,
    )
    .join('\n');
}

function describe(check: Check): string {
  const parts = partsOf(check).map(([head, text]) => `**${head}** ${text}\n`);
  const root = check.needsRoot ? 'Needs root.\n\n' : '';
  return `### ${check.id}\n\n${check.title.charAt(0).toUpperCase()}${check.title.slice(1)}.\n\n${root}${parts.join('\n')}`;
}
