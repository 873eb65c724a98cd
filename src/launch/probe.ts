import { BugError } from '../errors.js';

/** What the step `probe` found: the root directory, and the command's file where there is one. */
export interface ProbeReport {
  readonly root: { readonly uid: number; readonly mode: number /** statfs(2) f_type */; readonly magic: number };
  /** errno(3) of the look-up of the command; 0 when it was found. */
  readonly error: number;
  readonly command:
    | {
        readonly path: string;
        readonly uid: number;
        readonly mode: number;
        /** elf(5) e_machine; 0 where it is no ELF file. */
        readonly machine: number;
        /** The first directory on the way to it that every user may write to. */
        readonly writable: string | undefined;
      }
    | undefined;
}

/** Reads the text of a probe (helper/op-stage.c). @throws BugError when it is none. */
export function parseProbe(text: string): ProbeReport {
  const [head = '', path = '', writable = ''] = text.split('\n');
  const fields = new Map(head.split(' ').map((word) => word.split('=', 2) as [string, string]));
  const number = (key: string, radix: number): number => {
    const value = Number.parseInt(fields.get(key) ?? '', radix);
    if (Number.isNaN(value)) throw new BugError(`the helper's probe says no ${key}: ${JSON.stringify(text)}`);
    return value;
  };
  const root = { uid: number('uid', 10), mode: number('mode', 8), magic: number('magic', 16) };
  const error = number('error', 10);
  if (error !== 0) return { root, error, command: undefined };
  return {
    root,
    error,
    command: {
      path,
      uid: number('fileuid', 10),
      mode: number('filemode', 8),
      machine: number('machine', 10),
      writable: writable || undefined,
    },
  };
}
