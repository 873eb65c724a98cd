import { closeSync, constants, openSync, readSync } from 'node:fs';
import { isErrno } from './files.js';

/** A kill by a memory limit, as the kernel logged it. */
export interface OomKill {
  /** Microseconds of CLOCK_MONOTONIC. */
  readonly micros: number;
  /** The cgroup whose limit was hit, from the hierarchy's root. */
  readonly cgroup: string;
  /** The victim's name (comm, at most 15 bytes), printable. */
  readonly task: string;
  readonly pid: number;
}

/** /dev/kmsg hands out one record a read; the kernel's own limit for one (CONSOLE_EXT_LOG_MAX). */
const RECORD_SIZE = 8192;
/** The log's clock and CLOCK_MONOTONIC were seen 2 ms apart; a second parts them from an earlier run of the same name well enough. */
const CLOCK_SLACK_MS = 1000;

/**
 * The process that a memory limit of this container killed last.
 * @param name the container's name: the last part of its cgroup's path.
 * @param since milliseconds of CLOCK_MONOTONIC (`process.hrtime`) at the container's start.
 * @returns undefined when the log does not tell or may not be read (dmesg_restrict, inside another container).
 */
export function oomVictim(name: string, since: number): string | undefined {
  const kills = readKernelLog('oom-kill:')
    .map(parseOomRecord)
    .filter((kill) => kill !== undefined)
    .filter((kill) => kill.micros / 1000 >= since - CLOCK_SLACK_MS);
  return chooseVictim(kills, name);
}

/** The exact paths that crt makes come first; a cgroup tree that is itself inside another's shows a longer one. */
export function chooseVictim(kills: readonly OomKill[], name: string): string | undefined {
  const isBelow = (path: string, top: string): boolean => path === top || path.startsWith(`${top}/`);
  const exact = kills.filter(({ cgroup }) => isBelow(cgroup, `/${name}`) || isBelow(cgroup, `/crt/${name}`));
  const nested = kills.filter(({ cgroup }) => `${cgroup}/`.includes(`/${name}/`));
  return (exact.at(-1) ?? nested.at(-1))?.task;
}

/** Parses a record of /dev/kmsg, `PRIORITY,SEQUENCE,MICROS,FLAG;TEXT` (Documentation/ABI/testing/dev-kmsg). */
export function parseOomRecord(record: string): OomKill | undefined {
  const match =
    /^\d+,\d+,(\d+),[^;]*;oom-kill:constraint=CONSTRAINT_MEMCG,[^\n]*?,oom_memcg=([^\n]*?),task_memcg=[^\n]*?,task=([^\n]*),pid=(\d+),uid=\d+/.exec(
      record,
    );
  const [, micros, cgroup, task, pid] = match ?? [];
  if (micros === undefined || cgroup === undefined || task === undefined) return undefined;
  return { micros: Number(micros), cgroup: unescapeHex(cgroup), task: printable(unescapeHex(task)), pid: Number(pid) };
}

/** The log shows control bytes, the backslash and all above ASCII as `\xNN`. */
function unescapeHex(text: string): string {
  if (!text.includes('\\x')) return text;
  const bytes = text.replace(/\\x([0-9a-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

/** The victim chose its own name: nothing of it may steer a terminal or turn the writing direction. */
function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}\ufffd]/gu, '?');
}

/** The records of the kernel log that hold `needle`, oldest first; none where the log may not be read. */
function readKernelLog(needle: string): string[] {
  let fd: number;
  try {
    fd = openSync('/dev/kmsg', constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EACCES', 'EPERM', 'ENXIO', 'ENODEV')) return [];
    throw error;
  }
  try {
    return readRecords(fd, needle);
  } finally {
    closeSync(fd);
  }
}

function readRecords(fd: number, needle: string): string[] {
  const buffer = Buffer.alloc(RECORD_SIZE);
  const records: string[] = [];
  for (;;) {
    try {
      const length = readSync(fd, buffer, 0, RECORD_SIZE, null);
      if (length === 0) return records;
      const record = buffer.subarray(0, length);
      if (record.includes(needle)) records.push(record.toString('latin1'));
    } catch (error) {
      // EPIPE: the record was overwritten while we read; the next read goes on with the oldest that is left.
      if (isErrno(error, 'EPIPE')) continue;
      if (isErrno(error, 'EAGAIN', 'EPERM', 'EINVAL')) return records;
      throw error;
    }
  }
}
