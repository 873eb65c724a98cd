import test from 'ava';
import fc from 'fast-check';
import { deviceFilter, effectiveRules, isUnrestricted } from '../../src/device-filter/rules.js';
import { DEFAULT_DEVICES, deviceRules } from '../../src/spec/defaults.js';
import type { Device, DeviceRule } from '../../src/spec/types.js';
import { isAllowed, requests, rules } from './model.js';

const fuse: Device = { type: 'c', path: '/dev/fuse', major: 10, minor: 229 };
const of = (own: DeviceRule[] | undefined, devices: Device[] = []): DeviceRule[] =>
  effectiveRules({ namespaces: [], devices, ...(own ? { resources: { devices: own } } : {}) });
const deny: DeviceRule = { allow: false, access: 'rwm' };
const readFuse = { type: 'c', major: 10, minor: 229, access: 'r' } as const;
const openNull = { type: 'c', major: 1, minor: 3, access: 'rw' } as const;

test('without rules of its own a config may use what it makes, and the default devices', (t) => {
  t.deepEqual(of(undefined, [...DEFAULT_DEVICES]), deviceRules());
  t.true(isAllowed(of(undefined, [fuse]), readFuse));
  t.false(isAllowed(of(undefined), readFuse));
  t.true(isAllowed(of(undefined, [{ ...fuse, type: 'u' }]), readFuse), 'u is a character device');
  t.deepEqual(of(undefined, [{ type: 'p', path: '/dev/fifo', major: 0, minor: 0 }]), deviceRules(), 'a FIFO is no device');
});

test('with rules of its own only they are asked, beside the default devices', (t) => {
  t.false(isAllowed(of([], [fuse]), readFuse));
  t.true(isAllowed(of([deny, { allow: true, ...readFuse }], [fuse]), readFuse));
  t.false(isAllowed(of([deny, { allow: true, ...readFuse }], [fuse]), { ...readFuse, access: 'rw' }));
});

test('the default devices outlive a rule that denies everything, as other tools write it', (t) => {
  for (const own of [[], [deny], [{ allow: true }, deny], [{ allow: false, type: 'a', major: -1, minor: -1 }]] as DeviceRule[][])
    t.true(isAllowed(of(own), openNull), JSON.stringify(own));
  t.false(isAllowed(of([{ allow: false, ...openNull }]), openNull), 'unless a rule is about them');
});

test('what a start writes into its config is what it gets', (t) => {
  for (const request of [openNull, readFuse]) t.is(isAllowed(of(deviceRules()), request), isAllowed(deviceRules(), request));
});

test('a rule that allows everything: no filter', (t) => {
  t.true(isUnrestricted(deviceFilter(of([deny, { allow: true }]))));
  t.true(
    isUnrestricted(
      deviceFilter(
        of([
          { allow: true, type: 'a' },
          { allow: true, type: 'c' },
        ]),
      ),
    ),
  );
  t.false(isUnrestricted(deviceFilter(of([{ allow: true }, { allow: false, type: 'b' }]))));
  t.false(isUnrestricted(deviceFilter([])));
  t.true(
    fc.check(
      fc.property(rules, requests, (given, request) => !isUnrestricted(deviceFilter(given)) || isAllowed(given, request)),
      { numRuns: 1000 },
    ).failed === false,
  );
});

test('the simplest form of the rules', (t) => {
  const all = { major: undefined, minor: undefined };
  t.deepEqual(deviceFilter([{ allow: true, type: 'b' }, deny, { allow: true, access: 'm' }]), {
    allow: false,
    rules: [
      { allow: true, type: 'c', ...all, access: 1 },
      { allow: true, type: 'b', ...all, access: 1 },
    ],
  });
});
