import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { dir } from 'tmp-promise';
import { probeHost } from '../../src/host/probe.js';
import { list, type Result, type RunOptions, run } from '../../src/index.js';
import { stateRoots } from '../../src/state/roots.js';
import { inTime } from '../in-time.js';

const repository = fileURLToPath(new URL('../..', import.meta.url));
/** A Debian root file system (scripts/rootfs), else what every machine has. */
export const ROOTFS = process.env['CRT_TEST_ROOTFS'] ?? 'host';
export const MIB = 1024 ** 2;
export const host = probeHost();
const roots = stateRoots();

export type Declare = (title: string, body: (t: ExecutionContext) => unknown) => void;

/**
 * Milliseconds for the longest of tests. ava's own patience (package.json) must be longer: where it ends within a test's `t.timeout`,
 * even of one that is over, ava does not count it anew and waits for a test that hangs without end.
 */
export const LONGEST = 300_000;
/** The same for a test with all that its file does beside it; the guest of test/v2 is slow, and the long forms are no hurry. */
const LIMIT = ['CRT_V2_GUEST', 'CRT_CROWD', 'CRT_FAULTS', 'CRT_LOGS'].some((name) => process.env[name] !== undefined)
  ? 24 * LONGEST
  : LONGEST;

/** A test that does not end fails by itself, and the run goes on: ava's patience would end all of it. */
export function ending(declare: Declare): Declare {
  return (title, body) => declare(title, (t) => inTime(`the end of "${title}"`, (async () => body(t))(), LIMIT));
}

/** Containers need root. Without it these tests are shown as skipped. */
export const e2e = ending(host.uid === 0 ? test : test.skip);
/** Where crt makes folders by the name on version 1 hierarchies. */
export const onV1 = ending(host.uid === 0 && host.cgroup.mode !== 'v2' ? test : test.skip);
export const serial = ending(host.uid === 0 ? test.serial : test.serial.skip);

/** node-pty is optional, and has to be built; where CI runs it must be there. */
const hasPty =
  process.env['CI'] !== undefined ||
  (await import('node-pty').then(
    () => true,
    () => false,
  ));

/** For tests that sit at a terminal: skipped, with the reason in the title, where there is no node-pty to make one. */
export function needingPty(declare: Declare): Declare {
  return hasPty ? declare : (title, body) => test.skip(`${title} (node-pty is not built: npm rebuild node-pty)`, body);
}
export const ptyTest = needingPty(e2e);
export const ptySerial = needingPty(serial);

/** A container name of this test alone. The test fails when anything of that name is left at its end. */
export function box(t: ExecutionContext): string {
  const name = `t-${randomBytes(6).toString('hex')}`;
  t.teardown(() => {
    const left = traces(name);
    if (left.length > 0) throw new Error(`left behind by ${name}:\n${left.join('\n')}`);
  });
  return name;
}

/** A temporary directory of this test. */
export async function folder(t: ExecutionContext): Promise<string> {
  const { path, cleanup } = await dir({ unsafeCleanup: true, prefix: 'crt-e2e' });
  t.teardown(cleanup);
  return realpathSync(path);
}

/** Runs a container in this process, by the library. */
export function contain(t: ExecutionContext, options: Partial<RunOptions>): Promise<Result> {
  return run({ name: box(t), rootfs: ROOTFS, ...options });
}

/** Runs a shell script in a container. */
export function script(t: ExecutionContext, text: string, options: Partial<RunOptions> = {}): Promise<Result> {
  return contain(t, { command: ['sh', '-c', text], ...options });
}

/** Everything on this host that belongs to a container of this name: empty when it is gone. */
export function traces(name: string): string[] {
  return [...mountsOf(name), ...cgroupsOf(name).map((path) => `cgroup ${path}`), ...foldersOf(name), ...processesOf(name)];
}

function mountsOf(name: string): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return lines.filter((line) => line.includes(name)).map((line) => `mount ${line}`);
}

/** The cgroup directories of a container, in every hierarchy. */
export function cgroupsOf(name: string): string[] {
  const { hierarchies, unified } = host.cgroup;
  const tops = [...hierarchies.map(({ mountpoint }) => mountpoint), ...(unified ? [unified.mountpoint, `${unified.mountpoint}/crt`] : [])];
  return tops.map((top) => `${top}/${name}`).filter((path) => existsSync(path));
}

