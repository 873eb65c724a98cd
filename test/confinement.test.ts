import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test from 'ava';
import { checkConfinement, chooseFilter, chooseGuard, confinementNotices, lookAtDevices } from '../src/confinement.js';
import { UserError } from '../src/errors.js';
import { probeHost } from '../src/host/probe.js';
import type { RunOptions } from '../src/options.js';
import { providedFiles } from '../src/provided-files.js';
import { toConfig } from '../src/spec/from-options.js';
import type { Config } from '../src/spec/types.js';

const facts = { ...probeHost(), arch: 'x64', capabilities: 2n ** 41n - 1n, lsm: { apparmor: undefined, selinux: false } };
const config = (options: Partial<RunOptions>): Config =>
  toConfig({ name: 'box', ...options }, { facts, rootfs: '/r', rootfsKind: 'directory' });
const message = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return error instanceof UserError ? error.message : String(error);
  }
  return 'fine';
};

test('a label that cannot be had is refused, one that can is taken', (t) => {
  const on = { ...facts, lsm: { apparmor: { execFile: '/proc/self/attr/exec' }, selinux: true } };
  const strict = config({ securityOpt: { apparmor: 'strict' } });
  t.regex(
    message(() => checkConfinement(strict, facts)),
    /AppArmor is not enabled/,
  );
  t.regex(
    message(() => checkConfinement(strict, on, () => new Set(['other']))),
    /is not loaded/,
  );
  t.is(
    message(() => checkConfinement(strict, on, () => new Set(['strict']))),
    'fine',
  );
  t.is(
    message(() => checkConfinement(strict, on, () => undefined)),
    'fine',
  );
  const labelled = config({ securityOpt: { label: { type: 'spc_t' } } });
  t.regex(
    message(() => checkConfinement(labelled, facts)),
    /SELinux is not enabled/,
  );
  t.is(
    message(() => checkConfinement(labelled, on)),
    'fine',
  );
  t.is(
    message(() => checkConfinement(config({ securityOpt: { apparmor: 'unconfined', label: 'disable' } }), facts)),
    'fine',
  );
});

test('a capability beyond the bounding set of crt is refused, whether asked for or a default', (t) => {
  const lacking = (bit: bigint) => ({ ...facts, capabilities: facts.capabilities & ~(1n << bit) });
  t.regex(
    message(() => checkConfinement(config({ capAdd: ['SYS_TIME'] }), lacking(25n))),
    /^CAP_SYS_TIME cannot be given/,
  );
  t.regex(
    message(() => checkConfinement(config({}), lacking(31n))),
    /^CAP_SETFCAP cannot be given/,
  );
  t.is(
    message(() => checkConfinement(config({ capDrop: ['SETFCAP'] }), lacking(31n))),
    'fine',
  );
});

test('the filter: crt’s own, none, or that of a profile', (t) => {
  const choose = (options: Partial<RunOptions>): Uint8Array | undefined =>
    chooseFilter({ name: 'box', ...options }, config(options), facts)?.program;
  const usual = choose({});
  t.true(usual instanceof Uint8Array && usual.length > 800);
  t.is(choose({ securityOpt: { seccomp: 'unconfined' } }), undefined);
  t.is(choose({ privileged: true }), undefined);
  const folder = mkdtempSync(`${tmpdir()}/crt-test-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(`${folder}/p.json`, '{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": ["read"], "action": "SCMP_ACT_ALLOW"}]}');
  writeFileSync(`${folder}/wrong.json`, '{}');
  writeFileSync(
    `${folder}/asks.json`,
    '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["chdir"], "action": "SCMP_ACT_NOTIFY"}]}',
  );
  for (const privileged of [false, true]) {
    const of = (name: string): Partial<RunOptions> => ({ privileged, securityOpt: { seccomp: `${folder}/${name}` } });
    t.true((choose(of('p.json'))?.length ?? 0) > 0);
    t.regex(
      message(() => choose(of('wrong.json'))),
      /defaultAction is missing/,
    );
    t.regex(
      message(() => choose(of('asks.json'))),
      /SCMP_ACT_NOTIFY/,
    );
    t.regex(
      message(() => choose(of('none.json'))),
      /no such file or directory/,
    );
  }
});

test('a folder of the host that can be written to: no setuid bits, no file capabilities, unless that is asked for', (t) => {
  const bind = { mounts: [{ source: '/srv', target: '/data' }] };
  const guarded = (options: Partial<RunOptions>): boolean => chooseGuard({ name: 'box', ...options }, facts) !== undefined;
  const has = (options: Partial<RunOptions>, name = 'CAP_SETFCAP'): boolean =>
    config(options).process.capabilities?.bounding?.includes(name) ?? false;
  t.false(guarded({}));
  for (const more of [{}, { securityOpt: { seccomp: 'unconfined' } }, { securityOpt: { seccomp: '/p.json' } }, { capAdd: ['ALL'] }]) {
    t.true(guarded({ ...bind, ...more }), JSON.stringify(more));
    t.false(has({ ...bind, ...more }), JSON.stringify(more));
  }
  t.true(has(bind, 'CAP_FSETID'));
  t.false(has({ ...bind, userns: 'host' }, 'CAP_FSETID'));
  t.regex(
    message(() => config({ ...bind, capAdd: ['SETFCAP'] })),
    /CAP_SETFCAP and a folder of the host/,
  );
  for (const harmless of [{ mounts: [{ source: '/srv', target: '/data', readonly: true }] }, { ...bind, securityOpt: { setId: true } }]) {
    t.false(guarded(harmless));
    t.true(has(harmless) && has({ ...harmless, capAdd: ['SETFCAP'] }));
  }
});

test('a device of the host, by its numbers', (t) => {
  const [zero] = lookAtDevices([{ source: '/dev/zero' }]);
  t.like(zero, { type: 'c', major: 1, minor: 5 });
});

test('notices: one line for what costs', (t) => {
  t.deepEqual(confinementNotices({ name: 'box' }, undefined), []);
  t.is(confinementNotices({ name: 'box', privileged: true, network: 'host' }, undefined).length, 2);
});

test('a notice: system calls of a profile that nobody knows, the first of them and how many more', (t) => {
  const notice = (unknown: readonly string[]): string[] =>
    confinementNotices({ name: 'box', securityOpt: { seccomp: '/p.json' } }, { program: new Uint8Array(), flags: 0, unknown });
  t.deepEqual(notice([]), []);
  t.deepEqual(notice(['raed']), ['--security-opt seccomp: /p.json names system calls that crt does not know, which get no rule: raed']);
  t.regex(notice(['a', 'b', 'c', 'd', 'e', 'f', 'g'])[0] ?? '', /: a, b, c, d, e and 2 more$/);
});

test('on the host’s network the names are the host’s, and its own', (t) => {
  const contents = providedFiles('web', { hosts: '127.0.0.1 localhost\n10.0.0.1 db', resolvConf: 'nameserver 10.0.0.2\n' }).map(
    ({ content }) => content,
  );
  t.deepEqual(contents, ['web\n', '127.0.0.1 localhost\n10.0.0.1 db\n127.0.1.1\tweb\n', 'nameserver 10.0.0.2\n']);
});
