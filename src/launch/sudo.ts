import { execFile } from 'node:child_process';

/**
 * The PATH that sudo(8) gives to what it runs (`secure_path` of sudoers(5)), which it tells root alone.
 * @returns undefined without sudo, or where it sets none.
 */
export function sudoPath(sudo: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(sudo, ['-V'], { encoding: 'utf8', env: { LC_ALL: 'C' }, timeout: 1000, killSignal: 'SIGKILL' }, (_error, stdout) =>
      resolve(/^Value to override user's \$PATH with: (\S+)$/m.exec(stdout)?.[1]),
    );
  });
}