/** A file of the container's cgroup, seen from the host: `['memory', 'memory.limit_in_bytes']` on version 1, `memory.max` on 2. */
export function cgroupFile(name: string, v1: readonly [controller: string, file: string], v2: string): string {
  const mountpoint = host.cgroup.hierarchies.find(({ controllers }) => controllers.includes(v1[0]))?.mountpoint;
  const path = mountpoint ? `${mountpoint}/${name}/${v1[1]}` : `${host.cgroup.unified?.mountpoint}/crt/${name}/${v2}`;
  return readFileSync(path, 'utf8').trim();
}

/** State folders, their temporary forms, and layers. */
function foldersOf(name: string): string[] {
  return [roots.state, roots.layers].flatMap((root) =>
    (existsSync(root) ? readdirSync(root) : []).filter((entry) => entry.includes(name)).map((entry) => `folder ${root}/${entry}`),
  );
}

function processesOf(name: string): string[] {
  return processes().flatMap((pid) => {
    const belongs = readProc(pid, 'cgroup').includes(`/${name}`) || readProc(pid, 'mountinfo').includes(`/${name}`);
    return belongs ? [`process ${pid} ${readProc(pid, 'comm').trim()}`] : [];
  });
}

function processes(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0);
}

export function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** Processes below this one, by name. */
export function descendants(comm: string, ancestor = process.pid): number[] {
  const all = processes().map((pid) => ({ pid, parent: Number(/\) \S (\d+)/.exec(readProc(pid, 'stat'))?.[1]) }));
  const below = new Set([ancestor]);
  for (let size = 0; size !== below.size; ) {
    size = below.size;
    for (const { pid, parent } of all) if (below.has(parent)) below.add(pid);
  }
  return [...below].filter((pid) => readProc(pid, 'comm').trim() === comm);
}

/** How a run of the command line ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly bytes: Buffer;
}

export interface CrtOptions {
  readonly input?: string | Buffer;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly stdio?: StdioOptions;
  /** Milliseconds after which it counts as hung; default 100,000. */
  readonly patience?: number;
}

/** The words that start the command line: built, where it is, else from the sources. */
export const CRT: readonly string[] = [process.execPath, `${repository}bin/${existsSync(`${repository}dist/cli.cjs`) ? 'run' : 'dev'}.js`];

/** Milliseconds after which a command line that should have ended counts as hung. */
const PATIENCE = 100_000;

/** Starts the command line; killed when the test ends before it does. */
export function startCrt(
  t: ExecutionContext,
  args: readonly string[],
  { env = {}, cwd, stdio = 'pipe', patience = PATIENCE }: CrtOptions = {},
): ChildProcess {
  const [node = '', ...words] = CRT;
  const child = spawn(node, [...words, ...args], { env: { ...process.env, CRT_ROOTFS: ROOTFS, ...env }, cwd, stdio });
  const timers = [setTimeout(() => child.kill('SIGTERM'), patience), setTimeout(() => child.kill('SIGKILL'), 1.2 * patience)];
  child.once('exit', () => timers.forEach(clearTimeout));
  t.teardown(() => child.kill('SIGKILL'));
  return child;
}

/** Runs the command line to its end. */
export async function crt(t: ExecutionContext, args: readonly string[], options: CrtOptions = {}): Promise<Ended> {
  const child = startCrt(t, args, options);
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.input ?? '');
  return ended(child);
}

/** Waits until the container is known to run: its command may have spoken before. */
export async function untilRunning(name: string): Promise<void> {
  for (let round = 0; round < 1000; round++) {
    if (list({ filter: [`name=^${name}$`] })[0]?.status === 'running') return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${name} does not run`);
}

/** Collects what a started command line says, to its end, and to that of all who hold its output. */
export async function ended(child: ChildProcess): Promise<Ended> {
  const [out, error]: [Buffer[], Buffer[]] = [[], []];
  child.stdout?.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => error.push(chunk));
  const said = (): string => `${Buffer.concat(out)}${Buffer.concat(error)}`.slice(-1000);
  const what = (): string =>
    `the end of ${child.spawnargs.join(' ')} (${child.signalCode ?? child.exitCode ?? 'it runs'}), which said ${JSON.stringify(said())}`;
  if (!isClosed(child)) await inTime(what, once(child, 'close'), 1.5 * PATIENCE);
  const bytes = Buffer.concat(out);
  return { code: child.exitCode, signal: child.signalCode, stdout: bytes.toString(), stderr: Buffer.concat(error).toString(), bytes };
}

/** Its `close` has come already, or is due. */
function isClosed({ exitCode, signalCode, stdio }: ChildProcess): boolean {
  return (exitCode !== null || signalCode !== null) && stdio.every((stream) => stream?.closed !== false);
}
