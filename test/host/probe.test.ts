import { execFileSync } from 'node:child_process';
import test from 'ava';
import { parseHardLimits, parseRelease, parseUid, probeHost } from '../../src/host/probe.js';

const LIMITS = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max core file size        0                    1024                 bytes     
Max processes             96365                96366                processes 
Max open files            1024                 20000                files     
Max nice priority         0                    0                    
Max realtime timeout      unlimited            unlimited            us        
Max future thing          1                    2                    bytes     
`;

test('hard limits by name', (t) => {
  t.deepEqual(parseHardLimits(LIMITS), {
    RLIMIT_CPU: Infinity,
    RLIMIT_CORE: 1024,
    RLIMIT_NPROC: 96366,
    RLIMIT_NOFILE: 20000,
    RLIMIT_NICE: 0,
    RLIMIT_RTTIME: Infinity,
  });
});

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
  t.is(facts.lastCapability, Number(shell('cat /proc/sys/kernel/cap_last_cap')));
  t.is(facts.oomScoreAdj, Number(shell('cat /proc/self/oom_score_adj')));
  t.is(facts.totalMemory, Number(shell("awk '/^MemTotal/{print $2 * 1024}' OFMT=%.0f CONVFMT=%.0f /proc/meminfo")));
  const files = shell('ulimit -H -n');
  t.is(facts.hardLimits['RLIMIT_NOFILE'], files === 'unlimited' ? Infinity : Number(files));
});
