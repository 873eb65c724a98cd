/** Blocks this thread. For the rare wait on another process that offers no event to wait on; milliseconds. */
export function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Asks again until the answer is yes, at growing intervals from 1 to 20 ms; false when `ms` went by first. */
export function waitUntil(done: () => boolean, ms: number): boolean {
  const end = performance.now() + ms;
  for (let interval = 1; ; interval = Math.min(interval * 2, 20)) {
    if (done()) return true;
    const left = end - performance.now();
    if (left <= 0) return false;
    pause(Math.min(interval, left));
  }
}
