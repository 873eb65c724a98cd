import { execFileSync } from 'node:child_process';
import test from 'ava';
import { parseRelease, parseUid, probeHost } from '../../src/host/probe.js';

test('kernel releases', (t) => {
  t.deepEqual(parseRelease('6.18.44-fc-v657'), { release: '6.18.44-fc-v657', major: 6, minor: 18 });
  t.deepEqual(parseRelease('5.15-rc1+'), { release: '5.15-rc1+', major: 5, minor: 15 });
});

test('SUDO_UID is strict decimal up to 2^32-2', (t) => {
  t.is(parseUid('0'), 0);
  t.is(parseUid('1000'), 1000);
  t.is(parseUid('4294967294'), 4294967294);
  for (const bad of [undefined, '', '-1', '01', '1e3', '0x1', ' 1', '1\n', '4294967295', '4294967296', '18446744073709551616'])
    t.is(parseUid(bad), undefined, bad);
});

test('this machine, compared with what a shell says', (t) => {
  const facts = probeHost();
  const shell = (script: string): string => execFileSync('sh', ['-c', script], { encoding: 'utf8' }).trim();
  t.is(facts.kernel.release, shell('uname -r'));
  t.is(facts.uid, Number(shell('id -u')));
  t.is(facts.cpus, Number(shell('nproc')));
  t.is(facts.oomScoreAdj, Number(shell('cat /proc/self/oom_score_adj')));
  t.true(facts.mounts.some(({ mountpoint }) => mountpoint === '/proc'));
});
