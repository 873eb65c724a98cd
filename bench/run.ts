// npm run bench -- [-n RUNS] [--rootfs DIR] [--json FILE]; or --crowd [--rootfs DIR]
// What a start costs, beside the peers, in one interleaved run: the machine's mood then touches everyone alike. Bundled first: a
// process that also holds a compiler of TypeScript is three times as large, and each spawn of it takes a millisecond more.
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { absentStateFolders, cleanUp } from './cleanup.js';
import { type Arena, type Contestant, enter, type Skipped } from './contestants.js';
import { crowd } from './crowd.js';
import { cgroupDescription, restartWithoutUnified } from './namespace.js';
import { formatReport } from './report.js';
import { measureSizes } from './sizes.js';
import { ratios, type Summary, summarize } from './statistics.js';

const WARM_UP_ROUNDS = 3;

function repositoryFile(path: string): string {
  return fileURLToPath(new URL(`../${path}`, import.meta.url));
}

function readOptions(): { runs: number; rootfs: string; json: string | undefined; crowd: boolean } {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', short: 'n', default: '50' },
      rootfs: { type: 'string' },
      json: { type: 'string' },
      crowd: { type: 'boolean', default: false },
    },
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`-n ${values.runs}: a number of rounds from 1 up`);
  const rootfs = values.rootfs ?? process.env['CRT_TEST_ROOTFS'] ?? 'host';
  return { runs, rootfs: rootfs === 'host' ? rootfs : resolve(rootfs), json: values.json, crowd: values.crowd };
}

async function time(contestant: Contestant, round: number): Promise<number> {
  const begin = process.hrtime.bigint();
  await contestant.start(round);
  return Number(process.hrtime.bigint() - begin) / 1e6;
}

function lastLine(text: string): string {
  return text.trim().split('\n').at(-1) ?? '';
}

/** A peer that cannot start here is named and left out; crt that cannot start is an error. */
async function warmUp(contestants: readonly Contestant[]): Promise<{ fit: Contestant[]; skipped: Skipped[] }> {
  const fit: Contestant[] = [];
  const skipped: Skipped[] = [];
  let round = 0;
  for (const contestant of contestants) {
    try {
      for (let i = 0; i < WARM_UP_ROUNDS; i++) await contestant.start(round++);
      fit.push(contestant);
    } catch (cause) {
      if (contestant.key.startsWith('crt-')) throw cause;
      skipped.push({ key: contestant.key, title: contestant.title, reason: lastLine((cause as Error).message) });
    }
  }
  return { fit, skipped };
}

async function race(contestants: readonly Contestant[], runs: number): Promise<Summary[]> {
  const times = contestants.map(() => [] as number[]);
  let round = contestants.length * WARM_UP_ROUNDS;
  for (let i = 0; i < runs; i++) {
    for (const [index, contestant] of contestants.entries()) times[index]?.push(await time(contestant, round++));
    if (process.stderr.isTTY) process.stderr.write(`\r${i + 1}/${runs}`);
  }
  if (process.stderr.isTTY) process.stderr.write('\r');
  return contestants.map((contestant, index) => summarize(contestant, times[index] ?? []));
}

async function main(): Promise<number> {
  const options = readOptions();
  const built = repositoryFile('dist/index.js');
  const helper = repositoryFile('helper/crt-init');
  if (process.getuid?.() !== 0) throw new Error('the benchmark needs root: sudo npm run bench');
  if (!existsSync(built) || !existsSync(helper)) throw new Error("nothing is built: run 'npm run build' first");
  if (options.crowd) {
    await crowd((await import(built)) as Parameters<typeof crowd>[0], options.rootfs);
    return 0;
  }
  const restarted = restartWithoutUnified();
  if (restarted !== undefined) return restarted;
  if (options.rootfs === 'host') {
    process.stderr.write(
      "bench: no rootfs given: crt alone, on the host's own /usr. For the peers: scripts/rootfs DIR, then --rootfs DIR\n",
    );
  }

  const stateFolders = absentStateFolders();
  const scratch = mkdtempSync(join(tmpdir(), 'crt-bench-'));
  try {
    const library = (await import(built)) as Arena['library'];
    const arena: Arena = { scratch, rootfs: options.rootfs, library, cli: repositoryFile('bin/run.js') };
    const entered = enter(arena);
    const { fit, skipped } = await warmUp(entered.contestants);
    const results = await race(fit, options.runs);
    const report = {
      machine: { kernel: release(), node: process.version, processors: cpus().length, cgroups: cgroupDescription() },
      rootfs: options.rootfs,
      results,
      skipped: [...entered.skipped, ...skipped],
      ratios: ratios(results),
      sizes: await measureSizes(arena, helper),
    };
    process.stdout.write(formatReport(report));
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`);
    return 0;
  } finally {
    cleanUp(scratch, stateFolders);
  }
}

process.exitCode = await main();
