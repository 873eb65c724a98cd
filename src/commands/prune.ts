import { Command, Flags } from '@oclif/core';
import { confirm } from '../cli/confirm.js';
import { writeAll } from '../cli/output.js';
import { report } from '../cli/report.js';
import { formatBytes, type Prunable, type Pruned, printable, prunable, prune } from '../index.js';

const WHAT: Record<Prunable['kind'], string> = {
  stopped: 'stopped container',
  leftover: 'leftover of a crash',
  layer: 'layer without a record',
  temporary: 'temporary folder',
};

export default class Prune extends Command {
  static override summary = 'Remove stopped containers, and all that crashes have left';
  static override description =
    'Says what it will remove, and asks. Never a running container: each is judged once more, under its lock, before it goes.';
  static override usage = 'prune [-f] [--filter until=TIME]... [--json]';
  static override examples = [
    { description: 'Look, and then decide', command: 'sudo <%= config.bin %> prune' },
    { description: 'In a script: what is older than a day', command: 'sudo <%= config.bin %> prune -f --filter until=24h' },
  ];
  static override flags = {
    force: Flags.boolean({ char: 'f', summary: 'Do not ask' }),
    filter: Flags.string({
      multiple: true,
      multipleNonGreedy: true,
      helpValue: 'until=TIME',
      summary: 'Only what was made before: 24h (ago), 2026-03-01T12:00:00Z, seconds since 1970',
    }),
    json: Flags.boolean({ summary: 'A JSON object with removed, failed and reclaimed (bytes)' }),
  };

  async run(): Promise<number> {
    const { flags } = await this.parse(Prune);
    const found = prunable({ filter: flags.filter ?? [] });
    if (found.length > 0 && !flags.force && !confirm(question(found), 'sudo crt prune -f')) return 1;
    const pruned = prune(found);
    const failed = pruned.filter(({ problem }) => problem !== undefined);
    writeAll(1, flags.json ? asJson(pruned) : asText(pruned));
    return Math.max(0, ...failed.map(({ problem }) => report(problem)));
  }
}

function question(found: readonly Prunable[]): string {
  const lines = found.map((one) => `  ${WHAT[one.kind]} ${printable(one.name)}${size(one.bytes)}\n`);
  return `This will remove:\n${lines.join('')}What they wrote is lost. Remove them?`;
}

function size(bytes: number | undefined): string {
  if (bytes === 0) return '';
  return bytes === undefined ? ' (of unknown size)' : ` (${formatBytes(bytes)})`;
}

function reclaimed(pruned: readonly Pruned[]): number {
  const layers = pruned.flatMap(({ removed }) => removed?.layers ?? []);
  return layers.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
}

function asText(pruned: readonly Pruned[]): string {
  const lines = pruned.flatMap(({ kind, name, bytes, problem }) =>
    problem === undefined ? `removed ${WHAT[kind]} ${printable(name)}${size(bytes)}\n` : [],
  );
  return `${lines.join('')}reclaimed ${formatBytes(reclaimed(pruned))}\n`;
}

function asJson(pruned: readonly Pruned[]): string {
  const shown = (wanted: boolean): object[] =>
    pruned.flatMap(({ kind, name, bytes, problem }) =>
      (problem === undefined) === wanted ? { kind, name, bytes: bytes ?? null, ...(problem ? { problem: problem.message } : {}) } : [],
    );
  return `${JSON.stringify({ removed: shown(true), failed: shown(false), reclaimed: reclaimed(pruned) }, undefined, 2)}\n`;
}
