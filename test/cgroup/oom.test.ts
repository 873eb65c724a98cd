import test from 'ava';
import { chooseVictim, parseOomRecord } from '../../src/cgroup/oom.js';

const record = (task: string, memcg = '/box'): string =>
  `6,1234,98765432,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=${memcg},task_memcg=${memcg}/sub,task=${task},pid=4711,uid=0\n SUBSYSTEM=x\n`;

test('a kill by a memory limit', (t) => {
  t.deepEqual(parseOomRecord(record('python3')), { micros: 98765432, cgroup: '/box', task: 'python3', pid: 4711 });
});

test('other records are none', (t) => {
  t.is(parseOomRecord('6,1,2,-;eth0: link up'), undefined);
  t.is(
    parseOomRecord(
      '6,1,2,-;oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=x,pid=1,uid=0',
    ),
    undefined,
  );
  t.is(parseOomRecord('6,1,2,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null)'), undefined);
});

test('a victim cannot name another process or cgroup', (t) => {
  t.is(parseOomRecord(record('a,pid=1,uid=0'))?.task, 'a,pid=1,uid=0');
  t.is(parseOomRecord(record('a,pid=1,uid=0'))?.pid, 4711);
  t.is(parseOomRecord(record(',oom_memcg=/x'))?.cgroup, '/box');
});

test('a name is printable, whatever the victim chose', (t) => {
  t.is(parseOomRecord(record('a\\x1b[31mb'))?.task, 'a?[31mb');
  t.is(parseOomRecord(record('a\\x0ab'))?.task, 'a?b');
  t.is(parseOomRecord(record('\\xc3\\xa9t\\xc3\\xa9'))?.task, 'été');
  t.is(parseOomRecord(record('x\\xe2\\x80\\xaey'))?.task, 'x?y');
  t.is(parseOomRecord(record('x\\xffy'))?.task, 'x?y');
  t.is(parseOomRecord(record('a\\x5cb'))?.task, 'a\\b');
});

const kill = (cgroup: string, task: string): { micros: number; cgroup: string; task: string; pid: number } => ({
  micros: 1,
  cgroup,
  task,
  pid: 2,
});

test("the last kill of the container's own cgroup is chosen", (t) => {
  const kills = [
    kill('/box', 'first'),
    kill('/crt/box', 'second'),
    kill('/box2', 'other'),
    kill('/xbox', 'other'),
    kill('/docker/box', 'nested'),
  ];
  t.is(chooseVictim(kills, 'box'), 'second');
  t.is(chooseVictim(kills.slice(2), 'box'), 'nested');
  t.is(chooseVictim([kill('/box/child', 'below')], 'box'), 'below');
  t.is(chooseVictim(kills, 'absent'), undefined);
});
