import type { SyscallArch } from './syscalls.js';

/** One table of calls as the specification calls it, and how seccomp_data tells it. */
export interface Abi {
  readonly calls: SyscallArch;
  /** `SCMP_ARCH_…` of config-linux.md. */
  readonly oci: string;
  /** AUDIT_ARCH_… of linux/audit.h. */
  readonly audit: number;
}

const X86_64: Abi = { calls: 'x86_64', oci: 'SCMP_ARCH_X86_64', audit: 0xc000003e };
/** The same AUDIT_ARCH as x86_64; its calls are told by {@link X32_BIT}. */
export const X32: Abi = { calls: 'x32', oci: 'SCMP_ARCH_X32', audit: 0xc000003e };
const I386: Abi = { calls: 'i386', oci: 'SCMP_ARCH_X86', audit: 0x40000003 };
const AARCH64: Abi = { calls: 'aarch64', oci: 'SCMP_ARCH_AARCH64', audit: 0xc00000b7 };

/** __X32_SYSCALL_BIT of asm/unistd.h. */
export const X32_BIT = 0x40000000;

/**
 * What a program on this processor could call by; the machine's own first. 32-bit arm is missing, whose numbers no header of
 * the build machine has: its calls are blocked.
 */
const ABIS: Readonly<Record<string, readonly [native: Abi, ...others: Abi[]]>> = { x64: [X86_64, X32, I386], arm64: [AARCH64] };

/** By process.arch; undefined where no numbers are known. */
export function abisOf(arch: string): readonly [native: Abi, ...others: Abi[]] | undefined {
  return Object.hasOwn(ABIS, arch) ? ABIS[arch] : undefined;
}
