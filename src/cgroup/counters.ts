import { readNumber, readText } from './files.js';
import { isUnlimited } from './limits.js';

/** What a container has used, and may. Undefined where the kernel does not say: an older one, or a controller that is not there. */
export interface CgroupCounters {
  /** Bytes, page cache included. */
  readonly memoryUsage: number | undefined;
  /** Bytes of {@link memoryUsage} that the kernel takes back first: file pages that nobody used lately. */
  readonly memoryCache: number | undefined;
  /** Bytes; the most so far. */
  readonly memoryPeak: number | undefined;
  /** Bytes; undefined: no limit. */
  readonly memoryLimit: number | undefined;
  /** Microseconds of processor time, of processes that have ended as well. */
  readonly cpuMicros: number | undefined;
  /** Microseconds in which `--cpus` kept it from running, summed over processors. */
  readonly throttledMicros: number | undefined;
  /** Processes and threads. */
  readonly pids: number | undefined;
  /** undefined: no limit. */
  readonly pidsLimit: number | undefined;
  /** Bytes that went to and came from block devices. What the page cache answered is not among them. */
  readonly readBytes: number | undefined;
  readonly writtenBytes: number | undefined;
}

/** Version 1. @param directoryOf the container's own directory of a controller; undefined where it has none */
export function countersV1(directoryOf: (controller: string) => string | undefined): CgroupCounters {
  const text = (controller: string, file: string): string | undefined => {
    const directory = directoryOf(controller);
    return directory === undefined ? undefined : readText(`${directory}/${file}`);
  };
  const limit = whole(text('memory', 'memory.limit_in_bytes'));
  return {
    memoryUsage: whole(text('memory', 'memory.usage_in_bytes')),
    memoryCache: flatKeys(text('memory', 'memory.stat')).get('total_inactive_file'),
    memoryPeak: whole(text('memory', 'memory.max_usage_in_bytes')),
    memoryLimit: limit === undefined || isUnlimited(limit) ? undefined : limit,
    cpuMicros: micros(whole(text('cpuacct', 'cpuacct.usage'))),
    throttledMicros: micros(flatKeys(text('cpu', 'cpu.stat')).get('throttled_time')),
    pids: whole(text('pids', 'pids.current')),
    pidsLimit: whole(text('pids', 'pids.max')),
    ...blockBytesV1(text('blkio', 'blkio.throttle.io_service_bytes_recursive')),
  };
}

function micros(nanos: number | undefined): number | undefined {
  return nanos === undefined ? undefined : Math.round(nanos / 1000);
}

/** undefined for a text that is no whole number: `max`. */
function whole(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** Version 2. */
export function countersV2(directory: string): CgroupCounters {
  const cpu = flatKeys(readText(`${directory}/cpu.stat`));
  return {
    memoryUsage: readNumber(`${directory}/memory.current`),
    memoryCache: flatKeys(readText(`${directory}/memory.stat`)).get('inactive_file'),
    memoryPeak: readNumber(`${directory}/memory.peak`),
    memoryLimit: readNumber(`${directory}/memory.max`),
    cpuMicros: cpu.get('usage_usec'),
    throttledMicros: cpu.get('throttled_usec'),
    pids: readNumber(`${directory}/pids.current`),
    pidsLimit: readNumber(`${directory}/pids.max`),
    ...blockBytesV2(readText(`${directory}/io.stat`)),
  };
}

/** `key number`, one a line. */
export function flatKeys(text = ''): ReadonlyMap<string, number> {
  const pairs = [...text.matchAll(/^(\S+) (\d+)$/gm)];
  return new Map(pairs.map(([, key = '', value]) => [key, Number(value)]));
}

type BlockBytes = Pick<CgroupCounters, 'readBytes' | 'writtenBytes'>;

/** `8:0 Read 4096` a line and direction, over all devices; `Total` is their sum (cgroup-v1/blkio-controller.rst). */
export function blockBytesV1(text: string | undefined): BlockBytes {
  if (text === undefined) return { readBytes: undefined, writtenBytes: undefined };
  const sum = (direction: string): number =>
    [...text.matchAll(/^\d+:\d+ (\w+) (\d+)$/gm)].reduce((bytes, [, word, value]) => bytes + (word === direction ? Number(value) : 0), 0);
  return { readBytes: sum('Read'), writtenBytes: sum('Write') };
}

/** `8:0 rbytes=4096 wbytes=0 …`, a line for each device that was used. */
export function blockBytesV2(text: string | undefined): BlockBytes {
  if (text === undefined) return { readBytes: undefined, writtenBytes: undefined };
  const sum = (key: RegExp): number => [...text.matchAll(key)].reduce((bytes, [, value]) => bytes + Number(value), 0);
  return { readBytes: sum(/ rbytes=(\d+)/g), writtenBytes: sum(/ wbytes=(\d+)/g) };
}
