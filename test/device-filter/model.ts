import fc from 'fast-check';
import type { DeviceRule } from '../../src/spec/types.js';

/** What a process wants to do with a device. */
export interface Request {
  readonly type: 'b' | 'c';
  readonly major: number;
  readonly minor: number;
  /** Of the letters r, w and m. */
  readonly access: string;
}

/** The rules read as they are meant, letter by letter: the last one that speaks of it decides, and nothing is allowed by silence. */
export function isAllowed(rules: readonly DeviceRule[], request: Request): boolean {
  return [...request.access].every((letter) => rules.findLast((rule) => speaksOf(rule, request, letter))?.allow ?? false);
}

function speaksOf({ type = 'a', major = -1, minor = -1, access = 'rwm' }: DeviceRule, request: Request, letter: string): boolean {
  const isMeant = (number: number, asked: number): boolean => number === -1 || number === asked;
  return (
    (type === 'a' || type === request.type) && isMeant(major, request.major) && isMeant(minor, request.minor) && access.includes(letter)
  );
}

const letters = fc.subarray(['r', 'w', 'm'], { minLength: 1 }).map((all) => all.join(''));
/** Few numbers, so that rules and requests meet. */
const number = fc.integer({ min: 0, max: 2 });

export const rules: fc.Arbitrary<DeviceRule[]> = fc.array(
  fc.record(
    {
      allow: fc.boolean(),
      type: fc.constantFrom('a' as const, 'b' as const, 'c' as const),
      major: fc.oneof(number, fc.constant(-1)),
      minor: fc.oneof(number, fc.constant(-1)),
      access: letters,
    },
    { requiredKeys: ['allow'] },
  ),
  { maxLength: 8 },
);

export const requests: fc.Arbitrary<Request> = fc.record({
  type: fc.constantFrom('b' as const, 'c' as const),
  major: number,
  minor: number,
  access: letters,
});
