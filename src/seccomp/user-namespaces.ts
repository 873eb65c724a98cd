/**
 * The small filter of this version: no new user namespace. In one, root inside would hold every capability again, could mount
 * cgroups and raise its own limits. The allow-list that docker's default is like comes with its own issue.
 *
 * Classic BPF over struct seccomp_data (seccomp(2)): number at 0, architecture at 4, the low half of the first argument at 16.
 */

interface Calls {
  /** AUDIT_ARCH_ of linux/audit.h. */
  readonly arch: number;
  readonly clone: number;
  readonly unshare: number;
  readonly clone3: number;
}

const CALLS: Readonly<Record<string, Calls>> = {
  x64: { arch: 0xc000003e, clone: 56, unshare: 272, clone3: 435 },
  arm64: { arch: 0xc00000b7, clone: 220, unshare: 97, clone3: 435 },
};

const CLONE_NEWUSER = 0x10000000;
/** x32 calls carry this bit in their number, under the architecture of x86_64. */
const X32 = 0x40000000;

const LOAD = 0x20;
const JUMP_EQUAL = 0x15;
const JUMP_AT_LEAST = 0x35;
const JUMP_SET = 0x45;
const RETURN = 0x06;

const ALLOW = 0x7fff0000;
const ERRNO = 0x00050000;
const EPERM = 1;
const ENOSYS = 38;

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/**
 * The filter as the kernel takes it, 8 bytes an instruction. clone3(2) hides its flags behind a pointer: ENOSYS makes C libraries
 * fall back to clone(2). Calls of another architecture (i386, x32) have other numbers: they are not there at all.
 * @param arch process.arch
 * @returns undefined for an architecture whose numbers are not known.
 */
export function userNamespaceFilter(arch: string): Uint8Array | undefined {
  const calls = CALLS[arch];
  if (calls === undefined) return undefined;
  // Jumps count from the next instruction; the three ends stand at 9, 10 and 11.
  const program: Instruction[] = [
    [LOAD, 0, 0, 4],
    [JUMP_EQUAL, 0, 9, calls.arch], //   1: another architecture is not there: to 11
    [LOAD, 0, 0, 0],
    [JUMP_AT_LEAST, 7, 0, X32], //       3: to 11
    [JUMP_EQUAL, 6, 0, calls.clone3], // 4: to 11
    [JUMP_EQUAL, 1, 0, calls.clone], //  5: to 7
    [JUMP_EQUAL, 0, 2, calls.unshare], // 6: to 7, any other call to 9
    [LOAD, 0, 0, 16],
    [JUMP_SET, 1, 0, CLONE_NEWUSER], //  8: to 10, else to 9
    [RETURN, 0, 0, ALLOW],
    [RETURN, 0, 0, ERRNO | EPERM],
    [RETURN, 0, 0, ERRNO | ENOSYS],
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
