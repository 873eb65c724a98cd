import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import type { CheckId } from '../../src/check-ids.js';
import type { Verdict } from '../../src/doctor/check.js';
import { doctor } from '../../src/doctor/doctor.js';
import { renderFixScript } from '../../src/doctor/fix-script.js';
import type { UserError } from '../../src/errors.js';
import { run } from '../../src/index.js';

// What cannot be broken in a namespace is broken here, for the whole machine: doctor says what, run points to that check, and the
// script that doctor prints repairs it. One after the other.

const shell = (script: string): string => execFileSync('sh', ['-ec', script], { encoding: 'utf8' });

async function verdicts(only: readonly string[]): Promise<Record<string, Verdict>> {
  const { checks } = await doctor({ only, patience: 120_000 });
  return Object.fromEntries(checks.map(({ id, verdict }) => [id, verdict]));
}

/** Breaks it; then that check fails, a start fails and points there (where it does), and what --fix-script prints repairs it. */
async function broken(t: ExecutionContext, check: CheckId, breakIt: () => void, startFails = true): Promise<void> {
  t.is((await verdicts([check]))[check], 'pass', 'before');
  breakIt();
  const report = await doctor({ only: [check], patience: 120_000 });
  t.is(report.checks[0]?.verdict, 'fail', JSON.stringify(report.checks[0]?.findings));
  const start = run({ name: `guest-${check}`, rootfs: process.env['CRT_TEST_ROOTFS'] ?? '', command: ['/bin/true'], memory: 64 << 20 });
  if (startFails) {
    const error = await t.throwsAsync(start);
    t.is((error as UserError).check, check, error?.message);
  } else {
    await start;
  }
  const script = renderFixScript(report, 'apt');
  t.log(script.trim().split('\n').at(-1));
  shell(script);
  t.is((await verdicts([check]))[check], 'pass', 'after');
  const again = await run({
    name: `guest-${check}`,
    rootfs: process.env['CRT_TEST_ROOTFS'] ?? '',
    command: ['/bin/true'],
    memory: 64 << 20,
  });
  t.is(again.exitCode, 0);
}

test.serial('no cgroup file system is mounted', (t) => broken(t, 'cgroup-mounts', () => void shell('umount /sys/fs/cgroup')));

test.serial('the cgroup file system is read-only', (t) =>
  broken(t, 'cgroup-mounts', () => void shell('mount -o remount,ro,bind /sys/fs/cgroup')),
);

test.serial('the module of overlay is not loaded, and the kernel does not ask for it', async (t) => {
  const modprobe = readFileSync('/proc/sys/kernel/modprobe', 'utf8').trim();
  t.teardown(() => writeFileSync('/proc/sys/kernel/modprobe', modprobe));
  await broken(t, 'overlay', () => {
    shell('rmmod overlay');
    writeFileSync('/proc/sys/kernel/modprobe', '/bin/false');
  });
});
