import { type DecodedStep, decodePlan, planProblem } from '../plan/decode.js';
import { MAX_PLAN_BYTES } from '../plan/encode.js';
import { parseExactJson } from '../spec/json.js';
import type { Config } from '../spec/types.js';
import { codeOf } from './failure.js';
import { CorruptFile, readStateBytes } from './file.js';

/** A plan of another version of crt: its steps mean something else. */
export class ForeignPlan extends CorruptFile {}

/** A config holds the arguments once, in which a byte may be six characters of JSON. */
const MAX_CONFIG_BYTES = 8 * MAX_PLAN_BYTES;

/** The steps by which the container was started; undefined when there are none (yet). @throws CorruptFile */
export function readStartedPlan(directory: string): readonly DecodedStep[] | undefined {
  const bytes = readStateBytes(`${directory}/plan`, MAX_PLAN_BYTES + (1 << 20));
  if (bytes === undefined) return undefined;
  const problem = planProblem(bytes);
  if (problem === 'foreign') throw new ForeignPlan('is of another version of crt');
  if (problem !== undefined) throw new CorruptFile('is damaged');
  return decodePlan(bytes);
}

/** The OCI config, numbers exact, not validated; undefined when there is none (yet). @throws CorruptFile; SyntaxError */
export function readStartedConfig(directory: string): unknown {
  const text = readStateBytes(`${directory}/config.json`, MAX_CONFIG_BYTES)?.toString('utf8');
  return text === undefined ? undefined : parseExactJson(text);
}

/** What can be read of the OCI config in a state folder; numbers are exact. `problem`: why there is none, for people. */
export function readConfig(directory: string): { readonly config: Config | undefined; readonly problem: string | undefined } {
  try {
    const config = readStartedConfig(directory);
    if (config === undefined) return { config: undefined, problem: 'config.json is missing' };
    return { config: checkShape(config), problem: undefined };
  } catch (error) {
    const code = codeOf(error);
    if (error instanceof CorruptFile) return { config: undefined, problem: `config.json ${error.message}` };
    if (error instanceof SyntaxError) return { config: undefined, problem: 'config.json is not JSON' };
    if (code === undefined || code === 'EMFILE' || code === 'ENFILE') throw error;
    return { config: undefined, problem: `config.json cannot be read (${code})` };
  }
}

/** Only what whoever reads it goes through without a look: crt itself has written it, whole or not at all. */
function checkShape(value: unknown): Config {
  const { root, mounts, process, linux } = isObject(value) ? value : {};
  const isWhole =
    isObject(root) &&
    Array.isArray(mounts) &&
    mounts.every(isMount) &&
    isObject(process) &&
    isObject(linux) &&
    Array.isArray(linux['namespaces']);
  if (!isWhole) throw new CorruptFile('is no OCI config');
  return value as unknown as Config;
}

function isMount(value: unknown): boolean {
  return isObject(value) && typeof value['destination'] === 'string';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
