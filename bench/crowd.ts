// npm run bench -- --crowd
// Whether a start, and what one container costs `crt ps`, stays the same beside hundreds of others.
import type * as Crt from '../src/index.js';
import { quantile } from './statistics.js';

const median = (times: readonly number[]): number => quantile(times, 0.5);

const SIZES = [0, 50, 100, 200, 300];
/** Starts that are timed at each size, and looks. */
const RUNS = 15;
/** What is started or stopped at a time. */
const AT_ONCE = 8;

type Library = Pick<typeof Crt, 'list' | 'remove' | 'run' | 'runDetached' | 'stop'>;

async function each(names: readonly string[], work: (name: string) => Promise<unknown>): Promise<void> {
  const left = [...names];
  const worker = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) await work(name);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function timed(work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < RUNS; i++) {
    const begin = performance.now();
    await work();
    times.push(performance.now() - begin);
  }
  return median(times);
}

/** Prints the curve; leaves nothing behind. */
export async function crowd({ list, remove, run, runDetached, stop }: Library, rootfs: string): Promise<void> {
  const prefix = `bench-crowd-${process.pid}`;
  const names: string[] = [];
  console.log(`containers   run /bin/true   run -d      list   a container of it   (medians of ${RUNS}, milliseconds)`);
  try {
    for (const size of SIZES) {
      const more = Array.from({ length: size - names.length }, (_, at) => `${prefix}-${names.length + at}`);
      names.push(...more);
      await each(more, (name) => runDetached({ name, rootfs, command: ['sleep', '100000'], memory: 8 << 20 }));
      const foreground = await timed(() => run({ name: `${prefix}-x`, rootfs, command: ['/bin/true'], memory: 50 << 20 }));
      const detached: number[] = [];
      for (let i = 0; i < RUNS; i++) {
        const begin = performance.now();
        await runDetached({ name: `${prefix}-y`, rootfs, command: ['sleep', '100000'], rm: true });
        detached.push(performance.now() - begin);
        await stop(`${prefix}-y`);
      }
      const listed = await timed(() => list());
      const share = size === 0 ? '-' : (listed / size).toFixed(2);
      const row = [
        String(size).padStart(10),
        foreground.toFixed(1).padStart(15),
        median(detached).toFixed(1).padStart(8),
        listed.toFixed(1).padStart(9),
      ];
      console.log(`${row.join(' ')} ${share.padStart(19)}`);
    }
  } finally {
    await each(names, async (name) => {
      await stop(name, { timeout: 0 });
      remove(name);
    });
  }
}
