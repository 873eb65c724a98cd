import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import { allEnded, toFinding } from '../../src/doctor/finding.js';
import { UserError } from '../../src/index.js';

test('a failure is told when all have ended', async (t) => {
  let isDone = false;
  const slow = setTimeout(50).then(() => {
    isDone = true;
  });
  await t.throwsAsync(allEnded([Promise.reject(new Error('at once')), slow]), { message: 'at once' });
  t.true(isDone);
  t.deepEqual(await allEnded([Promise.resolve(1), slow] as const), [1, undefined]);
});

test('what an error is to a check', (t) => {
  t.like(toFinding(new UserError('full', { check: 'disk-space' }), 'overlay'), { verdict: 'unknown' });
  t.like(toFinding(new UserError('gone', { hint: 'sudo modprobe overlay' }), 'overlay'), { fix: { commands: ['modprobe overlay'] } });
  t.like(toFinding(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' }), 'overlay'), { verdict: 'fail' });
  t.throws(() => toFinding(new TypeError('ours'), 'overlay'), { instanceOf: TypeError });
});
