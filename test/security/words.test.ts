// Classes 25 (words that a terminal acts on), 26 (cgroups of others), 27 (over-long strings and NUL), 28 and 29 (floods: see limits.test.ts
// and streams.test.ts), 30 (the cgroup), 32 (what is Node's own).
import { spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { fileURLToPath } from 'node:url';
import { prepare, UserError } from '../../src/index.js';
import type { RunOptions } from '../../src/options.js';
import {
  box,
  CRT,
  cgroupFile,
  contain,
  crt,
  type Ended,
  e2e,
  ended,
  folder,
  host,
  MIB,
  onV1,
  ROOTFS,
  script,
  traces,
} from '../e2e/support.js';
import { without } from './attack.js';

/** As bin/run.js starts itself: after `--` Node takes no flag of crt's for its own. */
function direct(args: readonly string[], env: NodeJS.ProcessEnv = {}, guard = ['--']): Promise<Ended> {
  const [node = '', ...words] = CRT;
  const child = spawn(node, [...guard, ...words, ...args], { env: { ...process.env, CRT_ROOTFS: ROOTFS, ...env } });
  child.stdin.end();
  return ended(child);
}

const EVIL = '\x1b]0;owned\x07\x1b[2J\u202eevil\u2066%s%n\r\n/../../x';
const FLAGS = [
  '--env',
  '--env-file',
  '--workdir',
  '--user',
  '--hostname',
  '--memory',
  '--memory-swap',
  '--cpus',
  '--cpuset-cpus',
  '--ulimit',
]
  .concat(['--timeout', '--volume', '--mount', '--tmpfs', '--rootfs', '--storage-size', '--cap-add', '--cap-drop', '--security-opt'])
  .concat(['--device', '--network', '--userns', '--group-add', '--pids-limit', '--cpu-shares', '--no-such-flag']);

e2e('what a terminal acts on is spelled out in every complaint, whatever flag it came by', async (t) => {
  const complaints = async (words: readonly string[]): Promise<void> => {
    const { stdout, stderr } = await direct(['run', box(t), ...words]);
    t.notRegex(`${stdout}${stderr}`, /[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\u202a-\u202e\u2066-\u2069]/, words.join(' '));
  };
  const lines = FLAGS.flatMap((flag) => [
    [flag, EVIL, '--', 'true'],
    [`${flag}=/${EVIL}`, '--', 'true'],
  ]);
  lines.push(['--', EVIL], [EVIL], [`-${EVIL}`], ['-v', `/tmp/${EVIL}:/data`, '--', 'true'], ['-v', `/tmp:/${EVIL}/../proc`, '--', 'true']);
  const worker = async (): Promise<void> => {
    for (let words = lines.pop(); words !== undefined; words = lines.pop()) await complaints(words);
  };
  await Promise.all([worker(), worker(), worker()]);
  for (const words of [['rm', EVIL], [EVIL], ['ps', EVIL], ['undo', EVIL]]) {
    const { stdout, stderr } = await crt(t, words);
    t.notRegex(`${stdout}${stderr}`, /[\x1b\x07\u202e]/, words.join(' '));
  }
});

const LONG = 'x'.repeat(1 << 20);
const STRINGS: Record<string, (text: string) => Partial<RunOptions>> = {
  command: (text) => ({ command: [text] }),
  argument: (text) => ({ command: ['true', text] }),
  variable: (text) => ({ env: { [text]: 'x' } }),
  value: (text) => ({ env: { X: text } }),
  cwd: (text) => ({ cwd: `/${text}` }),
  user: (text) => ({ user: text }),
  hostname: (text) => ({ hostname: text }),
  rootfs: (text) => ({ rootfs: `/${text}` }),
  target: (text) => ({ mounts: [{ source: '/tmp', target: `/${text}` }] }),
  source: (text) => ({ mounts: [{ source: `/${text}`, target: '/data' }] }),
  mask: (text) => ({ securityOpt: { mask: [`/${text}`] } }),
  label: (text) => ({ securityOpt: { label: text } }),
  device: (text) => ({ devices: [{ source: `/dev/${text}` }] }),
  cpus: (text) => ({ cpusetCpus: text }),
};
for (const [what, options] of Object.entries(STRINGS)) {
  e2e(`a NUL, and a megabyte, as ${what}: refused before anything is made`, async (t) => {
    for (const text of ['a\0b', '\0', LONG]) {
      const name = box(t);
      await t.throwsAsync(contain(t, { name, ...options(text) }), { instanceOf: UserError }, text.slice(0, 4));
      t.deepEqual(traces(name), []);
    }
  });
}

e2e('the longest words that the kernel takes arrive whole, beside each other', async (t) => {
  const words = ['a', 'b', 'c'].map((letter) => letter.repeat(131071));
  const { stdout } = await script(t, 'echo ${#0} ${#1} ${#2} ${#X}', {
    command: ['sh', '-c', 'echo ${#0} ${#1} ${#2} ${#X}', ...words],
    env: { X: 'y'.repeat(131069) },
  });
  t.is(stdout, '131071 131071 131071 131069\n');
});

onV1('a cgroup of this name that is not crt’s: refused, and who is in it lives', async (t) => {
  const name = box(t);
  const pids = host.cgroup.hierarchies.find(({ controllers }) => controllers.includes('pids'))?.mountpoint ?? '';
  mkdirSync(`${pids}/${name}`);
  const sleeper = spawn('sleep', ['1000']);
  try {
    writeFileSync(`${pids}/${name}/cgroup.procs`, String(sleeper.pid));
    t.is((await crt(t, ['run', name, '--', 'true'])).code, 125);
    t.regex((await crt(t, ['rm', '-f', name])).stderr, /there is no container/);
    t.is(sleeper.exitCode ?? sleeper.signalCode, null);
    t.regex(readFileSync(`${pids}/${name}/cgroup.procs`, 'utf8'), new RegExp(`^${sleeper.pid}$`, 'm'));
  } finally {
    writeFileSync(`${pids}/cgroup.procs`, String(sleeper.pid));
    sleeper.kill('SIGKILL');
    rmdirSync(`${pids}/${name}`);
  }
});

e2e('the command is in its cgroups when it starts, seen from the host', async (t) => {
  const isIn = async (more: Partial<RunOptions>): Promise<boolean[]> => {
    const found: boolean[] = [];
    const onStart: RunOptions['onStart'] = (container) => {
      for (const controller of ['memory', 'pids']) {
        const inside = cgroupFile(container.name, [controller, 'cgroup.procs'], 'cgroup.procs').split('\n');
        found.push(inside.includes(String(container.pid)));
      }
      container.kill('SIGKILL');
    };
    await contain(t, { command: ['sleep', '1000'], memory: 64 * MIB, onStart, ...more });
    return found;
  };
  t.deepEqual(await isIn({}), [true, true]);
  // Inside it looks the same: a cgroup namespace begins wherever its maker is.
  if (host.cgroup.mode !== 'v2') t.deepEqual(await isIn(without('cgroup-join')), [false, false]);
});

e2e('helpers in PATH and in the working directory are not run', async (t) => {
  const place = await folder(t);
  mkdirSync(`${place}/helper`);
  for (const path of ['crt-init', 'helper/crt-init', 'sh', 'mount', 'node', 'unshare']) {
    writeFileSync(`${place}/${path}`, `#!/bin/sh\ntouch ${place}/RAN\n`, { mode: 0o755 });
  }
  writeFileSync(`${place}/package.json`, '{"main":"evil.js"}');
  const env = { PATH: `${place}:.`, CRT_HELPER: `${place}/crt-init`, NODE_PATH: place, LD_LIBRARY_PATH: place };
  const { code, stdout, stderr } = await crt(t, ['run', box(t), '--', 'echo', 'ran'], { cwd: place, env });
  t.deepEqual([code, stdout], [0, 'ran\n'], stderr);
  t.false(existsSync(`${place}/RAN`));
});

e2e('the environment of the helper is empty, and the command’s is crt’s alone', async (t) => {
  let helper = '';
  await contain(t, {
    command: ['sleep', '1000'],
    onStart: (container) => {
      const parent = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${container.pid}/status`, 'utf8'))?.[1];
      helper = `${realpathSync(`/proc/${parent}/exe`)} ${readFileSync(`/proc/${parent}/environ`, 'utf8')}`;
      container.kill('SIGKILL');
    },
  });
  const { stdout } = await contain(t, { command: ['cat', '/proc/self/environ'] });
  t.regex(helper, /\/helper\/crt-init $/);
  t.deepEqual(
    stdout
      .split('\0')
      .filter(Boolean)
      .map((line) => line.split('=')[0])
      .sort(),
    ['HOME', 'HOSTNAME', 'PATH'],
  );
});

e2e('an --env-file is for the command: Node does not take NODE_OPTIONS from it, and run code as root', async (t) => {
  const place = await folder(t);
  writeFileSync(`${place}/evil.cjs`, `require('node:fs').writeFileSync('${place}/RAN', String(process.getuid()));`);
  writeFileSync(`${place}/env`, `NODE_OPTIONS=--require=${place}/evil.cjs\n`);
  const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
  for (const flag of [[`--env-file=${place}/env`], ['--env-file', `${place}/env`]]) {
    const child = spawn(program, ['run', box(t), '--rootfs', ROOTFS, ...flag, '--', 'env'], { stdio: ['ignore', 'pipe', 'pipe'] });
    const { stdout, stderr } = await ended(child);
    t.regex(stdout, /^NODE_OPTIONS=--require/m, stderr);
    t.false(existsSync(`${place}/RAN`));
  }
  if (!/^v2[0-2]\./.test(process.version)) return;
  await direct(['run', box(t), `--env-file=${place}/env`, '--', 'true'], {}, []);
  t.log(`without the -- of bin/run.js: ${existsSync(`${place}/RAN`) ? 'it ran' : 'this Node is not fooled'}`);
});

/** `helper/crt-init` of a copy of the package, which somebody else may change. */
e2e('a helper that others may change is not run', async (t) => {
  const copy = await folder(t);
  const root = fileURLToPath(new URL('../..', import.meta.url));
  for (const path of ['bin', 'dist', 'package.json', 'oclif.manifest.json']) {
    if (existsSync(`${root}${path}`)) cpSync(`${root}${path}`, `${copy}/${path}`, { recursive: true });
  }
  mkdirSync(`${copy}/helper`);
  copyFileSync(`${root}helper/crt-init`, `${copy}/helper/crt-init`);
  const start = async (): Promise<number | null> => {
    const child = spawn(CRT[0] ?? '', [`${copy}/bin/run.js`, 'run', box(t), '--rootfs', ROOTFS, '--', 'true'], { stdio: 'ignore' });
    return new Promise((resolve) => child.on('close', resolve));
  };
  if (!existsSync(`${copy}/dist/cli.cjs`)) return t.log('not built');
  chmodSync(`${copy}/helper/crt-init`, 0o755);
  t.is(await start(), 0);
  for (const mode of [0o775, 0o757]) {
    chmodSync(`${copy}/helper/crt-init`, mode);
    t.is(await start(), 125, mode.toString(8));
  }
  chmodSync(`${copy}/helper/crt-init`, 0o755);
  chmodSync(`${copy}/helper`, 0o777);
  t.is(await start(), 125, 'its folder');
  t.deepEqual(readdirSync(copy).sort().includes('helper'), true);
});

const POLLUTERS = [
  '{"__proto__": {"privileged": true, "userns": "host"}}',
  '{"constructor": {"prototype": {"privileged": true}}}',
  '{"env": {"__proto__": {"privileged": true}}}',
  '{"securityOpt": {"__proto__": {"seccomp": "unconfined"}}}',
  '{"ulimits": {"__proto__": [1, 2]}}',
];
e2e('keys named __proto__ give no option, and change no object', async (t) => {
  for (const text of POLLUTERS) {
    const options = { ...(JSON.parse(text) as object), command: ['grep', '-E', '^(Seccomp|CapEff):', '/proc/self/status'] };
    const { stdout } = await contain(t, options).catch((error: Error) => {
      t.true(error instanceof UserError, `${text}: ${error.stack}`);
      return { stdout: '' };
    });
    if (stdout !== '') t.regex(stdout, /^CapEff:\t00000000800405fb\nSeccomp:\t2\n$/, text);
    t.is(Reflect.get({}, 'privileged'), undefined, text);
    t.is(Reflect.get({}, 'seccomp'), undefined, text);
  }
  // An option that is inherited is one all the same: only what is one's own must count.
  t.throws(() => prepare({ name: 'x', rootfs: ROOTFS, ...(JSON.parse('{"unknown": 1}') as object) }), { instanceOf: UserError });
  const { stdout } = await crt(t, ['run', box(t), '-e', '__proto__=x', '-e', 'constructor=y', '-e', 'toString=z', '--', 'env']);
  for (const line of ['__proto__=x', 'constructor=y', 'toString=z']) t.true(stdout.split('\n').includes(line), line);
});
