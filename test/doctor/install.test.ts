import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { judgeNode } from '../../src/doctor/checks/node.js';
import { folder, ptySerial, serial } from '../e2e/support.js';
import { PATIENCE } from '../in-time.js';
import { checkOf } from './report.js';
import { crtDoctor, packageTree, repair, reportOf } from './support.js';

const helperOf = (root: string): string => `${root}/helper/crt-init`;

/** Changes bytes of the helper: a text for another of the same length, or a number at a place. */
function patch(root: string, change: (bytes: Buffer) => void): void {
  const bytes = readFileSync(helperOf(root));
  change(bytes);
  rmSync(helperOf(root));
  writeFileSync(helperOf(root), bytes, { mode: 0o755 });
}

/** e_machine of elf(5): s390x, or the 32-bit ARM where this is s390x. */
function otherMachine(bytes: Buffer): void {
  const isBig = bytes[5] === 2;
  bytes[isBig ? 19 : 18] = bytes[isBig ? 19 : 18] === 22 ? 40 : 22;
}

/** The op table of another version: the helper reckons its hash from the names. */
function otherTable(bytes: Buffer): void {
  const at = bytes.indexOf('\0loopback\0');
  bytes.write('loopbacks'.slice(0, 8).replace('k', 'c'), at + 1);
}

for (const [what, spoil, says] of [
  ['missing', (root) => rmSync(helperOf(root)), /crt-init is missing/],
  ['for another processor', (root) => patch(root, otherMachine), /is built for (s390x|arm), this machine is \w+/],
  ['of another version', (root) => patch(root, otherTable), /is of another version than crt/],
  ['cut off', (root) => truncateSync(helperOf(root), 10), /is no ELF program/],
  ['no program at all', (root) => writeFileSync(helperOf(root), '#!/bin/sh\nexit 0\n# long enough\n'), /is no ELF program/],
  ['damaged', (root) => truncateSync(helperOf(root), 4096), /ended before its first word|cannot start/],
  ['not executable', (root) => chmodSync(helperOf(root), 0o644), /is not an executable file/],
  ['writable by all', (root) => chmodSync(helperOf(root), 0o777), /can be changed by other users/],
  ['of a third user', (root) => chownSync(helperOf(root), 4321, 4321), /belongs to user 4321/],
] satisfies [string, (root: string) => void, RegExp][]) {
  serial(`the helper is ${what}: the check says so, and what it shows repairs it`, async (t) => {
    const root = await packageTree(t);
    spoil(root);
    const said = crtDoctor(['install', 'namespaces', '--json'], { root });
    t.is(said.exitCode, 1, said.stderr);
    const report = reportOf(said);
    const broken = checkOf(report, 'helper');
    t.is(broken.verdict, 'fail');
    t.regex(broken.findings[0]?.observed ?? '', says);
    t.is(broken.findings[0]?.cost, 'no container can be started');
    for (const id of ['node', 'node-pty', 'tools'] as const) t.not(checkOf(report, id).verdict, 'fail', id);
    if (!/changed|belongs/.test(broken.findings[0]?.observed ?? ''))
      t.deepEqual(broken.findings[0]?.fix?.packages, ['make', 'gcc', 'libc6-dev']);
    repair(broken);
    const after = crtDoctor(['helper', 'namespaces', '--json'], { root });
    t.deepEqual([after.exitCode, checkOf(reportOf(after), 'helper').verdict], [0, 'pass']);
  });
}

serial('without a good helper the checks that need it point to it', async (t) => {
  const root = await packageTree(t);
  patch(root, otherTable);
  const report = reportOf(crtDoctor(['namespaces', '--json'], { root }));
  const { verdict, findings } = checkOf(report, 'namespaces');
  t.is(verdict, 'unknown');
  t.regex(findings[0]?.observed ?? '', /see helper/);
});

