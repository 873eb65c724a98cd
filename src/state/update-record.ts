import type { Resources } from '../spec/types.js';
import { Fields } from './decode.js';

/** The resources that `crt update` changes. */
export type Updatable = Pick<Resources, 'memory' | 'cpu' | 'pids'>;

/**
 * What `update.json` says. config.json and state.json are written once, by the supervisor, and stay as they were at the start; each
 * `crt update` writes this one beside them, under the undo lock: all that was changed since, as it is now. The options of a later start are
 * changed with it (kept-options.ts).
 */
export interface UpdateRecord {
  /** ISO 8601, UTC; of the last change. */
  readonly updated: string;
  readonly resources: Updatable;
  /** The start whose limits were changed: a later one has them in its config. */
  readonly start: number;
}

/** The resources of a config with what was changed since: those in force. */
export function withUpdate<T extends Resources>(resources: T, update: UpdateRecord | undefined): T {
  return update === undefined ? resources : { ...resources, ...merge(resources, update.resources) };
}

/** Both, the later one first; of memory and pids it has all, of the processor what it names. */
export function merge(before: Updatable, after: Updatable): Updatable {
  const [memory, pids] = [after.memory ?? before.memory, after.pids ?? before.pids];
  return {
    ...(memory === undefined ? {} : { memory }),
    ...(before.cpu === undefined && after.cpu === undefined ? {} : { cpu: { ...before.cpu, ...after.cpu } }),
    ...(pids === undefined ? {} : { pids }),
  };
}

/** @throws CorruptFile */
export function decodeUpdate(value: unknown): UpdateRecord {
  const fields = new Fields(value);
  fields.version(1);
  const resources = fields.object('resources');
  const part = <T>(key: string, read: (part: Fields) => T): T | undefined =>
    resources.get(key) === undefined ? undefined : read(resources.object(key));
  const memory = part('memory', (part) => numbers(part, ['limit', 'swap']));
  const cpu = part('cpu', (part) => ({ ...numbers(part, ['shares', 'quota', 'period']), ...cpus(part) }));
  const pids = part('pids', (part) => ({ limit: part.integer('limit', -1) }));
  return {
    updated: fields.instant('updated'),
    start: fields.integer('start', 1),
    resources: { ...(memory && { memory }), ...(cpu && { cpu }), ...(pids && { pids }) },
  };
}

function numbers<Key extends string>(fields: Fields, keys: readonly Key[]): { [K in Key]?: number } {
  const given = keys.filter((key) => fields.get(key) !== undefined);
  return Object.fromEntries(given.map((key) => [key, fields.integer(key, -1)])) as { [K in Key]?: number };
}

function cpus(fields: Fields): { cpus?: string } {
  return fields.get('cpus') === undefined ? {} : { cpus: fields.text('cpus', /^[0-9,-]{1,4096}$/) };
}
