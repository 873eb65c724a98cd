import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test from 'ava';
import { limitCounters } from '../../src/cgroup/limit-counters.js';

test('of version 1 from its hierarchies, of version 2 from one directory, nothing from what is gone', (t) => {
  const folder = mkdtempSync(`${tmpdir()}/crt-counters-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const files = {
    'memory/memory.oom_control': 'oom_kill_disable 0\nunder_oom 0\noom_kill 2\n',
    'memory/memory.failcnt': '17\n',
    'pids/pids.events': 'max 5\n',
    'v2/memory.events': 'low 0\nhigh 0\nmax 9\noom 3\noom_kill 1\noom_group_kill 0\n',
    'v2/pids.events': 'max 4\n',
  };
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(`${folder}/${file.split('/')[0]}`, { recursive: true });
    writeFileSync(`${folder}/${file}`, text);
  }
  t.deepEqual(limitCounters([`${folder}/memory`, `${folder}/pids`]), { oomKills: 2, memoryHits: 17, pidsHits: 5 });
  t.deepEqual(limitCounters([`${folder}/v2`]), { oomKills: 1, memoryHits: 9, pidsHits: 4 });
  t.deepEqual(limitCounters([`${folder}/gone`]), { oomKills: 0, memoryHits: 0, pidsHits: 0 });
});
