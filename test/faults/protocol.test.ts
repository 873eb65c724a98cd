import type { ExecutionContext } from 'ava';
import { box, ROOTFS } from '../e2e/support.js';
import { check, faults, LONG, SHORT_TIME, SLOWEST, works } from './experiment.js';
import { HELPER, type PackageCopy, packageCopy } from './scratch.js';

/** Stands between crt and the helper: passes everything on, and does harm to what the helper says after so many bytes. */
const PROXY = `
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
const [mode, at] = readFileSync(new URL('mode', import.meta.url), 'utf8').split(' ');
const crt = new Socket({ fd: 3, readable: true, writable: true });
const child = spawn('${HELPER}', process.argv.slice(2), { env: {}, cwd: '/', stdio: ['inherit', 'inherit', 'inherit', 'pipe'] });
const helper = child.stdio[3];
let left = Number(at);
let harmed = false;
for (const socket of [crt, helper]) socket.on('error', () => {});
crt.on('data', (bytes) => helper.write(bytes));
crt.on('end', () => helper.end());
helper.on('data', (bytes) => {
  if (harmed) return;
  crt.write(bytes.subarray(0, left));
  left -= bytes.length;
  if (left >= 0) return;
  harmed = true;
  if (mode === 'close') crt.end();
  if (mode === 'garbage') crt.write(Buffer.alloc(300, 0xa5));
  if (mode === 'kinds') crt.write(Buffer.alloc(24 * 20, 0));
  if (mode === 'die') { child.kill('SIGKILL'); process.exit(3); }
});
helper.on('end', () => crt.end());
child.on('close', (code) => process.exit(code ?? 1));
`;

/** Only the long-lived verb is meant: kill, signal and remove are the true helper's. */
const FRONT = `#!/bin/sh\ntest "$1" = run || exec ${HELPER} "$@"\n`;
/** Bytes of the events of one start and end, about. */
const EVENTS = 420;
const MODES = ['close', 'garbage', 'kinds', 'die'];

async function proxied(t: ExecutionContext): Promise<PackageCopy> {
  const copy = await packageCopy(t, ({ directory }) => `${FRONT}exec ${process.execPath} ${directory}/proxy.mjs "$@"\n`);
  copy.write('proxy.mjs', PROXY);
  return copy;
}

faults('what the helper says breaks off, or is garbage, at any byte: an error of crt, and nothing is left', async (t) => {
  t.timeout(LONG ? 1_800_000 : SHORT_TIME);
  const copy = await proxied(t);
  const name = box(t);
  const problems: string[] = [];
  const outcomes = { ran: 0, refused: 0 };
  for (let at = 0; at < EVENTS; at += LONG ? 4 : 60) {
    for (const mode of MODES) {
      copy.write('mode', `${mode} ${at}`);
      const start = performance.now();
      const outcome = await copy.run({ name, rootfs: ROOTFS, command: ['echo', 'up'], memory: 64 << 20, timeout: 20_000 }).then(
        ({ exitCode, stdout }) => (stdout === 'up\n' || exitCode === 137 ? 'ran' : `exit code ${exitCode}, ${JSON.stringify(stdout)}`),
        (error: Error) => (['UserError', 'BugError', 'StepError'].includes(error.name) ? 'refused' : String(error)),
      );
      if (outcome === 'ran' || outcome === 'refused') outcomes[outcome] += 1;
      else problems.push(`${mode} at ${at}: ${outcome}`);
      if (performance.now() - start > SLOWEST) problems.push(`${mode} at ${at}: took longer than ${SLOWEST} ms`);
      const { problem } = await check(name, false);
      if (problem !== undefined) problems.push(`${mode} at ${at}: ${problem}`);
    }
  }
  t.log(`${outcomes.refused} refused, ${outcomes.ran} where all had been said`);
  t.deepEqual(problems, []);
  t.true(outcomes.refused > 10 && outcomes.ran > 0);
  t.is(await works(name), undefined);
});

faults('a helper that says nothing, or is of another version, is refused before anything is touched', async (t) => {
  const name = box(t);
  const hello = `printf '\\001\\0\\0\\0\\0\\0\\0\\0\\001\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\0\\020\\0\\0\\0%s' `;
  const helpers = [
    'exit 0',
    'exit 77',
    'kill -9 $$',
    'exec 3>&-; sleep 0.2',
    `${hello} 0123456789abcdef >&3; cat <&3 >/dev/null`,
    `${hello} 'not a hash      ' >&3; cat <&3 >/dev/null`,
    `printf half >&3`,
  ];
  for (const script of helpers) {
    const copy = await packageCopy(t, () => `${FRONT}${script}\n`);
    const error = await t.throwsAsync(copy.run({ name, rootfs: ROOTFS, command: ['echo', 'up'] }), undefined, script);
    t.true(['UserError', 'BugError'].includes(error?.name ?? ''), `${script}: ${error?.name} ${error?.message}`);
    t.deepEqual(await check(name, false), { cure: 'by itself' }, script);
  }
});
