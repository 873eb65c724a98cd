import { UserError } from './errors.js';
import { describeErrno } from './failure.js';
import { asRoot, shellWord } from './format/shell-word.js';
import type { HostFacts } from './host/facts.js';
import type { ProbeReport } from './launch/probe.js';
import { isOfRootfs, type Rootfs } from './rootfs.js';
import { quote } from './spec/quote.js';

/** e_machine of elf(5) by process.arch, and what else that processor runs. */
const MACHINES: Readonly<Record<string, readonly number[]>> = { x64: [62, 3], arm64: [183, 40] };
const MACHINE_NAMES: Readonly<Record<number, string>> = {
  3: 'i386',
  8: 'mips',
  21: 'ppc64',
  22: 's390',
  40: 'arm',
  62: 'x86-64',
  183: 'aarch64',
  243: 'riscv',
  258: 'loongarch',
};

const ENOENT = 2;
const EACCES = 13;
const ANOTHER = 'take a rootfs that only root can write to: --rootfs DIR';
const OTHERS_WRITE = 0o002;

/**
 * Judges what the helper found in the rootfs, before anything on the host is touched.
 * @returns notices for people.
 * @throws UserError: no command there (127), not executable (126), for another machine, open to other users.
 */
export function judgeRootfs(
  report: ProbeReport,
  asked: { rootfs: Rootfs; command: readonly string[]; probed: boolean; facts: HostFacts },
): string[] {
  const { rootfs, command, probed, facts } = asked;
  refuseWritable(rootfs, report, facts);
  if (probed) refuseMissing(report, rootfs, command);
  if (report.command) refuseForeign(report.command, facts, rootfs);
  const { uid } = report.root;
  if (rootfs.kind === 'host' || uid === 0 || uid === facts.sudoUid) return [];
  return [`the rootfs ${rootfs.path} belongs to user ${uid}, who can change what runs in it`];
}

function refuseWritable(rootfs: Rootfs, { root, command }: ProbeReport, { mounts }: HostFacts): void {
  const refuse = (what: string): never => {
    const path = `${rootfs.path}${what.startsWith('/') ? what : ''}`;
    throw new UserError(`${what} can be written to by every user of this machine, who could so run as root inside`, {
      ...(isOfRootfs(path, rootfs, mounts) ? asRoot([`chmod o-w ${shellWord(path)}`], ANOTHER) : { hint: ANOTHER }),
      check: 'rootfs',
    });
  };
  // A sticky bit keeps what is there, not what an earlier folder of PATH could hold tomorrow.
  if (root.mode & OTHERS_WRITE) refuse(`the rootfs ${rootfs.path}`);
  if (command?.writable) refuse(command.writable === '/' ? `the rootfs ${rootfs.path}` : command.writable);
  if (command && command.mode & OTHERS_WRITE) refuse(command.path);
}

function refuseMissing(report: ProbeReport, rootfs: Rootfs, command: readonly string[]): void {
  const where = rootfs.kind === 'host' ? 'the `host` rootfs' : rootfs.path;
  if (report.error === 0) return;
  const name = command[0];
  const { code, words } = describeErrno(report.error);
  if (code === 'ENOSYS' || (name !== undefined && report.error !== ENOENT && report.error !== EACCES)) {
    throw new UserError(`the command ${quote(name ?? 'sh')} cannot be looked up in ${where}: ${words} (${code})`, {
      exitCode: 126,
      check: code === 'ENOSYS' ? 'system-calls' : 'rootfs',
    });
  }
  if (name === undefined) {
    throw new UserError(`there is no shell in ${where}: neither /bin/bash nor /bin/sh`, {
      hint: 'name a command after the container, or another --rootfs DIR',
      check: 'rootfs',
      exitCode: 127,
    });
  }
  if (report.error === EACCES)
    throw new UserError(`${quote(name)} in ${where} is not an executable file`, {
      hint: 'chmod +x it, or give it to its interpreter',
      exitCode: 126,
    });
  throw new UserError(`there is no command ${quote(name)} in ${where}`, {
    hint: rootfs.kind === 'host' ? 'only /usr of this machine is in there' : `ls ${shellWord(`${rootfs.path}/bin`)}`,
    exitCode: 127,
  });
}

function refuseForeign(command: NonNullable<ProbeReport['command']>, facts: HostFacts, rootfs: Rootfs): void {
  const { machine } = command;
  if (machine === 0 || (MACHINES[facts.arch] ?? [machine]).includes(machine)) return;
  throw new UserError(
    `${command.path} in ${rootfs.path} is made for ${MACHINE_NAMES[machine] ?? `machine ${machine}`}, this machine is ${facts.arch}`,
    {
      hint: `take a rootfs for ${facts.arch}`,
      check: 'rootfs',
      exitCode: 126,
    },
  );
}