serial('a run with a damaged helper names the check', async (t) => {
  const root = await packageTree(t);
  patch(root, otherMachine);
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--', `${root}/bin/run.js`, 'run', 'never-made', '--rootfs', 'host', '--', 'true'],
    {
      encoding: 'utf8',
      env: { ...process.env, SUDO_UID: '' },
      timeout: PATIENCE,
    },
  );
  t.is(status, 125);
  t.regex(stderr, /helper\/crt-init ended before its first word|cannot start/);
  t.regex(stderr, /tells more: \S.* doctor helper$/m);
  t.notRegex(stderr, /bug/);
});

serial('without node-pty: a warning, and what it costs', async (t) => {
  const root = await packageTree(t, { pty: false });
  const said = crtDoctor(['node-pty', '--json'], { root });
  t.is(said.exitCode, 0);
  const { verdict, findings } = checkOf(reportOf(said), 'node-pty');
  t.is(verdict, 'warn');
  t.is(findings[0]?.observed, 'node-pty is not installed');
  t.regex(findings[0]?.cost ?? '', /no -t in scripts/);
  t.deepEqual(findings[0]?.fix?.packages, ['make', 'g++', 'python3']);
  t.regex(findings[0]?.fix?.commands?.[0] ?? '', /npm install --include=optional && npm rebuild node-pty/);
  t.is(crtDoctor(['node-pty', '--strict'], { root }).exitCode, 1);
});

ptySerial('node-pty that was never built, as npm 12 leaves it: told apart from a missing one', async (t) => {
  const root = await packageTree(t);
  for (const folder of ['build', 'prebuilds']) rmSync(`${root}/node_modules/node-pty/${folder}`, { recursive: true, force: true });
  const { verdict, findings } = checkOf(reportOf(crtDoctor(['node-pty', '--json'], { root })), 'node-pty');
  t.is(verdict, 'warn');
  t.regex(findings[0]?.observed ?? '', /is installed and cannot be loaded/);
  t.notRegex(findings[0]?.fix?.commands?.[0] ?? '', /npm install/);
});

serial('without a clone there is nothing to make: it has to be installed again', async (t) => {
  const root = await packageTree(t, { pty: false });
  rmSync(`${root}/helper/Makefile`);
  patch(root, otherMachine);
  const report = reportOf(crtDoctor(['install', '--json'], { root }));
  t.regex(checkOf(report, 'helper').findings[0]?.fix?.advice ?? '', /install crt again/);
  t.regex(checkOf(report, 'node-pty').findings[0]?.fix?.advice ?? '', /--allow-scripts=node-pty/);
});

serial('a node that sudo does not find: a link repairs it', async (t) => {
  const root = await packageTree(t);
  const path = await folder(t);
  const env = { SUDO_UID: '1000', PATH: `${path}:/nonexistent` };
  const sudo = spawnSync('sh', ['-c', 'command -v sudo'], { encoding: 'utf8' }).stdout.trim();
  if (sudo === '') return t.pass();
  spawnSync('ln', ['-s', sudo, `${path}/sudo`]);
  const { verdict, findings } = checkOf(reportOf(crtDoctor(['sudo-path', '--json'], { root, env })), 'sudo-path');
  t.is(verdict, 'warn');
  t.regex(findings[0]?.observed ?? '', /^node is not in the PATH of sudo: /);
  t.is(findings[0]?.fix?.commands?.[0], `ln -s ${process.execPath} /usr/local/bin/node`);
  spawnSync('sh', ['-c', (findings[0]?.fix?.commands?.[0] ?? '').replace('/usr/local/bin', path)]);
  t.is(checkOf(reportOf(crtDoctor(['sudo-path', '--json'], { root, env })), 'sudo-path').verdict, 'pass');
});

for (const [version, verdict] of [
  ['20.19.0', 'pass'],
  ['20.19.5', 'pass'],
  ['20.20.2', 'pass'],
  ['26.0.0', 'pass'],
  ['20.18.3', 'warn'],
  ['18.20.8', 'warn'],
] as const) {
  test(`Node.js ${version} against >=20.19: ${verdict}`, (t) => {
    t.is(judgeNode(version, '>=20.19').verdict, verdict);
  });
}
