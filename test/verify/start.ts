import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import type { Config } from '../../src/spec/types.js';
import { waitUntil } from '../../src/state/pause.js';
import type { ContainerRecord } from '../../src/state/record.js';
import { stateRoots } from '../../src/state/roots.js';
import { box, startCrt } from '../e2e/support.js';
import { exited, until } from '../in-time.js';

export interface Started {
  readonly name: string;
  /** Ends it and waits until all is undone. */
  end(): Promise<void>;
}

/** A container that runs until it is ended. @param script says `ready`, and lives until the end of its stdin */
export async function startBox(t: ExecutionContext, flags: readonly string[] = [], script = 'echo ready; exec cat'): Promise<Started> {
  const name = box(t);
  const child = startCrt(t, ['run', name, ...flags, '--', 'sh', '-c', script]);
  await until(child.stdout, 'ready');
  // The command may speak before crt has written down who it is.
  if (!waitUntil(() => existsSync(`${stateRoots().state}/${name}/pid`), 10_000)) throw new Error(`${name} has no pid file`);
  const end = async (): Promise<void> => {
    child.stdin?.end();
    await exited(child);
  };
  t.teardown(end);
  return { name, end };
}

export type Edit = (record: ContainerRecord & Record<string, unknown>, config: Config) => void;

/** Lets the state folder claim something else than what was started; put right again afterwards, for what undoes it reads it. */
export async function claiming<T>(name: string, edit: Edit, look: () => T | Promise<T>): Promise<T> {
  const files = ['state.json', 'config.json'].map((file) => `${stateRoots().state}/${name}/${file}`);
  const texts = files.map((file) => readFileSync(file, 'utf8'));
  const [record, config] = texts.map((text) => JSON.parse(text) as unknown);
  edit(record as Parameters<Edit>[0], config as Config);
  const write = (contents: readonly string[]): void => {
    for (const [at, file] of files.entries()) writeFileSync(file, contents[at] ?? '');
  };
  write([JSON.stringify(record), JSON.stringify(config)]);
  try {
    return await look();
  } finally {
    write(texts);
  }
}
