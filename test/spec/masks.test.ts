import test from 'ava';
import { UserError } from '../../src/errors.js';
import { maskedPaths, READONLY_PATHS } from '../../src/spec/defaults.js';
import { toMasks } from '../../src/spec/masks.js';

const DEFAULTS = { maskedPaths: maskedPaths(2), readonlyPaths: [...READONLY_PATHS] };

test('the defaults, and more', (t) => {
  t.deepEqual(toMasks({}, false, 2), DEFAULTS);
  const { maskedPaths: masked } = toMasks({ mask: ['/srv/secret', '/proc/kcore'] }, false, 2);
  t.deepEqual(masked, [...DEFAULTS.maskedPaths, '/srv/secret']);
});

test('unmask: masked and read-only paths, by name or pattern, within one part', (t) => {
  const left = (...unmask: string[]): string[] => {
    const { maskedPaths: masked, readonlyPaths } = toMasks({ unmask }, false, 2);
    return [...DEFAULTS.maskedPaths, ...DEFAULTS.readonlyPaths].filter((path) => ![...masked, ...readonlyPaths].includes(path));
  };
  t.deepEqual(left('/proc/kcore', '/proc/sys'), ['/proc/kcore', '/proc/sys']);
  t.deepEqual(left('/proc/timer_*'), ['/proc/timer_list', '/proc/timer_stats']);
  t.deepEqual(left('/proc/?cpi'), ['/proc/acpi']);
  t.deepEqual(left('/sys/devices/system/cpu/cpu*/thermal_throttle').length, 2);
  t.deepEqual(left('/sys/*'), ['/sys/firmware']);
});

test('ALL, and what is masked all the same', (t) => {
  t.deepEqual(toMasks({ unmask: 'ALL', mask: ['/proc/kcore'] }, false, 2), { maskedPaths: ['/proc/kcore'], readonlyPaths: [] });
  t.deepEqual(toMasks({ mask: ['/a'] }, true, 2), { maskedPaths: ['/a'], readonlyPaths: [] });
});

test('a path that nothing covers is refused', (t) => {
  for (const path of ['/proc/kcor', '/proc', '/proc/*/x', '/etc', '/proc/(kcore)', '/proc/kcore|/x'])
    t.throws(() => toMasks({ unmask: [path] }, false, 2), { instanceOf: UserError, message: /^securityOpt\.unmask: / }, path);
});
