import test from 'ava';
import fc from 'fast-check';
import { BugError, UserError } from '../../src/errors.js';
import type { RunOptions } from '../../src/options.js';
import { compileRun } from '../../src/plan/compile-run.js';
import { encodePlan } from '../../src/plan/encode.js';
import { toConfig } from '../../src/spec/from-options.js';
import { parseExactJson, stringifyExactJson } from '../../src/spec/json.js';
import type { Config } from '../../src/spec/types.js';
import { validateConfig } from '../../src/spec/validate.js';
import { type Case, layoutOf, ROOTS } from '../plan/configs.js';
import { places, replaced } from './places.js';

/** The config, or undefined for one that is refused in words. */
function validate(json: unknown): Config | undefined {
  try {
    return validateConfig(json);
  } catch (error) {
    if (error instanceof UserError && error.hint !== undefined) return undefined;
    throw error;
  }
}

const other = fc.oneof(
  // As JSON writes it: it has no −0.
  fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value))),
  fc.constantFrom<unknown>('', '/', '/a', '/proc', '/../x', 'a\0b', -1, 0, 1, 0.5, 2 ** 32, 2n ** 64n - 1n, true, null, [], {}, [
    'CAP_CHOWN',
  ]),
);

const OPTIONS: readonly Omit<RunOptions, 'name'>[] = [
  {},
  { command: ['sh', '-c', 'exit 3'], tty: { rows: 5, columns: 7 }, user: 'ada:users', cwd: '/data', memory: 50 << 20, cpus: 0.5 },
  {
    readOnly: true,
    ulimits: { nofile: [64, 128] },
    mounts: [
      { source: '/srv', target: '/data' },
      { type: 'tmpfs', target: '/big' },
    ],
  },
  { privileged: true, network: 'host', hostname: 'other', groupAdd: [44], securityOpt: { label: { type: 'spc_t' } } },
];
const CONFIGS = OPTIONS.map((options) =>
  toConfig({ name: 'box', ...options }, { facts: { cpus: 2, oomScoreAdj: 0 }, rootfs: '/srv/rootfs', rootfsKind: 'directory' }),
);
const layouts = fc
  .record({ root: fc.constantFrom(...Object.values(ROOTS)), cgroup: fc.constantFrom('v1' as const, 'v2' as const, 'none' as const) })
  .map(layoutOf);

/** A config as engines write them, with one value of it changed. */
const mutated = fc.tuple(fc.constantFrom(...CONFIGS), fc.nat(), other, layouts).map(([config, at, value, layout]) => {
  const all = places(config);
  return { json: replaced(config, all[at % all.length] ?? [], value), layout };
});

test('a config with any one value changed is a config or refused in words; what is accepted is accepted as it is', (t) => {
  let accepted = 0;
  const property = fc.property(mutated, ({ json }) => {
    const config = validate(json);
    if (config === undefined) return;
    accepted += 1;
    t.deepEqual(validateConfig(config), config);
    t.deepEqual(validateConfig(parseExactJson(stringifyExactJson(config))), config);
  });
  fc.assert(property, { numRuns: 1500 });
  t.true(accepted > 30, `${accepted} were accepted`);
});

/** The plan's bytes, or undefined where the compiler says in words what it cannot do. Our own bugs are thrown. */
function compiled(config: Config, layout: Case['layout']): Buffer | undefined {
  try {
    return encodePlan(compileRun(config, layout));
  } catch (error) {
    if (error instanceof UserError && !(error instanceof BugError)) return undefined;
    throw error;
  }
}

test('what the validation accepts the compiler takes', (t) => {
  let plans = 0;
  const property = fc.property(mutated, ({ json, layout }) => {
    const config = validate(json);
    if (config === undefined) return;
    t.notThrows(() => {
      if (compiled(config, layout)) plans += 1;
    }, stringifyExactJson(config));
  });
  fc.assert(property, { numRuns: 1000 });
  t.true(plans > 20, `${plans} plans`);
});

test('any JSON is refused in words', (t) => {
  fc.assert(
    fc.property(fc.json(), (text) => void t.is(validate(parseExactJson(text)), undefined)),
    { numRuns: 500 },
  );
});

test('nested as deep as a file can be', (t) => {
  let deep: unknown = [];
  for (let level = 0; level < 200_000; level++) deep = [deep];
  for (const key of ['ociVersion', 'mounts', 'process', 'linux', 'hooks', 'unknown', 'annotations'])
    t.is(validate({ [key]: deep }), undefined);
});
