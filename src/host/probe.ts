import { availableParallelism, release } from 'node:os';
import { BugError } from '../errors.js';
import { cgroupFacts } from './cgroup-mounts.js';
import type { HostFacts } from './facts.js';
import { lsmFacts } from './lsm.js';
import { parseMounts } from './mounts.js';
import { bootId, readProc } from './process.js';

/**
 * Reads what a start must know about this machine: a few small files of /proc, nothing written.
 * @throws UserError when /proc is not mounted, or not whole.
 */
export function probeHost(): HostFacts {
  // Of a start; and a /proc with processes alone (subset=pid) does not have it.
  bootId();
  const mounts = parseMounts(readProc('/proc/self/mountinfo'));
  return {
    kernel: parseRelease(release()),
    arch: process.arch,
    // Effective: what the kernel judges system calls by. Linux always has it.
    uid: process.geteuid?.() ?? -1,
    sudoUid: parseUid(process.env['SUDO_UID']),
    cgroup: cgroupFacts(mounts, readProc('/proc/self/cgroup'), (mountpoint) =>
      readProc(`${mountpoint}/cgroup.controllers`).split(/\s+/).filter(Boolean),
    ),
    // sched_getaffinity(2); os.cpus() reads files for each processor and takes milliseconds.
    cpus: availableParallelism(),
    oomScoreAdj: Number(readProc('/proc/self/oom_score_adj')),
    capabilities: parseBounding(readProc('/proc/self/status')),
    lsm: lsmFacts(mounts),
    mounts,
  };
}

/** `6.18.44-fc-v657` → its first two numbers. */
export function parseRelease(text: string): HostFacts['kernel'] {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(text) ?? [];
  return { release: text, major: Number(major ?? 0), minor: Number(minor ?? 0) };
}

/** The line CapBnd of /proc/PID/status (proc_pid_status(5)), bit n for capability n. */
export function parseBounding(status: string): bigint {
  const [, digits] = /^CapBnd:\s*([0-9a-f]{1,16})$/m.exec(status) ?? [];
  if (digits === undefined) throw new BugError('/proc/self/status has no line CapBnd');
  return BigInt(`0x${digits}`);
}

/** A user id in strict decimal, 0 to 2^32−2 (4294967295 means "no change" to the kernel); else undefined. */
export function parseUid(text: string | undefined): number | undefined {
  if (text === undefined || !/^(0|[1-9]\d{0,9})$/.test(text)) return undefined;
  const uid = Number(text);
  return uid <= 0xfffffffe ? uid : undefined;
}
