import { errnoOf } from '../spec/errno.js';
import type { Seccomp, SeccompArg, SeccompRule } from '../spec/types.js';

/** Which argument holds the mode that a call gives a file. */
const MODES = { chmod: 1, fchmod: 1, fchmodat: 2, fchmodat2: 2, creat: 1, mkdir: 1, mkdirat: 2, mknod: 1, mknodat: 2 } as const;
/** The same where it counts only if one of the flags makes a file: else it holds anything. */
const OPENS = { open: { flags: 1, mode: 2 }, openat: { flags: 2, mode: 3 } } as const;

/** S_ISUID and S_ISGID of inode(7). */
const SET_ID = [0o4000, 0o2000] as const;
/** O_CREAT, and of O_TMPFILE the bit that O_DIRECTORY has not; alike on x86-64, i386 and arm64 (fcntl.h). */
const MAKES = [0o100, 0o20000000] as const;

/**
 * A filter that goes beside any other: no call gives a file a setuid or setgid bit (EPERM). openat2(2) hides its mode behind a pointer:
 * it is not there (ENOSYS), and programs fall back to openat(2).
 * @param arch process.arch; its 32-bit calls are looked at, too
 */
export function setIdGuard(arch: string): Seccomp {
  const refuse = (name: string, ...args: SeccompArg[]): SeccompRule => ({
    names: [name],
    action: 'SCMP_ACT_ERRNO',
    errnoRet: errnoOf('EPERM') ?? 1,
    args,
  });
  const plain = Object.entries(MODES).flatMap(([name, mode]) => SET_ID.map((bit) => refuse(name, set(mode, bit))));
  const opens = Object.entries(OPENS).flatMap(([name, { flags, mode }]) =>
    SET_ID.flatMap((bit) => MAKES.map((flag) => refuse(name, set(flags, flag), set(mode, bit)))),
  );
  return {
    defaultAction: 'SCMP_ACT_ALLOW',
    architectures: arch === 'x64' ? ['SCMP_ARCH_X86_64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X32'] : ['SCMP_ARCH_AARCH64'],
    syscalls: [...plain, ...opens, { names: ['openat2'], action: 'SCMP_ACT_ERRNO', errnoRet: errnoOf('ENOSYS') ?? 38 }],
  };
}

/** This bit is set, whatever the others are. */
function set(index: number, bit: number): SeccompArg {
  return { index, value: bit, valueTwo: bit, op: 'SCMP_CMP_MASKED_EQ' };
}
