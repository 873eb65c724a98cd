import { setTimeout } from 'node:timers/promises';
import test from 'ava';
import type { Finding } from '../../src/doctor/check.js';
import { allEnded, inPasteable, toFinding } from '../../src/doctor/finding.js';
import { asRoot } from '../../src/format/shell-word.js';
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

test('what cannot be pasted is told in words', (t) => {
  for (const name of ['a\nb', '\x1b[2J', '\u202e', '\ufffd', '\t']) {
    const finding = inPasteable({ verdict: 'fail', observed: '', fix: { commands: ['true', `rm ${name}`], packages: ['make'] } });
    t.is(finding.fix?.commands, undefined, name);
    t.deepEqual(finding.fix?.packages, ['make']);
    t.regex(finding.fix?.advice ?? '', /cannot be typed as it stands.*true; rm /);
    t.is(asRoot([`rm ${name}`], 'in words').commands, undefined);
  }
  const fine: Finding = { verdict: 'fail', observed: '', fix: { commands: [`rm 'ä $(b)'`] } };
  t.is(inPasteable(fine), fine);
});

test('what an error is to a check', (t) => {
  t.like(toFinding(new UserError('full', { check: 'disk-space' }), 'overlay'), { verdict: 'unknown' });
  t.like(toFinding(new UserError('gone', { hint: 'sudo rm -r /' }), 'overlay'), { fix: { advice: 'sudo rm -r /' } });
  const commands = ['modprobe overlay'];
  t.deepEqual(toFinding(new UserError('gone', { hint: 'in words', commands }), 'overlay').fix, { commands });
  t.like(toFinding(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' }), 'overlay'), { verdict: 'fail' });
  t.throws(() => toFinding(new TypeError('ours'), 'overlay'), { instanceOf: TypeError });
});
