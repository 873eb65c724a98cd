import type { DetachOptions } from './options.js';
import type { Prepared } from './prepare.js';
import { CorruptFile, parseJson, readStateFile, writeByRename } from './state/file.js';
import type { ContainerRecord } from './state/record.js';

/** With which options a detached container was started, for the next start of it. They lie with its layer, which outlives a restart of the machine. */
const FILE = 'options.json';

/** Written before the container is left alone. @throws when the disk is full */
export function keepOptions(record: ContainerRecord, given: DetachOptions, { rootfs }: Prepared): void {
  if (record.layer === undefined || record.start > 1) return;
  const { signal: _signal, onPlan: _plan, onSteps: _steps, onNotice: _notice, ...kept } = given;
  // The rootfs that was found, whatever the environment says at the next start.
  writeByRename(record.layer, FILE, JSON.stringify({ version: 1, options: { ...kept, rootfs: rootfs.label } }));
}

/**
 * Changes some of them, for the next start. Nothing happens where there are none.
 * @returns what puts the old ones back.
 * @throws when the disk is full
 */
export function changeKeptOptions(record: Pick<ContainerRecord, 'layer' | 'name'>, changed: Partial<DetachOptions>): () => void {
  const { layer } = record;
  const before = readKeptOptions(record);
  if (layer === undefined || before === undefined) return () => {};
  const write = (options: DetachOptions): void => writeByRename(layer, FILE, JSON.stringify({ version: 1, options }));
  write({ ...before, ...changed });
  return () => write(before);
}

/** @returns undefined where there are none, or damaged ones: root's own folder, and what it says is checked as any option is. */
export function readKeptOptions({ layer, name }: Pick<ContainerRecord, 'layer' | 'name'>): DetachOptions | undefined {
  if (layer === undefined) return undefined;
  try {
    const text = readStateFile(`${layer}/${FILE}`);
    if (text === undefined) return undefined;
    const { version, options } = parseJson(text) as { version?: unknown; options?: DetachOptions };
    return version === 1 && typeof options === 'object' && options !== null ? { ...options, name } : undefined;
  } catch (error) {
    if (error instanceof CorruptFile) return undefined;
    throw error;
  }
}
