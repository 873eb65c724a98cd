import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test, { type ExecutionContext } from 'ava';
import { UserError } from '../../src/errors.js';
import { isAlive } from '../../src/host/process.js';
import { helperVerbs } from '../../src/launch/verbs.js';
import { exited } from '../in-time.js';
import { sleeper } from '../state/_sandbox.js';

const verbs = helperVerbs();

test('a signal reaches exactly the process that is meant', async (t) => {
  const { child, pid, startTime, bootId } = await sleeper(t);
  t.throws(() => verbs.signal(pid, startTime + 1, 9), { instanceOf: UserError, message: /^crt-init signal failed: / });
  t.true(isAlive({ pid, startTime, bootId }));
  verbs.signal(pid, startTime, 15);
  t.deepEqual(await exited(child), [null, 'SIGTERM']);
});

test('killing what is listed nowhere is done at once', (t) => {
  t.notThrows(() => verbs.kill(['/nowhere/cgroup.procs']));
});

test('a helper that is missing is told from one that fails', (t) => {
  t.regex(
    t.throws(() => helperVerbs('/nowhere/crt-init').kill([]), { instanceOf: UserError })?.message ?? '',
    /^crt-init kill failed: .*ENOENT/,
  );
  const script = makeScript(t, 'echo the reason >&2; exit 1');
  t.is(t.throws(() => helperVerbs(script).kill(['x']), { instanceOf: UserError })?.message, 'crt-init kill failed: the reason');
  t.is(
    t.throws(() => helperVerbs(makeScript(t, 'kill -9 $$')).kill([]), { instanceOf: UserError })?.message,
    'crt-init kill failed: SIGKILL',
  );
});

test('the helper gets nothing of our environment or folder', (t) => {
  const message =
    t.throws(() => helperVerbs(makeScript(t, 'env >&2; pwd >&2; exit 1')).kill(['x']), { instanceOf: UserError })?.message ?? '';
  t.regex(message, /^\/$/m);
  t.regex(message, /PWD=/);
  t.notRegex(message, /^(HOME|PATH|NODE_\w+)=/m);
});

function makeScript(t: ExecutionContext, body: string): string {
  const folder = mkdtempSync(`${tmpdir()}/crt-verbs-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(`${folder}/helper`, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return `${folder}/helper`;
}
