import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BugError } from '../errors.js';
import { codeOf } from '../state/failure.js';

/** The package that this module is part of. */
export interface Package {
  readonly root: string;
  /** `>=20.19` of package.json. */
  readonly node: string;
  /** With sources: what is missing can be built in place. */
  readonly isClone: boolean;
}

/** Found by package.json, above the sources and above a bundle. `from` is the URL of a module. */
export function ownPackage(from: string = import.meta.url): Package {
  for (let root = dirname(fileURLToPath(from)); root !== '/'; root = dirname(root)) {
    const { name, engines } = readJson(`${root}/package.json`);
    if (name === 'crt') return { root, node: engines?.node ?? '', isClone: existsSync(`${root}/helper/Makefile`) };
  }
  throw new BugError(`no package.json of crt above ${from}`);
}

function readJson(path: string): { name?: string; engines?: { node?: string } } {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as ReturnType<typeof readJson>;
  } catch (error) {
    if (['EMFILE', 'ENFILE'].includes(codeOf(error) ?? '')) throw error;
    return {};
  }
}
