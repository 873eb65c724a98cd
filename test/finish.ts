// Loaded into each test process before its file. ava waits without end for a process whose event loop is not empty after its last test:
// such a process says what keeps it, and ends. That the library itself keeps nothing is a test of its own: test/e2e/ends.test.ts.
import { readdirSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { registerCompletionHandler } from 'ava';

/** Milliseconds that what is closing gets. */
const PATIENCE = 15_000;

function children(): string[] {
  return readdirSync(`/proc/${process.pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${process.pid}/task/${task}/children`, 'utf8')
      .split(' ')
      .filter(Boolean)
      .map((pid) => `${pid} ${commandOf(pid)}`),
  );
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return 'has just ended';
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

registerCompletionHandler(() => {
  const timer = setTimeout(() => {
    const left = children();
    console.error('this process does not end after its tests; still there:', process.getActiveResourcesInfo(), left);
    // They hold our ends of ava's pipes.
    for (const line of left) end(Number.parseInt(line, 10));
    process.exit();
  }, PATIENCE);
  timer.unref();
});
