import { totalmem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { isatty } from 'node:tty';
import { Args, Command, Flags } from '@oclif/core';
import { LiveView } from '../cli/live-view.js';
import { writeIfRead } from '../cli/output.js';
import { screen } from '../cli/screen.js';
import { EndingSignals } from '../cli/signals.js';
import { GRAPH_WIDTH, type StatsRow, statsColumns } from '../cli/stats-table.js';
import { type ContainerStats, NoContainerError, renderTable, stats } from '../index.js';

/** Milliseconds between two samples of the live table. */
const INTERVAL = 1000;
/** Milliseconds between the two readings of a single sample: percent of a processor is a difference. */
const FIRST_INTERVAL = 500;
/** As docker has it: Ctrl-C is how one leaves. */
const LEFT_BY_KEY = 130;

export default class Stats extends Command {
  static override summary = 'Show what containers use, live';
  static override description =
    'A table that is drawn anew each second, until Ctrl-C. Without names: all that run, those that start meanwhile too. With names it ends ' +
    'with the last of them.';
  static override usage = 'stats [-a] [--no-stream] [--json] [NAME...]';
  static override examples = [
    { description: 'All that run', command: 'sudo <%= config.bin %> stats' },
    { description: 'One look', command: 'sudo <%= config.bin %> stats --no-stream' },
    { description: 'For a program, an object a line', command: 'sudo <%= config.bin %> stats --json box' },
  ];
  static override args = { name: Args.string({ description: 'Names of containers', multiple: true, ignoreStdin: true }) };
  static override flags = {
    all: Flags.boolean({ char: 'a', summary: 'Those that do not run, too' }),
    'no-stream': Flags.boolean({ summary: 'One sample' }),
    json: Flags.boolean({ summary: 'One JSON object a line, container and sample: bytes, percent, null for what is not known' }),
  };

  readonly #history = new Map<string, (number | undefined)[]>();

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Stats);
    const ending = new EndingSignals();
    const names = args.name === undefined || args.name.length === 0 ? undefined : [...new Set(args.name)];
    try {
      await this.#watch(names, flags, ending.signal);
    } catch (error) {
      if (!ending.signal.aborted) throw error;
    }
    const code = ending.exitCode ?? 0;
    return code === LEFT_BY_KEY ? 0 : code;
  }

  async #watch(names: readonly string[] | undefined, flags: { all: boolean; 'no-stream': boolean; json: boolean }, signal: AbortSignal) {
    const isLive = !flags['no-stream'] && !flags.json && isatty(1);
    const view = isLive ? new LiveView() : undefined;
    if (view) process.stdout.on('resize', () => view.forget());
    let since = stats(names, { all: flags.all });
    try {
      for (let wait = FIRST_INTERVAL; ; wait = INTERVAL) {
        await delay(wait, undefined, { signal });
        const samples = look(names, { all: flags.all, since });
        // With nobody left of those that were named there is nothing to wait for; the first table shows also that.
        if (wait === INTERVAL && names !== undefined && samples.every(({ pids }) => pids === undefined)) return;
        const text = flags.json ? toJson(samples) : this.#table(samples, isLive);
        if (view) view.draw(text, process.stdout.rows || 24);
        else if (!writeIfRead(1, text)) return;
        if (flags['no-stream']) return;
        since = samples;
      }
    } finally {
      view?.close();
    }
  }

  #table(samples: readonly ContainerStats[], isLive: boolean): string {
    const rows = samples.map((sample): StatsRow => {
      const key = `${sample.name} ${sample.id}`;
      const history = [...(this.#history.get(key) ?? []), sample.cpuPercent].slice(-GRAPH_WIDTH);
      this.#history.set(key, history);
      return { sample, history };
    });
    return renderTable(rows, statsColumns(totalmem(), isLive), isatty(1) ? { width: screen(1).width } : {});
  }
}

/** Containers that were named and are gone meanwhile are left out. */
function look(names: readonly string[] | undefined, options: { all: boolean; since: readonly ContainerStats[] }): ContainerStats[] {
  if (names === undefined) return [...stats(undefined, options)];
  return names.flatMap((name) => {
    try {
      return stats([name], options);
    } catch (error) {
      if (error instanceof NoContainerError) return [];
      throw error;
    }
  });
}

function toJson(samples: readonly ContainerStats[]): string {
  const known = ({ clockMs, ...sample }: ContainerStats) =>
    JSON.stringify(sample, (_, value: unknown) => (value === undefined ? null : value));
  return samples.map((sample) => `${known(sample)}\n`).join('');
}
