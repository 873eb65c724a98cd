import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/**
 * Has the caller's terminal pass output on as it is. The raw mode of Node leaves the translation of newlines on (libuv sets ONLCR), which
 * moves the cursor of a full-screen program to the wrong column; leaving raw mode puts it back. Without stty(1) it stays so.
 */
export function passOutput(): void {
  const stty = ['/usr/bin/stty', '/bin/stty'].find((path) => existsSync(path));
  if (stty !== undefined) spawnSync(stty, ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'], env: {} });
}
