import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { box, e2e, ROOTFS } from './support.js';

/** A program that runs a container in each way, and does nothing to end by itself. */
const PROGRAM = `
import { run, runDetached, stop, remove, logs } from ${JSON.stringify(fileURLToPath(new URL('../../src/index.ts', import.meta.url)))};
const [name, rootfs] = process.argv.slice(1);
const given = { name, rootfs };
console.log((await run({ ...given, command: ['echo', 'captured'] })).stdout.trim());
console.log((await run({ ...given, command: ['cat'], input: 'typed' })).stdout);
await run({ ...given, command: ['sleep', '100'], timeout: 5000 });
await run({ ...given, command: ['nope'] }).catch(() => console.log('refused'));
await runDetached({ ...given, command: ['sh', '-c', 'echo said; sleep 100'] });
for await (const { bytes } of logs(name, { follow: true })) {
  console.log(bytes.toString().trim());
  break;
}
await stop(name, { timeout: 100 });
remove(name);
console.log('done');
`;

e2e('a program that uses the library ends when it has nothing more to do', async (t) => {
  const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', PROGRAM, '--', box(t), ROOTFS], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  let stdout = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  t.deepEqual(
    { code, signal, lines: stdout.split('\n') },
    { code: 0, signal: null, lines: ['captured', 'typed', 'refused', 'said', 'done', ''] },
  );
});
