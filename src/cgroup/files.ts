import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import { getSystemErrorMap } from 'node:util';

/** The trimmed text of a kernel file; undefined when it does not exist, or its cgroup was removed meanwhile. */
export function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENODEV')) return undefined;
    throw error;
  }
}

/** A whole decimal number in a kernel file; undefined when the file is missing or says something else (`max`). */
export function readNumber(path: string): number | undefined {
  const text = readText(path);
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** Writes in one write(2), as cgroup files want it, and never makes the file: cgroupfs would answer EACCES instead of ENOENT. */
export function writeText(path: string, value: string): void {
  const fd = openSync(path, constants.O_WRONLY);
  try {
    writeSync(fd, value);
  } finally {
    closeSync(fd);
  }
}

export function isErrno(error: unknown, ...codes: readonly string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '');
}

/** `invalid argument (EINVAL)` for a failed system call; the message for anything else. */
export function errnoWords(error: unknown): string {
  const { errno, code, message } = error as NodeJS.ErrnoException;
  const [, words] = (errno === undefined ? undefined : getSystemErrorMap().get(errno)) ?? [];
  return words ? `${words} (${code})` : message;
}
