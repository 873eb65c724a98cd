import test from 'ava';
import fc from 'fast-check';
import { type DeviceExceptions, deviceExceptions } from '../../src/device-filter/exceptions.js';
import { describeMatch, deviceFilter } from '../../src/device-filter/rules.js';
import { UserError } from '../../src/errors.js';
import { deviceRules } from '../../src/spec/defaults.js';
import type { DeviceRule } from '../../src/spec/types.js';
import { isAllowed, type Request, requests, rules } from './model.js';

const BITS = { m: 1, r: 2, w: 4 } as const;
const compile = (given: readonly DeviceRule[]): DeviceExceptions => deviceExceptions(deviceFilter(given));

/** As the kernel looks a request up: match_exception and match_exception_partial of security/device_cgroup.c. */
function lookUp({ allow, exceptions }: DeviceExceptions, request: Request): boolean {
  const asked = [...request.access].reduce((all, letter) => all | BITS[letter as keyof typeof BITS], 0);
  const about = exceptions.filter(
    ({ type, major, minor }) =>
      type === request.type && (major ?? request.major) === request.major && (minor ?? request.minor) === request.minor,
  );
  return allow ? about.every(({ access }) => !(access & asked)) : about.some(({ access }) => (asked & ~access) === 0);
}

test('version 1 holds what the rules mean, or refuses them; a request for one thing is answered alike', (t) => {
  let held = 0;
  fc.assert(
    fc.property(rules, fc.array(requests, { minLength: 1, maxLength: 20 }), (given, asked) => {
      let state: DeviceExceptions;
      try {
        state = compile(given);
      } catch (error) {
        return error instanceof UserError;
      }
      held += 1;
      // Of several at once it may be the stricter, never the looser.
      return asked.every((request) => {
        const [meant, got] = [isAllowed(given, request), lookUp(state, request)];
        return request.access.length === 1 ? got === meant : meant || !got;
      });
    }),
    { numRuns: 2000 },
  );
  t.true(held > 500, String(held));
});

test('the default rules, as devices.list shows them', (t) => {
  const { allow, exceptions } = compile(deviceRules());
  t.false(allow);
  t.deepEqual(exceptions.map(describeMatch), [
    'c *:* m',
    'b *:* m',
    'c 1:3 rwm',
    'c 1:5 rwm',
    'c 1:7 rwm',
    'c 1:8 rwm',
    'c 1:9 rwm',
    'c 5:0 rwm',
    'c 5:1 rwm',
    'c 5:2 rwm',
    'c 136:* rwm',
  ]);
});

test('rules about the same devices are one exception; a part that is taken away is gone', (t) => {
  const shown = (given: DeviceRule[]): string[] => compile(given).exceptions.map(describeMatch);
  const nvidia = { type: 'c', major: 195 } as const;
  t.deepEqual(
    shown([
      { allow: true, ...nvidia, access: 'r' },
      { allow: true, ...nvidia, access: 'w' },
    ]),
    ['c 195:* rw'],
  );
  t.deepEqual(
    shown([
      { allow: true, ...nvidia, minor: 0 },
      { allow: false, ...nvidia, access: 'w' },
    ]),
    ['c 195:0 rm'],
  );
  t.deepEqual(
    shown([
      { allow: true, ...nvidia, minor: 0 },
      { allow: false, ...nvidia },
    ]),
    [],
  );
  t.deepEqual(
    shown([
      { allow: true, ...nvidia, access: 'm' },
      { allow: true, ...nvidia, minor: 0, access: 'rw' },
    ]),
    ['c 195:* m', 'c 195:0 rwm'],
  );
});

test('a hole in a wildcard is refused with both rules in words', (t) => {
  const error = t.throws(
    () =>
      compile([
        { allow: true, type: 'c', major: 195 },
        { allow: false, type: 'c', major: 195, minor: 255 },
      ]),
    {
      name: 'UserError',
      message: 'linux.resources.devices: cgroup version 1 cannot make c 195:255 rwm an exception from c 195:* rwm',
    },
  );
  t.regex((error as { hint?: string } | undefined)?.hint ?? '', /one by one/);
});
