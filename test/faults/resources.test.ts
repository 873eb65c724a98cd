import { existsSync, mkdirSync, readFileSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { box, folder, host } from '../e2e/support.js';
import { type Around, check, command, faults, LONG, type Outcome, runWords, SHORT_TIME, SLOWEST, works } from './experiment.js';

/** A run that ended well, or was refused in words; where Node itself cannot start, that it ended. */
function judge({ code, signal, stdout, stderr, ms }: Outcome, { starved = false } = {}): string | undefined {
  if (ms > SLOWEST) return `took ${ms} ms`;
  if (code === 0) return stdout.startsWith('up\n') ? undefined : 'says that all is well, and it is not';
  if (code === 125 && /^crt: \S/.test(stderr) && !/bug/i.test(stderr)) return undefined;
  const isNode = !stderr.startsWith('crt: ') && stdout === '';
  return starved && isNode ? undefined : `${code ?? signal}: ${stderr.slice(0, 600)}`;
}

/** Runs with each of these around it; answers what broke the invariant. */
async function sweep(t: ExecutionContext, around: Iterable<readonly [what: string, around: Around]>, starved = false): Promise<string[]> {
  const name = box(t);
  const problems: string[] = [];
  const counts = { ran: 0, refused: 0 };
  for (const [what, given] of around) {
    const outcome = await command(runWords(name), given);
    counts[outcome.code === 0 ? 'ran' : 'refused'] += 1;
    const { problem } = await check(name, starved);
    for (const found of [judge(outcome, { starved }), problem]) if (found !== undefined) problems.push(`${what}: ${found}`);
  }
  t.log(`${counts.ran} ran, ${counts.refused} refused`);
  problems.push(...[await works(name)].filter((found) => found !== undefined));
  return problems;
}

/** A shell that sets something up and becomes the rest of the line. */
const shell = (script: string): readonly string[] => ['sh', '-c', `${script} && exec "$@"`, 'sh'];
const from = (first: number, last: number, step: number): number[] =>
  Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, at) => first + at * step);

faults('few open files: it runs, or says so', async (t) => {
  t.timeout(LONG ? 600_000 : SHORT_TIME);
  const limits = from(19, 64, LONG ? 1 : 5);
  t.deepEqual(
    await sweep(
      t,
      limits.map((limit) => [`nofile ${limit}`, { before: shell(`ulimit -n ${limit}`) }] as const),
      true,
    ),
    [],
  );
});

faults('no file may be written: it says so', async (t) => {
  const name = box(t);
  const { code, stderr } = await command(runWords(name), { before: shell('ulimit -f 0') });
  t.is(code, 125, stderr);
  t.regex(stderr, /file size limit.*\n.*ulimit -f/);
  t.deepEqual(await check(name, false), { cure: 'by itself' });
  t.is(await works(name), undefined);
});

/** A cgroup that allows so many processes, and a shell that enters it. Removed at the test's end. */
function pidsCgroup(t: ExecutionContext): ((limit: number) => readonly string[]) | undefined {
  const mountpoint =
    host.cgroup.hierarchies.find(({ controllers }) => controllers.includes('pids'))?.mountpoint ?? host.cgroup.unified?.mountpoint;
  const path = `${mountpoint}/crt-faults-${process.pid}`;
  mkdirSync(path);
  t.teardown(async () => {
    for (let round = 0; readFileSync(`${path}/cgroup.procs`, 'utf8') !== '' && round < 100; round++) await delay(10);
    rmdirSync(path);
  });
  if (!existsSync(`${path}/pids.max`)) return undefined;
  return (limit) => shell(`echo ${limit} >${path}/pids.max && echo $$ >${path}/cgroup.procs`);
}

faults('few processes allowed around crt: it runs, or says so, or Node itself cannot start', async (t) => {
  t.timeout(LONG ? 600_000 : SHORT_TIME);
  const enter = pidsCgroup(t);
  if (enter === undefined) return t.pass('this machine does not count processes at the top of its cgroups');
  // With two to five, Node 20 waits for a thread that it could not make, whatever it is to run.
  const limits = LONG ? [1, ...from(6, 20, 1)] : [1, 6, 8, 10, 11, 12, 13, 14, 16];
  t.deepEqual(
    await sweep(
      t,
      limits.map((limit) => [`pids.max ${limit}`, { before: enter(limit) }] as const),
      true,
    ),
    [],
  );
});

/** A tmpfs as one of the roots, in a mount namespace of its own; what is left there is said on stdout, after the run. */
function disk(variable: string, directory: string, options: string): Around {
  const script = `mount -t tmpfs -o ${options} faults ${directory}; "$@"; code=$?; left=$(ls -A ${directory} | grep -vE "^[.](ids|events|turns|host-.*)$"); test -z "$left" || echo "left: $left"; exit $code`;
  return { before: ['unshare', '-m', 'sh', '-c', script, 'sh'], env: { [variable]: directory } };
}

for (const [variable, sizes, inodes] of [
  ['CRT_STATE_DIR', LONG ? from(4, 48, 4) : [4, 8, 12, 16, 24, 48], LONG ? from(2, 12, 1) : [2, 3, 4, 5, 6, 7, 8, 12]],
  ['CRT_LAYERS_DIR', LONG ? from(4, 48, 4) : [4, 8, 48], LONG ? from(2, 16, 1) : [2, 4, 6, 8, 10, 16]],
] as const) {
  faults(`${variable} on a disk that is full, out of inodes, or read-only: it runs, or says so, and nothing is left there`, async (t) => {
    t.timeout(LONG ? 600_000 : SHORT_TIME);
    const directory = await folder(t);
    const disks = ['ro', ...sizes.map((size) => `size=${size}k`), ...inodes.map((count) => `nr_inodes=${count}`)];
    const problems: string[] = [];
    let refused = 0;
    for (const options of disks) {
      const name = box(t);
      const outcome = await command(runWords(name), disk(variable, directory, `mode=700,${options}`));
      if (outcome.code !== 0) refused += 1;
      const left = /left: .*/s.exec(outcome.stdout)?.[0];
      const { problem } = await check(name, false);
      for (const found of [judge(outcome), left, problem]) if (found !== undefined) problems.push(`${options}: ${found}`);
    }
    t.log(`${disks.length} disks, ${refused} refused in words`);
    t.deepEqual(problems, []);
    t.true(refused > 0 && refused < disks.length);
  });
}

faults('a folder that another user may write to, or that is none, is no place for state or layers', async (t) => {
  const name = box(t);
  const file = `${await folder(t)}/file`;
  writeFileSync(file, '');
  const link = `${await folder(t)}/link`;
  symlinkSync('/nowhere/at/all', link);
  for (const variable of ['CRT_STATE_DIR', 'CRT_LAYERS_DIR']) {
    for (const path of ['/tmp', file, `${file}/below`, 'relative', '/dev/null', '/proc/self', '/proc/none', link, `${link}/below`]) {
      const outcome = await command(runWords(name), { env: { [variable]: path } });
      t.is(judge(outcome), undefined, `${variable}=${path}`);
      t.is(outcome.code, 125, `${variable}=${path}`);
      t.deepEqual(await check(name, false), { cure: 'by itself' });
    }
  }
});
