import test from 'ava';
import { UserError } from '../../src/errors.js';
import { checkCpus, checkCpuset, cpuQuota, parseCpus } from '../../src/spec/cpus.js';

test('cpus', (t) => {
  t.deepEqual(['0.5', '.5', '2', '1.', '0.01'].map(parseCpus), [0.5, 0.5, 2, 1, 0.01]);
  for (const text of ['', '0', '0.001', '-1', '1e1', 'x', '.', '0x1', 'Infinity', '1,5'])
    t.throws(() => parseCpus(text), { instanceOf: UserError }, text);
  t.is(cpuQuota(0.5), 50_000);
  t.is(cpuQuota(0.29), 29_000);
  t.is(checkCpus(2, 2), 2);
  t.throws(() => checkCpus(2.5, 2), { message: /more than this machine has \(2\)/ });
  for (const cpus of [Number.NaN, Infinity, -1, 0]) t.throws(() => checkCpus(cpus), { instanceOf: UserError });
});

test('cpuset', (t) => {
  for (const text of ['0', '0-1,3', '0,2,4-7', '8191']) t.is(checkCpuset(text), text);
  for (const text of ['', ',', '0,', '1-', '-1', '3-1', '0 1', '0-1-2', '8192', '0-99999', '0-999999999999', 'a', '0\n', '0-1:2'])
    t.throws(() => checkCpuset(text), { instanceOf: UserError }, text);
});
