import { readFileSync, writeFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { exec, execDetached, pause, UserError, unpause, update } from '../../src/index.js';
import { stateRoots } from '../../src/state/roots.js';
import { holds, until } from '../in-time.js';
import { beside, shell } from './beside.js';
import { detached, pidsOf } from './detached.js';
import { cgroupFile, descendants, e2e, ended, MIB, onV1, ptyTest, startCrt } from './support.js';

const stateFile = (name: string, file: string): string => `${stateRoots().state}/${name}/${file}`;

e2e('a pid that belongs to another process by now is not entered', (t) =>
  beside(t, async (name) => {
    const file = stateFile(name, 'pid');
    const right = readFileSync(file, 'utf8');
    const identity = JSON.parse(right) as { startTime: number };
    writeFileSync(file, JSON.stringify({ ...identity, startTime: identity.startTime - 1 }));
    const error = await t.throwsAsync(exec(name, { command: ['true'] }), { instanceOf: UserError });
    t.regex(error.message, /is not running/);
    writeFileSync(file, right);
    t.is((await exec(name, { command: ['true'] })).exitCode, 0);
  }),
);

e2e('a state folder that does not say how the container is confined is refused', (t) =>
  beside(t, async (name) => {
    const damaged = async (file: string, spoil: (bytes: Buffer) => Buffer): Promise<string> => {
      const path = stateFile(name, file);
      const right = readFileSync(path);
      writeFileSync(path, spoil(right));
      const error = await t.throwsAsync(exec(name, { command: ['true'] }), { instanceOf: UserError });
      writeFileSync(path, right);
      return error.message;
    };
    const set = (offset: number) => (bytes: Buffer) => {
      const copy = Buffer.from(bytes);
      copy[offset] = (copy[offset] ?? 0) ^ 0xff;
      return copy;
    };
    for (const spoil of [
      () => Buffer.alloc(0),
      (bytes: Buffer) => bytes.subarray(0, -1),
      (bytes: Buffer) => bytes.subarray(0, 40),
      set(0),
      set(16),
    ])
      t.regex(await damaged('plan', spoil), /does not say how it is confined.*plan is damaged/);
    t.regex(await damaged('plan', set(8)), /started by another version of crt/);
    for (const spoil of [() => Buffer.from('{}'), () => Buffer.from('x'), (bytes: Buffer) => bytes.subarray(0, -3)])
      t.regex(await damaged('config.json', spoil), /does not say how it is confined.*config\.json/);
    t.is((await exec(name, { command: ['true'] })).exitCode, 0);
  }),
);

e2e('kill -9 of crt exec, and of its monitor, ends the command, whenever it comes', (t) =>
  beside(t, async (name, { pid }) => {
    // By their cgroup: what crt and its monitor leave is nobody's descendant, and the other tests of this file have such a command, too.
    const gone = (): Promise<void> =>
      holds(() => {
        const inside = processesIn(name);
        return inside.includes(pid) && inside.length === 1;
      }, 'PID 1 is alone');
    for (const victim of ['crt', 'monitor'] as const) {
      for (const input of [new PassThrough(), undefined]) {
        const child = startCrt(
          t,
          ['exec', name, '--', 'sh', '-c', 'echo ready; exec sleep 1000'],
          input ? {} : { stdio: ['ignore', 'pipe', 'pipe'] },
        );
        await until(child.stdout, 'ready');
        const { pid: own } = child;
        const [monitor] = descendants('crt-init', own);
        const end = ended(child);
        if (own === undefined || monitor === undefined) throw new Error('who is the monitor?');
        process.kill(victim === 'crt' ? own : monitor, 'SIGKILL');
        await end;
        await gone();
      }
    }
    for (let delay = 0; delay < 200; delay += 10) {
      const child = startCrt(t, ['exec', name, 'sleep', '1000']);
      const end = ended(child);
      await new Promise((resolve) => setTimeout(resolve, delay));
      child.kill('SIGKILL');
      await end;
      await gone();
    }
    t.is((await exec(name, { command: ['echo', 'alive'] })).stdout, 'alive\n');
  }),
);

/** All processes in the cgroup of a container, by the numbers of the host. */
const processesIn = (name: string): number[] =>
  cgroupFile(name, ['pids', 'cgroup.procs'], 'cgroup.procs').split('\n').filter(Boolean).map(Number);

e2e('what it leaves running outlives it, is answered as before, and ends with the container', async (t) => {
  await beside(t, async (name) => {
    const script = '(while [ ! -e /go ]; do sleep 0.05; done; mount -t proc proc /proc; echo $? > /answer; sleep 1000) > /dev/null 2>&1 &';
    t.is((await shell(name, script)).exitCode, 0);
    const { stdout } = await shell(name, 'touch /go; while [ ! -s /answer ]; do sleep 0.05; done; cat /answer');
    t.is(stdout, '0\n');
    t.is((await shell(name, 'mount -t proc proc /proc && mount -t tmpfs tmpfs /mnt')).exitCode, 32);
  });
});

e2e('output beyond what a container may hold of memory is no harm to it', (t) =>
  beside(
    t,
    async (name) => {
      const { stdoutBytes } = await exec(name, { command: ['head', '-c', '20000000', '/dev/zero'] });
      t.is(stdoutBytes.length, 20_000_000);
      t.is((await exec(name, { command: ['sh', '-c', 'head -c 60000000 /dev/zero | tail'] })).exitCode, 137);
    },
    { memory: 16 * MIB },
  ),
);

e2e('what is left running and holds the output is not waited for; all that was written before arrives', (t) =>
  beside(t, async (name) => {
    const quiet = await shell(name, 'sleep 1000 & head -c 60000 /dev/zero; exit 3');
    t.is(quiet.stdoutBytes.length, 60_000);
    t.is(quiet.exitCode, 3);
    t.is((await shell(name, 'yes & echo first; exit 4')).exitCode, 4);
  }),
);

ptyTest('what is left running and holds the terminal is not waited for', (t) =>
  beside(t, async (name) => {
    t.is((await shell(name, 'sleep 1000 & echo on the terminal', { tty: true })).stdout, 'on the terminal\r\n');
  }),
);

onV1(
  'a container that is paused is refused: the command would stand still, too; a cgroup that it has entered since its start is joined',
  (t) =>
    beside(t, async (name) => {
      update(name, { cpus: 0.9, cpusetCpus: '0' });
      const record = JSON.parse(readFileSync(stateFile(name, 'cgroup.json'), 'utf8')) as { directories: { path: string; inode: number }[] };
      const inside = (await shell(name, 'cat /proc/self/cgroup')).stdout;
      t.is((await exec(name, { command: ['cat', '/proc/1/cgroup'] })).stdout, inside);
      t.true(record.directories.some(({ path }) => path.includes('cpuset')));
      pause(name);
      const error = await t.throwsAsync(exec(name, { command: ['true'] }), { instanceOf: UserError });
      unpause(name);
      t.regex(error.message, /is paused/);
      const other = record.directories.map((directory) => ({ ...directory, inode: directory.inode + 1 }));
      writeFileSync(stateFile(name, 'cgroup.json'), JSON.stringify({ ...record, directories: other }));
      const foreign = await t.throwsAsync(exec(name, { command: ['true'] }), { instanceOf: UserError });
      t.regex(foreign.message, /is not the cgroup of/);
      writeFileSync(stateFile(name, 'cgroup.json'), JSON.stringify(record));
    }),
);

e2e('-d returns once the command runs, and what runs ends with the container', (t) =>
  beside(t, async (name) => {
    const child = startCrt(t, ['exec', name, '-d', '--', 'sh', '-c', 'echo $$ >/tmp/there; cat; exec sleep 1000']);
    t.deepEqual(await ended(child), { code: 0, signal: null, stdout: '', stderr: '', bytes: Buffer.alloc(0) });
    const { stdout } = await exec(name, {
      command: [
        'sh',
        '-c',
        'until kill -0 $(cat /tmp/there) && grep -q sleep /proc/$(cat /tmp/there)/comm; do sleep 0.01; done; echo runs',
      ],
    });
    t.is(stdout, 'runs\n');
  }),
);

e2e('-d: what ends at once, and what is not there', (t) =>
  beside(t, async (name) => {
    await execDetached(name, { command: ['true'] });
    const error = await t.throwsAsync(execDetached(name, { command: ['nope'] }), { instanceOf: UserError });
    t.is(error.exitCode, 127);
  }),
);

e2e('a container that ends meanwhile: the command is killed with it, or the error says so', async (t) => {
  for (let ms = 0; ms < 24; ms += 2) {
    const name = await detached(t, ['sleep', '1000']);
    const { init } = pidsOf(name);
    const work = exec(name, { command: ['sleep', '1000'] }).then(
      ({ exitCode }) => `exit code ${exitCode}`,
      (error: Error) => error.message,
    );
    await new Promise((resolve) => setTimeout(resolve, ms));
    process.kill(init, 'SIGKILL');
    t.regex(await work, /^exit code 137$|ended before the command could run$|is not running, it is stopped$/, `after ${ms} ms`);
  }
});
