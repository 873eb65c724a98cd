import { parseExactJson } from '../spec/json.js';
import type { Config } from '../spec/types.js';
import { codeOf } from './failure.js';
import { CorruptFile, readStateFile } from './file.js';

/** What can be read of the OCI config in a state folder; numbers are exact. `problem`: why there is none, for people. */
export function readConfig(directory: string): { readonly config: Config | undefined; readonly problem: string | undefined } {
  try {
    const text = readStateFile(`${directory}/config.json`);
    if (text === undefined) return { config: undefined, problem: 'config.json is missing' };
    return { config: checkShape(parseExactJson(text)), problem: undefined };
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
