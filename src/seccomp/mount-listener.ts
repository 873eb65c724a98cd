/**
 * The filter by which mount(2) inside asks the monitor (seccomp_unotify(2)); it allows every other call, and so needs the filter proper
 * beside it. Of two filters the stricter answer counts: SECCOMP_RET_ERRNO before SECCOMP_RET_USER_NOTIF before SECCOMP_RET_ALLOW.
 */

interface Native {
  /** AUDIT_ARCH_ of linux/audit.h. */
  readonly arch: number;
  readonly mount: number;
}

const NATIVE: Readonly<Record<string, Native>> = {
  x64: { arch: 0xc000003e, mount: 165 },
  arm64: { arch: 0xc00000b7, mount: 40 },
};

const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const RETURN = 0x06;

const ALLOW = 0x7fff0000;
const USER_NOTIF = 0x7fc00000;

/**
 * Classic BPF over struct seccomp_data (seccomp(2)): number at 0, architecture at 4. The mount(2) of i386 and x32, whose strings and
 * numbers are others, is not asked about: the filter proper does not know these calls.
 * @param arch process.arch
 * @returns 8 bytes an instruction; undefined for an architecture whose numbers are not known.
 */
export function mountListener(arch: string): Uint8Array | undefined {
  const native = NATIVE[arch];
  if (native === undefined) return undefined;
  // Jumps count from the next instruction.
  const program: readonly (readonly [code: number, ifTrue: number, ifFalse: number, value: number])[] = [
    [LOAD, 0, 0, 4],
    [JUMP_EQUAL, 0, 3, native.arch], // another architecture: to 5
    [LOAD, 0, 0, 0],
    [JUMP_EQUAL, 0, 1, native.mount], // another call: to 5
    [RETURN, 0, 0, USER_NOTIF],
    [RETURN, 0, 0, ALLOW],
  ];
  const bytes = Buffer.alloc(8 * program.length);
  program.forEach(([code, ifTrue, ifFalse, value], index) => {
    bytes.writeUInt16LE(code, 8 * index);
    bytes.writeUInt8(ifTrue, 8 * index + 2);
    bytes.writeUInt8(ifFalse, 8 * index + 3);
    bytes.writeUInt32LE(value, 8 * index + 4);
  });
  return bytes;
}
