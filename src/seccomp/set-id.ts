import type { SeccompArg, SeccompRule } from '../spec/types.js';

/** Which argument holds the mode that a call gives a file; for `open` and `openat` only where one of the flags makes a file. */
const MODES = { chmod: 1, fchmod: 1, fchmodat: 2, fchmodat2: 2, creat: 1, mkdir: 1, mkdirat: 2, mknod: 1, mknodat: 2 } as const;
const OPENS = { open: { flags: 1, mode: 2 }, openat: { flags: 2, mode: 3 } } as const;

const SET_ID = 0o6000;
/** O_CREAT, and of O_TMPFILE the bit that O_DIRECTORY has not; alike on x86-64 and arm64 (fcntl.h). */
const MAKES = [0o100, 0o20000000] as const;

/** What {@link withoutSetId} has rules for. openat2(2) hides its mode behind a pointer: it is not among them. */
export const SETS_MODE: ReadonlySet<string> = new Set([...Object.keys(MODES), ...Object.keys(OPENS), 'openat2']);

/** The calls that make files or change their modes, as long as no setuid or setgid bit is set. */
export function withoutSetId(): SeccompRule[] {
  const allow = (name: string, ...args: SeccompArg[]): SeccompRule => ({ names: [name], action: 'SCMP_ACT_ALLOW', args });
  const plain = Object.entries(MODES).map(([name, index]) => allow(name, unset(index, SET_ID)));
  const opens = Object.entries(OPENS).flatMap(([name, { flags, mode }]) => [
    allow(name, unset(mode, SET_ID)),
    // Without one of these flags the argument has no meaning, and holds anything.
    allow(name, unset(flags, MAKES[0] | MAKES[1])),
  ]);
  return [...plain, ...opens];
}

/** None of these bits. */
function unset(index: number, bits: number): SeccompArg {
  return { index, value: bits, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' };
}
