import { UserError } from './errors.js';
import type { ContainerSummary } from './list.js';
import type { ShownStatus } from './pause.js';
import { quote } from './spec/quote.js';

export interface ListFilter {
  /** Stopped containers are asked for by the filters themselves. */
  readonly showsStopped: boolean;
  /** The question for each container. `all`: among whom `before` and `since` look for their container. @throws UserError when it is not there */
  among(all: readonly ContainerSummary[]): (summary: ContainerSummary) => boolean;
}

/** Asked before any container, so that a name which nobody has is an error in an empty list, too. */
type Question = (all: readonly ContainerSummary[]) => (summary: ContainerSummary) => boolean;

const STATUSES: readonly string[] = [
  'creating',
  'running',
  'paused',
  'restarting',
  'stopped',
  'leftover',
  'corrupt',
] satisfies ShownStatus[];
const HINT = 'name=PATTERN, id=DIGITS, status=running, exited=CODE, before=NAME, since=NAME';

/**
 * docker's filters: `name=` (a regular expression, found anywhere), `id=` (its first digits), `status=` (`exited` means stopped), `exited=` an
 * exit code, `before=` and `since=` a container's name.
 * @throws UserError for one that is none of these
 */
export function parseFilters(filters: readonly string[]): ListFilter {
  const byKey = new Map<string, Question[]>();
  for (const text of filters) {
    const [, key = '', value = ''] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    const parse = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined;
    if (parse === undefined) throw new UserError(`unknown filter ${quote(text)}`, { hint: `--filter ${HINT}` });
    byKey.set(key, [...(byKey.get(key) ?? []), parse(value)]);
  }
  return {
    showsStopped: ['status', 'exited'].some((key) => byKey.has(key)),
    among: (all) => {
      const answers = [...byKey.values()].map((questions) => questions.map((question) => question(all)));
      return (summary) => answers.every((matching) => matching.some((matches) => matches(summary)));
    },
  };
}

const KEYS: Readonly<Record<string, (value: string) => Question>> = {
  name: (value) => {
    const pattern = toPattern(value);
    return () =>
      ({ name }) =>
        pattern.test(name);
  },
  id: (value) => {
    if (!/^[0-9a-f]{1,16}$/.test(value)) throw new UserError(`${quote(value)} is no id`, { hint: '--filter id=3f2a' });
    return () =>
      ({ id }) =>
        id?.startsWith(value) === true;
  },
  status: (value) => {
    const wanted = value === 'exited' ? 'stopped' : value;
    if (!STATUSES.includes(wanted)) throw new UserError(`there is no status ${quote(value)}`, { hint: `one of ${STATUSES.join(', ')}` });
    return () =>
      ({ status }) =>
        status === wanted;
  },
  exited: (value) => {
    if (!/^\d{1,3}$/.test(value) || Number(value) > 255)
      throw new UserError(`${quote(value)} is no exit code`, { hint: '--filter exited=0; codes go to 255' });
    return () =>
      ({ status, exitCode }) =>
        status === 'stopped' && exitCode === Number(value);
  },
  before: (value) => (all) => {
    const instant = createdAt(value, all);
    return ({ created }) => created !== undefined && created < instant;
  },
  since: (value) => (all) => {
    const instant = createdAt(value, all);
    return ({ created }) => created !== undefined && created > instant;
  },
};

function toPattern(value: string): RegExp {
  try {
    return new RegExp(value);
  } catch (error) {
    throw new UserError(`the filter name=${quote(value)} is not a regular expression`, { hint: '--filter name=web', cause: error });
  }
}

/** Instants as state.json has them, ISO 8601 in UTC, compare as texts. */
function createdAt(name: string, all: readonly ContainerSummary[]): string {
  const found = all.find((summary) => summary.name === name);
  if (found === undefined) throw new UserError(`there is no container named ${quote(name)}`, { hint: 'crt ps -a' });
  if (found.created === undefined)
    throw new UserError(`when ${quote(name)} was created is not known: its record is damaged`, { hint: 'crt ps -a' });
  return found.created;
}
